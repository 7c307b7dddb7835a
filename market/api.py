"""The market as JSON under /api/v1: the same services, the same parsers, the same refusals."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from litestar import Request, Response, Router, delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody

from core import web
from core.forms import Form
from core.identity import Identity, Permission
from core.web.pages import decode_cursor
from market import forms, services
from market.controllers.notices import board_cursor
from market.controllers.results import ResultPending
from market.queries import awards, bids, catalogue, notices, projects
from market.queries.awards import AwardRow
from market.queries.catalogue import ItemRow
from market.queries.notices import BoardFilter, NoticeRow, OpenedBid
from market.queries.projects import ProjectRow
from market.rules.bids import NoBid
from market.rules.notices import SelectionMethod
from market.rules.reasons import Reason

AnyRequest = Request[Any, Any, Any]
OWNER = [web.requires(Permission.MANAGE_PROJECT)]
POSTER = [web.requires(Permission.POST_NOTICE)]
BIDDER = [web.requires(Permission.SUBMIT_BID)]
Amount = str | int | float
MOST = 100


class ProjectBody(msgspec.Struct):
    """A project. `investment` in yuan with at most two decimals; `version` when revising."""

    title: str = ""
    location: str = ""
    description: str = ""
    investment: Amount = ""
    fund_source: str = ""
    version: int | None = None


class NoticeBody(msgspec.Struct):
    """A notice. `deadline` is local time in Shanghai, or carries its own offset."""

    item_code: str = ""
    method: str = ""
    fund_source: str = ""
    scale: str = ""
    requirements: str = ""
    payment_terms: str = ""
    ceiling: Amount = ""
    days_limit: Amount = ""
    deadline: str = ""
    floor: Amount | None = None
    agency_id: int | None = None
    reason: str = ""
    risk_acknowledged: bool = False
    project_id: int | None = None
    version: int | None = None


class VersionBody(msgspec.Struct):
    """The version of the notice that the caller read."""

    version: int


class ReasonBody(msgspec.Struct):
    """A reason, in words that will be public."""

    reason: str


class RepostBody(msgspec.Struct):
    """The new deadline of a notice that is posted again."""

    deadline: str


class OfferBody(msgspec.Struct):
    """An offer. Price in yuan, left out for a random draw; `honest` is the commitment."""

    days: Amount = ""
    proposal: str = ""
    honest: bool = False
    amount: Amount = ""


def _moment(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _yuan(value: Decimal | None) -> str | None:
    return f"{value:.2f}" if value is not None else None


def _reason(reason: Reason) -> dict[str, Any]:
    return reason.as_json() | {"text": reason.message().render()}


def _item(item: ItemRow) -> dict[str, Any]:
    return {
        "code": item.code,
        "version": item.version,
        "name_zh": item.name_zh,
        "name_en": item.name_en,
        "profession": item.profession,
        "stage": item.stage,
        "payer": item.payer,
        "department_code": item.department_code,
        "promised_days": item.promised_days,
        "fee_min": _yuan(item.fee_min),
        "fee_max": _yuan(item.fee_max),
        "self_preparation": item.self_preparation,
        "in_force_from": item.in_force_from.isoformat(),
    }


def _notice(row: NoticeRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "number": row.number,
        "phase": row.phase.value,
        "state": row.state.value,
        "version": row.version,
        "project_id": row.project_id,
        "project_title": row.project_title,
        "location": row.location,
        "client_zh": row.client_name_zh,
        "client_en": row.client_name_en,
        "item_code": row.item_code,
        "item_zh": row.item_name_zh,
        "item_en": row.item_name_en,
        "profession": row.profession,
        "method": row.method.value,
        "fund_source": row.fund_source.value,
        "scale": row.scale,
        "requirements": row.requirements,
        "payment_terms": row.payment_terms,
        "ceiling": _yuan(row.ceiling),
        "floor": _yuan(row.floor),
        "days_limit": row.days_limit,
        "deadline": _moment(row.deadline),
        "published_at": _moment(row.published_at),
        "opened_at": _moment(row.opened_at),
        "selected_at": _moment(row.selected_at),
        "display_until": _moment(row.display_until),
        "awarded_at": _moment(row.awarded_at),
        "ended_at": _moment(row.ended_at),
        "ending": _reason(row.ending) if row.ending else None,
        "end_words": row.end_words or None,
        "rules": row.law.id,
        "repost_of": row.repost_of,
    }


def _project(row: ProjectRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "number": row.number,
        "title": row.title,
        "location": row.location,
        "description": row.description,
        "investment": _yuan(row.investment),
        "fund_source": row.fund_source.value,
        "version": row.version,
        "client_zh": row.client_name_zh,
        "client_en": row.client_name_en,
        "created_at": _moment(row.created_at),
    }


def _award(row: AwardRow) -> dict[str, Any]:
    return {
        "id": row.award_id,
        "state": row.state,
        "notice_id": row.notice_id,
        "notice_number": row.notice_no,
        "project_id": row.project_id,
        "item_code": row.item_code,
        "client_zh": row.client_name_zh,
        "agency_id": row.agency_id,
        "agency_zh": row.agency_name_zh,
        "agency_en": row.agency_name_en,
        "amount": _yuan(row.amount),
        "days": row.days,
        "method": row.method.value,
        "place": row.place,
        "reason": _reason(row.why),
        "grade_at_selection": row.grade_at_selection,
        "score_at_selection": _yuan(row.score_at_selection),
        "announced_at": _moment(row.announced_at),
        "display_until": _moment(row.display_until),
        "confirmed_at": _moment(row.confirmed_at),
    }


def _bid(bid: OpenedBid) -> dict[str, Any]:
    return {
        "agency_id": bid.agency_id,
        "agency_zh": bid.agency_name_zh,
        "agency_en": bid.agency_name_en,
        "uscc": bid.uscc,
        "state": bid.state,
        "amount": _yuan(bid.amount),
        "days": bid.days,
        "place": bid.place,
        "grade": bid.grade,
        "score": _yuan(bid.score),
        "received_at": _moment(bid.received_at),
        "digest": bid.digest,
        "reasons": [_reason(reason) for reason in bid.reasons],
    }


def _receipt(receipt: services.BidReceipt) -> dict[str, Any]:
    return {
        "notice_id": receipt.notice_id,
        "notice_number": receipt.notice_number,
        "number": receipt.number,
        "received_at": _moment(receipt.received_at),
        "digest": receipt.digest,
        "algorithm": receipt.algorithm,
        "trail_entry": receipt.entry_id,
    }


def _posted(receipt: services.NoticeReceipt) -> dict[str, Any]:
    return {"id": receipt.notice_id, "number": receipt.number, "version": receipt.version}


def _limit(limit: int) -> int:
    return min(max(1, limit), MOST)


def _whole(cursor: str | None) -> int | None:
    decoded = decode_cursor(cursor)
    return decoded if isinstance(decoded, int) else None


# --- catalogue --------------------------------------------------------------------------------


@get("/service-items", name="api:service-items", opt=web.public)
async def list_items(q: FromQuery[str | None] = None) -> dict[str, Any]:
    """The catalogue in force; `q` searches in Chinese and English."""
    return {"items": [_item(item) for item in await catalogue.find_items(q or "")], "next": None}


@get("/service-items/{code:str}", name="api:service-item", opt=web.public)
async def show_item(code: FromPath[str]) -> dict[str, Any]:
    """One item with its whole guide."""
    guide = await catalogue.guide(code)
    return _item(guide.item) | {"guide": guide.facts}


# --- projects ---------------------------------------------------------------------------------


@get("/projects", name="api:projects", opt=web.public)
async def list_projects(
    cursor: FromQuery[str | None] = None, limit: FromQuery[int] = 20
) -> dict[str, Any]:
    """Projects with a published notice, newest first."""
    size = _limit(limit)
    rows = await projects.public_projects(limit=size, before=_whole(cursor))
    return web.cursor_page(rows, size, lambda row: row.id, _project)


@get("/projects/{project_id:int}", name="api:project", opt=web.public)
async def show_project(request: AnyRequest, project_id: FromPath[int]) -> dict[str, Any]:
    """One project with its notices."""
    identity = await web.who(request)
    row = await projects.project(project_id, identity)
    found = await notices.project_notices(project_id, identity)
    return _project(row) | {"notices": [_notice(one) for one in found]}


@post("/projects", name="api:project-create", guards=OWNER)
async def create_project(request: AnyRequest, data: JSONBody[ProjectBody]) -> Response[Any]:
    """Put a project on file."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.ProjectReceipt:
        return await services.describe_project(identity, draft=forms.parse_project(form))

    return await web.api_act(request, data, do, _project_receipt)


