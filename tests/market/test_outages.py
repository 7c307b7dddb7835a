"""Outages at work: openings are held, deadlines move once, people are told, sealed bids stay."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from core import clock, db, heartbeat
from core.identity import Role
from market import jobs as market_jobs
from market import services
from market.queries.outages import extensions_of, outages
from market.rules.notices import NoticeState, SelectionMethod
from tests.conftest import Browse
from tests.factories.market import MadeNotice, bid, make_notice, make_surveyors

pytestmark = pytest.mark.anyio
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def taken_over(web_app: object) -> Iterator[None]:
    async def take(_award_id: int) -> None:
        return None

    before = services.AWARDED._takers
    services.AWARDED.supply(take)
    yield
    services.AWARDED.supply(*before)


async def served(since: datetime, until: datetime, process: str = heartbeat.WEB) -> None:
    """A process beat all the time in between."""
    await db.execute(
        "insert into core_heartbeat (process, since_at, until_at) values ($1, $2, $3)", process, since, until
    )


async def with_bids() -> MadeNotice:
    made = await make_notice()
    for agency in await make_surveyors(2):
        await bid(agency, made)
    return made


async def test_without_an_outage_the_opening_waits_only_for_proof_of_service(db: None) -> None:
    made = await with_bids()
    await served(made.deadline - 9 * HOUR, made.deadline - timedelta(seconds=5))
    with clock.at(made.deadline):
        assert not await services.open_bids(made.notice_id), "the last beat was before the deadline"
        await heartbeat.beat(heartbeat.WEB)
        assert await services.open_bids(made.notice_id)


async def test_down_at_the_deadline_holds_the_opening_then_moves_it(db: None) -> None:
    made = await with_bids()
    await served(made.deadline - 9 * HOUR, made.deadline - 2 * MINUTE)
    await served(made.deadline - 9 * HOUR, made.deadline + HOUR, heartbeat.WORKER)
    with clock.at(made.deadline + HOUR):
        await services.sweep_notices()
        assert (await made.row()).state is NoticeState.PUBLISHED, "the worker alone takes in nothing"
    with clock.at(made.deadline + 2 * HOUR):
        await heartbeat.beat(heartbeat.WEB)
        assert not await services.open_bids(made.notice_id), "the extension comes first"
        row = await made.row()
        assert row.deadline == made.deadline + 6 * HOUR
    await served(made.deadline + 2 * HOUR, made.deadline + 7 * HOUR)
    with clock.at(made.deadline + 6 * HOUR):
        assert await services.open_bids(made.notice_id)
    (moved,) = await extensions_of(made.notice_id)
    assert (moved.old_deadline, moved.new_deadline) == (made.deadline, made.deadline + 6 * HOUR)


async def test_ten_minutes_before_the_deadline_move_it_and_all_who_may_offer_are_told(db: None) -> None:
    made = await make_notice()
    first, second = await make_surveyors(2)
    await bid(first, made)
    await served(made.deadline - 9 * HOUR, made.deadline - 3 * HOUR)
    await served(made.deadline - 3 * HOUR + 15 * MINUTE, made.deadline - 2 * HOUR)
    with clock.at(made.deadline - 2 * HOUR):
        assert await services.log_outages() == 1
        assert await services.log_outages() == 0
        assert await services.sweep_notices() == 0
    row = await made.row()
    assert row.deadline == made.deadline + HOUR + 15 * MINUTE
    told = await db_letters("market/deadline_moved")
    assert {made.client.organization_id, first.organization_id, second.organization_id} <= told
    entry = await trail_of("notice.extended")
    assert entry == 1


async def db_letters(message: str) -> set[int]:
    found = await db.rows(
        "select x.organization from core_mail m join core_membership x on x.account = m.account where m.message = $1",
        message,
    )
    return {row["organization"] for row in found}


async def trail_of(act: str) -> int:
    found: int = await db.value("select count(*) from core_trail_entry where act = $1", act)
    return found


async def test_nine_minutes_are_logged_but_move_nothing(db: None) -> None:
    made = await make_notice()
    await served(made.deadline - 9 * HOUR, made.deadline - 3 * HOUR)
    await served(made.deadline - 3 * HOUR + 9 * MINUTE, made.deadline + MINUTE)
    with clock.at(made.deadline - 2 * HOUR):
        assert await services.log_outages() == 0
    assert (await made.row()).deadline == made.deadline
    assert [row.lasted for row in await outages(limit=9)] == [9 * MINUTE]


async def test_two_servers_and_only_one_is_down(db: None) -> None:
    made = await make_notice()
    await served(made.deadline - 9 * HOUR, made.deadline - 3 * HOUR)
    await served(made.deadline - 9 * HOUR, made.deadline + MINUTE)
    with clock.at(made.deadline):
        await services.sweep_notices()
    assert await outages(limit=9) == []


async def test_a_direct_offer_is_extended_too_and_only_its_two_sides_are_told(db: None) -> None:
    first, other = await make_surveyors(2)
    made = await make_notice(method=SelectionMethod.DIRECT, agency_id=first.agency_id)
    await served(made.deadline - 9 * HOUR, made.deadline - MINUTE)
    await served(made.deadline + 20 * MINUTE, made.deadline + HOUR)
    with clock.at(made.deadline + HOUR):
        assert not await services.lapse_offer(made.notice_id)
        await services.accept_offer(first.member, notice_id=made.notice_id)
    assert (await made.row()).state is NoticeState.SELECTED
    told = await db_letters("market/deadline_moved")
    assert first.organization_id in told
    assert other.organization_id not in told


async def test_a_held_opening_asks_again_soon(db: None) -> None:
    made = await with_bids()
    await served(made.deadline - 9 * HOUR, made.deadline - timedelta(seconds=5))
    with clock.at(made.deadline):
        await market_jobs.open_bids(made.notice_id)
    later: datetime = await db_value_of_job(made.notice_id)
    assert later == made.deadline + heartbeat.EVERY


async def db_value_of_job(notice_id: int) -> datetime:
    found: datetime = await db.value(
        "select max(scheduled_at) from procrastinate_jobs where task_name = 'market.open_bids'"
        " and args->>'notice_id' = $1",
        str(notice_id),
    )
    return found


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
async def test_the_pages_say_what_was_moved(db: None, browse: Browse, api: Browse, lang: str) -> None:
    made = await make_notice()
    await served(made.deadline - 9 * HOUR, made.deadline - HOUR)
    await served(made.deadline - 30 * MINUTE, made.deadline)
    with clock.at(made.deadline - MINUTE):
        await services.log_outages()
    public = await browse(lang=lang)
    (row,) = await outages(limit=9)
    listed, one = await public.get("/outages"), await public.get(f"/outages/{row.id}")
    assert (listed.status_code, one.status_code) == (200, 200)
    assert (await made.row()).title in one.text
    notice = await public.get(f"/notices/{made.notice_id}")
    assert f"/outages/{row.id}" in notice.text
    assert (await public.get("/outages/999999")).status_code == 404
    program = await api(None)
    told = (await program.get(f"/api/v1/outages/{row.id}")).json()
    assert told["moved"][0]["notice_id"] == made.notice_id
    assert (await program.get("/api/v1/outages")).json()["items"][0]["seconds"] == 1800
    feed = await public.get("/outages.atom")
    assert feed.headers["content-type"].startswith("application/atom+xml")
    mine = await (await browse(Role.AGENCY, lang=lang)).get("/outages/mine")
    assert mine.status_code == 200
