"""The life of a payable, and what may be taken, given back and paid out of it. Amounts are yuan.

Two ways lead from owing to having: by bank transfer the payee's confirmation settles (DUE → VOUCHERED → CONFIRMED);
through the payment provider the money is held or taken first (PROCESSING → AUTHORISED → CAPTURED → PAID_OUT → CONFIRMED).
A hold by the regulator is no state: it stands beside the state and blocks whatever moves money towards the payee.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from core.errors import Conflict, Rejected
from core.i18n import N_
from core.states import advance

ZERO = Decimal("0.00")


class PayableState(StrEnum):
    """Where a payable stands; only `advance` over `TRANSITIONS` changes it."""

    DUE = "due"
    PROCESSING = "processing"
    VOUCHERED = "vouchered"
    CONTESTED = "contested"
    AUTHORISED = "authorised"
    EXPIRED = "expired"
    CAPTURED = "captured"
    DISPUTED = "disputed"
    PAID_OUT = "paid-out"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"


PAYABLE_STATE_TITLES: dict[PayableState, str] = {
    PayableState.DUE: N_("待付款"),
    PayableState.PROCESSING: N_("支付处理中"),
    PayableState.VOUCHERED: N_("已付款，待收款方确认"),
    PayableState.CONTESTED: N_("收款方称未到账"),
    PayableState.AUTHORISED: N_("已冻结，尚未扣款"),
    PayableState.EXPIRED: N_("冻结已过期"),
    PayableState.CAPTURED: N_("已付款，平台托管"),
    PayableState.DISPUTED: N_("付款方向银行拒付"),
    PayableState.PAID_OUT: N_("已划付收款方"),
    PayableState.CONFIRMED: N_("已确认收款"),
    PayableState.RELEASED: N_("已解除"),
    PayableState.REFUNDED: N_("已退款"),
    PayableState.CANCELLED: N_("已取消"),
}


class PayableAct(StrEnum):
    """What may happen to a payable."""

    SUBMIT_VOUCHER = "submit-voucher"
    CONTEST = "contest"
    CONFIRM = "confirm"
    CONFIRM_FROM_STATEMENT = "confirm-from-statement"
    CANCEL = "cancel"
    START = "start"
    FAIL = "fail"
    AUTHORISE = "authorise"
    EXPIRE = "expire"
    CAPTURE = "capture"
    RELEASE = "release"
    PAY_OUT = "pay-out"
    REVERSE_PAYOUT = "reverse-payout"
    REFUND_PART = "refund-part"
    REFUND = "refund"
    FAIL_REFUND = "fail-refund"
    DISPUTE = "dispute"
    WIN_DISPUTE = "win-dispute"
    WIN_AFTER_PAYOUT = "win-after-payout"
    LOSE_DISPUTE = "lose-dispute"


S, A = PayableState, PayableAct
TRANSITIONS: Mapping[tuple[PayableState, PayableAct], PayableState] = {
    # by bank: the payer proves, the payee confirms
    (S.DUE, A.SUBMIT_VOUCHER): S.VOUCHERED,
    (S.CONTESTED, A.SUBMIT_VOUCHER): S.VOUCHERED,
    (S.EXPIRED, A.SUBMIT_VOUCHER): S.VOUCHERED,
    (S.VOUCHERED, A.CONTEST): S.CONTESTED,
    (S.VOUCHERED, A.CONFIRM): S.CONFIRMED,
    (S.CONTESTED, A.CONFIRM): S.CONFIRMED,
    (S.DUE, A.CONFIRM_FROM_STATEMENT): S.CONFIRMED,
    (S.VOUCHERED, A.CONFIRM_FROM_STATEMENT): S.CONFIRMED,
    (S.CONTESTED, A.CONFIRM_FROM_STATEMENT): S.CONFIRMED,
    (S.EXPIRED, A.CONFIRM_FROM_STATEMENT): S.CONFIRMED,
    # taken back before anything was paid
    (S.DUE, A.CANCEL): S.CANCELLED,
    (S.CONTESTED, A.CANCEL): S.CANCELLED,
    (S.EXPIRED, A.CANCEL): S.CANCELLED,
    # through the provider: its events arrive late, doubled and out of order, so what comes first may come alone
    (S.DUE, A.START): S.PROCESSING,
    (S.CONTESTED, A.START): S.PROCESSING,
    (S.EXPIRED, A.START): S.PROCESSING,
    (S.PROCESSING, A.START): S.PROCESSING,
    (S.PROCESSING, A.FAIL): S.DUE,
    (S.DUE, A.AUTHORISE): S.AUTHORISED,
    (S.PROCESSING, A.AUTHORISE): S.AUTHORISED,
    (S.DUE, A.CAPTURE): S.CAPTURED,
    (S.PROCESSING, A.CAPTURE): S.CAPTURED,
    (S.AUTHORISED, A.CAPTURE): S.CAPTURED,
    (S.AUTHORISED, A.EXPIRE): S.EXPIRED,
    (S.AUTHORISED, A.RELEASE): S.RELEASED,
    (S.CAPTURED, A.PAY_OUT): S.PAID_OUT,
    (S.PAID_OUT, A.REVERSE_PAYOUT): S.CAPTURED,
    (S.PAID_OUT, A.CONFIRM): S.CONFIRMED,
    (S.CAPTURED, A.REFUND_PART): S.CAPTURED,
    (S.CAPTURED, A.REFUND): S.REFUNDED,
    (S.CAPTURED, A.DISPUTE): S.DISPUTED,
    (S.PAID_OUT, A.DISPUTE): S.DISPUTED,
    (S.CONFIRMED, A.DISPUTE): S.DISPUTED,
    (S.CONFIRMED, A.REVERSE_PAYOUT): S.CAPTURED,
    (S.DISPUTED, A.WIN_DISPUTE): S.CAPTURED,
    (S.DISPUTED, A.WIN_AFTER_PAYOUT): S.PAID_OUT,
    (S.DISPUTED, A.LOSE_DISPUTE): S.REFUNDED,
    # a refund comes back from the payer's bank, days later
    (S.REFUNDED, A.FAIL_REFUND): S.CAPTURED,
    (S.CAPTURED, A.FAIL_REFUND): S.CAPTURED,
    (S.DISPUTED, A.FAIL_REFUND): S.DISPUTED,
    (S.PAID_OUT, A.FAIL_REFUND): S.PAID_OUT,
    (S.CONFIRMED, A.FAIL_REFUND): S.CONFIRMED,
    # a dispute does not wait for the payee: the payout is taken back before or after the bank has decided
    (S.DISPUTED, A.REVERSE_PAYOUT): S.DISPUTED,
    (S.REFUNDED, A.REVERSE_PAYOUT): S.REFUNDED,
    # a bond that has served: by bank the holder owes it back as a payable of its own
    (S.CONFIRMED, A.RELEASE): S.RELEASED,
}

PAYER_TURN = frozenset({S.DUE, S.CONTESTED, S.PROCESSING, S.EXPIRED})
PAYEE_TURN = frozenset({S.VOUCHERED, S.PAID_OUT})
PLATFORM_TURN = frozenset({S.AUTHORISED, S.CAPTURED, S.DISPUTED})
OPEN = PAYER_TURN | PAYEE_TURN | PLATFORM_TURN
UNPAID = frozenset({S.DUE, S.CONTESTED, S.EXPIRED})
"""What the floor above may still take back: exactly the states with a CANCEL."""


class RefundAbovePaid(Rejected):
    """More would go back than is there."""

    code = "refund-above-paid"
    text = N_("退款 %(asked)s 元，超过尚可退还的 %(left)s 元。请改小金额后再提交。")


class CaptureAboveHeld(Rejected):
    """More would be taken than is owed or held."""

    code = "capture-above-held"
    text = N_("扣款 %(asked)s 元，超过应付的 %(left)s 元。请改小金额后再提交。")


class CurrencyMixed(Rejected):
    """Money of another currency than the payable's."""

    code = "currency-mixed"
    text = N_("这笔款项以 %(expected)s 计，收到的是 %(given)s。不同币种不能相抵，请按原币种办理。")


