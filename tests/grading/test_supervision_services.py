"""The way back from D, successors, inspections, lapsed promises: services on a real database."""

from datetime import UTC, date, datetime, timedelta

import pytest

from agencies.queries import flagged_staff, person_flags, standing
from agencies.rules import CreditGrade, Profession
from agencies.rules.persons import Flag, FlagAbsent, FlagTermWrong, FlagTwice, PersonUnknown
from agencies.services import end_person_flag, flag_person
from core import clock, db
from core.errors import Forbidden, NotAllowedNow
from core.forms import Upload
from core.identity import SYSTEM, Identity, Role
from grading import services
from grading.queries.conduct import running_grounds
from grading.queries.inheritance import in_force, inheritance, inheritances
from grading.queries.inspections import inspection, inspections, plan
from grading.queries.way_back import ground_of, grounds_of, way_back, way_backs
from grading.rules.inheritance import EdgeKind, InheritanceGone, InheritanceState, NoEdges, SameAgency, SameDecider
from grading.rules.inspections import AlreadyInspected, ItemMissing, Outcome, OutsideEmpty, PlanDrawn, PlanExists
from grading.rules.lifecycle import ReplyPeriodOpen
from grading.rules.way_back import (
    NothingShown,
    SameOfficer,
    WayBackDraft,
    WayBackGone,
    WayBackOpen,
    WayBackOver,
    WayBackState,
    WayBackTooEarly,
)
from grading.services import FindingDraft, Imposition, InspectionDraft
from market.rules.draw_check import check_draw
from tests.factories import core as make
from tests.factories import grading as g
from tests.factories.agencies import MadeAgency, make_agency, make_grade
from tests.factories.contracts import pdf

pytestmark = pytest.mark.anyio

DAY = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
SURVEYING = Profession.SURVEYING
C, D, N = CreditGrade.C, CreditGrade.D, CreditGrade.N
SHOWN = WayBackDraft("作废报告已收回，制度已改", "罚款已缴清", "新泰市自然资源和规划局 确认", True)


@pytest.fixture
async def on_a_monday(db: None):
    with clock.at(DAY):
        yield


def proof() -> tuple[Upload, ...]:
    return (Upload("整改报告.pdf", pdf("Rectified")),)


async def officer() -> Identity:
    return await make.member(Role.GRADING_OFFICER)


async def barred(made: MadeAgency, by: Identity, code: str = "DD-02") -> int:
    decision = Imposition(
        made.agency_id, SURVEYING, code, "演示〔2026〕7 号", "某局", "出借资质", DAY.date(), date(2027, 11, 2)
    )
    return (await services.impose_direct_d(actor=by, decision=decision)).direct_d_id


async def grade_of(made: MadeAgency) -> CreditGrade:
    return (await standing(made.agency_id, SURVEYING, clock.today())).grade


