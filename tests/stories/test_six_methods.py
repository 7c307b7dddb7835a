"""Six ways to choose, each from the published notice to the confirmed award; whatever was drawn is drawn again.

Public money throughout, but for the direct offer: three bids at least, and two custodians open.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest

from agencies.rules import CreditGrade
from app import wire
from core import clock
from core.identity import Identity, Role
from market import services
from market.queries.awards import AwardRow, award_of
from market.queries.notices import opened_bids, opening_of
from market.queries.panels import panel_view
from market.rules.draw_check import check_draw
from market.rules.notices import FundSource, NoticeState, SelectionMethod
from market.rules.panel import Criteria, Question
from tests.factories import core as make
from tests.factories.agencies import MadeAgency, make_grade
from tests.factories.market import (
    MadeNotice,
    bid,
    make_custodians,
    make_project,
    make_surveyors,
    notice_draft,
    open_and_select,
)

pytestmark = pytest.mark.anyio
M = SelectionMethod
PRICES = ("24600.00", "26000.00", "27500.00", "28800.00")
CRITERIA = Criteria((Question("q1", "技术路线", 40, Decimal(16)), Question("q2", "人员", 30, Decimal(12))), 30)


@dataclass
class Market:
    """A public client, its notice, and four agencies with their bids under seal."""

    made: MadeNotice
    agencies: list[MadeAgency]
    panel: list[Identity]


async def opens(method: SelectionMethod) -> Market:
    project_id, client = await make_project(fund_source=FundSource.PUBLIC)
    await make_custodians(client)
    extra = {"criteria": CRITERIA} if method is M.PROPOSAL_PREFERRED else {}
    draft = await notice_draft(method=method, fund_source=FundSource.PUBLIC, **extra)
    written = await services.draft_notice(client, project_id=project_id, draft=draft)
    panel = [await make.member(Role.REVIEWER) for _ in range(3)]
    if method is M.PROPOSAL_PREFERRED:
        await services.name_panel(client, notice_id=written.notice_id, accounts=[one.account_id for one in panel])
    await services.publish_notice(client, notice_id=written.notice_id, version=1)
    made = MadeNotice(written.notice_id, project_id, client, draft.deadline)
    agencies = await make_surveyors(len(PRICES))
    for number, (agency, price) in enumerate(zip(agencies, PRICES, strict=True)):
        await make_grade(agency.agency_id, CreditGrade.B, score=f"{72 + number}.50")
        await bid(agency, made, "30000.00" if method is M.RANDOM_DRAW else price)
    await open_and_select(made)
    return Market(made, agencies, panel)


async def picks(market: Market) -> None:
    """The owner takes the second of the short list and says why."""
    listed = [one.agency_id for one in await opened_bids(market.made.notice_id) if one.shortlisted]
    with clock.at(market.made.deadline + timedelta(hours=2)):
        await services.pick_agency(
            market.made.client, notice_id=market.made.notice_id, agency_id=listed[1], reason="人员与本项目最匹配"
        )


async def assesses(market: Market) -> None:
    """Three experts score what has neither name nor price; the chair signs."""
    notice_id = market.made.notice_id
    with clock.at(market.made.deadline + timedelta(hours=2)):
        for member in market.panel:
            await services.declare_no_tie(member, notice_id=notice_id)
            view = await panel_view(await market.made.row(), member)
            marks = {(one.name, code): Decimal(25 - n) for n, one in enumerate(view.proposals) for code in ("q1", "q2")}
            await services.save_scores(member, notice_id=notice_id, marks=marks, submit=True)
        await services.sign_assessment(market.panel[0], notice_id=notice_id)


async def confirmed(made: MadeNotice) -> AwardRow:
    """Nobody objects, and the notice period ends."""
    row = await made.row()
    assert row.state is NoticeState.SELECTED
    assert row.display_until is not None
    with clock.at(row.display_until):
        await services.confirm_award(made.notice_id)
    award = await award_of(made.notice_id)
    assert award is not None
    assert award.state == "confirmed"
    return award


STEPS = {M.CREDIT_PREFERRED: picks, M.PROPOSAL_PREFERRED: assesses}
WHY = {
    M.LOWEST_PRICE: "chosen-lowest",
    M.RANDOM_DRAW: "chosen-by-draw",
    M.AVERAGE_PRICE: "chosen-nearest",
    M.CREDIT_PREFERRED: "chosen-from-short-list",
    M.PROPOSAL_PREFERRED: "chosen-best-proposal",
}


@pytest.mark.parametrize("method", list(WHY))
async def test_from_notice_to_award(committed_db: str, method: SelectionMethod) -> None:
    wire()
    market = await opens(method)
    if method in STEPS:
        await STEPS[method](market)
    award = await confirmed(market.made)
    assert award.why.code == WHY[method]
    assert award.grade_at_selection == "B"
    bids = await opened_bids(market.made.notice_id)
    assert len(bids) == len(PRICES)
    assert all(one.reasons for one in bids), "everybody learns why"
    opening = await opening_of(market.made.notice_id)
    assert opening is not None
    assert opening.draw is not None
    assert check_draw(opening.draw).inputs.notice_number == award.notice_no


async def test_a_direct_offer_is_accepted(committed_db: str) -> None:
    wire()
    project_id, client = await make_project()
    (agency,) = await make_surveyors(1)
    draft = await notice_draft(method=M.DIRECT, agency_id=agency.agency_id, reason="沿用同一地块前期测量成果。")
    written = await services.draft_notice(client, project_id=project_id, draft=draft)
    await services.publish_notice(client, notice_id=written.notice_id, version=1)
    await services.accept_offer(agency.member, notice_id=written.notice_id)
    award = await confirmed(MadeNotice(written.notice_id, project_id, client, draft.deadline))
    assert (award.agency_id, award.why.code) == (agency.agency_id, "chosen-directly")
