"""How grades are spread and how that moves: migration, PSI, shares, fairness, inflation, bunching."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from grading.rules.watching import Limits
from grading.watching.frames import month_of, months_before
from grading.watching.shares import wilson

GRADES = ("A", "B", "C", "D", "N")
RANK = {"A": 3.0, "B": 2.0, "C": 1.0, "D": 0.0}
SIZES = ((0, "1-9"), (10, "10-29"), (30, "30-99"), (100, "100+"))
BINS = 10
HALF = 0.5


def snapshot(grades: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """The grade of each agency and profession as it stood on a day."""
    known = grades[grades["as_of"] <= day].sort_values(["as_of", "report"])
    return known.drop_duplicates(["agency", "profession"], keep="last")


def run_days(grades: pd.DataFrame) -> list[pd.Timestamp]:
    """The days of the monthly runs, in order; a direct D made in between is no evaluation of the field."""
    return sorted(grades.loc[grades["monthly"], "as_of"].unique())


def base_day(grades: pd.DataFrame, today: pd.Timestamp, limits: Limits) -> pd.Timestamp:
    """A year before the last evaluation, or the first evaluation of a younger market."""
    last = grades.loc[grades["as_of"] <= today, "as_of"].max()
    first: pd.Timestamp = grades["as_of"].min()
    return max(months_before(last, limits.migration_months), first)


def migration(grades: pd.DataFrame, today: pd.Timestamp, limits: Limits) -> pd.DataFrame:
    """Counts of (grade then, grade now); agencies not graded then stand in the row `new`."""
    index = pd.Index([*GRADES, "new"], name="then")
    if grades.empty:
        return pd.DataFrame(0, index=index, columns=list(GRADES)).reset_index()
    now = snapshot(grades, today).set_index(["agency", "profession"])["result"]
    then = snapshot(grades, base_day(grades, today, limits)).set_index(["agency", "profession"])["result"]
    was = then.reindex(now.index).fillna("new")
    table = pd.crosstab(was, now).reindex(index=index, columns=list(GRADES), fill_value=0)
    return table.rename_axis(index="then", columns=None).reset_index()


def psi(expected: Any, actual: Any) -> float:
    """Population stability index of two sets of counts: Σ (a - e)·ln(a/e); an empty cell counts as half a case.

    Cells that are empty in both say nothing and are left out; NaN where one set is empty altogether.
    """
    e, a = np.asarray(expected, dtype=float), np.asarray(actual, dtype=float)
    if e.sum() <= 0 or a.sum() <= 0:
        return float("nan")
    used = (e > 0) | (a > 0)
    e, a = (np.maximum(one[used], HALF) / one.sum() for one in (e, a))
    return float(((a - e) * np.log(a / e)).sum())


def chance_psi(bins: int, expected: int, actual: int) -> float:
    """About what PSI comes to when nothing has changed: (bins - 1)·(1/n + 1/m), from its chi-square form."""
    return (bins - 1) * (1 / expected + 1 / actual) if expected and actual else float("nan")


def stability(grades: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    """PSI of scores and of the grade mix for each evaluation day against a year before, with its chance level."""
    rows = []
    for day in run_days(grades):
        base = base_day(grades, day, limits)
        if base >= day:
            continue
        then, now = snapshot(grades, base), snapshot(grades, day)
        mix = [_counts(one["result"]) for one in (then, now)]
        kinds = int(((mix[0] + mix[1]) > 0).sum())
        before, after = (one.loc[one["rated"], "score"].to_numpy(dtype=float) for one in (then, now))
        edges = _edges(before)
        cells = len(edges) + 1
        rows.append(
            {
                "day": day,
                "base": base,
                "then": len(then),
                "now": len(now),
                "mix_psi": psi(mix[0], mix[1]),
                "mix_chance": chance_psi(kinds, len(then), len(now)),
                "score_psi": psi(_cells(before, edges), _cells(after, edges)),
                "score_chance": chance_psi(cells, len(before), len(after)),
            }
        )
    columns = ["day", "base", "then", "now", "mix_psi", "mix_chance", "score_psi", "score_chance"]
    return pd.DataFrame(rows, columns=columns)


def _counts(results: "pd.Series[Any]") -> Any:
    return results.value_counts().reindex(GRADES, fill_value=0).to_numpy(dtype=float)


def _edges(scores: Any) -> Any:
    """Inner edges of up to ten equal parts of the base scores; fewer where there are fewer than 50."""
    parts = int(min(BINS, max(2, len(scores) // 5)))
    return np.unique(np.quantile(scores, np.linspace(0, 1, parts + 1)[1:-1])) if len(scores) else np.zeros(0)


def _cells(scores: Any, edges: Any) -> Any:
    return np.bincount(np.searchsorted(edges, scores, side="right"), minlength=len(edges) + 1)


def states(grades: pd.DataFrame) -> pd.DataFrame:
    """Per evaluation day: how many are unrated, provisional, contested, and of how many."""
    held = grades[grades["monthly"]]
    held = held.assign(unrated=~held["rated"], provisional=held["rated"] & ~held["firm"])
    made = held.groupby("as_of", as_index=False).agg(
        grades=("report", "size"),
        unrated=("unrated", "sum"),
        provisional=("provisional", "sum"),
        contested=("contested", "sum"),
    )
    for name in ("unrated", "provisional", "contested"):
        made[f"{name}_share"] = made[name] / made["grades"]
    return made


def size_of(staff: int) -> str:
    """The size class of an agency by its staff."""
    return next(name for least, name in reversed(SIZES) if staff >= least)


def fairness(grades: pd.DataFrame, today: pd.Timestamp, limits: Limits) -> pd.DataFrame:
    """Grade by region and by size against what all with the same score get; in grade steps.

    `gap` = mean rank of the group less the mean rank of everybody in the same bands of score. The
    standard error comes from the spread of ranks inside those bands.
    """
    columns = ["kind", "group", "agencies", "score", "rank", "expected", "gap", "z"]
    now = snapshot(grades, today) if not grades.empty else grades
    now = now[now["rated"]]
    if now.empty:
        return pd.DataFrame(columns=columns)
    now = now.assign(
        rank=now["result"].map(RANK),
        cell=np.floor(now["score"] / limits.fair_bin),
        size=[size_of(int(staff)) for staff in now["staff"]],
    )
    cells = now.groupby("cell")["rank"]
    now = now.assign(expected=cells.transform("mean"), spread=cells.transform(lambda r: r.var(ddof=0)))
    rows = []
    for kind in ("region", "size"):
        for name, group in now.groupby(kind, sort=True):
            gap = float((group["rank"] - group["expected"]).mean())
            error = float(np.sqrt(group["spread"].sum())) / len(group)
            rows.append(
                {
                    "kind": kind,
                    "group": name,
                    "agencies": len(group),
                    "score": float(group["score"].mean()),
                    "rank": float(group["rank"].mean()),
                    "expected": float(group["expected"].mean()),
                    "gap": gap,
                    "z": gap / error if error and len(group) >= limits.fair_least else float("nan"),
                }
            )
    return pd.DataFrame(rows, columns=columns)


def inflation(marks: pd.DataFrame) -> pd.DataFrame:
    """Mean raw mark by month with its standard error; vetoed results are left out."""
    held = marks[~marks["vetoed"]]
    made = held.groupby(month_of(held["day"]))["mark"].agg(["size", "mean", "std"]).reset_index()
    made.columns = pd.Index(["month", "marks", "mean", "sd"])
    made["error"] = made["sd"] / np.sqrt(made["marks"])
    return made.drop(columns="sd")


def trend(monthly: pd.DataFrame) -> tuple[float, float]:
    """Points a year and the standard error of that, by weighted least squares over the months."""
    if len(monthly) < 3:
        return float("nan"), float("nan")
    x = np.arange(len(monthly)) / 12
    y, w = monthly["mean"].to_numpy(dtype=float), monthly["marks"].to_numpy(dtype=float)
    centre = (w * x).sum() / w.sum()
    square = (w * (x - centre) ** 2).sum()
    slope = float((w * (x - centre) * y).sum() / square)
    rest = y - (w * y).sum() / w.sum() - slope * (x - centre)
    return slope, float(np.sqrt((w * rest**2).sum() / (len(monthly) - 2) / square))


def bunching(marks: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    """Per reviewer: marks just above and just below a cut, and the chance of so many above by accident."""
    held = marks[~marks["vetoed"]]
    above = pd.Series(False, index=held.index)
    below = pd.Series(False, index=held.index)
    for cut in limits.cuts:
        above |= (held["mark"] >= cut) & (held["mark"] < cut + limits.cut_width)
        below |= (held["mark"] < cut) & (held["mark"] >= cut - limits.cut_width)
    counted = held.assign(above=above, below=below).groupby(["reviewer", "alias"], as_index=False)
    made = counted.agg(marks=("mark", "size"), above=("above", "sum"), below=("below", "sum"))
    near = made["above"] + made["below"]
    tests = [
        binomtest(int(a), int(n), 0.5, alternative="greater") if n else None
        for a, n in zip(made["above"], near, strict=True)
    ]
    intervals = [wilson(int(a), int(n)) for a, n in zip(made["above"], near, strict=True)]
    made["share"] = made["above"] / near.where(near > 0)
    made["low"], made["high"] = [low for low, _ in intervals], [high for _, high in intervals]
    made["chance"] = [
        float(one.pvalue) if one and n >= limits.cut_least else np.nan for one, n in zip(tests, near, strict=True)
    ]
    return made.sort_values(["chance", "reviewer"], ignore_index=True)


def appeals(objections: pd.DataFrame) -> pd.DataFrame:
    """Per month of closing: objections with an outcome, those overturned at first or on re-review, and the share.

    Withdrawn ones have no outcome and are left out (grading.md §7, overturn rate of appeals).
    """
    done = objections[objections["closed"].notna() & ~objections["withdrawn"]]
    done = done.assign(
        month=month_of(done["closed"]), first=done["won"] & ~done["panel"], review=done["won"] & done["panel"]
    )
    made = done.groupby("month", as_index=False).agg(
        decided=("won", "size"), first=("first", "sum"), review=("review", "sum")
    )
    won = made["first"] + made["review"]
    intervals = [wilson(int(k), int(n)) for k, n in zip(won, made["decided"], strict=True)]
    made["share"] = won / made["decided"]
    made["low"], made["high"] = [low for low, _ in intervals], [high for _, high in intervals]
    return made


def responses(stars: pd.DataFrame, today: pd.Timestamp) -> pd.DataFrame:
    """Per month in which the time to answer ended: asked, answered, and the share."""
    over = stars[(stars["due"] < today) | stars["answered"].notna()]
    over = over.assign(month=month_of(over["due"]), said=over["answered"].notna())
    made = over.groupby("month", as_index=False).agg(asked=("said", "size"), answered=("said", "sum"))
    made["share"] = made["answered"] / made["asked"]
    return made
