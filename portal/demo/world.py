"""How the demo world behaves: what work is worth, how good it turns out, how long it takes.

Everything here is a model for a play, not a rule of the product: it decides what people *do*; what then
follows (prices opened, marks averaged, grades given) is decided by the product alone. Money in yuan,
times in working days, marks 0 to 100, quality 0 to 1.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise

from agencies.rules import CreditGrade, Profession
from contracts.rules.sheets import Mark, ReviewSheet, VetoFinding
from core import clock
from core.workdays import Calendar
from portal.demo.chances import clamp
from portal.demo.roster import DemoAgency

MARKS_OF_QUALITY = ((0.0, 30.0), (0.38, 61.0), (0.62, 79.0), (0.80, 92.0), (0.90, 98.5), (1.0, 99.5))
"""What work of a quality is worth on average; in between along straight lines."""

DIFFICULTY: Mapping[str, float] = {
    "XT-EV-01": -1.5,
    "XT-EV-04": -1.0,
    "XT-SF-01": -1.0,
    "XT-SV-02": 0.5,
    "XT-SV-01": 1.0,
}
"""Points that the same agency loses or gains because of the kind of work."""

ITEM_WEIGHTS: Mapping[str, float] = {
    "XT-SV-01": 14, "XT-SV-02": 11, "XT-SV-04": 6, "XT-SV-05": 10,
    "XT-EV-01": 8, "XT-EV-02": 18, "XT-EV-03": 12, "XT-EV-04": 6,
    "XT-SF-01": 9, "XT-SF-02": 11, "XT-SF-03": 2,
}  # fmt: skip
"""How often the items of the three professions are commissioned."""

HOPEFUL = "AG-EV-12"
"""Bids often, always dearer than the work is worth, and hardly ever wins."""

FAVOUR = 12.0
"""Points by which an expert marks the work of a favoured agency too well."""

HAZARDOUS = {"精细化工", "新材料", "成品油零售", "油品仓储", "机械加工"}
"""Sectors that commission safety work."""


@dataclass(frozen=True)
class DemoReviewer:
    """An expert of the play. `severity` is in points: above 0 is strict; `slow` is the share handed in late.

    `joins` is the number of working days before the end at which somebody joins the list; None: from the start.
    Who has just joined has the smallest load and is drawn often. `favours` is the key of an agency whose work the
    expert marks too well.
    """

    login: str
    name: str
    region: str
    professions: tuple[Profession, ...]
    severity: float
    slow: float
    joins: int | None = None
    favours: str = ""


_SV, _EV, _SF = Profession.SURVEYING, Profession.ENVIRONMENTAL, Profession.SAFETY

REVIEWERS: tuple[DemoReviewer, ...] = (
    DemoReviewer("reviewer-01", "审演一", "370982", (_SV,), -2.0, 0.05),
    DemoReviewer("reviewer-02", "审演二", "370900", (_SV,), -6.0, 0.10),
    DemoReviewer("reviewer-03", "审演三", "370100", (_SV,), 4.0, 0.05),
    DemoReviewer("reviewer-04", "审演四", "370100", (_SV, _EV), 5.0, 0.20),
    DemoReviewer("reviewer-05", "审演五", "370900", (_SV,), -4.0, 0.05),
    DemoReviewer("reviewer-06", "审演六", "370982", (_EV,), -6.0, 0.10),
    DemoReviewer("reviewer-07", "审演七", "370900", (_EV,), -3.0, 0.05),
    DemoReviewer("reviewer-08", "审演八", "370100", (_EV,), 5.0, 0.05),
    DemoReviewer("reviewer-09", "审演九", "370200", (_EV,), 2.0, 0.15, favours="AG-EV-04"),
    DemoReviewer("reviewer-10", "审演十", "370900", (_SF, _EV), -2.0, 0.05),
    DemoReviewer("reviewer-11", "审演十一", "370982", (_SF,), -4.0, 0.10),
    DemoReviewer("reviewer-12", "审演十二", "370100", (_SF,), 4.0, 0.05),
    DemoReviewer("reviewer", "审演新", "370100", (_SV, _EV, _SF), 0.5, 0.05, joins=13),
    DemoReviewer("reviewer-13", "审演十三", "370300", (_SF,), 3.0, 0.10),
    DemoReviewer("reviewer-14", "审演十四", "370200", (_SV,), 2.0, 0.10),
    DemoReviewer("reviewer-15", "审演十五", "370200", (_SF,), 1.0, 0.05),
)
"""The experts of one cast; strict and lenient ones in every profession. Those from around here are lenient, and know the
agencies from around here too well to judge them: strictness does not average out by itself."""


# ---- time
@dataclass(frozen=True)
class Diary:
    """When people do things: on working days, in office hours, in Shanghai."""

    calendar: Calendar

    def later(self, moment: datetime, days: int, stream: random.Random) -> datetime:
        """Some time in office hours `days` working days on; within the next two hours for zero."""
        if days <= 0:
            return moment + timedelta(seconds=stream.randint(120, 7200))
        day = self.calendar.add(clock.shanghai(moment).date(), days)
        return max(self.on(day, stream), moment + timedelta(minutes=1))

    def on(self, day: date, stream: random.Random) -> datetime:
        """Some time in office hours of a day."""
        return self.at(day, 8, 30) + timedelta(seconds=stream.randrange(9 * 3600))

    def at(self, day: date, hour: int, minute: int = 0) -> datetime:
        """A time of a day in Shanghai."""
        return datetime.combine(day, time(hour, minute), clock.SHANGHAI).astimezone(UTC)

    def workday(self, day: date) -> date:
        """The day itself, or the next working day."""
        return day if self.calendar.is_workday(day) else self.calendar.add(day, 1)


# ---- money
def worth(fee_min: Decimal, fee_max: Decimal, size: float) -> float:
    """What a commission is worth, from the customary fees of its item; `size` 1 is the upper end."""
    return float(fee_min) + float(fee_max - fee_min) * size


def size_of_work(stream: random.Random) -> float:
    """Mostly medium, now and then far above what is customary."""
    return stream.betavariate(2.0, 3.0) * (2.4 if stream.random() < 0.06 else 1.1)


def ceiling(value: float, stream: random.Random) -> Decimal:
    """The highest price a client names: a little above what the work is worth, in hundreds."""
    return Decimal(round(value * stream.uniform(1.08, 1.3) / 100) * 100)


def price(agency: DemoAgency, value: float, busy: float, stream: random.Random) -> Decimal:
    """What an agency bids: good work costs more, idle hands cost less. Two decimals."""
    share = 0.76 + 0.16 * agency.quality + 0.12 * clamp(busy, 0, 1) + stream.gauss(0, 0.06)
    return Decimal(round(value * clamp(share, 0.6, 1.4))) + Decimal(stream.choice(("0.00", "0.00", "0.50", "0.80")))


def capacity(agency: DemoAgency) -> float:
    """How many commissions an agency likes to have at once."""
    return 3 + agency.staff_certified / 8


def attraction(grade: CreditGrade) -> float:
    """How gladly a client that may choose freely turns to an agency of that grade."""
    return {CreditGrade.A: 6.0, CreditGrade.B: 2.0, CreditGrade.N: 1.5, CreditGrade.C: 0.3, CreditGrade.D: 0.0}[grade]


# ---- quality
def usual_mark(quality: float) -> float:
    """The technical mark an agency's work earns on average from a neutral reviewer."""
    for (low, mark), (high, next_mark) in pairwise(MARKS_OF_QUALITY):
        if quality <= high:
            return mark + (next_mark - mark) * (quality - low) / (high - low)
    return MARKS_OF_QUALITY[-1][1]


