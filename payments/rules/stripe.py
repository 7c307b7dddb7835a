"""Paying through Stripe: which ways to pay there are, and the lives of an attempt, an order and a payee's account.

Countries, currencies and limits are Stripe's (its documentation of payment methods, currencies and Connect, November
2026). An attempt never goes back: events arrive late, doubled and out of order, so an old one simply changes nothing.
Amounts are fen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from core.errors import Conflict, Message, NotFound, Rejected
from core.i18n import N_
from core.money import half_up

LEAST_FEN = 500
"""Stripe wants at least about half a US dollar once converted; five yuan are always enough."""
MOST_FEN = 99_999_999
"""Eight digits in minor units."""
CHECKOUT_HOURS = 23
"""A page to pay on lives at most 24 hours."""
ASK_AGAIN_HOURS = 48
"""So long before a hold runs out the parties are told."""


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


EEA = _codes("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LI LT LU LV MT NL NO PL PT RO SE SI SK")
CARD_COUNTRIES = EEA | _codes("AE AU BR CA CH GB GI HK ID IN JP MX MY NZ SG TH US")
ALIPAY_COUNTRIES = EEA | _codes("AU CA CH GB GI HK JP MY NZ SG US")
WECHAT_COUNTRIES = (EEA - {"HR", "LI"}) | _codes("AU CA CH GB HK JP SG US")
CROSS_BORDER = EEA | _codes("CA CH GB US")
"""Among these a platform may pay accounts of each other's countries; elsewhere only of its own."""


class Way(StrEnum):
    """How the payer pays on Stripe's page; the values are Stripe's names."""

    CARD = "card"
    ALIPAY = "alipay"
    WECHAT_PAY = "wechat_pay"


WAY_TITLES: dict[Way, str] = {
    Way.CARD: N_("银行卡"),
    Way.ALIPAY: N_("支付宝"),
    Way.WECHAT_PAY: N_("微信支付"),
}
COUNTRIES: dict[Way, frozenset[str]] = {
    Way.CARD: CARD_COUNTRIES,
    Way.ALIPAY: ALIPAY_COUNTRIES,
    Way.WECHAT_PAY: WECHAT_COUNTRIES,
}
NO_COUNTRY = N_("平台的 Stripe 账户开在 %(country)s，当地不提供这种方式")
ONLY_CARD_HOLDS = N_("这种方式只能直接付款，不能冻结保证金")
TOO_LITTLE = N_("金额低于 Stripe 的最低收款额 5.00 元")
TOO_MUCH = N_("金额超过 Stripe 单笔上限 999,999.99 元")


@dataclass(frozen=True)
class Offer:
    """One way to pay: open, or why not."""

    way: Way
    refused: Message | None = None


def offers(amount: int, *, hold: bool, country: str) -> tuple[Offer, ...]:
    """Every way to pay `amount` fen to a Stripe account of that country, each with the reason where it is closed."""
    return tuple(Offer(way, _refused(way, amount, hold, country)) for way in Way)


def _refused(way: Way, amount: int, hold: bool, country: str) -> Message | None:
    if country not in COUNTRIES[way]:
        return Message(NO_COUNTRY, {"country": country})
    if hold and way is not Way.CARD:
        return Message(ONLY_CARD_HOLDS)
    if amount < LEAST_FEN:
        return Message(TOO_LITTLE)
    if amount > MOST_FEN:
        return Message(TOO_MUCH)
    return None


def open_ways(amount: int, *, hold: bool, country: str) -> tuple[Way, ...]:
    """The ways that are open; `NoWayToPay` when none is."""
    found = tuple(offer.way for offer in offers(amount, hold=hold, country=country) if offer.refused is None)
    if not found:
        raise NoWayToPay
    return found


def payee_countries(platform: str) -> frozenset[str]:
    """Countries of accounts that a platform of that country may pay."""
    return CROSS_BORDER if platform in CROSS_BORDER else frozenset({platform}) & CARD_COUNTRIES


class AttemptState(StrEnum):
    """Where one attempt to pay through Stripe stands."""

    PREPARED = "prepared"
    OPEN = "open"
    HELD = "held"
    PAID = "paid"
    LET_GO = "let-go"
    RAN_OUT = "ran-out"
    LAPSED = "lapsed"


