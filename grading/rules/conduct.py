"""The conduct track (grading.md §5): points, direct D, terms and the way back. Good marks never enter.

Days are half-open: what starts on a day counts on it, what ends on a day no longer does.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from agencies.rules import CreditGrade
from grading.rules.evidence import DirectGround, Evidence, Finding
from grading.rules.months import add_months, alive
from grading.rules.scheme import ConductRules, Scheme, TermRules

COMPLAINTS_FOR_C = 2
COMPLAINT_MONTHS = 12
POINTS_D = "DD-06"
ZEROS_D = "DD-07"


@dataclass(frozen=True, slots=True)
class Term:
    """A stretch of time with conduct grade D, and why."""

    code: str
    start: date
    until: date
    document_no: str = ""


@dataclass(frozen=True, slots=True)
class Conduct:
    """The conduct grade on a day, the live points and the reasons, as codes of the scheme."""

    grade: CreditGrade
    points: int
    reasons: tuple[str, ...]
    terms: tuple[Term, ...]


def ends_on(finding: Finding, life_months: int) -> date:
    """The first day on which a finding no longer counts."""
    lapse = add_months(finding.decided_on, life_months)
    return min(lapse, finding.ended_on) if finding.ended_on else lapse


def complaint_counts(finding: Finding, day: date) -> bool:
    """Whether an upheld complaint counts on `day`: twelve months (CC-04), or until its finding has ended."""
    return finding.decided_on <= day < ends_on(finding, COMPLAINT_MONTHS)


def live_points(findings: Iterable[Finding], day: date, rules: ConductRules) -> int:
    """Points alive on `day`; of several items for one event only the gravest counts."""
    by_event: defaultdict[str, int] = defaultdict(int)
    for one in findings:
        if one.decided_on <= day < ends_on(one, rules.life_months):
            event = one.event or f"finding:{one.id}"
            by_event[event] = max(by_event[event], one.points)
    return sum(by_event.values())


def points_terms(findings: Sequence[Finding], rules: ConductRules, terms: TermRules) -> list[Term]:
    """D by points: from each finding that leaves them at the limit, six months and as long as they stay.

    Every such finding starts its own term, so that one more finding can never shorten a D.
    """
    starts = sorted({one.decided_on for one in findings})
    changes = sorted({ends_on(one, rules.life_months) for one in findings})

    def over(day: date) -> bool:
        return live_points(findings, day, rules) >= rules.restriction_at

    return [
        Term(
            POINTS_D,
            start,
            max(
                add_months(start, terms.points_d_months),
                next(day for day in changes if day > start and not over(day)),
            ),
        )
        for start in starts
        if over(start)
    ]


def zero_terms(zeros: Iterable[date], terms: TermRules, window_months: int) -> list[Term]:
    """D by two results made zero within twelve months: twelve months from the second."""
    return [
        Term(ZEROS_D, second, add_months(second, terms.veto_d_months))
        for first, second in pairwise(sorted(zeros))
        if second < add_months(first, window_months)
    ]


def veto_term_allowed(ground: DirectGround, terms: TermRules) -> bool:
    """Whether a direct D lasts at least 12 and at most 36 months."""
    shortest = add_months(ground.start, terms.veto_d_months)
    longest = add_months(ground.start, terms.veto_d_months_at_most)
    return shortest <= ground.until <= longest


def conduct_track(evidence: Evidence, scheme: Scheme) -> Conduct:
    """The conduct grade on the evidence's day: A without a remark, else B, C or D with reasons."""
    day = evidence.as_of
    points = live_points(evidence.findings, day, scheme.conduct)
    terms = tuple(_terms(evidence, scheme))
    running = [term for term in terms if term.start <= day < term.until]
    if running:
        return Conduct(CreditGrade.D, points, tuple(term.code for term in running), terms)
    reasons = tuple(_caps_to_c(evidence, points, terms, scheme))
    if reasons:
        return Conduct(CreditGrade.C, points, reasons, terms)
    if any(_bars_a(term, day, scheme.terms) for term in terms):
        return Conduct(CreditGrade.B, points, ("NO-A",), terms)
    return Conduct(CreditGrade.A, points, (), terms)


def _terms(evidence: Evidence, scheme: Scheme) -> list[Term]:
    zeros = [case.finalised_on for case in evidence.cases if case.vetoed]
    direct = [Term(g.code, g.start, g.until, g.document_no) for g in evidence.grounds]
    computed = points_terms(evidence.findings, scheme.conduct, scheme.terms)
    vetoed = zero_terms(zeros, scheme.terms, scheme.gates.no_zero_months)
    return sorted([*direct, *computed, *vetoed], key=lambda t: (t.start, t.code, t.document_no))


def _caps_to_c(evidence: Evidence, points: int, terms: Sequence[Term], scheme: Scheme) -> Iterable[str]:
    day = evidence.as_of
    if points >= scheme.conduct.warning_at:
        yield "CC-02"
    if evidence.rectification_open:
        yield "CC-03"
    if evidence.upheld_complaints >= COMPLAINTS_FOR_C:
        yield "CC-04"
    if any(alive(term.until, day, scheme.terms.after_d_months) for term in terms):
        yield "AFTER-D"


def _bars_a(term: Term, day: date, rules: TermRules) -> bool:
    """No A in the annual cycle after the one in which a D ended."""
    month, dom = rules.annual_date
    this_cycle = date(term.until.year, month, dom)
    if this_cycle <= term.until:
        this_cycle = date(term.until.year + 1, month, dom)
    return term.until <= day < add_months(this_cycle, 12)


def zero_in_window(zeros: Iterable[date], day: date, months: int) -> int:
    """How many results were made zero within the last `months`."""
    return sum(alive(zero, day, months) for zero in zeros)
