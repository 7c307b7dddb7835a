"""The pure rules of conduct and supervision: what must hold whatever happens."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agencies.rules import CreditGrade
from contracts.rules.reviews import lot_value
from contracts.rules.supervision import (
    DeepReviewUnsaid,
    Depth,
    check_deep,
    may_defer,
    plan_review,
)
from contracts.rules.supervision import supervision_on as review_rules_on
from grading.queries.supervision import measure_notes
from grading.rules.bands import rank
from grading.rules.conduct import conduct_track, live_points
from grading.rules.consequences import load_supervision
from grading.rules.ends import end_of, ground_record, longest_d
from grading.rules.evidence import DirectGround, Finding
from grading.rules.inheritance import Edge, EdgeKind, Profile, edges, suggests
from grading.rules.inspections import Line, chosen, draw, grades_digest, quarter_ends, quarter_of, quotas
from grading.rules.replay import grade
from grading.rules.way_back import earliest, effective_on
from market import content
from market.rules.draw import Checkpoint, Outside, commit_to
from tests.factories import grading as g

SCHEME = g.scheme()
TABLE = g.table()
SUPERVISION = load_supervision(g.SCHEME_TEXT)
DAYS = st.dates(date(2024, 6, 1), date(2026, 11, 1))
POINTS = st.sampled_from([2, 5, 10, 20])


@st.composite
def a_finding(draw_from: st.DrawFn) -> Finding:
    number = draw_from(st.integers(1, 10_000))
    event = draw_from(st.sampled_from(["", "award:1", "award:2", "deliverable:9"]))
    return g.a_finding(number, draw_from(POINTS), event=event, decided_on=draw_from(DAYS))


FINDINGS = st.lists(a_finding(), max_size=8, unique_by=lambda one: one.id)


# ---- conduct
@given(FINDINGS, a_finding())
def test_one_more_finding_never_raises_a_grade(found: list[Finding], more: Finding) -> None:
    more = replace(more, id=20_000)
    before = g.evidence(findings=tuple(found))
    after = g.evidence(findings=(*found, more))
    first, second = grade(before, SCHEME, TABLE), grade(after, SCHEME, TABLE)
    assert rank(second.conduct.grade) <= rank(first.conduct.grade)
    assert rank(second.result) <= rank(first.result)
    assert second.score == first.score, "points never enter the score"


@given(FINDINGS, DAYS, DAYS)
def test_one_more_direct_d_never_raises_a_grade(found: list[Finding], start: date, until: date) -> None:
    start, until = min(start, until), max(start, until) + timedelta(days=1)
    before = g.evidence(findings=tuple(found))
    after = replace(before, grounds=(DirectGround("DD-02", "演示 1 号", start, until),))
    assert rank(grade(after, SCHEME, TABLE).result) <= rank(grade(before, SCHEME, TABLE).result)


@given(st.lists(POINTS, min_size=1, max_size=6), DAYS)
def test_several_items_for_one_event_do_not_add_up(points: list[int], day: date) -> None:
    found = [g.a_finding(n, one, event="award:7", decided_on=day) for n, one in enumerate(points, 1)]
    assert live_points(found, day, SCHEME.conduct) == max(points)
    apart = [replace(one, event="") for one in found]
    assert live_points(apart, day, SCHEME.conduct) == sum(points)


@given(FINDINGS, st.dates(date(2024, 6, 1), date(2028, 12, 31)))
def test_points_live_twelve_months_and_not_a_day_longer(found: list[Finding], day: date) -> None:
    alive = [one for one in found if one.decided_on <= day < g_lapse(one)]
    assert (live_points(found, day, SCHEME.conduct) == 0) == (not alive)


def g_lapse(one: Finding) -> date:
    return date(one.decided_on.year + 1, one.decided_on.month, min(one.decided_on.day, 28)) + timedelta(
        days=one.decided_on.day - min(one.decided_on.day, 28)
    )


@given(FINDINGS, st.randoms())
def test_the_order_of_findings_never_matters(found: list[Finding], random: object) -> None:
    mixed = list(found)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    same = [grade(g.evidence(findings=tuple(one)), SCHEME, TABLE).digest() for one in (found, mixed)]
    assert same[0] == same[1]


@pytest.mark.parametrize(("points", "conduct"), [(0, "A"), (9, "A"), (10, "C"), (19, "C"), (20, "D"), (40, "D")])
def test_the_caps_of_the_scheme(points: int, conduct: str) -> None:
    found = g.evidence(findings=(g.a_finding(1, points),) if points else ())
    assert conduct_track(found, SCHEME).grade == conduct


# ---- the way back
@given(DAYS, st.integers(365, 2000), st.one_of(st.none(), st.integers(0, 2500)))
def test_a_direct_d_never_ends_before_its_term_nor_after_the_longest(start: date, term: int, later: int | None) -> None:
    ends = start + timedelta(days=term)
    released = None if later is None else start + timedelta(days=later)
    until = end_of(ground_record(start, ends, released_on=released, repaired_on=None, terms=SCHEME.terms)).on
    assert ends <= until <= longest_d(start, ends, SCHEME.terms)
    assert released is not None or until == longest_d(start, ends, SCHEME.terms)


def test_days_of_the_way_back() -> None:
    start, ends = date(2026, 11, 2), date(2027, 11, 2)
    assert earliest(ends) == date(2027, 10, 2)
    assert longest_d(start, ends, SCHEME.terms) == date(2029, 11, 2)
    assert longest_d(start, date(2031, 11, 2), SCHEME.terms) == date(2031, 11, 2), "as the decision says"
    assert effective_on(ends, date(2027, 10, 20), date(2027, 10, 15)) == ends
    assert effective_on(ends, date(2027, 12, 1), date(2027, 11, 20)) == date(2027, 11, 20)
    assert effective_on(ends, date(2027, 12, 1), date(2028, 2, 1)) == date(2027, 12, 1)


# ---- successors
def profile(number: int, **changed: object) -> Profile:
    facts: dict[str, object] = {
        "agency_id": number,
        "uscc": f"U{number}",
        "controller": f"控制人{number}",
        "representative": f"代表{number}",
        "address": f"某路 {number} 号",
        "phone": f"0538-{number}",
        "recorded_on": date(2020, 1, 1),
        "staff": frozenset({f"P{number}-{n}" for n in range(4)}),
        "declared": frozenset(),
    }
    return Profile(**(facts | changed))  # type: ignore[arg-type]


def ties(other: Profile, *, flagged: frozenset[str] = frozenset(), stained: date | None = None) -> tuple[Edge, ...]:
    return edges(profile(1), other, flagged=flagged, stained_on=stained, overlap=SUPERVISION.staff_overlap)


OLD = profile(1)


@pytest.mark.parametrize(
    ("changed", "kinds", "suggested"),
    [
        ({}, [], False),
        ({"controller": " 控制人1"}, ["same-controller"], True),
        ({"declared": frozenset({"U1"})}, ["declared"], True),
        ({"address": "某路 1 号"}, ["same-address"], False),
        ({"address": "某路 1 号", "phone": "0538-1"}, ["same-address", "same-phone"], True),
        ({"representative": "代表1", "phone": "0538-1"}, ["same-phone", "same-representative"], True),
        ({"staff": frozenset({"P1-0", "P1-1", "X", "Y"})}, ["staff-half"], True),
        ({"staff": frozenset({"P1-0", "X", "Y", "Z"})}, ["staff-quarter"], False),
        ({"staff": frozenset({"P1-0", "V", "W", "X", "Y"})}, [], False),
        ({"staff": frozenset()}, [], False),
    ],
)
def test_one_strong_or_two_weak_ties_suggest(changed: dict[str, object], kinds: list[str], suggested: bool) -> None:
    found = ties(profile(2, **changed))
    assert [one.kind.value for one in found] == kinds
    assert suggests(found) is suggested


def test_a_flagged_person_and_a_registration_soon_after_are_ties_of_their_own() -> None:
    other = profile(2, staff=frozenset({"P1-0", "V", "W", "X", "Y"}), recorded_on=date(2026, 5, 1))
    found = ties(other, flagged=frozenset({"P1-0"}), stained=date(2026, 3, 1))
    assert {one.kind for one in found} == {EdgeKind.FLAGGED, EdgeKind.SOON}
    assert suggests(found)
    assert ties(other, stained=date(2026, 3, 1))[0].kind is EdgeKind.SOON
    assert not suggests(ties(other, stained=date(2026, 3, 1)))
    assert ties(other, stained=date(2024, 3, 1)) == ()


def test_blanks_and_nobody_are_no_tie() -> None:
    blank = {"controller": "无", "representative": "", "address": "", "phone": ""}
    found = edges(
        profile(1, **blank), profile(2, **blank), flagged=frozenset(), stained_on=None, overlap=Decimal("0.5")
    )
    assert found == ()


# ---- inspections
GRADES = st.lists(st.sampled_from("ABCDN"), min_size=1, max_size=60)
RATES = {one.value: SUPERVISION.grades[one].inspection_rate for one in CreditGrade}


def lines(grades: list[str]) -> list[Line]:
    return [Line(f"U{n:04d}.surveying", n, "surveying", one) for n, one in enumerate(grades)]


@given(GRADES)
def test_a_year_of_quarters_inspects_what_the_rates_say_and_nobody_twice(grades: list[str]) -> None:
    everybody = lines(grades)
    seen: set[str] = set()
    drawn: dict[str, int] = {}
    for quarter in (1, 2, 3, 4):
        left = [one for one in everybody if one.code not in seen]
        owed = quotas(left, drawn, RATES, quarter)
        taken = chosen([one.code for one in left], left, {grade: one.quota for grade, one in owed.items()})
        assert len(taken) == sum(one.quota for one in owed.values())
        for _place, line in taken:
            assert line.code not in seen
            seen.add(line.code)
            drawn[line.grade] = drawn.get(line.grade, 0) + 1
    for letter, rate in RATES.items():
        count = grades.count(letter)
        assert rate * count <= drawn.get(letter, 0) < rate * count + 1


@given(st.dates(date(2024, 1, 1), date(2030, 12, 31)))
def test_a_day_lies_in_its_quarter(day: date) -> None:
    year, quarter = quarter_of(day)
    assert quarter_ends(year, quarter) >= day
    assert quarter_of(quarter_ends(year, quarter)) == (year, quarter)
    assert quarter_of(quarter_ends(year, quarter) + timedelta(days=1)) != (year, quarter)


def test_the_draw_is_fixed_by_what_was_frozen_and_the_public_value() -> None:
    hidden = "5a" * 32
    listed = lines(list("AABBC"))
    fixed = ("XT-CC-2026-000001", hidden, commit_to(hidden), Checkpoint(7, "ab" * 32))
    first = draw(*fixed, Outside("双色球", "1 2 3"), listed)
    assert first.order == draw(*fixed, Outside("双色球", "1 2 3"), list(reversed(listed))).order
    others = {draw(*fixed, Outside("双色球", str(n)), listed).order for n in range(20)}
    assert len(others) > 1, "the public value decides"
    assert grades_digest(listed) != grades_digest(lines(list("AABBD")))


# ---- consequences: the same everywhere
def test_the_market_applies_what_the_rule_set_says() -> None:
    law = content.editions()[-1]
    for one in CreditGrade:
        said, applied = SUPERVISION.grades[one], law.grades[one.value]
        assert applied.barred == (not said.public_modes and not said.own_modes)
        assert applied.direct_public == ("direct" in said.public_modes)
        assert applied.direct_warning == said.warning
        assert applied.open_jobs == said.max_open_jobs
        assert applied.bond_most is not None
        assert applied.bond_most * 100 == said.bond_percent
        assert applied.lots == said.lot_factor * 2
        others = set(law.methods_own) - {"direct"}
        if said.own_modes:
            assert {mode.replace("_", "-") for mode in said.own_modes} >= {
                name for name in others if name not in {"average-price"}
            }


def test_review_planning_applies_what_the_rule_set_says() -> None:
    law = review_rules_on(date(2026, 11, 2))
    for one in CreditGrade:
        said, applied = SUPERVISION.grades[one], law.grades[one.value]
        assert (applied.deep_share, applied.reviewers) == (said.deep_share, said.reviewers)
        assert applied.deferred == said.deferred
        assert not said.deferred or law.deferred_points_below == said.deferred_points_below
    assert law.double_review_first == SCHEME.not_rated.double_review_first


def test_every_measure_names_its_basis() -> None:
    notes = measure_notes()
    assert len({one.code for one in notes}) == len(notes) == 11
    assert all(one.basis and one.where_zh and one.where_en and one.verified in {"yes", "no", "n/a"} for one in notes)
    assert all((one.verified == "n/a") == (one.basis == "platform rule") for one in notes)


# ---- depth of review, deferred documents
@given(st.sampled_from("ABCDN"), st.integers(1, 2), st.integers(0, 12), st.text("0123456789abcdef", min_size=8))
def test_a_review_is_never_lighter_than_fee_or_grade_ask(grade: str, by_amount: int, before: int, seed: str) -> None:
    law = review_rules_on(date(2026, 11, 2))
    plan = plan_review(grade, by_amount=by_amount, results_before=before, seed=seed, law=law)
    assert plan.reviewers >= max(by_amount, law.grades[grade].reviewers)
    assert grade != "N" or before >= 5 or plan.reviewers >= 2
    assert (plan.depth is Depth.DEEP) == (Decimal(lot_value(seed, "depth")) < law.grades[grade].deep_share * 2**256)
    assert grade not in "CD" or plan.depth is Depth.DEEP


def test_a_deep_review_says_what_was_compared() -> None:
    check_deep(Depth.STANDARD, "好")
    check_deep(Depth.DEEP, "已抽查外业观测手簿与检查点记录，与成果相符无误")
    with pytest.raises(DeepReviewUnsaid):
        check_deep(Depth.DEEP, "好 " * 15)


@pytest.mark.parametrize(
    ("letter", "points", "waiting", "may"),
    [
        ("A", 0, 0, True),
        ("B", 4, 1, True),
        ("B", 5, 0, False),
        ("B", 0, 2, False),
        ("C", 0, 0, False),
        ("N", 0, 0, False),
    ],
)
def test_who_may_defer_a_document(letter: str, points: int, waiting: int, may: bool) -> None:
    law = review_rules_on(date(2026, 11, 2))
    assert may_defer(letter, points=points, open_promises=waiting, law=law) is may
