"""Whose marks scatter: how far a reviewer's corrected marks lie from what others found of the same agencies.

Each mark is compared with the mean of the *other* reviewers' marks of the agency, each of them weighed by its own
spread. The squared distance, less what that mean is uncertain by, is in expectation the variance of the reviewer's own
marks. So nobody seems consistent by agreeing with himself, and who marks alone stays at the average.

How much of the differences between reviewers is real is learnt from the same distances: an analysis of variance with
reviewers as groups gives the spread within and between them, and every reviewer is drawn to the average by the ratio.
Where reviewers do not differ the ratio has no bound and all marks count alike (decision 0018).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from grading.estimator.marks import Block, Blocks, Reals, half_up, totals

ROUNDS = 2
"""A first look with all alike, a second with the others weighed by what the first found; a third finds nothing better."""
WIDEST = 5.0
"""No spread is taken for more than so many times the average, or less than one in so many."""
LEAST_BELIEF = 3.0
"""The average always counts as at least so many good comparisons."""

Correct = Callable[[Block], Reals]
"""The corrected marks of a block."""


@dataclass(slots=True)
class _Sums:
    """Per reviewer, over all comparisons: their weight, weighted variance found; over all, the weighted squares."""

    weight: Reals
    found: Reals
    squares: float
    comparisons: int


def learn_spread(
    blocks: Blocks, reviewers: int, error: float, correct: Correct, progress: Callable[[int], None] = lambda _: None
) -> Reals:
    """The variance of one mark of each reviewer, as a multiple of the average one's.

    `error` is ve, the variance of one mark. 1 where nothing can be compared, or where reviewers do not differ.
    """
    spread = np.ones(reviewers)
    for _ in range(ROUNDS):
        sums = _Sums(np.zeros(reviewers), np.zeros(reviewers), 0.0, 0)
        for block in blocks():
            _compare(block, correct(block), spread, error, sums)
        progress(1)
        spread = _drawn_in(sums)
    return spread


def consistency(spread: Reals, share: float = 1.0) -> Reals:
    """What a mark of each reviewer counts, in marks of an average one, to 0.01.

    `share` is the part of a case mark's variance that is the reviewer's: a deadline is kept or not, whoever marks.
    """
    return half_up(1 / (share * spread + 1 - share), 2)


def _compare(block: Block, mark: Reals, spread: Reals, error: float, sums: _Sums) -> None:
    """Add the comparisons of a block."""
    agencies, reviewers = len(block.starts) - 1, len(spread)
    owner, weight = block.owner, 1 / (error * spread[block.reviewer])
    key = owner * reviewers + block.reviewer
    order = np.argsort(key, kind="stable")  # several times faster than np.unique
    opens = np.diff(key[order], prepend=-1) > 0
    cell_of = np.empty(len(key), np.int64)
    cell_of[order] = np.cumsum(opens) - 1

    def of_others(values: Reals) -> Reals:
        """Per mark, the sum over its agency less that of its own reviewer."""
        own = np.bincount(cell_of, values).astype(np.float64, copy=False)
        return totals(values, block.starts)[owner] - own[cell_of]

    met = np.bincount(owner[order][opens], minlength=agencies)[owner] > 1
    doubt = 1 / of_others(weight)[met]
    by = block.reviewer[met]
    found = ((mark[met] - of_others(weight * mark)[met] * doubt) ** 2 - doubt) / error
    part = np.minimum((error / (error * spread[by] + doubt)) ** 2, 1.0)
    sums.weight += np.bincount(by, part, reviewers)
    sums.found += np.bincount(by, part * found, reviewers)
    sums.squares += float(part @ found**2)
    sums.comparisons += len(found)


def _drawn_in(sums: _Sums) -> Reals:
    """Each reviewer's own figure drawn to the average, by how much reviewers differ beyond chance."""
    even = np.ones(len(sums.weight))
    known = sums.weight > 0
    total = float(sums.weight.sum())
    spare = sums.comparisons - int(known.sum())
    room = total - float((sums.weight**2).sum()) / total if total else 0.0
    average = float(sums.found.sum()) / total if total else 0.0
    if spare <= 0 or room <= 0 or average <= 0:
        return even
    own = np.divide(sums.found, sums.weight, out=np.full(len(even), average), where=known)
    within = (sums.squares - float((sums.weight * own**2).sum())) / spare
    apart = float((sums.weight * (own - average) ** 2).sum()) - within * (int(known.sum()) - 1)
    if apart <= 0:
        return even
    belief = max(within * room / apart, LEAST_BELIEF)
    shrunk = average + (own - average) * sums.weight / (sums.weight + belief)
    spread: Reals = np.clip(shrunk / average, 1 / WIDEST, WIDEST)
    return spread
