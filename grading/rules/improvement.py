"""The duty that comes with grade C: an improvement plan within ten working days (rule-set XT-2026.1, consequences.C.duty).

Basis: Shandong Social-Credit Regulation arts. 28 and 34. What is not filed in time is said beside the grade; it costs no
points, because the rule-set has no item for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from core.errors import Conflict
from core.i18n import N_

WORKDAYS = 10
"""From the publication of the first C in a row; the rule-set says it in words."""


@dataclass(frozen=True)
class ImprovementDraft:
    """What an agency will do about its grade, by when, and how its people will be trained."""

    measures: str
    training: str


class NoPlanOwed(Conflict):
    """Grade C asks for a plan, once per row of C."""

    code: ClassVar[str] = "no-plan-owed"
    text: ClassVar[str] = N_("本专业现在不需要提交改进计划：等级不是 C 级，或者已经提交过。")


TRAIL_TITLES: Mapping[str, str] = {"improvement.filed": N_("机构提交改进计划")}
OPEN_ACTS = ("improvement.filed",)
