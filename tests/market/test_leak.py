"""Nothing in the database tells price, content or bidder before the opening; all of it does after.

A unique price and a unique sentence are looked for in every row of every table, in the usual
encodings. The positive control after the opening shows that the search would have found them.
"""

import base64
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import asyncpg
import pytest

from core import clock
from market import services
from market.rules.bids import Offer
from tests.factories.market import make_notice, make_surveyors, open_and_select

pytestmark = pytest.mark.anyio

PRICE = "27183.46"
SENTENCE = "独木舟渡青石峡方案"


def spellings(secret: str) -> Iterator[bytes]:
    """The forms in which a secret could lie about."""
    for raw in (secret.encode(), secret.encode("utf-16-le"), secret.encode("unicode_escape")):
        yield raw
        yield raw.hex().encode()
        for shift in range(3):
            encoded = base64.b64encode(b"\0" * shift + raw)
            yield encoded[4:-4] if shift else encoded[: len(encoded) - 4]


async def dump(owner_url: str) -> dict[str, bytes]:
    """Every row of every table as text, read as the owner."""
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


def hits(tables: dict[str, bytes], *secrets: str) -> set[str]:
    return {name for name, text in tables.items() for secret in secrets for form in spellings(secret) if form in text}


async def test_price_and_content_leak_nowhere_before_the_opening(committed_db: str) -> None:
    made = await make_notice()
    agency, rival = await make_surveyors(2)
    offer = Offer(Decimal("19000.00"), 8, "别的方案")
    await services.submit_bid(rival.member, notice_id=made.notice_id, offer=offer)
    offer = Offer(Decimal(PRICE), 8, SENTENCE)
    await services.submit_bid(agency.member, notice_id=made.notice_id, offer=offer)
    await services.replace_bid(agency.member, notice_id=made.notice_id, offer=offer)

    assert hits(await dump(committed_db), PRICE, SENTENCE) == set()

    await open_and_select(made)
    assert "public.market_bid" in hits(await dump(committed_db), PRICE)
    assert "public.market_bid" in hits(await dump(committed_db), SENTENCE)


async def test_nothing_written_by_a_bid_names_the_bidder(committed_db: str) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    before = await dump(committed_db)
    with clock.at(clock.now() + timedelta(minutes=1)):
        offer = Offer(Decimal(PRICE), 8, SENTENCE)
        await services.submit_bid(agency.member, notice_id=made.notice_id, offer=offer)
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
    offer = Offer(Decimal(PRICE), 8, SENTENCE)
    await services.submit_bid(agency.member, notice_id=made.notice_id, offer=offer)
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
