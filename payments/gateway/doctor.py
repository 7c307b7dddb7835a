"""What is missing before money can come: every condition looked at, each with what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core import settings
from core.errors import DomainError, Message
from core.i18n import N_
from payments.gateway import client
from payments.gateway.configuration import API_VERSION, WEBHOOK_PATH, Configuration
from payments.rules.stripe import CARD_COUNTRIES

NEEDED = (
    "account.updated",
    "charge.captured",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.refunded",
    "checkout.session.completed",
    "checkout.session.expired",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.succeeded",
    "payout.failed",
    "payout.paid",
    "refund.failed",
    "transfer.created",
)
"""Events that the endpoint must be sent; anything else is kept without effect."""

OFF = N_("没有设置 XINSHI_STRIPE_KEY：只用银行转账收付，这是正常的。要开通在线支付，见 docs/guides/stripe.md。")
KEY = N_("密钥为%(kind)s密钥，与运行环境相符")
SECRETS = N_("设置了 %(count)s 个 webhook 密钥（XINSHI_STRIPE_WEBHOOK_SECRETS）")
ADDRESS = N_("对外地址 %(address)s 可供 Stripe 回调（XINSHI_PUBLIC_URL，https）")
REACHED = N_("能用这个密钥连上 Stripe（%(api)s）")
COUNTRY = N_("账户所在地 %(theirs)s 与 XINSHI_STRIPE_COUNTRY=%(ours)s 相符，且 Stripe 在当地开户")
CURRENCY = N_("账户结算币种 %(theirs)s 与 XINSHI_STRIPE_CURRENCY=%(ours)s 相符")
CHARGES = N_("账户已可收款")
PAYOUTS = N_("账户已可付到银行")
ENDPOINT = N_("在 Stripe 登记了 webhook 地址 %(url)s，状态为启用")
VERSION = N_("webhook 的 API 版本为 %(ours)s（登记的是 %(theirs)s）")
EVENTS = N_("webhook 订阅了全部需要的事件（还缺：%(missing)s）")
LIVE: Mapping[bool, str] = {True: N_("正式"), False: N_("测试")}


@dataclass(frozen=True)
class Finding:
    """One condition and whether it is met."""

    ok: bool
    text: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def render(self) -> str:
        """The sentence in the reader's language."""
        return Message(self.text, self.params).render()


async def examine() -> list[Finding]:
    """Every condition in the order in which one meets them; ends early where the rest cannot be known."""
    known = client.account()
    if known is None:
        return [Finding(True, OFF)]
    address = settings.load().address
    findings = [
        Finding(known.live == settings.load().production, KEY, {"kind": Message(LIVE[known.live])}),
        Finding(bool(known.secrets), SECRETS, {"count": len(known.secrets)}),
        Finding(address.startswith("https://") or not known.live, ADDRESS, {"address": address}),
    ]
    try:
        account = await client.gateway().own_account()
        endpoints = await client.gateway().endpoints()
    except DomainError:
        return [*findings, Finding(False, REACHED, {"api": known.api})]
    return [
        *findings,
        Finding(True, REACHED, {"api": known.api}),
        *of_account(account, known),
        *of_endpoints(endpoints, address + WEBHOOK_PATH),
    ]


def of_account(account: Mapping[str, Any], known: Configuration) -> list[Finding]:
    """What Stripe says about the account itself."""
    country, currency = str(account["country"]), str(account["default_currency"])
    return [
        Finding(
            country == known.country and country in CARD_COUNTRIES, COUNTRY, {"theirs": country, "ours": known.country}
        ),
        Finding(currency == known.currency, CURRENCY, {"theirs": currency, "ours": known.currency}),
        Finding(bool(account["charges_enabled"]), CHARGES),
        Finding(bool(account["payouts_enabled"]), PAYOUTS),
    ]


def of_endpoints(endpoints: list[dict[str, Any]], url: str) -> list[Finding]:
    """Whether events come to us, all of them, in the version we understand."""
    ours = next((one for one in endpoints if one["url"] == url and one["status"] == "enabled"), None)
    if ours is None:
        return [Finding(False, ENDPOINT, {"url": url})]
    version = ours.get("api_version") or API_VERSION
    wanted = set(ours["enabled_events"])
    missing = [] if "*" in wanted else [name for name in NEEDED if name not in wanted]
    return [
        Finding(True, ENDPOINT, {"url": url}),
        Finding(version == API_VERSION, VERSION, {"ours": API_VERSION, "theirs": version}),
        Finding(not missing, EVENTS, {"missing": "、".join(missing) or "—"}),
    ]
