"""The calls we make to Stripe. Each one that changes something carries an idempotency key of our own.

Answers are plain dictionaries as Stripe sent them. What goes wrong is one of two things: `StripeAway` (nobody can
tell whether it was done: ask again with the same key) or `StripeRefuses` (it was not done, for this reason).
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import stripe
from stripe import StripeClient

from core.errors import Conflict, DomainError
from core.i18n import N_
from payments.gateway.configuration import API_VERSION, Configuration, configuration

Body = dict[str, Any]
RETRIES = 2
TIMEOUT = 20.0
PAGE = 100
for _name in ("stripe", "httpx"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # a line for every call is no news


class StripeAway(DomainError):
    """Stripe cannot be reached or does not answer: the outcome is unknown, the same key is tried again."""

    status = 503
    code = "stripe-away"
    text = N_("现在连不上 Stripe。款项没有重复，系统会自动再试；您也可以改用银行转账。")


class StripeRefuses(Conflict):
    """Stripe has answered that it will not."""

    code = "stripe-refuses"
    text = N_("Stripe 没有接受这一步：%(message)s")

    def __init__(self, message: str, reason: str = "", body: Mapping[str, Any] | None = None) -> None:
        super().__init__(message=message)
        self.reason = reason
        self.body = body or {}


class StripeOff(Conflict):
    """This installation has no Stripe account."""

    code = "stripe-off"
    text = N_("本站没有开通 Stripe。请用银行转账付款并登记回单。")


class _Transport(stripe.HTTPXClient):
    """Stripe's own client with a transport that tests may choose."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None) -> None:
        super().__init__(timeout=TIMEOUT)
        self.pause: float | None = None
        if transport is not None:
            self._client_async = httpx.AsyncClient(transport=transport)

    def _get_request_args_kwargs(self, method: str, url: str, headers: Mapping[str, str], post_data: Any) -> Any:
        """The body as `content`: httpx has given the SDK's `data` up for text."""
        arguments, named = super()._get_request_args_kwargs(method, url, headers, None)
        del named["data"]
        return arguments, named | {"content": post_data or b""}

    def _sleep_time_seconds(self, num_retries: int) -> float:
        if self.pause is not None:
            return self.pause
        seconds: float = super()._sleep_time_seconds(num_retries)
        return seconds


@contextmanager
def _understood() -> Iterator[None]:
    """Stripe's errors as one of our two."""
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise StripeAway from error
    except stripe.StripeError as error:
        status = error.http_status or 500
        if status >= 500 or status in {401, 403, 409}:
            raise StripeAway from error
        body = error.json_body if isinstance(error.json_body, dict) else {}
        raise StripeRefuses(error.user_message or str(error), error.code or "", body.get("error", {})) from error


async def _plain(call: Awaitable[Any]) -> Body:
    with _understood():
        answer = await call
    found: Body = answer.to_dict()
    return found


