"""Watching the graders: every figure on an example computed by hand, or on a published test vector."""

import math
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.controllers.watch_charts import chart
from grading.rules.watching import FIGURES, LIMITS, FigureAbsent, Verdict
from grading.watching import accuracy, agreement, distributions, severity
from grading.watching.figures import compute
from grading.watching.frames import Frames
from grading.watching.shares import wilson

TODAY = date(2026, 11, 1)
X = None
KRIPPENDORFF = (  # Computing Krippendorff's Alpha-Reliability (2011), sections C and D: 4 observers, 12 units
    (1, 2, 3, 3, 2, 1, 4, 1, 2, X, X, X),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, X, 3),
    (X, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, X),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, X),
)


def a_mark(**changed: Any) -> dict[str, Any]:
    """One mark of one reviewer."""
    facts: dict[str, Any] = {
        "review": 1,
        "agency": 1,
        "profession": "surveying",
        "item": "SV-01",
        "client": 100,
        "reviewer": 1,
        "region": "370982",
        "mark": 80.0,
        "blind": False,
        "vetoed": False,
        "related": False,
        "day": TODAY - timedelta(days=40),
    }
    made = facts | changed
    return made | {"alias": f"R-{made['reviewer']:04d}"}


def a_grade(**changed: Any) -> dict[str, Any]:
    """One published grade."""
    facts: dict[str, Any] = {
        "report": 1,
        "agency": 1,
        "profession": "surveying",
        "as_of": TODAY - timedelta(days=30),
        "monthly": True,
        "result": "B",
        "rated": True,
        "firm": True,
        "contested": False,
        "score": 80.0,
        "sd": 3.0,
        "region": "370982",
        "staff": 20,
    }
    return facts | changed


def marks(*rows: dict[str, Any]) -> pd.DataFrame:
    return Frames.of(TODAY, marks=rows).marks


def grades(*rows: dict[str, Any]) -> pd.DataFrame:
    return Frames.of(TODAY, grades=rows).grades


def today() -> pd.Timestamp:
    return pd.Timestamp(TODAY)


# ---- agreement
def _units(table: tuple[tuple[int | None, ...], ...]) -> tuple[pd.Series, pd.Series]:
    rows = [(unit, value) for row in table for unit, value in enumerate(row) if value is not None]
    return pd.Series([unit for unit, _ in rows]), pd.Series([value for _, value in rows])


def test_alpha_of_the_published_example() -> None:
    assert agreement.krippendorff_alpha(*_units(KRIPPENDORFF)) == pytest.approx(0.849, abs=0.0005)


def test_alpha_by_hand() -> None:
    # units (1, 2) and (4, 4): observed = (2·1)/4 = 0.5; about the mean 2.75 the squares sum to 6.75, expected = 2·6.75/3 = 4.5
    assert agreement.krippendorff_alpha(pd.Series([0, 0, 1, 1]), pd.Series([1, 2, 4, 4])) == pytest.approx(
        1 - 0.5 / 4.5
    )


def test_alpha_is_one_when_all_agree_and_unknown_without_pairs() -> None:
    assert agreement.krippendorff_alpha(pd.Series([0, 0, 1, 1]), pd.Series([1, 1, 2, 2])) == 1
    assert math.isnan(agreement.krippendorff_alpha(pd.Series([0, 1]), pd.Series([1, 2])))
    assert math.isnan(agreement.krippendorff_alpha(pd.Series([0, 0]), pd.Series([3, 3])))
    assert math.isnan(agreement.krippendorff_alpha(pd.Series([], dtype=int), pd.Series([], dtype=float)))


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=2, max_size=20), st.floats(-20, 20))
def test_alpha_does_not_see_a_shift_of_the_scale(pairs: list[tuple[float, float]], shift: float) -> None:
    units = pd.Series([n for n, _ in enumerate(pairs) for _ in (0, 1)])
    values = pd.Series([value for pair in pairs for value in pair])
    if values.std() < 1e-3:
        return
    assert agreement.krippendorff_alpha(units, values) == pytest.approx(
        agreement.krippendorff_alpha(units, values + shift), abs=1e-6
    )


