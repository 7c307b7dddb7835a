"""Do reviewers agree: Krippendorff's alpha on doubly marked work, overlap and connected components."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from grading import estimator as est
from grading.rules.watching import Limits
from grading.watching.frames import subjects

RESAMPLES = 500
SEED = 20261101
LOW, HIGH = 0.10, 0.90


def krippendorff_alpha(units: "pd.Series[Any]", values: "pd.Series[Any]") -> float:
    """Alpha for interval data: 1 less observed over expected squared difference; NaN without a pair.

    Units with one value say nothing and are left out. Krippendorff, Computing Krippendorff's
    Alpha-Reliability (2011), section D: disagreement within a unit is weighted by 1/(m_u - 1), which
    equals twice its sum of squares about the unit's mean times m_u / (m_u - 1).
    """
    x = np.asarray(values, dtype=float)
    codes = pd.factorize(units)[0]
    return _alpha(codes, x)


def _alpha(codes: Any, x: Any) -> float:
    sizes = np.bincount(codes) if len(codes) else np.zeros(0)
    held = sizes[codes] >= 2 if len(codes) else np.zeros(0, dtype=bool)
    codes, x = codes[held], x[held]
    n = len(x)
    if n < 2:
        return float("nan")
    within = _squares(codes, x)
    sizes = np.bincount(codes)
    used = sizes >= 2
    observed = 2 * float((within[used] * sizes[used] / (sizes[used] - 1)).sum()) / n
    expected = 2 * float(((x - x.mean()) ** 2).sum()) * n / (n * (n - 1))
    return 1 - observed / expected if expected > 0 else float("nan")


def _squares(codes: Any, x: Any) -> Any:
    """Sum of squares of each unit about its own mean."""
    sizes = np.maximum(np.bincount(codes), 1)
    means = np.bincount(codes, weights=x) / sizes
    return np.bincount(codes, weights=(x - means[codes]) ** 2)


def alpha(marks: pd.DataFrame, severity: Mapping[int, float], limits: Limits) -> pd.DataFrame:
    """Alpha with its bootstrapped 80 % interval, raw and with severities added, over all and by profession."""
    double = _double(marks)
    corrected = double.assign(mark=double["mark"] + double["reviewer"].map(severity).fillna(0.0).astype(float))
    rows = [_row("all", "raw", double, limits), _row("all", "corrected", corrected, limits)]
    for trade, group in double.groupby("profession", sort=True):
        rows.append(_row(str(trade), "raw", group, limits))
    return pd.DataFrame(rows)


def _double(marks: pd.DataFrame) -> pd.DataFrame:
    """Marks of results that two or more reviewers marked."""
    if marks.empty:
        return marks
    return marks[marks.groupby("review")["mark"].transform("size") >= 2]


def _row(scope: str, kind: str, double: pd.DataFrame, limits: Limits) -> dict[str, Any]:
    codes = pd.factorize(double["review"])[0]
    x = double["mark"].to_numpy(dtype=float)
    low, high = _bootstrap(codes, x)
    return {
        "scope": scope,
        "kind": kind,
        "units": int(double["review"].nunique()),
        "alpha": krippendorff_alpha(double["review"], double["mark"]),
        "low": low,
        "high": high,
        "gap": float(np.sqrt(_squares(codes, x).sum() * 2 / max(1, double["review"].nunique()))) if len(x) else np.nan,
        "target": limits.alpha_target,
    }


def _bootstrap(codes: Any, x: Any) -> tuple[float, float]:
    """The 10th and 90th percentile over resampled units; NaN with fewer than five."""
    units = int(codes.max()) + 1 if len(codes) else 0
    if units < 5:
        return float("nan"), float("nan")
    draw = np.random.default_rng(SEED)
    rows = [np.flatnonzero(codes == unit) for unit in range(units)]
    found = []
    for _ in range(RESAMPLES):
        picked = draw.integers(0, units, units)
        index = np.concatenate([rows[one] for one in picked])
        fresh = np.repeat(np.arange(units), [len(rows[one]) for one in picked])
        found.append(_alpha(fresh, x[index]))
    low, high = np.nanquantile(found, [LOW, HIGH])
    return float(low), float(high)


def components(marks: pd.DataFrame) -> "pd.Series[Any]":
    """For each reviewer the number of the group it is linked to by agencies marked in common."""
    reviewer, names = pd.factorize(marks["reviewer"], sort=True)
    groups = est.Components(len(names))
    groups.add(subjects(marks), reviewer, len(marks))
    return pd.Series(groups.found()[0], index=names, dtype="int64")


def overlap(marks: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    """Per profession: how much is marked twice, and whether everybody is linked to everybody."""
    rows = []
    for trade, group in marks.groupby("profession", sort=True):
        groups = components(group)
        sizes = group.groupby(group["reviewer"].map(groups))["mark"].size()
        results = int(group["review"].nunique())
        doubled = int(_double(group)["review"].nunique())
        blind = int(group.loc[group["blind"], "review"].nunique())
        rows.append(
            {
                "profession": trade,
                "reviewers": len(groups),
                "agencies": int(group["agency"].nunique()),
                "results": results,
                "doubled": doubled,
                "doubled_share": doubled / results,
                "blind": blind,
                "blind_share": blind / results,
                "components": int(groups.nunique()),
                "largest_share": float(sizes.max() / sizes.sum()),
                "target": limits.overlap_share,
            }
        )
    columns = ["profession", "reviewers", "agencies", "results", "doubled", "doubled_share", "blind", "blind_share"]
    return pd.DataFrame(rows, columns=[*columns, "components", "largest_share", "target"])
