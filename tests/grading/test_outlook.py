"""What would move a grade: every promise is kept by the estimator itself, and the chance is a normal one."""

import math
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agencies.rules import CreditGrade
from grading.rules.bands import rank
from grading.rules.outlook import next_month, outlook, with_results
from grading.rules.replay import grade
from tests.factories import grading as g

GOOD = g.evidence(cases=g.some_cases(["88", "90", "87", "91", "89", "88", "90", "92"]))


def at_next_run(evidence, count, mark):
    outcome = grade(evidence, g.scheme(), g.table())
    return grade(with_results(next_month(evidence, outcome), count, mark), g.scheme(), g.table())


def test_the_way_up_is_kept_and_one_point_less_does_not_do() -> None:
    outcome = grade(GOOD, g.scheme(), g.table())
    assert outcome.result is CreditGrade.B
    ahead = outlook(GOOD, outcome, g.scheme(), g.table())
    assert ahead.ups
    assert not ahead.barred
    for way in ahead.ups:
        assert at_next_run(GOOD, way.count, way.mark).result is way.result is CreditGrade.A
        assert at_next_run(GOOD, way.count, way.mark - 1).result is CreditGrade.B
    assert [way.mark for way in ahead.ups] == sorted((way.mark for way in ahead.ups), reverse=True)


def test_the_way_down_is_kept_and_one_point_more_does_not_do() -> None:
    ahead = outlook(GOOD, grade(GOOD, g.scheme(), g.table()), g.scheme(), g.table())
    assert ahead.downs
    for way in ahead.downs:
        assert at_next_run(GOOD, way.count, way.mark).result is way.result
        assert rank(way.result) < rank(CreditGrade.B)
        assert at_next_run(GOOD, way.count, way.mark + 1).result is CreditGrade.B


def test_the_chance_is_that_of_the_agency_as_it_is() -> None:
    outcome = grade(GOOD, g.scheme(), g.table())
    way = outlook(GOOD, outcome, g.scheme(), g.table()).ups[0]
    spread = math.sqrt(float(outcome.sd) ** 2 + 36.0 / way.count)
    expected = 0.5 * math.erfc((way.mark - float(outcome.score)) / spread / math.sqrt(2))
    assert float(way.chance) == pytest.approx(expected, abs=1e-4)
    assert way.chance < Decimal("0.5")


def test_points_are_not_cured_by_results_but_by_time() -> None:
    evidence = g.evidence(findings=(g.a_finding(points=12),))
    outcome = grade(evidence, g.scheme(), g.table())
    ahead = outlook(evidence, outcome, g.scheme(), g.table())
    assert outcome.result is CreditGrade.C
    assert ahead.ups == ()
    assert {check.code for check in ahead.barred} == {"points", "conduct"}
    assert ahead.turn is not None
    # decided on 2 September 2026, alive for 12 months: gone at the run of 2 September 2027
    assert (ahead.turn.on, ahead.turn.before, ahead.turn.after) == (date(2027, 9, 2), CreditGrade.C, CreditGrade.B)


def test_without_enough_evidence_it_says_how_much_is_missing() -> None:
    evidence = g.evidence(cases=g.some_cases(["82", "85", "79"]))
    outcome = grade(evidence, g.scheme(), g.table())
    ahead = outlook(evidence, outcome, g.scheme(), g.table())
    assert outcome.quality is CreditGrade.N
    assert ahead.rated_after is not None
    level = round(outcome.score)
    assert at_next_run(evidence, ahead.rated_after, level).result is ahead.rated_as
    assert at_next_run(evidence, ahead.rated_after - 1, level).quality is CreditGrade.N


def test_evidence_that_grows_old_is_foretold() -> None:
    old = g.evidence(cases=tuple(g.a_case(n, "82", finalised_on=date(2025, 1 + n % 6, 1)) for n in range(1, 11)))
    outcome = grade(old, g.scheme(), g.table())
    ahead = outlook(old, outcome, g.scheme(), g.table())
    assert outcome.quality is not CreditGrade.N
    assert ahead.turn is not None
    assert ahead.turn.after is CreditGrade.N


@settings(max_examples=8)
@given(st.lists(st.integers(50, 100), min_size=1, max_size=12))
def test_asking_what_if_changes_nothing(marks: list[int]) -> None:
    evidence = g.evidence(cases=g.some_cases([str(mark) for mark in marks]))
    outcome = grade(evidence, g.scheme(), g.table())
    ahead = outlook(evidence, outcome, g.scheme(), g.table())
    assert grade(evidence, g.scheme(), g.table()).digest() == outcome.digest()
    here = rank(outcome.result)
    assert all(rank(way.result) > here and 0 <= way.chance <= 1 for way in ahead.ups)
    assert all(rank(way.result) < here for way in ahead.downs)
