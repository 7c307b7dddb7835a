"""The public report on fees: confirmed awards of competitive notices, nothing about who."""

from dataclasses import dataclass
from datetime import date

from core import db
from market.rules.fees import AgreedPrice, ItemSaving, PriceIndex, price_index, savings, total
from market.rules.notices import SelectionMethod

AGREED = """
select i.code as item, (w.confirmed_at at time zone 'Asia/Shanghai')::date as "on", n.ceiling, w.amount
from market_award w join market_notice n on n.id = w.notice join market_service_item i on i.id = n.item
where w.state = 'confirmed' and n.method <> $1 and n.ceiling > 0 and w.amount > 0
order by w.confirmed_at, w.id
"""


@dataclass(frozen=True)
class FeeReport:
    """Savings and price index of every item with enough awards, since the first award."""

    savings: list[ItemSaving]
    total: ItemSaving | None
    index: PriceIndex
    since: date | None


async def fee_report() -> FeeReport:
    """The report over all confirmed awards; public."""
    found = await db.rows(AGREED, SelectionMethod.DIRECT.value)
    prices = [AgreedPrice(**dict(row)) for row in found]
    saved = savings(prices)
    return FeeReport(saved, total(saved), price_index(prices), prices[0].on if prices else None)
