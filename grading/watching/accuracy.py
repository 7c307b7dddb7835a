"""Does the grade hold: pair accuracy on a held-out period, and whether intervals cover what they promise.

Never validated on raw future marks: there the plain mean wins by keeping its bias (grading.md §7).
"""

import numpy as np
import pandas as pd

from grading.rules.watching import Limits
from grading.watching.distributions import run_days, snapshot
from grading.watching.frames import months_before
from grading.watching.shares import Z80, wilson

WINDOW_MONTHS = 36
TRADES = ["agency", "profession"]


def pairs(marks: pd.DataFrame, order: pd.DataFrame) -> tuple[float, int]:
    """Share of pairs in the right order, and how many pairs.

    `marks` are those of the held-out period; two agencies whose mean marks by one reviewer differ make
    a pair. `order` gives `level` per agency and profession; a tie there counts half.
    """
    means = marks.groupby(["reviewer", *TRADES], as_index=False)["mark"].mean()
    known = means.merge(order[[*TRADES, "level"]], on=TRADES)
    both = known.merge(known, on=["reviewer", "profession"], suffixes=("", "_2"))
    both = both[(both["agency"] < both["agency_2"]) & (both["mark"] != both["mark_2"])]
    if both.empty:
        return float("nan"), 0
    said = np.sign(both["mark"] - both["mark_2"]) * np.sign(both["level"] - both["level_2"])
    return float(((said + 1) / 2).mean()), len(both)


def pair_accuracy(marks: pd.DataFrame, grades: pd.DataFrame, today: pd.Timestamp, limits: Limits) -> pd.DataFrame:
    """For the last evaluation of each quarter: our order and the plain mean's, on the marks of the next months."""
    rows = []
    held = marks[~marks["vetoed"]]
    days = pd.Series(run_days(grades), dtype="datetime64[us]")
    for day in days.groupby(days.dt.to_period("Q")).max() if len(days) else ():
        until = day + pd.DateOffset(months=limits.heldout_months)
        later = held[(held["day"] > day) & (held["day"] <= min(until, today))]
        known = snapshot(grades, day)
        ours = known[known["rated"]].rename(columns={"score": "level"})
        past = held[(held["day"] <= day) & (held["day"] > months_before(day, WINDOW_MONTHS))]
        plain = past.groupby(TRADES)["mark"].mean().rename("level").reset_index()
        plain = plain.merge(ours[TRADES], on=TRADES)
        right, number = pairs(later, ours)
        other, _ = pairs(later, plain)
        if number:
            error = float(np.sqrt(right * (1 - right) / number))
            rows.append(
                {"day": day, "until": min(until, today), "pairs": number, "ours": right, "error": error, "mean": other}
            )
    return pd.DataFrame(rows, columns=["day", "until", "pairs", "ours", "error", "mean"])


def coverage(cases: pd.DataFrame, grades: pd.DataFrame, error_sd: float) -> pd.DataFrame:
    """Per profession and over all: how many later case marks lay within the 80 % interval foretold.

    A case is compared with the last grade published before it. The interval of a new mark is wider
    than that of the score: sd² + ve. `low` and `high` are the 80 % interval of the share itself.
    """
    known = grades[grades["rated"]].sort_values(["as_of", "report"])
    later = cases[cases["day"].notna()].sort_values("day")
    columns = ["scope", "cases", "inside", "share", "low", "high"]
    if known.empty or later.empty:
        return pd.DataFrame(columns=columns)
    met = pd.merge_asof(
        later,
        known[[*TRADES, "as_of", "score", "sd"]],
        left_on="day",
        right_on="as_of",
        by=TRADES,
        allow_exact_matches=False,
    ).dropna(subset=["score"])
    inside = (met["value"] - met["score"]).abs() <= Z80 * np.sqrt(met["sd"] ** 2 + error_sd**2)
    met = met.assign(inside=inside)
    rows = [_covered("all", met)] + [_covered(str(name), group) for name, group in met.groupby("profession", sort=True)]
    return pd.DataFrame([row for row in rows if row["cases"]], columns=columns)


def _covered(scope: str, met: pd.DataFrame) -> dict[str, object]:
    n, k = len(met), int(met["inside"].sum())
    low, high = wilson(k, n)
    return {"scope": scope, "cases": n, "inside": k, "share": k / n if n else float("nan"), "low": low, "high": high}
