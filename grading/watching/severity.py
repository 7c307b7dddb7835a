"""How strict each reviewer is and whether that changes, learnt from comparisons inside one agency.

The fit is the estimator's own (`grading.estimator.severity`), an agency in a profession being one subject; positive
is strict: points to add. Watching learns it anew from the marks at hand and adds whether anybody drifts; what grades
are corrected by is the frozen table, never this.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from grading import estimator as est
from grading.estimator.marks import Codes, starts_of, totals
from grading.rules.watching import Limits
from grading.watching.frames import months_before, subjects
from grading.watching.shares import Z80

FREE = 1e-6
"""A penalty that only picks one of the equal solutions of classes and drifts."""


@dataclass(frozen=True)
class Fit:
    """What was learnt: the estimator's table with the names of its codes, drifts by reviewer, and each mark's rest."""

    reviewers: Any
    classes: Any
    learnt: est.Severity
    drift: dict[int, tuple[float, float]]
    residual: "pd.Series[Any]"


def fit(marks: pd.DataFrame, today: pd.Timestamp, limits: Limits) -> Fit | None:
    """The within-agency fit; None without a mark."""
    marks = teaching(marks)
    if marks.empty:
        return None
    marks = marks.assign(subject=subjects(marks)).sort_values("subject", kind="stable")
    reviewer, names = _coded(marks["reviewer"])
    item, class_names = _coded(marks["item"])
    owner = marks["subject"].to_numpy()
    block = est.Block(starts_of(owner, int(owner[-1]) + 1), reviewer, item, marks["mark"].to_numpy(dtype=float))
    learnt = est.learn_severity(lambda: [block], len(names), len(class_names))
    late = (marks["day"] > months_before(today, limits.drift_months)).to_numpy()
    corrected = marks["mark"] + learnt.correction(reviewer, item, np.inf)
    return Fit(
        reviewers=names,
        classes=class_names,
        learnt=learnt,
        drift={int(names[one]): found for one, found in _drift(block, late, learnt, limits).items()},
        residual=corrected - corrected.groupby(owner).transform("mean"),
    )


def _coded(column: "pd.Series[Any]") -> tuple[Codes, Any]:
    codes, names = pd.factorize(column, sort=True)
    return codes.astype(np.int32), names


def teaching(marks: pd.DataFrame) -> pd.DataFrame:
    """Marks that say something about severity: no vetoed result, none between related parties."""
    return marks[~marks["vetoed"] & ~marks["related"]]


def _drift(block: est.Block, late: Any, learnt: est.Severity, limits: Limits) -> dict[int, tuple[float, float]]:
    """Change of severity after the split, unshrunk, with its standard error, by code of the reviewer.

    Each reviewer with enough marks on both sides gets an unknown of its own for the marks after the split; the
    others, and the classes, are fitted beside it with the variances that the estimator has learnt.
    """
    people, classes = len(learnt.severity), len(learnt.difficulty)
    after = np.bincount(block.reviewer[late], minlength=people)
    before = np.bincount(block.reviewer[~late], minlength=people)
    moving = np.flatnonzero((after >= limits.drift_least) & (before >= limits.drift_least))
    if not len(moving):
        return {}
    rows, marks = np.arange(len(block.mark)), len(block.mark)
    changed = np.flatnonzero(late & np.isin(block.reviewer, moving))
    own = people + classes + np.searchsorted(moving, block.reviewer[changed])
    columns = np.concatenate([block.reviewer, people + block.difficulty, own])
    at = np.concatenate([rows, rows, changed])
    width = people + classes + len(moving)
    design = csr_array((-np.ones(len(at)), (at, columns)), shape=(marks, width))
    means = csr_array((1 / block.sizes[block.owner], (block.owner, rows)), shape=(len(block.sizes), marks)) @ design
    normal = (design.T @ design).toarray() - (means.T @ (means * block.sizes[:, None])).toarray()
    centred = block.mark - (totals(block.mark, block.starts) / np.maximum(block.sizes, 1))[block.owner]
    penalty = np.full(width, FREE)
    penalty[:people] = learnt.error_variance / learnt.reviewer_variance
    inverse = np.linalg.inv(normal + np.diag(penalty))
    change = (inverse @ (design.T @ centred))[people + classes :]
    error = np.sqrt(learnt.error_variance * np.diag(inverse))[people + classes :]
    return {int(one): (float(change[n]), float(error[n])) for n, one in enumerate(moving)}


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
    learnt = found.learnt
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
                "severity": float(learnt.severity[n]),
                "low": float(learnt.severity[n] - Z80 * learnt.severity_se[n]),
                "high": float(learnt.severity[n] + Z80 * learnt.severity_se[n]),
                "drift": change,
                "drift_z": change / sd if sd else float("nan"),
                "component": int(learnt.component[n]),
            }
        )
    return pd.DataFrame(rows, columns=[*columns, "component"]).sort_values(
        ["severity", "reviewer"], ascending=[False, True], ignore_index=True
    )
