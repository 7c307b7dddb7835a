"""The database is gone over a deadline: nobody loses a bid by it, and everybody can see what was done about it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from core import attempts, clock, db, heartbeat, settings, trail
from core.identity import Role
from market import jobs, services
from market.rules.notices import NoticeState
from tests.conftest import Browse
from tests.core.test_faults import database_away
from tests.factories.market import MadeNotice, bid, make_notice, make_surveyors
from tests.stories.people import Time, time_begins

pytestmark = pytest.mark.anyio
MONDAY = datetime(2026, 3, 2, 9, tzinfo=clock.SHANGHAI)
OFFER = {"amount": "21800.00", "days": "8", "proposal": "两级检查", "honest": "on"}


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path) -> Iterator[None]:
    """A data folder of this story's own: its proof files are nobody else's."""
    before = settings.load()
    settings.use(replace(before, data=tmp_path))
    (before.data / "keys").mkdir(mode=0o700, parents=True, exist_ok=True)
    (tmp_path / "keys").symlink_to(before.data / "keys")
    yield
    settings.use(before)


async def serves(time: Time, until: datetime) -> None:
    """The web process beats until then; `time` moves along."""
    stretch: int | None = None
    while time.now < until:
        stretch, _ = await heartbeat.beat(heartbeat.WEB, stretch)
        time.goes_to(min(until, time.now + timedelta(seconds=45)))
    await heartbeat.beat(heartbeat.WEB, stretch)


async def test_an_outage_never_costs_a_bidder(committed_db: str, browse: Browse) -> None:
    with time_begins(MONDAY) as time:
        made = await make_notice()
        early, late = await make_surveyors(2)
        await bid(early, made)
        time.goes_to(made.deadline - timedelta(hours=2))
        await serves(time, made.deadline - timedelta(minutes=20))
        browser = await browse(late.member)
        form = browser.guard() | OFFER

        time.goes_to(made.deadline - timedelta(minutes=5))
        async with database_away(committed_db):
            refused = await browser.post(f"/notices/{made.notice_id}/bids", data=form)
            assert refused.status_code == 503
            assert "没有丢失" in refused.text
        (proof,) = list(attempts.folder().glob("*.jsonl"))
        assert "21800" not in proof.read_text("utf-8"), "no content"
        assert str(made.notice_id) not in proof.read_text("utf-8").partition('"path":')[2].partition(",")[0]

        time.goes_to(made.deadline + timedelta(minutes=10))
        await jobs.open_bids(made.notice_id)
        assert (await made.row()).state is NoticeState.PUBLISHED, "nobody was there to hand in to: it waits"

        await heartbeat.beat(heartbeat.WEB)
        await jobs.open_bids(made.notice_id)
        assert await attempts.take_over() == 1
        assert await attempts.take_over() == 0
        await the_deadline_has_moved(made, time, browse)

        again = await browse(late.member)
        sent = await again.post(f"/notices/{made.notice_id}/bids", data=again.guard() | OFFER)
        assert sent.status_code == 303, sent.text
        mine = await again.get("/outages/mine")
        assert "/notices/#/bids" in mine.text

        deadline = (await made.row()).deadline
        await serves(time, deadline)
        await services.sweep_notices()
        assert await db.value("select received from market_opening where notice = $1", made.notice_id) == 2


async def the_deadline_has_moved(made: MadeNotice, time: Time, browse: Browse) -> None:
    """By the published rule: four hours after service came back, to the full quarter; everybody can read it."""
    row = await made.row()
    assert row.deadline >= time.now + timedelta(hours=4)
    assert row.deadline - time.now < timedelta(hours=4, minutes=15)
    await trail.publish()
    public = await browse()
    listed = await public.get("/outages")
    assert "/outages/1" in listed.text
    assert (await public.get("/outages/1")).text.count(row.title) == 1
    told = await db.rows("select distinct message from core_mail where message = 'market/deadline_moved'")
    assert len(told) == 1
    assert (
        await db.value("select count(*) from core_trail_entry where act in ('notice.extended', 'attempts.kept')") == 2
    )
    stranger = await browse(Role.AGENCY)
    assert "/notices/#/bids" not in (await stranger.get("/outages/mine")).text
