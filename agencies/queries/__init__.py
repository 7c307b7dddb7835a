"""Reads on agencies; the names below are the door for higher floors."""

from agencies.queries.desk import desk_items
from agencies.queries.directory import search
from agencies.queries.reference import ITEM_CATALOGUE, ItemLabel, department, departments
from agencies.queries.register import (
    AgencyCard,
    AgencyNotFound,
    AgencyRow,
    agency_card,
    agency_of,
    agency_row,
    grade_history,
    offering,
    recorded_agencies,
    standing,
    standings,
)

__all__ = [
    "ITEM_CATALOGUE",
    "AgencyCard",
    "AgencyNotFound",
    "AgencyRow",
    "ItemLabel",
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
    "standing",
    "standings",
]
