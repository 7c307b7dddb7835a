"""Abnormally low prices: when one must be justified before it is awarded.

Figures: `edition.low_price` (ProZorro's: 40 % below the mean of the other bids, or 30 % below the next higher
one). Asking is no judgement; a low price may have a good reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from core.errors import Conflict, NotFound
from core.i18n import N_
from market.rules.editions import LowPriceRule
from market.rules.notices import SelectionMethod

EXEMPT = frozenset({SelectionMethod.DIRECT, SelectionMethod.RANDOM_DRAW})
"""Methods in which the entrants do not name the price."""

CENT = Decimal("0.01")


class NoPriceCheck(NotFound):
    """No price of this notice is being asked about, or the reader has no part in it."""

    code = "price-check-not-found"
    text = N_("这份公告没有需要您办理的低价说明。请从公告页查看它办到哪一步。")


class JustificationLate(Conflict):
    """The justification arrived after its deadline, or a second time."""

    code = "justification-late"
    text = N_("低价说明的期限已过或已经提交过，不能再交。请到公告页看结果。")


class NotJustifiedYet(Conflict):
    """The client decides only on a justification it could read."""

    code = "not-justified-yet"
    text = N_("机构还没有提交低价说明，请等它提交或期限届满后再决定。")


class Outcome(StrEnum):
    """What became of the question."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    LAPSED = "lapsed"
    DEEMED = "deemed"


OUTCOMES = {
    Outcome.ACCEPTED: N_("业主接受说明，按原次序中选"),
    Outcome.REJECTED: N_("业主不接受说明，该报价不采用"),
    Outcome.LAPSED: N_("机构没有在期限内说明，该报价不采用"),
    Outcome.DEEMED: N_("业主没有在期限内答复，说明视为接受"),
}


@dataclass(frozen=True)
class LowPrice:
    """Why a price is asked about. Amounts in yuan; `mean` is None when too few bids are compared."""

    amount: Decimal
    compared: int
    mean: Decimal | None
    next_amount: Decimal
    under_mean: bool
    under_next: bool


def judge(amount: Decimal, others: Sequence[Decimal], rule: LowPriceRule) -> LowPrice | None:
    """The figures when `amount` is abnormally low among all counted bids, else None.

    `others` are the counted prices without this one. The mean of the others counts when at least
    `rule.mean_from` bids are compared in all; the next is the lowest of the higher prices. At the limit
    itself the price is low ("by this share or more"). Compared exactly; only the shown mean is rounded.
    """
    higher = [other for other in others if other > amount]
    if not higher:
        return None
    count = len(others) + 1
    mean = sum(others, Decimal(0)) / len(others) if count >= rule.mean_from else None
    nearest = min(higher)
    under_mean = mean is not None and amount <= mean * (1 - rule.below_mean)
    under_next = amount <= nearest * (1 - rule.below_next)
    if not (under_mean or under_next):
        return None
    shown = mean.quantize(CENT, ROUND_HALF_UP) if mean is not None else None
    return LowPrice(amount, count, shown, nearest, under_mean, under_next)
