"""Making a page, a redirect, a problem document, and addresses by route name."""

import base64
import json
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from litestar import Litestar, Request, Response
from litestar.enums import MediaType

from core.errors import DomainError, FormInvalid
from core.identity import Identity
from core.web import cookies, templates
from core.web.guards import who

_PATHS: dict[str, tuple[str, frozenset[str]]] = {}
_PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")


def learn_routes(app: Litestar) -> None:
    """Remember the path of every named route, so that addresses are made by name."""
    _PATHS.clear()
    for route in app.routes:
        for handler in getattr(route, "route_handlers", [getattr(route, "route_handler", None)]):
            if handler is not None and handler.name:
                path = _PARAMETER.sub(r"{\1}", route.path)
                _PATHS[handler.name] = (path, frozenset(_PARAMETER.findall(route.path)))


def url_for(route: str, /, **params: Any) -> str:
    """The address of a named route; parameters that are not in its path become the query."""
    path, names = _PATHS[route]
    address = path.format(**{key: value for key, value in params.items() if key in names})
    query = {key: value for key, value in params.items() if key not in names and value is not None}
    return f"{address}?{urlencode(query, doseq=True)}" if query else address


async def page(
    request: Request[Any, Any, Any],
    template: str,
    *,
    block: str | None = None,
    status: int = 200,
    **context: Any,
) -> Response[str]:
    """A rendered page, or one named block of it for htmx."""
    return rendered(request, await who(request), template, context, block=block, status=status)


def rendered(
    request: Request[Any, Any, Any],
    identity: Identity | None,
    template: str,
    context: dict[str, Any],
    *,
    block: str | None = None,
    status: int = 200,
) -> Response[str]:
    """The same for a reader who is already known; asks the database for nothing."""
    frame = templates.frame(request, identity)
    body = templates.render(template, frame | context, block=block)
    response = Response(body, status_code=status, media_type=MediaType.HTML)
    if identity is not None:
        response.headers["cache-control"] = "no-store"
    fresh = request.scope["state"].get("new_visitor")
    if fresh:
        response.set_cookie(cookies.make(cookies.VISITOR, fresh))
    if frame["said"]:
        response.set_cookie(cookies.gone(cookies.SAY))
    return response


def redirect(route: str, /, *, say: str | None = None, **params: Any) -> Response[None]:
    """Go and see: 303 to a named route, with one sentence for the reader."""
    return redirect_to(url_for(route, **params), say=say)


def redirect_to(address: str, *, say: str | None = None) -> Response[None]:
    """303 to an address of ours."""
    response: Response[None] = Response(None, status_code=303, headers={"location": address})
    if say:
        response.set_cookie(cookies.say_cookie(say))
    return response


def problem(error: DomainError) -> Response[dict[str, Any]]:
    """An RFC 9457 problem document."""
    body: dict[str, Any] = {
        "type": f"/problems/{error.code}",
        "title": error.message(),
        "status": error.status,
        "code": error.code,
    }
    if isinstance(error, FormInvalid):
        body["errors"] = {name: message.render() for name, message in error.errors.items()}
    return Response(body, status_code=error.status, media_type="application/problem+json")


def cursor_page(
    rows: Sequence[Any],
    limit: int,
    key: Callable[[Any], Any],
    show: Callable[[Any], Any] = lambda row: row,
) -> dict[str, Any]:
    """One page of a list: ask the query for `limit + 1` rows and hand them all in."""
    shown = rows[:limit]
    following = encode_cursor(key(shown[-1])) if len(rows) > limit else None
    return {"items": [show(row) for row in shown], "next": following}


def encode_cursor(value: Any) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(json.dumps(value, default=str).encode()).decode().rstrip("=")


def decode_cursor(text: str | None) -> Any:
    """The value behind a cursor; None for none or nonsense."""
    if not text:
        return None
    try:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return None


def wants_json(request: Request[Any, Any, Any]) -> bool:
    """Whether a program is asking."""
    return request.url.path.startswith("/api/")
