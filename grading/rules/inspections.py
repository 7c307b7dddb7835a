"""Random inspections: how many of each grade a quarter owes, and whom the draw takes.

Sources: rule-set XT-2026.1 `inspection_rate_per_year`; Business-Environment Regulation art. 54 (differential, random
inspection, results public). The draw is the market's (docs/draw-format.md): the list and the fingerprint of a secret
are frozen first, then a public value from outside is recorded that nobody could know, and everybody can recompute it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from typing import ClassVar

from core.errors import Conflict, NotFound, Rejected
from core.i18n import N_
from grading.rules.months import add_months
from market.rules.draw import MOST_PICKS, Checkpoint, DrawInputs, DrawRecord, Ground, Outside, draw_order, list_digest

QUARTERS = 4
NO_ENVELOPES = list_digest([])


@dataclass(frozen=True, slots=True)
class Line:
    """An agency in one profession with its grade on the day of the list."""

    code: str
    agency_id: int
    profession: str
    grade: str


@dataclass(frozen=True, slots=True)
class Quota:
    """What a grade owes this quarter: lines on the list, drawn earlier this year, to be drawn now."""

    lines: int
    drawn: int
    quota: int


class Outcome(StrEnum):
    """What an inspection found."""

    CLEAN = "clean"
    CORRECTED = "corrected"
    ORDERED = "ordered"
    FINDING = "finding"
    OBSTRUCTED = "obstructed"


OUTCOMES: dict[Outcome, str] = {
    Outcome.CLEAN: N_("未发现问题"),
    Outcome.CORRECTED: N_("当场改正"),
    Outcome.ORDERED: N_("责令限期整改"),
    Outcome.FINDING: N_("发现不良行为，拟记分"),
    Outcome.OBSTRUCTED: N_("拒绝、阻挠检查，拟记分"),
}
PROPOSING = frozenset({Outcome.FINDING, Outcome.OBSTRUCTED})
OBSTRUCTION_ITEM = "CP-1004"


class PlanExists(Conflict):
    """One plan a quarter."""

    code: ClassVar[str] = "inspection-plan-exists"
    text: ClassVar[str] = N_("%(year)s 年第 %(quarter)s 季度的抽查计划已经公告。请在计划页继续办理。")


class NothingToInspect(Conflict):
    """Nobody is on the list, or nobody is due."""

    code: ClassVar[str] = "nothing-to-inspect"
    text: ClassVar[str] = N_("本季度按比率没有应抽的机构，不用公告计划。")


class TooManyLines(Rejected):
    """The draw format numbers its picks with two bytes."""

    code: ClassVar[str] = "inspection-too-many"
    text: ClassVar[str] = N_("名单超过 %(most)s 家次，一次抽取容纳不下。请按地区分设平台后再抽。")


class PlanGone(NotFound):
    """No such plan or inspection."""

    code: ClassVar[str] = "inspection-plan-not-found"
    text: ClassVar[str] = N_("没有找到这项抽查。请从抽查计划页重新进入。")


class PlanDrawn(Conflict):
    """Drawn once."""

    code: ClassVar[str] = "inspection-plan-drawn"
    text: ClassVar[str] = N_("这份计划已经抽取，结果已公布。")


class OutsideEmpty(Rejected):
    """Without a value nobody could know beforehand the draw proves nothing."""

    code: ClassVar[str] = "inspection-outside-empty"
    text: ClassVar[str] = N_("请填写公告时指定的公共数值，以及在哪里可以查到。")


class NothingOrdered(Conflict):
    """Only an open order can be closed."""

    code: ClassVar[str] = "nothing-ordered"
    text: ClassVar[str] = N_("这次抽查没有责令限期整改，或者整改已经确认完成。")


class OrderWithoutTerm(Rejected):
    """An order says until when."""

    code: ClassVar[str] = "order-without-term"
    text: ClassVar[str] = N_("责令限期整改的，请填写整改期限，不早于今天。")


class AlreadyInspected(Conflict):
    """Recorded once; what comes after is a finding or a correction of it."""

    code: ClassVar[str] = "already-inspected"
    text: ClassVar[str] = N_("这次抽查的结果已经记录。有新事实请另行提出记分。")


class ItemMissing(Rejected):
    """A finding names its item."""

    code: ClassVar[str] = "inspection-item-missing"
    text: ClassVar[str] = N_("发现不良行为的，请选择记分条目。")


def quarter_of(day: date) -> tuple[int, int]:
    """Year and quarter (1 to 4) of a day."""
    return day.year, (day.month + 2) // 3


def quarter_ends(year: int, quarter: int) -> date:
    """The last day of a quarter."""
    return add_months(date(year, 1, 1), 3 * quarter) - timedelta(days=1)


def quotas(
    lines: Sequence[Line], drawn: Mapping[str, int], rates: Mapping[str, Decimal], quarter: int
) -> dict[str, Quota]:
    """How many of each grade are drawn: by the end of quarter q, q/4 of the yearly rate, rounded up.

    `lines` are those not yet inspected this year, `drawn` how many of the grade were drawn in it already; together
    they are the base. A rate of 1 has everybody inspected by the end of the year.
    """
    found = {}
    for grade, rate in rates.items():
        left = sum(line.grade == grade for line in lines)
        before = drawn.get(grade, 0)
        owed = rate * (left + before) * quarter / QUARTERS
        target = int(owed.to_integral_value(ROUND_CEILING))
        found[grade] = Quota(left, before, max(0, min(left, target - before)))
    return found


def grades_digest(lines: Sequence[Line]) -> str:
    """SHA-256 of one line `code:grade` per candidate, in the order of the codes: what the quotas rest on."""
    return list_digest([f"{line.code}:{line.grade}" for line in sorted(lines, key=lambda one: one.code)])


def draw(
    number: str, secret: str, commitment: str, checkpoint: Checkpoint, outside: Outside, lines: Sequence[Line]
) -> DrawRecord:
    """Draw the whole list in format `xinshi-draw-2`, one lot each; no envelopes, no factors."""
    if len(lines) > MOST_PICKS:
        raise TooManyLines(most=MOST_PICKS)
    inputs = DrawInputs(number, secret, commitment, NO_ENVELOPES, Ground(checkpoint=checkpoint, outside=outside))
    return draw_order(inputs, [line.code for line in lines])


def chosen(order: Sequence[str], lines: Sequence[Line], owed: Mapping[str, int]) -> list[tuple[int, Line]]:
    """Whom the draw takes: in drawn order, each grade until its quota is full; with the place in the order."""
    by_code = {line.code: line for line in lines}
    left = dict(owed)
    taken = []
    for place, code in enumerate(order, start=1):
        line = by_code[code]
        if left.get(line.grade, 0) > 0:
            left[line.grade] -= 1
            taken.append((place, line))
    return taken


TRAIL_TITLES: dict[str, str] = {
    "inspection-plan.announced": N_("公告抽查计划，名单与承诺冻结"),
    "inspection-plan.drawn": N_("抽查对象抽取，结果公布"),
    "inspection.recorded": N_("抽查结果记录在案，公开"),
    "inspection.rectified": N_("限期整改确认完成"),
}
OPEN_ACTS = ("inspection-plan.announced", "inspection-plan.drawn", "inspection.recorded", "inspection.rectified")
