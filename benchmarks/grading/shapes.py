"""Files of other shapes than the market the estimator grew up with: what it does where others would use it.

Every file goes through `grading.marks_file`, as from the command line. Beside it: the plain mean, and the crossed mixed
model that is told the true variances, which nobody has. Truth is what an agency is worth; the figure is Kendall's tau.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy.stats import kendalltau

from benchmarks.grading.peers import crossed
from grading import estimator as est
from grading.estimator.marks import Ints, Reals
from grading.marks_file.estimating import Estimation, Options, estimate_file

DAY = date(2026, 11, 1)
CLASSES = np.array([-3.0, 0.0, 3.0])


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of file: how many, how different (standard deviations in points), and who meets whom.

    `regions`: reviewers stay in theirs but for `overlap` of the marks. `seeking`: lenient reviewers are met by weak agencies.
    `care_sd`: reviewers' errors differ, by so much in the logarithm of their standard deviation.
    `stars`: marks are whole steps of 12 points from 1 to 5. `uneven`: many agencies have a mark or two, some have many.
    """

    name: str
    agencies: int
    reviewers: int
    marks: int
    agency_sd: float = 8.0
    severity_sd: float = 6.0
    error_sd: float = 6.0
    regions: int = 1
    region_sd: float = 0.0
    overlap: float = 0.05
    seeking: bool = False
    stars: bool = False
    uneven: bool = False
    care_sd: float = 0.0


SHAPES = (
    Shape("much noise, three marks", 2000, 300, 3, agency_sd=6, severity_sd=8, error_sd=10),
    Shape("regions that never meet", 1000, 60, 6, severity_sd=5, regions=6, region_sd=3, overlap=0),
    Shape("very different regions, 2 % overlap", 1000, 60, 6, severity_sd=5, regions=6, region_sd=6, overlap=0.02),
    Shape("one to five stars", 1500, 400, 8, severity_sd=8, error_sd=10, stars=True),
    Shape("one mark or many", 2000, 200, 5, severity_sd=5, uneven=True),
    Shape("reviewers far apart", 2000, 200, 5, severity_sd=15),
    Shape("the weak find the lenient", 2000, 200, 5, seeking=True),
    Shape("reviewers with two marks", 1000, 3000, 5),
    Shape("some reviewers careful, some not", 2000, 200, 5, care_sd=0.5),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """The marks of one file and what is true in it."""

    quality: Reals
    agency: Ints
    reviewer: Ints
    difficulty: Ints
    mark: Reals
    scale: tuple[float, float]


def _sample(shape: Shape, seed: int) -> Sample:
    dice = np.random.default_rng(seed)
    region = dice.integers(0, shape.regions, shape.agencies)
    level = 70 + dice.normal(0, shape.region_sd, shape.regions)[region]
    quality = level + dice.normal(0, shape.agency_sd, shape.agencies)
    severity = dice.normal(0, shape.severity_sd, shape.reviewers)
    number = dice.geometric(1 / shape.marks, shape.agencies) if shape.uneven else np.full(shape.agencies, shape.marks)
    agency = np.repeat(np.arange(shape.agencies), number)
    reviewer = _met(dice, shape, agency, region, quality, severity)
    hard = 1 / (1 + np.exp(-(quality[agency] - 70) / 6))
    difficulty = (dice.random(len(agency)) < hard).astype(int) + (dice.random(len(agency)) < 0.3)
    care = shape.error_sd * np.exp(dice.normal(0, shape.care_sd, shape.reviewers) - shape.care_sd**2)
    error = dice.normal(0, 1, len(agency)) * care[reviewer]
    mark = np.clip(quality[agency] - severity[reviewer] - CLASSES[difficulty] + error, 0, 100)
    if shape.stars:
        mark = np.clip(np.round((mark - 40) / 12), 1, 5)
    return Sample(quality, agency, reviewer, difficulty, mark, (1, 5) if shape.stars else (0, 100))


def _met(dice: np.random.Generator, shape: Shape, agency: Ints, region: Ints, quality: Reals, severity: Reals) -> Ints:
    """Who marks: somebody of the region wanted; of four candidates the most lenient for the weak, the strictest else."""
    away = dice.random(len(agency)) < shape.overlap
    wanted = np.where(away, dice.integers(0, shape.regions, len(agency)), region[agency])
    seat = dice.integers(0, shape.reviewers // shape.regions, (len(agency), 4)) * shape.regions + wanted[:, None]
    if not shape.seeking:
        return np.asarray(seat[:, 0])
    pull = np.sign(quality[agency] - 70)[:, None] * severity[seat] + dice.normal(0, 1, seat.shape)
    return np.asarray(seat[np.arange(len(seat)), pull.argmax(axis=1)])


def _ours(sample: Sample) -> Reals:
    """The scores of a file, as the command gives them."""
    found = np.full(len(sample.quality), np.nan)

    def keep(estimation: Estimation) -> None:
        names = np.array([int(name) for name in estimation.agencies])
        for part in estimation.scored():
            found[names[part.agency]] = part.score

    with TemporaryDirectory() as folder:
        path = Path(folder, "marks.csv")
        rows = zip(sample.agency, sample.reviewer, sample.difficulty, sample.mark, strict=True)
        lines = (f"{a},{r},{d},2026-10-01,{y:.4f}\n" for a, r, d, y in rows)
        path.write_text("agency,reviewer,difficulty,date,mark\n" + "".join(lines), encoding="utf-8")
        estimate_file(path, Options(DAY, est.DEFAULTS, sample.scale), keep, lambda *_: None)
    return found


def shapes(seeds: int = 2) -> Iterator[tuple[str, float, float, float]]:
    """Per shape: tau of the plain mean, of the crossed mixed model with the true variances, and ours."""
    for shape in SHAPES:
        taus = np.mean([_taus(shape, seed) for seed in range(seeds)], axis=0)
        yield shape.name, *map(float, taus)


def _taus(shape: Shape, seed: int) -> list[float]:
    sample = _sample(shape, seed)
    counted = np.bincount(sample.agency, minlength=shape.agencies)
    mean = np.bincount(sample.agency, sample.mark, shape.agencies) / counted
    between = shape.agency_sd**2 + shape.region_sd**2
    ratios = shape.error_sd**2 / between, shape.error_sd**2 / shape.severity_sd**2
    mixed = crossed(sample.agency, sample.reviewer, sample.difficulty, sample.mark, ratios)
    return [float(kendalltau(said, sample.quality)[0]) for said in (mean, mixed, _ours(sample))]