@put("/projects/{project_id:int}", name="api:project-revise", guards=OWNER)
async def revise_project(
    request: AnyRequest, project_id: FromPath[int], data: JSONBody[ProjectBody]
) -> Response[Any]:
    """Correct a project; `version` says which state the caller read."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.ProjectReceipt:
        version = forms.parse_version(form)
        draft = forms.parse_project(form)
        return await services.revise_project(
            identity, project_id=project_id, version=version, draft=draft
        )

    return await web.api_act(request, data, do, _project_receipt, status=200)


def _project_receipt(receipt: services.ProjectReceipt) -> dict[str, Any]:
    return {"id": receipt.project_id, "number": receipt.number}


# --- notices ----------------------------------------------------------------------------------


@get("/notices", name="api:notices", opt=web.public)
async def list_notices(
    item: FromQuery[str | None] = None,
    profession: FromQuery[str | None] = None,
    method: FromQuery[str | None] = None,
    phase: FromQuery[str | None] = None,
    fund: FromQuery[str | None] = None,
    q: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 20,
) -> dict[str, Any]:
    """The notice board, newest first."""
    chosen = BoardFilter(
        item or "", profession or "", method or "", phase or "", fund or "", (q or "")[:100]
    )
    size = _limit(limit)
    rows = await notices.notice_board(chosen, limit=size, before=board_cursor(cursor))
    return web.cursor_page(rows, size, lambda row: [row.published_at, row.id], _notice)


@get("/notices/{notice_id:int}", name="api:notice", opt=web.public)
async def show_notice(request: AnyRequest, notice_id: FromPath[int]) -> dict[str, Any]:
    """One notice, with the public side of its keys."""
    row = await notices.notice(notice_id, await web.who(request))
    seal = await notices.seal_of(notice_id)
    shown = {
        "algorithm": seal.algorithm,
        "public_key": seal.public_key.hex(),
        "draw_format": seal.draw_format,
        "draw_commitment": seal.draw_commitment,
    } if seal else None
    return _notice(row) | {"seal": shown}


@get("/notices/{notice_id:int}/result", name="api:notice-result", opt=web.public)
async def show_result(request: AnyRequest, notice_id: FromPath[int]) -> dict[str, Any]:
    """What the opening found, everybody's offer and reasons, the draw."""
    await notices.notice(notice_id, await web.who(request))
    opening = await notices.opening_of(notice_id)
    if opening is None:
        raise ResultPending
    award = await awards.award_of(notice_id)
    return {
        "opened_at": _moment(opening.opened_at),
        "received": opening.received,
        "qualified": opening.qualified,
        "envelopes_sha256": opening.envelopes_digest,
        "candidates": opening.candidates,
        "candidates_sha256": opening.candidates_digest,
        "draw": opening.draw,
        "bids": [_bid(bid) for bid in await notices.opened_bids(notice_id)],
        "award": _award(award) if award else None,
    }


