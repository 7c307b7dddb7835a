"""The `/v1` calls: who asks, what for, once per key, with what is expanded."""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from payments.stripe_double import charging, checkout, connect, params
from payments.stripe_double.cards import card
from payments.stripe_double.faults import StripeFault
from payments.stripe_double.store import PLATFORM, Book, Store, fresh, stamp

Body = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """One call as it came in."""

    method: str
    path: str
    given: Body
    account: str = PLATFORM
    key: str = ""
    address: str = ""
    ids: tuple[str, ...] = field(default=())


Answer = tuple[int, Body]
Handler = Callable[[Book, Asked], Awaitable[Body]]
ROUTES: list[tuple[str, re.Pattern[str], str, Handler]] = []


def route(method: str, path: str, call: str) -> Callable[[Handler], Handler]:
    """Serve `path` (with `*` for identifiers) as the call of that name in `params.ACCEPTED`."""

    def register(handler: Handler) -> Handler:
        pattern = re.compile("/v1/" + path.replace("*", "([^/]+)"))
        ROUTES.append((method, pattern, call, handler))
        return handler

    return register


async def answer(store: Store, asked: Asked) -> Answer:
    """Carry out a call; the same key again gives the same answer."""
    found = next(
        (
            (match, call, handler)
            for method, pattern, call, handler in ROUTES
            if method == asked.method and (match := pattern.fullmatch(asked.path))
        ),
        None,
    )
    if found is None:
        return 404, StripeFault(f"Unrecognized request URL ({asked.method}: {asked.path}).").body
    match, call, handler = found
    asked = Asked(asked.method, asked.path, asked.given, asked.account, asked.key, asked.address, match.groups())
    if asked.method == "GET":
        async with store.read() as book:
            return await _once(book, asked, call, handler)
    async with store.write() as book:
        return await _keyed(book, asked, call, handler)


async def _keyed(book: Book, asked: Asked, call: str, handler: Handler) -> Answer:
    if not asked.key:
        return await _once(book, asked, call, handler)
    text = json.dumps([asked.method, asked.path, asked.account, asked.given], sort_keys=True)
    request = hashlib.sha256(text.encode()).hexdigest()
    known = await book.link.fetchrow("select request, status, body from stripe_double.answer where key = $1", asked.key)
    if known is not None:
        if known["request"] != request:
            words = "Keys for idempotent requests can only be used with the same parameters they were first used with."
            return 400, StripeFault(words, kind="idempotency_error").body
        return known["status"], known["body"]
    status, body = await _once(book, asked, call, handler)
    if not str(body.get("error", {}).get("code", "")).startswith("parameter_"):
        await book.link.execute(
            "insert into stripe_double.answer (key, request, status, body) values ($1, $2, $3, $4)",
            asked.key,
            request,
            status,
            body,
        )
    return status, body


async def _once(book: Book, asked: Asked, call: str, handler: Handler) -> Answer:
    try:
        params.check(call, asked.given)
        async with book.link.transaction():
            if asked.path.startswith(("/v1/payment_intents", "/v1/charges")):
                await charging.expire_holds(book)
            if asked.path.startswith("/v1/checkout"):
                await checkout.expire_pages(book)
            body = await handler(book, asked)
        wanted = asked.given.get("expand")
        for path in wanted if isinstance(wanted, list) else []:
            await _expand(book, body, str(path).split("."))
    except StripeFault as fault:
        return fault.status, fault.body
    error = body.get("last_payment_error")
    if asked.method == "POST" and error and body["status"] == "requires_payment_method":
        return 402, {"error": error | {"payment_intent": body}}
    return 200, body


