"""The table that adds up: field level + effect of each case (+ stars, + bonus) = score, to 0.01.

In full precision the effects of a weighted mean add up by themselves: effect_i = w_i·(y_i - μ)/W.
They are rounded by largest remainder, so that the rounded figures add up to the rounded score too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal

from agencies.rules import CreditGrade
from core.money import half_up
from grading.rules.bands import ORDER, Check, Placement, probability_at_least
from grading.rules.case_mark import CaseMark
from grading.rules.conduct import Conduct
from grading.rules.estimate import Estimate
from grading.rules.evidence import LATER, Bonus
from grading.rules.scheme import Scheme

CENT = Decimal("0.01")
TENTH = Decimal("0.1")
WHOLE = Decimal(100)


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One line of the table: where the mark comes from, its weight in per cent, its effect.

    `consistency` is a factor of the weight like `decay`; None in grades made by a table without it (decision 0018).
    """

    deliverable_id: int
    severity: Decimal
    difficulty: Decimal
    corrected: Decimal
    value: Decimal
    decay: Decimal
    robust: Decimal
    cap: Decimal
    share: Decimal
    effect: Decimal
    consistency: Decimal | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True)
class ExtraRow:
    """A line that is no case: the client stars together, or a bonus."""

    code: str
    value: Decimal
    count: int
    share: Decimal
    effect: Decimal


@dataclass(frozen=True, slots=True)
class Explanation:
    """`base + Σ effects == total` and the shares sum to 100.0, exactly."""

    base: Decimal
    base_share: Decimal
    entry: bool
    cases: tuple[CaseRow, ...]
    extras: tuple[ExtraRow, ...]
    total: Decimal

    def adds_up(self) -> bool:
        """Whether the published figures sum to the published score."""
        rows: list[CaseRow | ExtraRow] = [*self.cases, *self.extras]
        effects = sum((row.effect for row in rows), self.base)
        shares = sum((row.share for row in rows), self.base_share)
        return effects == self.total and shares == WHOLE


def largest_remainder(values: Sequence[Decimal], total: Decimal, unit: Decimal) -> list[Decimal]:
    """`values` rounded to multiples of `unit` that sum to `total` exactly.

    All are rounded down; the missing units go to the largest remainders, at equal remainders to the
    earlier value. Where the values do not sum to `total` to within a unit each, the rest is spread
    over all of them in the same order.
    """
    floors = [value.quantize(unit, rounding=ROUND_FLOOR) for value in values]
    missing = int((total - sum(floors, Decimal(0))) / unit)
    order = sorted(range(len(values)), key=lambda n: (floors[n] - values[n], n))
    for turn in range(abs(missing)):
        n = order[turn % len(order)] if missing > 0 else order[-1 - turn % len(order)]
        floors[n] += unit if missing > 0 else -unit
    return floors


def explain(
    marks: Sequence[CaseMark],
    found: Estimate,
    score: Decimal,
    bonuses: Sequence[Bonus],
    *,
    entry: bool,
) -> Explanation:
    """The table of one score. `score` is the published one, bonus included."""
    base = half_up(Decimal(found.prior.level))
    weights = [one.weight for one in found.marks]
    values = [one.mark.value for one in found.marks]
    if found.witness:
        weights.append(found.witness.weight)
        values.append(found.witness.value)
    exact = [Decimal(w * (v - found.prior.level) / found.total) for w, v in zip(weights, values, strict=True)]
    exact += [bonus.value for bonus in bonuses]
    effects = largest_remainder(exact, score - base, CENT) if exact else []
    shares = _shares(found, weights)
    by_id = {mark.case.deliverable_id: mark for mark in marks}
    cases = tuple(
        _row(by_id[one.mark.key], one.decay, one.robust, one.cap, share, effect)
        for one, share, effect in zip(found.marks, shares[1:], effects, strict=False)
    )
    extras = _extras(found, bonuses, shares[1 + len(cases) :], effects[len(cases) :])
    return Explanation(base, shares[0], entry, cases, extras, score)


def _shares(found: Estimate, weights: Sequence[float]) -> list[Decimal]:
    parts = [found.prior.weight, *weights]
    return largest_remainder([Decimal(100 * w / found.total) for w in parts], WHOLE, TENTH)


def _row(mark: CaseMark, decay: float, robust: float, cap: float, share: Decimal, effect: Decimal) -> CaseRow:
    def factor(value: float) -> Decimal:
        return half_up(Decimal(value), 4)

    return CaseRow(
        deliverable_id=mark.case.deliverable_id,
        severity=mark.severity,
        difficulty=mark.difficulty,
        corrected=mark.corrected,
        value=mark.value,
        decay=factor(decay),
        robust=factor(robust),
        cap=factor(cap),
        share=share,
        effect=effect,
        consistency=mark.counts,
    )


def _extras(
    found: Estimate, bonuses: Sequence[Bonus], shares: Sequence[Decimal], effects: Sequence[Decimal]
) -> tuple[ExtraRow, ...]:
    rows: list[ExtraRow] = []
    if found.witness:
        value = half_up(Decimal(found.witness.value))
        rows.append(ExtraRow("stars", value, found.witness.voices, shares[0], effects[0]))
    for bonus, effect in zip(bonuses, effects[len(rows) :], strict=True):
        rows.append(ExtraRow(bonus.code, bonus.value, 1, Decimal(0), effect))
    return tuple(rows)


def missing_for_next(
    placement: Placement | None,
    sufficiency: Sequence[Check],
    conduct: Conduct,
    score: Decimal,
    sd: Decimal,
    scheme: Scheme,
) -> tuple[CreditGrade, tuple[Check, ...]]:
    """The next grade up and every condition for it, met or not; for A what keeps it."""
    if placement is None:
        held = Check("conduct", False, conduct.grade, CreditGrade.B)
        barred = conduct.grade in (CreditGrade.C, CreditGrade.D)
        return CreditGrade.B, (held, *sufficiency) if barred else tuple(sufficiency)
    target = ORDER[min(ORDER.index(_lower(placement, conduct)) + 1, len(ORDER) - 1)]
    edge = scheme.band(target).minimum
    chance = probability_at_least(edge, score, sd)
    holds = placement.band is target
    needed = Decimal(1) - scheme.estimator.down_at if holds else scheme.estimator.up_at
    met = chance > needed if holds else chance >= needed
    first = Check("probability", met, str(chance), f"{needed}:{edge}")
    if target is CreditGrade.A:
        low = Check("conduct", conduct.grade is CreditGrade.A, conduct.grade, CreditGrade.A)
        return target, (first, *placement.gates, low)
    return target, (first, *_caps(placement, conduct, scheme, target))


def _lower(placement: Placement, conduct: Conduct) -> CreditGrade:
    return min(placement.grade, conduct.grade, key=ORDER.index)


def _caps(placement: Placement, conduct: Conduct, scheme: Scheme, target: CreditGrade) -> tuple[Check, ...]:
    held = Check("conduct", ORDER.index(conduct.grade) >= ORDER.index(target), conduct.grade, target)
    if target is CreditGrade.C:
        limit = scheme.conduct.restriction_at
        return Check("points", conduct.points < limit, str(conduct.points), str(limit)), held
    limit = scheme.conduct.warning_at
    points = Check("points", conduct.points < limit, str(conduct.points), str(limit))
    zeros = next(check for check in placement.gates if check.code == "no-zero")
    return points, zeros, held