class PayoutOnHold(Conflict):
    """The regulator holds the money."""

    code = "payment-on-hold"
    text = N_("这笔款项已由 %(who)s 暂停支付，原因：%(reason)s。解除暂停后才能付款或划付。")


@dataclass(frozen=True)
class Position:
    """How much of a payable was taken, given back and passed on, in yuan. `authorised` is what a card holds ready."""

    state: PayableState
    amount: Decimal
    captured: Decimal = ZERO
    refunded: Decimal = ZERO
    paid_out: Decimal = ZERO
    currency: str = "CNY"

    @property
    def held(self) -> Decimal:
        """What the platform keeps for the payee."""
        return self.captured - self.refunded - self.paid_out

    @property
    def lost(self) -> Decimal:
        """What the payer's bank took back although the payee has it: the payee owes it to the platform."""
        return max(self.refunded + self.paid_out - self.captured, ZERO)

    @property
    def reversible(self) -> Decimal:
        """What may be taken back from the payee: all it was given, but when the money has gone back to the payer, only
        what the platform is short of."""
        return self.lost if self.state is S.REFUNDED else self.paid_out

    def same_currency(self, currency: str) -> None:
        """Raise `CurrencyMixed` when money of another currency is to be counted here."""
        if currency.upper() != self.currency:
            raise CurrencyMixed(expected=self.currency, given=currency.upper())

    def capture(self, amount: Decimal) -> "Position":
        """Take `amount`, in full or in part; what is not taken is let go. `CaptureAboveHeld`."""
        state = advance(TRANSITIONS, self.state, A.CAPTURE)
        if not ZERO < amount <= self.amount:
            raise CaptureAboveHeld(asked=f"{amount:.2f}", left=f"{self.amount:.2f}")
        return replace(self, state=state, captured=amount)

    def pay_out(self) -> "Position":
        """Pass on all that is held."""
        return replace(self, state=advance(TRANSITIONS, self.state, A.PAY_OUT), paid_out=self.paid_out + self.held)

    def reverse_payout(self, amount: Decimal) -> "Position":
        """Take `amount` back from the payee, at most what is `reversible`. `NotAllowedNow`, `RefundAbovePaid`."""
        state = advance(TRANSITIONS, self.state, A.REVERSE_PAYOUT)
        if not ZERO < amount <= self.reversible:
            raise RefundAbovePaid(asked=f"{amount:.2f}", left=f"{self.reversible:.2f}")
        return replace(self, state=state, paid_out=self.paid_out - amount)

    def refund(self, amount: Decimal) -> "Position":
        """Give `amount` back to the payer out of what is held. `RefundAbovePaid`."""
        act = A.REFUND if amount == self.captured - self.refunded else A.REFUND_PART
        state = advance(TRANSITIONS, self.state, act)
        if not ZERO < amount <= self.held:
            raise RefundAbovePaid(asked=f"{amount:.2f}", left=f"{max(self.held, ZERO):.2f}")
        return replace(self, state=state, refunded=self.refunded + amount)

    def fail_refund(self, amount: Decimal) -> "Position":
        """A refund of `amount` came back: it is kept again. What a lost dispute has eaten up stays refunded."""
        after = replace(self, refunded=self.refunded - amount)
        state = advance(TRANSITIONS, self.state, A.FAIL_REFUND)
        if not ZERO < amount <= self.refunded:
            raise RefundAbovePaid(asked=f"{amount:.2f}", left=f"{self.refunded:.2f}")
        return replace(after, state=state if after.held > ZERO else self.state)
