"""Reads on agencies; the names below are the door for higher floors."""

from agencies.queries.desk import desk_items
from agencies.queries.directory import search
from agencies.queries.kin import GradedLine, Kin, graded_lines, kin_candidates, kin_source
from agencies.queries.marks import CONTESTED_GRADES, Contested, GradeMark, marks
from agencies.queries.persons import FlagRow, barred_practitioners, flagged_certificates, flagged_staff, person_flags
from agencies.queries.reference import ITEM_CATALOGUE, ItemLabel, department, departments
from agencies.queries.register import (
    AgencyCard,
    AgencyNotFound,
    AgencyRow,
    StaffRow,
    agencies_by_uscc,
    agency_card,
    agency_of,
    agency_row,
    grade_history,
    offering,
    recorded_agencies,
    region_names,
    staff_of,
    standing,
    standings,
)
from agencies.queries.suspensions import SuspensionRow, suspension_of, suspensions
from agencies.queries.ties import DeclaredTie, Ties, ties

__all__ = [
    "CONTESTED_GRADES",
    "ITEM_CATALOGUE",
    "AgencyCard",
    "AgencyNotFound",
    "AgencyRow",
    "Contested",
    "DeclaredTie",
    "FlagRow",
    "GradeMark",
    "GradedLine",
    "ItemLabel",
    "Kin",
    "StaffRow",
    "SuspensionRow",
    "Ties",
    "agencies_by_uscc",
    "agency_card",
    "agency_of",
    "agency_row",
    "barred_practitioners",
    "department",
    "departments",
    "desk_items",
    "flagged_certificates",
    "flagged_staff",
    "grade_history",
    "graded_lines",
    "kin_candidates",
    "kin_source",
    "marks",
    "offering",
    "person_flags",
    "recorded_agencies",
    "region_names",
    "search",
    "staff_of",
    "standing",
    "standings",
    "suspension_of",
    "suspensions",
    "ties",
]
