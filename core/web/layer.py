"""The outermost layer: language and security headers on every response, errors and 404s included.

Hooks of the framework do not run for unrouted paths or raised errors, so this wraps the whole app.
"""

from collections.abc import Iterable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from core import i18n, settings
from core.web import cookies

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "manifest-src 'self'",
    )
)
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class Layer:
    """Wraps the app once; adds nothing per request but a few bytes of headers and the language."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.headers = HEADERS + ((HSTS,) if settings.load().secure else ())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        i18n.set_language(_language(connection))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._missing(message["headers"])]
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def _missing(self, sent: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        names = {name for name, _ in sent}
        return [header for header in self.headers if header[0] not in names]


def _language(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The reader's own choice; a program may ask with `Accept-Language`; else Chinese."""
    if cookies.read(connection, cookies.PREFERENCES):
        return cookies.preferences(connection).language
    asked = connection.headers.get("accept-language", "").lower()
    if asked.startswith("en") and connection.url.path.startswith("/api/"):
        return "en"
    return i18n.DEFAULT
