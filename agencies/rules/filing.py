"""The life of a filing (从业备案): a registration for the record, not an approval.

Clocks: formal check within 2 working days of submission (domain.md row 11), public notice of
5 working days (platform rule), both counted from the day after.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from core.errors import Conflict, NotFound, Rejected
from core.i18n import N_

CHECK_WORKDAYS = 2
NOTICE_WORKDAYS = 5


class FilingKind(StrEnum):
    """A first registration, or a change of what is on record."""

    REGISTRATION = "registration"
    CHANGE = "change"


FILING_KIND_TITLES: dict[FilingKind, str] = {
    FilingKind.REGISTRATION: N_("入驻备案"),
    FilingKind.CHANGE: N_("变更备案"),
}


class FilingState(StrEnum):
    """Where a filing stands; only `advance` over `TRANSITIONS` changes it."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    NOTICED = "noticed"
    OBJECTED = "objected"
    RECORDED = "recorded"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


FILING_STATE_TITLES: dict[FilingState, str] = {
    FilingState.DRAFT: N_("填写中"),
    FilingState.SUBMITTED: N_("待形式核对"),
    FilingState.RETURNED: N_("退回补正"),
    FilingState.NOTICED: N_("公示中"),
    FilingState.OBJECTED: N_("公示有异议，核实中"),
    FilingState.RECORDED: N_("已备案"),
    FilingState.REFUSED: N_("不予备案"),
    FilingState.WITHDRAWN: N_("已撤回"),
}


class FilingAct(StrEnum):
    """What may happen to a filing."""

    SUBMIT = "submit"
    RETURN = "return"
    ACCEPT = "accept"
    OBJECT = "object"
    DISMISS = "dismiss"
    UPHOLD = "uphold"
    RECORD = "record"
    WITHDRAW = "withdraw"


S, A = FilingState, FilingAct
TRANSITIONS: Mapping[tuple[FilingState, FilingAct], FilingState] = {
    (S.DRAFT, A.SUBMIT): S.SUBMITTED,
    (S.RETURNED, A.SUBMIT): S.SUBMITTED,
    (S.SUBMITTED, A.RETURN): S.RETURNED,
    (S.SUBMITTED, A.ACCEPT): S.NOTICED,
    (S.NOTICED, A.OBJECT): S.OBJECTED,
    (S.OBJECTED, A.OBJECT): S.OBJECTED,
    (S.OBJECTED, A.DISMISS): S.NOTICED,
    (S.OBJECTED, A.UPHOLD): S.REFUSED,
    (S.NOTICED, A.RECORD): S.RECORDED,
    (S.DRAFT, A.WITHDRAW): S.WITHDRAWN,
    (S.RETURNED, A.WITHDRAW): S.WITHDRAWN,
    (S.SUBMITTED, A.WITHDRAW): S.WITHDRAWN,
    (S.NOTICED, A.WITHDRAW): S.WITHDRAWN,
    (S.OBJECTED, A.WITHDRAW): S.WITHDRAWN,
}

EDITABLE = frozenset({S.DRAFT, S.RETURNED})
OPEN = frozenset({S.DRAFT, S.SUBMITTED, S.RETURNED, S.NOTICED, S.OBJECTED})
ON_NOTICE = frozenset({S.NOTICED, S.OBJECTED})


class ObjectionState(StrEnum):
    """An objection lodged during the public notice."""

    OPEN = "open"
    DISMISSED = "dismissed"
    UPHELD = "upheld"


class FilingNotFound(NotFound):
    """Absent, or another organisation's."""

    code = "filing-not-found"
    text = N_("没有找到这件备案。它可能已撤回，或者不归您所在的单位办理。")


class AlreadyFiling(Conflict):
    """One open filing per organisation."""

    code = "filing-already-open"
    text = N_("您单位已有一件备案正在办理，请打开那一件继续，不用重新填写。")


class AlreadyRecorded(Conflict):
    """A recorded agency changes its file, it does not register again."""

    code = "agency-already-recorded"
    text = N_("您单位已经备案。要增加资质或修改信息，请办理变更备案。")


class NotYetRecorded(Conflict):
    """A change needs something on record."""

    code = "agency-not-recorded"
    text = N_("您单位尚未备案，请先办理入驻备案。")


class FilingIncomplete(Rejected):
    """Submission with defects left; the page lists them all."""

    code = "filing-incomplete"
    text = N_("还有 %(count)s 处不符合要求，已逐条列出。全部改好后再提交。")


class NoticeStillRunning(Conflict):
    """Nothing goes on record before the public notice is over."""

    code = "notice-still-running"
    text = N_("公示期到 %(until)s 才结束，期满后自动备案，现在不用办理。")


class NoticeOver(Conflict):
    """Objections are lodged while the notice runs."""

    code = "notice-over"
    text = N_("公示已于 %(until)s 结束，不再接收异议。发现问题可拨打 12345 投诉举报。")


class OwnNotice(Conflict):
    """Nobody objects to their own filing."""

    code = "own-notice"
    text = N_("这是您单位自己的备案。要停止办理，请使用“撤回”。")


class ObjectionDecided(Conflict):
    """Somebody decided first."""

    code = "objection-decided"
    text = N_("这条异议已有处理结果，请刷新页面查看。")


class NoDefectsNamed(Rejected):
    """A return without reasons would send the agency away empty-handed."""

    code = "no-defects-named"
    text = N_("退回须一次写明全部问题。请至少写一条，并写清怎么改。")


class PractitionerTaken(Conflict):
    """A person may be on one agency's staff only (lent certificates, domain.md §4)."""

    code = "practitioner-taken"
    text = N_("有从业人员的执业证书正登记在另一家机构名下。请先由原机构办理离职变更，再备案。")


def require_over(notice_until: datetime, now: datetime, shown: str) -> None:
    """Raise `NoticeStillRunning` before the end of the notice; `shown` is that moment in words."""
    if now < notice_until:
        raise NoticeStillRunning(until=shown)


def require_running(notice_until: datetime, now: datetime, shown: str) -> None:
    """Raise `NoticeOver` from the end of the notice on."""
    if now >= notice_until:
        raise NoticeOver(until=shown)
