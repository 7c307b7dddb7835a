"""Credit repair 信用修复 (grading.md §6, scheme `[repair]`): who may ask when, and what ends with it.

applied → accepted | returned; accepted → granted | refused; a grave one needs two officers: accepted → joint → granted.
Display, sharing and consequences end together on the day it is granted.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import ClassVar

from core.errors import Conflict, Message, NotFound, Rejected
from core.i18n import N_
from grading.rules.ends import Record, end_of
from grading.rules.life_terms import RepairClass, RepairRules, RepairTerms
from grading.rules.months import add_months

MOST_FILES = 5


class RepairState(StrEnum):
    """Stored states of an application."""

    APPLIED = "applied"
    RETURNED = "returned"
    ACCEPTED = "accepted"
    JOINT = "joint"
    GRANTED = "granted"
    REFUSED = "refused"


class RepairAct(StrEnum):
    """What can happen to an application."""

    ACCEPT = "accept"
    RETURN = "return"
    AGREE = "agree"
    GRANT = "grant"
    REFUSE = "refuse"


_S, _A = RepairState, RepairAct
OPEN = frozenset({_S.APPLIED, _S.ACCEPTED, _S.JOINT})

TRANSITIONS: dict[tuple[RepairState, RepairAct], RepairState] = {
    (_S.APPLIED, _A.ACCEPT): _S.ACCEPTED,
    (_S.APPLIED, _A.RETURN): _S.RETURNED,
    (_S.ACCEPTED, _A.AGREE): _S.JOINT,
    (_S.ACCEPTED, _A.GRANT): _S.GRANTED,
    (_S.ACCEPTED, _A.REFUSE): _S.REFUSED,
    (_S.JOINT, _A.GRANT): _S.GRANTED,
    (_S.JOINT, _A.REFUSE): _S.REFUSED,
}

STATES: dict[RepairState, str] = {
    _S.APPLIED: N_("待受理"),
    _S.RETURNED: N_("材料不全，已退回"),
    _S.ACCEPTED: N_("已受理，审查中"),
    _S.JOINT: N_("待第二位评级员会审"),
    _S.GRANTED: N_("准予修复"),
    _S.REFUSED: N_("不予修复"),
}
CLASSES: dict[RepairClass, str] = {
    RepairClass.MINOR: N_("轻微"),
    RepairClass.GENERAL: N_("一般"),
    RepairClass.GRAVE: N_("严重"),
}


class RepairAbsent(NotFound):
    """No such application, or not this reader's."""

    code: ClassVar[str] = "repair-absent"
    text: ClassVar[str] = N_("没有找到这件信用修复申请，或者它不归您办理。请从工作台重新进入。")


class NothingToRepair(Conflict):
    """Not upheld, or it has ended already."""

    code: ClassVar[str] = "nothing-to-repair"
    text: ClassVar[str] = N_("这条记录没有认定，或者公示与效力都已结束，无需修复。")


class RepairEarly(Conflict):
    """The minimum display has not elapsed."""

    code: ClassVar[str] = "repair-early"
    text: ClassVar[str] = N_("这条记录属于%(grade_class)s失信，最短公示期到 %(until)s 为止，自该日起可以申请修复。")


class RepairOpen(Conflict):
    """One application at a time."""

    code: ClassVar[str] = "repair-open"
    text: ClassVar[str] = N_("这条记录已有修复申请 %(number)s 在办理。请在该申请中查看。")


class RepairBarred(Conflict):
    """Forged papers bar for a year."""

    code: ClassVar[str] = "repair-barred"
    text: ClassVar[str] = N_("此前的修复申请含虚假材料，%(until)s 之前不再受理修复申请。")


class TermIsOver(Conflict):
    """After its term a direct D is left by the way back."""

    code: ClassVar[str] = "repair-term-over"
    text: ClassVar[str] = N_("这项 D 级的期限已满，不再走信用修复。请在“我的等级意味着什么”页申请退出 D 级。")


class TermAsDecided(Conflict):
    """A term set by a decision is served in full."""

    code: ClassVar[str] = "repair-term-as-decided"
    text: ClassVar[str] = N_(
        "这项 D 级的期限由处罚决定载明，期满（%(until)s）前不能修复。期满前一个月起可以申请退出 D 级。"
    )


class WayBackRunning(Conflict):
    """One door at a time."""

    code: ClassVar[str] = "repair-way-back-running"
    text: ClassVar[str] = N_("这项 D 级已有退出申请 %(number)s，不能同时申请修复。请在该申请中查看。")


class ImposerDecides(Conflict):
    """Who recorded the D does not decide about its repair."""

    code: ClassVar[str] = "repair-imposer"
    text: ClassVar[str] = N_("这项 D 级由您登记，不能由您决定修复。请转交另一位评级员。")


class PromiseMissing(Rejected):
    """A public commitment belongs to every repair."""

    code: ClassVar[str] = "repair-promise-missing"
    text: ClassVar[str] = N_("信用修复须公开作出守信承诺。请勾选承诺后再提交。")


class ProofMissing(Rejected):
    """Corrected with proof."""

    code: ClassVar[str] = "repair-proof-missing"
    text: ClassVar[str] = N_("请上传至少一份整改证明材料。")


class SecondOfficer(Conflict):
    """A grave record is decided by two officers."""

    code: ClassVar[str] = "repair-second-officer"
    text: ClassVar[str] = N_("严重失信的修复须由两位评级员会审，您已签过意见。请转交另一位评级员。")


def earliest(start: date, terms: RepairTerms) -> date:
    """The first day on which repair may be asked for: the minimum display has elapsed."""
    return add_months(start, terms.least_months)


def check_start(record: Record, today: date, terms: RepairTerms) -> None:
    """Raises `NothingToRepair` when it does not count any more, `RepairEarly` before the minimum display has elapsed."""
    if today >= end_of(record).on:
        raise NothingToRepair
    first = earliest(record.start, terms)
    if today < first:
        raise RepairEarly(grade_class=Message(CLASSES[terms.grade_class]), until=first.isoformat())


def check_term(ends_on: date, today: date, *, as_decided: bool) -> None:
    """Which door leads out of a direct D: repair while its term runs, the way back from a month before its end.

    Raises `TermAsDecided` for a term that a decision sets (scheme: a running statutory ban cannot be repaired),
    `TermIsOver` once it is over.
    """
    if today >= ends_on:
        raise TermIsOver
    if as_decided:
        raise TermAsDecided(until=ends_on.isoformat())


def after_agreement(grade_class: RepairClass, rules: RepairRules, *, joint: bool) -> RepairAct:
    """What an officer's agreement does: the first one on a grave record only asks for the second."""
    if grade_class is RepairClass.GRAVE and rules.grave_needs_joint_review and not joint:
        return RepairAct.AGREE
    return RepairAct.GRANT


TRAIL_TITLES: Mapping[str, str] = {
    "repair.applied": N_("机构申请信用修复"),
    "repair.accepted": N_("受理信用修复申请"),
    "repair.returned": N_("退回信用修复申请"),
    "repair.joint": N_("信用修复第一位评级员同意，待会审"),
    "repair.granted": N_("准予信用修复，公示与效力同时终止"),
    "repair.refused": N_("不予信用修复"),
    "repair.overdue": N_("信用修复办理超期"),
    "conduct.repaired": N_("记分因信用修复失效"),
    "conduct.display-ended": N_("公示期满，公示与计分效力同时终止"),
    "conduct.overturned": N_("记分因异议成立撤销"),
}
OPEN_ACTS = ("repair.granted", "conduct.repaired", "conduct.display-ended", "conduct.overturned")
"""Acts whose fact is public."""