# ---- the way back
async def test_a_term_that_is_over_does_not_lift_the_d_but_showing_does(on_a_monday):
    made, imposer, checker, decider = await make_agency(), await officer(), await officer(), await officer()
    ground = await barred(made, imposer)
    with clock.at(datetime(2027, 9, 1, 1, tzinfo=UTC)), pytest.raises(WayBackTooEarly):
        await services.file_way_back(actor=made.member, direct_d_id=ground, draft=SHOWN, proofs=proof())
    with clock.at(datetime(2027, 11, 15, 1, tzinfo=UTC)):
        assert [one.document_no for one in await running_grounds(made.agency_id, SURVEYING)] == ["演示〔2026〕7 号"]
        (row,) = await grounds_of(made.agency_id)
        assert (row.overdue, row.may_apply, row.longest_on) == (True, True, date(2029, 11, 2))
        with pytest.raises(NothingShown):
            await services.file_way_back(actor=made.member, direct_d_id=ground, draft=SHOWN, proofs=())
        filed = await services.file_way_back(actor=made.member, direct_d_id=ground, draft=SHOWN, proofs=proof())
        with pytest.raises(WayBackOpen):
            await services.file_way_back(actor=made.member, direct_d_id=ground, draft=SHOWN, proofs=proof())
        with pytest.raises(SameOfficer):
            await services.check_way_back(actor=imposer, way_back_id=filed.way_back_id, complete=True, note="齐")
        await services.check_way_back(actor=checker, way_back_id=filed.way_back_id, complete=True, note="齐")
        for one in (imposer, checker):
            with pytest.raises(SameOfficer):
                await services.decide_way_back(actor=one, way_back_id=filed.way_back_id, granted=True, reasons="属实")
        done = await services.decide_way_back(
            actor=decider, way_back_id=filed.way_back_id, granted=True, reasons="属实"
        )
        assert done.effective_on == date(2027, 11, 15)
        assert [one.result for one in done.publications] == [C], "grade C for six months after a D"
        assert await grade_of(made) is C
        assert await running_grounds(made.agency_id, SURVEYING) == []
        assert (await services.replay_check()).sound
        with pytest.raises(WayBackOver):
            await services.file_way_back(actor=made.member, direct_d_id=ground, draft=SHOWN, proofs=proof())


async def test_returned_completed_refused_and_asked_again(on_a_monday):
    made, stranger = await make_agency(), await make_agency()
    ground = await barred(made, await officer())
    with clock.at(datetime(2027, 11, 15, 1, tzinfo=UTC)):
        with pytest.raises(WayBackGone):
            await services.file_way_back(actor=stranger.member, direct_d_id=ground, draft=SHOWN, proofs=proof())
        filed = await services.file_way_back(actor=made.member, direct_d_id=ground, draft=SHOWN, proofs=proof())
        checker, decider = await officer(), await officer()
        await services.check_way_back(actor=checker, way_back_id=filed.way_back_id, complete=False, note="缺缴款凭证")
        with pytest.raises(NotAllowedNow):
            await services.decide_way_back(actor=decider, way_back_id=filed.way_back_id, granted=True, reasons="x")
        await services.complete_way_back(actor=made.member, way_back_id=filed.way_back_id, draft=SHOWN, proofs=proof())
        view = await way_back(made.member, filed.way_back_id)
        assert (view.state, len(view.proofs)) == (WayBackState.FILED, 2)
        with pytest.raises(WayBackGone):
            await way_back(stranger.member, filed.way_back_id)
        await services.check_way_back(actor=checker, way_back_id=filed.way_back_id, complete=True, note="")
        refused = await services.decide_way_back(
            actor=decider, way_back_id=filed.way_back_id, granted=False, reasons="整改不实"
        )
        assert refused.publications == ()
        assert await grade_of(made) is D
        again = await services.file_way_back(actor=made.member, direct_d_id=ground, draft=SHOWN, proofs=proof())
        assert again.way_back_id != filed.way_back_id
        assert [one.way_back_id for one in await way_backs(made.member)] == [again.way_back_id]


async def test_an_early_application_takes_effect_at_the_end_of_the_term(on_a_monday):
    made, checker, decider = await make_agency(), await officer(), await officer()
    ground = await barred(made, await officer())
    with clock.at(datetime(2027, 10, 8, 1, tzinfo=UTC)):
        filed = await services.file_way_back(actor=made.member, direct_d_id=ground, draft=SHOWN, proofs=proof())
        await services.check_way_back(actor=checker, way_back_id=filed.way_back_id, complete=True, note="")
        done = await services.decide_way_back(actor=decider, way_back_id=filed.way_back_id, granted=True, reasons="好")
        assert (done.effective_on, done.publications) == (date(2027, 11, 2), ())
        assert await grade_of(made) is D
        assert await services.lift_due(actor=decider) == 0
    with clock.at(datetime(2027, 11, 2, 1, tzinfo=UTC)):
        assert await services.lift_due(actor=decider) == 1
        assert await services.lift_due(actor=decider) == 0
        assert await grade_of(made) is C


