"""Technical review: who reviews, drawn by lot; when two or three do; and what counts in the end.

grading.md §1: two reviewers from a fee of 200,000 yuan or where the sheet says so, a third when they
differ by more than 15, at least 5 % marked blind by a second reviewer of another region.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from core.errors import Conflict, Rejected
from core.i18n import N_
from core.money import half_up

TWO_REVIEWERS_FROM = Decimal(200000)
THIRD_WHEN_APART_BY_MORE_THAN = Decimal(15)
DOUBLE_SHARE = Decimal("0.05")
DOUBLE_WINDOW = 99
LOAD_SLACK = 1
MOST_SEATS = 3
CONNECTED = "connected"
"""Why somebody was not in a second lot: the published table links them to the other reviewer already."""


class ReviewState(StrEnum):
    """Where the review of a result stands."""

    MARKING = "marking"
    COMMENT = "comment"
    ANSWER = "answer"
    FINAL = "final"


class ReviewAct(StrEnum):
    """What moves a review on; `EXPIRE` is the clock."""

    SHARE = "share"
    COMMENT = "comment"
    WAIVE = "waive"
    CLOSE = "close"
    EXPIRE = "expire"


TRANSITIONS: Mapping[tuple[ReviewState, ReviewAct], ReviewState] = {
    (ReviewState.MARKING, ReviewAct.SHARE): ReviewState.COMMENT,
    (ReviewState.COMMENT, ReviewAct.COMMENT): ReviewState.ANSWER,
    (ReviewState.COMMENT, ReviewAct.WAIVE): ReviewState.FINAL,
    (ReviewState.COMMENT, ReviewAct.EXPIRE): ReviewState.FINAL,
    (ReviewState.ANSWER, ReviewAct.CLOSE): ReviewState.FINAL,
    (ReviewState.ANSWER, ReviewAct.EXPIRE): ReviewState.FINAL,
}

REVIEW_STATES: dict[ReviewState, str] = {
    ReviewState.MARKING: N_("审查中"),
    ReviewState.COMMENT: N_("征求机构意见"),
    ReviewState.ANSWER: N_("答复机构意见"),
    ReviewState.FINAL: N_("审查结果已定"),
}


class AssignmentState(StrEnum):
    """Where one reviewer's share of a review stands."""

    ASSIGNED = "assigned"
    SUBMITTED = "submitted"
    RECUSED = "recused"
    RELEASED = "released"


class AssignmentAct(StrEnum):
    """What a reviewer does with an assignment; `RELEASE` is an officer taking it back."""

    SAVE = "save"
    SUBMIT = "submit"
    RECUSE = "recuse"
    RELEASE = "release"


ASSIGNMENT_TRANSITIONS: Mapping[tuple[AssignmentState, AssignmentAct], AssignmentState] = {
    (AssignmentState.ASSIGNED, AssignmentAct.SAVE): AssignmentState.ASSIGNED,
    (AssignmentState.ASSIGNED, AssignmentAct.SUBMIT): AssignmentState.SUBMITTED,
    (AssignmentState.ASSIGNED, AssignmentAct.RECUSE): AssignmentState.RECUSED,
    (AssignmentState.ASSIGNED, AssignmentAct.RELEASE): AssignmentState.RELEASED,
}

ASSIGNMENT_STATES: dict[AssignmentState, str] = {
    AssignmentState.ASSIGNED: N_("待提交"),
    AssignmentState.SUBMITTED: N_("已提交"),
    AssignmentState.RECUSED: N_("已回避"),
    AssignmentState.RELEASED: N_("已改派"),
}


class InterestKind(StrEnum):
    """Why a reviewer may not judge an organisation's work."""

    EMPLOYER = "employer"
    FORMER_EMPLOYER = "former-employer"
    OWNER = "owner"
    FAMILY = "family"
    OTHER = "other"


INTEREST_KINDS: dict[InterestKind, str] = {
    InterestKind.EMPLOYER: N_("现任职单位"),
    InterestKind.FORMER_EMPLOYER: N_("曾任职单位"),
    InterestKind.OWNER: N_("持股或投资"),
    InterestKind.FAMILY: N_("近亲属任职或持股"),
    InterestKind.OTHER: N_("其他利害关系"),
}


class ReviewerHasInterest(Rejected):
    """Nobody reviews the work of an organisation they are tied to."""

    code = "reviewer-has-interest"
    text = N_("您与本件的一方有登记的利害关系，不能审查。请点“申请回避”，系统会重新抽签。")


class NoReviewerAvailable(Conflict):
    """The lot has no ball left."""

    code = "no-reviewer-available"
    text = N_("本专业目前没有无利害关系的审查员可抽。请评级员先登记审查员。")