@post("/notices", name="api:notice-create", guards=POSTER)
async def create_notice(request: AnyRequest, data: JSONBody[NoticeBody]) -> Response[Any]:
    """Write a draft for a project of one's own (`project_id`)."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.NoticeReceipt:
        project_id = form.integer("project_id", minimum=1)
        draft = forms.parse_notice(form)
        assert project_id is not None
        return await services.draft_notice(identity, project_id=project_id, draft=draft)

    return await web.api_act(request, data, do, _posted)


@put("/notices/{notice_id:int}", name="api:notice-revise", guards=POSTER)
async def revise_notice(
    request: AnyRequest, notice_id: FromPath[int], data: JSONBody[NoticeBody]
) -> Response[Any]:
    """Rewrite a draft."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.NoticeReceipt:
        version = forms.parse_version(form)
        draft = forms.parse_notice(form)
        return await services.revise_notice(
            identity, notice_id=notice_id, version=version, draft=draft
        )

    return await web.api_act(request, data, do, _posted, status=200)


Act = Callable[[Identity, Form], Awaitable[services.NoticeReceipt]]


async def _act(request: AnyRequest, body: msgspec.Struct | None, act: Act) -> Response[Any]:
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.NoticeReceipt:
        return await act(identity, form)

    return await web.api_act(request, body if body is not None else {}, do, _posted)


