"""One item for many sites: the form, the report per row, and the progress."""

from typing import Any

import anyio
from litestar import Request, Response, get, post
from litestar.params import FromPath

from core import clock, web
from core.forms import Form
from core.i18n import _
from core.identity import Permission
from core.workdays import calendar
from market import content, services, sheets
from market.controllers.guide import panel_options
from market.controllers.posting import local_input
from market.forms.guide import parse_batch
from market.queries import batch
from market.queries.catalogue import items
from market.rules.batch import BY_NAME, COLUMNS, MOST_ROWS
from market.rules.notices import FUND_SOURCES, METHOD_NAMES, METHOD_RULES, FundSource, earliest_deadline
from market.services.batch import CheckedRow, NoGoodRow, RowsRefused

AnyRequest = Request[Any, Any, Any]
POSTER = [web.requires(Permission.POST_NOTICE)]


@get("/batches", name="market:batches", guards=POSTER)
async def batches_page(request: AnyRequest) -> Response[Any]:
    """Upload a sheet; earlier batches below."""
    return await _form(request)


async def _form(
    request: AnyRequest, form: web.FormState | None = None, checked: tuple[CheckedRow, ...] = ()
) -> Response[Any]:
    identity = await web.identity_of(request)
    law = content.edition_in_force(clock.today())
    days = await calendar()
    earliest = {fund: earliest_deadline(clock.now(), fund, law, days) for fund in FundSource}
    return await web.page(
        request,
        "market/batch_form.html",
        form=form,
        checked=[row for row in checked if row.faults],
        good=sum(not row.faults for row in checked),
        by_name=BY_NAME,
        columns=COLUMNS,
        most=MOST_ROWS,
        accept=sheets.SHEET.accept,
        item_options=[(each.code, f"{each.code}　{_name(each)}") for each in await items() if each.postable],
        method_options=[(method.value, _(METHOD_NAMES[method])) for method in METHOD_RULES],
        fund_options=[(fund.value, _(name)) for fund, name in FUND_SOURCES.items()],
        earliest=earliest,
        deadline=local_input(earliest[FundSource.OWN]),
        law=law,
        panel_options=await panel_options(identity.organization_id),
        earlier=await batch.batches(identity),
    )


def _name(item: Any) -> str:
    from core.i18n import loc

    return loc(item, "name")


@get("/batches/template.xlsx", name="market:batch-template", guards=POSTER)
async def template(request: AnyRequest) -> Response[bytes]:
    """The empty sheet."""
    body = await anyio.to_thread.run_sync(sheets.template)
    return Response(
        body,
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers={"content-disposition": 'attachment; filename="xinshi-sites.xlsx"'},
    )


@post("/batches", name="market:batch-start", guards=POSTER)
async def start_batch(request: AnyRequest) -> Response[Any]:
    """Check the whole sheet; post it when every row is right, or the good rows when asked for."""
    identity = await web.identity_of(request)
    refused: list[CheckedRow] = []

    async def do(form: Form) -> services.BatchReceipt:
        item, common, upload, good_only = parse_batch(form)
        try:
            return await services.start_batch(
                identity, item_code=item, common=common, upload=upload, good_only=good_only
            )
        except (RowsRefused, NoGoodRow) as error:
            refused.extend(error.rows)
            raise

    def done(receipt: services.BatchReceipt) -> Response[None]:
        return web.redirect("market:batch", batch_id=receipt.batch_id, say=_("表格已收下，正在逐行发布。"))

    return await web.act(request, do, done, lambda form: _form(request, form, tuple(refused)))


@get("/batches/{batch_id:int}", name="market:batch", guards=POSTER)
async def batch_page(request: AnyRequest, batch_id: FromPath[int]) -> Response[Any]:
    """Where a batch stands, row by row; the page looks again by itself while it runs."""
    identity = await web.identity_of(request)
    running = await batch.batch(batch_id, identity)
    block = "report" if request.headers.get("hx-request") else None
    return await web.page(
        request,
        "market/batch_detail.html",
        block=block,
        batch=running,
        rows=await batch.batch_rows(batch_id),
        by_name=BY_NAME,
    )


HANDLERS = [batches_page, template, start_batch, batch_page]