async def _expand(book: Book, body: Any, path: list[str]) -> None:
    """Put the object itself where its identifier stands."""
    if not path or not isinstance(body, dict):
        return
    name, rest = path[0], path[1:]
    if name == "data" and isinstance(body.get("data"), list):
        for one in body["data"]:
            await _expand(book, one, rest)
        return
    inner = body.get(name)
    if isinstance(inner, str):
        found = await book.link.fetchval("select body from stripe_double.object where id = $1", inner)
        if found is not None:
            body[name] = checkout.shown(found)
    await _expand(book, body.get(name), rest)


async def listed(book: Book, asked: Asked, kind: str, *filters: str, account: str = PLATFORM) -> Body:
    """One page of a list."""
    where = {name: asked.given[name] for name in filters if asked.given.get(name)}
    found, more = await book.page(kind, account, where, asked.given)
    data = [checkout.shown(one) for one in found]
    return {"object": "list", "data": data, "has_more": more, "url": asked.path}


# ---- checkout
@route("POST", "checkout/sessions", "checkout.session.create")
async def create_session(book: Book, asked: Asked) -> Body:
    """Open a page to pay on."""
    return checkout.shown(await checkout.create(book, asked.given, asked.address))


@route("POST", "checkout/sessions/*/expire", "checkout.session.expire")
async def expire_session(book: Book, asked: Asked) -> Body:
    """Close it."""
    return checkout.shown(await checkout.expire(book, await book.find("checkout.session", asked.ids[0])))


@route("GET", "checkout/sessions", "checkout.session.list")
async def list_sessions(book: Book, asked: Asked) -> Body:
    """Sessions, newest first."""
    return await listed(book, asked, "checkout.session", "payment_intent", "status")


# ---- intents
@route("POST", "payment_intents", "payment_intent.create")
async def create_intent(book: Book, asked: Asked) -> Body:
    """An intent, confirmed at once when asked to."""
    given = asked.given
    methods = given.get("allowed_payment_method_types") or ["card"]
    intent = charging.new_intent(
        params.positive(given, "amount"),
        params.needed(given, "currency"),
        given.get("capture_method") or "automatic",
        methods,
        metadata=params.mapping(given, "metadata"),
        description=given.get("description"),
        transfer_group=given.get("transfer_group"),
    )
    await book.put(intent)
    await book.emit("payment_intent.created", intent)
    return await _confirm(book, intent, given) if given.get("confirm") == "true" else intent


@route("POST", "payment_intents/*/confirm", "payment_intent.confirm")
async def confirm_intent(book: Book, asked: Asked) -> Body:
    """Try to pay."""
    return await _confirm(book, await book.find("payment_intent", asked.ids[0]), asked.given)


async def _confirm(book: Book, intent: Body, given: Mapping[str, Any]) -> Body:
    name = params.needed(given, "payment_method")
    used = card(name)
    if used is None:
        raise StripeFault(f"No such PaymentMethod: '{name}'", code="resource_missing", param="payment_method")
    return await charging.confirm(book, intent, name, used)


@route("POST", "payment_intents/*/capture", "payment_intent.capture")
async def capture_intent(book: Book, asked: Asked) -> Body:
    """Take what is held."""
    intent = await book.find("payment_intent", asked.ids[0])
    return await charging.capture(book, intent, params.number(asked.given, "amount_to_capture"))


@route("POST", "payment_intents/*/cancel", "payment_intent.cancel")
async def cancel_intent(book: Book, asked: Asked) -> Body:
    """Let go."""
    intent = await book.find("payment_intent", asked.ids[0])
    return await charging.cancel(book, intent, asked.given.get("cancellation_reason"))


@route("GET", "payment_intents", "payment_intent.list")
async def list_intents(book: Book, asked: Asked) -> Body:
    """Intents, newest first."""
    return await listed(book, asked, "payment_intent")


@route("GET", "charges", "charge.list")
async def list_charges(book: Book, asked: Asked) -> Body:
    """Charges, newest first."""
    return await listed(book, asked, "charge", "payment_intent", "transfer_group")


