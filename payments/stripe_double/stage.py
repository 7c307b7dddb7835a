"""The double for a play: in this process, by the play's clock, without a network and without a server.

What Stripe would send arrives when the play asks for it. A server that is started afterwards finds the same double.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from core import settings
from core.errors import DomainError
from payments.gateway import client
from payments.gateway.client import Gateway
from payments.gateway.configuration import DOUBLE_PATH, WEBHOOK_PATH, Configuration, double_secret
from payments.services import stripe
from payments.stripe_double import charging
from payments.stripe_double.app import Double
from payments.stripe_double.courier import endpoint_at


@dataclass
class StripeStage:
    """The double and whoever presses buttons on its pages."""

    double: Double
    people: httpx.AsyncClient

    async def press(self, address: str, method: str, *, passed: bool = False) -> None:
        """The payer chooses a way to pay on the double's page, and passes the bank's question where there is one."""
        fields = {"method": method} | ({"challenge": "passed"} if passed else {})
        assert not (await self.people.post(address, data=fields)).is_error

    async def fill_in(self, address: str) -> None:
        """The payee tells the double who it is."""
        await self.people.post(address, data={"complete": "yes"})

    async def dispute(self, charge: str, reason: str) -> None:
        """The payer's bank takes a payment back until the case is decided."""
        async with self.double.store.write() as book:
            await charging.dispute(book, await book.find("charge", charge), reason)

    async def settle(self) -> None:
        """What the courier and our worker do within minutes: notices arrive, orders are carried out, payouts leave."""
        await self.double.courier.deliver_all()
        await stripe.sweep()
        await self.double.courier.deliver_all()


@asynccontextmanager
async def on_stage(url: str, owner_url: str) -> AsyncIterator[StripeStage]:
    """A double in the database at `url` and a gateway to it, in force for the block; `CannotStart` in production."""
    known = settings.load()
    address = known.address + DOUBLE_PATH
    double = Double(url, address, owner_url=owner_url, settlement=known.stripe_currency, deliver=False)

    async def in_its_place(scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"].removeprefix(DOUBLE_PATH)
        await double.app(scope | {"path": path, "raw_path": path.encode()}, receive, send)

    inner = httpx.ASGITransport(app=in_its_place)
    account = Configuration("sk_test_double", (double_secret(),), address, known.stripe_country, known.stripe_currency)
    double.courier.post = _receive
    await double.start()
    await endpoint_at(double.store, known.address + WEBHOOK_PATH, double_secret())
    client.use(Gateway(account, transport=inner))
    try:
        async with httpx.AsyncClient(transport=inner, base_url=known.address) as people:
            yield StripeStage(double, people)
    finally:
        client.use(None)
        await double.stop()


async def _receive(_url: str, body: bytes, headers: dict[str, str]) -> int:
    """The door that the server has at `/webhooks/stripe`, without the server."""
    try:
        await stripe.take_in(body, headers["stripe-signature"])
    except DomainError as fault:
        return fault.status
    return 200
