"""What becomes of money that is kept: a bond that is forfeited, a refund that comes back, a payout by bank.

A bond is forfeited by whoever holds it, or by the regulator, because a promise was broken for which the notice or the
contract lets it be kept: in whole or in part, with a reason that the payer reads. What is not forfeited goes back. Money
that the platform keeps goes to the holder after three working days, so that the payer can turn to the regulator, who may
stop it (platform rules). Amounts are yuan.
"""

from decimal import Decimal
from enum import StrEnum

from core.errors import Conflict, NotAllowedNow, Rejected
from core.i18n import N_
from payments.rules.lifecycle import CaptureAboveHeld, PayableAct, PayableState, Position
from payments.rules.payables import NotABond

FORFEIT_WAIT_WORKDAYS = 3
"""Working days between a forfeiture and the payout of what the platform keeps (platform rule)."""
OBJECTION_WORKDAYS = 3
"""Working days in which the regulator is to answer the payer's objection to a forfeiture (platform rule)."""
OBJECTABLE = frozenset({PayableState.AUTHORISED, PayableState.CAPTURED})
"""States in which an objection on the page can still stop something: the platform has the money, not the holder."""
FORFEITABLE = frozenset({PayableState.AUTHORISED, PayableState.CAPTURED, PayableState.CONFIRMED})
"""States in which a bond is held: on the card, by the platform, by the holder itself."""


class BondForfeited(Conflict):
    """It is forfeited already, so it neither goes back nor is forfeited again."""

    code = "bond-forfeited"
    text = N_("这笔保证金已于 %(at)s 由 %(who)s 决定不予退还 %(amount)s 元，原因：%(reason)s。不能再解除或重复办理。")


class ForfeitWaits(Conflict):
    """The payer still has time to turn to the regulator."""

    code = "forfeit-waits"
    text = N_("这笔保证金已决定不予退还，%(until)s 之后才划付，以便缴存方向监管部门反映。到时系统自动办理。")


class ForfeitContested(Conflict):
    """The payer has objected in time and nobody has answered yet."""

    code = "forfeit-contested"
    text = N_("缴存方对不予退还有异议，监管部门答复之后才划付。")


class NothingToObject(Conflict):
    """No forfeiture is in force, or the holder has the money already."""

    code = "nothing-to-object"
    text = N_(
        "这笔保证金没有可以在这里提异议的决定：未决定不予退还，或者钱已在收款方。钱已在收款方的，请向监管部门书面反映。"
    )


class ObjectedAlready(Conflict):
    """One objection to a decision; a colleague was quicker."""

    code = "objected-already"
    text = N_("贵单位已于 %(at)s 对这个决定提出异议，监管部门会答复。不必重复提交。")


class NoOpenObjection(Conflict):
    """Nobody has objected, or a colleague has answered."""

    code = "no-open-objection"
    text = N_("这笔保证金没有待答复的异议，可能已由同事答复。结果见款项页。")


class OwnDecision(Conflict):
    """Nobody answers an objection to a decision of their own."""

    code = "own-decision"
    text = N_("不予退还是您本人决定的，异议须由另一位监督员答复。")


class ObjectionResult(StrEnum):
    """What the regulator answers to an objection to a forfeiture."""

    STOP = "stop"
    DISMISS = "dismiss"


OBJECTION_RESULTS = {
    ObjectionResult.STOP: N_("异议有理，暂停划付"),
    ObjectionResult.DISMISS: N_("异议不成立，照常划付"),
}


class RestGoesBackFirst(Conflict):
    """More is kept than was forfeited."""

    code = "rest-goes-back-first"
    text = N_("这笔保证金只有 %(amount)s 元不予退还，其余部分正在原路退回，退完才划付。")


class RefundFailed(Conflict):
    """Money that was to go back to the payer is still here."""

    code = "refund-failed"
    text = N_("有 %(amount)s 元退款被付款方的银行退回，须先重新退给付款方，才能划付。")


class RefundFailureSettled(Conflict):
    """Somebody else was quicker, or the refund was made again already."""

    code = "refund-failure-settled"
    text = N_("这笔退款已重新办理，不必重复提交。结果见款项页。")


class PayeeIsPaidOnline(Conflict):
    """The payee has an account at the provider, so nobody need go to the bank."""

    code = "payee-is-paid-online"
    text = N_("收款方已有可收款的 Stripe 账户，系统会自动划付，不必经银行办理。")


class NothingKept(Conflict):
    """Everything that is kept is claimed already."""

    code = "nothing-kept"
    text = N_("平台托管的款项正在交 Stripe 退款或划付，现在没有可经银行划付的钱。请等办理完再看。")


class ReturnDiffers(Rejected):
    """Money comes back as a whole, unless the platform is short of it after a lost dispute."""

    code = "return-differs"
    text = N_("收款方应整笔退回 %(owed)s 元，登记的是 %(asked)s 元。请核对回单后重新填写。")


TRAIL_TITLES: dict[str, str] = {
    "payable.forfeited": N_("保证金不予退还"),
    "payable.forfeit-undone": N_("未能扣划，不予退还的决定不再有效"),
    "payable.forfeit-objected": N_("缴存方对不予退还提出异议"),
    "payable.forfeit-objection-upheld": N_("对不予退还的异议有理，暂停划付"),
    "payable.forfeit-objection-dismissed": N_("对不予退还的异议不成立"),
    "payable.refund-failed": N_("退款被银行退回"),
    "payable.refund-retried": N_("重新退款"),
    "payable.paid-out-by-bank": N_("平台经银行划付收款方"),
    "payable.payout-returned-by-bank": N_("收款方经银行退回划付"),
}


def check_forfeit(at: Position, *, bond: bool, released: bool, asked: Decimal, left: Decimal) -> None:
    """Whether `asked` of a bond may be forfeited; `left` is what is held and not claimed otherwise.

    `NotABond`, `NotAllowedNow` (nothing is held), `CaptureAboveHeld`. A released bond is over: `NotAllowedNow`.
    """
    if not bond:
        raise NotABond
    if released or at.state not in FORFEITABLE:
        raise NotAllowedNow(state=at.state, act=PayableAct.CAPTURE)
    if not 0 < asked <= left:
        raise CaptureAboveHeld(asked=f"{asked:.2f}", left=f"{max(left, Decimal(0)):.2f}")


def check_rest(at: Position, forfeited: Decimal) -> None:
    """Raise `RestGoesBackFirst` while more of a forfeited bond is kept than was forfeited."""
    if at.held > forfeited:
        raise RestGoesBackFirst(amount=f"{forfeited:,.2f}")


def take_back(at: Position, amount: Decimal) -> Position:
    """The position after the payee gave `amount` back by bank: all of it, or after a lost dispute any part of what the
    platform is short of. `NotAllowedNow`, `RefundAbovePaid`, `ReturnDiffers`."""
    after = at.reverse_payout(amount)
    if at.state is not PayableState.REFUNDED and amount != at.reversible:
        raise ReturnDiffers(owed=f"{at.reversible:,.2f}", asked=f"{amount:,.2f}")
    return after
