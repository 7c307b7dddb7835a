"""When a record stops counting: one rule for points, the ground of a D and the public display (decision 0016)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agencies.queries import standing
from agencies.rules import CreditGrade
from contracts.queries import LIVE_POINTS
from contracts.queries.deferred import points_today as contracts_points
from core import clock, db
from core.forms import Upload
from core.identity import Identity, Role
from grading import services
from grading.queries.conduct import live_findings, points_today, running_grounds
from grading.queries.repairs import repairable
from grading.queries.supervision import stained
from grading.queries.way_back import grounds_of
from grading.rules.conduct import ends_on
from grading.rules.ends import EndedBy, Record, counts, end_of, finding_record, ground_record, longest_d
from grading.rules.evidence import Finding
from grading.rules.months import add_months
from grading.rules.repair import ImposerDecides, NothingToRepair, TermAsDecided, TermIsOver, WayBackRunning
from grading.rules.way_back import RepairRunning, WayBackDraft, WayBackOver
from grading.services import FindingDraft, Imposition, RepairDraft
from grading.services.runs import one_subject
from tests.factories import core as make
from tests.factories import grading as g
from tests.factories.agencies import MadeAgency, make_agency, make_grade
from tests.grading.life import REASONS, SURVEYING, officer

SCHEME = g.scheme()
DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31))
LATER = st.one_of(st.none(), st.integers(0, 1500))
DAY = datetime(2026, 6, 1, 1, 0, tzinfo=UTC)
PROOF = (Upload("整改报告.pdf", b"%PDF-1.7\n%%EOF"),)
SHOWN = WayBackDraft("作废报告已收回", "罚款已缴清", "主管部门确认", True)


def later(start: date, days: int | None) -> date | None:
    return None if days is None else start + timedelta(days=days)


# ---- the pure rule
@given(DAYS, st.integers(1, 40), LATER, st.integers(-5, 1500))
def test_a_finding_ends_at_the_earliest_of_life_display_and_repair(
    decided: date, points: int, repaired: int | None, off: int
) -> None:
    record = finding_record(decided, points, later(decided, repaired), SCHEME)
    ends, day = end_of(record).on, decided + timedelta(days=off)
    display = SCHEME.repair.terms(SCHEME.repair.class_of(points)).most_months
    assert decided <= ends <= add_months(decided, min(12, display))
    assert repaired is None or ends <= decided + timedelta(days=repaired)
    assert counts(record, day) is (decided <= day < ends)
    told = Finding(1, "CP-0201", points, "", decided, "", ends)
    assert ends_on(told, SCHEME.conduct.life_months) == ends, "the grade and the page see the same end"


@given(DAYS, st.integers(365, 2000), LATER, LATER)
def test_a_direct_d_ends_by_repair_way_back_or_the_longest_display(
    start: date, term: int, released: int | None, repaired: int | None
) -> None:
    ends = start + timedelta(days=term)
    record = ground_record(
        start, ends, released_on=later(start, released), repaired_on=later(start, repaired), terms=SCHEME.terms
    )
    found = end_of(record)
    assert start <= found.on <= longest_d(start, ends, SCHEME.terms)
    if found.by is not EndedBy.REPAIR:
        assert found.on >= ends, "only a repair ends a D before its term"
    if found.by is EndedBy.TIME:
        assert found.on == longest_d(start, ends, SCHEME.terms), "the end of the term alone ends nothing"


@given(DAYS, LATER, LATER, LATER)
def test_one_more_way_out_never_makes_a_record_live_longer(
    start: date, longest: int | None, repaired: int | None, released: int | None
) -> None:
    plain = Record(start, start + timedelta(days=longest or 0))
    with_repair = Record(start, plain.longest, later(start, repaired))
    both = Record(start, plain.longest, later(start, repaired), later(start, released))
    assert end_of(both).on <= end_of(with_repair).on <= end_of(plain).on


def test_the_classes_in_months() -> None:
    start = date(2026, 6, 1)
    ends = {points: end_of(finding_record(start, points, None, SCHEME)).on for points in (2, 5, 10, 20)}
    assert ends == {2: date(2026, 9, 1), 5: date(2027, 6, 1), 10: date(2027, 6, 1), 20: date(2027, 6, 1)}
    assert end_of(Record(start, date(2027, 6, 1), start, start)).by is EndedBy.REPAIR


# ---- the same end everywhere
@pytest.fixture
async def made(db: None):
    with clock.at(DAY):
        yield await make_agency()


async def upheld(made: MadeAgency, points: int, event: str = "") -> int:
    code = next(item.code for item in SCHEME.conduct.items if item.points == points)
    draft = FindingDraft(made.agency_id, None, code, event, clock.today(), "逾期未备案。", "备案系统记录")
    put = await services.propose_conduct(actor=await make.member(Role.REGISTRAR), draft=draft)
    await services.reply_conduct(actor=made.member, finding_id=put.finding_id, text="情况属实。")
    await services.decide_conduct(actor=await officer(), finding_id=put.finding_id, upheld=True, reasons="属实。")
    return put.finding_id


async def barred(made: MadeAgency, by: Identity, months: int = 24, *, as_decided: bool = False) -> int:
    decision = Imposition(
        made.agency_id, SURVEYING, "DD-01", "泰综执罚〔2026〕7 号", "综合执法局", "出具虚假成果",
        clock.today(), add_months(clock.today(), months), as_decided,
    )  # fmt: skip
    return (await services.impose_direct_d(actor=by, decision=decision)).direct_d_id


def wish(ground: int) -> RepairDraft:
    return RepairDraft("已全面整改。", "罚款已缴清", "主管部门", True, PROOF, None, ground)


async def evidence(made: MadeAgency):
    rules = await services.runs.rulebook_on(clock.today())
    return (await one_subject(made.agency_id, SURVEYING, clock.today(), rules)).evidence


@pytest.mark.anyio
async def test_a_minor_finding_ends_after_three_months_before_any_sweep(made: MadeAgency) -> None:
    await upheld(made, 2)
    (shown,) = await live_findings(made.agency_id, SURVEYING)
    (told,) = (await evidence(made)).findings
    (could,) = await repairable(made.agency_id)
    assert shown.lapses_on == told.ended_on == could.ends == date(2026, 9, 1)
    assert [one.agency_id for one in await stained()] == [made.agency_id]
    with clock.at(datetime(2026, 9, 1, 1, tzinfo=UTC)):
        assert await db.value("select ended_on from grading_conduct") is None
        assert await live_findings(made.agency_id, SURVEYING) == []
        assert await repairable(made.agency_id) == []
        assert await stained() == []


@pytest.mark.anyio
async def test_a_repaired_d_is_gone_from_grade_public_page_and_my_grade_alike(made: MadeAgency) -> None:
    imposer = await officer()
    ground = await barred(made, imposer)
    with clock.at(datetime(2027, 6, 2, 1, tzinfo=UTC)):
        put = await services.apply_repair(actor=made.member, draft=wish(ground))
        await services.accept_repair(actor=imposer, repair_id=put.repair_id)
        with pytest.raises(ImposerDecides):
            await services.decide_repair(actor=imposer, repair_id=put.repair_id, granted=True, reasons=REASONS)
        for one in (await officer(), await officer()):
            assert [row.until for row in await running_grounds(made.agency_id, SURVEYING)] == [date(2029, 6, 1)]
            await services.decide_repair(actor=one, repair_id=put.repair_id, granted=True, reasons=REASONS)
        assert (await standing(made.agency_id, SURVEYING, clock.today())).grade is CreditGrade.C
        assert await running_grounds(made.agency_id, SURVEYING) == []
        (row,) = await grounds_of(made.agency_id)
        (told,) = (await evidence(made)).grounds
        assert (row.running, row.until, told.until) == (False, clock.today(), clock.today())
        assert [one.barred for one in await stained()] == [True], "what follows the D runs from its real end"
        with pytest.raises(NothingToRepair):
            await services.apply_repair(actor=made.member, draft=wish(ground))
        with pytest.raises(WayBackOver):
            await services.file_way_back(actor=made.member, direct_d_id=ground, draft=SHOWN, proofs=PROOF)
    with clock.at(datetime(2027, 12, 2, 1, tzinfo=UTC)):
        assert await stained() == []


@pytest.mark.anyio
async def test_one_door_at_a_time_out_of_a_direct_d(made: MadeAgency) -> None:
    ground = await barred(made, await officer(), 13)
    with clock.at(datetime(2027, 6, 5, 1, tzinfo=UTC)):
        put = await services.apply_repair(actor=made.member, draft=wish(ground))
        assert [one.may_apply for one in await grounds_of(made.agency_id)] == [False]
        with pytest.raises(RepairRunning):
            await services.file_way_back(actor=made.member, direct_d_id=ground, draft=SHOWN, proofs=PROOF)
        await services.return_repair(actor=await officer(), repair_id=put.repair_id, reasons=REASONS)
        assert [one.direct_d_id for one in await repairable(made.agency_id)] == [ground]
        await services.file_way_back(actor=made.member, direct_d_id=ground, draft=SHOWN, proofs=PROOF)
        assert await repairable(made.agency_id) == []
        with pytest.raises(WayBackRunning):
            await services.apply_repair(actor=made.member, draft=wish(ground))


@pytest.mark.anyio
async def test_after_the_term_and_for_a_term_set_by_a_decision_only_the_way_back_is_open(made: MadeAgency) -> None:
    ground = await barred(made, await officer(), 60, as_decided=True)
    with clock.at(datetime(2028, 6, 2, 1, tzinfo=UTC)):
        assert await repairable(made.agency_id) == []
        with pytest.raises(TermAsDecided):
            await services.apply_repair(actor=made.member, draft=wish(ground))
    other = await make_agency()
    short = await barred(other, await officer(), 12)
    with clock.at(datetime(2027, 6, 2, 1, tzinfo=UTC)):
        assert await repairable(other.agency_id) == []
        with pytest.raises(TermIsOver):
            await services.apply_repair(actor=other.member, draft=wish(short))
        assert [one.may_apply for one in await grounds_of(other.agency_id)] == [True]


@pytest.mark.anyio
async def test_points_repaired_leave_a_d_by_points_its_six_months(made: MadeAgency) -> None:
    """The record ends at once; the D that the sum has made is served for the scheme's six months at least."""
    first, second = await upheld(made, 10), await upheld(made, 10)
    with clock.at(datetime(2026, 9, 2, 1, tzinfo=UTC)):
        for one in (first, second):
            draft = RepairDraft("已整改。", "无", "", True, PROOF, one)
            put = await services.apply_repair(actor=made.member, draft=draft)
            await services.accept_repair(actor=await officer(), repair_id=put.repair_id)
            await services.decide_repair(actor=await officer(), repair_id=put.repair_id, granted=True, reasons=REASONS)
        rules = await services.runs.rulebook_on(clock.today())
        found = services.runs.grade(await evidence(made), rules.scheme, rules.calibration).conduct
        assert (found.points, found.grade) == (0, CreditGrade.D)
        assert {term.until for term in found.terms} == {date(2026, 12, 1)}


