"""Bonds: how much may be asked, of whom, and when it goes back.

Sources: Bidding Law regulation arts. 26 and 58 (domain.md row 34): a bid bond is at most 2 % of the estimate, a
performance bond at most 10 % of the contract, a bid bond goes back within five days of the contract. The shares are
in the edition. Before the opening nobody may learn who bid, so a bid bond cannot be paid with the bid: it is asked of
the provisional winner when the result is announced. A bond once released is over: an agency that is chosen again later
owes a new one, and the client still owes back whatever was paid on the old one. Nothing here forfeits a bond; that would be a decision of a court.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.errors import Message
from core.i18n import N_
from core.money import half_up
from market.rules.editions import Edition


class BondKind(StrEnum):
    """The kinds of bond; the values are the kinds of payable too."""

    BID = "bid-bond"
    PERFORMANCE = "performance-bond"


RETURN_KIND = "bond-return"
BOND_TITLES = {BondKind.BID: N_("投标保证金"), BondKind.PERFORMANCE: N_("履约保证金")}


def bond_key(award_id: int, number: int) -> str:
    """Under which key the payable of a bond is found: the award, and from the second time on which time it is."""
    return str(award_id) if number == 1 else f"{award_id}.{number}"


def parse_key(key: str) -> tuple[int, int]:
    """Award and round of `bond_key`."""
    award, _, number = key.partition(".")
    return int(award), int(number or 1)


class Release(StrEnum):
    """Why a bond is no longer owed, or goes back."""

    CANCELLED = "selection-cancelled"
    REPLACED = "award-replaced"
    VOIDED = "result-voided"
    FILED = "contract-filed"
    COMPLETED = "commission-completed"


RELEASES = {
    Release.CANCELLED: N_("选取已取消"),
    Release.REPLACED: N_("由递补机构接替"),
    Release.VOIDED: N_("结果已认定无效"),
    Release.FILED: N_("合同已备案"),
    Release.COMPLETED: N_("委托已办结"),
}
TRAIL_TITLES = {
    "bond.asked": N_("要求缴纳保证金"),
    "bond.relieved": N_("按信用等级减免履约保证金"),
    "bond.released": N_("保证金不再需要"),
}
OPEN_ACTS = ("bond.asked", "bond.relieved", "bond.released")


def most(kind: BondKind, price: Decimal, edition: Edition) -> Decimal:
    """The largest bond of that kind at a price in yuan, rounded half up to the cent."""
    share = edition.bond.bid_most if kind is BondKind.BID else edition.bond.performance_most
    return half_up(price * share)


def check_bonds(
    bid: Decimal | None, performance: Decimal | None, *, ceiling: Decimal, direct: bool, edition: Edition
) -> dict[str, Message]:
    """What is wrong with the bonds of a notice, by field; raises nothing."""
    errors = {}
    if bid is not None and direct:
        errors["bid_bond"] = Message(N_("直接选取没有竞争，不收投标保证金，请清空此项。"))
    elif bid is not None and not 0 < bid <= most(BondKind.BID, ceiling, edition):
        errors["bid_bond"] = _too_much(most(BondKind.BID, ceiling, edition), edition.bond.bid_most)
    if performance is not None and not 0 < performance <= most(BondKind.PERFORMANCE, ceiling, edition):
        errors["performance_bond"] = _too_much(
            most(BondKind.PERFORMANCE, ceiling, edition), edition.bond.performance_most
        )
    return errors


def _too_much(limit: Decimal, share: Decimal) -> Message:
    return Message(
        N_("保证金须大于 0，不超过金额的 %(share)s%%，即 %(most)s 元。"),
        {"share": f"{share * 100:f}".rstrip("0").rstrip("."), "most": f"{limit:.2f}"},
    )


def performance_due(bond: Decimal, price: Decimal, edition: Edition, grade: str = "") -> Decimal:
    """The performance bond at the agreed price: what the notice says, but never above the share of the contract.

    Nor above what the grade at the selection allows (rule-set XT-2026.1, deposit_percent_max): 0 for A, none is asked.
    """
    due = min(bond, most(BondKind.PERFORMANCE, price, edition))
    relief = edition.grades[grade].bond_most if grade else None
    return due if relief is None else min(due, half_up(price * relief))


class BondState(StrEnum):
    """Where a bond stands, read from its payables."""

    DUE = "due"
    PAYING = "paying"
    HELD = "held"
    RELEASED = "released"
    GOING_BACK = "going-back"
    BACK = "back"
    FORFEITED = "forfeited"


BOND_STATES = {
    BondState.DUE: N_("等中选机构缴纳"),
    BondState.PAYING: N_("已付款，等业主确认"),
    BondState.HELD: N_("已缴，由业主保管"),
    BondState.RELEASED: N_("未缴，不再需要"),
    BondState.GOING_BACK: N_("等业主退还"),
    BondState.BACK: N_("已退还"),
    BondState.FORFEITED: N_("不予退还"),
}


@dataclass(frozen=True)
class Standing:
    """What decides the state: the payable's and its return's states, whether it was released, or forfeited (payments)."""

    payable: str | None
    giving_back: str | None
    released_at: datetime | None
    forfeited: bool = False


HELD_ONLINE = frozenset({"authorised", "captured", "disputed"})
"""States of a payable whose money the payment provider holds or keeps."""


def bond_state(bond: Standing) -> BondState:
    """The state of a bond; a payment under way when it was released stays visible until it is settled."""
    if bond.giving_back is not None:
        return BondState.BACK if bond.giving_back == "confirmed" else BondState.GOING_BACK
    if bond.forfeited:
        return BondState.FORFEITED
    if bond.payable in {"vouchered", "processing"}:
        return BondState.PAYING
    if bond.payable in {"refunded", "released"}:
        return BondState.BACK
    if bond.released_at is not None:
        return BondState.GOING_BACK if bond.payable in HELD_ONLINE else BondState.RELEASED
    return BondState.HELD if bond.payable in {"confirmed", *HELD_ONLINE} else BondState.DUE
