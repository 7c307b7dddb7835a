"""Points from the finding to their expiry; a direct D and the way back; a successor; an inspection verified; a lapse."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from agencies.queries import standing
from agencies.rules import CreditGrade, Profession
from agencies.services import GradeFigures
from contracts import services as contracts
from core import clock, db, trail
from core.forms import Upload
from core.identity import SYSTEM, Identity, Role
from core.trail.export import export as export_trail
from grading import services as grading
from grading.queries.conduct import live_findings
from grading.queries.improvement import duties
from grading.queries.inheritance import in_force, inheritances
from grading.queries.inspections import inspections, plan
from grading.queries.my_grade import my_grade
from grading.rules.improvement import ImprovementDraft
from grading.rules.inspections import Outcome
from grading.rules.way_back import WayBackDraft
from grading.services import FindingDraft, Imposition, InspectionDraft
from market.cli import draw as draw_command
from tests.factories import contracts as given
from tests.factories import core as make
from tests.factories import grading as g
from tests.factories.agencies import MadeAgency, make_agency, make_grade
from tests.stories.people import Time, time_begins

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("committed_db", "web_app")]

MONDAY = datetime(2026, 3, 2, 9, tzinfo=clock.SHANGHAI)
SURVEYING = Profession.SURVEYING
B, C, D = CreditGrade.B, CreditGrade.C, CreditGrade.D


async def officers(count: int) -> list[Identity]:
    return [await make.member(Role.GRADING_OFFICER) for _ in range(count)]


async def shown(made: MadeAgency) -> CreditGrade:
    return (await standing(made.agency_id, SURVEYING, clock.today())).grade


async def a_month_is_graded(time: Time, signer: Identity) -> None:
    """The run of the day, five working days for comments, a signature."""
    run = await grading.prepare_run(actor=SYSTEM, as_of=clock.today())
    await time.passes(workdays=6)
    await grading.publish_run(actor=signer, run_id=run.run_id)


async def rated(field: g.Field) -> MadeAgency:
    made = await make_agency()
    for n in range(8):
        await g.make_result(made.agency_id, field, "84", days_ago=20 + 10 * n)
    return made


async def test_points_from_the_finding_to_their_expiry() -> None:
    with time_begins(MONDAY) as time:
        first, second = await officers(2)
        made = await rated(await g.make_field())
        await a_month_is_graded(time, first)
        assert await shown(made) is B

        draft = FindingDraft(made.agency_id, SURVEYING, "CP-1003", "", clock.today(), "分包未经同意", "现场记录")
        finding = await grading.propose_conduct(actor=first, draft=draft)
        await time.passes(workdays=2)
        await grading.reply_conduct(actor=made.member, finding_id=finding.finding_id, text="只借用了设备")
        await grading.decide_conduct(actor=second, finding_id=finding.finding_id, upheld=True, reasons="有分包合同")
        time.goes_to(MONDAY + timedelta(days=40))
        await a_month_is_graded(time, first)
        assert await shown(made) is C, "ten points cap at C whatever the marks"
        mine = await my_grade(made.member)
        assert (mine.trades[0].points, mine.trades[0].measures.max_open_jobs) == (10, 2)

        time.goes_to(MONDAY + timedelta(days=380))
        assert await live_findings(made.agency_id) == []
        await a_month_is_graded(time, second)
        assert await shown(made) is B, "points lapse by date, and nothing else is left of them"
        assert (await grading.replay_check()).sound


async def test_a_direct_d_and_the_way_back() -> None:
    with time_begins(MONDAY) as time:
        imposer, checker, decider = await officers(3)
        made = await rated(await g.make_field())
        ends = clock.today().replace(year=2027)
        decision = Imposition(
            made.agency_id, SURVEYING, "DD-01", "演示〔2026〕1 号", "某局", "虚假报告", clock.today(), ends
        )
        await grading.impose_direct_d(actor=imposer, decision=decision)
        assert await shown(made) is D
        time.goes_to(MONDAY + timedelta(days=400))
        (ground,) = (await my_grade(made.member)).grounds
        assert (ground.overdue, ground.may_apply) == (True, True), "a term that is over does not lift the D"
        filed = await grading.file_way_back(
            actor=made.member,
            direct_d_id=ground.ground_id,
            draft=WayBackDraft("报告已撤回", "罚款已缴", "某局 2027-03-01 确认", True),
            proofs=(Upload("缴款凭证.pdf", given.pdf("Paid")),),
        )
        await time.passes(workdays=1)
        await grading.check_way_back(actor=checker, way_back_id=filed.way_back_id, complete=True, note="齐")
        await time.passes(workdays=3)
        done = await grading.decide_way_back(
            actor=decider, way_back_id=filed.way_back_id, granted=True, reasons="已改正"
        )
        assert done.effective_on == clock.today()
        assert await shown(made) is C, "six months of C after a D, from the day it was left"
        assert (await grading.replay_check()).sound


async def test_a_record_follows_the_firm_that_carries_it_on() -> None:
    with time_begins(MONDAY) as time:
        first, second, third = await officers(3)
        old = await make_agency(controller="孙某某", staff=4)
        draft = FindingDraft(old.agency_id, None, "CP-2002", "", clock.today(), "出借资质", "某局决定")
        finding = await grading.propose_conduct(actor=first, draft=draft)
        await time.passes(workdays=6)
        await grading.decide_conduct(actor=second, finding_id=finding.finding_id, upheld=True, reasons="属实")
        new = await make_agency(controller="孙某某", recorded_days_ago=2)
        await grading.suggest_successors()
        (pair,) = [one for one in await inheritances(first) if one.successor == new.agency_id]
        assert await shown(new) is CreditGrade.N, "a suggestion has no effect"

        await grading.propose_inheritance(actor=first, inheritance_id=pair.inheritance_id, facts="同一控制人新设")
        await grading.reply_inheritance(actor=new.member, inheritance_id=pair.inheritance_id, text="只是亲属")
        await grading.decide_inheritance(
            actor=second, inheritance_id=pair.inheritance_id, confirmed=True, reasons="控制人相同，申辩不成立"
        )
        assert await shown(new) is D
        assert [one.predecessor for one in await in_force(new.agency_id)] == [old.agency_id]
        await time.passes(workdays=30)
        await grading.clear_inheritance(actor=third, inheritance_id=pair.inheritance_id, reasons="股权已转让")
        assert await shown(new) is not D
        assert (await grading.replay_check()).sound


async def test_an_inspection_plan_is_drawn_and_anybody_verifies_it(tmp_path: Path) -> None:
    with time_begins(MONDAY) as time:
        officer, other = await officers(2)
        for grade in "AABBCD":
            await make_grade((await make_agency()).agency_id, CreditGrade(grade))
        announced = await grading.announce_plan(actor=officer, outside_source="双色球 2026 年第 25 期")
        await time.passes(workdays=2)
        await grading.draw_plan(
            actor=officer, plan_id=announced.plan_id, value="02 09 13 21 27 30 + 05", where="中国福彩网"
        )
        drawn = await plan(announced.plan_id)
        file, export = tmp_path / "draw.json", tmp_path / "trail.jsonl"
        file.write_text(json.dumps(drawn.result, ensure_ascii=False), "utf-8")
        await trail.publish()
        await export_trail(export, full=False)
        run = CliRunner()
        agrees = run.invoke(draw_command, ["verify", str(file), "--trail", str(export)])
        assert agrees.exit_code == 0, agrees.output
        forged = dict(drawn.result or {})
        forged["outside"] = {**forged["outside"], "value": "01 02 03 04 05 06 + 07"}
        file.write_text(json.dumps(forged, ensure_ascii=False), "utf-8")
        assert run.invoke(draw_command, ["verify", str(file)]).exit_code == 1

        row = (await inspections(announced.plan_id, officer))[0]
        bad = InspectionDraft(clock.today(), "甲、乙", "未公开收费标准", Outcome.FINDING, "CP-0205")
        found = await grading.record_inspection(actor=officer, inspection_id=row.inspection_id, draft=bad)
        assert found.finding_id is not None
        await time.passes(workdays=6)
        await grading.decide_conduct(actor=other, finding_id=found.finding_id, upheld=True, reasons="属实")
        assert [one.points for one in await live_findings(row.agency_id)] == [2]


async def test_an_inspection_orders_a_c_and_the_way_up_again() -> None:
    with time_begins(MONDAY) as time:
        officer, other = await officers(2)
        made = await rated(await g.make_field())
        await a_month_is_graded(time, officer)
        assert await shown(made) == B
        announced = await grading.announce_plan(actor=officer, outside_source="双色球 2026 年第 26 期")
        await grading.draw_plan(actor=officer, plan_id=announced.plan_id, value="04 08 15 16 23 30 + 11", where="官网")
        (row,) = await inspections(announced.plan_id, officer)
        term = clock.today() + timedelta(days=30)
        found = InspectionDraft(clock.today(), "甲、乙", "原始记录没有复核签字", Outcome.ORDERED, correct_by=term)
        await grading.record_inspection(actor=officer, inspection_id=row.inspection_id, draft=found)
        assert await shown(made) == B  # an order moves nothing by itself: the next grade does, signed by a person
        await time.passes(workdays=20)
        await a_month_is_graded(time, officer)
        assert await shown(made) == C
        assert [one.owed for one in await duties(made.agency_id)] == [True]
        plan_of = ImprovementDraft("原始记录两级复核，逐页签字。", "全体人员参加质量管理培训。")
        filed = await grading.file_improvement(actor=made.member, profession=SURVEYING, draft=plan_of)
        assert not filed.late
        await grading.confirm_rectified(actor=other, inspection_id=row.inspection_id, words="抽查三件，签字齐全。")
        await time.passes(workdays=20)
        await a_month_is_graded(time, officer)
        assert await shown(made) == B
        assert await duties(made.agency_id) == []
        assert (await grading.replay_check()).sound


async def test_a_deferred_document_that_never_comes() -> None:
    with time_begins(MONDAY) as time:
        (officer,) = await officers(1)
        made = await given.make_draft()
        await make_grade(made.agency.agency_id, B, figures=GradeFigures(points=0))
        await given.sign(made)
        promised = await contracts.promise_document(
            actor=made.seller,
            contract_id=made.contract_id,
            draft=contracts.DeferralDraft("检定证书", "在检定机构", clock.today() + timedelta(days=4)),
        )
        await contracts.file_contract(actor=made.seller, contract_id=made.contract_id)
        time.goes_to(promised.due_at)
        assert await contracts.sweep_deferred() == 1
        finding_id = await db.value("select id from grading_conduct where code = 'CP-0505'")
        assert await live_findings(made.agency.agency_id) == [], "the clock proposes, a person decides"
        await grading.reply_conduct(actor=made.seller, finding_id=finding_id, text="检定机构搬迁")
        await grading.decide_conduct(actor=officer, finding_id=finding_id, upheld=True, reasons="未申请延期")
        assert [one.points for one in await live_findings(made.agency.agency_id)] == [5]
