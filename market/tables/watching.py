"""Outages and the deadlines they moved, saved searches and what they found."""

from piccolo.columns import Array, BigSerial, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from core.tables import Account
from market.tables import Notice


class Outage(Table, tablename="market_outage"):
    """A stretch in which nothing could be handed in, logged when it was over. Never edited."""

    id = BigSerial(primary_key=True)
    since_at = Timestamptz(unique=True)
    until_at = Timestamptz(index=True)
    logged_at = Timestamptz()


class Extension(Table, tablename="market_extension"):
    """A deadline that an outage moved. Outages that ended by `counted_until` are not counted again."""

    id = BigSerial(primary_key=True)
    notice = ForeignKey(Notice, null=False, on_delete=OnDelete.restrict, index=True)
    outage = ForeignKey(Outage, null=False, on_delete=OnDelete.restrict, index=True)
    old_deadline = Timestamptz()
    new_deadline = Timestamptz()
    lost_seconds = Integer()
    counted_until = Timestamptz()
    decided_at = Timestamptz()

    market_extension_later = Check("new_deadline > old_deadline")


class SavedSearch(Table, tablename="market_saved_search"):
    """A search of the notice board that writes a letter when something new matches; empty means everything."""

    id = BigSerial(primary_key=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict, index=True)
    name = Varchar(length=60)
    query = Varchar(length=100, default="")
    shingles = Array(base_column=Text())
    item = Varchar(length=12, default="")
    profession = Varchar(length=40, default="")
    method = Varchar(length=24, default="")
    fund = Varchar(length=10, default="")
    frequency = Varchar(length=12)
    created_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)

    market_saved_search_frequency = Check("frequency in ('immediately', 'daily')")


class SearchHit(Table, tablename="market_search_hit"):
    """That a notice matched a saved search; once, and told once."""

    id = BigSerial(primary_key=True)
    search = ForeignKey(SavedSearch, null=False, on_delete=OnDelete.restrict)
    notice = ForeignKey(Notice, null=False, on_delete=OnDelete.restrict, index=True)
    found_at = Timestamptz()
    told_at = Timestamptz(null=True, default=None)

    market_search_hit_once = Unique(["search", "notice"])
