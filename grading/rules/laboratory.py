"""Trying a rule before it is passed: a scheme with other numbers, the past graded by it, and what would be different.

A variant is the text of a published scheme with named numbers changed, nothing else; it is loaded and checked like
any scheme. The past is the evidence stored with every published grade, so a replay needs no guess: each agency goes
through its months again under the variant, every month building on the variant's own grade of the month before.
"""

import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import pairwise
from typing import Any, ClassVar

import tomlkit

from agencies.rules import CreditGrade
from core.errors import Message, Rejected
from core.i18n import N_
from grading.rules.bands import ORDER
from grading.rules.calibration import Calibration
from grading.rules.evidence import Evidence, PastGrade, Previous
from grading.rules.replay import Outcome, grade
from grading.rules.scheme import Scheme, load_scheme

GRADES = (*reversed(ORDER), CreditGrade.N)
"""A to D and N, in the order of the migration table."""


class KnobOutOfRange(Rejected):
    """A number outside what can be tried."""

    code: ClassVar[str] = "knob-out-of-range"
    text: ClassVar[str] = N_("%(name)s须为 %(low)s 到 %(high)s 之间的数。请改正后再试算。")


class KnobNotWhole(Rejected):
    """A count of points or months with a fraction."""

    code: ClassVar[str] = "knob-not-whole"
    text: ClassVar[str] = N_("%(name)s须为 %(low)s 到 %(high)s 之间的整数。请改正后再试算。")


class NothingChanged(Rejected):
    """A variant that is the scheme itself."""

    code: ClassVar[str] = "nothing-changed"
    text: ClassVar[str] = N_("没有改动任何数值，与现行方案相同。请至少改动一项再试算。")


@dataclass(frozen=True, slots=True)
class Knob:
    """One number of a scheme that may be tried: where it stands in the text, its range, and how it is said with its unit."""

    name: str
    title: str
    path: tuple[str | int, ...]
    low: Decimal
    high: Decimal
    unit: str = ""
    whole: bool = False
    title_en: str = ""


def _knob(name: str, title: str, path: tuple[str | int, ...], low: str, high: str, unit: str = "") -> Knob:
    return Knob(name, title, path, Decimal(low), Decimal(high), unit, whole=path[0] == "conduct")


_POINTS, _MONTHS, _SHARE = N_("%(n)s 分"), N_("%(n)s 个月"), ""
KNOBS: tuple[Knob, ...] = (
    _knob("band-a", N_("A 级起点"), ("bands", 0, "min"), "61", "99.99", _POINTS),
    _knob("band-b", N_("B 级起点"), ("bands", 1, "min"), "51", "98", _POINTS),
    _knob("band-c", N_("C 级起点"), ("bands", 2, "min"), "1", "97", _POINTS),
    _knob("technical", N_("技术分权重"), ("case_score", "weights", "technical"), "0", "1", _SHARE),
    _knob("deadline", N_("时限分权重"), ("case_score", "weights", "deadline"), "0", "1", _SHARE),
    _knob("filing", N_("备案分权重"), ("case_score", "weights", "filing"), "0", "1", _SHARE),
    _knob("half-life", N_("评分半衰期"), ("estimator", "half_life_months"), "1", "120", _MONTHS),
    _knob("reviewer-share", N_("单个评审人权重上限"), ("estimator", "reviewer_max_share_of_weight"), "0.05", "1"),
    _knob("client-share", N_("单个委托方权重上限"), ("estimator", "client_max_share_of_weight"), "0.05", "1"),
    _knob("up-at", N_("升级所需概率"), ("estimator", "up_when_probability_at_least"), "0.5", "0.99"),
    _knob("down-at", N_("降级所需概率"), ("estimator", "down_when_probability_at_least"), "0.5", "0.99"),
    _knob("warning-at", N_("记分达到多少最高为 C"), ("conduct", "warning_at"), "1", "100", _POINTS),
    _knob("restriction-at", N_("记分达到多少为 D"), ("conduct", "restriction_at"), "2", "100", _POINTS),
    _knob("item-life", N_("记分有效期"), ("conduct", "item_life_months"), "1", "60", _MONTHS),
)
"""The numbers a form offers; the points of single items come on top (`points:CODE`)."""


