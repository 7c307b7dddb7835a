"""What moves money in the double: intents, charges, captures, refunds, disputes."""

from typing import Any

from payments.stripe_double import money
from payments.stripe_double.cards import Card
from payments.stripe_double.faults import StripeFault, declined
from payments.stripe_double.store import PLATFORM, Book, fresh, stamp

HOLD_SECONDS = 7 * 24 * 3600
AVAILABLE_SECONDS = 2 * 24 * 3600
Body = dict[str, Any]


def new_intent(amount: int, currency: str, capture: str, methods: list[str], **facts: Any) -> Body:
    """A payment intent that nobody has confirmed."""
    return {
        "id": fresh("pi"),
        "object": "payment_intent",
        "allowed_payment_method_types": methods,
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": capture,
        "client_secret": fresh("secret"),
        "confirmation_method": "automatic",
        "created": stamp(),
        "currency": currency,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "payment_method": None,
        "payment_method_types": methods,
        "status": "requires_payment_method",
        "transfer_group": None,
    } | {name: value for name, value in facts.items() if value is not None}


def details(card: Card) -> Body:
    """The part of a charge that says how it was paid."""
    if card.method != "card":
        return {"type": card.method, card.method: {}}
    inner = {"brand": card.brand, "last4": card.last4, "country": "CN", "capture_before": stamp() + HOLD_SECONDS}
    return {"type": "card", "card": inner}


async def confirm(book: Book, intent: Body, name: str, card: Card, *, passed: bool = False) -> Body:
    """Try to pay; a declined card leaves a failed charge and raises after the caller has stored it."""
    if intent["status"] not in {"requires_payment_method", "requires_confirmation", "requires_action"}:
        raise _unexpected(intent, "confirm")
    if card.method not in intent["payment_method_types"] or (
        card.method != "card" and intent["capture_method"] == "manual"
    ):
        raise StripeFault(f"This PaymentIntent does not accept {card.method}.", code="payment_intent_invalid_parameter")
    intent["payment_method"] = name
    if card.challenge and not passed:
        intent |= {"status": "requires_action", "next_action": {"type": "use_stripe_sdk"}}
        await book.put(intent)
        await book.emit("payment_intent.requires_action", intent)
        return intent
    intent["next_action"] = None
    if card.code:
        return await fail(book, intent, card)
    charge = await _charge(book, intent, card)
    if intent["capture_method"] == "manual":
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        await book.put(intent)
        await book.emit("charge.succeeded", charge)
        await book.emit("payment_intent.amount_capturable_updated", intent)
        return intent
    await _collect(book, charge, intent["amount"])
    intent |= {"status": "succeeded", "amount_received": intent["amount"]}
    await book.put(intent)
    await book.emit("charge.succeeded", charge)
    await book.emit("payment_intent.succeeded", intent)
    if card.disputed:
        await dispute(book, charge, card.disputed)
    return intent


async def fail(book: Book, intent: Body, card: Card) -> Body:
    """A declined attempt: the intent waits for another card."""
    charge = await _charge(book, intent, card, failed=True)
    error = declined(card.code, card.decline or None).body["error"] | {"charge": charge["id"]}
    intent |= {"status": "requires_payment_method", "last_payment_error": error, "payment_method": None}
    await book.put(intent)
    await book.emit("charge.failed", charge)
    await book.emit("payment_intent.payment_failed", intent)
    return intent


