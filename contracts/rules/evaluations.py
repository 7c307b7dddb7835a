"""The client's stars and the agency's own account, hidden from each other until both are in.

grading.md §1 and [case_score.client] of XT-2026.1: four dimensions at five levels, "would use again",
a narrative at ≤ 2 and at 5, fifteen working days; no answer is no answer, never a good one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.errors import Conflict, FormInvalid, Message
from core.i18n import N_
from core.money import half_up

POINTS = {5: 100, 4: 80, 3: 60, 2: 30, 1: 0}
DIMENSIONS = ("quality", "time", "conduct", "charging")
DIMENSION_NAMES: dict[str, str] = {
    "quality": N_("成果质量"),
    "time": N_("按时程度"),
    "conduct": N_("职业操守"),
    "charging": N_("收费规范"),
}
STAR_NAMES: dict[int, str] = {
    5: N_("非常满意"),
    4: N_("满意"),
    3: N_("基本满意"),
    2: N_("不满意"),
    1: N_("非常不满意"),
}
LOW = 2
HIGH = 5
SHORTEST_NARRATIVE = 10


class EvaluationClosed(Conflict):
    """Fifteen working days have passed; the answer stays absent."""

    code = "evaluation-closed"
    text = N_("评价期限已于 %(due)s 截止，未评价按缺席处理，不计好评也不计差评。")


class AlreadyEvaluated(Conflict):
    """One contract, one evaluation."""

    code = "already-evaluated"
    text = N_("每份合同只评价一次，您已经提交过。")


class NotYetAccepted(Conflict):
    """Only a filed contract with accepted results may be evaluated."""

    code = "not-yet-accepted"
    text = N_("全部成果验收后才能评价。请先办理验收。")


@dataclass(frozen=True)
class Stars:
    """What the client thinks: four stars 1–5, whether it would use the agency again, and why."""

    quality: int
    time: int
    conduct: int
    charging: int
    again: bool
    narrative: str

    def values(self) -> tuple[int, int, int, int]:
        """The four stars in the order of `DIMENSIONS`."""
        return self.quality, self.time, self.conduct, self.charging


def check_stars(stars: Stars) -> None:
    """Every star 1–5; a narrative where any star is at most 2 or is 5. `FormInvalid` otherwise."""
    problems = {
        name: Message(N_("请选择 1 至 5 星。"))
        for name, value in zip(DIMENSIONS, stars.values(), strict=True)
        if value not in POINTS
    }
    if narrative_required(stars.values()) and len(stars.narrative.strip()) < SHORTEST_NARRATIVE:
        problems["narrative"] = Message(
            N_("有一项不高于 2 星或为 5 星，须写明事实，至少 %(n)s 个字。"), {"n": SHORTEST_NARRATIVE}
        )
    if problems:
        raise FormInvalid(problems)


def narrative_required(values: Sequence[int]) -> bool:
    """Extremes need words: any star at most 2, or 5."""
    return any(value <= LOW or value >= HIGH for value in values)


def star_score(stars: Stars) -> Decimal:
    """0–100: mean of the four dimensions' points (100, 80, 60, 30, 0), rounded half up to 0.01."""
    return half_up(Decimal(sum(POINTS[value] for value in stars.values())) / len(DIMENSIONS))


def is_revealed(
    client_filed_at: datetime | None, statement_filed_at: datetime | None, due: datetime, now: datetime
) -> bool:
    """Both sides see each other's words when both are in, or when the time is over."""
    return (client_filed_at is not None and statement_filed_at is not None) or now >= due


def reminders_due(passed: int, sent: int, plan: Sequence[int]) -> bool:
    """Whether a further reminder is due `passed` working days after the request."""
    return sent < len(plan) and passed >= plan[sent]
