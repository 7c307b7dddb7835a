"""localstripe, an independent stand-in, agrees with our double where both know the call: intents, capture, refund.

It is imported here only (GPL), bound to 127.0.0.1, and knows nothing of Idempotency-Key, Checkout or Connect.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from litestar import Litestar

from payments.gateway.client import Gateway
from payments.gateway.configuration import Configuration
from payments.services.stripe.webhooks import _signed
from tests.payments.stripe_world import World, world

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


CARD: Any = {
    "type": "card",
    "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"},
}


@pytest.fixture
async def other() -> AsyncIterator[Gateway]:
    """localstripe on a free port of 127.0.0.1."""
    arguments, sys.argv = sys.argv, ["localstripe"]
    try:
        from localstripe import server
    finally:
        sys.argv = arguments
    runner = web.AppRunner(server.app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield Gateway(Configuration("sk_test_12345", (), f"http://127.0.0.1:{port}", "HK", "hkd"))
    await runner.cleanup()
    await asyncio.sleep(0)


@pytest.fixture
async def ours(committed_db: str, web_app: Litestar) -> AsyncIterator[World]:
    async with world(committed_db, web_app) as found:
        yield found


async def _play(gateway: Gateway, method: str) -> list[tuple[Any, ...]]:
    """Held, a part captured, a part refunded, another let go: what each answer says."""
    create = gateway.v1.payment_intents.create_async
    base: Any = {"amount": 50_000, "currency": "cny", "payment_method": method, "confirm": True}
    held = await create(base | {"capture_method": "manual"})
    seen: list[tuple[Any, ...]] = [(held.status, held.amount, held.currency, held.capture_method)]
    taken = await gateway.v1.payment_intents.capture_async(held.id, {"amount_to_capture": 20_000})
    seen.append((taken.status, taken.id == held.id))
    back = await gateway.v1.refunds.create_async({"payment_intent": held.id, "amount": 5_000})
    seen.append((back.object, back.amount, back.status, back.payment_intent == held.id))
    second = await create(base | {"capture_method": "manual"})
    gone = await gateway.v1.payment_intents.cancel_async(second.id)
    seen.append((gone.status,))
    return seen


async def test_both_say_the_same(ours: World, other: Gateway) -> None:
    method = await other.v1.payment_methods.create_async(CARD)
    assert await _play(ours.gateway, "pm_card_visa") == await _play(other, method.id)
    await other.close()


async def test_its_signature_is_believed_here(other: Gateway) -> None:
    from localstripe import webhooks

    taken: asyncio.Future[tuple[bytes, str]] = asyncio.get_running_loop().create_future()

    async def take(request: web.Request) -> web.Response:
        if not taken.done():
            taken.set_result((await request.read(), request.headers["Stripe-Signature"]))
        return web.Response()

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    webhooks.register_webhook(
        "x", f"http://127.0.0.1:{runner.addresses[0][1]}/", "whsec_other", ["payment_intent.succeeded"]
    )
    method = await other.v1.payment_methods.create_async(CARD)
    await other.v1.payment_intents.create_async(
        {"amount": 1000, "currency": "cny", "payment_method": method.id, "confirm": True}
    )
    body, header = await asyncio.wait_for(taken, 30)
    await runner.cleanup()
    await other.close()
    assert _signed(body, header, "whsec_other")
    assert not _signed(body, header, "whsec_wrong")
    assert not _signed(body + b" ", header, "whsec_other")
