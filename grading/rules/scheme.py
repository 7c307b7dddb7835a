"""A grading scheme: the rule-set as data, loaded from TOML, checked, frozen, and named by its digest.

A scheme that contradicts itself (weights that do not sum to one, gaps between bands, a negative
half-life) is refused when it is loaded, never discovered while grading.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from math import isfinite
from typing import Any, ClassVar

from agencies.rules import CreditGrade
from core.errors import Message, Rejected
from core.i18n import N_
from grading.estimator.constants import Constants
from grading.rules.life_terms import AppealRules, RepairRules, read_appeal, read_repair

SCHEMA = "xt-grading-scheme/1"
TOP = Decimal("100.01")
LONGEST_MONTHS = 1200


class SchemeInvalid(Rejected):
    """A rule-set that cannot be applied."""

    code: ClassVar[str] = "scheme-invalid"
    text: ClassVar[str] = N_("评级方案不能使用：%(reason)s。请改正后重新载入。")


@dataclass(frozen=True, slots=True)
class CaseWeights:
    """Parts of a case mark; they sum to one."""

    technical: Decimal
    deadline: Decimal
    filing: Decimal


@dataclass(frozen=True, slots=True)
class Band:
    """One grade's stretch of the scale: `minimum <= score < below`."""

    grade: CreditGrade
    name_zh: str
    name_en: str
    minimum: Decimal
    below: Decimal


@dataclass(frozen=True, slots=True)
class EstimatorRules:
    """Constants of grading.md §3; ages in months, variances in square points, shares as fractions."""

    half_life_months: float
    half_life_least: float
    half_life_most: float
    consistency_limit: float
    max_age_months: int
    variance_allowance: float
    robust_at_residual_sd: float
    reviewer_max_share: float
    client_max_share: float
    severity_limit: float
    up_at: Decimal
    down_at: Decimal
    firm_at: Decimal
    alarm_slack: float
    alarm_limit: float
    stars_max_weight: float


@dataclass(frozen=True, slots=True)
class NotRatedRules:
    """When the evidence does not suffice (N)."""

    results_below: int
    within_months: int
    reviewers_below: int
    clients_below: int
    reliability_below: Decimal
    double_review_first: int


@dataclass(frozen=True, slots=True)
class GateRules:
    """What A asks beyond the score, and the score-below-60 rule."""

    registered_months: int
    reviewed_results: int
    unrelated_clients: int
    no_low_grade_months: int
    points_below: int
    no_zero_months: int
    d_needs_results: int


@dataclass(frozen=True, slots=True)
class ConductItem:
    """One listed misconduct and its points."""

    code: str
    points: int
    name_zh: str
    name_en: str
    basis: str
    evidence: str


@dataclass(frozen=True, slots=True)
class ConductRules:
    """The ledger's clocks and thresholds; months and points."""

    life_months: int
    warning_at: int
    restriction_at: int
    reply_wd: int
    items: tuple[ConductItem, ...]


@dataclass(frozen=True, slots=True)
class Trigger:
    """A ground for grade D by itself; only those not computed from the record need an officer."""

    code: str
    name_zh: str
    name_en: str
    basis: str
    immediate: bool
    professions: frozenset[str]


@dataclass(frozen=True, slots=True)
class TermRules:
    """How long a D lasts and what follows it; months."""

    points_d_months: int
    veto_d_months: int
    veto_d_months_at_most: int
    after_d_months: int
    annual_date: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Consequence:
    """What a grade changes on the platform, with its legal basis."""

    grade: CreditGrade
    listing_zh: str
    listing_en: str
    duty_zh: str
    duty_en: str
    deep_review_share: Decimal
    inspection_rate: Decimal
    warning_required: bool
    basis: str