def test_severity_explains_disagreement_away() -> None:
    rows = [
        a_mark(review=n, agency=n, reviewer=r, mark=70 + 5 * n + shift)
        for n in range(8)
        for r, shift in ((1, -4), (2, 4))
    ]
    table = agreement.alpha(marks(*rows), {1: 4.0, 2: -4.0}, LIMITS)
    raw, corrected = table[table["scope"] == "all"]["alpha"]
    assert corrected == pytest.approx(1)
    assert raw < 0.9
    assert table["gap"].iloc[0] == pytest.approx(8)  # root mean square difference of two marks


def test_components_and_overlap() -> None:
    rows = [
        a_mark(review=1, agency=1, reviewer=1),
        a_mark(review=1, agency=1, reviewer=2, blind=True),
        a_mark(review=2, agency=2, reviewer=2),
        a_mark(review=3, agency=3, reviewer=3),
        a_mark(review=4, agency=3, reviewer=3),
    ]
    linked = agreement.components(marks(*rows))
    assert linked[1] == linked[2] != linked[3]
    (line,) = agreement.overlap(marks(*rows), LIMITS).to_dict("records")
    assert (line["reviewers"], line["agencies"], line["results"], line["doubled"], line["components"]) == (
        3,
        3,
        4,
        1,
        2,
    )
    assert line["doubled_share"] == 0.25
    assert line["largest_share"] == 0.6


# ---- severity
def panel(severities: dict[int, float], *, seed: int = 7, drift: float = 0.0, noise: float = 3.0) -> pd.DataFrame:
    """Forty agencies of unequal strength, good ones with the harder items; reviewer 1 may change of late."""
    draw = np.random.default_rng(seed)
    rows = []
    for n in range(1200):
        agency, reviewer = int(draw.integers(40)), int(draw.choice(list(severities)))
        hard = draw.random() < 0.2 + 0.6 * (agency > 20)
        day = TODAY - timedelta(days=int(draw.integers(1, 1000)))
        late = drift if reviewer == 1 and (TODAY - day).days < 184 else 0.0
        mark = 60 + agency / 2 - severities[reviewer] - late - 5 * hard + draw.normal(0, noise)
        rows.append(
            a_mark(review=n, agency=agency, reviewer=reviewer, item="hard" if hard else "easy", mark=mark, day=day)
        )
    return marks(*rows)


def test_severity_and_difficulty_are_recovered_from_comparisons_inside_agencies() -> None:
    truth = {1: 5.0, 2: -5.0, 3: 1.0, 4: -1.0}
    frame = panel(truth)
    found = severity.fit(frame, today(), LIMITS)
    assert found is not None
    assert dict(zip(found.classes, found.learnt.difficulty, strict=True))["hard"] == pytest.approx(2.5, abs=0.5)
    table = severity.severity(frame, today(), LIMITS, found).set_index("reviewer")
    for reviewer, value in truth.items():
        assert table.loc[reviewer, "severity"] == pytest.approx(value, abs=0.6)
        assert table.loc[reviewer, "low"] - 0.5 < value < table.loc[reviewer, "high"] + 0.5
    assert found.learnt.error_variance == pytest.approx(9, rel=0.15)


def test_drift_is_seen_and_quiet_reviewers_do_not_drift() -> None:
    table = severity.severity(panel(dict.fromkeys(range(1, 9), 0.0), drift=6.0), today(), LIMITS).set_index("reviewer")
    assert table.loc[1, "drift"] == pytest.approx(6, abs=1.6)
    assert table.loc[1, "drift_z"] > 3
    assert (table.loc[2:, "drift_z"].abs() < 3).all()


def test_one_mark_says_nothing_and_none_is_no_table() -> None:
    (line,) = severity.severity(marks(a_mark()), today(), LIMITS).to_dict("records")
    assert line["severity"] == pytest.approx(0)
    assert math.isnan(line["drift"])
    assert severity.severity(marks(), today(), LIMITS).empty
    assert severity.severity(marks(a_mark(vetoed=True, mark=0.0), a_mark(related=True)), today(), LIMITS).empty


# ---- distributions
def test_migration_by_hand() -> None:
    year_ago, now = date(2025, 10, 2), date(2026, 10, 2)
    rows = [
        a_grade(report=1, agency=1, as_of=year_ago, result="B"),
        a_grade(report=2, agency=2, as_of=year_ago, result="B"),
        a_grade(report=3, agency=1, as_of=now, result="A"),
        a_grade(report=4, agency=2, as_of=now, result="B"),
        a_grade(report=5, agency=3, as_of=now, result="C"),
    ]
    table = distributions.migration(grades(*rows), today(), LIMITS).set_index("then")
    assert table.loc["B", "A"] == table.loc["B", "B"] == table.loc["new", "C"] == 1
    assert int(table.to_numpy().sum()) == 3
    assert int(distributions.migration(grades(), today(), LIMITS).set_index("then").to_numpy().sum()) == 0