ATTEMPT_TITLES: dict[AttemptState, str] = {
    AttemptState.PREPARED: N_("正在联系 Stripe"),
    AttemptState.OPEN: N_("等待在 Stripe 页面付款"),
    AttemptState.HELD: N_("已冻结"),
    AttemptState.PAID: N_("已扣款"),
    AttemptState.LET_GO: N_("已解冻"),
    AttemptState.RAN_OUT: N_("冻结已过期"),
    AttemptState.LAPSED: N_("未付款，页面已失效"),
}


class AttemptAct(StrEnum):
    """What has been seen of an attempt at Stripe."""

    OPEN = "open"
    HOLD = "hold"
    COLLECT = "collect"
    LET_GO = "let-go"
    RUN_OUT = "run-out"
    LAPSE = "lapse"


S, A = AttemptState, AttemptAct
ATTEMPT_TRANSITIONS: Mapping[tuple[AttemptState, AttemptAct], AttemptState] = {
    (S.PREPARED, A.OPEN): S.OPEN,
    (S.PREPARED, A.HOLD): S.HELD,
    (S.PREPARED, A.COLLECT): S.PAID,
    (S.PREPARED, A.LAPSE): S.LAPSED,
    (S.PREPARED, A.LET_GO): S.LET_GO,
    (S.PREPARED, A.RUN_OUT): S.RAN_OUT,
    (S.OPEN, A.HOLD): S.HELD,
    (S.OPEN, A.COLLECT): S.PAID,
    (S.OPEN, A.LAPSE): S.LAPSED,
    (S.OPEN, A.LET_GO): S.LET_GO,
    (S.OPEN, A.RUN_OUT): S.RAN_OUT,
    (S.HELD, A.COLLECT): S.PAID,
    (S.HELD, A.LET_GO): S.LET_GO,
    (S.HELD, A.RUN_OUT): S.RAN_OUT,
    # given up here, paid there after all: what Stripe has taken is never left unexplained
    (S.LAPSED, A.COLLECT): S.PAID,
}
LIVE = frozenset({S.PREPARED, S.OPEN})
"""Nobody knows yet whether it will be paid."""


def observe(state: AttemptState, act: AttemptAct) -> AttemptState | None:
    """The state after something was seen; None when it is old news."""
    return ATTEMPT_TRANSITIONS.get((state, act))


def seen_in(status: str, reason: str | None) -> AttemptAct | None:
    """What a PaymentIntent's status says; None while nothing has been decided."""
    match status:
        case "succeeded":
            return A.COLLECT
        case "requires_capture":
            return A.HOLD
        case "canceled":
            return A.RUN_OUT if reason == "automatic" else A.LET_GO
        case _:
            return None


class OrderKind(StrEnum):
    """What Stripe is told to do; an order is written before the call and carries its idempotency key."""

    CAPTURE = "capture"
    RELEASE = "release"
    REFUND = "refund"
    TRANSFER = "transfer"
    REVERSE = "reverse"
    CLOSE_PAGE = "close-page"
    SEND_EVIDENCE = "send-evidence"
    CONCEDE = "concede"


class OrderState(StrEnum):
    """Whether Stripe has done it."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"


ORDER_TITLES: dict[OrderKind, str] = {
    OrderKind.CAPTURE: N_("扣划冻结款"),
    OrderKind.RELEASE: N_("解冻"),
    OrderKind.REFUND: N_("退款"),
    OrderKind.TRANSFER: N_("划付收款方"),
    OrderKind.REVERSE: N_("撤回划付"),
    OrderKind.CLOSE_PAGE: N_("关闭付款页"),
    OrderKind.SEND_EVIDENCE: N_("提交拒付申诉材料"),
    OrderKind.CONCEDE: N_("认可拒付"),
}
ORDER_STATE_TITLES: dict[OrderState, str] = {
    OrderState.WAITING: N_("待 Stripe 办理"),
    OrderState.DONE: N_("已办理"),
    OrderState.REFUSED: N_("Stripe 未受理"),
}


DISPUTE_ANSWERABLE = frozenset({"needs_response", "warning_needs_response"})
"""Statuses in which the payer's bank waits for an answer."""
DISPUTE_TITLES: dict[str, str] = {
    "needs_response": N_("待提交申诉材料"),
    "under_review": N_("银行审理中"),
    "won": N_("申诉成功"),
    "lost": N_("申诉未成"),
    "warning_needs_response": N_("银行询问，待答复"),
    "warning_under_review": N_("银行询问，审理中"),
    "warning_closed": N_("银行询问已结束"),
}
"""Stripe's states of a dispute."""
REASON_TITLES: dict[str, str] = {
    "fraudulent": N_("持卡人称非本人付款"),
    "duplicate": N_("持卡人称重复扣款"),
    "product_not_received": N_("持卡人称没有收到服务"),
    "product_unacceptable": N_("持卡人称服务不合要求"),
    "credit_not_processed": N_("持卡人称应退未退"),
    "unrecognized": N_("持卡人不认得这笔款"),
    "general": N_("银行没有说明原因"),
}
"""Stripe's reasons of a dispute; others are shown as its code."""


