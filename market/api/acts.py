"""The acts of clients and bidders. Every call carries an `Idempotency-Key`."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Request, Response, delete, post, put
from litestar.params import FromPath, JSONBody

from core import web
from core.forms import Form
from core.identity import Identity, Permission
from market import forms, services
from market.api.bodies import (
    NoticeBody,
    OfferBody,
    ProjectBody,
    PublishBody,
    ReasonBody,
    RepostBody,
)
from market.api.shapes import posted_json, project_receipt_json, receipt_json
from market.controllers.bids import origin_of_request
from market.queries import notices
from market.rules.notices import SelectionMethod

AnyRequest = Request[Any, Any, Any]
OWNER = [web.requires(Permission.MANAGE_PROJECT)]
POSTER = [web.requires(Permission.POST_NOTICE)]
BIDDER = [web.requires(Permission.SUBMIT_BID)]


@post("/projects", name="api:project-create", guards=OWNER)
async def create_project(request: AnyRequest, data: JSONBody[ProjectBody]) -> Response[Any]:
    """Put a project on file."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.ProjectReceipt:
        return await services.describe_project(identity, draft=forms.parse_project(form))

    return await web.api_act(request, data, do, project_receipt_json)


@put("/projects/{project_id:int}", name="api:project-revise", guards=OWNER)
async def revise_project(request: AnyRequest, project_id: FromPath[int], data: JSONBody[ProjectBody]) -> Response[Any]:
    """Correct a project; `version` says which state the caller read."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.ProjectReceipt:
        version = forms.parse_version(form)
        draft = forms.parse_project(form)
        return await services.revise_project(identity, project_id=project_id, version=version, draft=draft)

    return await web.api_act(request, data, do, project_receipt_json, status=200)


@post("/notices", name="api:notice-create", guards=POSTER)
async def create_notice(request: AnyRequest, data: JSONBody[NoticeBody]) -> Response[Any]:
    """Write a draft for a project of one's own (`project_id`)."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.NoticeReceipt:
        project_id = form.integer("project_id", minimum=1)
        draft = forms.parse_notice(form)
        assert project_id is not None
        return await services.draft_notice(identity, project_id=project_id, draft=draft)

    return await web.api_act(request, data, do, posted_json)


@put("/notices/{notice_id:int}", name="api:notice-revise", guards=POSTER)
async def revise_notice(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[NoticeBody]) -> Response[Any]:
    """Rewrite a draft."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.NoticeReceipt:
        version = forms.parse_version(form)
        draft = forms.parse_notice(form)
        return await services.revise_notice(identity, notice_id=notice_id, version=version, draft=draft)

    return await web.api_act(request, data, do, posted_json, status=200)


Act = Callable[[Identity, Form], Awaitable[services.NoticeReceipt]]


async def _act(request: AnyRequest, body: msgspec.Struct | None, act: Act) -> Response[Any]:
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.NoticeReceipt:
        return await act(identity, form)

    return await web.api_act(request, body if body is not None else {}, do, posted_json)


@post("/notices/{notice_id:int}/publication", name="api:notice-publish", guards=POSTER)
async def publish_notice(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[PublishBody]) -> Response[Any]:
    """Publish a draft; explain what `GET …/warnings` lists."""

    async def act(identity: Identity, form: Form) -> services.NoticeReceipt:
        version = forms.parse_version(form)
        words = forms.parse_explanations(form)
        return await services.publish_notice(identity, notice_id=notice_id, version=version, explanations=words)

    return await _act(request, data, act)


@post("/notices/{notice_id:int}/withdrawal", name="api:notice-withdraw", guards=POSTER)
async def withdraw_notice(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[ReasonBody]) -> Response[Any]:
    """Take a notice back before its deadline."""

    async def act(identity: Identity, form: Form) -> services.NoticeReceipt:
        reason = forms.parse_reason(form)
        return await services.withdraw_notice(identity, notice_id=notice_id, reason=reason)

    return await _act(request, data, act)


@post("/notices/{notice_id:int}/cancellation", name="api:notice-cancel", guards=POSTER)
async def cancel_selection(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[ReasonBody]) -> Response[Any]:
    """Cancel a selection while its result is on display."""

    async def act(identity: Identity, form: Form) -> services.NoticeReceipt:
        reason = forms.parse_reason(form)
        return await services.cancel_selection(identity, notice_id=notice_id, reason=reason)

    return await _act(request, data, act)


@post("/notices/{notice_id:int}/reposts", name="api:notice-repost", guards=POSTER)
async def repost_notice(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[RepostBody]) -> Response[Any]:
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
async def decline_offer(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[ReasonBody]) -> Response[Any]:
    """The directly chosen agency declines, with its reason."""

    async def act(identity: Identity, form: Form) -> services.NoticeReceipt:
        words = forms.parse_reason(form)
        return await services.decline_offer(identity, notice_id=notice_id, words=words)

    return await _act(request, data, act)


Sealer = Callable[..., Awaitable[services.BidReceipt]]


async def _seal(request: AnyRequest, notice_id: int, data: OfferBody, service: Sealer, status: int) -> Response[Any]:
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.BidReceipt:
        row = await notices.notice(notice_id, identity)
        fixed = row.ceiling if row.method is SelectionMethod.RANDOM_DRAW else None
        seen = forms.parse_seen(form)
        offer = forms.parse_offer(form, fixed_price=fixed)
        origin = origin_of_request(request)
        return await service(identity, notice_id=notice_id, offer=offer, origin=origin, amendment=seen)

    return await web.api_act(request, data, do, receipt_json, status=status)


@post("/notices/{notice_id:int}/bids", name="api:bid-submit", guards=BIDDER)
async def submit_bid(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[OfferBody]) -> Response[Any]:
    """Seal an offer; the reply is the receipt."""
    return await _seal(request, notice_id, data, services.submit_bid, 201)


@put("/notices/{notice_id:int}/bids/mine", name="api:bid-replace", guards=BIDDER)
async def replace_bid(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[OfferBody]) -> Response[Any]:
    """Put a new envelope in the place of the old one."""
    return await _seal(request, notice_id, data, services.replace_bid, 200)


@delete("/notices/{notice_id:int}/bids/mine", name="api:bid-withdraw", guards=BIDDER, status_code=200)
async def withdraw_bid(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Take the bid back."""
    identity = await web.identity_of(request)

    async def do(_form: Form) -> services.BidReceipt:
        return await services.withdraw_bid(identity, notice_id=notice_id)

    return await web.api_act(request, {}, do, receipt_json, status=200)


HANDLERS = [
    create_project,
    revise_project,
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
]
