"""The life of a payable and what a payment must look like.

Bank transfer with a voucher is the usual way in mainland China. A transfer is an attempt to pay; only
the payee's confirmation settles. Other ways to pay, and the ledger, will hang on the same two facts.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum

from core.errors import Conflict, NotFound, Rejected
from core.i18n import N_
from core.money import LARGEST, yuan

CONFIRM_WORKDAYS = 5
"""Working days a payee has to confirm or contest a voucher (platform rule)."""


class PayableState(StrEnum):
    """Where a payable stands; only `advance` over `TRANSITIONS` changes it."""

    DUE = "due"
    VOUCHERED = "vouchered"
    CONTESTED = "contested"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


PAYABLE_STATE_TITLES: dict[PayableState, str] = {
    PayableState.DUE: N_("待付款"),
    PayableState.VOUCHERED: N_("已付款，待收款方确认"),
    PayableState.CONTESTED: N_("收款方称未到账"),
    PayableState.CONFIRMED: N_("已确认收款"),
    PayableState.CANCELLED: N_("已取消"),
}


class PayableAct(StrEnum):
    """What may happen to a payable."""

    SUBMIT_VOUCHER = "submit-voucher"
    CONFIRM = "confirm"
    CONTEST = "contest"
    CANCEL = "cancel"


S, A = PayableState, PayableAct
TRANSITIONS: Mapping[tuple[PayableState, PayableAct], PayableState] = {
    (S.DUE, A.SUBMIT_VOUCHER): S.VOUCHERED,
    (S.CONTESTED, A.SUBMIT_VOUCHER): S.VOUCHERED,
    (S.VOUCHERED, A.CONTEST): S.CONTESTED,
    (S.VOUCHERED, A.CONFIRM): S.CONFIRMED,
    (S.CONTESTED, A.CONFIRM): S.CONFIRMED,
    (S.DUE, A.CANCEL): S.CANCELLED,
    (S.CONTESTED, A.CANCEL): S.CANCELLED,
}

PAYER_TURN = frozenset({S.DUE, S.CONTESTED})
PAYEE_TURN = frozenset({S.VOUCHERED})
OPEN = PAYER_TURN | PAYEE_TURN


class Method(StrEnum):
    """How money moves."""

    BANK_TRANSFER = "bank-transfer"


METHOD_TITLES: dict[Method, str] = {Method.BANK_TRANSFER: N_("银行转账")}

KIND_TITLES: dict[str, str] = {
    "milestone": N_("合同节点款"),
    "bid-bond": N_("投标保证金"),
    "performance-bond": N_("履约保证金"),
    "bond-return": N_("退还保证金"),
}
"""Names of the kinds of payable that floors above create."""


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


TRAIL_TITLES: dict[str, str] = {
    "payable.created": N_("产生应付款"),
    "payable.vouchered": N_("登记付款凭证"),
    "payable.contested": N_("收款方提出未到账"),
    "payable.confirmed": N_("收款方确认收款"),
    "payable.cancelled": N_("取消应付款"),
}


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
