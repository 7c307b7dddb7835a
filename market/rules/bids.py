"""What a bid says, and which bid is void."""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from core.errors import Conflict, Message, NotFound
from core.i18n import N_
from market.rules.notices import SelectionMethod
from market.rules.reasons import Reason

LONGEST_PROPOSAL = 20_000
MOST_ATTACHMENTS = 5
MOST_ATTACHED = 7 * 1024 * 1024
"""Files of one bid together, in bytes; with the proposal they fit the largest envelope."""
MOST_STAFF = 30


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
    (BidState.ENTERED, BidAct.SET_ASIDE): BidState.SET_ASIDE,
}

BID_STATES = {
    BidState.SEALED: N_("已密封"),
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
class Attachment:
    """A file of a bid; it goes into the envelope and nowhere else until the opening."""

    name: str
    body: bytes


@dataclass(frozen=True)
class Offer:
    """What goes under seal. Price in yuan, `days` in working days.

    `staff` are certificate numbers of the bidder's own practitioners. `contribution` is the bidder's part of
    the randomness of a draw: 64 hex digits, made by the market when left empty.
    """

    amount: Decimal
    days: int
    proposal: str
    staff: tuple[str, ...] = ()
    contribution: str = ""
    attachments: tuple[Attachment, ...] = ()


def contribution_of(words: str) -> str:
    """What a bidder typed to take part in the randomness, as 64 hex digits: SHA-256 of the UTF-8 text."""
    return hashlib.sha256(words.encode()).hexdigest()


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


def staff_errors(offer: Offer, own: Collection[str]) -> dict[str, Message]:
    """Whether everybody named is on the bidder's own register, and not too many."""
    if len(offer.staff) > MOST_STAFF:
        return {"staff": Message(N_("最多列 %(n)s 名人员。"), {"n": MOST_STAFF})}
    if not set(offer.staff) <= set(own):
        return {"staff": Message(N_("只能列本机构备案在册的人员，请重新勾选。"))}
    return {}


def attachment_errors(offer: Offer) -> dict[str, Message]:
    """Whether there are too many files, or too many bytes of them."""
    if len(offer.attachments) > MOST_ATTACHMENTS:
        return {"attachments": Message(N_("最多附 %(n)s 个文件，请合并后再传。"), {"n": MOST_ATTACHMENTS})}
    total = sum(len(one.body) for one in offer.attachments)
    if total > MOST_ATTACHED:
        limit = MOST_ATTACHED // 1024 // 1024
        return {"attachments": Message(N_("附件合计不得超过 %(n)s MB，请压缩后再传。"), {"n": limit})}
    return {}


FIELD_OF = {"not-fixed-price": "amount", "above-ceiling": "amount", "below-floor": "amount"}


def offer_errors(offer: Offer, terms: Terms) -> dict[str, Message]:
    """The same faults as sentences beside the fields of the form."""
    return {FIELD_OF.get(fault.code, "days"): fault.message() for fault in offer_faults(offer, terms)}


def receipt_number(digest: str) -> str:
    """The number on the receipt; derived from the fingerprint, because a counter would count bids."""
    return f"BJ-{digest[:4]}-{digest[4:8]}-{digest[8:12]}".upper()
