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
    history: tuple[PastGrade, ...] = ()
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
        ({"technical": "0.8"}, "单件得分各部分权重之和不是 1"),
        ({"technical": "0.70", "deadline": "0.15", "filing": "0.10"}, "单件得分各部分权重之和不是 1"),
        ({"band_a": "65"}, "有一个等级分段是空的"),
        ({"band_b": "55"}, "有一个等级分段是空的"),
        ({"warning_at": "20"}, "最高为 C 级的记分须少于定为 D 级的记分"),
    ],
)
def test_contradictions_are_refused_with_a_sentence_that_names_them(changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(SchemeInvalid) as refused:
        vary(**changes)
    assert sentence in refused.value.message()


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
