"""Nothing tells price, content or bidder before the opening; all of it does after (promise G5).

A unique price and a unique sentence are looked for in every row of every table, in the database's own files and
write-ahead log, in stored files, letters, logs, the environment, and in every page and API reply of every role, in
the usual encodings. The positive control after the opening shows that the search would have found them.
"""

import base64
import gzip
import os
import re
import struct
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest
from litestar import Litestar

from core import clock, settings
from core.identity import Identity, Role
from market import services
from market.rules.bids import Attachment, Offer
from tests.conftest import Browse
from tests.factories.market import MadeNotice, make_notice, make_surveyors, open_and_select

pytestmark = pytest.mark.anyio

PRICE = "27183.46"
SENTENCE = "独木舟渡青石峡方案"
FILE_MARK = "七星瓢虫标记"
PDF = Attachment("方案.pdf", b"%PDF-1.4\n" + FILE_MARK.encode() + b"\n%%EOF")
OFFER = Offer(Decimal(PRICE), 8, SENTENCE, attachments=(PDF,))


def spellings(secret: str) -> Iterator[bytes]:
    """The forms in which a secret could lie about."""
    raws = [secret.encode(), secret.encode("utf-16-le"), secret.encode("utf-16-be"), secret.encode("unicode_escape")]
    if secret == PRICE:  # PostgreSQL's numeric: digits to the base of ten thousand
        yield struct.pack("<3h", 2, 7183, 4600)
        raws += [b"27,183.46", b"27 183.46", b"2.718346"]
    for raw in raws:
        yield raw
        yield raw.hex().encode()
        for shift in range(3):
            encoded = base64.b64encode(b"\0" * shift + raw)
            yield encoded[4:-4] if shift else encoded[: len(encoded) - 4]


REFUSED_MARK = "八角金盘标记"
REFUSED = Attachment("方案.pdf", b"%PDF-1.4\n" + REFUSED_MARK.encode() + b"\n%%EOF")
WAL_PAGE = 8192
FORMS = {secret: tuple(spellings(secret)) for secret in (PRICE, SENTENCE, FILE_MARK, REFUSED_MARK)}


def hits(found: dict[str, bytes], *secrets: str) -> set[str]:
    """The places where a secret lies, in any spelling."""
    return {name for name, text in found.items() for secret in secrets for form in FORMS[secret] if form in text}


async def dump(owner_url: str) -> dict[str, bytes]:
    """Every row of every table as text, read as the owner: letters, job arguments and replies included."""
    link = await asyncpg.connect(owner_url)
    try:
        tables = await link.fetch(
            "select format('%I.%I', schemaname, tablename) as name from pg_tables"
            " where schemaname not in ('pg_catalog', 'information_schema')"
        )
        found = {}
        for table in tables:
            lines = await link.fetch(f"select t::text as line from {table['name']} t")
            found[table["name"]] = "\n".join(row["line"] or "" for row in lines).encode()
        return found
    finally:
        await link.close()


async def database_files(owner_url: str) -> dict[str, bytes]:
    """What the server has written: this database's own files and the write-ahead log of all."""
    link = await asyncpg.connect(owner_url)
    try:
        pid = await link.fetchval("select pg_backend_pid()")
        number = await link.fetchval("select oid from pg_database where datname = current_database()")
        home = Path(os.readlink(f"/proc/{pid}/cwd"))
        await link.execute("set synchronous_commit = on")  # a commit that waits writes everything before it
        await link.execute("create table flushed ()")
        await link.execute("drop table flushed")
    finally:
        await link.close()
    written = {path: without_page_headers(body) for path, body in files_below(home / "pg_wal").items()}
    written |= files_below(home / "base" / str(number), home / "log")
    return written | {path.name: path.read_bytes() for path in home.parent.glob("*.log")}


def without_page_headers(segment: bytes) -> bytes:
    """What is written in a segment of the write-ahead log, so that a text is found where a page ends within it.

    Each 8 kB page begins with a header of 24 bytes, the first of a segment with one of 40 (PostgreSQL, xlog_internal.h).
    """
    pages = range(0, len(segment), WAL_PAGE)
    return b"".join(segment[at + (24 if at else 40) : at + WAL_PAGE] for at in pages)


def files_below(*folders: Path) -> dict[str, bytes]:
    """Every file, unpacked where it is packed."""
    found = {}
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                body = path.read_bytes()
                found[str(path)] = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    return found


def lying_about() -> dict[str, bytes]:
    """Stored files, letters, keys, drafts, and the environment of the process."""
    environment = "\n".join(f"{name}={value}" for name, value in os.environ.items()).encode()
    return files_below(settings.load().data) | {"environment": environment}


async def readers(browse: Browse, client: Identity) -> dict[str, object]:
    """A browser for every kind of reader, the notice's own client and a rival agency among them."""
    people: dict[str, Identity | Role | None] = {role.value: role for role in Role if role is not Role.SYSTEM}
    return {name: await browse(who) for name, who in (people | {"visitor": None, "owner": client}).items()}


def addresses(app: Litestar, made: MadeNotice) -> list[str]:
    """Every address that can be read, filled with this notice's numbers."""
    known = {"notice_id": made.notice_id, "project_id": made.project_id}
    found = set()
    for route in app.routes:
        if "GET" not in getattr(route, "methods", ()) or route.path.startswith(("/static", "/schema")):
            continue
        if route.path.endswith("/events"):  # a stream has no end; what it says is in test_live
            continue
        path = re.sub(r"\{(\w+)(?::\w+)?\}", lambda hit: str(known.get(hit[1], 1)), route.path)
        found.add(path)
    return sorted(found)