@dataclass(frozen=True, slots=True)
class Scheme:
    """One version of the rule-set. `digest` is the SHA-256 of its text as published."""

    id: str
    name_zh: str
    name_en: str
    digest: str
    weights: CaseWeights
    bands: tuple[Band, ...]
    estimator: EstimatorRules
    not_rated: NotRatedRules
    gates: GateRules
    conduct: ConductRules
    triggers: tuple[Trigger, ...]
    terms: TermRules
    consequences: tuple[Consequence, ...]
    star_levels: Mapping[str, Decimal]
    bonus_max: Decimal
    comment_wd: int
    appeal: AppealRules
    repair: RepairRules

    def band(self, grade: CreditGrade) -> Band:
        """The stretch of the scale that belongs to `grade`."""
        return next(band for band in self.bands if band.grade == grade)

    def item(self, code: str) -> ConductItem | None:
        """The listed misconduct with that code."""
        return next((item for item in self.conduct.items if item.code == code), None)

    def trigger(self, code: str) -> Trigger | None:
        """The direct ground for D with that code."""
        return next((trigger for trigger in self.triggers if trigger.code == code), None)


def digest_of(text: str) -> str:
    """SHA-256 of a published rule text, hexadecimal."""
    return sha256(text.encode()).hexdigest()


@lru_cache(maxsize=16)
def load_scheme(text: str) -> Scheme:
    """Read, check and freeze a rule-set. Raises `SchemeInvalid` with the reason."""
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
        scheme = _read(raw, digest_of(text))
    except _UNREADABLE as problem:
        raise SchemeInvalid(reason=f"{type(problem).__name__}: {problem}") from problem
    for reason in _mistyped(scheme) or _objections(scheme, raw):
        raise SchemeInvalid(reason=reason)
    return scheme


_UNREADABLE = (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, ArithmeticError, AttributeError, StopIteration)
_KINDS = {
    int: ((int,), N_("整数")),
    float: ((int, float, Decimal), N_("有限的数")),
    Decimal: ((int, Decimal), N_("有限的数")),
    str: ((str,), N_("文字")),
    bool: ((bool,), N_("true 或 false")),
}


def _mistyped(part: Any) -> list[Message]:
    """Values that are not of the kind the rules count with: text for a number, a number without end."""
    if isinstance(part, tuple):
        return [one for each in part for one in _mistyped(each)]
    if not is_dataclass(part):
        return []
    found = []
    for one in fields(part):
        value = getattr(part, one.name)
        wanted, said = _KINDS.get(one.type, ((object,), "")) if isinstance(one.type, type) else ((object,), "")
        odd = isinstance(value, bool) and bool not in wanted and said
        if odd or not isinstance(value, wanted) or (isinstance(value, float | Decimal) and not isfinite(value)):
            told = {"name": one.name, "kind": Message(said), "value": str(value)[:40]}
            found.append(Message(N_("%(name)s 须为%(kind)s，现为 %(value)s"), told))
        found += _mistyped(value)
    return found


def constants(scheme: Scheme) -> Constants:
    """The part of a scheme that the estimator needs."""
    rated, gates = scheme.not_rated, scheme.gates
    return replace(
        constants_for(scheme.estimator),
        up_at=float(scheme.estimator.up_at),
        down_at=float(scheme.estimator.down_at),
        firm_at=float(scheme.estimator.firm_at),
        alarm_slack=scheme.estimator.alarm_slack,
        alarm_limit=scheme.estimator.alarm_limit,
        bands=(
            float(scheme.band(CreditGrade.C).minimum),
            float(scheme.band(CreditGrade.B).minimum),
            float(scheme.band(CreditGrade.A).minimum),
        ),
        least_results=rated.results_below,
        least_reviewers=rated.reviewers_below,
        least_clients=rated.clients_below,
        least_reliability=float(rated.reliability_below),
        a_results=gates.reviewed_results,
        a_clients=gates.unrelated_clients,
        d_results=gates.d_needs_results,
    )


