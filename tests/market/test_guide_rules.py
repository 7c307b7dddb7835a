"""The guide against its worked examples, and against brute force for answers nobody thought of."""

import tomllib
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.workdays import published
from market import content
from market.rules import guide
from market.rules.catalogue import listed
from market.rules.guide import Condition, Handling
from market.rules.reality import Facts, Standing, compare

EXAMPLES = tomllib.loads((content.HERE / "wizard_examples.toml").read_text("utf-8"))["examples"]
ITEMS = {row["code"]: row for row in content.service_items()}
DAYS = {code: int(row["promised_days"]) for code, row in ITEMS.items()}
BEFORE = {code: listed(row["predecessors"]) for code, row in ITEMS.items()}
BOOK = content.rulebook()


def chosen(type_code: str, answers: dict[str, str]) -> tuple[guide.Selection, guide.Course]:
    found = guide.select(BOOK, BOOK.type(type_code), answers)
    return found, guide.course({code: DAYS[code] for code in found.codes}, BEFORE)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one["name_en"])
def test_worked_examples(example: dict[str, Any]) -> None:
    found, course = chosen(example["project_type"], example["answers"])
    assert sorted(found.codes) == example["expected_items"]
    assert len(found.codes) == example["expected_count"]
    assert course.days == example["expected_critical_path_wd"]
    assert list(course.path) == example["expected_path"]
    assert not found.undecided


def test_all_26_items_take_68_working_days_and_215_one_after_the_other() -> None:
    course = guide.course(DAYS, BEFORE)
    assert (len(course.steps), course.days, course.together) == (26, 68, 215)


@pytest.mark.parametrize(
    ("text", "answers", "expected"),
    [
        ("Q07=yes", {"Q07": "yes"}, True),
        ("Q07=yes", {}, False),
        ("Q01=yes | Q02=yes & Q03=own", {"Q01": "yes"}, True),
        ("(Q01=yes | Q02=yes) & Q03=own", {"Q01": "yes"}, False),
        ("Q03=allocated & (Q01=yes | Q02=yes)", {"Q03": "allocated", "Q02": "yes"}, True),
    ],
)
def test_conditions(text: str, answers: dict[str, str], expected: bool) -> None:
    assert Condition(text).holds(answers) is expected


@pytest.mark.parametrize("text", ["", "Q01", "Q01=yes &", "(Q01=yes", "Q01=yes Q02=no", "__import__('os')", ")", "&"])
def test_what_is_not_a_condition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"condition|bracket|place"):
        Condition(text).holds({})


def test_only_questions_that_can_change_something_are_asked() -> None:
    road = BOOK.type("PT-04")
    asked = {each.code for each in BOOK.relevant(road)}
    assert asked == {code for need in road.needs for code in need.questions}
    assert "Q13" not in asked


def test_without_an_answer_the_default_counts_and_some_questions_are_never_guessed() -> None:
    found, _course = chosen("PT-06", {})
    assert found.assumed["Q04"] == "yes"
    assert "XT-SV-02" in found.codes
    assert set(found.open_questions) == {"Q07", "Q08"}
    assert {each.item for each in found.undecided} == {"XT-PG-02", "XT-PG-03"}
    settled, _course = chosen("PT-06", {"Q06": "yes"})
    assert not settled.undecided, "a regional assessment settles both"
    assert not settled.open_questions


def test_a_wrong_answer_is_no_answer() -> None:
    assert chosen("PT-06", {"Q04": "<script>", "Q11": "yes"})[0] == chosen("PT-06", {})[0]


def test_unknown_type() -> None:
    with pytest.raises(guide.ProjectTypeGone):
        BOOK.type("PT-99")


