"""The owner picks, somebody records the outside value, the winner declines."""

from typing import Any

from litestar import Request, Response, post
from litestar.params import FromPath

from core import web
from core.forms import Form
from core.i18n import _
from core.identity import Permission
from market import services
from market.controllers.notices import show_notice
from market.controllers.results import show_result
from market.forms import parse_outside_value, parse_pick, parse_reason

AnyRequest = Request[Any, Any, Any]


@post("/notices/{notice_id:int}/pick", name="market:pick", guards=[web.requires(Permission.SELECT_AGENCY)])
async def pick(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The owner picks one of the short list."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.NoticeReceipt:
        agency_id, reason, risk = parse_pick(form)
        return await services.pick_agency(
            identity, notice_id=notice_id, agency_id=agency_id, reason=reason, risk_acknowledged=risk
        )

    def done(_receipt: services.NoticeReceipt) -> Response[None]:
        return web.redirect("market:notice-result", notice_id=notice_id, say=_("已选定，理由已公开，结果开始公示。"))

    async def again(form: web.FormState) -> Response[Any]:
        return await show_result(request, notice_id, form)

    return await web.act(request, do, done, again)


@post("/notices/{notice_id:int}/outside-value", name="market:outside-value", guards=[web.signed_in])
async def outside_value(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The client or a market supervisor records the public value."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> int:
        value, where = parse_outside_value(form)
        return await services.record_outside_value(identity, notice_id=notice_id, value=value, where=where)

    return await _on_notice(request, notice_id, do, _("数值已登记，系统随即抽取。"))


@post(
    "/notices/{notice_id:int}/award/decline",
    name="market:award-decline",
    guards=[web.requires(Permission.SUBMIT_BID)],
)
async def decline_award(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The winner gives up; the next in line follows."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> int:
        return await services.decline_award(identity, notice_id=notice_id, words=parse_reason(form))

    return await _on_notice(request, notice_id, do, _("已放弃中选，由下一位递补。"))


async def _on_notice(request: AnyRequest, notice_id: int, do: Any, said: str) -> Response[Any]:
    def done(_notice_id: int) -> Response[None]:
        return web.redirect("market:notice-detail", notice_id=notice_id, say=said)

    async def again(form: web.FormState) -> Response[Any]:
        return await show_notice(request, notice_id, form)

    return await web.act(request, do, done, again)


HANDLERS = [pick, outside_value, decline_award]