async def everything_read(app: Litestar, browse: Browse, made: MadeNotice) -> dict[str, bytes]:
    """Every page and reply, for every reader; refusals have a text as well."""
    read = {}
    for name, browser in (await readers(browse, made.client)).items():
        for address in addresses(app, made):
            reply = await browser.get(address)  # type: ignore[attr-defined]
            read[f"{name} {address}"] = reply.content + str(dict(reply.headers)).encode()
    return read


def test_a_text_across_two_pages_of_the_log_is_found() -> None:
    text = SENTENCE.encode()
    segment = b"h" * 40 + b"." * (WAL_PAGE - 40 - 10) + text[:10] + b"h" * 24 + text[10:] + b"." * 99
    assert not hits({"wal": segment}, SENTENCE)
    assert hits({"wal": without_page_headers(segment)}, SENTENCE)


async def test_price_and_content_leak_nowhere_before_the_opening(
    committed_db: str, web_app: Litestar, browse: Browse, capfd: pytest.CaptureFixture[str]
) -> None:
    made = await make_notice()
    agency, rival = await make_surveyors(2)
    offer = Offer(Decimal("19000.00"), 8, "别的方案")
    await services.submit_bid(rival.member, notice_id=made.notice_id, offer=offer)
    await services.submit_bid(agency.member, notice_id=made.notice_id, offer=OFFER)
    await services.replace_bid(agency.member, notice_id=made.notice_id, offer=OFFER)

    secrets = (PRICE, SENTENCE, FILE_MARK)
    assert hits(await dump(committed_db), *secrets) == set()
    assert hits(await database_files(committed_db), *secrets) == set()
    assert hits(await everything_read(web_app, browse, made), *secrets) == set()
    assert hits(lying_about(), *secrets) == set()
    said = capfd.readouterr()
    assert hits({"log": (said.out + said.err).encode()}, *secrets) == set()

    await open_and_select(made)
    after = await dump(committed_db)
    assert "public.market_bid" in hits(after, PRICE)
    assert "public.market_bid" in hits(after, SENTENCE)
    assert hits(await database_files(committed_db), SENTENCE)
    assert hits(await database_files(committed_db), PRICE)
    assert hits(lying_about(), FILE_MARK)
    shown = hits(await everything_read(web_app, browse, made), PRICE)
    assert f"visitor /notices/{made.notice_id}/result" in shown
    assert f"visitor /api/v1/notices/{made.notice_id}/result" in shown


async def test_a_refused_bid_leaves_its_content_nowhere(
    committed_db: str, browse: Browse, capfd: pytest.CaptureFixture[str]
) -> None:
    """The form comes back as typed, and neither its files nor its price stay behind."""
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    browser = await browse(agency.member)
    answers = {"amount": PRICE, "days": "8", "proposal": SENTENCE}  # without the commitment
    upload = {"sealed_files": (REFUSED.name, REFUSED.body, "application/pdf")}
    reply = await browser.submit(f"/notices/{made.notice_id}/bids", answers, files=upload)
    assert reply.status_code == 422
    assert SENTENCE in reply.text
    secrets = (PRICE, SENTENCE, REFUSED_MARK)
    assert hits(await dump(committed_db), *secrets) == set()
    assert hits(lying_about(), *secrets) == set()
    said = capfd.readouterr()
    assert hits({"log": (said.out + said.err).encode()}, *secrets) == set()


async def test_no_page_of_anybody_else_changes_when_a_bid_arrives(
    committed_db: str, web_app: Litestar, browse: Browse
) -> None:
    """Neither who nor how many: the pages of all others are the same before and after, but for the trail's own."""
    made = await make_notice()
    agency, rival = await make_surveyors(2)
    with clock.at(clock.now() + timedelta(minutes=1)):
        people = await readers(browse, made.client) | {"rival": await browse(rival.member)}
        watched = [address for address in addresses(web_app, made) if not re.search(r"trail|feed|\.xlsx", address)]
        before = {name: [plain(await b.get(at)) for at in watched] for name, b in people.items()}  # type: ignore[attr-defined]
        await services.submit_bid(agency.member, notice_id=made.notice_id, offer=OFFER)
        after = {name: [plain(await b.get(at)) for at in watched] for name, b in people.items()}  # type: ignore[attr-defined]
    changed = [
        f"{name} {at}"
        for name in people
        for at, old, new in zip(watched, before[name], after[name], strict=True)
        if old != new
    ]
    assert changed == []


def plain(reply: object) -> str:
    """A page without what is fresh each time."""
    text: str = reply.text  # type: ignore[attr-defined]
    return re.sub(r'(name="_(?:csrf|once)" value|"x-csrf-token"|data-now|content)="?[^"]*"?', "", text)


async def test_nothing_written_by_a_bid_names_the_bidder(committed_db: str) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    before = await dump(committed_db)
    with clock.at(clock.now() + timedelta(minutes=1)):
        await services.submit_bid(agency.member, notice_id=made.notice_id, offer=OFFER)
    after = await dump(committed_db)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"public.market_bid", "public.core_trail_entry"}
    for name in changed:
        written = after[name].replace(before[name], b"")
        for fact in (agency.uscc, agency.name_zh, agency.member.name):
            assert fact.encode() not in written


async def test_only_opened_bids_show_who_bid(committed_db: str) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    await services.submit_bid(agency.member, notice_id=made.notice_id, offer=OFFER)
    link = await asyncpg.connect(committed_db)
    try:
        row = await link.fetchrow("select agency, account from market_bid")
        assert list(row) == [None, None]
        entry = await link.fetchrow(
            "select account_id, organization_id, role, threads from core_trail_entry where act = 'envelope.sealed'"
        )
        assert list(entry)[:3] == [None, None, ""]
        assert not any(thread.startswith(("notice:", "agency:")) for thread in entry["threads"])
    finally:
        await link.close()