class RecusalWithoutReason(Rejected):
    """A recusal is recorded with its reason."""

    code = "recusal-without-reason"
    text = N_("申请回避须写明理由。")


@dataclass(frozen=True)
class Candidate:
    """A reviewer in the lot: load is the number of assignments of the last 90 days."""

    reviewer_id: int
    region: str
    load: int


@dataclass(frozen=True)
class Draw:
    """A drawn lot that anybody can recompute from `seed` and `pool`."""

    seed: str
    pool: tuple[int, ...]
    picked: int


@dataclass(frozen=True)
class Finding:
    """One reviewer's finished sheet: points before veto, and whether a veto was found."""

    points: Decimal
    vetoed: bool

    @property
    def mark(self) -> Decimal:
        """T as this reviewer found it."""
        return Decimal("0.00") if self.vetoed else self.points


@dataclass(frozen=True)
class Verdict:
    """What the review found altogether."""

    technical: Decimal
    vetoed: bool


def reviewers_wanted(fee: Decimal, sheet_reviewers: int) -> int:
    """Two from a fee of 200,000 yuan or where the sheet says so, else one."""
    return max(sheet_reviewers, 2 if fee >= TWO_REVIEWERS_FROM else 1)


def needs_third(findings: Sequence[Finding]) -> bool:
    """Whether two reviewers differ by more than 15."""
    if len(findings) != MOST_SEATS - 1:
        return False
    first, second = (finding.mark for finding in findings)
    return abs(first - second) > THIRD_WHEN_APART_BY_MORE_THAN


def verdict(findings: Sequence[Finding]) -> Verdict:
    """The mean of the marks; 0 when a veto stands.

    A veto stands unless more reviewers saw none than saw one: then the outvoted reviewer's points
    count without it.
    """
    vetoes = sum(finding.vetoed for finding in findings)
    if vetoes and 2 * vetoes >= len(findings):
        return Verdict(Decimal("0.00"), vetoed=True)
    total = sum((finding.points for finding in findings), Decimal(0))
    return Verdict(half_up(total / len(findings)), vetoed=False)


def fair_pool(candidates: Sequence[Candidate]) -> tuple[int, ...]:
    """Who is in the lot: the least loaded and those one assignment above, by ascending id."""
    if not candidates:
        raise NoReviewerAvailable
    ceiling = min(candidate.load for candidate in candidates) + LOAD_SLACK
    return tuple(sorted(c.reviewer_id for c in candidates if c.load <= ceiling))


def prefer_other_region(candidates: Sequence[Candidate], region: str) -> tuple[Candidate, ...]:
    """For a blind second mark: reviewers of another region, or all when there are none."""
    elsewhere = tuple(c for c in candidates if c.region != region)
    return elsewhere or tuple(candidates)


def prefer_joining(pool: Sequence[int], seated: int | None, component: Mapping[int, int]) -> tuple[int, ...]:
    """For the second seat: those of a fair pool whom no chain of comparisons links to the reviewer in the first.

    Marks of two reviewers of one result are what makes severities comparable (grading.md §2), and most where nothing
    has linked them yet. Somebody the table does not know is linked to nobody. All of the pool when it makes no
    difference; narrowed after the load was levelled, so that work stays even.
    """
    here = component.get(seated) if seated is not None else None
    if here is None:
        return tuple(pool)
    return tuple(one for one in pool if component.get(one) != here) or tuple(pool)


def lot_value(seed: str, purpose: str) -> int:
    """A 256-bit number from a seed: SHA-256 of `seed|purpose`."""
    return int.from_bytes(hashlib.sha256(f"{seed}|{purpose}".encode()).digest(), "big")


def draw(seed: str, pool: Sequence[int]) -> Draw:
    """Pick place `SHA-256(seed|reviewer) mod n` of the pool, counted from 0."""
    if not pool:
        raise NoReviewerAvailable
    return Draw(seed, tuple(pool), pool[lot_value(seed, "reviewer") % len(pool)])


def double_by_lot(seed: str, recent_doubles: int, recent_reviews: int) -> bool:
    """Whether this result is marked blind a second time.

    By lot with 5 %; and always when this one together with the last 99 would otherwise hold fewer
    than 5 %, so that the share is reached however the lots fall.
    """
    due = int(DOUBLE_SHARE * (recent_reviews + 1))
    return recent_doubles < due or Decimal(lot_value(seed, "double")) < DOUBLE_SHARE * 2**256


def reviewer_code(serial: int) -> str:
    """`R-017`: how a reviewer is named to everybody else."""
    return f"R-{serial:03d}"
