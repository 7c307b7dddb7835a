"""Cookies and keyed tokens: session, visitor, preferences, and the one-line message after an act.

Over https every cookie is `__Host-` and `Secure`. Over plain http, which only the laptop and the
tests use, the prefix cannot be honoured by every browser, so the names go without it (decision 0004).
"""

import base64
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from core import keys, settings
from core.i18n import DEFAULT, LANGUAGES

SESSION = "xinshi"
VISITOR = "visitor"
PREFERENCES = "reading"
SAY = "say"
YEAR = 365 * 24 * 3600
SAY_SECONDS = 60

Connection = ASGIConnection[Any, Any, Any, Any]


def name(short: str) -> str:
    """The cookie's full name in this installation."""
    return f"__Host-{short}" if settings.load().secure else short


def read(connection: Connection, short: str) -> str | None:
    """The value a browser sent, if any."""
    return connection.cookies.get(name(short))


def make(short: str, value: str, *, max_age: int | None = None) -> Cookie:
    """A cookie as strict as the connection allows."""
    return Cookie(
        key=name(short),
        value=value,
        max_age=max_age,
        path="/",
        secure=settings.load().secure,
        httponly=True,
        samesite="lax",
    )


def gone(short: str) -> Cookie:
    """The same cookie, expired."""
    return make(short, "", max_age=0)


def mac(purpose: str, *parts: str) -> str:
    """A keyed digest for one purpose, as text."""
    text = "\x1f".join((purpose, *parts)).encode()
    return base64.urlsafe_b64encode(hmac.digest(keys.secret("session"), text, "sha256")).decode()


def same(left: str, right: str) -> bool:
    """Constant-time comparison."""
    return hmac.compare_digest(left.encode(), right.encode())


def visitor(connection: Connection) -> str:
    """What form guards are bound to before anybody signs in; new visitors get one with the page."""
    known = connection.scope["state"].get("visitor") or read(connection, VISITOR)
    if not known:
        known = secrets.token_urlsafe(16)
        connection.scope["state"]["new_visitor"] = known
    connection.scope["state"]["visitor"] = known
    return str(known)


def guard_seed(connection: Connection) -> str:
    """Session token of a signed-in browser, otherwise the visitor cookie."""
    return read(connection, SESSION) or visitor(connection)


def csrf_token(connection: Connection) -> str:
    """The token that a form must send back; bound to this session."""
    return mac("csrf", guard_seed(connection))


@dataclass(frozen=True)
class Preferences:
    """How somebody wants to read."""

    language: str = DEFAULT
    theme: str = "light"
    large_type: bool = False

    def encode(self) -> str:
        """As a cookie value."""
        return f"{self.language}.{self.theme}.{'large' if self.large_type else 'normal'}"

    @classmethod
    def decode(cls, text: str | None) -> "Preferences":
        """From a cookie value; anything odd means the default."""
        parts = (text or "").split(".")
        if len(parts) != 3 or parts[0] not in LANGUAGES:
            return cls()
        return cls(parts[0], "dark" if parts[1] == "dark" else "light", parts[2] == "large")


def preferences(connection: Connection) -> Preferences:
    """The reader's preferences, read once per request."""
    state = connection.scope["state"]
    if "preferences" not in state:
        state["preferences"] = Preferences.decode(read(connection, PREFERENCES))
    found: Preferences = state["preferences"]
    return found


def say_cookie(text: str) -> Cookie:
    """One sentence for the next page, signed so that nobody can put words into our mouth."""
    body = base64.urlsafe_b64encode(json.dumps(text).encode()).decode()
    return make(SAY, f"{body}.{mac('say', body)}", max_age=SAY_SECONDS)


def said(connection: Connection) -> str | None:
    """The sentence left by the act before, if it is ours."""
    body, _, seal = (read(connection, SAY) or "").rpartition(".")
    if not body or not same(seal, mac("say", body)):
        return None
    return str(json.loads(base64.urlsafe_b64decode(body)))
