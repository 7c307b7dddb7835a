"""The life of an objection to a published grade (grading.md §6, scheme `[appeal]`).

lodged → (checking: somebody outside must check) → upheld | rejected → panel → upheld-on-review | dismissed;
rejected → lapsed when nobody asks for a re-review in time; withdrawn by the agency while it is open.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from agencies.rules import CreditGrade
from core.errors import Conflict, NotFound
from core.i18n import N_
from core.workdays import Calendar
from grading.rules.bands import rank
from grading.rules.life_terms import AppealRules

PANEL = 3
MAJORITY = 2
MOST_FILES = 5
SHORTEST = 20
"""Characters: facts and decisions give reasons, or they are none."""


class ObjectionState(StrEnum):
    """Stored states; every change goes through `TRANSITIONS`."""

    LODGED = "lodged"
    CHECKING = "checking"
    UPHELD = "upheld"
    REJECTED = "rejected"
    PANEL = "panel"
    UPHELD_ON_REVIEW = "upheld-on-review"
    DISMISSED = "dismissed"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


class ObjectionAct(StrEnum):
    """What can happen to an objection; `LAPSE` is the clock."""

    CHECK = "check"
    UPHOLD = "uphold"
    REJECT = "reject"
    CONTEST = "contest"
    LAPSE = "lapse"
    WITHDRAW = "withdraw"


_S, _A = ObjectionState, ObjectionAct
OPEN = frozenset({_S.LODGED, _S.CHECKING, _S.REJECTED, _S.PANEL})
FIRST = frozenset({_S.LODGED, _S.CHECKING})
WON = frozenset({_S.UPHELD, _S.UPHELD_ON_REVIEW})

TRANSITIONS: dict[tuple[ObjectionState, ObjectionAct], ObjectionState] = {
    (_S.LODGED, _A.CHECK): _S.CHECKING,
    (_S.LODGED, _A.UPHOLD): _S.UPHELD,
    (_S.LODGED, _A.REJECT): _S.REJECTED,
    (_S.CHECKING, _A.UPHOLD): _S.UPHELD,
    (_S.CHECKING, _A.REJECT): _S.REJECTED,
    (_S.REJECTED, _A.CONTEST): _S.PANEL,
    (_S.REJECTED, _A.LAPSE): _S.LAPSED,
    (_S.PANEL, _A.UPHOLD): _S.UPHELD_ON_REVIEW,
    (_S.PANEL, _A.REJECT): _S.DISMISSED,
    **{(state, _A.WITHDRAW): _S.WITHDRAWN for state in (_S.LODGED, _S.CHECKING, _S.REJECTED, _S.PANEL)},
}

STATES: dict[ObjectionState, str] = {
    _S.LODGED: N_("待处理"),
    _S.CHECKING: N_("外部核查中"),
    _S.UPHELD: N_("异议成立，已改正"),
    _S.REJECTED: N_("不予支持，可申请复评"),
    _S.PANEL: N_("复评中"),
    _S.UPHELD_ON_REVIEW: N_("复评改正"),
    _S.DISMISSED: N_("复评维持，平台终结"),
    _S.LAPSED: N_("不予支持，已终结"),
    _S.WITHDRAWN: N_("已撤回"),
}


class GradeObjectionAbsent(NotFound):
    """No such objection, or not this reader's."""

    code: ClassVar[str] = "grade-objection-absent"
    text: ClassVar[str] = N_("没有找到这件异议，或者它不归您办理。请从工作台重新进入。")


class ObjectionWindowOver(Conflict):
    """Fifteen working days from publication."""

    code: ClassVar[str] = "grade-objection-late"
    text: ClassVar[str] = N_("异议期已于 %(until)s 结束。之后可对下一次公布的等级提出异议，或申请作出解释。")


class NotObjectionable(Conflict):
    """Only a published grade is objected to."""

    code: ClassVar[str] = "grade-not-published"
    text: ClassVar[str] = N_("只能对已公布且仍在使用的等级提出异议；草案请在征求意见期内反馈意见。")


class ObjectedAlready(Conflict):
    """One objection per report."""

    code: ClassVar[str] = "grade-objected-already"
    text: ClassVar[str] = N_("这份报告已有异议 %(number)s。请在该异议中补充或申请复评。")


class SignerDecides(Conflict):
    """The first decision is made by somebody who had no part in the grade."""

    code: ClassVar[str] = "objection-own-signature"
    text: ClassVar[str] = N_("这份等级由您签发或经手，异议须由另一位评级员处理。请转交同事。")


class RereviewLate(Conflict):
    """Ten working days from the first decision."""

    code: ClassVar[str] = "rereview-late"
    text: ClassVar[str] = N_("申请复评的期限已于 %(until)s 结束，首次处理结果已成为终结结果。")


class NoPanel(Conflict):
    """The lot cannot fill three seats with people who had no part in it."""

    code: ClassVar[str] = "no-panel"
    text: ClassVar[str] = N_(
        "目前抽不出三名未经手的复评人员（现有 %(count)s 名）。请系统管理员增补市场监督员、评级员或审查员。"
    )


