"""The trade's rules on agencies, by topic; the names below are the door for higher floors."""

from agencies.rules.control import plain_name, same_controller
from agencies.rules.independence import RelationKind
from agencies.rules.professions import (
    GRADE_TITLES,
    PROFESSION_TITLES,
    UNLIMITED,
    CreditGrade,
    Profession,
    Standing,
)
from agencies.rules.trail_titles import TRAIL_TITLES

__all__ = [
    "GRADE_TITLES",
    "PROFESSION_TITLES",
    "TRAIL_TITLES",
    "UNLIMITED",
    "CreditGrade",
    "Profession",
    "RelationKind",
    "Standing",
    "plain_name",
    "same_controller",
]