# ---- the pages
@pytest.mark.anyio
async def test_my_grade_says_no_to_deferring_from_the_day_the_points_count(made: MadeAgency, browse) -> None:  # type: ignore[no-untyped-def]
    await make_grade(made.agency_id, CreditGrade.B)
    LIVE_POINTS.supply(points_today)
    try:
        page = (await (await browse(made.member)).get("/my-grade")).text
        assert "现在可以容缺申报" in page
        await upheld(made, 5)
        page = (await (await browse(made.member)).get("/my-grade")).text
        assert "现在不能容缺申报" in page
        assert await contracts_points(made.agency_id, SURVEYING.value) == 5, "contracts go by the same figure"
    finally:
        LIVE_POINTS.supply(None)


@pytest.mark.anyio
async def test_points_of_one_event_count_once_on_my_grade_too(made: MadeAgency) -> None:
    for points in (2, 5):
        await upheld(made, points, "deliverable:9")
    assert await points_today(made.agency_id, SURVEYING) == 5


@pytest.mark.anyio
async def test_a_profession_that_is_not_held_has_no_grade_page(made: MadeAgency, browse) -> None:  # type: ignore[no-untyped-def]
    reader = await browse()
    for page in ("", "/seen"):
        found = await reader.get(f"/agencies/{made.agency_id}/grade/water{page}")
        assert found.status_code == 404
        assert "没有备案这个专业" in found.text
        assert (await reader.get(f"/agencies/{made.agency_id}/grade/surveying{page}")).status_code == 200
