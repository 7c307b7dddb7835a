"""What the double's Stripe takes and how it converts: figures of the double, not Stripe's tariff.

Amounts are whole minor units. The rate moves a little with every conversion, so that nobody can rely on it.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

PER_TEN_THOUSAND = {"card": 340, "alipay": 220, "wechat_pay": 220}
FLAT = 235
"""In minor units of the settlement currency, on every charge."""
DISPUTE_FEE = 8500
BASE_RATE = {"hkd": Decimal("1.087300"), "usd": Decimal("0.138900"), "cny": Decimal(1), "sgd": Decimal("0.186400")}
"""Settlement currency per yuan."""


@dataclass(frozen=True)
class Converted:
    """An amount in the settlement currency, and the rate when it was converted."""

    amount: int
    rate: Decimal | None


def rate(settlement: str, turn: int) -> Decimal:
    """The rate of the `turn`-th conversion, within half a per cent of the base."""
    base = BASE_RATE[settlement]
    if settlement == "cny":
        return base
    return (base * (Decimal(1000) + Decimal(turn % 11) - Decimal(5)) / Decimal(1000)).quantize(Decimal("0.000001"))


def convert(amount: int, currency: str, settlement: str, turn: int) -> Converted:
    """`amount` fen as the account settles it."""
    if currency == settlement:
        return Converted(amount, None)
    used = rate(settlement, turn)
    return Converted(int((amount * used).quantize(Decimal(1), rounding=ROUND_HALF_UP)), used)


def fee(method: str, amount: int) -> int:
    """What is kept of a charge of `amount` in the settlement currency; never all of it."""
    share = int((Decimal(amount * PER_TEN_THOUSAND[method]) / 10000).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    return min(share + FLAT, amount)