class NotSeated(NotFound):
    """Only the three panel members take part."""

    code: ClassVar[str] = "not-seated"
    text: ClassVar[str] = N_("您不是这件异议的复评人员。请从工作台重新进入。")


class NothingProposed(Conflict):
    """The panel votes on a written proposal."""

    code: ClassVar[str] = "nothing-proposed"
    text: ClassVar[str] = N_("还没有复评意见稿可供表决。请先由一名成员提出意见稿。")


class ProposalChanged(Conflict):
    """Somebody put forward another proposal meanwhile."""

    code: ClassVar[str] = "proposal-changed"
    text: ClassVar[str] = N_("意见稿已更换，您的表决没有记入。请看新的意见稿后再表决。")


class Verdict(StrEnum):
    """How an objection is decided."""

    UPHOLD = "uphold"
    REJECT = "reject"


class Tally(StrEnum):
    """Where the vote of a panel stands: all three are heard before anything is final."""

    OPEN = "open"
    CARRIED = "carried"
    FALLEN = "fallen"


def is_downgrade(before: CreditGrade, after: CreditGrade) -> bool:
    """Whether the published grade is worse than the one before; N counts as B (grading.md §4)."""
    return rank(after) < rank(before)


def waits(before: CreditGrade, after: CreditGrade, rules: AppealRules, *, veto: bool) -> bool:
    """Whether a grade under objection has no effect yet: a downgrade waits, a veto does not (grading.md §6)."""
    return rules.downgrade_waits and not veto and is_downgrade(before, after)


def due_at(state: ObjectionState, since: datetime, lodged_at: datetime, rules: AppealRules, days: Calendar) -> datetime:
    """When the present holder must have acted: the officer, the agency (rejected) or the panel.

    The outside check does not start the clock anew: seven working days run from lodging.
    """
    match state:
        case ObjectionState.LODGED:
            return days.due_at(lodged_at, rules.first_decision_wd)
        case ObjectionState.CHECKING:
            return days.due_at(lodged_at, rules.outside_check_wd)
        case ObjectionState.REJECTED:
            return days.due_at(since, rules.rereview_request_wd)
        case _:
            return days.due_at(since, rules.rereview_wd)


def tally(votes: Sequence[bool | None]) -> Tally:
    """Final only when every seat has spoken; two of three carry or fell a proposal."""
    if any(vote is None for vote in votes) or len(votes) < PANEL:
        return Tally.OPEN
    return Tally.CARRIED if sum(bool(vote) for vote in votes) >= MAJORITY else Tally.FALLEN


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who could sit on a panel: `above` is one level above the grading officers."""

    account_id: int
    above: bool
    barred: str = ""


def draw_panel(seed: str, candidates: Iterable[Candidate]) -> tuple[int, ...]:
    """Three accounts by lot, the chair from one level above; anybody can recompute it from seed and pool.

    The order of the lot is SHA-256 of `seed|account`; the first from above takes the chair. Raises `NoPanel`.
    """
    able = {one.account_id: one.above for one in candidates if not one.barred}
    lots = sorted(able, key=lambda account: hashlib.sha256(f"{seed}|{account}".encode()).digest())
    chair = next((account for account in lots if able[account]), None)
    if chair is None or len(lots) < PANEL:
        raise NoPanel(count=len(lots))
    return (chair, *[account for account in lots if account != chair][: PANEL - 1])


TRAIL_TITLES: Mapping[str, str] = {
    "grade-objection.lodged": N_("机构对等级提出异议"),
    "grade-objection.checking": N_("异议交外部核查"),
    "grade-objection.upheld": N_("异议成立"),
    "grade-objection.rejected": N_("异议不予支持"),
    "grade-objection.contested": N_("机构申请复评，抽取复评组"),
    "grade-objection.proposed": N_("复评组提出意见稿"),
    "grade-objection.voted": N_("复评组成员表决"),
    "grade-objection.upheld-on-review": N_("复评改正"),
    "grade-objection.dismissed": N_("复评维持，平台终结"),
    "grade-objection.lapsed": N_("未申请复评，异议终结"),
    "grade-objection.withdrawn": N_("机构撤回异议"),
    "grade-objection.overdue": N_("异议处理超期"),
    "grade.suspended": N_("降级处于异议期，原等级继续有效"),
    "grade.reinstated": N_("异议终结，公布的等级生效"),
    "grade.corrected": N_("等级因异议成立重算并重新公布"),
    "grade.relied-told": N_("告知曾依据原等级的委托方"),
    "grade.asked": N_("机构要求解释或人工复核"),
    "grade.asked-answered": N_("评级员答复机构的要求"),
    "grade.asked-overdue": N_("答复机构的要求超期"),
}
OPEN_ACTS = (
    "grade-objection.lodged",
    "grade-objection.upheld",
    "grade-objection.rejected",
    "grade-objection.contested",
    "grade-objection.upheld-on-review",
    "grade-objection.dismissed",
    "grade-objection.lapsed",
    "grade-objection.withdrawn",
    "grade-objection.overdue",
    "grade.suspended",
    "grade.reinstated",
    "grade.corrected",
)
"""Acts whose fact is public; facts, evidence, votes and requests are for the parties."""
