"""What an upheld objection changes: the records stay as they are, a correction is laid over the evidence.

The corrected evidence goes through the same `replay.grade`; so a corrected grade is computed like any other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from core.errors import Rejected
from core.i18n import N_
from grading.rules.conduct import complaint_counts
from grading.rules.evidence import OVERRULED, Case, Evidence, in_order


class CorrectionKind(StrEnum):
    """What can be corrected. The first five name a result, the last a finding."""

    DROP_CASE = "drop-case"
    TECHNICAL = "technical"
    PUNCTUALITY = "punctuality"
    FILINGS = "filings"
    DROP_STARS = "drop-stars"
    DROP_FINDING = "drop-finding"


CORRECTIONS: dict[CorrectionKind, str] = {
    CorrectionKind.DROP_CASE: N_("这件成果不计入评分"),
    CorrectionKind.TECHNICAL: N_("改正技术审查分"),
    CorrectionKind.PUNCTUALITY: N_("改正按时得分"),
    CorrectionKind.FILINGS: N_("改正备案得分"),
    CorrectionKind.DROP_STARS: N_("业主评价不计入"),
    CorrectionKind.DROP_FINDING: N_("撤销这条记分"),
}
WITH_AMOUNT = frozenset({CorrectionKind.TECHNICAL, CorrectionKind.PUNCTUALITY, CorrectionKind.FILINGS})


class CorrectionMissing(Rejected):
    """An objection is upheld by saying what changes."""

    code: ClassVar[str] = "correction-missing"
    text: ClassVar[str] = N_("支持异议须写明改正哪一件、哪一项。请至少填一处改正。")


class CorrectionUnknown(Rejected):
    """The corrected thing is not part of the grade."""

    code: ClassVar[str] = "correction-unknown"
    text: ClassVar[str] = N_("改正的成果或记分不在这份评级报告的证据中。请从列表中选择。")


class CorrectionAmount(Rejected):
    """A mark lies between 0 and 100."""

    code: ClassVar[str] = "correction-amount"
    text: ClassVar[str] = N_("改正分数须填 0 至 100 之间的数，最多两位小数；不计入或撤销的不填分数。")


class CorrectionTwice(Rejected):
    """One thing is corrected once."""

    code: ClassVar[str] = "correction-twice"
    text: ClassVar[str] = N_("同一处改正填了两次。请只留一处。")


@dataclass(frozen=True, slots=True)
class Change:
    """One correction: `target` is a deliverable's id, or a finding's for `drop-finding`; `complaint`: it came of one."""

    kind: CorrectionKind
    target: int
    amount: Decimal | None = None
    complaint: bool = False


def check_changes(changes: Sequence[Change], evidence: Evidence) -> None:
    """Every correction names something in the evidence, with a figure where one is needed, once.

    Raises `CorrectionMissing`, `CorrectionUnknown`, `CorrectionAmount`, `CorrectionTwice`.
    """
    if not changes:
        raise CorrectionMissing
    cases = {case.deliverable_id for case in evidence.cases}
    findings = {finding.id for finding in evidence.findings}
    for one in changes:
        known = findings if one.kind is CorrectionKind.DROP_FINDING else cases
        if one.target not in known:
            raise CorrectionUnknown
        if (one.amount is not None) != (one.kind in WITH_AMOUNT) or not 0 <= (one.amount or 0) <= 100:
            raise CorrectionAmount
    if len({(one.kind, one.target) for one in changes}) < len(changes):
        raise CorrectionTwice


def corrected(evidence: Evidence, changes: Iterable[Change]) -> Evidence:
    """The evidence with the corrections laid over it; later ones win. Without effect where the target is absent."""
    by_case: dict[int, list[Change]] = {}
    lifted: set[int] = set()
    complaints: set[int] = set()
    for one in changes:
        if one.kind is CorrectionKind.DROP_FINDING:
            lifted.add(one.target)
            complaints |= {one.target} if one.complaint else set()
        else:
            by_case.setdefault(one.target, []).append(one)
    if not by_case and not lifted:
        return evidence
    gone = sum(one.id in complaints and complaint_counts(one, evidence.as_of) for one in evidence.findings)
    cases = (_case(case, by_case.get(case.deliverable_id, ())) for case in evidence.cases)
    return in_order(
        replace(
            evidence,
            cases=tuple(case for case in cases if case is not None),
            findings=tuple(one for one in evidence.findings if one.id not in lifted),
            upheld_complaints=evidence.upheld_complaints - gone,
        )
    )


def corrected_cases(cases: Sequence[Case], changes: Iterable[Change]) -> list[Case]:
    """Cases as a grade would take them after the corrections: what was set aside teaches nothing either."""
    by_case: dict[int, list[Change]] = {}
    for one in changes:
        if one.kind is not CorrectionKind.DROP_FINDING:
            by_case.setdefault(one.target, []).append(one)
    laid = (_case(case, by_case.get(case.deliverable_id, ())) for case in cases)
    return [case for case in laid if case is not None]


def overruled(changes: Iterable[Change]) -> frozenset[int]:
    """Deliverables whose technical mark was replaced: the new mark is nobody's severity, the old one was wrong."""
    return frozenset(one.target for one in changes if one.kind is CorrectionKind.TECHNICAL)


def _case(case: Case, changes: Iterable[Change]) -> Case | None:
    for one in changes:
        amount = one.amount if one.amount is not None else Decimal(0)
        match one.kind:
            case CorrectionKind.DROP_CASE:
                return None
            case CorrectionKind.TECHNICAL:
                names = tuple(f"{alias}{OVERRULED}" for alias in case.seen_by)
                case = replace(case, reviewers=names, marks=(amount,), technical=amount, vetoed=False)
            case CorrectionKind.PUNCTUALITY:
                case = replace(case, punctuality=amount)
            case CorrectionKind.FILINGS:
                case = replace(case, filings=amount)
            case _:
                case = replace(case, stars=None)
    return case