async def test_a_late_decision_is_never_the_agency_s_loss(on_a_monday):
    made, checker, decider = await make_agency(), await officer(), await officer()
    ground = await barred(made, await officer())
    with clock.at(datetime(2027, 11, 15, 1, tzinfo=UTC)):
        filed = await services.file_way_back(actor=made.member, direct_d_id=ground, draft=SHOWN, proofs=proof())
    with clock.at(datetime(2028, 2, 1, 1, tzinfo=UTC)):
        await services.check_way_back(actor=checker, way_back_id=filed.way_back_id, complete=True, note="")
        done = await services.decide_way_back(actor=decider, way_back_id=filed.way_back_id, granted=True, reasons="好")
        assert done.effective_on is not None
        assert date(2027, 11, 15) < done.effective_on <= date(2027, 12, 1)


async def test_without_showing_anything_the_d_ends_at_the_longest_display(on_a_monday):
    made = await make_agency()
    ground = await barred(made, await officer())
    with clock.at(datetime(2029, 11, 1, 1, tzinfo=UTC)):
        assert await running_grounds(made.agency_id, SURVEYING)
    with clock.at(datetime(2029, 11, 2, 1, tzinfo=UTC)):
        assert await running_grounds(made.agency_id, SURVEYING) == []
        with pytest.raises(WayBackOver):
            await services.file_way_back(actor=made.member, direct_d_id=ground, draft=SHOWN, proofs=proof())
        assert not (await ground_of(made.member, ground)).running


# ---- persons
async def staff(made: MadeAgency) -> list[str]:
    found = await db.rows(
        "select certificate_no from agencies_practitioner where agency = $1 order by id", made.agency_id
    )
    return [row["certificate_no"] for row in found]


async def moves(certificate: str, made: MadeAgency) -> None:
    """The person leaves and is registered by another agency today."""
    today = clock.today()
    await db.execute("update agencies_practitioner set ended_on = $2 where certificate_no = $1", certificate, today)
    await db.execute(
        "insert into agencies_practitioner (agency, name, certificate_kind, certificate_no, insured_months, recorded_on)"
        " values ($1, '赵某', '注册测绘师', $2, 6, $3)",
        made.agency_id,
        certificate,
        today,
    )


def a_flag(certificate: str, **changed: object) -> Flag:
    facts = {
        "certificate_no": certificate,
        "document_no": "演示人罚〔2026〕1 号",
        "authority": "某局",
        "facts": "直接责任人员",
        "bars": True,
        "starts_on": DAY.date(),
        "ends_on": date(2031, 11, 2),
    }
    return Flag(**(facts | changed))  # type: ignore[arg-type]


async def test_a_person_s_flag_follows_to_the_new_employer_and_ends(on_a_monday):
    first, second, somebody = await make_agency(), await make_agency(), await officer()
    certificate = (await staff(first))[0]
    flag = await flag_person(actor=somebody, flag=a_flag(certificate))
    assert [one.certificate_no for one in await flagged_staff(first.agency_id)] == [certificate]
    with clock.at(DAY + timedelta(days=90)):
        await moves(certificate, second)
        assert await flagged_staff(first.agency_id) == []
        (row,) = await flagged_staff(second.agency_id)
        assert (row.moved, row.bars, row.agency_id) == (True, True, second.agency_id)
        assert [one.flag_id for one in await person_flags()] == [flag.flag_id]
        await end_person_flag(actor=somebody, flag_id=flag.flag_id, reason="决定被撤销")
        assert await flagged_staff(second.agency_id) == []
        with pytest.raises(FlagAbsent):
            await end_person_flag(actor=somebody, flag_id=flag.flag_id, reason="再来")