def constants_for(rules: EstimatorRules) -> Constants:
    """What a score depends on; the limits of N and A do not matter for it."""
    return Constants(
        half_life_months=rules.half_life_months,
        half_life_least=rules.half_life_least,
        half_life_most=rules.half_life_most,
        window_months=rules.max_age_months,
        allowance=rules.variance_allowance,
        robust_at=rules.robust_at_residual_sd,
        reviewer_share=rules.reviewer_max_share,
        client_share=rules.client_max_share,
        severity_limit=rules.severity_limit,
        consistency_limit=rules.consistency_limit,
        stars_weight=rules.stars_max_weight,
    )


def _read(raw: Mapping[str, Any], digest: str) -> Scheme:
    head = raw["scheme"]
    return Scheme(
        id=head["id"],
        name_zh=head["name_zh"],
        name_en=head["name_en"],
        digest=digest,
        weights=CaseWeights(**raw["case_score"]["weights"]),
        bands=tuple(_band(band) for band in raw["bands"]),
        estimator=_estimator(raw["estimator"]),
        not_rated=_not_rated(raw["not_rated"]),
        gates=_gates(raw["gates"]),
        conduct=_conduct(raw["conduct"]),
        triggers=tuple(_trigger(one) for one in raw["direct_d"]["triggers"]),
        terms=_terms(raw),
        consequences=tuple(_consequence(grade, raw["consequences"][grade.value]) for grade in CreditGrade),
        star_levels={name: Decimal(level) for name, level in raw["case_score"]["client"]["levels"].items()},
        bonus_max=Decimal(raw["agency_score"]["bonus_max"]),
        comment_wd=int(raw["appeal"]["draft_comment_wd"]),
        appeal=read_appeal(raw["appeal"]),
        repair=read_repair(raw["repair"]),
    )


def _band(raw: Mapping[str, Any]) -> Band:
    return Band(
        grade=CreditGrade(raw["grade"]),
        name_zh=raw["name_zh"],
        name_en=raw["name_en"],
        minimum=Decimal(raw["min"]),
        below=Decimal(raw["below"]),
    )


def _estimator(raw: Mapping[str, Any]) -> EstimatorRules:
    return EstimatorRules(
        half_life_months=float(raw["half_life_months"]),
        half_life_least=float(raw.get("half_life_least_months", raw["half_life_months"])),
        half_life_most=float(raw.get("half_life_most_months", raw["half_life_months"])),
        consistency_limit=float(raw.get("consistency_limit", 1)),
        max_age_months=int(raw["max_age_months"]),
        variance_allowance=float(raw["variance_allowance"]),
        robust_at_residual_sd=float(raw["robust_at_residual_sd"]),
        reviewer_max_share=float(raw["reviewer_max_share_of_weight"]),
        client_max_share=float(raw["client_max_share_of_weight"]),
        severity_limit=float(raw["severity_limit"]),
        up_at=Decimal(raw["up_when_probability_at_least"]),
        down_at=Decimal(raw["down_when_probability_at_least"]),
        firm_at=Decimal(raw["firm_when_probability_at_least"]),
        alarm_slack=float(raw["alarm_slack"]),
        alarm_limit=float(raw["alarm_limit"]),
        stars_max_weight=float(raw["stars"]["max_weight_in_expert_marks"]),
    )


def _not_rated(raw: Mapping[str, Any]) -> NotRatedRules:
    return NotRatedRules(
        results_below=raw["if_reviewed_results_below"],
        within_months=raw["within_months"],
        reviewers_below=raw["or_reviewers_below"],
        clients_below=raw["or_clients_below"],
        reliability_below=Decimal(raw["or_reliability_below"]),
        double_review_first=raw["first_results_double_reviewed"],
    )


def _gates(raw: Mapping[str, Any]) -> GateRules:
    top = raw["A"]
    return GateRules(
        registered_months=top["registered_months_at_least"],
        reviewed_results=top["reviewed_results_at_least"],
        unrelated_clients=top["unrelated_clients_at_least"],
        no_low_grade_months=top["no_grade_c_or_d_in_months"],
        points_below=top["active_points_below"],
        no_zero_months=top["no_zero_score_in_months"],
        d_needs_results=raw["score_below_60"]["needs_reviewed_results_at_least"],
    )


