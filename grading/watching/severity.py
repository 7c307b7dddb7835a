"""How strict each reviewer is and whether that changes, learnt from comparisons inside one agency.

The model of grading.md §2: y = a(agency, profession) - s(reviewer) - d(class) + error, the agencies
free, severities shrunk by ve/vr. Positive s is strict: points to add. Watching learns it anew from
the marks at hand, with intervals; what grades are corrected by is the frozen table, never this.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix

from grading.rules.watching import Limits
from grading.watching.agreement import components
from grading.watching.frames import months_before
from grading.watching.shares import Z80

START = (36.0, 9.0)
ROUNDS = 12
TINY = 1e-6
LEAST_VARIANCE = 0.01


@dataclass(frozen=True)
class Fit:
    """What was learnt: severities with their covariance, drifts, difficulties, residuals and variances."""

    reviewers: Any
    severity: Any
    covariance: Any
    drift: dict[int, tuple[float, float]]
    classes: Any
    difficulty: Any
    residual: "pd.Series[Any]"
    error_variance: float
    reviewer_variance: float


def fit(marks: pd.DataFrame, today: pd.Timestamp, limits: Limits) -> Fit | None:
    """The within-agency fit; None without a mark."""
    marks = teaching(marks)
    if marks.empty:
        return None
    reviewers, names = pd.factorize(marks["reviewer"], sort=True)
    classes, class_names = pd.factorize(marks["item"], sort=True)
    late = (marks["day"] > months_before(today, limits.drift_months)).to_numpy()
    moving = _moving(reviewers, late, len(names), limits)
    blocks = [(reviewers, np.ones(len(marks))), (classes, np.ones(len(marks)))]
    solved = _solve(marks, blocks, (len(names), len(class_names)))
    drift = _drift(marks, reviewers, classes, late, moving, solved, (len(names), len(class_names)))
    return Fit(
        reviewers=names,
        severity=solved.values[: len(names)],
        covariance=solved.covariance[: len(names), : len(names)],
        drift={int(names[one]): found for one, found in drift.items()},
        classes=class_names,
        difficulty=solved.values[len(names) :],
        residual=pd.Series(solved.residual, index=marks.index),
        error_variance=solved.error_variance,
        reviewer_variance=solved.reviewer_variance,
    )


def teaching(marks: pd.DataFrame) -> pd.DataFrame:
    """Marks that say something about severity: no vetoed result, none between related parties."""
    return marks[~marks["vetoed"] & ~marks["related"]]


@dataclass(frozen=True)
class _Solved:
    values: Any
    covariance: Any
    residual: Any
    error_variance: float
    reviewer_variance: float


def _moving(reviewers: Any, late: Any, size: int, limits: Limits) -> Any:
    """Reviewers with enough marks before and after the split to speak of drift."""
    after = np.bincount(reviewers[late], minlength=size)
    before = np.bincount(reviewers[~late], minlength=size)
    return np.flatnonzero((after >= limits.drift_least) & (before >= limits.drift_least))


def _system(marks: pd.DataFrame, columns: Any, weights: Any, width: int) -> tuple[Any, Any, Any, Any]:
    """X'MX and X'My, with M taking out the mean of every agency and profession; columns enter with minus."""
    subjects = pd.factorize(pd.MultiIndex.from_frame(marks[["agency", "profession"]]))[0]
    rows = np.tile(np.arange(len(marks)), len(columns))
    held = np.concatenate(weights)
    design = coo_matrix((-held, (rows, np.concatenate(columns))), shape=(len(marks), width)).tocsr()
    agency = coo_matrix((np.ones(len(marks)), (np.arange(len(marks)), subjects))).tocsr()
    counts = np.asarray(agency.sum(axis=0)).ravel()
    y = marks["mark"].to_numpy(dtype=float)
    centred = y - (agency.T @ y / counts)[subjects]
    shares = agency.T @ design
    normal = (design.T @ design).toarray() - (shares.T @ (shares.multiply(1 / counts[:, None]))).toarray()
    return design, normal, design.T @ centred, (agency, counts, subjects, centred)


def _solve(marks: pd.DataFrame, blocks: list[tuple[Any, Any]], sizes: tuple[int, int]) -> _Solved:
    """Severities and difficulties with both variances learnt (EM on the mixed model's equations)."""
    offsets = (0, sizes[0])
    columns = [codes + offset for (codes, _), offset in zip(blocks, offsets, strict=True)]
    design, normal, right, (agency, counts, subjects, centred) = _system(
        marks, columns, [weights for _, weights in blocks], sum(sizes)
    )
    ve, vr = START
    free = max(1, len(marks) - len(counts) - sizes[1] + 1)
    inverse = np.zeros_like(normal)
    values = np.zeros(sum(sizes))
    residual = centred
    for _ in range(ROUNDS):
        ridge = np.concatenate([np.full(sizes[0], ve / vr), np.full(sizes[1], TINY)])
        inverse = np.linalg.inv(normal + np.diag(ridge))
        values = inverse @ right
        fitted = design @ values
        residual = centred - (fitted - (agency.T @ fitted / counts)[subjects])
        used = sizes[0] - ve / vr * float(np.trace(inverse[: sizes[0], : sizes[0]]))
        ve = max(LEAST_VARIANCE, float(residual @ residual) / max(1.0, free - used))
        spread = float(values[: sizes[0]] @ values[: sizes[0]])
        spread += ve * float(np.trace(inverse[: sizes[0], : sizes[0]]))
        vr = max(LEAST_VARIANCE, spread / sizes[0])
    return _Solved(values, ve * inverse, residual, ve, vr)


def _drift(
    marks: pd.DataFrame, reviewers: Any, classes: Any, late: Any, moving: Any, solved: _Solved, sizes: tuple[int, int]
) -> dict[int, tuple[float, float]]:
    """Change of severity after the split, unshrunk, with its standard error."""
    if not len(moving):
        return {}
    place = np.full(sizes[0], -1)
    place[moving] = np.arange(len(moving))
    counted = late & (place[reviewers] >= 0)
    ones = np.ones(len(marks))
    base = sum(sizes)
    columns = [reviewers, classes + sizes[0], base + np.maximum(place[reviewers], 0)]
    _, normal, right, _ = _system(marks, columns, [ones, ones, counted.astype(float)], base + len(moving))
    shrink = solved.error_variance / solved.reviewer_variance
    ridge = np.concatenate([np.full(sizes[0], shrink), np.full(sizes[1] + len(moving), TINY)])
    inverse = np.linalg.inv(normal + np.diag(ridge))
    values = inverse @ right
    error = np.sqrt(solved.error_variance * np.diag(inverse))
    return {int(one): (float(values[base + n]), float(error[base + n])) for n, one in enumerate(moving)}


def severity(marks: pd.DataFrame, today: pd.Timestamp, limits: Limits, found: Fit | None = None) -> pd.DataFrame:
    """One row per reviewer: severity with its 80 % interval, drift with its z, the component it belongs to."""
    columns = ["reviewer", "alias", "marks", "agencies", "mean", "severity", "low", "high", "drift", "drift_z"]
    found = found or fit(marks, today, limits)
    if found is None:
        return pd.DataFrame(columns=[*columns, "component"])
    held = teaching(marks)
    group = held.groupby("reviewer")
    counts, agencies = group["mark"].size(), group["agency"].nunique()
    means, aliases = group["mark"].mean(), group["alias"].first()
    linked = components(held)
    error = np.sqrt(np.maximum(np.diag(found.covariance), 0))
    rows = []
    for n, reviewer in enumerate(found.reviewers):
        change, sd = found.drift.get(int(reviewer), (float("nan"), float("nan")))
        rows.append(
            {
                "reviewer": int(reviewer),
                "alias": aliases[reviewer],
                "marks": int(counts[reviewer]),
                "agencies": int(agencies[reviewer]),
                "mean": float(means[reviewer]),
                "severity": float(found.severity[n]),
                "low": float(found.severity[n] - Z80 * error[n]),
                "high": float(found.severity[n] + Z80 * error[n]),
                "drift": change,
                "drift_z": change / sd if sd else float("nan"),
                "component": int(linked[reviewer]),
            }
        )
    return pd.DataFrame(rows, columns=[*columns, "component"]).sort_values(
        ["severity", "reviewer"], ascending=[False, True], ignore_index=True
    )
