"""Saved searches of the notice board: what may be saved, and how often a letter comes."""

from dataclasses import dataclass
from enum import StrEnum

from core.errors import Conflict, NotFound
from core.i18n import N_

MOST_SEARCHES = 30
TRAIL_TITLES = {"search.saved": N_("保存公告搜索"), "search.ended": N_("停止公告搜索")}


class Frequency(StrEnum):
    """When a letter about a match is written."""

    IMMEDIATELY = "immediately"
    DAILY = "daily"


FREQUENCIES = {
    Frequency.IMMEDIATELY: N_("有新公告马上发邮件"),
    Frequency.DAILY: N_("每天早上八点汇总一封"),
}


@dataclass(frozen=True)
class SearchDraft:
    """What somebody wants to be told about; an empty part means everything."""

    name: str
    frequency: Frequency
    query: str = ""
    item: str = ""
    profession: str = ""
    method: str = ""
    fund: str = ""


class SearchGone(NotFound):
    """No such saved search of the reader, or a letter's link that is not ours."""

    code = "search-not-found"
    text = N_("没有找到这个保存的搜索，它可能已经停止。")


class TooManySearches(Conflict):
    """Nobody needs more searches than anybody can read letters."""

    code = "too-many-searches"
    text = N_("最多保存 %(most)s 个搜索，请先停止不用的。")
