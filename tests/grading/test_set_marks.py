"""A technical mark that an upheld objection set is no reviewer's mark: no severity, nobody's share, nobody's lesson."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock
from grading import services
from grading.rules.bands import not_rated_checks
from grading.rules.calibration import load_calibration
from grading.rules.case_mark import Corrections, mark_case
from grading.rules.corrections import Change, CorrectionKind, corrected
from grading.rules.evidence import digest
from grading.rules.objections import Verdict
from grading.rules.replay import grade
from tests.factories import grading as g
from tests.grading.life import FACTS, REASONS, make_fallen, officer

SCHEME = g.scheme()
STRICT = Corrections({"R-001": Decimal("5.10"), "R-002": Decimal("-3.00")}, {"XT-02": Decimal("-0.80")}, Decimal(12))
TWO = g.a_case(1, "70", reviewers=("R-001", "R-002"), marks=(Decimal(68), Decimal(72)), difficulty="XT-02")


def set_to(amount: str, target: int = 1) -> Change:
    return Change(CorrectionKind.TECHNICAL, target, Decimal(amount))


def test_no_severity_but_the_project_is_as_hard_as_before() -> None:
    before = mark_case(TWO, SCHEME.weights, STRICT)
    (case,) = corrected(g.evidence(cases=(TWO,)), [set_to("82")]).cases
    after = mark_case(case, SCHEME.weights, STRICT)
    assert (before.severity, before.difficulty) == (Decimal("1.05"), Decimal("-0.80"))
    assert (after.severity, after.difficulty, after.corrected) == (Decimal("0.00"), Decimal("-0.80"), Decimal("81.20"))
    assert case.set_by_officers
    assert not TWO.set_by_officers
    assert case.seen_by == TWO.seen_by == TWO.reviewers


@given(st.integers(0, 100), st.integers(-12, 12))
def test_who_reviewed_first_never_matters_for_a_mark_that_was_set(mark: int, severity: int) -> None:
    given_ = g.evidence()
    fixed = corrected(given_, [set_to(str(mark))])
    case = next(one for one in given_.cases if one.deliverable_id == 1)
    table = replace(g.table(), severity={alias: Decimal(severity) for alias in case.reviewers})
    alone = replace(fixed, cases=tuple(one for one in fixed.cases if one.deliverable_id == 1))
    assert grade(alone, SCHEME, table).digest() == grade(alone, SCHEME, g.table()).digest()


def test_correcting_twice_is_correcting_once_and_nobody_becomes_unrated_by_being_right() -> None:
    given_ = g.evidence()
    once = corrected(given_, [set_to("82")])
    assert digest(corrected(once, [set_to("82")])) == digest(once)
    told = [not_rated_checks(one, Decimal(1), SCHEME)[1].have for one in (given_, once)]
    assert told[0] == told[1], "the number of reviewers who looked at the agency's work"
    assert digest(corrected(given_, [])) == digest(given_), "evidence without a correction keeps its digest"


@pytest.mark.anyio
async def test_the_page_says_that_the_mark_was_set(db, browse) -> None:  # type: ignore[no-untyped-def]
    fallen = await make_fallen()
    with clock.at(fallen.now):
        lodged = await services.lodge_objection(
            actor=fallen.made.member, report_id=await fallen.report_id(), draft=FACTS
        )
        await services.decide_objection(
            actor=await officer(),
            objection_id=lodged.objection_id,
            verdict=Verdict.UPHOLD,
            reasons=REASONS,
            changes=[set_to("82.00", fallen.bad[0])],
        )
        page = (await (await browse(fallen.made.member)).get(f"/agencies/{fallen.made.agency_id}/grade/surveying")).text
        assert page.count("异议成立后改定的分，不是审查员给的，不作宽严修正") == 1
        assert "*</a>" not in page
        assert (await services.replay_check()).sound


def test_the_table_carries_its_components_without_the_unlinked() -> None:
    text = g.TABLE_TEXT + '\n[component]\n"R-0001" = 0\n"R-0002" = 1\n"R-0003" = -1\n'
    assert load_calibration(text).component == {"R-0001": 0, "R-0002": 1}
    assert g.table().component == {}
