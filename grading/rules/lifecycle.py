"""The lives of a run, a report, a conduct finding and a certificate, and what may happen when."""

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from core.errors import Conflict
from core.i18n import N_
from grading.rules.ends import Record, counts


class ReportState(StrEnum):
    """States of a grade report 评级报告."""

    DRAFT = "draft"
    COMMENTED = "commented"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class ReportAct(StrEnum):
    """What can happen to a report."""

    COMMENT = "comment"
    PUBLISH = "publish"
    SUPERSEDE = "supersede"
    RENEW = "renew"


REPORT_TRANSITIONS: dict[tuple[ReportState, ReportAct], ReportState] = {
    (ReportState.DRAFT, ReportAct.COMMENT): ReportState.COMMENTED,
    (ReportState.COMMENTED, ReportAct.COMMENT): ReportState.COMMENTED,
    (ReportState.DRAFT, ReportAct.PUBLISH): ReportState.PUBLISHED,
    (ReportState.COMMENTED, ReportAct.PUBLISH): ReportState.PUBLISHED,
    (ReportState.PUBLISHED, ReportAct.SUPERSEDE): ReportState.SUPERSEDED,
    (ReportState.DRAFT, ReportAct.RENEW): ReportState.WITHDRAWN,
    (ReportState.COMMENTED, ReportAct.RENEW): ReportState.WITHDRAWN,
}
"""A draft whose evidence was wrong is withdrawn and renewed; a published report is never changed."""


class RunState(StrEnum):
    """States of a grade run 评级批次."""

    OPEN = "open"
    CLOSED = "closed"


class RunKind(StrEnum):
    """Why a run was made: the monthly day, or what takes effect at once: a direct D, an upheld objection, a repair."""

    MONTHLY = "monthly"
    DIRECT_D = "direct-d"
    REPLAY = "replay"
    REPAIR = "repair"


class ConductState(StrEnum):
    """States of a conduct finding 不良行为记分; lapsing is not stored, the clock does it."""

    PROPOSED = "proposed"
    UPHELD = "upheld"
    NOT_UPHELD = "not-upheld"
    REPAIRED = "repaired"


class ConductAct(StrEnum):
    """What can happen to a finding."""

    REPLY = "reply"
    UPHOLD = "uphold"
    DISMISS = "dismiss"
    REPAIR = "repair"
    OVERTURN = "overturn"


CONDUCT_TRANSITIONS: dict[tuple[ConductState, ConductAct], ConductState] = {
    (ConductState.PROPOSED, ConductAct.REPLY): ConductState.PROPOSED,
    (ConductState.PROPOSED, ConductAct.UPHOLD): ConductState.UPHELD,
    (ConductState.PROPOSED, ConductAct.DISMISS): ConductState.NOT_UPHELD,
    (ConductState.UPHELD, ConductAct.REPAIR): ConductState.REPAIRED,
    (ConductState.UPHELD, ConductAct.OVERTURN): ConductState.NOT_UPHELD,
    (ConductState.REPAIRED, ConductAct.OVERTURN): ConductState.NOT_UPHELD,
}


class ConductPhase(StrEnum):
    """How a finding stands on a day: its state, with lapsing by date added."""

    PROPOSED = "proposed"
    LIVE = "live"
    LAPSED = "lapsed"
    REPAIRED = "repaired"
    NOT_UPHELD = "not-upheld"


class CertificateState(StrEnum):
    """How a certificate stands; expiry is not stored, the clock does it."""

    VALID = "valid"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"


class CommentPeriodOpen(Conflict):
    """The agency may still comment."""

    code: ClassVar[str] = "comment-period-open"
    text: ClassVar[str] = N_("征求意见期到 %(until)s 为止，期满后才能签发。可先办理其他机构，或等机构反馈。")


class CommentPeriodOver(Conflict):
    """The comment came too late."""

    code: ClassVar[str] = "comment-period-over"
    text: ClassVar[str] = N_("征求意见期已于 %(until)s 结束，意见未收入。公布后 15 个工作日内可以提出异议。")


class ReplyPeriodOpen(Conflict):
    """The agency may still reply to a proposed finding."""

    code: ClassVar[str] = "reply-period-open"
    text: ClassVar[str] = N_("机构的申辩期到 %(until)s 为止。期满或收到申辩后才能认定。")


class ReplyPeriodOver(Conflict):
    """The reply came too late."""

    code: ClassVar[str] = "reply-period-over"
    text: ClassVar[str] = N_("申辩期已于 %(until)s 结束，申辩未收入。如有新证据，可在认定后提出异议。")


class SamePerson(Conflict):
    """One person may not both propose and decide."""

    code: ClassVar[str] = "same-person"
    text: ClassVar[str] = N_("这条记分由您提出，须由另一位工作人员认定。请转交同事办理。")


class GradeDrift(Conflict):
    """What is stored and what is computed from it differ: nothing may be published."""

    code: ClassVar[str] = "grade-drift"
    text: ClassVar[str] = N_(
        "按留存证据重算得到 %(computed)s，与草案的 %(stored)s 不一致，未签发。请重新取证生成草案，并报告系统管理员。"
    )


def conduct_phase(state: ConductState, record: Record | None, today: date) -> ConductPhase:
    """How a finding stands today; `record` is None before the decision. It lapses only by date, repair or correction."""
    if state is not ConductState.UPHELD or record is None:
        names = {
            ConductState.PROPOSED: ConductPhase.PROPOSED,
            ConductState.REPAIRED: ConductPhase.REPAIRED,
        }
        return names.get(state, ConductPhase.NOT_UPHELD)
    return ConductPhase.LIVE if counts(record, today) else ConductPhase.LAPSED


def certificate_state(
    *, revoked: bool, superseded: bool, valid_until: date, today: date, suspended: bool = False
) -> CertificateState:
    """How a certificate stands today; revocation outweighs everything.

    `suspended`: it states a downgrade that waits for an objection.
    """
    if revoked:
        return CertificateState.REVOKED
    if suspended and not superseded:
        return CertificateState.SUSPENDED
    if superseded:
        return CertificateState.SUPERSEDED
    return CertificateState.VALID if today <= valid_until else CertificateState.EXPIRED


def may_publish(comment_until: datetime, now: datetime) -> bool:
    """Whether the comment period (5 working days) is over: publication on working day 6."""
    return now >= comment_until


def may_decide(reply: str, reply_until: datetime, now: datetime) -> bool:
    """Whether the right of reply has been used or has run out."""
    return bool(reply) or now >= reply_until
