"""Checkout sessions: what is shown to the payer, and what becomes of it."""

from typing import Any

from payments.stripe_double import charging, params
from payments.stripe_double.cards import Card, card
from payments.stripe_double.faults import StripeFault
from payments.stripe_double.store import Book, fresh, stamp

Body = dict[str, Any]
MOST = 99_999_999
LEAST = 400
SHORTEST, LONGEST = 30 * 60, 24 * 3600
METHODS = ("card", "alipay", "wechat_pay")


async def create(book: Book, given: Body, address: str) -> Body:
    """An open session with a page to pay on."""
    if params.needed(given, "mode") != "payment":
        raise StripeFault("Only payment mode is known here.", param="mode")
    lines = given.get("line_items")
    if not isinstance(lines, list) or not lines:
        raise StripeFault("Missing required param: line_items.", code="parameter_missing", param="line_items")
    currency, items = _items(lines)
    amount = sum(price for _, price in items)
    methods = given.get("allowed_payment_method_types") or ["card"]
    data = params.mapping(given, "payment_intent_data")
    capture = data.get("capture_method", "automatic")
    _check(methods, capture, amount, given)
    expires = params.number(given, "expires_at") or stamp() + LONGEST
    if not stamp() + SHORTEST - 60 <= expires <= stamp() + LONGEST + 60:
        raise StripeFault("expires_at must be between 30 minutes and 24 hours from now.", param="expires_at")
    body: Body = {
        "id": fresh("cs_test"),
        "object": "checkout.session",
        "allowed_payment_method_types": methods,
        "amount_subtotal": amount,
        "amount_total": amount,
        "cancel_url": given.get("cancel_url"),
        "client_reference_id": given.get("client_reference_id"),
        "created": stamp(),
        "currency": currency,
        "expires_at": expires,
        "livemode": False,
        "metadata": params.mapping(given, "metadata"),
        "mode": "payment",
        "payment_intent": None,
        "payment_intent_data": data | {"capture_method": capture},
        "payment_method_types": methods,
        "payment_status": "unpaid",
        "status": "open",
        "success_url": params.needed(given, "success_url"),
        "items": items,
    }
    body["url"] = f"{address}/pay/{body['id']}"
    return await book.put(body)


def _items(lines: list[Any]) -> tuple[str, list[tuple[str, int]]]:
    """The currency, and every line with its name and amount."""
    currency, items = "", []
    for line in lines:
        price = params.mapping(line, "price_data")
        if currency not in {"", price.get("currency")}:
            raise StripeFault("All line items must have the same currency.", param="line_items")
        currency = params.needed(price, "currency")
        amount = params.positive(price, "unit_amount") * (params.number(line, "quantity") or 1)
        items.append((params.needed(params.mapping(price, "product_data"), "name"), amount))
    return currency, items


def _check(methods: list[str], capture: str, amount: int, given: Body) -> None:
    if unknown := sorted(set(methods) - set(METHODS)):
        raise StripeFault(f"Invalid payment method type: {unknown[0]}", param="allowed_payment_method_types")
    if capture == "manual" and set(methods) != {"card"}:
        raise StripeFault(
            "These payment methods cannot be captured later.", param="payment_intent_data[capture_method]"
        )
    client = params.mapping(params.mapping(given, "payment_method_options"), "wechat_pay").get("client")
    if "wechat_pay" in methods and client != "web":
        raise StripeFault("wechat_pay needs client web.", param="payment_method_options[wechat_pay][client]")
    if amount > MOST:
        raise StripeFault("Amount must be no more than ¥999,999.99", code="amount_too_large", param="line_items")
    if amount < LEAST:
        raise StripeFault("Amount must convert to at least 400 cents.", code="amount_too_small", param="line_items")


async def pay(book: Book, session: Body, name: str, *, passed: bool = False) -> Body:
    """The payer presses a button; the session as it is then."""
    used = card(name)
    if used is None or session["status"] != "open":
        raise StripeFault("This session is no longer open.")
    intent = await _intent(book, session)
    intent = await charging.confirm(book, intent, name, used, passed=passed)
    if intent["status"] in {"succeeded", "requires_capture"}:
        session |= {
            "status": "complete",
            "payment_status": "paid" if intent["status"] == "succeeded" else "unpaid",
            "payment_intent": intent["id"],
        }
        await book.put(session)
        await book.emit("checkout.session.completed", shown(session))
    return session


async def _intent(book: Book, session: Body) -> Body:
    """The session's intent, made when somebody first tries to pay."""
    if session["payment_intent"]:
        return await book.find("payment_intent", session["payment_intent"])
    data = session["payment_intent_data"]
    intent = charging.new_intent(
        session["amount_total"],
        session["currency"],
        data["capture_method"],
        session["payment_method_types"],
        metadata=data.get("metadata"),
        description=data.get("description"),
        transfer_group=data.get("transfer_group"),
    )
    await book.put(intent)
    await book.emit("payment_intent.created", intent)
    session["payment_intent"] = intent["id"]
    await book.put(session)
    return intent


async def expire(book: Book, session: Body) -> Body:
    """Nobody can pay any more."""
    if session["status"] != "open":
        raise StripeFault("Only Checkout Sessions with a status in [open] can be expired.")
    session |= {"status": "expired", "url": None}
    await book.put(session)
    if session["payment_intent"]:
        intent = await book.find("payment_intent", session["payment_intent"])
        if intent["status"] not in {"succeeded", "canceled"}:
            await charging.cancel(book, intent, "abandoned")
    await book.emit("checkout.session.expired", shown(session))
    return session


async def expire_pages(book: Book) -> int:
    """Close every page whose time is over; how many."""
    rows = await book.link.fetch(
        "select body from stripe_double.object where kind = 'checkout.session' and body->>'status' = 'open'"
        " and (body->>'expires_at')::bigint <= $1",
        stamp(),
    )
    for row in rows:
        await expire(book, row["body"])
    return len(rows)


def shown(session: Body) -> Body:
    """A session as the API shows it: without the double's own notes."""
    return {name: value for name, value in session.items() if name not in {"payment_intent_data", "items"}}


def buttons(session: Body) -> list[tuple[str, str]]:
    """The ways to pay that the page offers: (payment method, label)."""
    offered = [
        ("pm_card_visa", "银行卡（成功） Card ending 4242"),
        ("pm_card_authenticationRequired", "银行卡（3-D Secure 验证） Card ending 3184"),
        ("pm_card_visa_chargeDeclined", "银行卡（被拒绝） Card ending 0002"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "银行卡（余额不足） Card ending 9995"),
        ("pm_card_createDispute", "银行卡（成功后被拒付） Card ending 0259"),
        ("pm_alipay", "支付宝 Alipay"),
        ("pm_wechat_pay", "微信支付 WeChat Pay"),
    ]
    return [(name, label) for name, label in offered if _offered(session, card(name))]


def _offered(session: Body, used: Card | None) -> bool:
    return used is not None and used.method in session["payment_method_types"]
