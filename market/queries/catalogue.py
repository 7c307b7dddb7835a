"""Reads of the service catalogue."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from core import db
from core.i18n import language
from market.rules.catalogue import ItemGone, listed, query_shingles

COLUMNS = """
select id, code, version, name_zh, name_en, profession, stage, payer, department_code, promised_days,
       fee_min, fee_max, self_preparation, review_sheet, in_force_from, digest"""
ITEM_SQL = COLUMNS + " from market_service_item where superseded_at is null"
GUIDE_SQL = COLUMNS + ", guide from market_service_item where superseded_at is null"


@dataclass(frozen=True)
class ItemRow:
    """A service item as lists show it. Fees in yuan are an estimate for a medium project."""

    id: int
    code: str
    version: int
    name_zh: str
    name_en: str
    profession: str
    stage: str
    payer: str
    department_code: str
    promised_days: int
    fee_min: Decimal
    fee_max: Decimal
    self_preparation: bool
    review_sheet: str
    in_force_from: date
    digest: str

    @property
    def postable(self) -> bool:
        """Whether an owner may post a notice for it: a department's own orders are not the owner's."""
        return self.payer != "department"


@dataclass(frozen=True)
class Guide:
    """The whole guide page of an item; lists are already split, texts are in the reader's language."""

    item: ItemRow
    facts: dict[str, str]

    def text(self, name: str) -> str:
        """A bilingual column in the reader's language."""
        english = self.facts.get(f"{name}_en", "") if language() == "en" else ""
        return english or self.facts.get(f"{name}_zh", "")

    def items(self, name: str) -> list[str]:
        """A bilingual list in the reader's language."""
        return listed(self.text(name))

    def cited(self, name: str) -> list[str]:
        """A list that has one language only, such as the legal basis."""
        return listed(self.facts[name])


def item_row(record: Any) -> ItemRow:
    """From a record of `ITEM_SQL`."""
    return ItemRow(**dict(record))


async def items() -> list[ItemRow]:
    """The whole catalogue in force, by stage and code."""
    found = await db.rows(ITEM_SQL + " order by stage, code")
    return [item_row(record) for record in found]


async def find_items(query: str) -> list[ItemRow]:
    """Items whose name, approval, deliverable or department matches; all for an empty query."""
    wanted = query_shingles(query)
    if not wanted:
        return [] if query.strip() else await items()
    found = await db.rows(ITEM_SQL + " and shingles @> $1 order by stage, code", wanted)
    return [item_row(record) for record in found]


async def service_item(code: str) -> ItemRow:
    """The version in force of an item; `ItemGone` when there is none."""
    record = await db.row(ITEM_SQL + " and code = $1", code)
    if record is None:
        raise ItemGone
    return item_row(record)


async def guide(code: str) -> Guide:
    """The guide of the version in force; `ItemGone` when there is none."""
    record = await db.row(GUIDE_SQL + " and code = $1", code)
    if record is None:
        raise ItemGone
    columns = dict(record)
    facts = columns.pop("guide")
    return Guide(ItemRow(**columns), facts)


async def successors(code: str) -> list[ItemRow]:
    """The items that build on this one."""
    found = await db.rows(ITEM_SQL + " and $1 = any(string_to_array(guide->>'predecessors', ';')) order by code", code)
    return [item_row(record) for record in found]