REFUND_REASON_TITLES: dict[str, str] = {
    "lost_or_stolen_card": N_("收款卡已挂失"),
    "expired_or_canceled_card": N_("收款卡已过期或注销"),
    "charge_for_pending_refund_disputed": N_("付款方已向银行拒付"),
    "insufficient_funds": N_("平台余额不足"),
    "declined": N_("银行拒绝入账"),
    "merchant_request": N_("按平台要求撤销"),
    "unknown": N_("银行没有说明原因"),
}
"""Stripe's reasons why a refund came back; others are shown as its code."""


class EventState(StrEnum):
    """What became of an event of Stripe."""

    WAITING = "waiting"
    APPLIED = "applied"
    IGNORED = "ignored"
    STUCK = "stuck"


def share(gross: int, held: Decimal, captured: Decimal) -> int:
    """What `held` of `captured` yuan are of a charge that brought `gross` in the account's own currency."""
    return int(half_up(Decimal(gross) * held / captured, 0))


class NoWayToPay(Rejected):
    """No way to pay this amount through Stripe."""

    code = "no-way-to-pay"
    text = N_("这笔款项不能通过 Stripe 支付，原因见页面说明。请用银行转账。")


class AttemptNotFound(NotFound):
    """Absent, or of another payable."""

    code = "attempt-not-found"
    text = N_("没有找到这次付款。请回到款项页重新开始。")


class DisputeNotFound(NotFound):
    """Absent, or somebody else's."""

    code = "dispute-not-found"
    text = N_("没有找到这起拒付，或者它与您所在的单位无关。")


class PayeeNotReady(Conflict):
    """The payee has no account at Stripe that may receive money."""

    code = "payee-not-ready"
    text = N_("收款方还没有开通可收款的 Stripe 账户，暂不能划付。收款方可在“收款账户”页开通。")


class CountryNotServed(Rejected):
    """An account of that country cannot be paid from here."""

    code = "country-not-served"
    text = N_("平台的 Stripe 账户不能向 %(country)s 的账户划付。请填写支持的国家或地区，或继续用银行转账收款。")


class SignatureWrong(Rejected):
    """A webhook that Stripe has not sent, or not now."""

    status = 400
    code = "signature-wrong"
    text = N_("签名不符或已过时，这条通知没有收入。")


class HoldTooOld(Conflict):
    """A hold that has run out cannot be taken any more."""

    code = "hold-ran-out"
    text = N_("这笔冻结已于 %(at)s 到期，不能再扣划。请付款方重新冻结，或改用银行转账。")


TRAIL_TITLES: dict[str, str] = {
    "payable.started": N_("开始在线支付"),
    "payable.given-up": N_("放弃在线支付"),
    "payable.attempt-failed": N_("在线支付未完成"),
    "payable.authorised": N_("冻结保证金"),
    "payable.hold-ended": N_("保证金解冻"),
    "payable.hold-expired": N_("保证金冻结到期"),
    "payable.captured": N_("在线支付到账"),
    "payable.overpaid": N_("收到多付的款，退回"),
    "payable.overpaid-returned": N_("多付的款已退回"),
    "payable.capture-ordered": N_("要求扣划冻结的保证金"),
    "payable.refund-ordered": N_("要求退款"),
    "payable.refunded": N_("退款完成"),
    "payable.payout-reversal-ordered": N_("要求撤回划付"),
    "payable.payout-reversed": N_("划付已撤回"),
    "payable.disputed": N_("付款方向银行拒付"),
    "payable.dispute-answered": N_("提交拒付申诉材料"),
    "payable.dispute-conceded": N_("认可拒付"),
    "payable.dispute-won": N_("拒付申诉成功"),
    "payable.dispute-lost": N_("拒付成立"),
    "payee-account.opened": N_("收款账户开通"),
    "payee-account.changed": N_("收款账户状态变化"),
}
