"""From one deliverable to one case mark (一事一评): y = .75·T' + .15·D + .10·F (grading.md §1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from core.money import half_up
from grading.rules.evidence import OVERRULED, Case
from grading.rules.scheme import CaseWeights

ZERO, ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True, slots=True)
class Corrections:
    """The learnt corrections, in points added to the technical mark; empty before learning.

    `consistency`: how many marks of an average reviewer one of each counts, held within its limit and one in it.
    """

    severity: Mapping[str, Decimal]
    difficulty: Mapping[str, Decimal]
    limit: Decimal
    consistency: Mapping[str, Decimal] = field(default_factory=dict)
    consistency_limit: Decimal = ONE

    def reviewer(self, aliases: tuple[str, ...]) -> Decimal:
        """Mean severity of the reviewers of one case, each held within the limit; to 0.01.

        A mark that officers or a panel set has no reviewer's severity in it: 0 (grading.md §2 corrects reviewers only).
        """
        if not aliases:
            return ZERO
        own = [ZERO if a.endswith(OVERRULED) else self.severity.get(a, ZERO) for a in aliases]
        held = [max(-self.limit, min(self.limit, points)) for points in own]
        return half_up(sum(held, ZERO) / len(held))

    def counts(self, aliases: tuple[str, ...]) -> Decimal | None:
        """How many marks of an average reviewer the mark of one case counts, to 0.01: the mean over its reviewers.

        A mark that officers or a panel set counts as one. None: the table says nothing about it.
        """
        if not self.consistency or not aliases:
            return None
        own = [ONE if a.endswith(OVERRULED) else self.consistency.get(a, ONE) for a in aliases]
        held = [max(ONE / self.consistency_limit, min(self.consistency_limit, one)) for one in own]
        return half_up(sum(held, ZERO) / len(held))

    def project(self, difficulty: str) -> Decimal:
        """Correction for the project's class."""
        return half_up(self.difficulty.get(difficulty, ZERO))


@dataclass(frozen=True, slots=True)
class CaseMark:
    """A case mark with everything it came from; points of 0 to 100."""

    case: Case
    severity: Decimal
    difficulty: Decimal
    corrected: Decimal
    value: Decimal
    counts: Decimal | None = None

    @property
    def is_zero(self) -> bool:
        """Whether a veto made the result zero."""
        return self.case.vetoed


def combine(
    technical: Decimal,
    deadline: Decimal,
    filing: Decimal,
    weights: CaseWeights,
    *,
    vetoed: bool = False,
) -> Decimal:
    """The weighted mark, rounded half up to 0.01; a veto makes it zero."""
    if vetoed:
        return half_up(ZERO)
    value = weights.technical * technical + weights.deadline * deadline + weights.filing * filing
    return half_up(value)


def mark_case(case: Case, weights: CaseWeights, corrections: Corrections) -> CaseMark:
    """The mark of one case, corrected for its reviewers and its project class.

    A mark set after an objection keeps the correction for the project, which is as hard for whoever marks it.
    """
    severity = corrections.reviewer(case.reviewers)
    difficulty = corrections.project(case.difficulty)
    corrected = half_up(case.technical + severity + difficulty)
    value = combine(corrected, case.punctuality, case.filings, weights, vetoed=case.vetoed)
    return CaseMark(case, severity, difficulty, corrected, value, corrections.counts(case.reviewers))