@post("/notices/{notice_id:int}/publication", name="api:notice-publish", guards=POSTER)
async def publish_notice(
    request: AnyRequest, notice_id: FromPath[int], data: JSONBody[VersionBody]
) -> Response[Any]:
    """Publish a draft."""

    async def act(identity: Identity, form: Form) -> services.NoticeReceipt:
        version = forms.parse_version(form)
        return await services.publish_notice(identity, notice_id=notice_id, version=version)

    return await _act(request, data, act)


@post("/notices/{notice_id:int}/withdrawal", name="api:notice-withdraw", guards=POSTER)
async def withdraw_notice(
    request: AnyRequest, notice_id: FromPath[int], data: JSONBody[ReasonBody]
) -> Response[Any]:
    """Take a notice back before its deadline."""

    async def act(identity: Identity, form: Form) -> services.NoticeReceipt:
        reason = forms.parse_reason(form)
        return await services.withdraw_notice(identity, notice_id=notice_id, reason=reason)

    return await _act(request, data, act)


@post("/notices/{notice_id:int}/cancellation", name="api:notice-cancel", guards=POSTER)
async def cancel_selection(
    request: AnyRequest, notice_id: FromPath[int], data: JSONBody[ReasonBody]
) -> Response[Any]:
    """Cancel a selection while its result is on display."""

    async def act(identity: Identity, form: Form) -> services.NoticeReceipt:
        reason = forms.parse_reason(form)
        return await services.cancel_selection(identity, notice_id=notice_id, reason=reason)

    return await _act(request, data, act)


@post("/notices/{notice_id:int}/reposts", name="api:notice-repost", guards=POSTER)
async def repost_notice(
    request: AnyRequest, notice_id: FromPath[int], data: JSONBody[RepostBody]
) -> Response[Any]:
    """The same text as a new draft."""

    async def act(identity: Identity, form: Form) -> services.NoticeReceipt:
        deadline = forms.parse_deadline(form)
        return await services.repost_notice(identity, notice_id=notice_id, deadline=deadline)

    return await _act(request, data, act)


