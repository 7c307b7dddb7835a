"""The result: its versions, its acceptance, and the two marks that come from the record alone.

D (punctuality) and F (filings) per grading.md §1; figures of [case_score.deadline] and
[case_score.filing] in the scheme XT-2026.1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from core.errors import Conflict, Rejected
from core.i18n import N_
from core.money import half_up
from core.workdays import Calendar

FULL = Decimal(100)
MINUS_PER_PERCENT_OVERRUN = Decimal(2)
MINUS_PER_FILING = Decimal(20)
MOST_FILES = 20


class DeliverableState(StrEnum):
    """Where the result of a milestone stands."""

    FILED = "filed"
    RETURNED = "returned"
    ACCEPTED = "accepted"


class DeliverableAct(StrEnum):
    """What moves a result on; filing again makes a new version."""

    FILE_AGAIN = "file-again"
    RETURN = "return"
    ACCEPT = "accept"


TRANSITIONS: Mapping[tuple[DeliverableState, DeliverableAct], DeliverableState] = {
    (DeliverableState.FILED, DeliverableAct.RETURN): DeliverableState.RETURNED,
    (DeliverableState.FILED, DeliverableAct.ACCEPT): DeliverableState.ACCEPTED,
    (DeliverableState.RETURNED, DeliverableAct.FILE_AGAIN): DeliverableState.FILED,
}

DELIVERABLE_STATES: dict[DeliverableState, str] = {
    DeliverableState.FILED: N_("已提交，待验收"),
    DeliverableState.RETURNED: N_("已退回，待更正"),
    DeliverableState.ACCEPTED: N_("已验收"),
}


class MilestoneState(StrEnum):
    """Where a milestone stands."""

    PLANNED = "planned"
    ACCEPTED = "accepted"
    PAID = "paid"


class MilestoneAct(StrEnum):
    """What moves a milestone on."""

    ACCEPT = "accept"
    PAY = "pay"


MILESTONE_TRANSITIONS: Mapping[tuple[MilestoneState, MilestoneAct], MilestoneState] = {
    (MilestoneState.PLANNED, MilestoneAct.ACCEPT): MilestoneState.ACCEPTED,
    (MilestoneState.ACCEPTED, MilestoneAct.PAY): MilestoneState.PAID,
}


class ContractNotFiled(Conflict):
    """No filed contract, no result filing (domain.md row 48)."""

    code = "contract-not-filed"
    text = N_("合同还没有备案，不能提交成果。请先办理合同备案。")


class AlreadyFiled(Conflict):
    """The client has the last version in hand."""

    code = "already-filed"
    text = N_("这个节点的成果已经提交，正由委托方验收。退回后才能提交新版本。")


class ResultWithoutFile(Rejected):
    """A result is a document."""

    code = "result-without-file"
    text = N_("请至少上传一个成果文件，最多 %(most)s 个。")


class SignerBarred(Rejected):
    """A ban on a person follows the certificate to every employer (rule-set XT-2026.1, direct_d)."""

    code = "signer-barred"
    text = N_("所选签字人员中有人处于禁业期，不能签字。请改选其他人员，或在“我的等级”页查看本机构人员的信用标记。")


class ResultWithoutSigner(Rejected):
    """Somebody signs for a result, for life (domain.md row 56)."""

    code = "result-without-signer"
    text = N_("请选择对成果负责的签字人员。人员须是本机构已登记的从业人员。")


class ReturnWithoutReason(Rejected):
    """A returned result says what to change."""

    code = "return-without-reason"
    text = N_("退回成果须一次写明全部理由，让机构知道要改什么。")


@dataclass(frozen=True)
class Pause:
    """Working days that do not count against the agency: after `after`, up to and including `until`."""

    after: date
    until: date


@dataclass(frozen=True)
class Record:
    """The two marks from the record, with the figures they came from (working days)."""

    agreed: int
    taken: int
    punctuality: Decimal
    late_filings: int
    filings: Decimal


def working_days_taken(calendar: Calendar, start: date, end: date, pauses: Sequence[Pause] = ()) -> int:
    """Working days after `start` up to `end` that no pause covers; overlapping pauses count once."""
    paused: set[date] = set()
    for pause in pauses:
        paused |= set(_workdays(calendar, max(pause.after, start), min(pause.until, end)))
    return max(0, calendar.count(start, end)) - len(paused)


def due_on(calendar: Calendar, start: date, days: int, pauses: Sequence[Pause] = ()) -> date:
    """The day on which `days` working days after `start` are used up, pauses not counted."""
    due = calendar.add(start, days)
    while (used := working_days_taken(calendar, start, due, pauses)) < days:
        due = calendar.add(due, days - used)
    return due


def _workdays(calendar: Calendar, after: date, until: date) -> list[date]:
    first, last = after.toordinal() + 1, until.toordinal()
    days = map(date.fromordinal, range(first, last + 1))
    return [day for day in days if calendar.is_workday(day)]


def punctuality(agreed: int, taken: int) -> Decimal:
    """D: 100, minus 2 for each 1 % overrun of the agreed working days, never below 0."""
    over = Decimal(max(0, taken - agreed)) * FULL / Decimal(max(1, agreed))
    return half_up(max(Decimal(0), FULL - MINUS_PER_PERCENT_OVERRUN * over))


def filings_mark(late_or_missing: int) -> Decimal:
    """F: 100, minus 20 for each late or missing filing, never below 0."""
    return half_up(max(Decimal(0), FULL - MINUS_PER_FILING * late_or_missing))


def record_of(*, agreed: int, taken: int, late_filings: int) -> Record:
    """D and F of one result together with their figures."""
    return Record(agreed, taken, punctuality(agreed, taken), late_filings, filings_mark(late_filings))