@lru_cache(maxsize=16)
def knobs_of(source: str) -> tuple[Knob, ...]:
    """Every number of this scheme that may be tried: the fixed ones and the points of each conduct item."""
    items = tomllib.loads(source)["conduct"]["items"]
    points = tuple(
        replace(
            _knob(f"points:{item['code']}", item["name_zh"], ("conduct", "items", n, "points"), "1", "40", _POINTS),
            title_en=item["name_en"],
        )
        for n, item in enumerate(items)
    )
    return KNOBS + points


@lru_cache(maxsize=16)
def _present(source: str) -> dict[str, Decimal]:
    raw = tomllib.loads(source, parse_float=Decimal)
    return {knob.name: _tidy(Decimal(_at(raw, knob.path))) for knob in knobs_of(source)}


def values_of(source: str) -> dict[str, Decimal]:
    """The present value of every knob."""
    return dict(_present(source))


def read_changes(source: str, typed: Mapping[str, str]) -> tuple[dict[str, Decimal], dict[str, Rejected]]:
    """What differs from the scheme among the numbers typed, and what is wrong, both by the name of the knob."""
    present = values_of(source)
    changes: dict[str, Decimal] = {}
    faults: dict[str, Rejected] = {}
    for knob in knobs_of(source):
        if not (text := typed.get(knob.name, "").strip()):
            continue
        try:
            value = Decimal(text)
        except InvalidOperation:
            value = Decimal("NaN")
        title = Message(knob.title)
        if not value.is_finite() or not knob.low <= value <= knob.high:
            faults[knob.name] = KnobOutOfRange(name=title, name_en=knob.title_en, low=knob.low, high=knob.high)
        elif knob.whole and value != value.to_integral_value():
            faults[knob.name] = KnobNotWhole(name=title, name_en=knob.title_en, low=knob.low, high=knob.high)
        elif value != present[knob.name]:
            changes[knob.name] = _tidy(value)
    return changes, faults


def parse_changes(source: str, typed: Mapping[str, str]) -> dict[str, Decimal]:
    """What differs from the scheme among the numbers typed.

    Raises `KnobOutOfRange` or `KnobNotWhole` for the first number that is wrong, and `NothingChanged`.
    """
    changes, faults = read_changes(source, typed)
    for fault in faults.values():
        raise fault
    if not changes:
        raise NothingChanged
    return changes


def vary(source: str, changes: Mapping[str, Decimal], new_id: str) -> str:
    """The text of the scheme `new_id`: `source` with the changes. Raises `SchemeInvalid` where it contradicts itself."""
    document: Any = tomlkit.parse(source)
    document["scheme"]["id"] = new_id
    for knob in knobs_of(source):
        if knob.name in changes:
            _put(document, knob.path, changes[knob.name])
    for upper, lower in pairwise(document["bands"]):
        lower["below"] = upper["min"]
    _retell(document, changes)
    text: str = tomlkit.dumps(document)
    load_scheme(text)
    return text


def _retell(document: Any, changes: Mapping[str, Decimal]) -> None:
    """What the text says about its own numbers follows them; worked examples of the old weights go."""
    mark = document["case_score"]
    if changes.keys() & {"technical", "deadline", "filing"}:
        parts = mark["weights"]
        mark["formula"] = f"y = {parts['technical']}*T' + {parts['deadline']}*D + {parts['filing']}*F"
        mark.pop("test_vectors", None)
    if "half-life" in changes:
        document["estimator"].pop("test_vectors", None)


def _tidy(value: Decimal) -> Decimal:
    """The same number without needless zeros: `90`, not `90.00` and not `9E+1`."""
    whole = value.to_integral_value()
    return whole.quantize(Decimal(1)) if value == whole else value.normalize()


def _at(raw: Any, path: Iterable[str | int]) -> Any:
    for step in path:
        raw = raw[step]
    return raw


def _put(document: Any, path: tuple[str | int, ...], value: Decimal) -> None:
    place = _at(document, path[:-1])
    whole = value == value.to_integral_value() and isinstance(place[path[-1]], int)
    place[path[-1]] = int(value) if whole else float(value)


# ---------------------------------------------------------------- the past again
@dataclass(frozen=True, slots=True)
class PastReport:
    """One published grade with its stored evidence, the table it was made with, and what it said."""

    agency_id: int
    profession: str
    evidence: Evidence
    table: Calibration
    result: CreditGrade
    score: Decimal


@dataclass(frozen=True, slots=True)
class Regraded:
    """A published grade and the one the variant gives."""

    past: PastReport
    result: CreditGrade
    score: Decimal

    @property
    def moved(self) -> bool:
        """Whether the variant says otherwise."""
        return self.result is not self.past.result