def _conduct(raw: Mapping[str, Any]) -> ConductRules:
    names = ("code", "points", "name_zh", "name_en", "basis", "evidence")
    return ConductRules(
        life_months=raw["item_life_months"],
        warning_at=raw["warning_at"],
        restriction_at=raw["restriction_at"],
        reply_wd=raw["right_of_reply_wd"],
        items=tuple(ConductItem(*(one[name] for name in names)) for one in raw["items"]),
    )


def _trigger(raw: Mapping[str, Any]) -> Trigger:
    return Trigger(
        code=raw["code"],
        name_zh=raw["name_zh"],
        name_en=raw["name_en"],
        basis=raw["basis"],
        immediate=raw["immediate"],
        professions=frozenset(raw.get("professions", ())),
    )


def _terms(raw: Mapping[str, Any]) -> TermRules:
    terms = raw["terms"]
    month, day = raw["scheme"]["annual_certificate_date"].split("-")
    grave = next(one for one in raw["repair"]["classes"] if one.get("direct_d"))
    return TermRules(
        points_d_months=terms["points_based_d_months_at_least"],
        veto_d_months=terms["veto_d_months_at_least"],
        veto_d_months_at_most=grave["max_display_months"],
        after_d_months=terms["after_d"]["months"],
        annual_date=(int(month), int(day)),
    )


def _consequence(grade: CreditGrade, raw: Mapping[str, Any]) -> Consequence:
    return Consequence(
        grade=grade,
        listing_zh=raw["listing_zh"],
        listing_en=raw["listing_en"],
        duty_zh=raw["duty_zh"],
        duty_en=raw["duty_en"],
        deep_review_share=Decimal(raw["deep_review_share"]),
        inspection_rate=Decimal(raw["inspection_rate_per_year"]),
        warning_required=raw["warning_required"],
        basis=raw["basis"],
    )


