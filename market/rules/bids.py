"""What a bid says, and which bid is void."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from core.errors import Conflict, Message, NotFound
from core.i18n import N_
from market.rules.notices import SelectionMethod
from market.rules.reasons import Reason

LONGEST_PROPOSAL = 20_000


class BidState(StrEnum):
    """SEALED until the opening; the rest says what became of it."""

    SEALED = "sealed"
    WITHDRAWN = "withdrawn"
    ENTERED = "entered"
    SET_ASIDE = "set-aside"


class BidAct(StrEnum):
    """The acts of a bid's life."""

    REPLACE = "replace"
    WITHDRAW = "withdraw"
    ENTER = "enter"
    SET_ASIDE = "set-aside"


TRANSITIONS: dict[tuple[BidState, BidAct], BidState] = {
    (BidState.SEALED, BidAct.REPLACE): BidState.SEALED,
    (BidState.WITHDRAWN, BidAct.REPLACE): BidState.SEALED,
    (BidState.SEALED, BidAct.WITHDRAW): BidState.WITHDRAWN,
    (BidState.SEALED, BidAct.ENTER): BidState.ENTERED,
    (BidState.SEALED, BidAct.SET_ASIDE): BidState.SET_ASIDE,
}

BID_STATES = {
    BidState.SEALED: N_("已密封，等待开启"),
    BidState.WITHDRAWN: N_("已撤回"),
    BidState.ENTERED: N_("资格合格，已参加选取"),
    BidState.SET_ASIDE: N_("未采用"),
}


class AlreadyBid(Conflict):
    """One agency, one bid: changing it is an explicit act."""

    code = "already-bid"
    text = N_("贵机构已提交过报价，没有收入第二份。要改报价，请在“我的报价”里换入新的密封报价。")


class NoBid(NotFound):
    """This agency has no bid on the notice (or is not the one who asks)."""

    code = "bid-not-found"
    text = N_("贵机构没有在这份公告下提交报价。")


@dataclass(frozen=True)
class Offer:
    """What goes under seal. Price in yuan, `days` in working days."""

    amount: Decimal
    days: int
    proposal: str


@dataclass(frozen=True)
class Terms:
    """The limits of the notice that an offer must keep."""

    method: SelectionMethod
    ceiling: Decimal
    floor: Decimal | None
    days_limit: int


def offer_faults(offer: Offer, terms: Terms) -> Iterator[Reason]:
    """Why an offer cannot be counted; nothing when it keeps the terms."""
    if terms.method is SelectionMethod.RANDOM_DRAW and offer.amount != terms.ceiling:
        yield Reason("not-fixed-price")
    elif offer.amount > terms.ceiling:
        limits = {"amount": str(offer.amount), "ceiling": str(terms.ceiling)}
        yield Reason("above-ceiling", limits)
    if terms.floor is not None and offer.amount < terms.floor:
        yield Reason("below-floor", {"amount": str(offer.amount), "floor": str(terms.floor)})
    if not 1 <= offer.days <= terms.days_limit:
        yield Reason("days-over-limit", {"days": offer.days, "limit": terms.days_limit})


FIELD_OF = {"not-fixed-price": "amount", "above-ceiling": "amount", "below-floor": "amount"}


def offer_errors(offer: Offer, terms: Terms) -> dict[str, Message]:
    """The same faults as sentences beside the fields of the form."""
    return {FIELD_OF.get(fault.code, "days"): fault.message() for fault in offer_faults(offer, terms)}


def receipt_number(digest: str) -> str:
    """The number on the receipt; derived from the fingerprint, because a counter would count bids."""
    return f"BJ-{digest[:4]}-{digest[4:8]}-{digest[8:12]}".upper()
