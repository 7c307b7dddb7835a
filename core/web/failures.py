"""One place where what went wrong becomes a page or a problem document.

The framework calls these synchronously, so they use what the request already knows and never ask the
database, which may be the very thing that failed.
"""

from typing import Any

import asyncpg
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from core.db import UNAVAILABLE
from core.errors import DomainError, NotFound, SignInRequired, Unavailable
from core.i18n import N_
from core.web import pages

_log = structlog.get_logger()
AnyRequest = Request[Any, Any, Any]


class Broken(DomainError):
    """A bug of ours."""

    status = 500
    code = "broken"
    text = N_("系统出了差错，已记录下来。您的操作没有生效，可以稍后再试；若仍不行，请通过“报告差错”告诉我们。")


class BadRequest(DomainError):
    """Something that no page of ours would send."""

    code = "bad-request"
    text = N_("请求的格式不对，无法处理。请返回上一页再试。")


class MethodNotAllowed(DomainError):
    """Right address, wrong method."""

    status = 405
    code = "method-not-allowed"
    text = N_("这个地址不接受这种请求。请返回上一页再试。")


class TooLarge(DomainError):
    """The request body exceeds the limit of its route."""

    status = 413
    code = "too-large"
    text = N_("上传的内容太大，没有收下。请压缩或分次上传。")


_BY_STATUS: dict[int, type[DomainError]] = {
    401: SignInRequired,
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
}


def refused(request: AnyRequest, error: DomainError) -> Response[Any]:
    """A domain error that no form caught."""
    if pages.wants_json(request):
        return pages.problem(error)
    if isinstance(error, SignInRequired):
        address = request.url.path if request.method == "GET" else "/desk"
        return pages.redirect_to(pages.url_for("core:sign-in", next=address))
    identity = request.scope["state"].get("identity")
    context = {"error": error}
    return pages.rendered(request, identity, "errors/error.html", context, status=error.status)


def http_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """What the framework refuses: unknown path, wrong method, unreadable body."""
    kind = _BY_STATUS.get(error.status_code)
    if kind is None:
        kind = Broken if error.status_code >= 500 else BadRequest
    return refused(request, kind())


def unavailable(request: AnyRequest, error: Exception) -> Response[Any]:
    """The database is away: say so, half-done is nothing."""
    _log.warning("database unavailable", error=repr(error))
    return _without_database(request, Unavailable())


def broken(request: AnyRequest, error: Exception) -> Response[Any]:
    """Anything else is a bug: logged whole, told plainly."""
    _log.error("unhandled error", path=request.url.path, exc_info=error)
    return _without_database(request, Broken())


def _without_database(request: AnyRequest, error: DomainError) -> Response[Any]:
    """An error page that asks the database for nothing."""
    state = request.scope["state"]
    state.setdefault("identity", None)
    if state.get("typed") is None or pages.wants_json(request):
        return refused(request, error)
    context = {"error": error, "typed": state["typed"]}
    return pages.rendered(request, state["identity"], "errors/unavailable.html", context, status=error.status)


def beyond_numbers(request: AnyRequest, error: asyncpg.DataError) -> Response[Any]:
    """A guessed id too large for the database is simply absent; any other bad value is a bug."""
    return refused(request, NotFound()) if "out of int" in str(error) else broken(request, error)


HANDLERS: dict[Any, Any] = {
    asyncpg.DataError: beyond_numbers,
    DomainError: refused,
    HTTPException: http_error,
    Exception: broken,
} | dict.fromkeys(UNAVAILABLE, unavailable)