async def test_flags_outside_the_rules_are_refused(on_a_monday):
    made, somebody = await make_agency(), await officer()
    certificate = (await staff(made))[0]
    with pytest.raises(PersonUnknown):
        await flag_person(actor=somebody, flag=a_flag("没有这个证"))
    with pytest.raises(FlagTermWrong):
        await flag_person(actor=somebody, flag=a_flag(certificate, ends_on=DAY.date()))
    with pytest.raises(Forbidden):
        await flag_person(actor=made.member, flag=a_flag(certificate))
    await flag_person(actor=somebody, flag=a_flag(certificate))
    with pytest.raises(FlagTwice):
        await flag_person(actor=somebody, flag=a_flag(certificate))


# ---- successors
async def points_against(made: MadeAgency, code: str = "CP-2003", days_ago: int = 30) -> None:
    first, second = await officer(), await officer()
    with clock.at(clock.now() - timedelta(days=days_ago + 20)):
        draft = FindingDraft(made.agency_id, None, code, "", clock.today(), "事实", "证据")
        proposed = await services.propose_conduct(actor=first, draft=draft)
    with clock.at(clock.now() - timedelta(days=days_ago)):
        await services.decide_conduct(actor=second, finding_id=proposed.finding_id, upheld=True, reasons="属实")


async def apart(made: MadeAgency) -> None:
    """An agency that shares nothing with the others but the town."""
    await db.execute(
        "update agencies_agency set legal_representative = name_zh, address = name_zh, contact_phone = name_zh"
        " where id = $1",
        made.agency_id,
    )


async def test_the_register_suggests_and_nothing_happens(on_a_monday):
    old = await make_agency(controller="孙甲乙")
    new = await make_agency(controller="孙甲乙", recorded_days_ago=10)
    await apart(await make_agency(controller="周丙丁"))
    assert await services.suggest_successors() == 0, "nobody has a record"
    await points_against(old)
    assert await services.suggest_successors() == 1
    assert await services.suggest_successors() == 0
    somebody = await officer()
    (pair,) = await inheritances(somebody)
    assert (pair.predecessor, pair.successor, pair.state) == (old.agency_id, new.agency_id, InheritanceState.SUGGESTED)
    assert pair.edges[0].kind is EdgeKind.CONTROLLER
    assert await inheritances(new.member) == []
    with pytest.raises(InheritanceGone):
        await inheritance(new.member, pair.inheritance_id)
    receipt = await services.prepare_run(actor=SYSTEM, as_of=DAY.date())
    results = {
        row["agency"]: row["result"]
        for row in await db.rows("select agency, result from grading_report where run = $1", receipt.run_id)
    }
    assert (results[old.agency_id], results[new.agency_id]) == ("D", "N")


async def confirmed(old: MadeAgency, new: MadeAgency) -> int:
    first, second = await officer(), await officer()
    put = await services.propose_pair(
        actor=first, predecessor=old.agency_id, successor=new.agency_id, facts="同一控制人"
    )
    with pytest.raises(ReplyPeriodOpen):
        await services.decide_inheritance(
            actor=second, inheritance_id=put.inheritance_id, confirmed=True, reasons="查实"
        )
    await services.reply_inheritance(actor=new.member, inheritance_id=put.inheritance_id, text="只是同名")
    with pytest.raises(SameDecider):
        await services.decide_inheritance(
            actor=first, inheritance_id=put.inheritance_id, confirmed=True, reasons="查实"
        )
    await services.decide_inheritance(actor=second, inheritance_id=put.inheritance_id, confirmed=True, reasons="查实")
    return put.inheritance_id


