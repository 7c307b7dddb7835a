"""What the rules notice about a notice: before its publication as warnings, afterwards as public facts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from agencies import queries as agencies
from core import clock, db
from market.queries.catalogue import guide
from market.queries.notices import NoticeRow
from market.rules.conditions import ConditionFlag, ItemGuide, condition_flags
from market.rules.signal_list import SPLIT
from market.rules.signals import Found, Limits
from market.rules.split import Earlier, Split, find_split, from_json, same_place


@dataclass(frozen=True)
class Warnings:
    """What a client is told before it publishes."""

    split: Split | None
    conditions: tuple[ConditionFlag, ...]


async def warnings_for(row: NoticeRow) -> Warnings:
    """Warnings for a draft as it would be published today."""
    flags = await condition_reader(row.item_code)
    split = find_split(
        ceiling=row.ceiling,
        method=row.method,
        public_money=row.fund_source.public_money,
        earlier=await _earlier(row),
        edition=row.law,
    )
    return Warnings(split, flags(row.requirements))


async def condition_reader(item_code: str) -> Callable[[str], tuple[ConditionFlag, ...]]:
    """What finds over-restrictive conditions in a text, held against one service item; one text is read once."""
    found = await guide(item_code)
    item = ItemGuide(found.facts["qualification_zh"], found.facts["qualification_class_zh"])
    names = [one.name_zh for one in await agencies.recorded_agencies()]
    return cache(lambda text: condition_flags(text, item, names))


async def fresh_warnings(before: NoticeRow, after: NoticeRow) -> Warnings:
    """What an amendment brings that was not there: conditions not on file yet, a split that a higher price made."""
    found, known = await warnings_for(after), await flags_of(before.id)
    on_file = {(one.code, one.facts.get("clause")) for one in known if one.kind == "condition"}
    conditions = [flag for flag in found.conditions if (flag.code, flag.clause) not in on_file]
    return Warnings(
        found.split if after.ceiling > before.ceiling else None,
        tuple(conditions) if after.requirements != before.requirements else (),
    )


async def _earlier(row: NoticeRow) -> list[Earlier]:
    found = await db.rows(
        """select n.id as notice_id, n.number, p.title as project_title, p.location, n.project as project_id,
                  (n.published_at at time zone 'Asia/Shanghai')::date as published_on, n.ceiling
             from market_notice n join market_project p on p.id = n.project
             join market_service_item i on i.id = n.item
            where n.client = $1 and i.code = $2 and n.id <> $3 and n.fund_source <> 'own'
              and n.state in ('published', 'opened', 'shortlisted', 'assessing', 'selected', 'awarded')
              and n.published_at >= $4 order by n.published_at, n.id""",
        row.client_id,
        row.item_code,
        row.id,
        clock.now() - timedelta(days=row.law.split_window_days),
    )
    everything = [Earlier(**dict(record)) for record in found]
    return [one for one in everything if one.project_id == row.project_id or same_place(one.location, row.location)]


@dataclass(frozen=True)
class FlagRow:
    """A fact on file about a notice, with the client's explanation."""

    kind: str
    code: str
    facts: Mapping[str, Any]
    words: str
    raised_at: datetime

    @property
    def split(self) -> Split | None:
        """The finding of a split purchase; None for a flag of another kind."""
        return from_json(self.facts) if self.kind == "split" else None


async def flags_of(notice_id: int) -> list[FlagRow]:
    """The public facts of a notice, as they stood at its publication."""
    found = await db.rows(
        "select kind, code, facts, words, raised_at from market_notice_flag where notice = $1 order by id", notice_id
    )
    return [FlagRow(**dict(record)) for record in found]


@dataclass(frozen=True)
class SplitRow:
    """A suspected split purchase for the supervisor. Amounts in yuan."""

    notice_id: int
    notice_no: str
    client_id: int
    client_name_zh: str
    client_name_en: str
    item_code: str
    item_name_zh: str
    item_name_en: str
    total: Decimal
    limit: Decimal
    earlier: list[Mapping[str, Any]]
    words: str
    raised_at: datetime


async def split_purchases(*, limit: int = 200) -> list[SplitRow]:
    """Every published notice that together with earlier ones passes a limit of public money, newest first."""
    found = await db.rows(
        """select n.id as notice_id, n.number as notice_no, n.client as client_id, o.name_zh as client_name_zh,
                  o.name_en as client_name_en, i.code as item_code, i.name_zh as item_name_zh,
                  i.name_en as item_name_en, f.facts, f.words, f.raised_at
             from market_notice_flag f join market_notice n on n.id = f.notice
             join core_organization o on o.id = n.client join market_service_item i on i.id = n.item
            where f.kind = 'split' order by f.id desc limit $1""",
        limit,
    )
    return [_split(dict(record)) for record in found]


async def found_splits(limits: Limits) -> list[Found]:
    """The same as signals: published within the window, one hit a notice, with the earlier notices it rests on."""
    found = await db.rows(
        """select n.id, n.number, n.client, f.facts from market_notice_flag f join market_notice n on n.id = f.notice
            where f.kind = 'split' and f.raised_at > $1 order by n.id""",
        clock.now() - timedelta(days=limits.window_days),
    )
    return [_found(row["id"], row["number"], row["client"], from_json(row["facts"])) for row in found]


def _found(notice_id: int, number: str, client: int, split: Split) -> Found:
    params = {
        "number": number,
        "days": split.days,
        "count": len(split.earlier),
        "total": f"{split.total:,.2f}",
        "limit": f"{split.limit:,.2f}",
    }
    notices = (*sorted(one.notice_id for one in split.earlier), notice_id)
    return Found(SPLIT, f"notice:{notice_id}", "", notices, (), (client,), params)


def _split(columns: dict[str, Any]) -> SplitRow:
    facts = columns.pop("facts")
    return SplitRow(**columns, total=Decimal(facts["total"]), limit=Decimal(facts["limit"]), earlier=facts["earlier"])
