"""Several payables paid on one page of Stripe: what may go together, and how what Stripe says of the whole is shared out.

Stripe knows one charge, one fee, one rate and one dispute; the books know every payable. Sharing is by largest remainder:
the parts add up to the whole, to the last fen and cent, and none is a unit away from its exact quota.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import Conflict, Forbidden, Message, NotFound, Rejected
from core.i18n import N_
from payments.rules.stripe import Offer, offers

LEAST_PART_FEN = 100
"""One yuan: below that a part could be nothing at all in the currency of settlement, and nothing can be passed on."""
PART_TOO_SMALL = N_("其中有不足 1.00 元的款项，折成结算币种后无法单独划付；请把它去掉，单独用银行转账")


class OnlyFeesTogether(Rejected):
    """Bonds and review costs have lives of their own."""

    code = "only-fees-together"
    text = N_("合并在线支付只限合同节点款；%(number)s 不是。请去掉它，单独办理。")


class PartBeingPaid(Conflict):
    """Two pages at once could be paid twice."""

    code = "part-being-paid"
    text = N_("款项 %(number)s 正在在线支付。请先付完或放弃那一次，再合并支付。")


class BundleNotFound(NotFound):
    """Absent, or of another payer."""

    code = "bundle-not-found"
    text = N_("没有找到这次合并支付。请回到合并付款页重新开始。")


class ConcededTogether(Forbidden):
    """One payee cannot give up other payees' money."""

    code = "conceded-together"
    text = N_("这起拒付涉及合并支付的 %(count)s 笔款项，不能由一家收款方认可。请提交您这一笔的材料，或请监管部门办理。")


class PaidTogether(Conflict):
    """A page is closed for all that would have been paid on it."""

    code = "paid-together"
    text = N_("款项 %(number)s 在一次合并支付中。请在合并支付页整笔放弃。")


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """`total` (of either sign) over `weights` by largest remainder; the first wins a tie. ValueError without a weight."""
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError(f"cannot spread {total} over {list(weights)}")
    amount, sign = abs(total), -1 if total < 0 else 1
    parts = [amount * weight // whole for weight in weights]
    rest = sorted(range(len(weights)), key=lambda at: (-(amount * weights[at] % whole), at))
    for at in rest[: amount - sum(parts)]:
        parts[at] += 1
    return [sign * part for part in parts]


def cut(line: Mapping[str, Any], weights: Sequence[int]) -> list[dict[str, Any]]:
    """A line of Stripe's balance in parts that add up to it: amount and fee each by largest remainder."""
    amounts, fees = spread(line["amount"], weights), spread(line["fee"], weights)
    return [{**line, "amount": amount, "fee": fee} for amount, fee in zip(amounts, fees, strict=True)]


def bundle_offers(amounts: Sequence[int], *, country: str) -> tuple[Offer, ...]:
    """Every way to pay these amounts (fen) at once: the limits of a way hold for their sum, one more for each part."""
    found = offers(sum(amounts), hold=False, country=country)
    if min(amounts) >= LEAST_PART_FEN:
        return found
    return tuple(Offer(offer.way, offer.refused or Message(PART_TOO_SMALL)) for offer in found)
