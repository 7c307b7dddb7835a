"""The double inside a demonstration's own server, under /stripe-double: `xinshi run` needs nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from core import settings
from payments.gateway.configuration import DOUBLE_PATH, WEBHOOK_PATH, double_secret
from payments.stripe_double.app import Double
from payments.stripe_double.courier import endpoint_at

_double: Double | None = None


def handlers() -> list[ASGIRouteHandler]:
    """The mount, where the settings ask for it; nothing otherwise."""
    return [mounted] if settings.load().stripe_double else []


@asgi(DOUBLE_PATH, is_mount=True, copy_scope=True, opt={"public": True}, name="double:mount")
async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
    """Hand over to the double's own app."""
    assert _double is not None
    await _double.app(scope, receive, send)


@asynccontextmanager
async def living(_app: Litestar) -> AsyncIterator[None]:
    """The double lives as long as the server, where the settings ask for it."""
    global _double  # noqa: PLW0603 - one per server, like the mount
    known = settings.load()
    if not known.stripe_double:
        yield
        return
    _double = Double(
        known.database_url,
        known.address + DOUBLE_PATH,
        owner_url=known.database_owner_url,
        settlement=known.stripe_currency,
    )
    await _double.start()
    await endpoint_at(_double.store, known.address + WEBHOOK_PATH, double_secret())
    try:
        yield
    finally:
        await _double.stop()
        _double = None
