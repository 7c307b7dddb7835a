"""What competition did to fees: savings and a price index per service item, from confirmed awards only.

Saving: what the owners' budgets came to less what was agreed. Directly selected awards are left out, there the budget *is*
the price. Price index: agreed price over budget, geometric mean per item and quarter, against the item's first quarter
with enough awards; over all items weighted by what was agreed in that first quarter (Laspeyres, geometric). A share with
fewer than `FEWEST` awards is not shown. Baseline of comparison: after Xintai's clean-up of 2015 fees fell by more than two
thirds (People's Daily Online, 2015-05-20).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.money import half_up

FEWEST = 3
SEED_FALL = Decimal("66.67")
"""Per cent by which fees fell in 2015, at least."""


@dataclass(frozen=True)
class AgreedPrice:
    """One confirmed award of a competitive notice, in yuan."""

    item: str
    on: date
    ceiling: Decimal
    amount: Decimal


@dataclass(frozen=True)
class ItemSaving:
    """What an item's competition saved. `percent` is of the budgets, rounded half up to one decimal."""

    item: str
    awards: int
    budget: Decimal
    agreed: Decimal

    @property
    def saved(self) -> Decimal:
        """Yuan."""
        return self.budget - self.agreed

    @property
    def percent(self) -> Decimal:
        """Saved of the budget."""
        return half_up(self.saved / self.budget * 100, 1)


def savings(prices: Iterable[AgreedPrice], fewest: int = FEWEST) -> list[ItemSaving]:
    """Per item with at least `fewest` awards, largest share saved first."""
    grouped: dict[str, list[AgreedPrice]] = {}
    for price in prices:
        grouped.setdefault(price.item, []).append(price)
    found = [
        ItemSaving(item, len(own), sum((p.ceiling for p in own), Decimal(0)), sum((p.amount for p in own), Decimal(0)))
        for item, own in grouped.items()
        if len(own) >= fewest
    ]
    return sorted(found, key=lambda one: (-one.percent, one.item))


def total(found: Sequence[ItemSaving]) -> ItemSaving | None:
    """All items together; None when there is none."""
    if not found:
        return None
    return ItemSaving(
        "",
        sum(one.awards for one in found),
        sum((one.budget for one in found), Decimal(0)),
        sum((one.agreed for one in found), Decimal(0)),
    )


def quarter(day: date) -> str:
    """`2026Q4`."""
    return f"{day.year}Q{(day.month + 2) // 3}"


@dataclass(frozen=True)
class PriceIndex:
    """An index over quarters, 100 in the base; None where fewer than `FEWEST` awards were made."""

    quarters: tuple[str, ...]
    overall: tuple[float | None, ...]
    items: Mapping[str, tuple[float | None, ...]]


def price_index(prices: Iterable[AgreedPrice], fewest: int = FEWEST) -> PriceIndex:
    """The index per item and over all; quarters between the first and the last without enough awards stay empty."""
    logs: dict[tuple[str, str], list[float]] = {}
    weights: dict[tuple[str, str], float] = {}
    for price in prices:
        place = price.item, quarter(price.on)
        logs.setdefault(place, []).append(math.log(float(price.amount / price.ceiling)))
        weights[place] = weights.get(place, 0.0) + float(price.amount)
    quarters = _all_quarters({name for _, name in logs})
    means = {place: math.fsum(own) / len(own) for place, own in logs.items() if len(own) >= fewest}
    base = {}
    for item in sorted({item for item, _ in means}):
        base[item] = next(name for name in quarters if (item, name) in means)
    items = {
        item: tuple(_relative(means.get((item, name)), means[item, first]) for name in quarters)
        for item, first in base.items()
    }
    overall = tuple(
        _weighted(items, {item: weights[item, base[item]] for item in items}, at) for at in range(len(quarters))
    )
    return PriceIndex(quarters, overall, items)


def _relative(mean: float | None, base: float) -> float | None:
    return None if mean is None else round(100 * math.exp(mean - base), 1)


def _weighted(items: Mapping[str, Sequence[float | None]], weights: Mapping[str, float], at: int) -> float | None:
    known = [(weights[item], value) for item, values in items.items() if (value := values[at]) is not None]
    if not known:
        return None
    mass = math.fsum(weight for weight, _ in known)
    return round(math.exp(math.fsum(weight * math.log(value) for weight, value in known) / mass), 1)


def _all_quarters(found: Iterable[str]) -> tuple[str, ...]:
    names = sorted(found)
    if not names:
        return ()
    year, part = int(names[0][:4]), int(names[0][5])
    every = [names[0]]
    while every[-1] < names[-1]:
        year, part = (year + 1, 1) if part == 4 else (year, part + 1)
        every.append(f"{year}Q{part}")
    return tuple(every)
