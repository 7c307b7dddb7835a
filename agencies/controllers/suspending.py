"""The market supervisor stops an agency, and lets it work again, on the agency's own page."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response, post
from litestar.params import FromPath

from agencies import forms, services
from agencies.controllers.public import show_storefront
from core import web
from core.forms import Form
from core.i18n import _
from core.identity import Permission

AnyRequest = Request[Any, Any, Any]
SUPERVISOR = [web.requires(Permission.SUSPEND_AGENCY)]


async def _act(request: AnyRequest, agency_id: int, do: Callable[[Form], Awaitable[int]], say: str) -> Response[Any]:
    def done(_entry: int) -> Response[None]:
        return web.redirect("agencies:storefront", agency_id=agency_id, say=say)

    return await web.act(request, do, done, lambda form: show_storefront(request, agency_id, form=form))


@post("/agencies/{agency_id:int}/suspend", name="agencies:suspend", guards=SUPERVISOR)
async def suspend(request: AnyRequest, agency_id: FromPath[int]) -> Response[Any]:
    """No bids, no payouts, until it is lifted."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> int:
        reason = forms.parse_reason(form)
        return await services.suspend_agency(actor=identity, agency_id=agency_id, reason=reason)

    return await _act(request, agency_id, do, _("已暂停，机构已收到原因和申诉途径。"))


@post("/agencies/{agency_id:int}/resume", name="agencies:resume", guards=SUPERVISOR)
async def resume(request: AnyRequest, agency_id: FromPath[int]) -> Response[Any]:
    """It works again; what was kept goes on its way by itself."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> int:
        return await services.resume_agency(actor=identity, agency_id=agency_id, reason=forms.parse_reason(form))

    return await _act(request, agency_id, do, _("已恢复，机构已收到通知；托管的款项自动继续划付。"))


HANDLERS = [suspend, resume]
