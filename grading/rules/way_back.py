"""The way back from a direct D: what an agency must show once its term is over, who decides, and by when.

A term that is over does not lift the D by itself: the agency shows what it has put right (rule-set XT-2026.1, repair
conditions; domain of credit repair, National Order 36 of 2026). One officer checks within 2 working days, another
decides within 7; neither imposed the D. Delay of the office is never the agency's loss: a late grant counts from the
day it was due. Without an application the D ends at the longest display, 36 months, or when the decision says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar

from core.errors import Conflict, NotFound, Rejected
from core.i18n import N_
from grading.rules.ends import Record, counts
from grading.rules.months import add_months

EARLY_MONTHS = 1
"""How long before the end of the term the application may be filed; it takes effect at the end at the earliest."""
MOST_FILES = 8


class WayBackState(StrEnum):
    """Where an application to leave a direct D stands."""

    FILED = "filed"
    RETURNED = "returned"
    ACCEPTED = "accepted"
    GRANTED = "granted"
    REFUSED = "refused"


class WayBackAct(StrEnum):
    """What happens to it."""

    FILE_AGAIN = "file-again"
    RETURN = "return"
    ACCEPT = "accept"
    GRANT = "grant"
    REFUSE = "refuse"


S, A = WayBackState, WayBackAct
WAY_BACK_TRANSITIONS: Mapping[tuple[WayBackState, WayBackAct], WayBackState] = {
    (S.FILED, A.RETURN): S.RETURNED,
    (S.RETURNED, A.FILE_AGAIN): S.FILED,
    (S.FILED, A.ACCEPT): S.ACCEPTED,
    (S.ACCEPTED, A.GRANT): S.GRANTED,
    (S.ACCEPTED, A.REFUSE): S.REFUSED,
}
WAY_BACK_STATES: dict[WayBackState, str] = {
    S.FILED: N_("待核对材料"),
    S.RETURNED: N_("退回补正"),
    S.ACCEPTED: N_("待决定"),
    S.GRANTED: N_("已同意退出 D 级"),
    S.REFUSED: N_("不同意退出 D 级"),
}
WAITING = frozenset({S.FILED, S.RETURNED, S.ACCEPTED})


@dataclass(frozen=True, slots=True)
class WayBackDraft:
    """What the agency shows: what it put right, which obligations it met, who confirms it; it commits in public."""

    corrected: str
    obligations: str
    confirmation: str
    committed: bool


class WayBackTooEarly(Conflict):
    """The minimum term has to be served."""

    code: ClassVar[str] = "way-back-too-early"
    text: ClassVar[str] = N_("D 级期限到 %(ends)s 为止，%(earliest)s 起可以提出退出申请。请先完成整改。")


class WayBackOver(Conflict):
    """That D has ended already."""

    code: ClassVar[str] = "way-back-over"
    text: ClassVar[str] = N_("这项 D 级已经结束，不用再申请。")


class WayBackOpen(Conflict):
    """One application at a time."""

    code: ClassVar[str] = "way-back-open"
    text: ClassVar[str] = N_("这项 D 级已有一份退出申请正在办理，请打开那一份。")


class RepairRunning(Conflict):
    """One door at a time: a repair of this D is being decided."""

    code: ClassVar[str] = "way-back-repair-running"
    text: ClassVar[str] = N_("这项 D 级已有信用修复申请 %(number)s 在办理，办结前不能再申请退出。请在该申请中查看。")


class WayBackGone(NotFound):
    """No such application or decision, or another agency's."""

    code: ClassVar[str] = "way-back-not-found"
    text: ClassVar[str] = N_("没有找到这份退出申请。请从“等级的作用”页进入。")


class NothingShown(Rejected):
    """Proof, obligations, confirmation and a public commitment: all of them."""

    code: ClassVar[str] = "way-back-nothing-shown"
    text: ClassVar[str] = N_("请写明整改情况、义务履行情况和确认单位，附至少一份证明材料，并作出公开承诺。")


class SameOfficer(Conflict):
    """Who imposed the D or checked the papers does not decide."""

    code: ClassVar[str] = "way-back-same-officer"
    text: ClassVar[str] = N_("登记这项 D 级的人和核对材料的人不能作决定，请转交另一位工作人员。")


def earliest(ends_on: date) -> date:
    """From when on the way back may be applied for."""
    return add_months(ends_on, -EARLY_MONTHS)


def effective_on(ends_on: date, due_on: date, today: date) -> date:
    """From when on a grant counts: not before the term, and no later than the decision was due."""
    return max(ends_on, min(today, due_on))


def check_moment(ends_on: date, record: Record, today: date) -> None:
    """Raise `WayBackOver` when the D has ended (by time, a repair or a way back), `WayBackTooEarly` before its month."""
    if not counts(record, today):
        raise WayBackOver
    if today < earliest(ends_on):
        raise WayBackTooEarly(ends=ends_on, earliest=earliest(ends_on))


def check_shown(draft: WayBackDraft, files: int) -> None:
    """Raise `NothingShown` unless every condition of the scheme has something behind it."""
    texts = (draft.corrected, draft.obligations, draft.confirmation)
    if not draft.committed or not 1 <= files <= MOST_FILES or not all(text.strip() for text in texts):
        raise NothingShown


TRAIL_TITLES: dict[str, str] = {
    "way-back.filed": N_("机构提出退出 D 级的申请"),
    "way-back.returned": N_("退出申请退回补正"),
    "way-back.accepted": N_("退出申请材料齐全"),
    "way-back.granted": N_("同意退出 D 级"),
    "way-back.refused": N_("不同意退出 D 级"),
}
OPEN_ACTS = ("way-back.granted", "way-back.refused")
