"""What others would do with the same marks: the scores ours stands beside.

Two of them are given what nobody has: the true variances of the simulated market. None knows an agency's quality.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import coo_array, diags_array
from scipy.sparse.linalg import spsolve

from benchmarks.grading.market import AGENCY_SD, ERROR_SD, LEVEL, REGION_SD, SEVERITY_SD, Market, per_agency
from grading.estimator.marks import Codes, Ints, Reals


def plain_mean(market: Market) -> Reals:
    """The mean of an agency's marks."""
    return per_agency(market, market.mark)


def shrunk_mean(market: Market) -> Reals:
    """The mean, drawn to the level of all by the true variances: right about luck, blind to who marked."""
    number = np.diff(market.starts)
    prior = (ERROR_SD**2 + SEVERITY_SD**2) / (AGENCY_SD**2 + REGION_SD**2)
    return (prior * LEVEL + number * plain_mean(market)) / (prior + number)


def centred_mean(market: Market) -> Reals:
    """The mean after each reviewer's own mean was taken off: takes a reviewer of weak agencies for a strict one."""
    own = np.bincount(market.reviewer, market.mark) / np.maximum(np.bincount(market.reviewer), 1)
    return per_agency(market, market.mark - own[market.reviewer] + market.mark.mean())


def crossed_model(market: Market) -> Reals:
    """Agencies and reviewers crossed and both random, classes and level fixed, true variances: the usual mixed model.

    Quality is taken to be the same all the time and in all regions, as such models do.
    """
    ratios = ERROR_SD**2 / (AGENCY_SD**2 + REGION_SD**2), ERROR_SD**2 / SEVERITY_SD**2
    return crossed(market.agency, market.reviewer, market.difficulty, market.mark, ratios)


def crossed(
    agency: Ints, reviewer: Ints | Codes, difficulty: Ints | Codes, mark: Reals, ratios: tuple[float, float]
) -> Reals:
    """The agencies of a crossed mixed model; `ratios` are error variance over that of agencies and of reviewers."""
    agencies, reviewers, classes = (int(codes.max()) + 1 for codes in (agency, reviewer, difficulty))
    rows = np.arange(len(mark))
    columns = [agency, agencies + reviewer, agencies + reviewers + difficulty]
    shape = (len(rows), agencies + reviewers + classes)
    design: Any = coo_array((np.ones(3 * len(rows)), (np.tile(rows, 3), np.concatenate(columns))), shape=shape).tocsr()
    penalty = np.zeros(shape[1])
    penalty[:agencies] = ratios[0]
    penalty[agencies : agencies + reviewers] = ratios[1]
    solved = spsolve((design.T @ design + diags_array(penalty)).tocsc(), design.T @ mark)
    found: Reals = solved[:agencies] + solved[agencies + reviewers :].mean()
    return found


PEERS: dict[str, Callable[[Market], Reals]] = {
    "plain mean": plain_mean,
    "shrunk mean": shrunk_mean,
    "reviewer-centred mean": centred_mean,
    "crossed mixed model": crossed_model,
}
