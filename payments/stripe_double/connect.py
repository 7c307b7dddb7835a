"""Connected accounts: onboarding, transfers to them and back, payouts to their banks."""

from typing import Any

from payments.stripe_double import params
from payments.stripe_double.charging import transact
from payments.stripe_double.faults import StripeFault
from payments.stripe_double.store import PLATFORM, Book, fresh, stamp

Body = dict[str, Any]
COUNTRIES = frozenset({"HK", "SG", "US", "GB", "JP", "DE", "FR", "AU"})


async def create(book: Book, given: Body) -> Body:
    """An account that still has to say who it is."""
    country = given.get("country") or "HK"
    if country not in COUNTRIES:
        raise StripeFault(f"Country '{country}' is unknown.", code="country_unsupported", param="country")
    return await book.put(
        {
            "id": f"acct_{fresh('1')[2:18]}",
            "object": "account",
            "business_type": given.get("business_type"),
            "capabilities": {"transfers": "inactive"},
            "charges_enabled": False,
            "controller": params.mapping(given, "controller"),
            "country": country,
            "created": stamp(),
            "default_currency": book.settlement,
            "details_submitted": False,
            "email": given.get("email"),
            "metadata": params.mapping(given, "metadata"),
            "payouts_enabled": False,
            "requirements": {
                "currently_due": ["business_profile.url", "external_account"],
                "past_due": [],
                "disabled_reason": "requirements.past_due",
            },
            "type": "none",
        }
    )


async def link(book: Book, given: Body, address: str) -> Body:
    """A page that may be opened once to tell Stripe who one is."""
    account = await book.find("account", params.needed(given, "account"))
    body = {
        "id": fresh("link"),
        "object": "account_link",
        "account": account["id"],
        "created": stamp(),
        "expires_at": stamp() + 300,
        "refresh_url": params.needed(given, "refresh_url"),
        "return_url": params.needed(given, "return_url"),
        "type": params.needed(given, "type"),
    }
    body["url"] = f"{address}/onboarding/{body['id']}"
    return await book.put(body)


async def submit(book: Book, account: Body, *, complete: bool) -> Body:
    """The agency fills the form in, or leaves half of it out."""
    account |= {
        "details_submitted": True,
        "charges_enabled": complete,
        "payouts_enabled": complete,
        "capabilities": {"transfers": "active" if complete else "pending"},
        "requirements": {
            "currently_due": [] if complete else ["external_account"],
            "past_due": [],
            "disabled_reason": None if complete else "requirements.past_due",
        },
    }
    await book.put(account)
    await book.emit("account.updated", account, account=account["id"])
    return account


async def transfer(book: Book, given: Body) -> Body:
    """Move money from the platform to a connected account."""
    account = await book.find("account", params.needed(given, "destination"))
    amount = params.positive(given, "amount")
    currency = params.needed(given, "currency")
    if account["capabilities"]["transfers"] != "active":
        raise StripeFault(
            "Your destination account needs to have at least one of the following capabilities enabled: transfers",
            code="insufficient_capabilities_for_transfer",
        )
    if currency != book.settlement:
        raise StripeFault("The currency must be that of your balance.", code="balance_insufficient", param="currency")
    await _covered(book, given.get("source_transaction"), amount)
    body: Body = {
        "id": fresh("tr"),
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "balance_transaction": None,
        "created": stamp(),
        "currency": currency,
        "description": given.get("description"),
        "destination": account["id"],
        "destination_payment": fresh("py"),
        "livemode": False,
        "metadata": params.mapping(given, "metadata"),
        "reversed": False,
        "source_transaction": given.get("source_transaction"),
        "transfer_group": given.get("transfer_group"),
    }
    out = await transact(book, "transfer", -amount, 0, body["id"])
    await transact(book, "payment", amount, 0, body["destination_payment"], account=account["id"])
    body["balance_transaction"] = out["id"]
    await book.put(body)
    await book.emit("transfer.created", body)
    return body


async def _covered(book: Book, source: Any, amount: int) -> None:
    if source:
        charge = await book.find("charge", str(source))
        known = await book.look("transfer", PLATFORM, {"source_transaction": charge["id"]})
        gross = (await book.find("balance_transaction", charge["balance_transaction"]))["amount"]
        if sum(one["amount"] - one["amount_reversed"] for one in known) + amount > gross:
            raise StripeFault(
                "Transfers using this transaction exceed its amount.",
                code="transfer_source_balance_parameters_mismatch",
            )
        return
    if (await book.balance(PLATFORM)).get(book.settlement, 0) < amount:
        raise StripeFault("You have insufficient available funds in your Stripe account.", code="balance_insufficient")


async def reverse(book: Book, body: Body, given: Body) -> Body:
    """Take a transfer back, or a part of it, from what the account still holds."""
    left = body["amount"] - body["amount_reversed"]
    amount = params.number(given, "amount") or left
    if amount > left or left == 0:
        raise StripeFault(f"Reversal amount ({amount}) is greater than the unreversed amount ({left}).", param="amount")
    if (await book.balance(body["destination"])).get(body["currency"], 0) < amount:
        raise StripeFault("The account has insufficient funds for the reversal.", code="insufficient_funds")
    back: Body = {
        "id": fresh("trr"),
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": None,
        "created": stamp(),
        "currency": body["currency"],
        "metadata": params.mapping(given, "metadata"),
        "transfer": body["id"],
    }
    moved = await transact(book, "transfer_refund", amount, 0, back["id"])
    await transact(book, "payment_refund", -amount, 0, fresh("pyr"), account=body["destination"])
    back["balance_transaction"] = moved["id"]
    body["amount_reversed"] += amount
    body["reversed"] = body["amount_reversed"] == body["amount"]
    await book.put(back)
    await book.put(body)
    await book.emit("transfer.reversed", body)
    return back


async def payout(book: Book, account: str, given: Body) -> Body:
    """Send what an account holds to its bank; on its way until the bank has it."""
    amount = params.positive(given, "amount")
    currency = params.needed(given, "currency")
    if (await book.balance(account)).get(currency, 0) < amount:
        raise StripeFault("You have insufficient funds in your Stripe account.", code="balance_insufficient")
    body: Body = {
        "id": fresh("po"),
        "object": "payout",
        "amount": amount,
        "arrival_date": stamp() + 2 * 24 * 3600,
        "automatic": not given,
        "balance_transaction": None,
        "created": stamp(),
        "currency": currency,
        "description": given.get("description"),
        "failure_code": None,
        "metadata": params.mapping(given, "metadata"),
        "method": "standard",
        "status": "pending",
    }
    moved = await transact(book, "payout", -amount, 0, body["id"], account=account, currency=currency)
    body["balance_transaction"] = moved["id"]
    await book.put(body, account=account)
    await book.emit("payout.created", body, account=account)
    return body


async def arrive(book: Book, account: str, body: Body, *, failed: bool = False) -> Body:
    """The bank has it, or sends it back."""
    if body["status"] not in {"pending", "in_transit"}:
        raise StripeFault("This payout has already been decided.")
    if failed:
        body |= {"status": "failed", "failure_code": "account_closed"}
        await transact(
            book, "payout_failure", body["amount"], 0, body["id"], account=account, currency=body["currency"]
        )
    else:
        body["status"] = "paid"
    await book.put(body, account=account)
    await book.emit(f"payout.{body['status']}", body, account=account)
    return body
