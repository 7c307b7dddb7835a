"""The fairness guards as JSON: warnings before publication, public facts after it, low prices."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody

from core import web
from core.forms import Form
from core.identity import Permission
from market import content, forms, services
from market.api.bodies import PriceDecisionBody, PriceWordsBody
from market.api.shapes import moment_text, yuan_text
from market.queries import notices
from market.queries.flags import FlagRow, flags_of, split_purchases, warnings_for
from market.queries.low_price import CheckRow, price_checks

AnyRequest = Request[Any, Any, Any]


def check_json(row: CheckRow) -> dict[str, Any]:
    """A question about a price; `justification` is empty for those it is not meant for."""
    return {
        "id": row.id,
        "agency_id": row.agency_id,
        "agency_zh": row.agency_name_zh,
        "amount": yuan_text(row.amount),
        "bids_compared": row.compared,
        "mean_of_others": yuan_text(row.mean),
        "next_amount": yuan_text(row.next_amount),
        "asked_at": moment_text(row.asked_at),
        "due_at": moment_text(row.due_at),
        "justified_at": moment_text(row.justified_at),
        "justification": row.justification or None,
        "decide_by": moment_text(row.decide_by),
        "outcome": row.outcome or None,
        "words": row.words or None,
        "decided_at": moment_text(row.decided_at),
    }


def flag_json(row: FlagRow) -> dict[str, Any]:
    """A public fact about a notice."""
    return {
        "kind": row.kind,
        "code": row.code,
        "facts": dict(row.facts),
        "reason": row.words,
        "raised_at": moment_text(row.raised_at),
    }


def price_receipt_json(receipt: services.PriceReceipt) -> dict[str, Any]:
    """The receipt of an act on a low price."""
    return {"notice_id": receipt.notice_id, "check_id": receipt.check_id, "trail_entry": receipt.entry_id}


@get("/notices/{notice_id:int}/warnings", name="api:notice-warnings", guards=[web.requires(Permission.POST_NOTICE)])
async def show_warnings(request: AnyRequest, notice_id: FromPath[int]) -> dict[str, Any]:
    """What has to be explained when this draft of one's own is published."""
    row = await notices.own_notice(notice_id, await web.identity_of(request))
    found = await warnings_for(row)
    return {
        "split": found.split.as_json() if found.split else None,
        "conditions": [{"code": flag.code} | flag.as_json() for flag in found.conditions],
    }


@get("/notices/{notice_id:int}/flags", name="api:notice-flags", opt=web.public)
async def show_flags(request: AnyRequest, notice_id: FromPath[int]) -> dict[str, Any]:
    """What the rules noticed at publication, with the client's reasons."""
    row = await notices.notice(notice_id, await web.who(request))
    return {"items": [flag_json(flag) for flag in await flags_of(row.id)], "next": None}


@get("/notices/{notice_id:int}/low-prices", name="api:low-prices", opt=web.public)
async def show_checks(request: AnyRequest, notice_id: FromPath[int]) -> dict[str, Any]:
    """Questions about low prices of a notice."""
    identity = await web.who(request)
    row = await notices.notice(notice_id, identity)
    found = await price_checks(notice_id, row.client_id, identity)
    return {"items": [check_json(check) for check in found], "next": None}


@post(
    "/notices/{notice_id:int}/price-justification",
    name="api:low-price-justify",
    guards=[web.requires(Permission.SUBMIT_BID)],
)
async def justify_price(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[PriceWordsBody]) -> Response[Any]:
    """The agency explains its low price."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.PriceReceipt:
        words = forms.parse_justification(form)
        return await services.justify_price(identity, notice_id=notice_id, words=words)

    return await web.api_act(request, data, do, price_receipt_json)


@post(
    "/notices/{notice_id:int}/price-decision",
    name="api:low-price-decide",
    guards=[web.requires(Permission.SELECT_AGENCY)],
)
async def decide_price(
    request: AnyRequest, notice_id: FromPath[int], data: JSONBody[PriceDecisionBody]
) -> Response[Any]:
    """The client accepts the justification or does not."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.PriceReceipt:
        accept, words = forms.parse_price_decision(form)
        return await services.decide_price(identity, notice_id=notice_id, accept=accept, words=words)

    return await web.api_act(request, data, do, price_receipt_json)


@get("/incompatible-duties", name="api:incompatible-duties", opt=web.public)
async def show_duties() -> dict[str, Any]:
    """Pairs of items that one agency must not both hold on a project."""
    return {
        "items": [
            {
                "first": duty.first,
                "second": duty.second,
                "reason_zh": duty.reason_zh,
                "reason_en": duty.reason_en,
                "basis": duty.basis,
                "verified": duty.verified,
            }
            for duty in content.incompatible_duties()
        ],
        "next": None,
    }


@get("/split-purchases", name="api:split-purchases", guards=[web.requires(Permission.WATCH_MARKET)])
async def show_splits() -> dict[str, Any]:
    """Suspected split purchases, for the supervisor."""
    return {
        "items": [
            {
                "notice_id": row.notice_id,
                "notice_number": row.notice_no,
                "client_zh": row.client_name_zh,
                "item_code": row.item_code,
                "total": yuan_text(row.total),
                "limit": yuan_text(row.limit),
                "earlier": list(row.earlier),
                "reason": row.words,
                "raised_at": moment_text(row.raised_at),
            }
            for row in await split_purchases()
        ],
        "next": None,
    }


HANDLERS = [show_warnings, show_flags, show_checks, justify_price, decide_price, show_duties, show_splits]