def true_mark(agency: DemoAgency, item: str, stream: random.Random) -> float:
    """What this very piece of work is worth."""
    return clamp(usual_mark(agency.quality) + DIFFICULTY.get(item, 0.0) + stream.gauss(0, 2.2), 30.0, 100.0)


def days_taken(agency: DemoAgency, agreed: int, stream: random.Random) -> int:
    """Working days until the result is filed; poor agencies overrun more often and by more."""
    if stream.random() < 0.35 + 0.7 * agency.quality:
        return max(1, int(agreed * stream.uniform(0.6, 1.0)))
    return agreed + max(1, round(agreed * stream.expovariate(1 / (0.04 + 0.25 * (1 - agency.quality)))))


def chance_of_veto(quality: float) -> float:
    """How likely a result holds a defect that makes it void."""
    return 0.04 if quality < 0.5 else 0.002


def filled_sheet(sheet: ReviewSheet, target: float, stream: random.Random) -> dict[str, Mark]:
    """Levels whose points come to about `target`, indicator by indicator, each with page and remark.

    What rounding to a level leaves over is carried to the next indicator.
    """
    marks: dict[str, Mark] = {}
    carried = 0.0
    for indicator in sheet.indicators:
        wanted = (target / 100 + stream.gauss(0, 0.06)) * indicator.weight + carried
        usable = indicator.choices[:-1] if target > 40 else indicator.choices
        choice = min(usable, key=lambda one: (abs(float(one.points) - wanted), -one.level))
        carried = target / 100 * indicator.weight + carried - float(choice.points)
        page = stream.randint(2, 60)
        marks[indicator.code] = Mark(choice.level, f"第 {page} 页：{choice.text_zh}")
    return marks


def found_veto(sheet: ReviewSheet, stream: random.Random) -> list[VetoFinding]:
    """A defect that makes the result void, with its evidence."""
    veto = stream.choice(sheet.vetoes)
    return [VetoFinding(veto.code, f"第 {stream.randint(5, 60)} 页与附件不一致，经核对属实：{veto.name_zh}")]


def stars(mark: float, on_time: bool, mood: float, stream: random.Random) -> tuple[int, int, int, int]:
    """What a client gives for quality, time, conduct and charging; `mood` is its own kindness in stars."""
    quality = 1.6 + (mark - 55) / 14
    levels = (quality, quality + (0.4 if on_time else -1.2), quality + 0.4, quality + 0.3)
    quality_, time_, conduct, charging = (round(clamp(one + mood + stream.gauss(0, 0.5), 1, 5)) for one in levels)
    return quality_, time_, conduct, charging


def pick(weights: Mapping[str, float], count: int, stream: random.Random) -> list[str]:
    """Up to `count` different names, each draw by weight; names of weight 0 never come."""
    left = {name: weight for name, weight in weights.items() if weight > 0}
    picked: list[str] = []
    while left and len(picked) < count:
        name = stream.choices(list(left), list(left.values()))[0]
        picked.append(name)
        del left[name]
    return picked


def fitting_items(sector: str, offered: Sequence[str]) -> dict[str, float]:
    """The items a client of that sector may commission, with their weights."""

    def share(code: str) -> float:
        if not code.startswith("XT-SF"):
            return 1.0
        return 2.2 if sector in HAZARDOUS else 0.0

    return {code: weight * share(code) for code, weight in ITEM_WEIGHTS.items() if code in offered}