async def test_an_inherited_record_counts_at_once_until_a_person_clears_it(on_a_monday):
    old, new, third = [await make_agency(controller="孙甲乙") for _ in range(3)]
    await points_against(old)
    pair = await confirmed(old, new)
    assert await grade_of(new) is D, "twenty points are a D, for the successor too, the same day"
    assert [one.predecessor for one in await in_force(new.agency_id)] == [old.agency_id]
    assert (await inheritance(None, pair)).state is InheritanceState.IN_FORCE
    chain = await confirmed(new, third)
    assert await grade_of(third) is D, "a chain of registrations does not wash a record off"
    somebody = await officer()
    await services.clear_inheritance(actor=somebody, inheritance_id=pair, reasons="控制人已变更，人员不同")
    assert await grade_of(new) is not D
    assert await grade_of(third) is not D
    assert (await services.replay_check()).sound
    assert (await inheritance(somebody, chain)).state is InheritanceState.IN_FORCE
    with pytest.raises(InheritanceGone):
        await inheritance(None, pair)
    with pytest.raises(NotAllowedNow):
        await services.clear_inheritance(actor=somebody, inheritance_id=pair, reasons="再来")


async def test_a_direct_d_and_its_history_are_inherited_in_its_profession(on_a_monday):
    old, new = await make_agency(controller="孙甲乙"), await make_agency(controller="孙甲乙")
    await barred(old, await officer())
    await confirmed(old, new)
    assert await grade_of(new) is D
    report = await db.row(
        "select evidence from grading_report where agency = $1 order by id desc limit 1", new.agency_id
    )
    assert [one["document_no"] for one in report["evidence"]["grounds"]] == ["演示〔2026〕7 号"]
    assert report["evidence"]["history"], "the grades of the predecessor are the successor's history"


async def test_when_the_predecessor_leaves_its_d_the_successor_leaves_it_the_same_day(on_a_monday):
    old, new = await make_agency(controller="孙甲乙"), await make_agency(controller="孙甲乙")
    ground = await barred(old, await officer())
    await confirmed(old, new)
    with clock.at(datetime(2027, 11, 15, 1, tzinfo=UTC)):
        checker, decider = await officer(), await officer()
        filed = await services.file_way_back(actor=old.member, direct_d_id=ground, draft=SHOWN, proofs=proof())
        await services.check_way_back(actor=checker, way_back_id=filed.way_back_id, complete=True, note="")
        assert await grade_of(new) is D
        await services.decide_way_back(actor=decider, way_back_id=filed.way_back_id, granted=True, reasons="属实")
        assert (await grade_of(old), await grade_of(new)) == (C, C)
        assert (await services.replay_check()).sound


async def test_two_zeros_of_the_predecessor_are_a_d_of_the_successor(on_a_monday):
    old, new = await make_agency(controller="孙甲乙"), await make_agency(controller="孙甲乙")
    field = await g.make_field()
    for days_ago in (40, 20):
        await g.make_result(old.agency_id, field, vetoed=True, days_ago=days_ago)
    await confirmed(old, new)
    assert await grade_of(new) is D


async def test_pairs_without_ties_or_of_one_are_refused(on_a_monday):
    old, new, somebody = await make_agency(controller="甲"), await make_agency(controller="乙"), await officer()
    await db.execute(
        "update agencies_agency set legal_representative = name_zh, address = name_zh, contact_phone = name_zh"
    )
    with pytest.raises(NoEdges):
        await services.propose_pair(actor=somebody, predecessor=old.agency_id, successor=new.agency_id, facts="听说")
    with pytest.raises(SameAgency):
        await services.propose_pair(actor=somebody, predecessor=old.agency_id, successor=old.agency_id, facts="自己")


async def test_a_suggestion_laid_aside_does_not_come_back_by_itself(on_a_monday):
    old = await make_agency(controller="孙甲乙")
    await make_agency(controller="孙甲乙")
    await points_against(old)
    await services.suggest_successors()
    somebody = await officer()
    (pair,) = await inheritances(somebody)
    await services.drop_suggestion(actor=somebody, inheritance_id=pair.inheritance_id, reasons="同名不同人")
    assert await services.suggest_successors() == 0
    again = await services.propose_inheritance(actor=somebody, inheritance_id=pair.inheritance_id, facts="新证据")
    assert again.state is InheritanceState.PROPOSED


