"""Trying a rule: what may be typed, what contradicts itself, and what a replay may never do. No database."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agencies.rules import CreditGrade
from core.errors import DomainError, NotAllowedNow
from core.i18n import speaking
from core.states import advance
from core.workdays import published
from grading.rules import laboratory as lab
from grading.rules.evidence import Evidence, PastGrade, Previous
from grading.rules.proposals import (
    TRANSITIONS,
    Clock,
    ProposalAct,
    ProposalState,
    SecondOfficer,
    check_second,
    clock_of,
    flips_by_month,
    last_orders,
    next_run_day,
    version_name,
)
from grading.rules.replay import grade
from grading.rules.scheme import SchemeInvalid, load_scheme
from tests.factories import grading as g

SOURCE = g.SCHEME_TEXT
SCHEME, TABLE = g.scheme(), g.table()
WORSE_FIRST = "DCBA"
A, B, C, D, N = CreditGrade


def published_past(first: Evidence, months: int) -> list[lab.PastReport]:
    """The chain of published grades of one agency: the same evidence month after month, each built on the last."""
    chain, evidence = [], first
    history: tuple[PastGrade, ...] = first.history
    for n in range(months):
        given_now = replace(evidence, as_of=g.AS_OF + timedelta(days=30 * n), history=history)
        out = grade(given_now, SCHEME, TABLE)
        chain.append(lab.PastReport(given_now.agency_id, "surveying", given_now, TABLE, out.result, out.score))
        history = (*history, PastGrade(given_now.as_of, out.result))
        last = Previous(given_now.as_of, out.band, out.result, out.score, out.sd)
        evidence = replace(evidence, previous=last, rated_before=out.result is not N)
    return chain


def vary(**changes: str) -> str:
    return lab.vary(SOURCE, {name.replace("_", "-"): Decimal(value) for name, value in changes.items()}, "XT-TEST")


# ---------------------------------------------------------------- what may be typed
def test_the_form_offers_every_number_and_every_item_with_its_present_value() -> None:
    names = {knob.name for knob in lab.knobs_of(SOURCE)}
    assert {"band-a", "half-life", "technical", "up-at", "reviewer-share", "points:CP-0201"} <= names
    assert len([name for name in names if name.startswith("points:")]) == len(SCHEME.conduct.items)
    assert lab.values_of(SOURCE)["band-a"] == 90
    assert all(knob.title_en for knob in lab.knobs_of(SOURCE) if knob.name.startswith("points:"))


@pytest.mark.parametrize("typed", ["100", "60.9", "abc", "NaN", "inf", "-3"])
def test_numbers_out_of_range_are_named(typed: str) -> None:
    with pytest.raises(lab.KnobOutOfRange) as refused:
        lab.parse_changes(SOURCE, {"band-a": typed})
    assert "A 级起点须为 61 到 99.99 之间的数" in refused.value.message()


def test_points_and_months_of_points_are_whole() -> None:
    for name in ("points:CP-0201", "warning-at", "item-life"):
        with pytest.raises(lab.KnobNotWhole):
            lab.parse_changes(SOURCE, {name: "5.5"})
    assert lab.parse_changes(SOURCE, {"half-life": "9.5"}) == {"half-life": Decimal("9.5")}


def test_all_faults_are_found_at_once_and_empty_means_unchanged() -> None:
    changes, faults = lab.read_changes(SOURCE, {"band-a": "x", "band-b": "", "up-at": "2", "half-life": "6"})
    assert set(faults) == {"band-a", "up-at"}
    assert changes == {"half-life": Decimal(6)}


def test_the_scheme_itself_is_no_variant() -> None:
    same = {name: str(value) for name, value in lab.values_of(SOURCE).items()}
    with pytest.raises(lab.NothingChanged):
        lab.parse_changes(SOURCE, same)


# ---------------------------------------------------------------- contradictions
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"technical": "0.8"}, "三项权重之和须为 100%，现为 80 + 15 + 10 = 105%"),
        ({"technical": "0.70", "deadline": "0.15", "filing": "0.10"}, "现为 70 + 15 + 10 = 95%"),
        ({"band_a": "65"}, "各级起点须依次降低，现为 A 级 65、B 级 70"),
        ({"band_b": "55"}, "各级起点须依次降低，现为 A 级 90"),
        ({"warning_at": "20"}, "最高为 C 级的记分须少于定为 D 级的记分，现为 20 与 20"),
        ({"veto_term": "40"}, "最短 40 个月，不得长于最长的 36 个月"),
    ],
)
def test_contradictions_are_refused_with_a_sentence_that_names_them(changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(SchemeInvalid) as refused:
        vary(**changes)
    assert sentence in refused.value.message()
    assert "请改正后再试算" in refused.value.message()


def test_a_variant_differs_in_the_numbers_and_in_what_is_said_about_them() -> None:
    text = vary(band_a="85", technical="0.70", deadline="0.20", half_life="9")
    varied = load_scheme(text)
    assert varied.id == "XT-TEST"
    assert (varied.band(A).minimum, varied.band(B).below) == (85, 85)
    assert varied.weights.technical + varied.weights.deadline + varied.weights.filing == 1
    assert varied.estimator.half_life_months == 9
    assert "0.75*T'" not in text
    assert replace(varied, id=SCHEME.id, digest=SCHEME.digest, bands=SCHEME.bands, weights=SCHEME.weights) == replace(
        SCHEME, estimator=replace(SCHEME.estimator, half_life_months=9.0)
    )


def test_a_scheme_that_does_not_bound_its_half_life_offers_it_as_fixed() -> None:
    old = "".join(
        line for line in SOURCE.splitlines(True) if not line.startswith(("half_life_least", "half_life_most"))
    )
    present = lab.values_of(old)
    assert {present[name] for name in ("half-life", "half-life-least", "half-life-most")} == {12}
    learnt = load_scheme(lab.vary(old, {"half-life-most": Decimal(36)}, "XT-TEST")).estimator
    assert (learnt.half_life_least, learnt.half_life_months, learnt.half_life_most) == (12, 12, 36)


@pytest.mark.parametrize("knob", lab.knobs_of(SOURCE), ids=lambda knob: knob.name)
def test_every_number_offered_reaches_the_rules_that_grade(knob: lab.Knob) -> None:
    present = lab.values_of(SOURCE)[knob.name]
    step = Decimal(1) if knob.whole or knob.high > 2 else Decimal("0.01")
    changes = {knob.name: present - step if knob.name in ("window", "veto-term") else present + step}
    if knob.name in ("technical", "filing"):
        changes["deadline"] = lab.values_of(SOURCE)["deadline"] - step
    if knob.name == "deadline":
        changes["technical"] = lab.values_of(SOURCE)["technical"] - step
    varied = load_scheme(lab.vary(SOURCE, changes, SCHEME.id))
    assert replace(varied, digest=SCHEME.digest) != SCHEME, "a number that nothing reads"
    assert knob.title
    assert knob.low <= present <= knob.high


@given(st.dictionaries(st.sampled_from([k.name for k in lab.knobs_of(SOURCE)]), st.integers(1, 40), max_size=4))
def test_whatever_is_typed_either_loads_or_is_refused_in_words(typed: dict[str, int]) -> None:
    refused: DomainError | None = None
    try:
        changes = lab.parse_changes(SOURCE, {name: str(value) for name, value in typed.items()})
        text = lab.vary(SOURCE, changes, "XT-ANY")
    except DomainError as problem:
        refused = problem
    if refused is not None:
        assert refused.message()
        return
    assert {name: value for name, value in lab.values_of(text).items() if name in changes} == changes
    assert load_scheme(text).id == "XT-ANY"


# ---------------------------------------------------------------- the past again
marks = st.lists(st.integers(45, 99).map(str), min_size=1, max_size=12)


@given(marks, st.integers(1, 5))
def test_a_replay_of_the_same_scheme_changes_nothing(given_marks: list[str], months: int) -> None:
    past = published_past(g.evidence(cases=g.some_cases(given_marks)), months)
    again = lab.replay(past, SCHEME)
    assert [(one.result, one.score) for one in again] == [(one.result, one.score) for one in past]
    assert not any(one.moved for one in again)
    made = lab.compare(again, SCHEME, SCHEME)
    assert made.movers == ()
    assert made.today == made.variant


@given(marks, st.integers(0, 3), st.integers(91, 99))
def test_a_harsher_band_never_raises_a_grade(given_marks: list[str], months: int, edge: int) -> None:
    past = published_past(g.evidence(cases=g.some_cases(given_marks)), months + 1)
    harsher = load_scheme(vary(band_a=str(edge), band_b=str(edge - 15)))
    for one in lab.replay(past, harsher):
        if N not in (one.result, one.past.result):
            assert WORSE_FIRST.index(one.result.value) <= WORSE_FIRST.index(one.past.result.value)
        else:
            assert one.result is one.past.result


@given(st.integers(1, 9), st.integers(10, 40))
def test_more_points_for_an_item_never_raise_a_grade(few: int, many: int) -> None:
    evidence = g.evidence(findings=(g.a_finding(1, 2), g.a_finding(2, 2, event="x")))
    past = published_past(evidence, 2)
    mild = lab.replay(past, load_scheme(lab.vary(SOURCE, {"points:CP-0201": Decimal(few)}, "MILD")))
    hard = lab.replay(past, load_scheme(lab.vary(SOURCE, {"points:CP-0201": Decimal(many)}, "HARD")))
    for soft, strict in zip(mild, hard, strict=True):
        assert WORSE_FIRST.index(strict.result.value) <= WORSE_FIRST.index(soft.result.value)


GOOD = g.some_cases(["96"] * 9)


@pytest.mark.parametrize(
    ("facts", "changes", "now", "then"),
    [
        ({"cases": GOOD}, {"a-results": "10"}, A, B),
        ({"cases": GOOD}, {"a-clients": "20"}, A, B),
        ({"cases": GOOD}, {"a-registered": "60"}, A, B),
        ({"cases": GOOD, "findings": (g.a_finding(1, 2),)}, {"a-points": "2"}, A, B),
        ({"cases": GOOD, "history": (PastGrade(date(2026, 1, 5), C),)}, {"a-no-low": "6"}, B, A),
        ({"cases": GOOD}, {"rated-results": "10"}, A, N),
        ({"cases": GOOD}, {"rated-reviewers": "20"}, A, N),
        ({"cases": GOOD}, {"rated-clients": "20"}, A, N),
        ({"cases": GOOD}, {"rated-reliability": "0.99"}, A, N),
        ({"cases": (*g.some_cases(["88"] * 8), g.a_case(12, vetoed=True))}, {"no-zero": "6"}, C, B),
        ({"cases": g.some_cases(["40"] * 6)}, {"d-results": "9"}, D, C),
        ({"findings": (g.a_finding(1, 10),)}, {"warning-at": "15"}, C, B),
        (
            {"findings": (g.a_finding(1, 20, decided_on=date(2026, 3, 2), ended_on=date(2026, 4, 2)),)},
            {"points-term": "12"},
            *(C, D),
        ),
        (
            {"findings": (g.a_finding(1, 20, decided_on=date(2026, 3, 2), ended_on=date(2026, 4, 2)),)},
            {"after-term": "1"},
            *(C, B),
        ),
        (
            {"cases": (*g.some_cases(["88"] * 8), g.a_case(12, vetoed=True), g.a_case(13, vetoed=True))},
            {"veto-term": "6"},
            *(D, C),
        ),
    ],
)
def test_gates_and_terms_are_tried_on_the_past(
    facts: dict[str, object], changes: dict[str, str], now: CreditGrade, then: CreditGrade
) -> None:
    past = published_past(g.evidence(**facts), 1)
    tried = {name: Decimal(value) for name, value in changes.items()}
    varied = load_scheme(lab.vary(SOURCE, tried | _points_of(facts), "XT-TEST"))
    (one,) = lab.replay(past, varied)
    assert (past[0].result, one.result) == (now, then)


def _points_of(facts: dict[str, object]) -> dict[str, Decimal]:
    """Findings count the points that the list gives, so that the list says what the finding was decided with."""
    found = facts.get("findings")
    return {f"points:{one.code}": Decimal(one.points) for one in found} if isinstance(found, tuple) else {}


def test_a_gate_that_looks_further_back_is_told_what_earlier_evidence_told() -> None:
    first = g.evidence(cases=GOOD, history=(PastGrade(date(2026, 1, 5), C),))
    past = published_past(first, 1)
    later = replace(first, as_of=date(2027, 3, 1), history=(PastGrade(g.AS_OF, past[0].result),))
    out = grade(later, SCHEME, TABLE)
    past.append(lab.PastReport(7, "surveying", later, TABLE, out.result, out.score))
    assert [one.result for one in lab.replay(past, SCHEME)] == [one.result for one in past]
    further = load_scheme(lab.vary(SOURCE, {"a-no-low": Decimal(24)}, "XT-TEST"))
    assert lab.replay(past, further)[1].result is B
    assert past[1].result is A


def test_a_predecessor_keeps_its_grade_in_the_replay() -> None:
    past = published_past(g.evidence(cases=GOOD), 2)
    inherited = PastGrade(g.AS_OF, D)
    second = replace(past[1].evidence, history=(*past[1].evidence.history, inherited))
    out = grade(second, SCHEME, TABLE)
    past[1] = lab.PastReport(7, "surveying", second, TABLE, out.result, out.score)
    assert [one.result for one in lab.replay(past, SCHEME)] == [A, B]


def test_what_the_rules_say_of_their_own_numbers_follows_them() -> None:
    text = vary(warning_at="8", restriction_at="16", no_zero="24")
    for said in (
        "有效记分8至15分",
        "有效记分达到16分",
        "24个月内有一件成果被判零分",
        "Two zero-scored results in 24 months",
    ):
        assert said in text, said
    assert "有效记分达到20分" not in text


def test_a_version_is_named_by_edition_year_and_sequence() -> None:
    taken = ["XT-2026.1", "XT-2026.2", "XT-FA-2026-000001", "YZ-2026.9"]
    assert version_name("XT-2026.2", 2026, taken, "XT") == "XT-2026.3"
    assert version_name("XT-2026.2", 2027, taken, "XT") == "XT-2027.1"
    assert version_name("YZ-2026.9", 2026, taken, "XT") == "YZ-2026.10"
    assert version_name("XT-FA-2026-000001", 2026, taken, "XT") == "XT-2026.3"


def test_findings_keep_their_points_where_the_rules_only_begin_to_apply() -> None:
    past = published_past(g.evidence(findings=(g.a_finding(1, 2),)), 2)
    harder = load_scheme(lab.vary(SOURCE, {"points:CP-0201": Decimal(25)}, "HARD"))
    assert {one.result for one in lab.replay(past, harder)} == {D}
    assert {one.result for one in lab.replay(past, harder, as_decided=True)} == {past[0].result}


def test_faults_are_said_in_english_too() -> None:
    _, faults = lab.read_changes(SOURCE, {"points:CP-0201": "99"})
    with speaking("en"):
        assert (
            "Late filing of contract, result or change must be a number from 1 to 40"
            in faults["points:CP-0201"].message()
        )


def test_the_replay_builds_on_its_own_grades_and_tells_of_its_progress() -> None:
    past = published_past(g.evidence(cases=g.some_cases(["84"] * 10)), 4)
    seen: list[int] = []
    regraded = lab.replay(past, load_scheme(vary(band_a="75", band_b="65")), seen.append)
    assert len(seen) == 4
    assert [one.past.result for one in regraded] == [B, B, B, B]
    assert regraded[-1].result is A
    made = lab.compare(regraded, SCHEME, load_scheme(vary(band_a="75", band_b="65")))
    assert made.migration["B"]["A"] == 1
    assert [one.past.agency_id for one in made.movers] == [7]
    assert made.variant.inspections != made.today.inspections


def test_flips_by_month_count_only_steps_between_rated_months() -> None:
    past = published_past(g.evidence(cases=g.some_cases(["84"] * 10)), 3)
    regraded = [
        lab.Regraded(past[0], B, past[0].score),
        lab.Regraded(past[1], A, past[1].score),
        lab.Regraded(past[2], N, past[2].score),
    ]
    months = flips_by_month(regraded)
    assert [(one.steps, one.today, one.variant) for one in months] == [(1, 0, 1), (1, 0, 0)]


def test_orders_are_those_known_on_the_day_and_rated_by_both() -> None:
    past = published_past(g.evidence(cases=g.some_cases(["84"] * 10)), 3)
    regraded = [lab.Regraded(one, one.result, one.score + n) for n, one in enumerate(past)]
    today, variant = last_orders(regraded, past[1].evidence.as_of)
    assert (today[0]["level"], variant[0]["level"]) == (float(past[1].score), float(past[1].score + 1))
    assert last_orders([replace(regraded[0], result=N)], past[0].evidence.as_of) == ([], [])


# ---------------------------------------------------------------- its life
def test_the_way_of_a_proposal_and_no_other() -> None:
    assert advance(TRANSITIONS, ProposalState.DRAFT, ProposalAct.SUBMIT) is ProposalState.SUBMITTED
    for state, act in [
        (ProposalState.DRAFT, ProposalAct.APPROVE),
        (ProposalState.SUBMITTED, ProposalAct.EDIT),
        (ProposalState.APPROVED, ProposalAct.WITHDRAW),
        (ProposalState.REJECTED, ProposalAct.SUBMIT),
        (ProposalState.IN_FORCE, ProposalAct.ENTER_FORCE),
    ]:
        with pytest.raises(NotAllowedNow):
            advance(TRANSITIONS, state, act)


def test_nobody_decides_what_went_through_their_hands() -> None:
    check_second(4, (1, 2, 3))
    for own in (1, 2, 3):
        with pytest.raises(SecondOfficer):
            check_second(own, (1, 2, 3))


def test_in_force_on_the_first_run_day_after_notice_and_quarter() -> None:
    days = published()
    # approved on Tuesday 10 March 2026: 20 working days end in April, the quarter on 10 June, run day is 1 July
    assert clock_of(date(2026, 3, 10), days) == Clock(date(2026, 4, 8), date(2026, 6, 10), date(2026, 7, 1))
    assert next_run_day(date(2026, 9, 30), days) == date(2026, 10, 8)
    assert next_run_day(date(2026, 10, 8), days) == date(2026, 11, 2)


@given(st.dates(date(2025, 1, 1), date(2026, 6, 1)))
def test_never_before_both_clocks_have_run_out(approved: date) -> None:
    days = published()
    times = clock_of(approved, days)
    assert times.in_force_from > max(times.notice_until, times.shadow_until)
    assert days.count(approved, times.notice_until) == 20
    assert days.is_workday(times.in_force_from)
    assert not any(days.is_workday(times.in_force_from.replace(day=n)) for n in range(1, times.in_force_from.day))
    assert (times.in_force_from - approved).days < 183, "everybody is regraded within six months"
