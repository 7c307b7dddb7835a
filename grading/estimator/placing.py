"""From score to grade: not rated, bands, hysteresis, one step at a time, firm or provisional.

Probabilities are taken from the *published* score and standard deviation (two decimals) and rounded to 0.0001
before they are compared, so that a reader can check them. The conduct track, the certificate and the time on the
register are not in the marks; what of the gates the marks can show is applied.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from grading.estimator.constants import Constants
from grading.estimator.marks import Flags, Ints, Reals, half_up
from grading.estimator.weighing import Groups

GRADES = ("D", "C", "B", "A", "N")
"""Grades by code: 0 to 3 from worst to best, 4 not rated."""

D, C, B, A, N = range(5)


@dataclass(frozen=True, slots=True)
class Counts:
    """What each agency's evidence consists of; `clients` is −1 where no mark states one."""

    results: Ints
    reviewers: Ints
    clients: Ints


@dataclass(frozen=True, slots=True)
class Placed:
    """Per agency: grade code, whether firm, P(next band or better), P(below this band)."""

    grade: NDArray[np.int8]
    firm: Flags
    p_up: Reals
    p_down: Reals


def count(groups: Groups) -> Counts:
    """Results, different reviewers and different clients of each agency."""
    return Counts(
        results=np.diff(groups.starts),
        reviewers=groups.reviewers,
        clients=np.where(groups.clients > 0, groups.clients, -1),
    )


def rated(counts: Counts, reliability: Reals, constants: Constants) -> Flags:
    """Whether the evidence suffices for a grade at all."""
    few_clients = (counts.clients >= 0) & (counts.clients < constants.least_clients)
    enough: Flags = (
        (counts.results >= constants.least_results)
        & (counts.reviewers >= constants.least_reviewers)
        & ~few_clients
        & (half_up(reliability, 4) >= constants.least_reliability)
    )
    return enough


def place(
    score: Reals,
    sd: Reals,
    counts: Counts,
    reliability: Reals,
    constants: Constants,
    previous: NDArray[np.int8] | None = None,
) -> Placed:
    """The grades. `previous` holds the codes of the last regrade, N for none.

    Without a previous grade it is the band of the score, A only as for a rise. Otherwise at most one step: up when
    P(score ≥ upper edge) reaches `up_at`, down when P(score < lower edge) reaches `down_at`.
    """
    shown, spread = half_up(score, 2), np.maximum(half_up(sd, 2), 0.01)
    edges = np.array(constants.bands)
    at_least = half_up(ndtr((shown[:, None] - edges) / spread[:, None]), 4)
    before = np.full(len(score), N, np.int8) if previous is None else previous
    band = _stepped(shown, at_least, before, constants)
    rows = np.arange(len(band))
    p_up = np.where(band == A, 0.0, at_least[rows, np.minimum(band, 2)])
    p_down = np.where(band == D, 0.0, 1 - at_least[rows, np.maximum(band - 1, 0)])
    firm = half_up(1 - p_up - p_down, 4) >= constants.firm_at
    known = rated(counts, reliability, constants)
    grade = np.where(known, _gated(band, counts, constants), N).astype(np.int8)
    return Placed(grade, firm & known, np.where(known, p_up, 0.0), np.where(known, p_down, 0.0))


def _stepped(shown: Reals, at_least: Reals, before: NDArray[np.int8], constants: Constants) -> NDArray[np.int8]:
    first = np.searchsorted(np.array(constants.bands), shown, side="right")
    first = np.where((first == A) & (at_least[:, 2] < constants.up_at), B, first)
    rows, held = np.arange(len(before)), np.minimum(before, A)
    up = (held < A) & (at_least[rows, np.minimum(held, 2)] >= constants.up_at)
    down = (held > D) & (half_up(1 - at_least[rows, np.maximum(held - 1, 0)], 4) >= constants.down_at)
    stepped = held + up - (down & ~up)
    return np.where(before == N, first, stepped).astype(np.int8)


def _gated(band: NDArray[np.int8], counts: Counts, constants: Constants) -> NDArray[np.int8]:
    few_clients = (counts.clients >= 0) & (counts.clients < constants.a_clients)
    barred = (counts.results < constants.a_results) | few_clients
    grade = np.where((band == A) & barred, B, band)
    return np.where((grade == D) & (counts.results < constants.d_results), C, grade).astype(np.int8)
