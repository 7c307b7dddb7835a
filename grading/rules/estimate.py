"""The quality score (grading.md §3): a shrunk, time-weighted, robust mean with capped shares.

    Q = (λ·μ + Σ w_i·y_i + w_s·y_s) / (λ + Σ w_i + w_s)      w_i = 0.5^(age/12) · robust_i · cap_i

Order of the parts, chosen so that every statement about the published weights can be checked:

1. *Caps on age weights.* No reviewer may hold more than 25 % and no client more than 40 % of the
   weight. "The weight" is the total that the explanation shows, λ included, so the rule can be met
   with any number of reviewers: one reviewer alone carries at most a third of λ, two carry λ
   together, three carry 3λ, and from four on the cap binds only where one dominates.
2. *Robust level.* With these weights the level solves Huber's equation exactly; a mark further than
   2√ve from it counts as min(1, 2√ve / distance). Because the level is the minimum of a convex
   function, one more mark at or above it can never lower it.
3. *Caps again*, on age times robust, so that the published shares meet the caps to the last digit.
   Where no cap binds this changes nothing.

Caps are computed by scaling all groups at once until every share fits: the order of rows, reviewers
and clients cannot matter. All sums are exactly rounded (`math.fsum`), for the same reason.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum, sqrt
from typing import TypeVar

from grading.rules.scheme import EstimatorRules

Z80 = 1.2815515655446004  # two-sided 80 % interval of the normal distribution
ROUNDS = 10_000
FITS = 1 + 1e-9
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Mark:
    """One case mark as the estimator sees it; `reviewers` share the mark equally."""

    key: int
    value: float
    age_months: float
    reviewers: tuple[str, ...]
    client: int


@dataclass(frozen=True, slots=True)
class Voice:
    """The mean star level of one client, and the age of its latest word in months."""

    client: int
    level: float
    age_months: float


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of an agency before its marks: level μ, weight λ, error variance ve."""

    level: float
    weight: float
    error_variance: float


@dataclass(frozen=True, slots=True)
class Weighted:
    """A mark with its weight and the three factors of it."""

    mark: Mark
    decay: float
    robust: float
    cap: float

    @property
    def weight(self) -> float:
        """The weight that counts."""
        return self.decay * self.robust * self.cap


@dataclass(frozen=True, slots=True)
class Witness:
    """All client stars together: one value in points, one capped weight."""

    value: float
    weight: float
    voices: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """The score in full precision; `total` is λ + Σw + witness, `variance` includes the allowance.

    `caps_bind` says whether a cap was at work in step 1 or 3.
    """

    level: float
    variance: float
    prior: Prior
    marks: tuple[Weighted, ...]
    witness: Witness | None
    evidence: float
    total: float
    caps_bind: bool

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
    ordered = sorted(marks, key=lambda m: m.key)
    aged = [Weighted(m, 0.5 ** (m.age_months / rules.half_life_months), 1.0, 1.0) for m in ordered]
    extra = witness.weight if witness else 0.0
    capped = _capped(aged, prior.weight + extra, rules)
    level = _huber(capped, prior, witness, rules)
    reach = rules.robust_at_residual_sd * sqrt(prior.error_variance)
    robust = [replace(one, robust=_robust(one.mark.value - level, reach)) for one in aged]
    final = _capped(robust, prior.weight + extra, rules)
    bind = any(one.cap < 1 for one in (*capped, *final))
    return _summed(final, prior, witness, rules, caps_bind=bind)


def _summed(
    marks: list[Weighted], prior: Prior, witness: Witness | None, rules: EstimatorRules, *, caps_bind: bool
) -> Estimate:
    evidence = fsum(one.weight for one in marks)
    parts = [prior.weight * prior.level, *(one.weight * one.mark.value for one in marks)]
    total = prior.weight + evidence
    variance = prior.error_variance / total + rules.variance_allowance
    if witness:
        parts.append(witness.weight * witness.value)
        total += witness.weight
    return Estimate(fsum(parts) / total, variance, prior, tuple(marks), witness, evidence, total, caps_bind)


def _robust(distance: float, reach: float) -> float:
    return 1.0 if abs(distance) <= reach else reach / abs(distance)


def _huber(marks: Sequence[Weighted], prior: Prior, witness: Witness | None, rules: EstimatorRules) -> float:
    """The level at which all pulls cancel, each mark's pull limited to `reach`; by bisection."""
    fixed = [(prior.weight, prior.level)]
    if witness:
        fixed.append((witness.weight, witness.value))
    reach = rules.robust_at_residual_sd * sqrt(prior.error_variance)

    def pull(level: float) -> float:
        anchors = (weight * (value - level) for weight, value in fixed)
        held = (one.weight * max(-reach, min(reach, one.mark.value - level)) for one in marks)
        return fsum([*anchors, *held])

    values = [value for _, value in fixed] + [one.mark.value for one in marks]
    low, high = min(values), max(values)
    for _ in range(80):  # halves an interval of 100 points to below 1e-20
        middle = (low + high) / 2
        low, high = (middle, high) if pull(middle) > 0 else (low, middle)
    return (low + high) / 2


def _capped(marks: Sequence[Weighted], fixed: float, rules: EstimatorRules) -> list[Weighted]:
    """The marks with `cap` set so that no group exceeds its share of fixed + Σw."""
    base = [one.decay * one.robust for one in marks]
    caps = [1.0] * len(base)
    for _ in range(ROUNDS):
        weights = [b * c for b, c in zip(base, caps, strict=True)]
        total = fixed + fsum(weights)
        factors = _factors(marks, weights, total, rules)
        if all(factor * FITS >= 1 for factor in factors):
            break
        caps = [c * f for c, f in zip(caps, factors, strict=True)]
    return [replace(one, cap=cap) for one, cap in zip(marks, caps, strict=True)]


def _factors(marks: Sequence[Weighted], weights: Sequence[float], total: float, rules: EstimatorRules) -> list[float]:
    by_reviewer: defaultdict[str, list[float]] = defaultdict(list)
    by_client: defaultdict[int, list[float]] = defaultdict(list)
    for one, weight in zip(marks, weights, strict=True):
        by_client[one.mark.client].append(weight)
        for reviewer in one.mark.reviewers:
            by_reviewer[reviewer].append(weight / len(one.mark.reviewers))
    reviewers = _scale(by_reviewer, rules.reviewer_max_share * total)
    clients = _scale(by_client, rules.client_max_share * total)
    return [min([clients[one.mark.client], *(reviewers[name] for name in one.mark.reviewers)]) for one in marks]


def _scale(groups: Mapping[K, list[float]], limit: float) -> dict[K, float]:
    sums = {key: fsum(parts) for key, parts in groups.items()}
    return {key: min(1.0, limit / weight) if weight else 1.0 for key, weight in sums.items()}


def hear(
    voices: Iterable[Voice], prior: Prior, rules: EstimatorRules, scale: tuple[float, float, float]
) -> Witness | None:
    """Client stars as one witness: one voice per client, in total at most one expert mark.

    `scale` is (centre, slope, weight of one voice); the value never leaves 0 to 100.
    """
    centre, slope, voice = scale
    heard = sorted(voices, key=lambda one: one.client)
    weights = [voice * 0.5 ** (one.age_months / rules.half_life_months) for one in heard]
    if not heard:
        return None
    total = fsum(weights)
    mean = fsum(w * one.level for w, one in zip(weights, heard, strict=True)) / total
    value = max(0.0, min(100.0, prior.level + slope * (mean - centre)))
    return Witness(value, min(rules.stars_max_weight, total), len(heard))
