"""From score to quality grade (grading.md §4): bands, hysteresis, N, gates and caps.

Probabilities are taken from the *published* score and standard deviation (two decimals), so that a
reader can check them; they are rounded to 0.0001 before they are compared with a threshold.
"""

from dataclasses import dataclass
from decimal import Decimal
from math import erf, sqrt

from agencies.rules import CreditGrade
from core.money import half_up
from grading.rules.conduct import Conduct, zero_in_window
from grading.rules.evidence import Evidence
from grading.rules.months import alive, full_months
from grading.rules.scheme import Band, Scheme

ORDER = (CreditGrade.D, CreditGrade.C, CreditGrade.B, CreditGrade.A)
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Check:
    """One condition: what is needed, what there is, whether it is met. Texts are values, no prose."""

    code: str
    met: bool
    have: str
    need: str


@dataclass(frozen=True, slots=True)
class Placement:
    """The band after hysteresis, the grade after gates and caps, and how certain the band is.

    `p_up` is P(score reaches the next band), `p_down` P(score lies below this one), both of `band`;
    `moved_on` is the probability that decided about the step, None for a first rating.
    """

    band: CreditGrade
    grade: CreditGrade
    p_up: Decimal
    p_down: Decimal
    firm: bool
    moved_from: CreditGrade | None
    moved_on: Decimal | None
    gates: tuple[Check, ...]
    caps: tuple[str, ...]


def rank(grade: CreditGrade) -> int:
    """Position from D (0) to A (3); N stands beside B, "treated as B without privileges"."""
    return ORDER.index(CreditGrade.B if grade is CreditGrade.N else grade)


def worse(quality: CreditGrade, conduct: CreditGrade) -> CreditGrade:
    """`grade = min(quality, conduct)`; N stays N unless conduct is worse than B."""
    return conduct if rank(conduct) < rank(quality) else quality


def band_of(score: Decimal, bands: tuple[Band, ...]) -> CreditGrade:
    """The band a score lies in; exactly 90, 70, 60 belong to the higher one."""
    return next(band.grade for band in bands if band.minimum <= score < band.below)


def probability_at_least(edge: Decimal, score: Decimal, sd: Decimal) -> Decimal:
    """P(true level >= edge) for a normal with the published score and sd, to 0.0001."""
    z = float((score - edge) / sd)
    return half_up(Decimal(0.5 * (1 + erf(z / sqrt(2)))), 4)


def not_rated_checks(evidence: Evidence, reliability: Decimal, scheme: Scheme) -> tuple[Check, ...]:
    """The four conditions for being rated at all, with the figures reached."""
    rules = scheme.not_rated
    window = [case for case in evidence.cases if alive(case.finalised_on, evidence.as_of, rules.within_months)]
    reviewers = len({alias for case in window for alias in case.seen_by})
    clients = len({case.client_id for case in window})
    counts = (
        ("results", len(window), rules.results_below),
        ("reviewers", reviewers, rules.reviewers_below),
        ("clients", clients, rules.clients_below),
    )
    checks = [Check(code, have >= need, str(have), str(need)) for code, have, need in counts]
    enough = reliability >= rules.reliability_below
    return (*checks, Check("reliability", enough, str(reliability), str(rules.reliability_below)))


def step(
    previous: CreditGrade | None, score: Decimal, sd: Decimal, scheme: Scheme
) -> tuple[CreditGrade, Decimal | None]:
    """The band after this regrade and the probability that decided.

    Without a previous band it is the one the score lies in, A only as for a rise. Otherwise at most
    one step: up when P(score >= upper edge) reaches the threshold, down when P(score < lower edge).
    """
    rules = scheme.estimator
    if previous is None or previous is CreditGrade.N:
        return _first(score, sd, scheme), None
    place = ORDER.index(previous)
    here = scheme.band(previous)
    if previous is not CreditGrade.A:
        up = probability_at_least(here.below, score, sd)
        if up >= rules.up_at:
            return ORDER[place + 1], up
    down = ONE - probability_at_least(here.minimum, score, sd)
    if previous is not CreditGrade.D and down >= rules.down_at:
        return ORDER[place - 1], down
    return previous, down


def _first(score: Decimal, sd: Decimal, scheme: Scheme) -> CreditGrade:
    band = band_of(score, scheme.bands)
    top = scheme.band(CreditGrade.A).minimum
    if band is CreditGrade.A and probability_at_least(top, score, sd) < scheme.estimator.up_at:
        return CreditGrade.B
    return band


def certainty(band: CreditGrade, score: Decimal, sd: Decimal, scheme: Scheme) -> tuple[Decimal, Decimal]:
    """(P(reaches the next band), P(below this band)); zero where there is none."""
    here = scheme.band(band)
    up = Decimal(0) if band is CreditGrade.A else probability_at_least(here.below, score, sd)
    lowest = band is CreditGrade.D
    down = Decimal(0) if lowest else ONE - probability_at_least(here.minimum, score, sd)
    return up, down


def gates_for_a(evidence: Evidence, conduct: Conduct, scheme: Scheme) -> tuple[Check, ...]:
    """What A asks beyond the score (scheme `gates.A`)."""
    rules, day = scheme.gates, evidence.as_of
    months = full_months(evidence.registered_on, day)
    reviewed = len(evidence.cases)
    clients = len({case.client_id for case in evidence.cases if not case.related})
    low = sum(
        past.result in (CreditGrade.C, CreditGrade.D) and alive(past.as_of, day, rules.no_low_grade_months)
        for past in evidence.history
    )
    zeros = _zeros(evidence, rules.no_zero_months)
    until = str(evidence.certificate_until or "")
    return (
        Check("registered", months >= rules.registered_months, str(months), str(rules.registered_months)),
        Check("reviewed", reviewed >= rules.reviewed_results, str(reviewed), str(rules.reviewed_results)),
        Check("unrelated", clients >= rules.unrelated_clients, str(clients), str(rules.unrelated_clients)),
        Check("no-low-grade", low == 0, str(low), "0"),
        Check("points", conduct.points < rules.points_below, str(conduct.points), str(rules.points_below)),
        Check("no-zero", zeros == 0, str(zeros), "0"),
        Check("certificate", evidence.certificate_valid, until, ""),
    )


def _zeros(evidence: Evidence, months: int) -> int:
    vetoed = (case.finalised_on for case in evidence.cases if case.vetoed)
    return zero_in_window(vetoed, evidence.as_of, months)


def place(evidence: Evidence, score: Decimal, sd: Decimal, conduct: Conduct, scheme: Scheme) -> Placement:
    """The quality grade of an agency whose evidence suffices."""
    previous = evidence.previous.band if evidence.previous else None
    band, moved_on = step(previous, score, sd, scheme)
    up, down = certainty(band, score, sd, scheme)
    gates = gates_for_a(evidence, conduct, scheme)
    grade, caps = band, []
    if grade is CreditGrade.A and not all(check.met for check in gates):
        grade = CreditGrade.B
        caps.append("GATE-A")
    if _zeros(evidence, scheme.gates.no_zero_months) and rank(grade) > rank(CreditGrade.C):
        grade = CreditGrade.C
        caps.append("CC-01")
    if grade is CreditGrade.D and len(evidence.cases) < scheme.gates.d_needs_results:
        grade = CreditGrade.C
        caps.append("D-NEEDS-RESULTS")
    firm = ONE - up - down >= scheme.estimator.firm_at
    return Placement(band, grade, up, down, firm, previous, moved_on, gates, tuple(caps))
