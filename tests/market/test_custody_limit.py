"""No custodian keeps a market hostage: any two open, and when two fail the waiting ends by rule."""

from datetime import datetime, timedelta

import pytest

from core import clock, heartbeat
from core import db as base
from core.identity import Role
from core.workdays import calendar
from market import content, services
from market.queries import custody
from market.queries.desk import desk_items
from market.queries.notices import opened_bids
from market.rules.notices import FundSource, NoticeState, Phase
from market.services.custody import ShareNotNeeded
from tests.conftest import Browse
from tests.factories import market as factory
from tests.factories.market import bid, client_key, make_notice, make_surveyors
from tests.market.test_custody import sealed_box

pytestmark = pytest.mark.anyio
LIMIT = content.edition("XT-SEL-2026.1").custody.open_within_wd


async def letters(message: str) -> list[int]:
    found = await base.rows("select account from core_mail where message = $1 order by account", message)
    return [row["account"] for row in found]


async def test_nobody_hands_over_so_the_notice_fails_and_stays_closed(db: None, web_app: object) -> None:
    made, supervisor = await sealed_box()
    until = (await calendar()).due_at(made.deadline, LIMIT)
    with clock.at(made.deadline):
        assert not await services.open_bids(made.notice_id)
        assert await custody.open_until(await made.row()) == until
        waiting = {item.href: item.due_at for item in await desk_items(supervisor, clock.now())}
        assert waiting[f"/notices/{made.notice_id}/share"] == until
    with clock.at(until - timedelta(microseconds=1)):
        assert await services.sweep_notices() == 0
        assert (await made.row()).phase is Phase.OPENING
    with clock.at(until):
        assert await services.sweep_notices() == 1
        assert await services.sweep_notices() == 0
        row = await made.row()
        assert row.state is NoticeState.FAILED
        assert row.ending is not None
        assert (row.ending.code, row.ending.params) == ("shares-missing", {"days": LIMIT})
        with pytest.raises(ShareNotNeeded):
            await services.release_share(made.client, notice_id=made.notice_id, key=client_key(made.client))
    assert await opened_bids(made.notice_id) == []
    rows = await base.rows("select state, amount, agency from market_bid where notice = $1", made.notice_id)
    assert {tuple(one) for one in rows} == {("sealed", None, None)}
    lapsed = "select count(*) from core_trail_entry where subject = $1 and act = 'opening.lapsed'"
    assert await base.value(lapsed, f"notice:{made.notice_id}") == 1
    assert await letters("market/selection_failed") == sorted([made.client.account_id, supervisor.account_id])
    assert await base.value("select count(*) from market_bond") == 0, "before an opening nobody owes a bond"
    again = await services.repost_notice(
        made.client, notice_id=made.notice_id, deadline=await factory.soonest(FundSource.PUBLIC)
    )
    assert again.notice_id != made.notice_id


@pytest.mark.parametrize("refuser", [Role.CLIENT, Role.MARKET_SUPERVISOR])
async def test_one_custodian_that_refuses_holds_nothing_up(db: None, refuser: Role) -> None:
    made, supervisor = await sealed_box()
    until = (await calendar()).due_at(made.deadline, LIMIT)
    with clock.at(until - timedelta(seconds=1)):
        await services.open_bids(made.notice_id)
        if refuser is Role.CLIENT:
            key = factory.SUPERVISOR_KEY.text
            done = await services.release_share(supervisor, notice_id=made.notice_id, key=key)
        else:
            done = await services.release_share(made.client, notice_id=made.notice_id, key=client_key(made.client))
        assert done.opened
    with clock.at(until + timedelta(days=1)):
        assert await services.select_winner(made.notice_id)


async def test_two_lost_shares_end_the_waiting_too(db: None) -> None:
    """The escrow's share is lost and the supervisor silent: the client's alone opens nothing, and nothing waits for ever."""
    made, _supervisor = await sealed_box()
    sql = "update market_key_share set sealed = $2 where notice = $1 and holder = 'escrow'"
    await base.execute(sql, made.notice_id, bytes(73))
    until = (await calendar()).due_at(made.deadline, LIMIT)
    with clock.at(made.deadline):
        await services.open_bids(made.notice_id)
    with clock.at(until + timedelta(seconds=1)):
        done = await services.release_share(made.client, notice_id=made.notice_id, key=client_key(made.client))
        assert not done.opened
    assert (await made.row()).state is NoticeState.FAILED


async def test_custodians_are_reminded_once_when_their_last_day_begins(db: None) -> None:
    made, supervisor = await sealed_box()
    with clock.at(made.deadline):
        await services.open_bids(made.notice_id)
    last = (await calendar()).due_at(made.deadline, LIMIT - 1)
    with clock.at(last - timedelta(seconds=1)):
        await services.sweep_notices()
        assert await letters("market/share_overdue") == []
    with clock.at(last):
        await services.sweep_notices()
        await services.sweep_notices()
    assert await letters("market/share_overdue") == sorted([made.client.account_id, supervisor.account_id])


async def test_an_outage_after_the_deadline_gives_its_time_back(db: None) -> None:
    made, _supervisor = await sealed_box()
    until = (await calendar()).due_at(made.deadline, LIMIT)
    down = made.deadline + timedelta(hours=1)
    for since, to in ((made.deadline - timedelta(hours=9), down), (down + timedelta(hours=30), until)):
        await base.execute(
            "insert into core_heartbeat (process, since_at, until_at) values ($1, $2, $3)", heartbeat.WEB, since, to
        )
    with clock.at(until):
        assert await services.sweep_notices() == 0
        assert await custody.open_until(await made.row()) == until + timedelta(hours=30)


async def test_own_money_and_too_few_bids_wait_for_nobody(db: None) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    await bid(agency, made)
    with clock.at(made.deadline):
        assert await services.open_bids(made.notice_id)
    assert (await made.row()).state is NoticeState.OPENED


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
async def test_the_page_says_until_when_it_waits_and_who_failed(
    db: None, browse: Browse, api: Browse, lang: str
) -> None:
    made, _supervisor = await sealed_box()
    until = (await calendar()).due_at(made.deadline, LIMIT)
    with clock.at(made.deadline):
        await services.open_bids(made.notice_id)
        for reader, path in ((None, ""), (made.client, ""), (made.client, "/share")):
            page = await (await browse(reader, lang=lang)).get(f"/notices/{made.notice_id}{path}")
            assert page.status_code == 200
            assert ("最迟" if lang == "zh_Hans" else "At the latest") in page.text
        told = (await (await api()).get(f"/api/v1/notices/{made.notice_id}/shares")).json()
        assert datetime.fromisoformat(told["open_until"]) == until
    with clock.at(until):
        await services.sweep_notices()
        page = await (await browse(lang=lang)).get(f"/notices/{made.notice_id}")
        assert ("谁交出了份额" if lang == "zh_Hans" else "Who handed a share over") in page.text
