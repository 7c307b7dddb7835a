"""Reads of the market. Visibility is decided here. The names below are the door for higher floors."""

from market.queries.awards import AwardRow, award
from market.queries.catalogue import ItemRow, items, service_item
from market.queries.desk import desk_items
from market.queries.flags import flags_of, split_purchases
from market.queries.notices import NoticeRow, notice, notice_board
from market.queries.projects import ProjectRow, project
from market.queries.reliance import Reliance, relied_on
from market.queries.search import search

__all__ = [
    "AwardRow",
    "ItemRow",
    "NoticeRow",
    "ProjectRow",
    "Reliance",
    "award",
    "desk_items",
    "flags_of",
    "items",
    "notice",
    "notice_board",
    "project",
    "relied_on",
    "search",
    "service_item",
    "split_purchases",
]