# ---- inspections
async def graded(grades: str) -> list[MadeAgency]:
    made = [await make_agency() for _ in grades]
    for one, grade in zip(made, grades, strict=True):
        await make_grade(one.agency_id, CreditGrade(grade))
    return made


async def test_a_plan_is_frozen_drawn_verified_and_carried_out(on_a_monday):
    made = await graded("AABBBCCDD")
    somebody, other = await officer(), await officer()
    with pytest.raises(OutsideEmpty):
        await services.announce_plan(actor=somebody, outside_source=" ")
    announced = await services.announce_plan(actor=somebody, outside_source="双色球第 2026130 期开奖号码")
    with pytest.raises(PlanExists):
        await services.announce_plan(actor=other, outside_source="别的")
    before = await plan(announced.plan_id)
    assert {grade: one.quota for grade, one in before.quotas.items()} == {"A": 1, "B": 1, "C": 1, "D": 2, "N": 0}
    assert await inspections(announced.plan_id, None) == []
    await make_grade(made[0].agency_id, D)  # what changes after the freeze changes nothing
    with pytest.raises(OutsideEmpty):
        await services.draw_plan(actor=somebody, plan_id=announced.plan_id, value="", where="官网")
    drawn = await services.draw_plan(
        actor=somebody, plan_id=announced.plan_id, value="03 07 11 19 22 31 + 08", where="www.cwl.gov.cn"
    )
    assert drawn.inspections == 5
    after = await plan(announced.plan_id)
    record = check_draw(after.result)
    rows = await inspections(announced.plan_id, None)
    assert [row.grade for row in sorted(rows, key=lambda one: one.grade)] == ["A", "B", "C", "D", "D"]
    assert all(record.order[row.place - 1] == f"{row.uscc}.{row.profession}" for row in rows)
    with pytest.raises(PlanDrawn):
        await services.draw_plan(actor=other, plan_id=announced.plan_id, value="1", where="2")
    clean = InspectionDraft(DAY.date(), "甲、乙", "档案齐全", Outcome.CLEAN)
    await services.record_inspection(actor=somebody, inspection_id=rows[0].inspection_id, draft=clean)
    with pytest.raises(AlreadyInspected):
        await services.record_inspection(actor=somebody, inspection_id=rows[0].inspection_id, draft=clean)
    bad = InspectionDraft(DAY.date(), "甲、乙", "未公开收费标准", Outcome.FINDING)
    with pytest.raises(ItemMissing):
        await services.record_inspection(actor=somebody, inspection_id=rows[1].inspection_id, draft=bad)
    found = await services.record_inspection(
        actor=somebody,
        inspection_id=rows[1].inspection_id,
        draft=InspectionDraft(DAY.date(), "甲、乙", "未公开收费标准", Outcome.FINDING, "CP-0205"),
    )
    assert found.finding_id is not None
    point = await db.row("select * from grading_conduct where id = $1", found.finding_id)
    assert (point["state"], point["points"], point["event"]) == (
        "proposed", 2, f"inspection:{rows[1].inspection_id}",
    )  # fmt: skip
    assert (await inspection(rows[0].inspection_id, None)).facts == "", "facts are for the agency and the officers"
    assert (await inspection(rows[0].inspection_id, somebody)).facts == "档案齐全"


async def test_nobody_is_drawn_twice_in_a_year_and_d_is_seen_by_its_end(on_a_monday):
    await graded("DDDD")
    somebody = await officer()
    seen: list[int] = []
    for month in (2, 5, 8, 11):
        with clock.at(datetime(2027, month, 3, 1, tzinfo=UTC)):
            made = await services.announce_plan(actor=somebody, outside_source="公共数值")
            await services.draw_plan(actor=somebody, plan_id=made.plan_id, value=f"{month}", where="公报")
            seen += [row.agency_id for row in await inspections(made.plan_id, None)]
    assert len(seen) == len(set(seen)) == 4