def test_psi_by_hand() -> None:
    # shares .5 .5 → .25 .75: (.25-.5)·ln(.5) + (.75-.5)·ln(1.5) = .173287 + .101366
    assert distributions.psi([50, 50], [25, 75]) == pytest.approx(0.274653, abs=1e-6)
    assert distributions.psi([10, 20, 0], [10, 20, 0]) == 0
    # an empty cell counts as half a case: e = .5 .5, a = .05 1 → (.05-.5)·ln(.1) + (1-.5)·ln 2
    assert distributions.psi([5, 5], [0, 10]) == pytest.approx(0.45 * math.log(10) + 0.5 * math.log(2))
    assert math.isnan(distributions.psi([0, 0], [1, 1]))


@given(st.lists(st.integers(0, 50), min_size=2, max_size=8), st.lists(st.integers(0, 50), min_size=2, max_size=8))
def test_psi_is_symmetric_and_never_negative_without_empty_cells(one: list[int], other: list[int]) -> None:
    size = min(len(one), len(other))
    e, a = [1 + n for n in one[:size]], [1 + n for n in other[:size]]
    assert distributions.psi(e, a) >= -1e-12
    assert distributions.psi(e, a) == pytest.approx(distributions.psi(a, e))


def test_stability_compares_with_a_year_before() -> None:
    rows = [a_grade(report=n, agency=n, as_of=date(2025, 9, 1), score=60.0 + n) for n in range(40)]
    rows += [
        a_grade(report=100 + n, agency=n, as_of=date(2026, 9, 1), score=62.0 + n, result="A" if n < 20 else "B")
        for n in range(40)
    ]
    (line,) = distributions.stability(grades(*rows), LIMITS).to_dict("records")
    assert (line["then"], line["now"]) == (40, 40)
    # B 40 → A 20, B 20; the empty A cell counts as half a case
    assert line["mix_psi"] == pytest.approx((0.5 - 0.0125) * math.log(40) + (0.5 - 1) * math.log(0.5))
    assert line["mix_chance"] == pytest.approx((2 - 1) * (1 / 40 + 1 / 40))
    assert 0 < line["score_psi"] < 0.25


def test_the_first_ratings_of_a_young_market_are_no_shift() -> None:
    """Nobody was rated a year ago: the mix of grades moves by three units of PSI, and nothing is wrong."""
    start, now = date(2025, 9, 1), date(2026, 9, 1)
    rows = [a_grade(report=n, agency=n, as_of=start, rated=False, result="N") for n in range(40)]
    rows += [a_grade(report=100 + n, agency=n, as_of=now, score=62.0 + n) for n in range(40)]
    figure = compute(Frames.of(TODAY, grades=rows), ["psi"])["psi"]
    assert figure.facts["mix_psi"] > 3
    assert figure.verdict is Verdict.THIN
    rows = [a_grade(report=n, agency=n, as_of=start, score=60.0 + n % 4, result="C") for n in range(40)] + rows[40:]
    assert compute(Frames.of(TODAY, grades=rows), ["psi"])["psi"].verdict is Verdict.ACT


def test_states_by_day() -> None:
    day = date(2026, 10, 1)
    rows = [
        a_grade(report=1, as_of=day, rated=False, firm=False, result="N"),
        a_grade(report=2, as_of=day, firm=False, contested=True),
        a_grade(report=3, as_of=day),
        a_grade(report=4, as_of=day),
        a_grade(report=5, as_of=date(2026, 10, 9), monthly=False, result="D"),
    ]
    (line,) = distributions.states(grades(*rows)).to_dict("records")
    assert (line["grades"], line["unrated"], line["provisional"], line["contested"]) == (4, 1, 1, 1)
    assert line["provisional_share"] == 0.25


