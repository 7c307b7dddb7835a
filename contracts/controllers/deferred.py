"""容缺: promising a document on the contract's page, handing it in, reading it."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from contracts import forms, services
from contracts.controllers.filing import show_contract
from contracts.queries.deferred import deferred
from core import files, web
from core.errors import NotFound
from core.forms import Form
from core.i18n import _
from core.identity import Permission

AnyRequest = Request[Any, Any, Any]
UPLOAD_LIMIT = 12 * files.MEGABYTE
AGENCY = [web.requires(Permission.FILE_DELIVERABLE)]


@post("/contracts/{contract_id:int}/deferred", name="contracts:document-defer", guards=AGENCY)
async def promise(request: AnyRequest, contract_id: FromPath[int]) -> Response[Any]:
    """Promise a missing document."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.DeferredReceipt:
        draft = forms.parse_deferral(form)
        return await services.promise_document(actor=actor, contract_id=contract_id, draft=draft)

    return await web.act(
        request,
        do,
        lambda _receipt: web.redirect(
            "contracts:contract-detail",
            contract_id=contract_id,
            say=_("容缺承诺已登记，请按期补交。"),
        ),
        lambda state: show_contract(request, actor, contract_id, state),
    )


@post(
    "/deferred/{deferred_id:int}/file",
    name="contracts:document-supply",
    guards=AGENCY,
    request_max_body_size=UPLOAD_LIMIT,
)
async def supply(request: AnyRequest, deferred_id: FromPath[int]) -> Response[Any]:
    """Hand a promised document in."""
    actor = await web.identity_of(request)
    contract_id = (await deferred(deferred_id, actor)).contract

    async def do(form: Form) -> services.DeferredReceipt:
        return await services.supply_document(actor=actor, deferred_id=deferred_id, upload=forms.parse_document(form))

    return await web.act(
        request,
        do,
        lambda _receipt: web.redirect(
            "contracts:contract-detail", contract_id=contract_id, say=_("材料已补交，承诺已履行。")
        ),
        lambda state: show_contract(request, actor, contract_id, state),
    )


@get("/deferred/{deferred_id:int}/file", name="contracts:document-file", guards=[web.signed_in])
async def document(request: AnyRequest, deferred_id: FromPath[int]) -> Response[Any]:
    """The document handed in, for the parties and the officers."""
    row = await deferred(deferred_id, await web.identity_of(request))
    if row.stored_file is None:
        raise NotFound
    return await files.response(row.stored_file, name=row.file_name)


HANDLERS = [promise, supply, document]
