"""Professions, grades and an agency's standing on a day."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from core.i18n import N_

UNLIMITED = date.max
"""`qualification_valid_until` of a certificate without a last day."""


class Profession(StrEnum):
    """The trades that are graded separately (domain.md row 21)."""

    SURVEYING = "surveying"
    ENVIRONMENTAL = "environmental"
    SAFETY = "safety"
    PLANNING_AND_GEOLOGY = "planning-and-geology"
    WATER = "water"
    CONSTRUCTION = "construction"
    COST_AND_BIDDING = "cost-and-bidding"
    OTHER = "other"


PROFESSION_TITLES: dict[Profession, str] = {
    Profession.SURVEYING: N_("测绘"),
    Profession.ENVIRONMENTAL: N_("环境影响评价"),
    Profession.SAFETY: N_("安全评价"),
    Profession.PLANNING_AND_GEOLOGY: N_("规划与地质"),
    Profession.WATER: N_("水利"),
    Profession.CONSTRUCTION: N_("勘察与图审"),
    Profession.COST_AND_BIDDING: N_("造价与招标代理"),
    Profession.OTHER: N_("其他专业"),
}


class CreditGrade(StrEnum):
    """A to D, and N while there is too little evidence; N is not a bad mark (grading.md §4)."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    N = "N"


GRADE_TITLES: dict[CreditGrade, str] = {
    CreditGrade.A: N_("A 级（优秀）"),
    CreditGrade.B: N_("B 级（良好）"),
    CreditGrade.C: N_("C 级（一般）"),
    CreditGrade.D: N_("D 级（较差）"),
    CreditGrade.N: N_("未评级"),
}


@dataclass(frozen=True)
class Standing:
    """What the register says about an agency in one profession on one day.

    `items` are the service items covered by a certificate in force on that day.
    `qualification_valid_until` is the last day of the longest-running certificate, `UNLIMITED` for
    one without end, None when there is none. The `related_*` sets hold only relations that bar.
    `grade_record` is the line of the register of grades that `grade` was read from, None when there is none.
    `suspended`: the market supervisor stopped it; `recorded` is then False.
    """

    agency_id: int
    organization_id: int
    name_zh: str
    name_en: str
    uscc: str
    recorded: bool
    profession_recorded: bool
    grade: CreditGrade
    score: Decimal | None
    firm: bool
    grade_since: date | None
    qualification_valid_until: date | None
    items: frozenset[str]
    related_organizations: frozenset[int]
    related_departments: frozenset[str]
    related_agencies: frozenset[int]
    grade_record: int | None = None
    suspended: bool = False

    def qualified(self, on: date) -> bool:
        """Whether a certificate of the profession is in force on that day."""
        last = self.qualification_valid_until
        return last is not None and on <= last