def test_fairness_compares_inside_bands_of_score() -> None:
    rows = [a_grade(report=n, agency=n, region="north", score=88.0, result="A") for n in range(5)]
    rows += [a_grade(report=10 + n, agency=10 + n, region="south", score=89.0, result="B") for n in range(5)]
    rows += [a_grade(report=20 + n, agency=20 + n, region="west", score=71.0, result="B", staff=200) for n in range(5)]
    table = distributions.fairness(grades(*rows), today(), LIMITS)
    by_region = table[table["kind"] == "region"].set_index("group")
    assert by_region.loc["north", "gap"] == 0.5
    assert by_region.loc["south", "gap"] == -0.5
    assert by_region.loc["west", "gap"] == 0  # nobody else has that score
    assert by_region.loc["north", "z"] == pytest.approx(0.5 / (math.sqrt(5 * 0.25) / 5))
    assert set(table[table["kind"] == "size"]["group"]) == {"10-29", "100+"}
    assert distributions.size_of(0) == distributions.size_of(9) == "1-9"


def test_inflation_by_month_and_its_trend() -> None:
    rows = [
        a_mark(review=n, day=date(2026, month, 5), mark=70.0 + month + step)
        for n, (month, step) in enumerate((m, s) for m in (1, 2, 3, 4) for s in (-1, 1))
    ]
    table = distributions.inflation(marks(*rows, a_mark(review=99, vetoed=True, mark=0.0, day=date(2026, 1, 9))))
    assert list(table["mean"]) == [71, 72, 73, 74]
    assert table["error"].iloc[0] == pytest.approx(1.0)  # sd √2 over √2
    slope, error = distributions.trend(table)
    assert slope == pytest.approx(12)
    assert error == pytest.approx(0, abs=1e-9)
    assert math.isnan(distributions.trend(table.head(2))[0])


def test_bunching_by_hand() -> None:
    rows = [a_mark(review=n, mark=70.5) for n in range(9)] + [
        a_mark(review=20, mark=69.0),
        a_mark(review=21, mark=80.0),
    ]
    rows += [a_mark(review=30 + n, reviewer=2, mark=90.0 if n % 2 else 89.9) for n in range(8)]
    table = distributions.bunching(marks(*rows), LIMITS).set_index("reviewer")
    assert (table.loc[1, "above"], table.loc[1, "below"]) == (9, 1)
    assert table.loc[1, "chance"] == pytest.approx(11 / 1024)  # P(9 or 10 of 10 | one half)
    assert (table.loc[2, "above"], table.loc[2, "below"]) == (4, 4)
    assert table.loc[2, "chance"] > 0.5


def test_responses_count_silence_as_silence() -> None:
    stars = [
        {
            "contract": n,
            "agency": 1,
            "client": n,
            "requested": date(2026, 9, 1),
            "due": due,
            "answered": said,
            "level": 90.0,
        }
        for n, (due, said) in enumerate(
            [(date(2026, 9, 20), date(2026, 9, 5)), (date(2026, 9, 20), None), (date(2026, 12, 1), None)]
        )
    ]
    (line,) = distributions.responses(Frames.of(TODAY, stars=stars).stars, today()).to_dict("records")
    assert (line["asked"], line["answered"], line["share"]) == (2, 1, 0.5)  # the one still running does not count


# ---- accuracy
def test_pairs_are_compared_inside_one_reviewer_only() -> None:
    day = TODAY - timedelta(days=10)
    rows = [
        a_mark(review=1, agency=1, reviewer=1, mark=90.0, day=day),
        a_mark(review=2, agency=2, reviewer=1, mark=80.0, day=day),
        a_mark(review=3, agency=3, reviewer=1, mark=85.0, day=day),
        a_mark(review=4, agency=4, reviewer=2, mark=10.0, day=day),  # alone with its reviewer: no pair
    ]
    order = pd.DataFrame({"agency": [1, 2, 3, 4], "profession": "surveying", "level": [80.0, 85.0, 80.0, 99.0]})
    right, number = accuracy.pairs(marks(*rows), order)
    # (1,2) wrong, (1,3) tied, (2,3) wrong
    assert (right, number) == (pytest.approx(0.5 / 3), 3)


def test_pair_accuracy_on_the_months_after_an_evaluation() -> None:
    day = date(2026, 3, 31)
    published = [a_grade(report=n, agency=n, as_of=day, score=70.0 + n) for n in (1, 2)]
    before = [
        a_mark(review=1, agency=1, reviewer=1, mark=95.0, day=day),
        a_mark(review=2, agency=2, reviewer=2, mark=60.0, day=day),
    ]
    after = [
        a_mark(review=3, agency=1, reviewer=3, mark=70.0, day=date(2026, 5, 1)),
        a_mark(review=4, agency=2, reviewer=3, mark=80.0, day=date(2026, 5, 2)),
    ]
    (line,) = accuracy.pair_accuracy(marks(*before, *after), grades(*published), today(), LIMITS).to_dict("records")
    assert (line["ours"], line["mean"], line["pairs"]) == (1, 0, 1)


