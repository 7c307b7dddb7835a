"""容缺 as JSON: promise a document, hand it in."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody

from contracts import forms, queries, services
from contracts.controllers.deferred import UPLOAD_LIMIT
from contracts.queries.deferred import deferral
from core import web
from core.forms import Form
from core.identity import Permission

AnyRequest = Request[Any, Any, Any]
SELLER = [web.requires(Permission.FILE_DELIVERABLE)]
HIDDEN = {"stored_file", "agency_organization", "client"}


class DeferralBody(msgspec.Struct):
    """A document to be handed in later; `about` is "contract" or the number of a result."""

    about: str = ""
    name: str = ""
    reason: str = ""
    due_on: str = ""


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


@get("/contracts/{contract_id:int}/deferred", name="api:contract-deferred", guards=[web.signed_in])
async def list_deferred(request: AnyRequest, contract_id: FromPath[int]) -> dict[str, Any]:
    """The promised documents of a contract one may see, and until when another may be promised now (null: not)."""
    actor = await web.identity_of(request)
    shown = await deferral(await queries.contract(contract_id, actor), actor)
    rows = [{name: one for name, one in _plain(row).items() if name not in HIDDEN} for row in shown.rows]
    return {"items": rows, "last_day": shown.last_day and shown.last_day.isoformat(), "next": None}


@post("/contracts/{contract_id:int}/deferred", name="api:document-defer", guards=SELLER)
async def promise(request: AnyRequest, contract_id: FromPath[int], data: JSONBody[DeferralBody]) -> Response[Any]:
    """Promise a missing document."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.DeferredReceipt:
        draft = forms.parse_deferral(form)
        return await services.promise_document(actor=actor, contract_id=contract_id, draft=draft)

    return await web.api_act(request, data, do, _plain)


@post(
    "/deferred/{deferred_id:int}/files",
    name="api:document-supply",
    guards=SELLER,
    request_max_body_size=UPLOAD_LIMIT,
)
async def supply(request: AnyRequest, deferred_id: FromPath[int]) -> Response[Any]:
    """Hand a promised document in, as multipart/form-data: `document`."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.DeferredReceipt:
        return await services.supply_document(actor=actor, deferred_id=deferred_id, upload=forms.parse_document(form))

    return await web.api_act(request, None, do, _plain)


HANDLERS = [list_deferred, promise, supply]
