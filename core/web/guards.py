"""Who is asking, and whether this route is for them. Every route has a guard or says it is public."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from core import accounts
from core.db import UNAVAILABLE
from core.errors import SignInRequired, Unavailable
from core.identity import Identity, Permission
from core.web import attempts, cookies, reading

PUBLIC = {"public": True}
public = PUBLIC
"""`opt=web.public` on a route that everybody may read."""

Connection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]
_BEARER = "Bearer "
CHANGING = frozenset({"POST", "PUT", "DELETE"})


async def who(connection: Connection) -> Identity | None:
    """Who is asking, by bearer token or session; looked up once per request."""
    state = connection.scope["state"]
    if "identity" not in state:
        try:
            state["identity"] = await _look_up(connection)
        except (Unavailable, *UNAVAILABLE):
            await _hold_on_to(connection)
            raise
    found: Identity | None = state["identity"]
    return found


async def _hold_on_to(connection: Connection) -> None:
    """Keep what somebody typed when even the question who they are cannot be answered."""
    if not isinstance(connection, Request) or connection.method not in CHANGING:
        return
    form = await reading.read_form(connection)
    digest = reading.content_digest(form)
    if not form.raw and not form.files:
        digest = reading.body_digest(await connection.body())
    await attempts.keep(connection, digest)
    if connection.method == "POST":
        connection.scope["state"]["typed"] = await reading.typed(form)


async def _look_up(connection: Connection) -> Identity | None:
    header = connection.headers.get("authorization", "")
    if header.startswith(_BEARER):
        connection.scope["state"]["bearer"] = True
        return await accounts.bearer(header.removeprefix(_BEARER).strip())
    token = cookies.read(connection, cookies.SESSION)
    return await accounts.session(token) if token else None


async def identity_of(connection: Connection) -> Identity:
    """Who is asking; `SignInRequired` when nobody is signed in."""
    identity = await who(connection)
    if identity is None:
        raise SignInRequired
    return identity


async def signed_in(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Anybody with an account may enter."""
    await identity_of(connection)


def requires(permission: Permission) -> Guard:
    """Only roles that carry `permission` may enter."""

    async def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        (await identity_of(connection)).require(permission)

    guard.__name__ = f"requires_{permission.name.lower()}"
    return guard
