"""A simulated market: the true quality of every agency, strict and lenient reviewers, hard and easy projects.

Six regions differ in quality; an agency is reviewed in its own region, except for the share of blind marks from
elsewhere that makes reviewers comparable. Good agencies take the harder projects. Quality moves slowly.
"""

from dataclasses import dataclass

import numpy as np

from grading import estimator as est
from grading.estimator.constants import DAYS_PER_MONTH
from grading.estimator.marks import Codes, Ints, Reals

REGIONS = 6
LEVEL, REGION_SD, AGENCY_SD = 76.0, 3.0, 8.0
SEVERITY_SD, ERROR_SD = 5.0, 6.0
CLASSES = np.array([-3.0, 0.0, 3.0])
DRIFT_SD_A_YEAR = 2.5
YEARS = 2.0


@dataclass(frozen=True, slots=True)
class Market:
    """Marks of a simulated market and what is true in it, on the day `age = 0`."""

    quality: Reals
    severity: Reals
    agency: Ints
    reviewer: Codes
    difficulty: Codes
    client: Codes
    age: Reals
    mark: Reals
    then: Reals

    @property
    def starts(self) -> Ints:
        """Row bounds of each agency."""
        return np.searchsorted(self.agency, np.arange(len(self.quality) + 1)).astype(np.int64)


def simulate(
    seed: int,
    *,
    agencies: int = 600,
    marks: int = 10,
    reviewers: int = 60,
    overlap: float = 0.05,
    drift: float = DRIFT_SD_A_YEAR,
    years: float = YEARS,
) -> Market:
    """A market of `agencies` with `marks` each over `years`; `overlap` of the marks come from another region."""
    dice = np.random.default_rng(seed)
    region = dice.integers(0, REGIONS, agencies)
    quality = LEVEL + dice.normal(0, REGION_SD, REGIONS)[region] + dice.normal(0, AGENCY_SD, agencies)
    severity = dice.normal(0, SEVERITY_SD, reviewers)
    home = np.arange(reviewers) % REGIONS
    agency = np.repeat(np.arange(agencies), marks)
    age = -np.sort(-dice.uniform(0, 12 * years, (agencies, marks)), axis=1).ravel()
    away = dice.random(len(agency)) < overlap
    wanted = np.where(away, dice.integers(0, REGIONS, len(agency)), region[agency])
    seats = np.array([np.flatnonzero(home == r) for r in range(REGIONS)])
    reviewer = seats[wanted, dice.integers(0, seats.shape[1], len(agency))].astype(np.int32)
    harder = 1 / (1 + np.exp(-(quality[agency] - LEVEL) / 6))
    difficulty = ((dice.random(len(agency)) < harder).astype(int) + (dice.random(len(agency)) < 0.3)).astype(np.int32)
    then = quality[agency] + _wander(dice, age.reshape(agencies, marks), drift).ravel()
    error = dice.normal(0, ERROR_SD, len(agency))
    mark = np.clip(then - severity[reviewer] - CLASSES[difficulty] + error, 0, 100)
    client = dice.integers(0, max(3, marks), len(agency)).astype(np.int32)
    return Market(quality, severity, agency, reviewer, difficulty, client, age, mark, then)


def _wander(dice: np.random.Generator, age: Reals, drift: float) -> Reals:
    """How far quality was from today's at each age: a random walk backwards, `drift` points of sd in a year."""
    newest = age[:, ::-1]
    gaps = np.diff(newest, axis=1, prepend=0) / 12
    return np.cumsum(dice.normal(0, 1, gaps.shape) * drift * np.sqrt(gaps), axis=1)[:, ::-1]


def block(market: Market) -> est.Block:
    """The marks as the calibration wants them."""
    return est.Block(market.starts, market.reviewer, market.difficulty, market.mark)


def corrected(market: Market, severity: est.Severity) -> est.Marks:
    """The marks as the score wants them."""
    value = market.mark + severity.correction(market.reviewer, market.difficulty, est.DEFAULTS.severity_limit)
    rows = np.arange(len(value))
    consistency = severity.consistency(est.DEFAULTS.consistency_limit)[market.reviewer]
    return est.Marks(market.starts, value, market.age, consistency, market.client, rows, market.reviewer)


def grade(market: Market) -> tuple[est.Weighed, est.Field, est.Severity, est.Marks]:
    """Learn and score."""
    found = est.learn_severity(lambda: [block(market)], len(market.severity), len(CLASSES))
    marks = corrected(market, found)
    field = est.learn_field(est.summarise(marks.value, marks.starts), found.error_variance, found.doubt)
    pairs, when = est.pair_up(marks.value, marks.age, marks.starts), est.Calendar(marks.starts, marks.age)
    field = est.in_motion(field, pairs, when, est.DEFAULTS, found.doubt)
    return est.weigh(marks, field, est.DEFAULTS), field, found, marks


def ceiling(market: Market, drift: float = DRIFT_SD_A_YEAR) -> Reals:
    """Bayes with everything known but the agency: severities, classes, variances, drift; the region's mean too."""
    true = market.mark + market.severity[market.reviewer] + CLASSES[market.difficulty]
    starts = market.starts
    between = AGENCY_SD**2 + REGION_SD**2
    best = np.empty(len(market.quality))
    for n in range(len(best)):
        rows = slice(starts[n], starts[n + 1])
        years = market.age[rows] / 12
        walk = drift**2 * np.minimum(years[:, None], years[None, :])
        cover = between + walk + ERROR_SD**2 * np.eye(len(years))
        best[n] = LEVEL + between * np.linalg.solve(cover, true[rows] - LEVEL).sum()
    return best


def per_agency(market: Market, values: Reals) -> Reals:
    """Plain mean of each agency."""
    return np.bincount(market.agency, values) / np.bincount(market.agency)


__all__ = ["DAYS_PER_MONTH", "Market", "block", "ceiling", "corrected", "grade", "per_agency", "simulate"]
