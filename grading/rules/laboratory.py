"""Trying a rule before it is passed: a scheme with other numbers, the past graded by it, and what would be different.

A variant is the text of a published scheme with named numbers changed, nothing else; it is loaded and checked like
any scheme. The past is the evidence stored with every published grade, so a replay needs no guess: each agency goes
through its months again under the variant, every month building on the variant's own grade of the month before.
"""

import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
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
from grading.rules.scheme import Scheme, SchemeInvalid, load_scheme

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


class VariantContradictory(SchemeInvalid):
    """Changed numbers that cannot hold together: weights, bands, thresholds, terms."""

    code: ClassVar[str] = "variant-contradictory"
    text: ClassVar[str] = N_("这几个数不能一起用：%(reason)s。请改正后再试算。")


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


def _knob(
    name: str, title: str, path: tuple[str | int, ...], low: str, high: str, unit: str = "", *, whole: bool = False
) -> Knob:
    return Knob(name, title, path, Decimal(low), Decimal(high), unit, whole)


def _count(name: str, title: str, path: tuple[str | int, ...], low: str, high: str, unit: str) -> Knob:
    return _knob(name, title, path, low, high, unit, whole=True)


_POINTS, _MONTHS, _PIECES, _SHARE = N_("%(n)s 分"), N_("%(n)s 个月"), N_("%(n)s 件"), ""
_PERSONS, _HOUSES = N_("%(n)s 人"), N_("%(n)s 家")
_D_RESULTS = ("gates", "score_below_60", "needs_reviewed_results_at_least")
_STARS = ("estimator", "stars", "max_weight_in_expert_marks")
_HALF_LIFE = ("estimator", "half_life_months")
_CONSISTENCY = ("estimator", "consistency_limit")
_BOUNDS = (("estimator", "half_life_least_months"), ("estimator", "half_life_most_months"))
KNOBS: tuple[Knob, ...] = (
    _knob("band-a", N_("A 级起点"), ("bands", 0, "min"), "61", "99.99", _POINTS),
    _knob("band-b", N_("B 级起点"), ("bands", 1, "min"), "51", "98", _POINTS),
    _knob("band-c", N_("C 级起点"), ("bands", 2, "min"), "1", "97", _POINTS),
    _knob("technical", N_("技术分权重"), ("case_score", "weights", "technical"), "0", "1", _SHARE),
    _knob("deadline", N_("时限分权重"), ("case_score", "weights", "deadline"), "0", "1", _SHARE),
    _knob("filing", N_("备案分权重"), ("case_score", "weights", "filing"), "0", "1", _SHARE),
    _knob("half-life", N_("评分半衰期（未学得时）"), _HALF_LIFE, "1", "120", _MONTHS),
    _knob("half-life-least", N_("半衰期下限"), _BOUNDS[0], "1", "120", _MONTHS),
    _knob("half-life-most", N_("半衰期上限"), _BOUNDS[1], "1", "120", _MONTHS),
    _count("window", N_("取证年限"), ("estimator", "max_age_months"), "6", "36", _MONTHS),
    _knob("reviewer-share", N_("单个评审人权重上限"), ("estimator", "reviewer_max_share_of_weight"), "0.05", "1"),
    _knob("client-share", N_("单个委托方权重上限"), ("estimator", "client_max_share_of_weight"), "0.05", "1"),
    _knob("stars-cap", N_("业主评价合计的权重上限"), _STARS, "0", "5", _PIECES),
    _knob("severity-cap", N_("宽严修正上限"), ("estimator", "severity_limit"), "0", "30", _POINTS),
    _knob("consistency-cap", N_("一致性权重上限"), _CONSISTENCY, "1", "5", N_("%(n)s 倍")),
    _knob("bonus-cap", N_("加分上限"), ("agency_score", "bonus_max"), "0", "10", _POINTS),
    _knob("up-at", N_("升级所需概率"), ("estimator", "up_when_probability_at_least"), "0.5", "0.99"),
    _knob("down-at", N_("降级所需概率"), ("estimator", "down_when_probability_at_least"), "0.5", "0.99"),
    _count("rated-results", N_("评级所需成果数"), ("not_rated", "if_reviewed_results_below"), "1", "50", _PIECES),
    _count("rated-reviewers", N_("评级所需审查员数"), ("not_rated", "or_reviewers_below"), "1", "20", _PERSONS),
    _count("rated-clients", N_("评级所需业主数"), ("not_rated", "or_clients_below"), "1", "20", _HOUSES),
    _knob("rated-reliability", N_("评级所需可靠度"), ("not_rated", "or_reliability_below"), "0", "0.99"),
    _count("a-registered", N_("A 级所需登记月数"), ("gates", "A", "registered_months_at_least"), "0", "60", _MONTHS),
    _count("a-results", N_("A 级所需成果数"), ("gates", "A", "reviewed_results_at_least"), "1", "50", _PIECES),
    _count("a-clients", N_("A 级所需互不关联业主数"), ("gates", "A", "unrelated_clients_at_least"), "1", "20", _HOUSES),
    _count("a-no-low", N_("A 级所需无 C、D 级月数"), ("gates", "A", "no_grade_c_or_d_in_months"), "1", "24", _MONTHS),
    _count("a-points", N_("A 级记分界限（须少于）"), ("gates", "A", "active_points_below"), "1", "100", _POINTS),
    _count("no-zero", N_("无零分成果的月数"), ("gates", "A", "no_zero_score_in_months"), "1", "36", _MONTHS),
    _count("d-results", N_("定 D 级所需成果数"), _D_RESULTS, "1", "50", _PIECES),
    _count("warning-at", N_("记分达到多少最高为 C"), ("conduct", "warning_at"), "1", "100", _POINTS),
    _count("restriction-at", N_("记分达到多少为 D"), ("conduct", "restriction_at"), "2", "100", _POINTS),
    _count("item-life", N_("记分有效期"), ("conduct", "item_life_months"), "1", "60", _MONTHS),
    _count("points-term", N_("记分满额的最短期限"), ("terms", "points_based_d_months_at_least"), "1", "48", _MONTHS),
    _count("veto-term", N_("一票否决的最短期限"), ("terms", "veto_d_months_at_least"), "1", "48", _MONTHS),
    _count("after-term", N_("D 级期满后最高 C 级的期限"), ("terms", "after_d", "months"), "0", "48", _MONTHS),
)
"""The numbers a form offers; the points of single items come on top (`points:CODE`)."""