def test_coverage_uses_the_grade_before_the_case_and_the_wider_interval() -> None:
    published = [a_grade(as_of=date(2026, 5, 1), score=80.0, sd=3.0)]
    reach = 1.2815515655446004 * 5.0  # sd 3 and error 4
    values = (80 + reach - 0.01, 80 + reach + 0.01, 80 - reach + 0.01)
    cases = [
        {
            "deliverable": n,
            "agency": 1,
            "profession": "surveying",
            "client": 1,
            "contract": n,
            "value": value,
            "stars": float("nan"),
            "day": date(2026, 6, 1),
        }
        for n, value in enumerate(values)
    ]
    cases.append(cases[0] | {"deliverable": 9, "day": date(2026, 5, 1)})  # on the day itself: already part of the grade
    table = accuracy.coverage(Frames.of(TODAY, cases=cases).cases, grades(*published), 4.0)
    assert (table["cases"].iloc[0], table["inside"].iloc[0]) == (3, 2)


def test_wilson_by_hand() -> None:
    low, high = wilson(5, 10, z=1.96)
    assert (low, high) == (pytest.approx(0.2366, abs=1e-4), pytest.approx(0.7634, abs=1e-4))
    assert wilson(0, 0) == (0.0, 1.0)


# ---- all of them
def test_every_figure_is_computed_also_from_nothing() -> None:
    made = compute(Frames.of(TODAY))
    assert list(made) == [one.code for one in FIGURES]
    assert {one.verdict for one in made.values()} == {Verdict.THIN}
    with pytest.raises(FigureAbsent):
        compute(Frames.of(TODAY), ["nonsense"])


def test_a_figure_without_a_point_has_no_picture() -> None:
    """One mark and one grade: tables with rows of dashes, and axes without anything on them."""
    made = compute(Frames.of(TODAY, marks=[a_mark()], grades=[a_grade(rated=False, result="N")]))
    drawn = {code for code, one in made.items() if chart(one)}
    assert drawn == {"severity", "inflation", "states", "overlap"}
    assert made["alpha"].rows[0]["alpha"] is None


def test_rows_are_plain_values() -> None:
    rows = [a_mark(review=n, agency=n % 5, reviewer=n % 3, mark=70.0 + n % 7) for n in range(40)]
    made = compute(Frames.of(TODAY, marks=rows, grades=[a_grade(agency=n, report=n, score=70.0 + n) for n in range(5)]))
    kinds = {type(value) for one in made.values() for row in one.rows for value in row.values()}
    assert kinds <= {str, int, float, type(None), bool}
    assert made["severity"].verdict is not Verdict.THIN


# ---- appeals
def an_appeal(**changed: Any) -> dict[str, Any]:
    """One objection, dismissed at the first decision."""
    facts: dict[str, Any] = {"objection": 1, "lodged": date(2026, 9, 1), "closed": date(2026, 9, 9)}
    return facts | {"panel": False, "won": False, "withdrawn": False} | changed


def test_overturn_rate_by_hand() -> None:
    rows = [
        an_appeal(won=True),
        an_appeal(panel=True, won=True, closed=date(2026, 10, 9)),
        an_appeal(panel=True, closed=date(2026, 10, 10)),
        an_appeal(),
        an_appeal(),
        an_appeal(withdrawn=True),
        an_appeal(closed=None),
    ]
    made = compute(Frames.of(TODAY, appeals=rows), ["appeals"])["appeals"]
    assert [(row["month"], row["decided"], row["first"], row["review"]) for row in made.rows] == [
        ("2026-09", 3, 1, 0),
        ("2026-10", 2, 0, 1),
    ]
    assert made.facts == {"decided": 5, "won": 2, "review": 1, "share": 0.4, "pending": 1}
    assert made.verdict is Verdict.WATCH
    assert compute(Frames.of(TODAY, appeals=rows[:3]), ["appeals"])["appeals"].verdict is Verdict.THIN
    calm = [an_appeal() for _ in range(5)]
    assert compute(Frames.of(TODAY, appeals=calm), ["appeals"])["appeals"].verdict is Verdict.CALM
