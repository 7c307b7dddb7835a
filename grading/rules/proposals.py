"""The life of a proposed change of the rules: draft, submitted, approved by somebody else, announced, shadowed, in force.

A new scheme is announced for 20 working days and runs as a shadow for a quarter before the first monthly run
after both is made by it (grading.md §7). Everything here is pure.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Any, ClassVar

from agencies.rules import CreditGrade
from core.errors import Conflict, Forbidden, NotFound
from core.i18n import N_
from core.workdays import Calendar
from grading.rules.laboratory import Knob, Regraded, knobs_of, values_of
from grading.rules.months import add_months

WINDOW_MONTHS = 24
"""How far back a replay looks."""
NOTICE_WD = 20
"""Working days for which a new scheme is announced."""
SHADOW_MONTHS = 3
"""A quarter in which the new scheme runs beside the one in force."""
VERSION = re.compile(r"(?P<prefix>.+)-\d{4}\.\d+")
"""A readable name of a scheme: prefix of the edition, year, sequence."""
HELD_OUT_MONTHS = 6
"""Months at the end of the replay whose marks judge the order foretold before them."""


class ProposalState(StrEnum):
    """States of a proposed change of the rules 规则修改方案."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    IN_FORCE = "in-force"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class ProposalAct(StrEnum):
    """What can happen to a proposal."""

    EDIT = "edit"
    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    ENTER_FORCE = "enter-force"


S, T = ProposalState, ProposalAct
TRANSITIONS: dict[tuple[ProposalState, ProposalAct], ProposalState] = {
    (S.DRAFT, T.EDIT): S.DRAFT,
    (S.DRAFT, T.SUBMIT): S.SUBMITTED,
    (S.DRAFT, T.WITHDRAW): S.WITHDRAWN,
    (S.SUBMITTED, T.APPROVE): S.APPROVED,
    (S.SUBMITTED, T.REJECT): S.REJECTED,
    (S.SUBMITTED, T.WITHDRAW): S.WITHDRAWN,
    (S.APPROVED, T.ENTER_FORCE): S.IN_FORCE,
}
"""A published scheme is never taken back: it is superseded by another change that goes the same way."""


