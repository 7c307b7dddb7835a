"""Objections to a grade: who, until when, what waits, what is replayed, who is told: on a real database."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from agencies.queries import standing
from agencies.rules import CreditGrade, Profession
from core import clock
from core.identity import Identity, Role
from core.workdays import calendar
from grading import services
from grading.queries.reports import history, standing_explanation
from grading.rules.corrections import Change, CorrectionKind
from grading.rules.objections import ObjectionState, Verdict
from grading.services import Objecting
from tests.factories import core as make
from tests.factories import grading as g
from tests.factories.agencies import MadeAgency, make_agency

pytestmark = pytest.mark.anyio

A, B, C, D, N = CreditGrade
SURVEYING = Profession.SURVEYING
FIRST = datetime(2026, 9, 1, 1, 0, tzinfo=UTC)
SECOND = datetime(2026, 10, 8, 1, 0, tzinfo=UTC)
FACTS = Objecting("第三件成果的审查分把别的项目的缺陷算到了我们头上，图号对不上。", "改正该件审查分。")
REASONS = "经核对，缺陷清单中的图号属于另一项目，原审查分有误。"


async def officer() -> Identity:
    return await make.member(Role.GRADING_OFFICER)


async def agency_with(marks: tuple[str, ...], **changed: object) -> tuple[MadeAgency, list[int]]:
    made = await make_agency(**changed)  # type: ignore[arg-type]
    field = await g.make_field()
    ids = [await g.make_result(made.agency_id, field, mark, days_ago=20 + 10 * n) for n, mark in enumerate(marks)]
    return made, ids


async def graded(when: datetime, signer: Identity) -> datetime:
    """A monthly run on a day, signed when the comment period is over; the moment of signing."""
    with clock.at(when):
        run = await services.prepare_run(actor=signer, as_of=clock.today())
    signed = run.comment_until + timedelta(hours=1)
    with clock.at(signed):
        await services.publish_run(actor=signer, run_id=run.run_id)
    return signed


async def report_of(made: MadeAgency) -> int:
    view = await standing_explanation(made.agency_id, SURVEYING)
    assert view is not None
    return view.report_id


async def on_record(made: MadeAgency) -> CreditGrade:
    return (await standing(made.agency_id, SURVEYING, clock.today())).grade


@pytest.fixture
async def fallen(db: None):
    """An agency rated B in September that a run of zero-like marks has brought to C in October."""
    signer = await officer()
    with clock.at(FIRST):
        made, _ = await agency_with(("68",) * 8)
    await graded(FIRST, signer)
    with clock.at(SECOND):
        field = await g.make_field()
        bad = [await g.make_result(made.agency_id, field, "40", days_ago=3 + n) for n in range(8)]
    at = await graded(SECOND, signer)
    with clock.at(at + timedelta(days=1)):
        assert await on_record(made) is C
        yield made, bad, signer


async def test_an_upheld_objection_replays_and_the_grade_before_stays_meanwhile(fallen):
    made, bad, _ = fallen
    report_id = await report_of(made)
    receipt = await services.lodge_objection(actor=made.member, report_id=report_id, draft=FACTS)
    assert receipt.due_at == (await calendar()).due_at(clock.now(), 3)
    assert await on_record(made) is B
    changes = [Change(CorrectionKind.TECHNICAL, one, Decimal("82.00")) for one in bad]
    done = await services.decide_objection(
        actor=await officer(),
        objection_id=receipt.objection_id,
        verdict=Verdict.UPHOLD,
        reasons=REASONS,
        changes=changes,
    )
    assert done.state is ObjectionState.UPHELD
    assert [(one.result, one.new_result) for one in done.replayed] == [(C, B)]
    assert await on_record(made) is B
    assert (await services.replay_check()).sound
    assert [point.result for point in await history(made.agency_id, SURVEYING)] == [B, B]