# ---- refunds, disputes, balance
@route("POST", "refunds", "refund.create")
async def create_refund(book: Book, asked: Asked) -> Body:
    """Give back."""
    given = asked.given
    charge_id = given.get("charge")
    if not charge_id:
        charge_id = (await book.find("payment_intent", params.needed(given, "payment_intent")))["latest_charge"]
    if not charge_id:
        raise StripeFault("This PaymentIntent does not have a successful charge to refund.")
    charge = await book.find("charge", str(charge_id))
    wanted = params.positive(given, "amount") if "amount" in given else None
    return await charging.refund(book, charge, wanted, given.get("reason"), params.mapping(given, "metadata"))


@route("GET", "refunds", "refund.list")
async def list_refunds(book: Book, asked: Asked) -> Body:
    """Refunds, newest first."""
    return await listed(book, asked, "refund", "payment_intent", "charge")


@route("POST", "disputes/*", "dispute.update")
async def update_dispute(book: Book, asked: Asked) -> Body:
    """Hand evidence in; with `submit` the bank decides: the word winning_evidence wins, as in Stripe's test mode."""
    body = await book.find("dispute", asked.ids[0])
    body["evidence"] |= params.mapping(asked.given, "evidence")
    body["evidence_details"] |= {"has_evidence": True}
    if asked.given.get("submit") != "true":
        return await book.put(body)
    body["evidence_details"]["submission_count"] += 1
    body["status"] = "under_review"
    await book.put(body)
    await book.emit("charge.dispute.updated", body)
    text = str(body["evidence"].get("uncategorized_text", ""))
    if "winning_evidence" in text or "losing_evidence" in text:
        return await charging.decide(book, body, won="winning_evidence" in text)
    return body


@route("POST", "disputes/*/close", "dispute.close")
async def close_dispute(book: Book, asked: Asked) -> Body:
    """Give the case up."""
    return await charging.decide(book, await book.find("dispute", asked.ids[0]), won=False)


@route("GET", "disputes", "dispute.list")
async def list_disputes(book: Book, asked: Asked) -> Body:
    """Disputes, newest first."""
    return await listed(book, asked, "dispute", "charge", "payment_intent")


@route("GET", "balance_transactions", "balance_transaction.list")
async def list_lines(book: Book, asked: Asked) -> Body:
    """Lines of the balance, newest first."""
    return await listed(book, asked, "balance_transaction", "source", "type", "currency", account=asked.account)


@route("GET", "balance", "retrieve")
async def show_balance(book: Book, asked: Asked) -> Body:
    """What the account holds."""
    held = await book.balance(asked.account)
    amounts = [{"amount": amount, "currency": name, "source_types": {"card": amount}} for name, amount in held.items()]
    pending = [{"amount": 0, "currency": name, "source_types": {"card": 0}} for name in held]
    return {"object": "balance", "available": amounts, "pending": pending, "livemode": False}


# ---- connect
@route("POST", "accounts", "account.create")
async def create_account(book: Book, asked: Asked) -> Body:
    """A connected account."""
    return await connect.create(book, asked.given)


@route("GET", "accounts", "account.list")
async def list_accounts(book: Book, asked: Asked) -> Body:
    """Connected accounts, newest first."""
    return await listed(book, asked, "account")


@route("GET", "account", "retrieve")
async def own_account(book: Book, _asked: Asked) -> Body:
    """The platform's own account."""
    country = {"hkd": "HK", "usd": "US", "sgd": "SG"}.get(book.settlement, "HK")
    return {
        "id": "acct_double",
        "object": "account",
        "charges_enabled": True,
        "country": country,
        "default_currency": book.settlement,
        "details_submitted": True,
        "payouts_enabled": True,
        "type": "standard",
    }


@route("POST", "account_links", "account_link.create")
async def create_link(book: Book, asked: Asked) -> Body:
    """A page for onboarding."""
    return await connect.link(book, asked.given, asked.address)


@route("POST", "transfers", "transfer.create")
async def create_transfer(book: Book, asked: Asked) -> Body:
    """Move money to a connected account."""
    return await connect.transfer(book, asked.given)


