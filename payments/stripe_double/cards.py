"""Test cards by the names of Stripe's test payment methods, and what happens when they are used."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """How a payment method behaves."""

    method: str = "card"
    brand: str = "visa"
    last4: str = "4242"
    code: str = ""
    decline: str = ""
    challenge: bool = False
    disputed: str = ""


CARDS: dict[str, Card] = {
    "pm_card_visa": Card(),
    "pm_card_mastercard": Card(brand="mastercard", last4="4444"),
    "pm_card_unionpay": Card(brand="unionpay", last4="0005"),
    "pm_card_visa_chargeDeclined": Card(last4="0002", code="card_declined", decline="generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": Card(
        last4="9995", code="card_declined", decline="insufficient_funds"
    ),
    "pm_card_chargeDeclinedExpiredCard": Card(last4="0069", code="expired_card"),
    "pm_card_authenticationRequired": Card(last4="3184", challenge=True),
    "pm_card_createDispute": Card(last4="0259", disputed="fraudulent"),
    "pm_alipay": Card(method="alipay", last4=""),
    "pm_wechat_pay": Card(method="wechat_pay", last4=""),
}


def card(name: str) -> Card | None:
    """How the payment method of that name behaves; None for an unknown one."""
    return CARDS.get(name)
