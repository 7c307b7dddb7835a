"""Saved searches, feeds and the calendar: what reaches people who do not look."""

import secrets
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from xml.etree import ElementTree as ET

import httpx
import pytest

from core import clock, db, feeds
from core import db as base
from core.errors import NotFound
from core.identity import Role
from market import services
from market.queries.searches import my_searches
from market.rules.amendments import Amendment
from market.rules.searches import MOST_SEARCHES, Frequency, SearchDraft, TooManySearches
from market.services.notices import as_draft
from market.services.searches import token_of
from tests.conftest import Browse
from tests.factories import core as make
from tests.factories.market import make_notice, make_project

pytestmark = pytest.mark.anyio
ATOM = "{http://www.w3.org/2005/Atom}"


async def letters(account_id: int) -> list[dict[str, object]]:
    found = await db.rows(
        "select context from core_mail where account = $1 and message = 'market/search_hits' order by id", account_id
    )
    return [row["context"] for row in found]


async def test_a_match_is_told_once_and_others_are_not(db: None) -> None:
    reader, other = await make.member(Role.AGENCY), await make.member(Role.AGENCY)
    await services.save_search(reader, draft=SearchDraft("涂料", Frequency.IMMEDIATELY, query="涂料", item="XT-SV-01"))
    await services.save_search(other, draft=SearchDraft("加油", Frequency.IMMEDIATELY, query="加油站"))
    made = await make_notice()
    for _ in range(2):
        await services.tell_searchers(made.notice_id)
    (letter,) = await letters(reader.account_id)
    assert letter["notices"][0]["id"] == made.notice_id  # type: ignore[index]
    assert await letters(other.account_id) == []
    (row,) = await my_searches(reader)
    assert row.hits == 1


async def test_a_digest_gathers_and_catches_up(db: None) -> None:
    reader = await make.member(Role.AGENCY)
    await services.save_search(reader, draft=SearchDraft("全部", Frequency.DAILY))
    project_id, client = await make_project()
    first = await make_notice(client, project_id=project_id)
    await make_notice(client, project_id=project_id)
    await services.tell_searchers(first.notice_id)
    assert await letters(reader.account_id) == []
    await services.send_digests()
    await services.send_digests()
    (letter,) = await letters(reader.account_id)
    assert len(letter["notices"]) == 2  # type: ignore[arg-type]


async def test_publishing_enqueues_the_matching(db: None) -> None:
    made = await make_notice()
    found = await db_value(made.notice_id)
    assert found == 1


async def db_value(notice_id: int) -> int:
    count: int = await db.value(
        "select count(*) from procrastinate_jobs where task_name = 'market.tell_searchers' and args->>'notice_id' = $1",
        str(notice_id),
    )
    return count


async def test_there_is_an_end_to_saving(db: None) -> None:
    reader = await make.member(Role.CLIENT)
    for _ in range(MOST_SEARCHES):
        await services.save_search(reader, draft=SearchDraft("甲", Frequency.DAILY))
    with pytest.raises(TooManySearches):
        await services.save_search(reader, draft=SearchDraft("甲", Frequency.DAILY))


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
async def test_saving_and_stopping_on_the_pages(db: None, browse: Browse, lang: str) -> None:
    reader = await make.member(Role.AGENCY)
    browser = await browse(reader, lang=lang)
    form = await browser.get("/searches/new?q=测绘&method=random-draw")
    assert "测绘" in form.text
    refused = await browser.submit("/searches/new", {"q": "测绘", "frequency": "daily"})
    assert refused.status_code == 422
    assert "测绘" in refused.text
    saved = await browser.submit("/searches/new", {"name": "我的", "q": "测绘", "frequency": "daily"})
    assert saved.status_code == 303
    assert "我的" in (await browser.get("/searches")).text
    (row,) = await my_searches(reader)
    other = await browse(Role.AGENCY)
    assert (await other.submit(f"/searches/{row.id}/end")).status_code == 404
    public = await browse(lang=lang)
    link = f"/searches/{row.id}/stop/{token_of(row.id, reader.account_id)}"
    assert (await public.get(link)).status_code == 200
    assert len(await my_searches(reader)) == 1, "opening the link changes nothing"
    assert (await public.submit(f"/searches/{row.id}/stop/{'0' * 40}")).status_code == 404
    assert (await public.submit(link)).status_code == 200
    assert await my_searches(reader) == []