@route("GET", "transfers", "transfer.list")
async def list_transfers(book: Book, asked: Asked) -> Body:
    """Transfers, newest first."""
    return await listed(book, asked, "transfer", "destination", "transfer_group")


@route("POST", "transfers/*/reversals", "transfer_reversal.create")
async def reverse_transfer(book: Book, asked: Asked) -> Body:
    """Take it back."""
    return await connect.reverse(book, await book.find("transfer", asked.ids[0]), asked.given)


@route("GET", "transfers/*/reversals", "transfer_reversal.list")
async def list_reversals(book: Book, asked: Asked) -> Body:
    """Reversals of one transfer."""
    return await listed(
        book, Asked("GET", asked.path, asked.given | {"transfer": asked.ids[0]}), "transfer_reversal", "transfer"
    )


@route("POST", "payouts", "payout.create")
async def create_payout(book: Book, asked: Asked) -> Body:
    """Send money to the bank."""
    return await connect.payout(book, asked.account, asked.given)


@route("GET", "payouts", "payout.list")
async def list_payouts(book: Book, asked: Asked) -> Body:
    """Payouts, newest first."""
    return await listed(book, asked, "payout", "status", account=asked.account)


# ---- events and endpoints
@route("GET", "events", "event.list")
async def list_events(book: Book, asked: Asked) -> Body:
    """Events, newest first."""
    return await listed(book, asked, "event", "type", account=asked.account)


@route("POST", "webhook_endpoints", "webhook_endpoint.create")
async def create_endpoint(book: Book, asked: Asked) -> Body:
    """Where events are to be sent; its secret is shown this once."""
    wanted = asked.given.get("enabled_events") or ["*"]
    return await book.put(
        {
            "id": fresh("we"),
            "object": "webhook_endpoint",
            "api_version": asked.given.get("api_version"),
            "created": stamp(),
            "enabled_events": wanted,
            "metadata": params.mapping(asked.given, "metadata"),
            "secret": fresh("whsec"),
            "status": "enabled",
            "url": params.needed(asked.given, "url"),
        }
    )


@route("GET", "webhook_endpoints", "webhook_endpoint.list")
async def list_endpoints(book: Book, asked: Asked) -> Body:
    """Endpoints, without their secrets."""
    page = await listed(book, asked, "webhook_endpoint")
    page["data"] = [{name: value for name, value in one.items() if name != "secret"} for one in page["data"]]
    return page


@route("DELETE", "webhook_endpoints/*", "webhook_endpoint.delete")
async def delete_endpoint(book: Book, asked: Asked) -> Body:
    """Send nothing there any more."""
    body = await book.find("webhook_endpoint", asked.ids[0])
    await book.link.execute("delete from stripe_double.object where id = $1", body["id"])
    return {"id": body["id"], "object": "webhook_endpoint", "deleted": True}


def _retrieve(path: str, kind: str, *, anywhere: bool = False) -> None:
    """Serve one object of a kind by its identifier."""

    async def show(book: Book, asked: Asked) -> Body:
        return checkout.shown(await book.find(kind, asked.ids[-1], account=asked.account if anywhere else PLATFORM))

    route("GET", path, "retrieve")(show)


for _path, _kind in (
    ("checkout/sessions/*", "checkout.session"),
    ("payment_intents/*", "payment_intent"),
    ("charges/*", "charge"),
    ("refunds/*", "refund"),
    ("disputes/*", "dispute"),
    ("accounts/*", "account"),
    ("transfers/*", "transfer"),
    ("transfers/*/reversals/*", "transfer_reversal"),
):
    _retrieve(_path, _kind)
for _path, _kind in (
    ("balance_transactions/*", "balance_transaction"),
    ("payouts/*", "payout"),
    ("events/*", "event"),
):
    _retrieve(_path, _kind, anywhere=True)
