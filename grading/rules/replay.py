"""grade = f(evidence, scheme, calibration): the one function behind every published grade.

The same function prepares a draft, checks it before it is published and replays it years later.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from agencies.rules import CreditGrade
from core.money import half_up
from grading.rules import estimate as est
from grading.rules.bands import Check, Placement, not_rated_checks, place, worse
from grading.rules.calibration import Calibration
from grading.rules.case_mark import CaseMark, mark_case
from grading.rules.conduct import Conduct, conduct_track
from grading.rules.evidence import Bonus, Case, Evidence, digest, in_order
from grading.rules.explain import Explanation, explain, missing_for_next
from grading.rules.months import age_in_months, alive
from grading.rules.scheme import Scheme


@dataclass(frozen=True, slots=True)
class Outcome:
    """The grade with everything that is published about it; decimals are final."""

    result: CreditGrade
    quality: CreditGrade
    band: CreditGrade
    conduct: Conduct
    score: Decimal
    sd: Decimal
    low: Decimal
    high: Decimal
    reliability: Decimal
    firm: bool
    p_up: Decimal
    p_down: Decimal
    sufficiency: tuple[Check, ...]
    placement: Placement | None
    next_grade: CreditGrade
    missing: tuple[Check, ...]
    explanation: Explanation
    alarm_low: Decimal
    alarm_high: Decimal
    alarm: bool

    def digest(self) -> str:
        """SHA-256 of the canonical form: two grades are the same when these are."""
        return digest(self)


def grade(evidence: Evidence, scheme: Scheme, table: Calibration) -> Outcome:
    """The grade of one agency in one profession on the evidence's day."""
    given = _within_window(in_order(evidence), scheme)
    marks = [mark_case(c, scheme.weights, table.corrections(scheme)) for c in given.cases]
    conduct = conduct_track(given, scheme)
    found = _estimate(given, marks, table, scheme, level=table.field_level)
    reliability = half_up(Decimal(found.reliability), 4)
    sufficiency = not_rated_checks(given, reliability, scheme)
    rated = all(check.met for check in sufficiency)
    entry = not rated and not given.rated_before
    if entry:
        lower = _estimate(given, marks, table, scheme, level=table.entry_level)
        found = replace(lower, alarm_low=found.alarm_low, alarm_high=found.alarm_high, alarm=found.alarm)
    given = replace(given, bonuses=_granted(found.level, given, scheme))
    score = half_up(sum((one.value for one in given.bonuses), Decimal(found.level)))
    sd = half_up(Decimal(found.sd))
    placement = place(given, score, sd, conduct, scheme) if rated else None
    return _outcome(given, scheme, table, marks, found, conduct, sufficiency, placement, score, sd)


def differences(report: Mapping[str, Any], evidence: Evidence, outcome: Outcome) -> list[str]:
    """What is stored otherwise than it is computed; empty when the grade replays."""
    computed = {
        "evidence_digest": digest(evidence),
        "outcome_digest": outcome.digest(),
        "result": outcome.result.value,
        "quality": outcome.quality.value,
        "conduct": outcome.conduct.grade.value,
        "band": outcome.band.value,
        "score": outcome.score,
        "low": outcome.low,
        "high": outcome.high,
        "firm": outcome.firm,
    }
    stored = {name: report[name] for name in computed}
    return [f"{outcome.result.value} {outcome.score} ({name})" for name, v in computed.items() if stored[name] != v]


def _outcome(
    given: Evidence,
    scheme: Scheme,
    table: Calibration,
    marks: Sequence[CaseMark],
    found: est.Estimate,
    conduct: Conduct,
    sufficiency: tuple[Check, ...],
    placement: Placement | None,
    score: Decimal,
    sd: Decimal,
) -> Outcome:
    quality = placement.grade if placement else CreditGrade.N
    reach = half_up(sd * Decimal(str(est.Z80)))
    entry = found.prior.level != table.field_level
    target, missing = missing_for_next(placement, sufficiency, conduct, score, sd, scheme)
    return Outcome(
        result=worse(quality, conduct.grade),
        quality=quality,
        band=placement.band if placement else CreditGrade.N,
        conduct=conduct,
        score=score,
        sd=sd,
        low=max(half_up(Decimal(0)), score - reach),
        high=min(half_up(Decimal(100)), score + reach),
        reliability=half_up(Decimal(found.reliability), 4),
        firm=placement.firm if placement else False,
        p_up=placement.p_up if placement else Decimal(0),
        p_down=placement.p_down if placement else Decimal(0),
        sufficiency=sufficiency,
        placement=placement,
        next_grade=target,
        missing=missing,
        explanation=explain(marks, found, score, given.bonuses, entry=entry),
        alarm_low=half_up(Decimal(found.alarm_low)),
        alarm_high=half_up(Decimal(found.alarm_high)),
        alarm=found.alarm,
    )


def _within_window(evidence: Evidence, scheme: Scheme) -> Evidence:
    months = scheme.estimator.max_age_months
    kept = (c for c in evidence.cases if alive(c.finalised_on, evidence.as_of, months))
    return replace(evidence, cases=tuple(kept))


def _estimate(
    evidence: Evidence, marks: Sequence[CaseMark], table: Calibration, scheme: Scheme, *, level: float
) -> est.Estimate:
    prior = est.Prior(level, table.prior_weight, table.error_variance, table.motion)
    stars = table.stars
    rules = scheme.estimator
    witness = est.hear(_voices(evidence.cases, evidence), prior, rules, (stars.centre, stars.slope, stars.voice))
    given = [
        est.Mark(
            key=mark.case.deliverable_id,
            value=float(mark.value),
            age_months=age_in_months(mark.case.finalised_on, evidence.as_of),
            reviewers=mark.case.reviewers,
            client=mark.case.client_id,
            consistency=float(mark.counts or 1),
        )
        for mark in marks
    ]
    return est.estimate(given, prior, rules, witness)


def _voices(cases: Sequence[Case], evidence: Evidence) -> list[est.Voice]:
    """One voice per client: the mean of what it said; related parties have none."""
    heard: defaultdict[int, list[Case]] = defaultdict(list)
    for case in cases:
        if case.stars and not case.related:
            heard[case.client_id].append(case)
    voices = []
    for client, said in heard.items():
        stars = [case.stars for case in said if case.stars]
        mean = sum((one.level for one in stars), Decimal(0)) / len(stars)
        age = age_in_months(max(one.given_on for one in stars), evidence.as_of)
        voices.append(est.Voice(client, float(mean), age))
    return voices


def _granted(level: float, evidence: Evidence, scheme: Scheme) -> tuple[Bonus, ...]:
    """The bonuses that count: together at most the scheme's maximum, and never beyond 100 points."""
    room = min(scheme.bonus_max, max(Decimal(0), Decimal(100) - Decimal(level)))
    granted = []
    for bonus in evidence.bonuses:
        value = min(room, bonus.value)
        room -= value
        granted.append(replace(bonus, value=value))
    return tuple(granted)