def said_plainly(value: Decimal) -> str:
    """A number without needless zeros: `90`, not `90.00` and not `9E+1`."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _objections(scheme: Scheme, raw: Mapping[str, Any]) -> list[Message]:
    if raw.get("schema") != SCHEMA:
        return [Message(N_("文件格式应为 %(schema)s"), {"schema": SCHEMA})]
    return [
        *_weight_objections(scheme.weights),
        *_band_objections(scheme.bands),
        *_estimator_objections(scheme.estimator),
        *_conduct_objections(scheme.conduct),
        *_gate_objections(scheme.gates, scheme.not_rated),
        *_term_objections(scheme.terms),
        *_repeated([item.code for item in scheme.conduct.items]),
        *_repeated([trigger.code for trigger in scheme.triggers]),
    ]


def _weight_objections(weights: CaseWeights) -> list[Message]:
    parts = (weights.technical, weights.deadline, weights.filing)
    if min(parts) < 0:
        return [Message(N_("单件得分的权重不得为负"))]
    if sum(parts) != 1:
        said = {
            name: said_plainly(100 * part) for name, part in zip("tdfn", (*parts, sum(parts, Decimal(0))), strict=True)
        }
        return [Message(N_("技术、时限、备案三项权重之和须为 100%%，现为 %(t)s + %(d)s + %(f)s = %(n)s%%"), said)]
    return []


def _band_objections(bands: Sequence[Band]) -> list[Message]:
    expected = [CreditGrade.A, CreditGrade.B, CreditGrade.C, CreditGrade.D]
    if [band.grade for band in bands] != expected:
        return [Message(N_("等级分段须自上而下为 A、B、C、D"))]
    if bands[0].below != TOP or bands[-1].minimum != 0:
        return [Message(N_("等级分段须覆盖 0 至 100 分"))]
    if any(high.minimum != low.below for high, low in pairwise(bands)):
        return [Message(N_("等级分段之间有空隙或重叠"))]
    if any(band.minimum >= band.below for band in bands):
        starts = {band.grade.value.lower(): said_plainly(band.minimum) for band in bands}
        return [Message(N_("各级起点须依次降低，现为 A 级 %(a)s、B 级 %(b)s、C 级 %(c)s"), starts)]
    return []


def _estimator_objections(rules: EstimatorRules) -> list[Message]:
    positive = (rules.half_life_months, rules.max_age_months, rules.robust_at_residual_sd)
    if min(positive) <= 0 or rules.variance_allowance < 0:
        return [Message(N_("半衰期、取证月数与稳健界限须为正数"))]
    if not 0 < rules.half_life_least <= rules.half_life_months <= rules.half_life_most:
        months = (rules.half_life_least, rules.half_life_months, rules.half_life_most)
        told = dict(zip("lhm", (f"{one:g}" for one in months), strict=True))
        return [Message(N_("半衰期的下限、公布值、上限须依次不减，现为 %(l)s、%(h)s、%(m)s 个月"), told)]
    if rules.consistency_limit < 1:
        return [Message(N_("一致性权重的上限须不小于 1"))]
    if max(rules.half_life_most, rules.max_age_months) > LONGEST_MONTHS:
        return [Message(N_("半衰期与取证月数不得超过 %(n)s 个月"), {"n": LONGEST_MONTHS})]
    if min(rules.severity_limit, rules.stars_max_weight, rules.alarm_slack, rules.alarm_limit) < 0:
        return [Message(N_("宽严修正的上限、业主评价的权重与预警的界限不得为负"))]
    shares = (rules.reviewer_max_share, rules.client_max_share)
    if not all(0 < share <= 1 for share in shares):
        return [Message(N_("权重上限须在 0 与 1 之间"))]
    half, one = Decimal("0.5"), Decimal(1)
    if not all(half < p < one for p in (rules.up_at, rules.down_at, rules.firm_at)):
        return [Message(N_("把握界限须在 0.5 与 1 之间"))]
    return []


def _conduct_objections(rules: ConductRules) -> list[Message]:
    if not 0 < rules.warning_at < rules.restriction_at:
        said = {"c": rules.warning_at, "d": rules.restriction_at}
        return [Message(N_("最高为 C 级的记分须少于定为 D 级的记分，现为 %(c)s 与 %(d)s"), said)]
    return []


def _gate_objections(gates: GateRules, rated: NotRatedRules) -> list[Message]:
    asked = (gates.registered_months, gates.reviewed_results, gates.unrelated_clients, gates.no_low_grade_months)
    counted = (gates.points_below, gates.no_zero_months, gates.d_needs_results, rated.results_below)
    if min(*asked, *counted, rated.reviewers_below, rated.clients_below, rated.within_months) < 0:
        return [Message(N_("评级门槛的数值不得为负"))]
    if not 0 <= rated.reliability_below < 1:
        return [Message(N_("证据可靠度的门槛须在 0 与 1 之间"))]
    return []


def _term_objections(terms: TermRules) -> list[Message]:
    if min(terms.points_d_months, terms.veto_d_months) <= 0 or terms.after_d_months < 0:
        return [Message(N_("D 级的期限须为正数"))]
    if terms.veto_d_months > terms.veto_d_months_at_most:
        said = {"n": terms.veto_d_months, "m": terms.veto_d_months_at_most}
        return [Message(N_("一票否决定 D 级最短 %(n)s 个月，不得长于最长的 %(m)s 个月"), said)]
    return []


def _repeated(codes: Sequence[str]) -> list[Message]:
    twice = sorted({code for code in codes if codes.count(code) > 1})
    return [Message(N_("代码 %(code)s 出现了两次"), {"code": code}) for code in twice]
