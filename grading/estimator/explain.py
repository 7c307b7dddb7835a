"""The table of one agency: the field's level plus the effect of every mark is the score, to 0.01.

In full precision the effects of a weighted mean add up by themselves: effect_i = w_i·(y_i − μ)/W. They are rounded
by largest remainder, so that the rounded figures add up to the rounded score too.
"""

from dataclasses import dataclass

import numpy as np

from grading.estimator.marks import Ints, Marks, Reals, half_up
from grading.estimator.weighing import Weighed


@dataclass(frozen=True, slots=True)
class ExplainedRow:
    """One mark: its row among the marks, corrected value, factors of its weight, share in per cent, effect."""

    row: int
    value: float
    decay: float
    consistency: float
    robust: float
    cap: float
    share: float
    effect: float


@dataclass(frozen=True, slots=True)
class Explained:
    """`base + Σ effects = score` and all shares sum to 100, in hundredths and tenths, exactly."""

    base: float
    base_share: float
    rows: tuple[ExplainedRow, ...]
    stars_value: float
    stars_share: float
    stars_effect: float
    score: float


def spread_remainder(values: Reals, total: int) -> Ints:
    """`values` rounded to whole numbers that sum to `total`: down, then up at the largest remainders."""
    floors = np.floor(values).astype(np.int64)
    missing = total - int(floors.sum())
    order = np.argsort(-(values - floors), kind="stable")
    if len(values):
        each, more = divmod(missing, len(values))
        floors += each
        floors[order[:more]] += 1
    return floors


def explain(agency: int, marks: Marks, weighed: Weighed) -> Explained:
    """The table of agency `agency` of the block."""
    rows = slice(int(marks.starts[agency]), int(marks.starts[agency + 1]))
    base, total = weighed.level[agency], weighed.total[agency]
    stars = weighed.witness.weight[agency]
    weight = np.append(weighed.weight[rows], stars)
    value = np.append(marks.value[rows], weighed.witness.value[agency])
    shown, start = half_up(np.array([weighed.score[agency], base]), 2)
    effects = spread_remainder(100 * weight * (value - base) / total, round(100 * (shown - start)))
    shares = spread_remainder(1000 * np.append(weight, weighed.prior_weight) / total, 1000)
    table = tuple(
        ExplainedRow(
            row=row,
            value=round(float(marks.value[row]), 2),
            decay=round(float(weighed.decay[row]), 4),
            consistency=round(float(weighed.consistency[row]), 4),
            robust=round(float(weighed.robust[row]), 4),
            cap=round(float(weighed.cap[row]), 4),
            share=int(shares[n]) / 10,
            effect=int(effects[n]) / 100,
        )
        for n, row in enumerate(range(rows.start, rows.stop))
    )
    return Explained(
        base=round(float(start), 2),
        base_share=int(shares[-1]) / 10,
        rows=table,
        stars_value=round(float(value[-1]), 2),
        stars_share=int(shares[-2]) / 10,
        stars_effect=int(effects[-1]) / 100,
        score=round(float(shown), 2),
    )
