"""Classified supervision in contracts: depth and reviewers of a review by grade, deferred documents (容缺).

Source: rule-set XT-2026.1 `consequences.*`, `not_rated.first_results_double_reviewed`; the numbers are data
(content/supervision_*.toml). Every result is reviewed; the grade decides how deep, never whether.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from contracts.rules.reviews import MOST_SEATS, lot_value
from core.errors import Conflict, NotFound, Rejected
from core.i18n import N_

CONTENT = Path(__file__).resolve().parent.parent / "content"
N = "N"


class Depth(StrEnum):
    """How deep a result is looked into: deep means original records and the site are compared too."""

    STANDARD = "standard"
    DEEP = "deep"


DEPTHS: dict[Depth, str] = {Depth.STANDARD: N_("常规审查"), Depth.DEEP: N_("深度审查")}
REASONS: dict[str, str] = {
    "grade": N_("按信用等级"),
    "first-results": N_("未评级机构最初几件成果"),
    "amount": N_("按合同金额或审查表"),
}


@dataclass(frozen=True)
class GradeMeasures:
    """What one grade changes: share of deep reviews, least number of reviewers, deferred documents."""

    deep_share: Decimal
    reviewers: int
    deferred: bool


@dataclass(frozen=True)
class Supervision:
    """One dated version of the measures; working days and counts."""

    id: str
    in_force_from: date
    grades: Mapping[str, GradeMeasures]
    double_review_first: int
    deferred_workdays: int
    deferred_at_once: int
    deferred_points_below: int
    deferred_basis: str


@dataclass(frozen=True)
class Plan:
    """How a review is carried out, and why."""

    depth: Depth
    reviewers: int
    share: Decimal
    reason: str


def parse_supervision(text: str) -> Supervision:
    """Read one version. KeyError or ValueError when the file is not complete."""
    raw: dict[str, Any] = tomllib.loads(text)
    grades = {
        grade: GradeMeasures(Decimal(one["deep_share"]), int(one["reviewers"]), bool(one["deferred"]))
        for grade, one in raw["grades"].items()
    }
    if any(not 0 <= one.deep_share <= 1 or not 1 <= one.reviewers <= MOST_SEATS for one in grades.values()):
        raise ValueError("a share lies between 0 and 1, a review has one to three reviewers")
    deferred = raw["deferred"]
    return Supervision(
        id=raw["id"],
        in_force_from=raw["in_force_from"],
        grades=grades,
        double_review_first=int(raw["not_rated"]["double_review_first"]),
        deferred_workdays=int(deferred["most_workdays"]),
        deferred_at_once=int(deferred["most_at_once"]),
        deferred_points_below=int(deferred["points_below"]),
        deferred_basis=deferred["basis"],
    )


@cache
def all_supervision() -> tuple[Supervision, ...]:
    """Every version that ships with the product, oldest first."""
    found = [parse_supervision(path.read_text("utf-8")) for path in CONTENT.glob("supervision_*.toml")]
    return tuple(sorted(found, key=lambda one: one.in_force_from))


def supervision_on(day: date) -> Supervision:
    """The version in force on `day`; the oldest one for days before any."""
    found = all_supervision()
    in_force = [one for one in found if one.in_force_from <= day]
    return in_force[-1] if in_force else found[0]


def plan_review(grade: str, *, by_amount: int, results_before: int, seed: str, law: Supervision) -> Plan:
    """Depth and number of reviewers of one review.

    `by_amount` is what fee and sheet ask for, never lowered by a good grade; `results_before` counts the agency's
    earlier reviews in the profession. Deep by lot with the grade's share: `lot_value(seed, "depth")`.
    """
    measures = law.grades[grade]
    first = grade == N and results_before < law.double_review_first
    asked = max(measures.reviewers, 2 if first else 1)
    deep = Decimal(lot_value(seed, "depth")) < measures.deep_share * 2**256
    reason = "amount" if by_amount > asked else "first-results" if first else "grade"
    return Plan(Depth.DEEP if deep else Depth.STANDARD, max(by_amount, asked), measures.deep_share, reason)


class DeepReviewUnsaid(Rejected):
    """A deep review says which original records were compared."""

    code = "deep-review-unsaid"
    text = N_("本件为深度审查：请在总评中写明核对了哪些原始记录或现场，至少 20 个字。")


DEEP_WORDS = 20


def check_deep(depth: Depth, summary: str) -> None:
    """Raise `DeepReviewUnsaid` when a deep review does not say what was compared."""
    if depth is Depth.DEEP and len("".join(summary.split())) < DEEP_WORDS:
        raise DeepReviewUnsaid


class DeferredState(StrEnum):
    """Where a promise stands; `lapsed` ones may still be kept, the lapse stays."""

    PROMISED = "promised"
    SUPPLIED = "supplied"
    LAPSED = "lapsed"


class DeferredAct(StrEnum):
    """What happens to a promise; `LAPSE` is the clock."""

    SUPPLY = "supply"
    LAPSE = "lapse"


DEFERRED_TRANSITIONS: Mapping[tuple[DeferredState, DeferredAct], DeferredState] = {
    (DeferredState.PROMISED, DeferredAct.SUPPLY): DeferredState.SUPPLIED,
    (DeferredState.PROMISED, DeferredAct.LAPSE): DeferredState.LAPSED,
}
DEFERRED_STATES: dict[DeferredState, str] = {
    DeferredState.PROMISED: N_("待补交"),
    DeferredState.SUPPLIED: N_("已补交"),
    DeferredState.LAPSED: N_("逾期未补"),
}


class DeferralNotAllowed(Rejected):
    """Only A and B, with few points and few open promises."""

    code = "deferral-not-allowed"
    text = N_(
        "现在不能容缺：本专业等级须为 A 或 B 级、有效记分少于 %(points)s 分、未补的承诺少于 %(most)s 件。请补齐材料后申报。"
    )


class DeferralTooLong(Rejected):
    """A promise has a near date."""

    code = "deferral-too-long"
    text = N_("补交日期须在明天至 %(most)s 之间（最多 %(days)s 个工作日）。")


class DeferralTooLate(Conflict):
    """Promised at the filing, not afterwards."""

    code = "deferral-too-late"
    text = N_("容缺承诺只能在申报时作出：合同备案前，或成果验收前。现在请直接提交材料。")


class DeferredGone(NotFound):
    """No such promise, or another agency's."""

    code = "deferred-not-found"
    text = N_("没有找到这件容缺承诺。请从合同页进入。")


class DeferralOver(Conflict):
    """The date has passed."""

    code = "deferral-over"
    text = N_("补交期限已于 %(due)s 结束，系统已提出记分，由工作人员认定。材料请作为申辩证据提交。")


def may_defer(grade: str, *, points: int, open_promises: int, law: Supervision) -> bool:
    """Whether a document may be deferred: grade, live points on record, promises not yet kept."""
    allowed = law.grades[grade].deferred and points < law.deferred_points_below
    return allowed and open_promises < law.deferred_at_once


TRAIL_TITLES: dict[str, str] = {
    "review.planned": N_("按信用等级确定审查深度"),
    "document.deferred": N_("容缺承诺"),
    "document.supplied": N_("容缺材料已补交"),
    "document.lapsed": N_("容缺承诺逾期"),
}
OPEN_ACTS = ("document.deferred", "document.supplied", "document.lapsed")