async def test_the_api_does_the_same(db: None, api: Browse) -> None:
    program = await api(Role.AGENCY)
    made = await program.post(
        "/api/v1/searches",
        json={"name": "甲", "frequency": "daily", "q": "测绘"},
        headers={"Idempotency-Key": secrets.token_hex(8)},
    )
    assert made.status_code == 201, made.text
    listed = (await program.get("/api/v1/searches")).json()["items"]
    assert [one["id"] for one in listed] == [made.json()["id"]]
    ended = await program.delete(
        f"/api/v1/searches/{made.json()['id']}", headers={"Idempotency-Key": secrets.token_hex(8)}
    )
    assert ended.status_code == 200
    assert (await program.get("/api/v1/searches")).json()["items"] == []


async def test_the_notice_feed_is_atom_and_cached(db: None, browse: Browse) -> None:
    made = await make_notice()
    public = await browse()
    reply = await public.get("/notices.atom?q=涂料&phase=collecting")
    feed = ET.fromstring(reply.content)
    assert feed.tag == f"{ATOM}feed"
    for name in ("id", "title", "updated", "author"):
        assert feed.find(ATOM + name) is not None
    entries = feed.findall(f"{ATOM}entry")
    assert entries[0].findtext(f"{ATOM}id") == f"tag:127.0.0.1,2026:notice/{made.notice_id}"
    again = await public.get("/notices.atom?q=涂料&phase=collecting", headers={"if-none-match": reply.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    dated = await public.get(
        "/notices.atom?q=涂料&phase=collecting", headers={"if-modified-since": reply.headers["last-modified"]}
    )
    assert dated.status_code == 304
    assert parsedate_to_datetime(reply.headers["last-modified"]).tzinfo is not None
    nothing = ET.fromstring((await public.get("/notices.atom?q=没有这样的")).content)
    assert nothing.findall(f"{ATOM}entry") == []


async def test_my_deadlines_in_my_calendar(db: None, browse: Browse) -> None:
    made = await make_notice()
    owner = await browse(made.client)
    shown = await owner.submit("/calendar-feed")
    address = shown.text.partition("http://127.0.0.1:8000")[2].partition("deadlines.ics")[0]
    public = await browse()
    file = await public.get(f"{address}deadlines.ics")
    assert file.headers["content-type"] == "text/calendar; charset=utf-8"
    assert f"DTSTART:{made.deadline:%Y%m%dT%H%M%SZ}" in file.text
    assert all(len(line) <= 75 for line in file.content.split(b"\r\n"))
    with clock.at(clock.now() + timedelta(minutes=1)):
        later = await public.get(f"{address}deadlines.ics")
    assert uids(file.text) == uids(later.text)
    (row,) = await feeds.my_feeds(made.client)
    assert (await (await browse(Role.CLIENT)).submit(f"/calendar-feed/{row.id}/end")).status_code == 404
    await feeds.end_feed(made.client, feed_id=row.id)
    assert (await public.get(f"{address}deadlines.ics")).status_code == 404
    with pytest.raises(NotFound):
        await feeds.holder("nothing")


async def test_the_entries_of_my_calendar_are_the_same_in_both_languages_and_each_has_its_own(
    db: None, browse: Browse
) -> None:
    made = await make_notice()
    await make_notice(made.client)
    address = (await (await browse(made.client)).submit("/calendar-feed")).text.partition("http://127.0.0.1:8000")[2]
    address = address.partition("deadlines.ics")[0] + "deadlines.ics"
    public = await browse()
    chinese = (await public.get(address)).text
    await base.execute("update core_account set language = 'en' where id = $1", made.client.account_id)
    english = (await public.get(address)).text
    assert chinese != english
    assert uids(chinese) == uids(english)
    assert len(set(uids(chinese))) == len(uids(chinese)) > 1


def uids(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("UID:")]


def entry_of(reply: httpx.Response) -> tuple[str, str]:
    entry = ET.fromstring(reply.content).find(f"{ATOM}entry")
    assert entry is not None
    return entry.findtext(f"{ATOM}updated", ""), entry.findtext(f"{ATOM}summary", "")


async def test_an_entry_is_updated_when_its_deadline_moves_and_when_it_has_come(db: None, browse: Browse) -> None:
    made = await make_notice()
    public = await browse()
    first, _words = entry_of(await public.get("/notices.atom"))
    amended_at = clock.now() + timedelta(hours=1)
    draft = as_draft(await made.row())
    amendment = Amendment(
        scale="约 3 公顷",
        requirements=draft.requirements,
        payment_terms=draft.payment_terms,
        ceiling=draft.ceiling,
        days_limit=draft.days_limit,
        deadline=draft.deadline + timedelta(days=3),
    )
    with clock.at(amended_at):
        await services.amend_notice(
            made.client, notice_id=made.notice_id, version=2, amendment=amendment, reason="范围扩大"
        )
        second, words = entry_of(await public.get("/notices.atom"))
        assert second > first
        assert f"{clock.shanghai(amendment.deadline):%Y-%m-%d}" in words or "截止" in words
        known = {"if-modified-since": format_datetime(amended_at - timedelta(minutes=1), usegmt=True)}
        assert (await public.get("/notices.atom", headers=known)).status_code == 200
    with clock.at(amendment.deadline + timedelta(seconds=1)):
        third, _words = entry_of(await public.get("/notices.atom"))
        assert third > second


async def test_an_outage_that_moves_a_deadline_updates_the_entry(db: None, browse: Browse) -> None:
    made = await make_notice()
    outage = await db_outage(made.deadline)
    decided = made.deadline - timedelta(minutes=30)
    await base.execute(
        """insert into market_extension (notice, outage, old_deadline, new_deadline, lost_seconds, counted_until,
               decided_at) values ($1, $2, $3, $4, 1800, $5, $6)""",
        made.notice_id,
        outage,
        made.deadline,
        made.deadline + timedelta(hours=4),
        decided,
        decided,
    )
    updated, _words = entry_of(await (await browse()).get("/notices.atom"))
    assert updated.startswith(f"{decided:%Y-%m-%dT%H:%M}")


async def db_outage(deadline: datetime) -> int:
    outage: int = await base.value(
        "insert into market_outage (since_at, until_at, logged_at) values ($1, $2, $2) returning id",
        deadline - timedelta(hours=1),
        deadline - timedelta(minutes=30),
    )
    return outage


async def test_the_calendar_for_programs(db: None, api: Browse, browse: Browse) -> None:
    made = await make_notice()
    program = await api(made.client)
    (due,) = (await program.get("/api/v1/deadlines")).json()["items"]
    assert datetime.fromisoformat(due["due_at"]) == made.deadline
    assert due["url"].endswith(f"/notices/{made.notice_id}")
    assert (await program.post("/api/v1/calendar-feeds", json={})).status_code == 400
    opened = await program.post("/api/v1/calendar-feeds", json={}, headers={"Idempotency-Key": "open-a-feed-1"})
    assert opened.status_code == 201
    address = opened.json()["address"]
    path = address.removeprefix("http://127.0.0.1:8000")
    assert path != address
    assert (await (await browse()).get(path)).status_code == 200
    assert await base.value("select count(*) from core_once") == 0, "an answer with a secret is not kept"
    (row,) = (await program.get("/api/v1/calendar-feeds")).json()["items"]
    ended = {"Idempotency-Key": "end-a-feed-1"}
    foreign = await (await api(Role.CLIENT)).delete(f"/api/v1/calendar-feeds/{row['id']}", headers=ended)
    assert foreign.status_code == 404
    assert (await program.delete(f"/api/v1/calendar-feeds/{row['id']}", headers=ended)).status_code == 200
    assert (await (await browse()).get(path)).status_code == 404
    assert (await (await api()).get("/api/v1/deadlines")).status_code == 401