class Gateway:
    """One Stripe account."""

    def __init__(self, known: Configuration, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.known = known
        self.transport = _Transport(transport)
        self.client = StripeClient(
            known.key,
            stripe_version=API_VERSION,
            base_addresses={"api": known.api, "connect": known.api, "files": known.api, "meter_events": known.api},
            max_network_retries=RETRIES,
            http_client=self.transport,
        )
        self.v1 = self.client.v1

    def retry_at_once(self) -> None:
        """Wait no time between attempts: where both ends are ours."""
        self.transport.pause = 0.0

    # ---- paying
    async def open_checkout(
        self,
        *,
        key: str,
        items: Sequence[tuple[str, int]],
        methods: Sequence[str],
        hold: bool,
        back: str,
        away: str,
        metadata: Mapping[str, str],
        group: str,
        expires_at: int,
    ) -> Body:
        """A page of Stripe's on which `items` (what for, how many fen) are paid at once, or held."""
        wechat: Any = {"wechat_pay": {"client": "web"}} if "wechat_pay" in methods else {}
        wanted: Any = {
            "mode": "payment",
            "allowed_payment_method_types": list(methods),
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {"currency": "cny", "unit_amount": amount, "product_data": {"name": title}},
                }
                for title, amount in items
            ],
            "payment_method_options": wechat,
            "payment_intent_data": {
                "capture_method": "manual" if hold else "automatic",
                "description": items[0][0] if len(items) == 1 else group,
                "metadata": dict(metadata),
                "transfer_group": group,
            },
            "client_reference_id": key,
            "metadata": dict(metadata),
            "success_url": back,
            "cancel_url": away,
            "expires_at": expires_at,
            "locale": "zh",
        }
        if not wechat:
            del wanted["payment_method_options"]
        return await _plain(self.v1.checkout.sessions.create_async(wanted, {"idempotency_key": key}))

    async def expire_checkout(self, session: str, *, key: str) -> Body:
        """Close a page that nobody has paid on."""
        return await _plain(self.v1.checkout.sessions.expire_async(session, {}, {"idempotency_key": key}))

    async def session(self, given: str) -> Body:
        """A Checkout Session as it is now."""
        return await _plain(self.v1.checkout.sessions.retrieve_async(given))

    async def intent(self, given: str) -> Body:
        """A PaymentIntent as it is now, with its charge and what the charge did to the balance."""
        return await _plain(
            self.v1.payment_intents.retrieve_async(given, {"expand": ["latest_charge.balance_transaction"]})
        )

    async def capture(self, intent: str, amount: int, *, key: str) -> Body:
        """Take `amount` fen of what is held; the rest is let go."""
        options: Any = {"idempotency_key": key}
        return await _plain(self.v1.payment_intents.capture_async(intent, {"amount_to_capture": amount}, options))

    async def release(self, intent: str, *, key: str) -> Body:
        """Let go of what is held."""
        options: Any = {"idempotency_key": key}
        return await _plain(self.v1.payment_intents.cancel_async(intent, {}, options))

    async def refund(self, intent: str, amount: int, *, key: str, metadata: Mapping[str, str]) -> Body:
        """Give `amount` fen back to whoever paid."""
        wanted: Any = {"payment_intent": intent, "amount": amount, "metadata": dict(metadata)}
        return await _plain(self.v1.refunds.create_async(wanted, {"idempotency_key": key}))

    async def refunds_of(self, intent: str) -> list[Body]:
        """Every refund of a PaymentIntent, with what it did to the balance."""
        expand = ["data.balance_transaction", "data.failure_balance_transaction"]
        wanted: Any = {"payment_intent": intent, "limit": PAGE, "expand": expand}
        return [one async for one in self._all(self.v1.refunds.list_async, wanted)]

    async def dispute(self, given: str) -> Body:
        """A dispute as it is now, with its lines of the balance."""
        return await _plain(self.v1.disputes.retrieve_async(given))

    async def disputes_of(self, intent: str) -> list[Body]:
        """Every dispute of a PaymentIntent."""
        wanted: Any = {"payment_intent": intent, "limit": PAGE}
        return [one async for one in self._all(self.v1.disputes.list_async, wanted)]

    async def answer_dispute(self, given: str, text: str, *, submit: bool, key: str) -> Body:
        """Hand evidence in."""
        wanted: Any = {"evidence": {"uncategorized_text": text}, "submit": submit}
        return await _plain(self.v1.disputes.update_async(given, wanted, {"idempotency_key": key}))

    async def concede_dispute(self, given: str, *, key: str) -> Body:
        """Give a dispute up."""
        return await _plain(self.v1.disputes.close_async(given, {}, {"idempotency_key": key}))

    # ---- paying out
    async def create_account(
        self, *, key: str, country: str, email: str, name: str, metadata: Mapping[str, str]
    ) -> Body:
        """A connected account for an agency; Stripe itself asks it who it is."""
        wanted: Any = {
            "country": country,
            "business_type": "company",
            "business_profile": {"name": name},
            "capabilities": {"transfers": {"requested": True}},
            "controller": {
                "fees": {"payer": "application"},
                "losses": {"payments": "application"},
                "requirement_collection": "stripe",
                "stripe_dashboard": {"type": "express"},
            },
            "metadata": dict(metadata),
        }
        if email:
            wanted["email"] = email
        return await _plain(self.v1.accounts.create_async(wanted, {"idempotency_key": key}))

    async def onboarding(self, account: str, *, back: str, again: str) -> str:
        """The address of a page of Stripe's on which the agency tells who it is; good once, for minutes."""
        wanted: Any = {"account": account, "return_url": back, "refresh_url": again, "type": "account_onboarding"}
        link = await _plain(self.v1.account_links.create_async(wanted))
        address: str = link["url"]
        return address

    async def account(self, given: str) -> Body:
        """A connected account as it is now."""
        return await _plain(self.v1.accounts.retrieve_async(given))

    async def transfer(
        self,
        *,
        key: str,
        amount: int,
        currency: str,
        account: str,
        charge: str,
        group: str,
        metadata: Mapping[str, str],
    ) -> Body:
        """Move `amount` minor units of what `charge` brought to a connected account."""
        wanted: Any = {
            "amount": amount,
            "currency": currency,
            "destination": account,
            "source_transaction": charge,
            "transfer_group": group,
            "metadata": dict(metadata),
            "expand": ["balance_transaction"],
        }
        return await _plain(self.v1.transfers.create_async(wanted, {"idempotency_key": key}))

    async def transfers_of(self, group: str) -> list[Body]:
        """Every transfer of a group, with what it did to the balance."""
        wanted: Any = {"transfer_group": group, "limit": PAGE, "expand": ["data.balance_transaction"]}
        return [one async for one in self._all(self.v1.transfers.list_async, wanted)]

    async def reversals_of(self, transfer: str) -> list[Body]:
        """Every reversal of a transfer, with what it did to the balance."""

        async def call(wanted: Any) -> Any:
            return await self.v1.transfers.reversals.list_async(transfer, wanted)

        wanted = {"limit": PAGE, "expand": ["data.balance_transaction"]}
        return [one async for one in self._all(call, wanted)]

    async def reverse(self, transfer: str, amount: int, *, key: str, metadata: Mapping[str, str]) -> Body:
        """Take `amount` of a transfer back."""
        wanted: Any = {"amount": amount, "metadata": dict(metadata), "expand": ["balance_transaction"]}
        return await _plain(self.v1.transfers.reversals.create_async(transfer, wanted, {"idempotency_key": key}))

    async def payout(self, given: str, account: str) -> Body:
        """A payout of a connected account as it is now."""
        return await _plain(self.v1.payouts.retrieve_async(given, {}, {"stripe_account": account}))

    # ---- looking
    async def own_account(self) -> Body:
        """The account itself: country, currency, what it may do."""
        return await _plain(self.v1.accounts.retrieve_current_async())

    async def balance(self) -> dict[str, int]:
        """What the account holds by currency, pending included."""
        found = await _plain(self.v1.balance.retrieve_async())
        held: dict[str, int] = {}
        for part in (*found["available"], *found["pending"]):
            held[part["currency"]] = held.get(part["currency"], 0) + part["amount"]
        return held

    async def lines(self, *, since: int, until: int) -> AsyncIterator[Body]:
        """Every line of the balance made in [since, until), newest first."""
        wanted: Any = {"created": {"gte": since, "lt": until}, "limit": PAGE}
        async for one in self._all(self.v1.balance_transactions.list_async, wanted):
            yield one

    async def source(self, given: str) -> Body | None:
        """The charge, refund, dispute or transfer behind a line of the balance; None for what we know nothing of."""
        calls: dict[str, Callable[[str], Awaitable[Any]]] = {
            "ch": self.v1.charges.retrieve_async,
            "re": self.v1.refunds.retrieve_async,
            "dp": self.v1.disputes.retrieve_async,
            "tr": self.v1.transfers.retrieve_async,
        }
        call = calls.get(given.partition("_")[0])
        return None if call is None else await _plain(call(given))

    async def endpoints(self) -> list[Body]:
        """Where Stripe sends its events."""
        return [one async for one in self._all(self.v1.webhook_endpoints.list_async, {"limit": PAGE})]

    async def events(self, *, since: int) -> AsyncIterator[Body]:
        """Every event made since, newest first."""
        wanted: Any = {"created": {"gte": since}, "limit": PAGE}
        async for one in self._all(self.v1.events.list_async, wanted):
            yield one

    async def _all(self, call: Callable[..., Awaitable[Any]], wanted: Mapping[str, Any]) -> AsyncIterator[Body]:
        asked = dict(wanted)
        while True:
            page = await _plain(call(asked))
            for one in page["data"]:
                yield one
            if not page["has_more"]:
                return
            asked["starting_after"] = page["data"][-1]["id"]

    async def close(self) -> None:
        """Let the connections go."""
        await self.transport._client_async.aclose()


_gateway: Gateway | None = None
_chosen: Gateway | None = None


def gateway() -> Gateway:
    """The account of this process; `StripeOff` when there is none."""
    global _gateway  # noqa: PLW0603 - one per process, like the settings it mirrors
    if _chosen is not None:
        return _chosen
    known = configuration()
    if known is None:
        raise StripeOff
    if _gateway is None or _gateway.known != known:
        _gateway = Gateway(known)
    return _gateway


def account() -> Configuration | None:
    """The account in force, or None: what decides whether pages speak of Stripe at all."""
    return _chosen.known if _chosen is not None else configuration()


def use(other: Gateway | None) -> None:
    """Put a gateway in force for this process whatever the settings say: tests."""
    global _chosen  # noqa: PLW0603 - see `gateway`
    _chosen = other
