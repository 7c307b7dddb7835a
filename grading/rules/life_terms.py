"""The clocks and classes of comment, objection and repair, as the scheme file says them (`[appeal]`, `[repair]`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class AppealRules:
    """Working days of an objection's life."""

    objection_wd: int
    tag_wd: int
    first_decision_wd: int
    outside_check_wd: int
    rereview_request_wd: int
    rereview_wd: int
    downgrade_waits: bool


class RepairClass(StrEnum):
    """How grave the thing to be repaired is."""

    MINOR = "minor"
    GENERAL = "general"
    GRAVE = "grave"


@dataclass(frozen=True, slots=True)
class RepairTerms:
    """One class: from how many points it starts, and how many months it is displayed at least and at most."""

    grade_class: RepairClass
    name_zh: str
    name_en: str
    points_from: int
    least_months: int
    most_months: int


@dataclass(frozen=True, slots=True)
class RepairRules:
    """Clocks in working days, the classes from minor to grave, and the bar after forged papers in months."""

    accept_wd: int
    decide_wd: int
    grave_needs_joint_review: bool
    forged_bar_months: int
    classes: tuple[RepairTerms, ...]

    def terms(self, grade_class: RepairClass) -> RepairTerms:
        """The terms of a class."""
        return next(one for one in self.classes if one.grade_class is grade_class)

    def class_of(self, points: int) -> RepairClass:
        """The class of a finding by its points; a direct D is grave whatever it is."""
        reached = [one.grade_class for one in self.classes if points >= one.points_from]
        return reached[-1] if reached else RepairClass.MINOR


def read_appeal(raw: Mapping[str, Any]) -> AppealRules:
    """From the `[appeal]` table of a scheme."""
    return AppealRules(
        objection_wd=int(raw["objection_within_wd"]),
        tag_wd=int(raw["objection_tag_within_wd"]),
        first_decision_wd=int(raw["first_decision_simple_wd"]),
        outside_check_wd=int(raw["first_decision_with_outside_check_wd"]),
        rereview_request_wd=int(raw["rereview_request_within_wd"]),
        rereview_wd=int(raw["rereview_decide_within_wd"]),
        downgrade_waits=bool(raw["downgrade_suspended_during_objection"]),
    )


def read_repair(raw: Mapping[str, Any]) -> RepairRules:
    """From the `[repair]` table of a scheme."""
    return RepairRules(
        accept_wd=int(raw["accept_within_wd"]),
        decide_wd=int(raw["decide_within_wd"]),
        grave_needs_joint_review=bool(raw["grave_needs_joint_review"]),
        forged_bar_months=int(raw["bar_after_forged_papers_months"]),
        classes=tuple(_terms(one) for one in raw["classes"]),
    )


def _terms(raw: Mapping[str, Any]) -> RepairTerms:
    return RepairTerms(
        grade_class=RepairClass(raw["code"]),
        name_zh=raw["name_zh"],
        name_en=raw["name_en"],
        points_from=int(raw["points_from"]),
        least_months=int(raw["min_display_months"]),
        most_months=int(raw["max_display_months"]),
    )
