"""Credit repair and requests for a person: classes, clocks, two officers, and what ends together."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agencies.queries import standing
from agencies.rules import CreditGrade
from core import clock, db
from core.errors import NotAllowedNow
from core.forms import Upload
from core.identity import Identity, Role
from core.workdays import calendar
from grading import services
from grading.queries.conduct import finding
from grading.queries.repairs import repairable
from grading.rules.asked import AskedAlready, AskedKind, HumanAsked, RequestAbsent, SignerAnswers
from grading.rules.life_terms import RepairClass
from grading.rules.lifecycle import ConductPhase
from grading.rules.repair import (
    NothingToRepair,
    PromiseMissing,
    ProofMissing,
    RepairAbsent,
    RepairBarred,
    RepairEarly,
    RepairOpen,
    RepairState,
    SecondOfficer,
)
from grading.services import FindingDraft, Imposition, RepairDraft
from tests.factories import core as make
from tests.factories import grading as g
from tests.factories.agencies import MadeAgency, make_agency
from tests.grading.life import REASONS, SURVEYING, graded, officer

pytestmark = pytest.mark.anyio
DAY = datetime(2026, 6, 1, 1, 0, tzinfo=UTC)
PROOF = (Upload("整改报告.pdf", b"%PDF-1.7\n%%EOF"),)


@pytest.fixture
async def made(db: None):
    with clock.at(DAY):
        yield await make_agency()


async def upheld(made: MadeAgency, code: str) -> int:
    draft = FindingDraft(made.agency_id, None, code, "", clock.today(), "逾期未备案。", "备案系统记录")
    put = await services.propose_conduct(actor=await make.member(Role.REGISTRAR), draft=draft)
    await services.reply_conduct(actor=made.member, finding_id=put.finding_id, text="情况属实。")
    await services.decide_conduct(actor=await officer(), finding_id=put.finding_id, upheld=True, reasons="属实。")
    return put.finding_id


async def code_of(points: int) -> str:
    scheme = g.scheme()
    return next(item.code for item in scheme.conduct.items if item.points == points)


def wish(**changed: Any) -> RepairDraft:
    facts: dict[str, Any] = {
        "corrected": "已补办备案，并建立台账。",
        "obligations": "无",
        "confirmed_by": "",
        "promised": True,
        "evidence": PROOF,
    }
    return RepairDraft(**facts | changed)


async def granted(repair_id: int, actor: Identity | None = None) -> Any:
    actor = actor or await officer()
    return await services.decide_repair(actor=actor, repair_id=repair_id, granted=True, reasons=REASONS)


def test_classes_follow_points() -> None:
    rules = g.scheme().repair
    found = [rules.class_of(points) for points in (2, 4, 5, 19, 20)]
    minor, general, grave = RepairClass
    assert found == [minor, minor, general, general, grave]
    assert [(one.least_months, one.most_months) for one in rules.classes] == [(0, 3), (3, 12), (12, 36)]


async def test_a_minor_finding_is_repaired_at_once_and_everything_ends_together(made: MadeAgency):
    finding_id = await upheld(made, await code_of(2))
    receipt = await services.apply_repair(actor=made.member, draft=wish(finding_id=finding_id))
    days = await calendar()
    assert receipt.due_at == days.due_at(clock.now(), 2)
    with pytest.raises(RepairOpen):
        await services.apply_repair(actor=made.member, draft=wish(finding_id=finding_id))
    with pytest.raises(NotAllowedNow):
        await granted(receipt.repair_id)
    accepted = await services.accept_repair(actor=await officer(), repair_id=receipt.repair_id)
    assert accepted.due_at == days.due_at(clock.now(), 7)
    done = await granted(receipt.repair_id)
    assert done.state is RepairState.GRANTED
    shown = await finding(await officer(), finding_id)
    assert shown.phase is ConductPhase.REPAIRED
    with pytest.raises(NothingToRepair):
        await services.apply_repair(actor=made.member, draft=wish(finding_id=finding_id))


async def test_a_minor_finding_is_displayed_for_three_months_at_most(made: MadeAgency):
    finding_id = await upheld(made, await code_of(2))
    with clock.at(DAY + timedelta(days=91)):
        assert await services.end_displays() == 0
    with clock.at(DAY + timedelta(days=95)):
        assert (await services.end_displays(), await services.end_displays()) == (1, 0)
        ended = await db.value("select ended_on from grading_conduct where id = $1", finding_id)
        assert ended.isoformat() == "2026-09-01"
        assert (await finding(await officer(), finding_id)).phase is ConductPhase.LAPSED


async def test_a_general_finding_waits_three_months(made: MadeAgency):
    finding_id = await upheld(made, await code_of(5))
    with pytest.raises(RepairEarly):
        await services.apply_repair(actor=made.member, draft=wish(finding_id=finding_id))
    with clock.at(DAY + timedelta(days=92)):
        await services.apply_repair(actor=made.member, draft=wish(finding_id=finding_id))


async def test_what_an_application_needs(made: MadeAgency):
    finding_id = await upheld(made, await code_of(2))
    with pytest.raises(PromiseMissing):
        await services.apply_repair(actor=made.member, draft=wish(finding_id=finding_id, promised=False))
    with pytest.raises(ProofMissing):
        await services.apply_repair(actor=made.member, draft=wish(finding_id=finding_id, evidence=()))
    with pytest.raises(RepairAbsent):
        await services.apply_repair(actor=(await make_agency()).member, draft=wish(finding_id=finding_id))


async def test_forged_papers_bar_for_a_year(made: MadeAgency):
    first, second = await upheld(made, await code_of(2)), await upheld(made, await code_of(2))
    receipt = await services.apply_repair(actor=made.member, draft=wish(finding_id=first))
    await services.accept_repair(actor=await officer(), repair_id=receipt.repair_id)
    await services.decide_repair(
        actor=await officer(), repair_id=receipt.repair_id, granted=False, reasons=REASONS, forged=True
    )
    with pytest.raises(RepairBarred):
        await services.apply_repair(actor=made.member, draft=wish(finding_id=second))


async def test_a_direct_d_is_repaired_after_a_year_by_two_officers_and_regraded_that_day(made: MadeAgency):
    decision = Imposition(
        made.agency_id, None, "DD-01", "泰综执罚〔2026〕7 号", "综合执法局", "出具虚假成果",
        clock.today(), clock.today() + timedelta(days=900),
    )  # fmt: skip
    put = await services.impose_direct_d(actor=await officer(), decision=decision)
    with clock.at(DAY + timedelta(days=300)), pytest.raises(RepairEarly):
        await services.apply_repair(actor=made.member, draft=wish(direct_d_id=put.direct_d_id))
    with clock.at(DAY + timedelta(days=366)):
        receipt = await services.apply_repair(actor=made.member, draft=wish(direct_d_id=put.direct_d_id))
        await services.accept_repair(actor=await officer(), repair_id=receipt.repair_id)
        first = await officer()
        assert (await granted(receipt.repair_id, first)).state is RepairState.JOINT
        with pytest.raises(SecondOfficer):
            await granted(receipt.repair_id, first)
        assert (await standing(made.agency_id, SURVEYING, clock.today())).grade is CreditGrade.D
        done = await granted(receipt.repair_id)
        assert done.state is RepairState.GRANTED
        assert [one.result for one in done.publications] == [CreditGrade.C]  # AFTER-D: C at most for six months
        assert (await standing(made.agency_id, SURVEYING, clock.today())).grade is CreditGrade.C
        assert (await services.replay_check()).sound


async def test_late_officers_are_marked(made: MadeAgency):
    receipt = await services.apply_repair(
        actor=made.member, draft=wish(finding_id=await upheld(made, await code_of(2)))
    )
    with clock.at((await calendar()).due_at(clock.now(), 2)):
        assert (await services.sweep_repairs(), await services.sweep_repairs()) == (1, 0)
        assert await db.value("select overdue_at from grading_repair where id = $1", receipt.repair_id) == clock.now()


# --- asking why, and for a person -------------------------------------------------------------


async def a_draft(made: MadeAgency, signer: Identity) -> tuple[int, int, datetime]:
    run = await services.prepare_run(actor=signer, as_of=clock.today())
    report = await db.value("select id from grading_report where run = $1 and agency = $2", run.run_id, made.agency_id)
    return run.run_id, report, run.comment_until


async def test_a_draft_is_not_signed_while_a_person_is_awaited(made: MadeAgency):
    signer = await officer()
    run_id, report, over = await a_draft(made, signer)
    asked = await services.ask(actor=made.member, report_id=report, kind=AskedKind.HUMAN, question="请人看看。")
    assert asked.due_at == (await calendar()).due_at(clock.now(), 3)
    with pytest.raises(AskedAlready):
        await services.ask(actor=made.member, report_id=report, kind=AskedKind.HUMAN, question="再问")
    with pytest.raises(RequestAbsent):
        await services.ask(actor=(await make_agency()).member, report_id=report, kind=AskedKind.HUMAN, question="?")
    with clock.at(over):
        with pytest.raises(HumanAsked):
            await services.publish(actor=signer, report_id=report)
        assert (await services.publish_run(actor=signer, run_id=run_id)).left == (report,)
        assert await services.sweep_asked() == 1
        await services.answer_asked(actor=signer, request_id=asked.request_id, answer="已逐件看过证据，没有差错。")
        assert len((await services.publish_run(actor=signer, run_id=run_id)).published) == 1


async def test_a_signed_grade_is_looked_at_by_another_person(made: MadeAgency):
    signer = await officer()
    at = await graded(clock.now(), signer)
    with clock.at(at):
        report = await db.value("select id from grading_report where agency = $1", made.agency_id)
        asked = await services.ask(actor=made.member, report_id=report, kind=AskedKind.HUMAN, question="请人看看。")
        with pytest.raises(SignerAnswers):
            await services.answer_asked(actor=signer, request_id=asked.request_id, answer="没有差错。")
        await services.answer_asked(actor=await officer(), request_id=asked.request_id, answer="没有差错。")


async def test_twenty_points_end_by_date_and_are_not_offered_for_repair(made: MadeAgency, browse: Any) -> None:
    """Twelve months of life and twelve of shortest display: nobody is told to wait for a day that never comes."""
    await upheld(made, await code_of(20))
    (one,) = await repairable(made.agency_id)
    assert (one.earliest, one.by_itself) == (one.ends, True)
    page = (await (await browse(made.member)).get("/grading/repairs")).text
    assert "到期自行终止，不必申请" in page
    assert "20 分以上的记分 12 个月到期即终止" in page
    with clock.at(DAY + timedelta(days=365)):
        assert await repairable(made.agency_id) == []
