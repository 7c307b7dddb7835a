"""The quality score of one agency, as the estimator computes it for all (`grading/estimator/weighing.py`).

Here the marks have names: a case, its reviewers, its client. The arithmetic, the caps and their order are the
estimator's; a published grade and a grade from a file are the same function.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum, sqrt

import numpy as np

from grading import estimator as est
from grading.estimator.constants import Z80
from grading.rules.scheme import EstimatorRules, constants_for

__all__ = ["Z80", "Estimate", "Mark", "Prior", "Voice", "Weighted", "Witness", "estimate", "hear"]


@dataclass(frozen=True, slots=True)
class Mark:
    """One case mark as the estimator sees it; `reviewers` share the mark equally.

    `consistency`: how many marks of an average reviewer it counts.
    """

    key: int
    value: float
    age_months: float
    reviewers: tuple[str, ...]
    client: int
    consistency: float = 1.0


@dataclass(frozen=True, slots=True)
class Voice:
    """The mean star level of one client, and the age of its latest word in months."""

    client: int
    level: float
    age_months: float


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of an agency before its marks: level μ, weight λ, error variance ve, how agencies move."""

    level: float
    weight: float
    error_variance: float
    motion: est.Motion | None = None

    @property
    def field(self) -> est.Field:
        """The same as the estimator names it."""
        return est.Field(self.level, self.error_variance / self.weight, self.error_variance, self.motion)


@dataclass(frozen=True, slots=True)
class Weighted:
    """A mark with its weight and the factors of it, beside its own consistency."""

    mark: Mark
    decay: float
    robust: float
    cap: float

    @property
    def weight(self) -> float:
        """The weight that counts."""
        return self.decay * self.mark.consistency * self.robust * self.cap


@dataclass(frozen=True, slots=True)
class Witness:
    """All client stars together: one value in points, one capped weight."""

    value: float
    weight: float
    voices: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """The score in full precision; `total` is λ + Σw + witness, `variance` that of the score.

    `caps_bind` says whether a cap was at work.
    """

    level: float
    variance: float
    prior: Prior
    marks: tuple[Weighted, ...]
    witness: Witness | None
    evidence: float
    total: float
    caps_bind: bool
    alarm_low: float
    alarm_high: float
    alarm: bool

    @property
    def sd(self) -> float:
        """Standard deviation of the score, in points."""
        return sqrt(self.variance)

    @property
    def reliability(self) -> float:
        """Share of the evidence against the field level: Σw / (λ + Σw)."""
        return self.evidence / (self.prior.weight + self.evidence)


def estimate(marks: Iterable[Mark], prior: Prior, rules: EstimatorRules, witness: Witness | None = None) -> Estimate:
    """The score of one agency. Marks older than the window must not be given."""
    ordered = sorted(marks, key=lambda m: (-m.age_months, m.key))
    stars = est.Witness(np.array([witness.value if witness else 0.0]), np.array([witness.weight if witness else 0.0]))
    arrays, constants = _arrays(ordered), constants_for(rules)
    found = est.weigh(arrays, prior.field, constants, witness=stars)
    alarms = est.watch(arrays.value, arrays.age, arrays.starts, prior.field, constants)
    weighted = [
        Weighted(mark, *factors)
        for mark, factors in zip(
            ordered, zip(found.decay.tolist(), found.robust.tolist(), found.cap.tolist(), strict=True), strict=True
        )
    ]
    held = Witness(witness.value, float(found.witness.weight[0]), witness.voices) if witness else None
    return Estimate(
        level=float(found.score[0]),
        variance=float(found.variance[0]),
        prior=prior,
        marks=tuple(sorted(weighted, key=lambda one: one.mark.key)),
        witness=held,
        evidence=float(found.evidence[0]),
        total=float(found.total[0]),
        caps_bind=bool(found.bound[0]),
        alarm_low=float(alarms.low[0]),
        alarm_high=float(alarms.high[0]),
        alarm=bool(alarms.sounding[0]),
    )


def _arrays(marks: list[Mark]) -> est.Marks:
    people = {name: n for n, name in enumerate(sorted({name for mark in marks for name in mark.reviewers}))}
    clients = {client: n for n, client in enumerate(sorted({mark.client for mark in marks}))}
    links = [(n, people[name]) for n, mark in enumerate(marks) for name in sorted(mark.reviewers)]
    return est.Marks(
        starts=np.array([0, len(marks)], np.int64),
        value=np.array([mark.value for mark in marks], float),
        age=np.array([mark.age_months for mark in marks], float),
        consistency=np.array([mark.consistency for mark in marks], float),
        client=np.array([clients[mark.client] for mark in marks], np.int32),
        link_mark=np.array([n for n, _ in links], np.int64),
        link_reviewer=np.array([person for _, person in links], np.int32),
    )


def hear(
    voices: Iterable[Voice], prior: Prior, rules: EstimatorRules, scale: tuple[float, float, float]
) -> Witness | None:
    """Client stars as one witness: one voice per client, in total at most one expert mark.

    `scale` is (centre, slope, weight of one voice); the value never leaves 0 to 100.
    """
    centre, slope, voice = scale
    half_life = prior.field.half_life(constants_for(rules))
    heard = sorted(voices, key=lambda one: one.client)
    weights = [voice * 0.5 ** (one.age_months / half_life) for one in heard]
    if not heard:
        return None
    total = fsum(weights)
    mean = fsum(w * one.level for w, one in zip(weights, heard, strict=True)) / total
    value = max(0.0, min(100.0, prior.level + slope * (mean - centre)))
    return Witness(value, min(rules.stars_max_weight, total), len(heard))
