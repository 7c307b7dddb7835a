"""Reads on agencies; the names below are the door for higher floors."""

from agencies.queries.desk import desk_items
from agencies.queries.directory import search
from agencies.queries.reference import ITEM_CATALOGUE, ItemLabel, department, departments
from agencies.queries.register import (
    AgencyCard,
    AgencyNotFound,
    AgencyRow,
    StaffRow,
    agency_card,
    agency_of,
    agency_row,
    grade_history,
    offering,
    recorded_agencies,
    staff_of,
    standing,
    standings,
)
from agencies.queries.suspensions import SuspensionRow, suspension_of, suspensions
from agencies.queries.ties import DeclaredTie, Ties, ties

__all__ = [
    "ITEM_CATALOGUE",
    "AgencyCard",
    "AgencyNotFound",
    "AgencyRow",
    "DeclaredTie",
    "ItemLabel",
    "StaffRow",
    "SuspensionRow",
    "Ties",
    "agency_card",
    "agency_of",
    "agency_row",
    "department",
    "departments",
    "desk_items",
    "grade_history",
    "offering",
    "recorded_agencies",
    "search",
    "staff_of",
    "standing",
    "standings",
    "suspension_of",
    "suspensions",
    "ties",
]