def replay(
    reports: Iterable[PastReport],
    scheme: Scheme,
    progress: Callable[[int], None] = lambda _: None,
    *,
    as_decided: bool = False,
) -> list[Regraded]:
    """Grade the past by `scheme`, agency by agency in order of time; `progress` is told of every report done.

    Findings count the points that `scheme` lists; with `as_decided` those they were decided with, as they will
    when the scheme comes into force: a case finishes under the version it began with.
    """
    chains: defaultdict[tuple[int, str], list[PastReport]] = defaultdict(list)
    for one in reports:
        chains[one.agency_id, one.profession].append(one)
    done = []
    for _, chain in sorted(chains.items()):
        last: Outcome | None = None
        history: list[PastGrade] = []
        for past in sorted(chain, key=lambda p: p.evidence.as_of):
            given = _under(past.evidence, None if as_decided else scheme, last, history)
            last = grade(given, scheme, past.table)
            history.append(PastGrade(given.as_of, last.result))
            done.append(Regraded(past, last.result, last.score))
            progress(1)
    return done


def _under(evidence: Evidence, list_of: Scheme | None, last: Outcome | None, history: Sequence[PastGrade]) -> Evidence:
    """The evidence as it would stand under the variant: its own points, its own last grade, its own history."""
    findings = tuple(
        replace(one, points=item.points) if list_of and (item := list_of.item(one.code)) else one
        for one in evidence.findings
    )
    if last is None:
        return replace(evidence, findings=findings)
    before = history[-1].as_of
    own = {one.as_of: one for one in history}
    return replace(
        evidence,
        findings=findings,
        rated_before=evidence.rated_before or any(one.result is not CreditGrade.N for one in history),
        previous=Previous(before, last.band, last.result, last.score, last.sd),
        history=tuple(own.get(one.as_of, one) for one in evidence.history),
    )


# ---------------------------------------------------------------- what would be different
@dataclass(frozen=True, slots=True)
class Side:
    """One scheme over the past: grades today, changes of grade, and what inspections would cost."""

    grades: Mapping[str, int]
    flips: int
    months: int
    inspections: Decimal

    @property
    def flips_a_month(self) -> float:
        """Share of an agency's months in which its grade changed."""
        return self.flips / self.months if self.months else 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Today's scheme beside the variant. `migration[old][new]` counts agencies and professions at the latest grade."""

    today: Side
    variant: Side
    migration: Mapping[str, Mapping[str, int]]
    movers: tuple[Regraded, ...]
    reports: int


def compare(regraded: Sequence[Regraded], today: Scheme, variant: Scheme) -> Comparison:
    """What a replay says beside what was published."""
    latest: dict[tuple[int, str], Regraded] = {}
    for one in sorted(regraded, key=lambda r: r.past.evidence.as_of):
        latest[one.past.agency_id, one.past.profession] = one
    migration = {old.value: {new.value: 0 for new in GRADES} for old in GRADES}
    for one in latest.values():
        migration[one.past.result.value][one.result.value] += 1
    movers = tuple(
        sorted(
            (one for one in latest.values() if one.moved),
            key=lambda r: (r.past.result.value, r.result.value, r.past.agency_id),
        )
    )
    return Comparison(
        today=_side(regraded, latest.values(), today, lambda one: one.past.result),
        variant=_side(regraded, latest.values(), variant, lambda one: one.result),
        migration=migration,
        movers=movers,
        reports=len(regraded),
    )


def _side(
    regraded: Iterable[Regraded],
    latest: Iterable[Regraded],
    scheme: Scheme,
    said: Callable[[Regraded], CreditGrade],
) -> Side:
    chains: defaultdict[tuple[int, str], list[Regraded]] = defaultdict(list)
    for one in regraded:
        chains[one.past.agency_id, one.past.profession].append(one)
    steps = [
        (said(before), said(after))
        for chain in chains.values()
        for before, after in pairwise(sorted(chain, key=lambda r: r.past.evidence.as_of))
    ]
    rated = [(a, b) for a, b in steps if CreditGrade.N not in (a, b)]
    now = [said(one) for one in latest]
    rates = {one.grade: one.inspection_rate for one in scheme.consequences}
    return Side(
        grades={one.value: now.count(one) for one in GRADES},
        flips=sum(a is not b for a, b in rated),
        months=len(rated),
        inspections=sum((rates.get(one, Decimal(0)) for one in now), Decimal(0)),
    )
