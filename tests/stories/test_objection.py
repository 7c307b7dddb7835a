"""An objection, as it happens: the award waits, the client answers, the supervisor decides, and time runs on.

Three endings: corrected (the next in the fixed order is confirmed), void, and confirmed (the result stands).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from app import wire
from core import clock, db
from core.identity import Identity, Role
from market import services as market
from market.queries.awards import award_of
from market.queries.objections import objection
from market.rules.notices import NoticeState, Phase
from market.rules.objections import Correction, Decision, ObjectionState, Remedy
from tests.factories import core as make
from tests.factories.agencies import MadeAgency
from tests.factories.market import MadeNotice, make_selected
from tests.factories.objections import WORDS, lodge
from tests.stories.people import Time, time_begins

pytestmark = pytest.mark.anyio
MONDAY = datetime(2026, 3, 2, 9, tzinfo=clock.SHANGHAI)


@dataclass
class Case:
    """A result on display, its bidders in the order of their prices, and two supervisors."""

    made: MadeNotice
    bidders: list[MadeAgency]
    first: Identity
    second: Identity


async def a_result_on_display(time: Time) -> Case:
    """Three bids were opened; the lowest is to win."""
    made, bidders = await make_selected(("24600.00", "26000.00", "27000.00"))
    time.goes_to(made.deadline + timedelta(hours=1))
    office = await make.organization(kind="authority")
    first, second = [await make.member(Role.MARKET_SUPERVISOR, office) for _ in range(2)]
    return Case(made, bidders, first, second)


async def is_escalated_and_taken_up(time: Time, case: Case) -> int:
    """The second bidder objects, the client rejects, the bidder escalates, one supervisor takes it up."""
    objector = case.bidders[1].member
    objection_id = await lodge(objector, case.made)
    assert (await case.made.row()).phase is Phase.PAUSED
    await time.passes(workdays=2)
    await market.answer_objection(case.made.client, objection_id=objection_id, remedy=Remedy.REJECT, words=WORDS)
    await time.passes(workdays=1)
    await market.escalate_objection(objector, objection_id=objection_id, words=WORDS)
    await market.accept_objection(case.first, objection_id=objection_id)
    await time.passes(workdays=10)
    assert await market.sweep_notices() == 0, "nothing is confirmed while an objection is open"
    return objection_id


async def test_a_corrected_result_is_confirmed_for_the_next_in_the_fixed_order(committed_db: str) -> None:
    wire()
    with time_begins(MONDAY) as time:
        case = await a_result_on_display(time)
        draw = await db.value("select draw from market_opening where notice = $1", case.made.notice_id)
        objection_id = await is_escalated_and_taken_up(time, case)
        winner = await award_of(case.made.notice_id)
        assert winner is not None
        assert winner.bid_id is not None
        await market.decide_objection(
            case.second,
            objection_id=objection_id,
            decision=Decision.CORRECT,
            words=WORDS,
            correction=Correction(frozenset({winner.bid_id})),
        )
        award = await award_of(case.made.notice_id)
        assert award is not None
        assert award.agency_id == case.bidders[1].agency_id
        row = await case.made.row()
        assert row.phase is Phase.ON_DISPLAY, "a new notice period begins"
        assert draw == await db.value("select draw from market_opening where notice = $1", case.made.notice_id)
        assert row.display_until is not None
        time.goes_to(row.display_until)
        assert await market.sweep_notices() == 1
        assert (await case.made.row()).state is NoticeState.AWARDED
        assert await db.value("select count(*) from contracts_contract") == 1


async def test_a_void_selection_may_be_posted_again(committed_db: str) -> None:
    wire()
    with time_begins(MONDAY) as time:
        case = await a_result_on_display(time)
        objection_id = await is_escalated_and_taken_up(time, case)
        await market.decide_objection(case.second, objection_id=objection_id, decision=Decision.VOID, words=WORDS)
        row = await case.made.row()
        assert row.state is NoticeState.FAILED
        assert row.ending is not None
        assert await award_of(case.made.notice_id) is None
        again = await market.repost_notice(
            case.made.client, notice_id=case.made.notice_id, deadline=await time.at_five(workdays=6)
        )
        assert again.notice_id != case.made.notice_id
        told = await db.value(
            "select count(distinct m.organization) from core_mail l join core_membership m on m.account = l.account"
            " where l.message = 'market/objection_moved' and l.context->>'what' = '决定：选取无效'"
        )
        assert told == 4, "the client and every bidder learn of the decision"


async def test_a_confirmed_result_runs_on_for_the_days_that_were_left(committed_db: str) -> None:
    wire()
    with time_begins(MONDAY) as time:
        case = await a_result_on_display(time)
        before = await case.made.row()
        objection_id = await is_escalated_and_taken_up(time, case)
        await market.decide_objection(case.second, objection_id=objection_id, decision=Decision.CONFIRM, words=WORDS)
        row = await case.made.row()
        assert row.phase is Phase.ON_DISPLAY
        assert before.display_until is not None
        assert row.display_until is not None
        assert row.display_until > before.display_until
        assert await market.sweep_notices() == 0
        time.goes_to(row.display_until)
        assert await market.sweep_notices() == 1
        award = await award_of(case.made.notice_id)
        assert award is not None
        assert award.agency_id == case.bidders[0].agency_id
        assert (await objection(objection_id)).state is ObjectionState.CONFIRMED
