"""What may be owed, by whom, up to what amount, and what a payment must look like.

Bank transfer with a voucher is the usual way in mainland China. A transfer is an attempt to pay; only
the payee's confirmation settles. Bonds have caps: a bid bond is at most 2 % of the estimate (Bidding Law regulation,
art. 26), a performance bond at most 10 % of the contract (art. 58). What a department orders, it pays itself: the cost
of a technical review is never the owner's (State Council list of intermediary services).
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from core.errors import Conflict, NotFound, Rejected
from core.i18n import N_
from core.money import LARGEST, half_up, yuan

CONFIRM_WORKDAYS = 5
"""Working days a payee has to confirm or contest a voucher (platform rule)."""


class Method(StrEnum):
    """How money moves."""

    BANK_TRANSFER = "bank-transfer"
    BANK_STATEMENT = "bank-statement"
    ONLINE = "online"


METHOD_TITLES: dict[Method, str] = {
    Method.BANK_TRANSFER: N_("银行转账"),
    Method.BANK_STATEMENT: N_("银行流水对账"),
    Method.ONLINE: N_("在线支付"),
}


class PayableKind(StrEnum):
    """What is owed. The floors above create the first four; the last arises when a bond has served."""

    MILESTONE = "milestone"
    BID_BOND = "bid-bond"
    PERFORMANCE_BOND = "performance-bond"
    REVIEW_COST = "review-cost"
    BOND_RETURN = "bond-return"


KIND_TITLES: dict[str, str] = {
    PayableKind.MILESTONE: N_("合同节点款"),
    PayableKind.BID_BOND: N_("投标保证金"),
    PayableKind.PERFORMANCE_BOND: N_("履约保证金"),
    PayableKind.REVIEW_COST: N_("技术审查费用"),
    PayableKind.BOND_RETURN: N_("退还保证金"),
}
BONDS = frozenset({PayableKind.BID_BOND, PayableKind.PERFORMANCE_BOND})
BOND_CAPS: dict[str, Decimal] = {
    PayableKind.BID_BOND: Decimal("0.02"),
    PayableKind.PERFORMANCE_BOND: Decimal("0.10"),
}


BOND_BACK_DAYS = 5
"""Days within which a bond that has served is given back (Bidding Law regulation, art. 57)."""


def return_title(title: str) -> str:
    """What the return of a bond is called: `小区测绘 投标保证金` → `小区测绘 退还投标保证金`."""
    project, gap, bond = title.rpartition(" ")
    return f"{project}{gap}退还{bond}"


class BondReleased(Conflict):
    """Somebody else was quicker, or it never was a bond that is held."""

    code = "bond-released"
    text = N_("这笔保证金已于 %(at)s 由 %(who)s 解除，不必重复办理。退还情况见原款项页。")


class NotABond(Conflict):
    """Only bonds are released."""

    code = "not-a-bond"
    text = N_("这笔款项不是保证金，不能解除。")


class AlreadyHeld(Conflict):
    """One hold at a time."""

    code = "payment-already-held"
    text = N_("这笔款项已由 %(who)s 暂停支付，不必重复办理。")


class NotHeld(Conflict):
    """There is no hold to lift."""

    code = "payment-not-held"
    text = N_("这笔款项没有处于暂停支付状态，可能已由同事解除。请刷新页面。")


class PayableNotFound(NotFound):
    """Absent, or between other parties."""

    code = "payable-not-found"
    text = N_("没有找到这笔款项。它可能已取消，或者与您所在的单位无关。")


class AmountInvalid(Rejected):
    """Not a positive amount with at most two decimals."""

    code = "amount-invalid"
    text = N_("金额须大于 0，最多两位小数。请核对后重新填写。")


class SameParties(Rejected):
    """Nobody owes themselves."""

    code = "same-parties"
    text = N_("付款方和收款方是同一单位，不能建立应付款。请核对双方。")


class PayableDiffers(Conflict):
    """The same case already has a payable with other facts."""

    code = "payable-differs"
    text = N_("这一节点已有应付款 %(number)s，金额或当事人不同。请先取消原应付款。")


class PaidInFuture(Rejected):
    """A transfer is dated by the bank, not by a wish."""

    code = "paid-in-future"
    text = N_("付款日期 %(day)s 还没到。请按银行回单上的日期填写。")


class ReferenceUsed(Conflict):
    """A bank reference belongs to one transfer."""

    code = "reference-used"
    text = N_("银行流水号 %(reference)s 已用于款项 %(number)s。请核对回单，一笔转账只登记一次。")


class AmountDiffers(Conflict):
    """The sum that the payer saw is not the sum that is owed: an old page, or a form that somebody changed."""

    code = "amount-differs"
    text = N_("应付 %(owed)s 元，而页面上是 %(seen)s 元。请刷新页面核对后再提交；没有登记任何付款。")


def check_seen(seen: Decimal | None, owed: Decimal) -> None:
    """Raise `AmountDiffers` when the form carries another sum than is owed; the form never decides the amount."""
    if seen is not None and seen != owed:
        raise AmountDiffers(seen=f"{seen:,.2f}", owed=f"{owed:,.2f}")


class BondAboveCap(Rejected):
    """A bond above the share that the law allows."""

    code = "bond-above-cap"
    text = N_("保证金 %(asked)s 元超过上限：%(base)s 元的 %(share)s%%，即 %(most)s 元。请按上限以内填写。")


class BondWithoutBase(Rejected):
    """Nobody can tell whether a bond is within its cap without the price it is a share of."""

    code = "bond-without-base"
    text = N_("保证金须写明计算基数（预算或合同价），否则无法核对上限。")


def payable_amount(amount: Decimal) -> Decimal:
    """`amount` when somebody can owe it: above zero, two decimals; `AmountInvalid` otherwise."""
    try:
        exact = yuan(amount)
    except ValueError:
        raise AmountInvalid from None
    if not 0 < exact <= LARGEST:
        raise AmountInvalid
    return exact


def check_paid_on(paid_on: date, today: date) -> None:
    """Raise `PaidInFuture` for a day that has not come."""
    if paid_on > today:
        raise PaidInFuture(day=paid_on.isoformat())


def check_bond(kind: str, amount: Decimal, base: Decimal | None) -> None:
    """A bond is at most its share of `base` in yuan, rounded half up to the fen. `BondAboveCap`, `BondWithoutBase`."""
    share = BOND_CAPS.get(kind)
    if share is None:
        return
    if base is None:
        raise BondWithoutBase
    most = half_up(base * share)
    if amount > most:
        raise BondAboveCap(
            asked=f"{amount:.2f}",
            base=f"{base:.2f}",
            share=f"{share * 100:f}".rstrip("0").rstrip("."),
            most=f"{most:.2f}",
        )