@post("/notices/{notice_id:int}/acceptance", name="api:offer-accept", guards=BIDDER)
async def accept_offer(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The directly chosen agency accepts."""

    async def act(identity: Identity, _form: Form) -> services.NoticeReceipt:
        return await services.accept_offer(identity, notice_id=notice_id)

    return await _act(request, None, act)


@post("/notices/{notice_id:int}/refusal", name="api:offer-decline", guards=BIDDER)
async def decline_offer(
    request: AnyRequest, notice_id: FromPath[int], data: JSONBody[ReasonBody]
) -> Response[Any]:
    """The directly chosen agency declines, with its reason."""

    async def act(identity: Identity, form: Form) -> services.NoticeReceipt:
        words = forms.parse_reason(form)
        return await services.decline_offer(identity, notice_id=notice_id, words=words)

    return await _act(request, data, act)


# --- bids -------------------------------------------------------------------------------------

Sealer = Callable[..., Awaitable[services.BidReceipt]]


async def _seal(
    request: AnyRequest, notice_id: int, data: OfferBody, service: Sealer, status: int
) -> Response[Any]:
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.BidReceipt:
        row = await notices.notice(notice_id, identity)
        fixed = row.ceiling if row.method is SelectionMethod.RANDOM_DRAW else None
        offer = forms.parse_offer(form, fixed_price=fixed)
        return await service(identity, notice_id=notice_id, offer=offer)

    return await web.api_act(request, data, do, _receipt, status=status)


@post("/notices/{notice_id:int}/bids", name="api:bid-submit", guards=BIDDER)
async def submit_bid(
    request: AnyRequest, notice_id: FromPath[int], data: JSONBody[OfferBody]
) -> Response[Any]:
    """Seal an offer; the reply is the receipt."""
    return await _seal(request, notice_id, data, services.submit_bid, 201)


@put("/notices/{notice_id:int}/bids/mine", name="api:bid-replace", guards=BIDDER)
async def replace_bid(
    request: AnyRequest, notice_id: FromPath[int], data: JSONBody[OfferBody]
) -> Response[Any]:
    """Put a new envelope in the place of the old one."""
    return await _seal(request, notice_id, data, services.replace_bid, 200)


@delete("/notices/{notice_id:int}/bids/mine", name="api:bid-withdraw", guards=BIDDER, status_code=200)
async def withdraw_bid(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Take the bid back."""
    identity = await web.identity_of(request)

    async def do(_form: Form) -> services.BidReceipt:
        return await services.withdraw_bid(identity, notice_id=notice_id)

    return await web.api_act(request, {}, do, _receipt, status=200)


@get("/notices/{notice_id:int}/bids/mine", name="api:bid-mine", guards=BIDDER)
async def show_my_bid(request: AnyRequest, notice_id: FromPath[int]) -> dict[str, Any]:
    """One's own bid: the receipt, and after the opening what became of it."""
    identity = await web.identity_of(request)
    await notices.notice(notice_id, identity)
    bid = await bids.my_bid(identity, notice_id)
    if bid is None:
        raise NoBid
    return {
        "notice_id": bid.notice_id,
        "number": bid.number,
        "state": bid.state.value,
        "digest": bid.digest,
        "algorithm": bid.algorithm,
        "received_at": _moment(bid.received_at),
        "trail_entry": bid.entry_id,
        "amount": _yuan(bid.amount),
        "days": bid.days,
        "place": bid.place,
        "reasons": [_reason(reason) for reason in bid.reasons],
    }


# --- awards -----------------------------------------------------------------------------------


@get("/awards", name="api:awards", opt=web.public)
async def list_awards(
    agency: FromQuery[int | None] = None,
    client: FromQuery[int | None] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 20,
) -> dict[str, Any]:
    """Awards, newest first; of one agency or client if wanted."""
    size = _limit(limit)
    rows = await awards.awards(
        limit=size, before=_whole(cursor), agency_id=agency, client_id=client
    )
    return web.cursor_page(rows, size, lambda row: row.award_id, _award)


@get("/awards/{award_id:int}", name="api:award", opt=web.public)
async def show_award(award_id: FromPath[int]) -> dict[str, Any]:
    """One award."""
    return _award(await awards.award(award_id))


api_router = Router(
    path="/",
    route_handlers=[
        list_items,
        show_item,
        list_projects,
        show_project,
        create_project,
        revise_project,
        list_notices,
        show_notice,
        show_result,
        create_notice,
        revise_notice,
        publish_notice,
        withdraw_notice,
        cancel_selection,
        repost_notice,
        accept_offer,
        decline_offer,
        submit_bid,
        replace_bid,
        withdraw_bid,
        show_my_bid,
        list_awards,
        show_award,
    ],
    tags=["market"],
)