async def _charge(book: Book, intent: Body, card: Card, *, failed: bool = False) -> Body:
    charge: Body = {
        "id": fresh("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "balance_transaction": None,
        "captured": False,
        "created": stamp(),
        "currency": intent["currency"],
        "disputed": False,
        "failure_code": card.code or None if failed else None,
        "livemode": False,
        "metadata": intent["metadata"],
        "paid": not failed,
        "payment_intent": intent["id"],
        "payment_method_details": details(card),
        "refunded": False,
        "status": "failed" if failed else "succeeded",
        "transfer_group": intent["transfer_group"],
    }
    intent["latest_charge"] = charge["id"]
    return await book.put(charge)


async def _collect(book: Book, charge: Body, amount: int) -> None:
    method = charge["payment_method_details"]["type"]
    gross = money.convert(amount, charge["currency"], book.settlement, await book.turn())
    moved = await transact(book, "charge", gross.amount, money.fee(method, gross.amount), charge["id"], rate=gross.rate)
    charge |= {"captured": True, "amount_captured": amount, "balance_transaction": moved["id"]}
    await book.put(charge)


async def transact(
    book: Book,
    kind: str,
    amount: int,
    fee: int,
    source: str,
    *,
    rate: Any = None,
    account: str = PLATFORM,
    currency: str | None = None,
) -> Body:
    """One line of an account's balance, in its settlement currency."""
    return await book.put(
        {
            "id": fresh("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": stamp() + (AVAILABLE_SECONDS if kind == "charge" else 0),
            "created": stamp(),
            "currency": currency or book.settlement,
            "exchange_rate": None if rate is None else float(rate),
            "fee": fee,
            "fee_details": [
                {
                    "amount": fee,
                    "currency": currency or book.settlement,
                    "type": "stripe_fee",
                    "description": "Stripe fees",
                }
            ]
            if fee
            else [],
            "net": amount - fee,
            "reporting_category": kind,
            "source": source,
            "status": "available",
            "type": kind,
        },
        account=account,
    )


async def capture(book: Book, intent: Body, wanted: int | None) -> Body:
    """Take what was held, or a part of it; the rest is let go."""
    if intent["status"] != "requires_capture":
        raise _unexpected(intent, "capture")
    amount = intent["amount_capturable"] if wanted is None else wanted
    if not 0 < amount <= intent["amount_capturable"]:
        raise StripeFault(
            "The amount to capture is greater than the amount that can be captured.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    charge = await book.find("charge", intent["latest_charge"])
    await _collect(book, charge, amount)
    intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
    await book.put(intent)
    await book.emit("charge.captured", charge)
    await book.emit("payment_intent.succeeded", intent)
    return intent


async def cancel(book: Book, intent: Body, reason: str | None) -> Body:
    """Let go of what is held, or give up an intent."""
    if intent["status"] in {"succeeded", "canceled"}:
        raise _unexpected(intent, "cancel")
    intent |= {
        "status": "canceled",
        "canceled_at": stamp(),
        "cancellation_reason": reason,
        "amount_capturable": 0,
        "next_action": None,
    }
    await book.put(intent)
    await book.emit("payment_intent.canceled", intent)
    return intent


async def expire_holds(book: Book) -> int:
    """Let go of every hold whose time is over; how many."""
    gone = 0
    for intent in await book.held():
        charge = await book.find("charge", intent["latest_charge"])
        if charge["payment_method_details"]["card"]["capture_before"] <= stamp():
            await book.emit("charge.expired", charge)
            await cancel(book, intent, "automatic")
            gone += 1
    return gone


async def refund(book: Book, charge: Body, wanted: int | None, reason: str | None, metadata: Body) -> Body:
    """Give back all that is left of a charge, or a part of it; Stripe keeps its fee."""
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = left if wanted is None else wanted
    if not charge["captured"]:
        raise StripeFault("This charge has not been captured.", code="charge_not_refundable")
    if charge["disputed"]:
        raise StripeFault("This charge has been charged back.", code="charge_disputed")
    if left == 0:
        raise StripeFault("Charge has already been refunded.", code="charge_already_refunded")
    if amount > left:
        raise StripeFault(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            code="amount_too_large",
            param="amount",
        )
    body: Body = {
        "id": fresh("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": stamp(),
        "currency": charge["currency"],
        "failure_balance_transaction": None,
        "failure_reason": None,
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "succeeded",
    }
    back = money.convert(amount, charge["currency"], book.settlement, await book.turn())
    moved = await transact(book, "refund", -back.amount, 0, body["id"], rate=back.rate)
    body["balance_transaction"] = moved["id"]
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    await book.put(body)
    await book.put(charge)
    await book.emit("refund.created", body)
    await book.emit("charge.refunded", charge)
    return body


async def fail_refund(book: Book, body: Body, reason: str) -> Body:
    """The payer's bank sends a refund back days after it went out: the money is in the balance again, at the same rate."""
    if body["status"] != "succeeded":
        raise StripeFault("Only a refund that has succeeded can fail.")
    taken = await book.find("balance_transaction", body["balance_transaction"])
    moved = await transact(book, "refund_failure", -taken["amount"], 0, body["id"], rate=taken["exchange_rate"])
    body |= {"status": "failed", "failure_reason": reason, "failure_balance_transaction": moved["id"]}
    charge = await book.find("charge", body["charge"])
    charge["amount_refunded"] -= body["amount"]
    charge["refunded"] = False
    await book.put(body)
    await book.put(charge)
    await book.emit("refund.failed", body)
    await book.emit("charge.refund.updated", body)
    return body


async def dispute(book: Book, charge: Body, reason: str) -> Body:
    """The payer's bank takes the money back until the case is decided."""
    if charge["disputed"] or not charge["captured"]:
        raise StripeFault("This charge cannot be disputed now.", code="charge_disputed")
    amount = charge["amount_captured"] - charge["amount_refunded"]
    taken = money.convert(amount, charge["currency"], book.settlement, await book.turn())
    body: Body = {
        "id": fresh("dp"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": stamp(),
        "currency": charge["currency"],
        "evidence": {},
        "evidence_details": {"due_by": stamp() + 14 * 24 * 3600, "has_evidence": False, "submission_count": 0},
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "needs_response",
    }
    moved = await transact(book, "adjustment", -taken.amount, money.DISPUTE_FEE, body["id"], rate=taken.rate)
    body["balance_transactions"] = [moved]
    charge["disputed"] = True
    await book.put(body)
    await book.put(charge)
    await book.emit("charge.dispute.created", body)
    await book.emit("charge.dispute.funds_withdrawn", body)
    return body


async def decide(book: Book, body: Body, *, won: bool) -> Body:
    """The bank decides: won, the money comes back (the fee does not)."""
    if body["status"] in {"won", "lost"}:
        raise StripeFault("This dispute is already closed.")
    body["status"] = "won" if won else "lost"
    if won:
        taken = body["balance_transactions"][0]
        moved = await transact(book, "adjustment", -taken["amount"], 0, body["id"], rate=taken["exchange_rate"])
        body["balance_transactions"] = [taken, moved]
        charge = await book.find("charge", body["charge"])
        charge["disputed"] = False
        await book.put(charge)
    await book.put(body)
    await book.emit("charge.dispute.closed", body)
    if won:
        await book.emit("charge.dispute.funds_reinstated", body)
    return body


def _unexpected(intent: Body, act: str) -> StripeFault:
    return StripeFault(
        f"You cannot {act} this PaymentIntent because it has a status of {intent['status']}.",
        code="payment_intent_unexpected_state",
        also={"payment_intent": intent},
    )
