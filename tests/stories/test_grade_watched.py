"""A grade explained, foreseen and watched: what an agency reads comes true, and what looks odd is looked at.

The agency reads on its page what would raise its grade. Results of just that quality come in, and the next
run gives the grade that was foreseen. Meanwhile a supervisor sees that one client evaluates only this
agency, gives the signal to a colleague, and the colleague closes it with reasons: no grade moves by it.
"""

from datetime import UTC, datetime, timedelta

import pytest

from agencies.rules import CreditGrade, Profession
from core import clock, db
from core.identity import SYSTEM, Role
from grading import services
from grading.queries.grader_signals import SignalFilter, grader_signal, grader_signals
from grading.queries.outlook import ahead_of
from grading.queries.reports import standing_explanation
from grading.queries.watching import figures
from grading.rules.grader_signals import SignalResult, SignalState
from tests.factories import core as make
from tests.factories import grading as g
from tests.factories.agencies import MadeAgency, make_agency

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db", "web_app")]

FIRST_RUN = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
NEXT_RUN = datetime(2026, 12, 2, 1, 0, tzinfo=UTC)
SIGNING = timedelta(days=9)
SURVEYING = Profession.SURVEYING
WHY = "这家业主的三处厂区都在一个园区，附近只有这家机构；合同与验收记录齐全。"


async def monthly_run(day: datetime) -> None:
    """Prepared, left to the agencies for five working days, signed."""
    with clock.at(day):
        receipt = await services.prepare_run(actor=SYSTEM, as_of=clock.today())
    with clock.at(day + SIGNING):
        await services.publish_run(actor=await make.member(Role.GRADING_OFFICER), run_id=receipt.run_id)


async def agency_with_results() -> MadeAgency:
    with clock.at(FIRST_RUN):
        made, field = await make_agency(), await g.make_field(clients=4, reviewers=5)
        for n, mark in enumerate(("90", "92", "91", "89", "93", "90", "91", "92", "90")):
            await g.make_result(made.agency_id, field, mark, days_ago=20 + 9 * n)
        await db.execute("update agencies_agency set recorded_on = '2024-01-01'")
    return made


async def test_what_was_foreseen_comes_true_and_what_looks_odd_is_looked_at() -> None:
    made = await agency_with_results()
    await monthly_run(FIRST_RUN)

    # the agency reads what would move its grade; nobody else does
    with clock.at(FIRST_RUN + SIGNING):
        mine = await standing_explanation(made.agency_id, SURVEYING, made.member)
        everybody = await standing_explanation(made.agency_id, SURVEYING)
        assert mine is not None
        assert everybody is not None
        assert mine.result is CreditGrade.B
        ahead = await ahead_of(mine)
        assert await ahead_of(everybody) is None
        assert ahead is not None
    way = ahead.ups[-1]

    # results of just that quality: technical marks such that the case mark is what was foreseen
    with clock.at(NEXT_RUN):
        field = await g.make_field(clients=way.count, reviewers=way.count)
        for _ in range(way.count):
            await g.make_result(made.agency_id, field, str(way.mark), days_ago=0)
        await db.execute(
            "update contracts_deliverable set punctuality = $1, filings = $1 where accepted_at >= $2",
            way.mark,
            clock.now(),
        )
    await monthly_run(NEXT_RUN)
    with clock.at(NEXT_RUN + SIGNING):
        after = await standing_explanation(made.agency_id, SURVEYING)
        assert after is not None
        assert after.result is way.result is CreditGrade.A
        assert (after.results, after.lines) == (9 + way.count, ())

    # those who watch the graders see the figures, and a signal that one of them looks into
    with clock.at(NEXT_RUN + SIGNING):
        assert (await figures())["states"].facts["grades"] == 1
        one, other = await make.member(Role.MARKET_SUPERVISOR), await make.member(Role.GRADING_OFFICER)
        lonely = await g.make_field(clients=1)
        for n in range(4):
            await g.make_result(made.agency_id, lonely, "85", days_ago=3 * n)
        await db.execute("update contracts_contract set signed_at = filed_at where client = $1", lonely.clients[0])
        await services.compute_grader_signals()
        (signal,) = await grader_signals(SignalFilter(code="one-agency"))
        await services.assign_signal(actor=one, signal_id=signal.id, account_id=other.account_id)
        await services.decide_signal(actor=other, signal_id=signal.id, result=SignalResult.HARMLESS, reasons=WHY)
        assert (await grader_signal(signal.id)).state is SignalState.DECIDED
        still = await standing_explanation(made.agency_id, SURVEYING)
        assert still is not None
        assert (still.result, still.outcome_digest) == (after.result, after.outcome_digest)
