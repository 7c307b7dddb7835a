"""One act on a payable, whole: every form of its page is carried out, answered and given back in the same way."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response

from core import web
from core.forms import Form
from core.identity import Identity

AnyRequest = Request[Any, Any, Any]
Act = Callable[[Identity, Form], Awaitable[Any]]


async def act_on_payable(
    request: AnyRequest, payable_id: int, do: Act, say: str | None = None, *, to: str = "payments:payable", **there: Any
) -> Response[Any]:
    """Carry it out and go on to `to`, saying `say`; a refused form stays on the page of the payable as it was typed."""
    from payments.controllers.payables import show_payable

    identity = await web.identity_of(request)
    return await web.act(
        request,
        lambda form: do(identity, form),
        lambda _receipt: web.redirect(to, payable_id=payable_id, say=say, **there),
        lambda form: show_payable(request, payable_id, form),
    )
