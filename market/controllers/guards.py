"""The fairness guards as pages: a low price and what becomes of it, and the rules themselves."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from core import clock, web
from core.forms import Form
from core.i18n import _
from core.identity import Identity, Permission
from market import content, services
from market.forms import parse_justification, parse_price_decision
from market.queries import notices
from market.queries.catalogue import items
from market.queries.low_price import CheckRow, price_checks
from market.queries.notices import NoticeRow
from market.rules.catalogue import VERIFIED
from market.rules.conditions import CONDITIONS
from market.rules.low_price import OUTCOMES, NoPriceCheck

AnyRequest = Request[Any, Any, Any]
BIDDER = [web.requires(Permission.SUBMIT_BID)]
CHOOSER = [web.requires(Permission.SELECT_AGENCY)]


@get("/notices/{notice_id:int}/low-price", name="market:low-price", opt=web.public)
async def price_page(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The question about a low price: neutral facts for everybody, the words for those they are meant for."""
    return await _page(request, notice_id)


async def _page(request: AnyRequest, notice_id: int, form: web.FormState | None = None) -> Response[Any]:
    identity = await web.who(request)
    row = await notices.notice(notice_id, identity)
    checks = await price_checks(notice_id, row.client_id, identity)
    if not checks:
        raise NoPriceCheck
    last = checks[-1]
    return await web.page(
        request,
        "market/guards_low_price.html",
        form=form,
        row=row,
        checks=checks,
        last=last,
        may_justify=row.clock.held and _may_justify(last, identity),
        may_decide=row.clock.held and _may_decide(last, row, identity),
        outcomes=OUTCOMES,
        decision_options=[("accept", _("接受，按原次序中选")), ("reject", _("不接受，由下一位接替"))],
    )


def _may_justify(check: CheckRow, identity: Identity | None) -> bool:
    mine = identity is not None and identity.organization_id == check.agency_organization_id
    return mine and check.open and check.justified_at is None and clock.now() < check.due_at


def _may_decide(check: CheckRow, row: NoticeRow, identity: Identity | None) -> bool:
    if identity is None or identity.organization_id != row.client_id:
        return False
    return identity.may(Permission.SELECT_AGENCY) and check.open and check.justified_at is not None


@post("/notices/{notice_id:int}/low-price/justify", name="market:low-price-justify", guards=BIDDER)
async def justify_price(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The agency explains its price."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.PriceReceipt:
        return await services.justify_price(identity, notice_id=notice_id, words=parse_justification(form))

    def done(receipt: services.PriceReceipt) -> Response[None]:
        return web.redirect("market:low-price", notice_id=receipt.notice_id, say=_("低价说明已提交，等业主决定。"))

    async def again(form: web.FormState) -> Response[Any]:
        return await _page(request, notice_id, form)

    return await web.act(request, do, done, again)


@post("/notices/{notice_id:int}/low-price/decide", name="market:low-price-decide", guards=CHOOSER)
async def decide_price(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The client accepts the words or does not."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.PriceReceipt:
        accept, words = parse_price_decision(form)
        return await services.decide_price(identity, notice_id=notice_id, accept=accept, words=words)

    def done(receipt: services.PriceReceipt) -> Response[None]:
        return web.redirect("market:notice-detail", notice_id=receipt.notice_id, say=_("决定已公开，选取继续。"))

    async def again(form: web.FormState) -> Response[Any]:
        return await _page(request, notice_id, form)

    return await web.act(request, do, done, again)


@get("/rules/fairness", name="market:fairness", opt=web.public)
async def fairness_page(request: AnyRequest) -> Response[Any]:
    """Every guard with its numbers, and the matrix of duties that do not go together."""
    return await web.page(
        request,
        "market/guards_rules.html",
        law=content.edition_in_force(clock.today()),
        duties=content.incompatible_duties(),
        items={item.code: item for item in await items()},
        conditions=CONDITIONS,
        verified=VERIFIED,
    )


HANDLERS = [price_page, justify_price, decide_price, fairness_page]
