"""Hand what could not be written to the proof file: who is asking is known by the token they sent alone."""

from typing import Any

from litestar import Request

from core import attempts
from core.accounts import digest
from core.web import cookies

_BEARER = "bearer "
_KEPT = "attempt_kept"


async def keep(request: Request[Any, Any, Any], content: bytes) -> None:
    """Keep one refused request as proof; once, however many layers refuse it."""
    state = request.scope["state"]
    if state.get(_KEPT):
        return
    state[_KEPT] = True
    await attempts.keep(path=request.url.path, token_hash=digest(_token(request)), content=content)


def _token(request: Request[Any, Any, Any]) -> str:
    header = request.headers.get("authorization", "")
    if header.lower().startswith(_BEARER):
        return header[len(_BEARER) :].strip()
    return cookies.guard_seed(request)