@st.composite
def answered(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    kind = draw(st.sampled_from(sorted(BOOK.types)))
    answers = {each.code: draw(st.sampled_from([value for value, *_ in each.options])) for each in BOOK.questions}
    return kind, answers


def chains(codes: set[str], code: str) -> list[list[str]]:
    """Every chain of items that ends in `code`, walked over the whole catalogue, unselected ones left out."""
    found = [chain for each in BEFORE[code] for chain in chains(codes, each)] or [[]]
    return [[*chain, code] if code in codes else chain for chain in found]


@given(answered())
def test_against_brute_force(case: tuple[str, dict[str, str]]) -> None:
    kind, answers = case
    found, course = chosen(kind, answers)
    codes = set(found.codes)
    for row in content._rows("project_types.csv"):
        if row["project_type"] != kind:
            continue
        needed = row["need"] == "always" or (row["need"] == "conditional" and by_python(row["needed_if"], answers))
        waived = bool(row["waived_if"]) and by_python(row["waived_if"], answers)
        assert (row["item_code"] in codes) is (needed and not waived), row["item_code"]
    longest = max(
        (sum(DAYS[each] for each in chain) for code in codes for chain in chains(codes, code)),
        default=0,
    )
    assert course.days == longest
    assert sum(DAYS[code] for code in course.path) == longest
    finish = {step.item: step.finish for step in course.steps}
    for step in course.steps:
        assert step.finish - step.start == step.days
        assert step.start == max((finish[each] for each in step.before), default=0)
        for chain in chains(codes, step.item):
            assert all(finish[each] <= step.start for each in chain if each != step.item), "order"
    assert all(step.slack == 0 for step in course.steps if step.critical)
    assert all(0 <= step.slack <= course.days - step.finish for step in course.steps)


def by_python(text: str, answers: dict[str, str]) -> bool:
    """The same condition judged by another reader."""
    import re

    words = re.sub(r"(Q[0-9]{2})=([a-z_]+)", lambda hit: str(answers.get(hit[1]) == hit[2]), text)
    return bool(eval(words.replace("&", " and ").replace("|", " or ")))  # our own file


def test_papers_are_asked_for_once() -> None:
    found = guide.papers({"A": ["x", "y"], "B": ["y"], "C": ["y", "z"]})
    assert found == [("y", ("A", "B", "C")), ("x", ("A",)), ("z", ("C",))]


def test_fees_are_summed_at_both_ends() -> None:
    assert guide.fees([(Decimal(1), Decimal(3)), (Decimal(2), Decimal(5))]) == (Decimal(3), Decimal(8))


CALENDAR = published()
MONDAY = date(2026, 3, 2)


def standing(facts: Facts, today: date, handled: Handling | None = None, payer: frozenset[str] = frozenset()) -> Any:
    course = guide.course({"A": 5, "B": 4}, {"A": [], "B": ["A"]})
    handling = {"B": handled} if handled else {}
    return compare(course, MONDAY, {"B": facts}, handling, payer, calendar=CALENDAR, today=today)[1]


def test_plan_days_are_dates_and_lateness_is_counted_in_working_days() -> None:
    waiting = standing(Facts(), date(2026, 3, 3))
    assert (waiting.start_on, waiting.finish_on) == (date(2026, 3, 10), date(2026, 3, 13))
    assert (waiting.standing, waiting.behind) == (Standing.WAITING, 0)
    assert (standing(Facts(), date(2026, 3, 10)).standing, standing(Facts(), date(2026, 3, 12)).behind) == (
        Standing.NOT_BEGUN,
        2,
    )
    done = Facts(date(2026, 3, 10), date(2026, 3, 12), date(2026, 3, 17))
    late = standing(done, date(2026, 6, 1))
    assert (late.standing, late.behind, late.real_start, late.real_finish) == (Standing.DONE, 2, 5, 11)
    assert standing(Facts(posted=date(2026, 3, 10)), date(2026, 3, 16)).behind == 1
    assert standing(Facts(), date(2026, 6, 1), Handling.HAVE).behind == 0
    assert standing(Facts(), date(2026, 6, 1), None, frozenset({"B"})).standing is Standing.DEPARTMENT