@lru_cache(maxsize=16)
def knobs_of(source: str) -> tuple[Knob, ...]:
    """Every number of this scheme that may be tried: the fixed ones and the points of each conduct item."""
    items = tomllib.loads(source)["conduct"]["items"]
    points = tuple(
        replace(
            _count(f"points:{item['code']}", item["name_zh"], ("conduct", "items", n, "points"), "1", "40", _POINTS),
            title_en=item["name_en"],
        )
        for n, item in enumerate(items)
    )
    return KNOBS + points


@lru_cache(maxsize=16)
def _present(source: str) -> dict[str, Decimal]:
    raw = tomllib.loads(source, parse_float=Decimal)
    return {knob.name: _tidy(Decimal(_stated(raw, knob.path))) for knob in knobs_of(source)}


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
    """The text of the scheme `new_id`: `source` with the changes.

    Raises `VariantContradictory` (a `SchemeInvalid`) where it contradicts itself.
    """
    document: Any = tomlkit.parse(source)
    document["scheme"]["id"] = new_id
    for knob in knobs_of(source):
        if knob.name in changes:
            _put(document, knob.path, changes[knob.name])
    for upper, lower in pairwise(document["bands"]):
        lower["below"] = upper["min"]
    _retell(document, changes)
    text: str = tomlkit.dumps(document)
    try:
        load_scheme(text)
    except SchemeInvalid as problem:
        raise VariantContradictory(**problem.params) from problem
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
    _retell_thresholds(document, changes)


