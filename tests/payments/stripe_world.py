"""Our double and the product in one process: calls and webhooks cross no network and obey the test's clock."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from litestar import Litestar

from core import clock
from payments.gateway import client
from payments.gateway.client import Gateway
from payments.gateway.configuration import WEBHOOK_PATH, Configuration
from payments.stripe_double.app import Double
from payments.stripe_double.courier import endpoint_at, sign

DOUBLE = "http://stripe.double"
SITE = "http://127.0.0.1:8000"
SECRET = "whsec_test_of_the_house"
Seen = Callable[[httpx.Request, httpx.Response | None], Any]


@dataclass
class Line(httpx.AsyncBaseTransport):
    """The line to the double, which may be cut before the call or before its answer."""

    inner: httpx.ASGITransport
    cut_before: int = 0
    cut_after: int = 0
    calls: list[httpx.Request] = field(default_factory=list)
    between: Callable[[httpx.Request], Any] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One call; the next `cut_before` never arrive, the next `cut_after` are done but not answered."""
        if self.cut_before:
            self.cut_before -= 1
            raise httpx.ConnectError("cut", request=request)
        self.calls.append(request)
        response = await self.inner.handle_async_request(request)
        await response.aread()
        if self.between is not None:
            await self.between(request)
        if request.method == "POST" and self.cut_after:
            self.cut_after -= 1
            raise httpx.ReadError("cut", request=request)
        return response


@dataclass
class World:
    """Everything a test of payments through Stripe needs."""

    double: Double
    gateway: Gateway
    line: Line
    people: httpx.AsyncClient
    site: httpx.AsyncClient

    async def press(self, address: str, method: str = "pm_card_visa", **fields: str) -> httpx.Response:
        """Press a button on the double's Checkout page."""
        return await self.people.post(address, data={"method": method, **fields})

    async def send(self, event: dict[str, Any], *, secret: str = SECRET, age: int = 0) -> int:
        """Send an event as Stripe would, signed so many seconds ago; what we answered."""
        body = json.dumps(event).encode()
        headers = {"stripe-signature": sign(body, secret, int(clock.now().timestamp()) - age)}
        return (await self.site.post(SITE + WEBHOOK_PATH, content=body, headers=headers)).status_code

    async def deliver(self) -> int:
        """Let the courier run until nothing is due."""
        return await self.double.courier.deliver_all()

    async def forget(self) -> None:
        """The double as on the first day, the line in order."""
        self.line.cut_before, self.line.cut_after = 0, 0
        self.line.calls.clear()
        async with self.double.store.write() as book:
            await book.link.execute(
                "truncate stripe_double.object, stripe_double.answer, stripe_double.delivery, stripe_double.setting"
                " restart identity"
            )
        await endpoint_at(self.double.store, SITE + WEBHOOK_PATH, SECRET)

    async def balance(self) -> dict[str, int]:
        """What the double says the platform holds."""
        async with self.double.store.read() as book:
            return await book.balance("")


@asynccontextmanager
async def world(owner_url: str, web_app: Litestar) -> AsyncIterator[World]:
    """A double on the test's own database, with the product's webhook registered."""
    double = Double(owner_url, DOUBLE, deliver=False)
    await double.start()
    inner = httpx.ASGITransport(app=double.app)
    line = Line(inner)
    gateway = Gateway(Configuration("sk_test_double", (SECRET,), DOUBLE, "HK", "hkd"), transport=line)
    gateway.retry_at_once()
    people = httpx.AsyncClient(transport=inner, base_url=DOUBLE)
    site = httpx.AsyncClient(transport=httpx.ASGITransport(app=web_app, raise_app_exceptions=False), base_url=SITE)

    async def post(url: str, body: bytes, headers: dict[str, str]) -> int:
        return (await site.post(url, content=body, headers=headers)).status_code

    double.courier.post = post
    await endpoint_at(double.store, SITE + WEBHOOK_PATH, SECRET)
    client.use(gateway)
    try:
        yield World(double, gateway, line, people, site)
    finally:
        client.use(None)
        await people.aclose()
        await site.aclose()
        await double.stop()
