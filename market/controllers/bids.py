"""A bidder's pages: the form, the receipt, one's own bids."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from agencies import queries as agencies
from core import clock, files, web
from core.forms import Form
from core.i18n import N_, _
from core.identity import Identity, Permission
from core.trail import latest_checkpoint
from market import services
from market.forms import parse_offer, parse_seen
from market.queries import bids, notices
from market.queries.powers import powers
from market.rules.bids import BID_STATES, LONGEST_PROPOSAL, MOST_ATTACHED, MOST_ATTACHMENTS, NoBid, Offer
from market.rules.notices import METHOD_RULES, PHASES, SelectionMethod

AnyRequest = Request[Any, Any, Any]
BIDDER = [web.requires(Permission.SUBMIT_BID)]
BID_BODY = MOST_ATTACHED + files.MEGABYTE
Receipt = services.BidReceipt
Service = Callable[..., Awaitable[Receipt]]


@get("/notices/{notice_id:int}/bid", name="market:bid-form", guards=BIDDER)
async def bid_form(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Write an offer, or a new one in the place of the old."""
    return await _form(request, notice_id)


async def _form(request: AnyRequest, notice_id: int, form: web.FormState | None = None) -> Response[Any]:
    identity = await web.identity_of(request)
    row = await notices.notice(notice_id, identity)
    agency = await agencies.agency_of(identity.organization_id)
    staff = await agencies.staff_of(agency.agency_id) if agency else []
    return await web.page(
        request,
        "market/bid_form.html",
        form=form,
        row=row,
        staff_options=[(one.certificate_no, f"{one.name}　{one.certificate_kind}") for one in staff],
        file_use=services.BID_FILE,
        most_files=MOST_ATTACHMENTS,
        fixed=row.method is SelectionMethod.RANDOM_DRAW,
        rule=METHOD_RULES[row.method],
        powers=await powers(row, identity),
        longest=LONGEST_PROPOSAL,
    )


async def _offer(notice_id: int, identity: Identity, form: Form) -> Offer:
    row = await notices.notice(notice_id, identity)
    fixed = row.ceiling if row.method is SelectionMethod.RANDOM_DRAW else None
    return parse_offer(form, fixed_price=fixed)


async def _seal(request: AnyRequest, notice_id: int, service: Service, said: str) -> Response[Any]:
    identity = await web.identity_of(request)

    async def do(form: Form) -> Receipt:
        seen = parse_seen(form)
        offer = await _offer(notice_id, identity, form)
        origin = origin_of_request(request)
        return await service(identity, notice_id=notice_id, offer=offer, origin=origin, amendment=seen)

    async def again(form: web.FormState) -> Response[Any]:
        return await _form(request, notice_id, form)

    return await web.act(request, do, lambda _receipt: _to_mine(notice_id, said), again)


def origin_of_request(request: AnyRequest) -> dict[str, str]:
    """Where a bid comes from, as keyed fingerprints that go under its seal."""
    address = request.client.host if request.client else ""
    return services.origin_of(address, request.headers.get("user-agent", "")[:300])


def _to_mine(notice_id: int, said: str) -> Response[None]:
    return web.redirect("market:bid-mine", notice_id=notice_id, say=_(said))


@post("/notices/{notice_id:int}/bids", name="market:bid-submit", guards=BIDDER, request_max_body_size=BID_BODY)
async def submit_bid(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Seal and keep an offer."""
    said = N_("密封报价已收到，这是您的回执。")
    return await _seal(request, notice_id, services.submit_bid, said)


@post("/notices/{notice_id:int}/bids/replace", name="market:bid-replace", guards=BIDDER, request_max_body_size=BID_BODY)
async def replace_bid(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Put a new envelope in the old one's place."""
    said = N_("已换入新的密封报价，旧的一份不会开启。")
    return await _seal(request, notice_id, services.replace_bid, said)


@post("/notices/{notice_id:int}/bids/withdraw", name="market:bid-withdraw", guards=BIDDER)
async def withdraw_bid(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Take the bid back."""
    identity = await web.identity_of(request)

    async def do(_form: Form) -> Receipt:
        return await services.withdraw_bid(identity, notice_id=notice_id)

    said = N_("报价已撤回，不会开启。截止前可以重新提交。")

    async def again(form: web.FormState) -> Response[Any]:
        return await _mine(request, notice_id, form)

    return await web.act(request, do, lambda _receipt: _to_mine(notice_id, said), again)


@post("/notices/{notice_id:int}/bids/confirm", name="market:bid-confirm", guards=BIDDER)
async def confirm_bid(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Say that the bid stands after an amendment."""
    identity = await web.identity_of(request)

    async def do(_form: Form) -> Receipt:
        return await services.confirm_bid(identity, notice_id=notice_id)

    async def again(form: web.FormState) -> Response[Any]:
        return await _mine(request, notice_id, form)

    said = N_("已确认，这份密封件将按修改后的公告开启。")
    return await web.act(request, do, lambda _receipt: _to_mine(notice_id, said), again)


@get("/notices/{notice_id:int}/bids/mine", name="market:bid-mine", guards=BIDDER)
async def my_bid(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The receipt, and after the opening what became of the bid."""
    return await _mine(request, notice_id)


async def _mine(request: AnyRequest, notice_id: int, form: web.FormState | None = None) -> Response[Any]:
    identity = await web.identity_of(request)
    row = await notices.notice(notice_id, identity)
    can = await powers(row, identity)
    if can.mine is None:
        raise NoBid
    return await web.page(
        request,
        "market/bid_mine.html",
        form=form,
        row=row,
        bid=can.mine,
        powers=can,
        states=BID_STATES,
        received=f"{clock.shanghai(can.mine.received_at):%Y-%m-%d %H:%M:%S}",
        checkpoint=await latest_checkpoint(),
    )


@get("/notices/{notice_id:int}/bids/mine/envelope", name="market:bid-envelope", guards=BIDDER)
async def my_envelope(request: AnyRequest, notice_id: FromPath[int]) -> Response[bytes]:
    """The stored envelope, to compare its SHA-256 with the receipt on another device."""
    identity = await web.identity_of(request)
    envelope = await bids.my_envelope(identity, notice_id)
    if envelope is None:
        raise NoBid
    return Response(
        envelope,
        media_type="application/octet-stream",
        headers={
            "content-disposition": f'attachment; filename="envelope-{notice_id}.bin"',
            "cache-control": "no-store",
        },
    )


@get("/my/bids", name="market:my-bids", guards=BIDDER)
async def my_bids(request: AnyRequest) -> Response[Any]:
    """All of the agency's bids and the direct offers that wait."""
    identity = await web.identity_of(request)
    return await web.page(
        request,
        "market/my_bids.html",
        bids=await bids.my_bids(identity),
        offers=await bids.offers_to(identity),
        states=BID_STATES,
        phases=PHASES,
    )


HANDLERS = [
    bid_form,
    submit_bid,
    replace_bid,
    withdraw_bid,
    confirm_bid,
    my_bid,
    my_envelope,
    my_bids,
]