def _retell_thresholds(document: Any, changes: Mapping[str, Decimal]) -> None:
    """Names of caps and grounds that speak their own numbers."""
    conduct, zero = document["conduct"], document["gates"]["A"]["no_zero_score_in_months"]
    warn, limit = conduct["warning_at"], conduct["restriction_at"]
    told = {}
    if changes.keys() & {"warning-at", "restriction-at"}:
        told["CC-02"] = (f"有效记分{warn}至{limit - 1}分", f"Active points {warn} to {limit - 1}")
        told["DD-06"] = (f"有效记分达到{limit}分", f"Active points reach {limit}")
        conduct.pop("frame_zh", None)
        conduct.pop("frame_en", None)
    if "no-zero" in changes:
        told["CC-01"] = (f"{zero}个月内有一件成果被判零分", f"One zero-scored result in {zero} months")
        told["DD-07"] = (f"{zero}个月内有两件成果被判零分", f"Two zero-scored results in {zero} months")
    if changes.keys() & {"band-a", "band-b", "band-c"}:
        document.pop("bands_note", None)
    for one in (*document["gates"]["cap_to_c"], *document["direct_d"]["triggers"]):
        if one["code"] in told:
            one["name_zh"], one["name_en"] = told[one["code"]]


def _tidy(value: Decimal) -> Decimal:
    """The same number without needless zeros: `90`, not `90.00` and not `9E+1`."""
    whole = value.to_integral_value()
    return whole.quantize(Decimal(1)) if value == whole else value.normalize()


def _at(raw: Any, path: Iterable[str | int]) -> Any:
    for step in path:
        raw = raw[step]
    return raw


def _stated(raw: Any, path: tuple[str | int, ...]) -> Any:
    """A number of the scheme. One that does not bound its half-life has it fixed; one without consistency counts all alike."""
    try:
        return _at(raw, path)
    except KeyError:
        if path == _CONSISTENCY:
            return 1
        if path not in _BOUNDS:
            raise
        return _at(raw, _HALF_LIFE)


def _put(document: Any, path: tuple[str | int, ...], value: Decimal) -> None:
    place = _at(document, path[:-1])
    whole = value == value.to_integral_value() and isinstance(_stated(document, path), int)
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
        memory = _Memory()
        for past in sorted(chain, key=lambda p: p.evidence.as_of):
            given = _under(past.evidence, None if as_decided else scheme, last, memory)
            last = grade(given, scheme, past.table)
            memory.keep(past, last.result)
            done.append(Regraded(past, last.result, last.score))
            progress(1)
    return done


@dataclass(slots=True)
class _Memory:
    """The grades known along one chain: the variant's own, and those the evidence tells of from elsewhere.

    Evidence looks back as far as its own scheme asks; a variant that asks further is told what earlier evidence told.
    """

    own: list[PastGrade] = field(default_factory=list)
    published: dict[date, PastGrade] = field(default_factory=dict)
    elsewhere: list[PastGrade] = field(default_factory=list)

    def keep(self, past: PastReport, result: CreditGrade) -> None:
        """One more month of the chain: what was published, and what the variant says instead."""
        day = past.evidence.as_of
        self.own.append(PastGrade(day, result))
        self.published[day] = PastGrade(day, past.result)

    def history(self, told: Sequence[PastGrade]) -> tuple[PastGrade, ...]:
        """What the gates may look at: predecessors' and earlier grades as published, the chain's own as regraded."""
        others = list(told)
        for day, own in self.published.items():
            same_day = [one for one in others if one.as_of == day]
            if same_day:
                others.remove(own if own in same_day else same_day[0])
        since = min((one.as_of for one in told), default=date.max)
        self.elsewhere = [*(one for one in self.elsewhere if one.as_of < since), *others]
        return tuple(sorted([*self.elsewhere, *self.own], key=lambda one: one.as_of))


def _under(evidence: Evidence, list_of: Scheme | None, last: Outcome | None, memory: _Memory) -> Evidence:
    """The evidence as it would stand under the variant: its own points, its own last grade, its own history."""
    findings = tuple(
        replace(one, points=item.points) if list_of and (item := list_of.item(one.code)) else one
        for one in evidence.findings
    )
    history = memory.history(evidence.history)
    if last is None:
        return replace(evidence, findings=findings, history=history)
    return replace(
        evidence,
        findings=findings,
        rated_before=evidence.rated_before or any(one.result is not CreditGrade.N for one in memory.own),
        previous=Previous(memory.own[-1].as_of, last.band, last.result, last.score, last.sd),
        history=history,
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