class ReplayState(StrEnum):
    """States of a replay 试算."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ReplayKind(StrEnum):
    """A try-out asked for by an officer, or the shadow of a closed monthly run."""

    TRY = "try"
    SHADOW = "shadow"


class ProposalAbsent(NotFound):
    """No such proposal, or not public."""

    code: ClassVar[str] = "proposal-absent"
    text: ClassVar[str] = N_("没有找到这个规则修改方案。请从规则试算页重新进入。")


class NotReplayed(Conflict):
    """Submitted without knowing what it does."""

    code: ClassVar[str] = "not-replayed"
    text: ClassVar[str] = N_("这个方案的现有内容还没有试算完。请先试算，看过结果再提交。")


class ReplayRunning(Conflict):
    """One replay at a time per proposal."""

    code: ClassVar[str] = "replay-running"
    text: ClassVar[str] = N_("这个方案正在试算。请等试算完成，再办这一步。")


class NothingToReplay(Conflict):
    """No published grades to go over again."""

    code: ClassVar[str] = "nothing-to-replay"
    text: ClassVar[str] = N_("近 24 个月还没有公布过等级，无从试算。请在第一个评级批次办结后再试。")


class SecondOfficer(Forbidden):
    """Nobody approves their own proposal."""

    code: ClassVar[str] = "second-officer"
    text: ClassVar[str] = N_("这个方案由您起草或提交，须由另一位评级员决定。请转交同事办理。")


class BaseOutdated(Conflict):
    """The scheme the proposal changes is no longer the newest one."""

    code: ClassVar[str] = "base-outdated"
    text: ClassVar[str] = N_("%(base)s 之后已批准新的方案 %(newest)s。请以新方案为基础另起草稿，再试算、提交。")


TRAIL_TITLES: dict[str, str] = {
    "scheme.drafted": N_("起草规则修改方案"),
    "scheme.edited": N_("修改规则修改方案"),
    "scheme.replay-asked": N_("开始试算"),
    "scheme.replayed": N_("试算完成"),
    "scheme.shadowed": N_("影子运行完成"),
    "scheme.submitted": N_("提交规则修改方案"),
    "scheme.approved": N_("批准规则修改方案，开始公示"),
    "scheme.rejected": N_("不批准规则修改方案"),
    "scheme.withdrawn": N_("撤回规则修改方案"),
    "scheme.in-force": N_("新规则施行"),
}
OPEN_ACTS = ("scheme.approved", "scheme.in-force", "scheme.shadowed")


@dataclass(frozen=True, slots=True)
class Clock:
    """When an approved scheme is announced, shadowed and in force."""

    notice_until: date
    shadow_until: date
    in_force_from: date


def clock_of(approved_on: date, workdays: Calendar) -> Clock:
    """In force on the first monthly run day (first working day of a month) after notice period and shadow quarter."""
    notice = workdays.add(approved_on, NOTICE_WD)
    shadow = add_months(approved_on, SHADOW_MONTHS)
    return Clock(notice, shadow, next_run_day(max(notice, shadow), workdays))


def next_run_day(after: date, workdays: Calendar) -> date:
    """The first working day of a month that lies after `after`."""
    first = after.replace(day=1)
    while True:
        day = workdays.add(first - timedelta(days=1), 1)
        if day > after:
            return day
        first = add_months(first, 1)


def version_name(base: str, year: int, taken: Iterable[str], edition: str) -> str:
    """What the next version is called: the prefix of its base, the year of approval, and the next number of that year.

    A base without such a name gets the prefix `edition`. `XT-2026.1` is followed by `XT-2026.2`, and by `XT-2027.1` in the next year.
    """
    named = VERSION.fullmatch(base)
    stem = f"{named['prefix'] if named else edition}-{year}."
    numbers = [int(code.removeprefix(stem)) for code in taken if code.startswith(stem) and VERSION.fullmatch(code)]
    return f"{stem}{max(numbers, default=0) + 1}"


def check_second(account_id: int, hands: Iterable[int | None]) -> None:
    """Raise `SecondOfficer` when who decides has drafted, changed or submitted."""
    if account_id in hands:
        raise SecondOfficer


@dataclass(frozen=True, slots=True)
class Change:
    """One number of the rules, before and after."""

    knob: Knob
    before: Decimal
    after: Decimal


def changes_between(source: str, changes: dict[str, Decimal]) -> tuple[Change, ...]:
    """The changed numbers with their present values, in the order of the form."""
    present = values_of(source)
    return tuple(Change(k, present[k.name], changes[k.name]) for k in knobs_of(source) if k.name in changes)


# ---------------------------------------------------------------- figures beside `compare`
@dataclass(frozen=True, slots=True)
class MonthFlips:
    """Changes of grade at the evaluations of one month: of how many agencies and professions rated before and after."""

    month: str
    steps: int
    today: int
    variant: int


def flips_by_month(regraded: Sequence[Regraded]) -> tuple[MonthFlips, ...]:
    """Changes of grade per month, as published and under the variant; a step from or to N is no flip.

    `steps` counts what was rated before and after as published, the basis of today's share.
    """
    chains: defaultdict[tuple[int, str], list[Regraded]] = defaultdict(list)
    for one in regraded:
        chains[one.past.agency_id, one.past.profession].append(one)
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for chain in chains.values():
        for before, after in pairwise(sorted(chain, key=lambda r: r.past.evidence.as_of)):
            at = counts[f"{after.past.evidence.as_of:%Y-%m}"]
            at[0] += CreditGrade.N not in (before.past.result, after.past.result)
            at[1] += _flip(before.past.result, after.past.result)
            at[2] += _flip(before.result, after.result)
    return tuple(MonthFlips(month, *given) for month, given in sorted(counts.items()))


def _flip(before: CreditGrade, after: CreditGrade) -> bool:
    return before is not after and CreditGrade.N not in (before, after)


def last_orders(regraded: Sequence[Regraded], by: date) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The order of agencies known on `by`, as published and under the variant: last score per agency and profession.

    Only those rated by both, so that both are judged on the same pairs.
    """
    latest: dict[tuple[int, str], Regraded] = {}
    for one in sorted(regraded, key=lambda r: r.past.evidence.as_of):
        if one.past.evidence.as_of <= by:
            latest[one.past.agency_id, one.past.profession] = one
    rated = [one for one in latest.values() if CreditGrade.N not in (one.result, one.past.result)]
    rows = [{"agency": one.past.agency_id, "profession": one.past.profession} for one in rated]
    today = [row | {"level": float(one.past.score)} for row, one in zip(rows, rated, strict=True)]
    variant = [row | {"level": float(one.score)} for row, one in zip(rows, rated, strict=True)]
    return today, variant
