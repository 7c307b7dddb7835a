"""Opening, selection, award: what the clock does, once."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from agencies.rules import CreditGrade
from core import clock, db
from core.identity import Role
from market import services
from market.queries.awards import award, award_of, ended_awards, open_jobs
from market.queries.bids import my_bid
from market.queries.notices import notice, opened_bids, opening_of, seal_of
from market.rules.draw_check import check_draw
from market.rules.notices import FundSource, NoticeState, Phase, SelectionMethod
from tests.factories.agencies import make_grade
from tests.factories.market import (
    bid,
    make_award,
    make_notice,
    make_selected,
    make_surveyors,
    open_and_select,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def taken_over() -> Any:
    """The floor above, for as long as a test runs: it notes which award it was given."""
    given: list[int] = []

    async def take(award_id: int) -> None:
        given.append(award_id)

    before = services.AWARDED._takers
    services.AWARDED.supply(take)
    yield given
    services.AWARDED.supply(*before)


async def letters(organization_id: int) -> list[str]:
    rows = await db.rows(
        "select m.message from core_mail m join core_membership x on x.account = m.account"
        " where x.organization = $1 and m.message like 'market/%' order by m.id",
        organization_id,
    )
    return [row["message"] for row in rows]


async def test_the_lowest_price_wins_and_all_are_told(db: None) -> None:
    made, (first, second) = await make_selected(("26000.00", "24600.00"))
    row = await made.row()
    assert (row.state, row.phase) == (NoticeState.SELECTED, Phase.ON_DISPLAY)
    won = await award_of(made.notice_id)
    assert won is not None
    assert (won.agency_id, won.amount, won.grade_at_selection) == (
        second.agency_id,
        Decimal("24600.00"),
        "N",
    )
    assert won.why.code == "chosen-lowest"
    assert await letters(second.organization_id) == ["market/award_won"]
    assert await letters(first.organization_id) == ["market/not_selected"]
    assert await letters(made.client.organization_id) == ["market/result_announced"]


async def test_too_early_and_twice_change_nothing(db: None) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    await bid(agency, made)
    with clock.at(made.deadline - timedelta(microseconds=1)):
        assert not await services.open_bids(made.notice_id)
        assert not await services.select_winner(made.notice_id)
    with clock.at(made.deadline):
        assert await services.open_bids(made.notice_id)
        assert not await services.open_bids(made.notice_id)
        assert await services.select_winner(made.notice_id)
        assert not await services.select_winner(made.notice_id)
        assert not await services.confirm_award(made.notice_id)


async def test_public_money_needs_three_and_fewer_stay_closed(db: None) -> None:
    made = await make_notice(fund_source=FundSource.PUBLIC)
    agencies = await make_surveyors(2)
    for agency in agencies:
        await bid(agency, made)
    await open_and_select(made)
    row = await made.row()
    assert row.state is NoticeState.FAILED
    assert row.ending is not None
    assert row.ending.params == {"count": 2, "needed": 3}
    assert await opened_bids(made.notice_id) == []
    mine = await my_bid(agencies[0].member, made.notice_id)
    assert mine is not None
    assert mine.amount is None
    assert await letters(agencies[0].organization_id) == []
    assert await letters(made.client.organization_id) == ["market/selection_failed"]


async def test_withdrawn_bids_are_not_opened(db: None) -> None:
    made = await make_notice()
    first, second = await make_surveyors(2)
    await bid(first, made, "10000.00")
    await bid(second, made, "20000.00")
    await services.withdraw_bid(first.member, notice_id=made.notice_id)
    await open_and_select(made)
    assert [one.agency_id for one in await opened_bids(made.notice_id)] == [second.agency_id]


async def test_who_lost_eligibility_meanwhile_is_set_aside_with_the_reason(db: None) -> None:
    made = await make_notice()
    first, second = await make_surveyors(2)
    await bid(first, made, "10000.00")
    await bid(second, made, "20000.00")
    await make_grade(first.agency_id, CreditGrade.D, score="50.00", published_at=clock.now())
    await open_and_select(made)
    by_agency = {one.agency_id: one for one in await opened_bids(made.notice_id)}
    assert by_agency[first.agency_id].state == "set-aside"
    assert [one.code for one in by_agency[first.agency_id].reasons] == ["grade-barred"]
    won = await award_of(made.notice_id)
    assert won is not None
    assert won.agency_id == second.agency_id
    assert await letters(first.organization_id) == ["market/not_selected"]


async def test_too_few_qualified_fail_after_the_opening(db: None) -> None:
    made = await make_notice(fund_source=FundSource.PUBLIC)
    agencies = await make_surveyors(3)
    for agency in agencies:
        await bid(agency, made)
    await make_grade(agencies[0].agency_id, CreditGrade.D, score="50.00", published_at=clock.now())
    await open_and_select(made)
    row = await made.row()
    assert row.state is NoticeState.FAILED
    assert row.opened_at is not None
    assert await letters(agencies[1].organization_id) == ["market/selection_failed"]


async def test_a_damaged_envelope_is_set_aside_and_the_others_open(db: None) -> None:
    made = await make_notice()
    first, second = await make_surveyors(2)
    await bid(first, made, "10000.00")
    await bid(second, made, "20000.00")
    await _damage(made.notice_id)
    await open_and_select(made)
    won = await award_of(made.notice_id)
    assert won is not None
    assert won.agency_id == second.agency_id
    opening = await opening_of(made.notice_id)
    assert opening is not None
    assert (opening.received, opening.qualified) == (2, 1)


async def _damage(notice_id: int) -> None:
    await db.execute(
        "update market_bid set envelope = set_byte(envelope, 200, 255 - get_byte(envelope, 200))"
        " where id = (select min(id) from market_bid where notice = $1)",
        notice_id,
    )


async def test_an_envelope_moved_to_another_bidder_s_row_is_noticed(db: None) -> None:
    made = await make_notice()
    first, second = await make_surveyors(2)
    await bid(first, made, "10000.00")
    await bid(second, made, "20000.00")
    await _swap_tags(made.notice_id)
    await open_and_select(made)
    assert (await made.row()).state is NoticeState.FAILED


async def _swap_tags(notice_id: int) -> None:
    await db.execute("update market_bid b set bidder_tag = reverse(bidder_tag) where notice = $1", notice_id)


async def test_a_draw_matches_its_commitment_and_can_be_recomputed(db: None) -> None:
    made = await make_notice(
        method=SelectionMethod.RANDOM_DRAW, fund_source=FundSource.PUBLIC, ceiling=Decimal("20000.00")
    )
    before = await seal_of(made.notice_id)
    agencies = await make_surveyors(4)
    for agency in agencies:
        await bid(agency, made, "20000.00")
    await open_and_select(made)
    opening = await opening_of(made.notice_id)
    assert before is not None
    assert opening is not None
    assert opening.draw is not None
    assert opening.draw_decided
    draw = opening.draw
    assert draw["commitment"] == before.draw_commitment
    order = check_draw(draw).order
    assert sorted(order) == sorted(agency.uscc for agency in agencies)
    assert [one.uscc for one in await opened_bids(made.notice_id)] == list(order)
    won = await award_of(made.notice_id)
    assert won is not None
    assert won.agency_id == next(a.agency_id for a in agencies if a.uscc == order[0])


async def test_candidates_are_on_the_trail_before_the_draw(db: None) -> None:
    made = await make_notice(method=SelectionMethod.RANDOM_DRAW)
    for agency in await make_surveyors(2):
        await bid(agency, made, "30000.00")
    with clock.at(made.deadline):
        await services.open_bids(made.notice_id)
    opening = await opening_of(made.notice_id)
    assert opening is not None
    assert (len(opening.candidates), opening.draw) == (2, None)
    assert await _trail_of(made.notice_id) == ["notice.drafted", "notice.published", "notice.opened"]


async def _trail_of(notice_id: int) -> list[str]:
    rows = await db.rows("select act from core_trail_entry where subject = $1 order by id", f"notice:{notice_id}")
    return [row["act"] for row in rows]


async def test_the_award_is_confirmed_after_three_workdays(db: None, taken_over: list[int]) -> None:
    award_id, made, _agencies = await make_award()
    won = await award(award_id)
    row = await made.row()
    assert (row.state, won.state) == (NoticeState.AWARDED, "confirmed")
    assert taken_over == [award_id]
    assert (won.notice_no, won.item_code, won.days) == (row.number, "XT-SV-01", 8)
    assert "实施方案" in won.proposal


async def test_a_winner_who_drops_out_is_replaced_in_the_fixed_order(db: None, taken_over: list[int]) -> None:
    made, (first, second) = await make_selected(("20000.00", "21000.00"))
    row = await made.row()
    assert row.display_until is not None
    await make_grade(first.agency_id, CreditGrade.D, score="50.00", published_at=clock.now())
    with clock.at(row.display_until):
        assert await services.confirm_award(made.notice_id)
        now = await award_of(made.notice_id)
        row = await made.row()
    assert now is not None
    assert (now.agency_id, now.place, now.why.code) == (second.agency_id, 2, "chosen-as-substitute")
    assert [one.state for one in await ended_awards(made.notice_id)] == ["replaced"]
    assert taken_over == []
    assert row.display_until is not None
    with clock.at(row.display_until):
        assert await services.confirm_award(made.notice_id)
    assert taken_over == [now.award_id]


async def test_with_nobody_left_the_selection_fails(db: None) -> None:
    made, (only,) = await make_selected(("20000.00",))
    row = await made.row()
    assert row.display_until is not None
    await make_grade(only.agency_id, CreditGrade.D, score="50.00", published_at=clock.now())
    with clock.at(row.display_until):
        await services.confirm_award(made.notice_id)
    after = await made.row()
    assert after.state is NoticeState.FAILED
    assert after.ending is not None
    assert after.ending.code == "nobody-left"


async def test_a_c_agency_counts_its_open_jobs_and_a_finished_one_no_more(db: None) -> None:
    award_id, _made, (agency, _other) = await make_award(("20000.00", "21000.00"))
    assert await open_jobs([agency.agency_id]) == {agency.agency_id: 1}
    await services.complete_commission(award_id)
    await services.complete_commission(award_id)
    assert await open_jobs([agency.agency_id]) == {}


async def test_the_sweep_does_what_lost_jobs_left(db: None, taken_over: list[int]) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    await bid(agency, made)
    with clock.at(made.deadline + timedelta(minutes=1)):
        assert await services.sweep_notices() == 1
        row = await made.row()
    assert row.display_until is not None
    with clock.at(row.display_until):
        assert await services.sweep_notices() == 1
        assert await services.sweep_notices() == 0
    assert len(taken_over) == 1


async def test_the_bid_s_veil_is_lifted_by_the_opening(db: None) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    receipt = await bid(agency, made)
    await open_and_select(made)
    sealed = await _entry(receipt.entry_id)
    opened = await _opening_entry(made.notice_id)
    (reveal,) = opened["note"]["reveals"]
    assert sealed["veil"] == reveal["veil"]
    assert reveal["actor"]["organization"] == agency.organization_id


async def _entry(entry_id: int) -> dict[str, Any]:
    return _body(await db.value("select payload from core_trail_entry where id = $1", entry_id))


async def _opening_entry(notice_id: int) -> dict[str, Any]:
    return _body(
        await db.value(
            "select payload from core_trail_entry where subject = $1 and act = 'notice.opened'",
            f"notice:{notice_id}",
        )
    )


def _body(payload: bytes) -> dict[str, Any]:
    from core.trail.format import Entry

    return Entry.parse(payload).body.facts()


async def test_drafts_are_invisible_to_others(db: None) -> None:
    from market.rules.notices import NoticeGone
    from tests.factories import core as make
    from tests.factories.market import make_project, notice_draft

    project_id, client = await make_project()
    draft = await services.draft_notice(client, project_id=project_id, draft=await notice_draft())
    assert (await notice(draft.notice_id, client)).phase is Phase.DRAFT
    for reader in (None, await make.member(Role.CLIENT)):
        with pytest.raises(NoticeGone):
            await notice(draft.notice_id, reader)
