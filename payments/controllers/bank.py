"""Importing a bank statement and confirming which payables its lines pay."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from core import web
from core.forms import Form
from core.i18n import _
from core.identity import Permission
from core.web import FormState
from core.web.pages import decode_cursor, encode_cursor
from payments import forms, services
from payments.controllers.words import WORDS
from payments.queries import statements
from payments.rules.statements import MOST_ROWS, Likeness
from payments.services import ImportReceipt, MatchReceipt
from payments.services.statements import STATEMENT

AnyRequest = Request[Any, Any, Any]
PAGE = 100
STATEMENT_BODY = 10 * 1024 * 1024
PAYEE = [web.requires(Permission.CONFIRM_PAYMENT)]


@get("/payments/bank", name="payments:bank", guards=PAYEE)
async def bank_page(request: AnyRequest) -> Response[Any]:
    """The statements imported so far, and the place to import one."""
    return await _bank(request)


async def _bank(request: AnyRequest, form: FormState | None = None) -> Response[Any]:
    identity = await web.identity_of(request)
    rows = await statements.bank_files(identity)
    return await web.page(
        request, "payments/bank.html", form=form, rows=rows, accept=STATEMENT.accept, most=f"{MOST_ROWS:,}"
    )


@post("/payments/bank", name="payments:bank-import", guards=PAYEE, request_max_body_size=STATEMENT_BODY)
async def bank_import(request: AnyRequest) -> Response[Any]:
    """Take over a statement."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> ImportReceipt:
        return await services.import_statement(actor=identity, upload=forms.parse_statement(form))

    def done(receipt: ImportReceipt) -> Response[None]:
        say = _("导入 %(n)s 行。") % {"n": receipt.lines}
        if receipt.repeated:
            say = _("导入 %(n)s 行，另有 %(r)s 行以前导入过，已略去。") % {"n": receipt.lines, "r": receipt.repeated}
        return web.redirect("payments:bank-file", file_id=receipt.file_id, say=say)

    return await web.act(request, do, done, lambda form: _bank(request, form))


@get("/payments/bank/{file_id:int}", name="payments:bank-file", guards=PAYEE)
async def bank_file_page(
    request: AnyRequest,
    file_id: FromPath[int],
    show: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
) -> Response[Any]:
    """The lines of a statement with what they probably pay."""
    return await _file(request, file_id, every=show == "all", cursor=cursor)


async def _file(
    request: AnyRequest, file_id: int, form: FormState | None = None, *, every: bool = False, cursor: str | None = None
) -> Response[Any]:
    identity = await web.identity_of(request)
    row = await statements.bank_file(file_id, identity)
    found = await statements.proposals(file_id, identity.organization_id)
    after = decode_cursor(cursor)
    lines = await statements.bank_lines(
        file_id, found, only_open=not every, after=after if isinstance(after, int) else 0, limit=PAGE + 1
    )
    return await web.page(
        request,
        "payments/bank_file.html",
        **WORDS,
        form=form,
        file=row,
        lines=lines[:PAGE],
        next=encode_cursor(lines[PAGE - 1].row) if len(lines) > PAGE else None,
        every=every,
        exact=sum(one.likeness is Likeness.EXACT for one in found.values()),
        likely=sum(one.likeness is Likeness.LIKELY for one in found.values()),
        different=sum(one.likeness is Likeness.DIFFERENT for one in found.values()),
    )


@post("/payments/bank/{file_id:int}", name="payments:bank-match", guards=PAYEE)
async def bank_match(request: AnyRequest, file_id: FromPath[int]) -> Response[Any]:
    """Confirm the chosen matches, or all exact ones."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> MatchReceipt:
        return await services.confirm_matches(actor=identity, file_id=file_id, chosen=forms.parse_matches(form))

    def done(receipt: MatchReceipt) -> Response[None]:
        say = _("已确认 %(n)s 笔收款。") % {"n": len(receipt.confirmed)}
        if receipt.left:
            say += _("还有 %(n)s 笔完全一致，请再按一次。") % {"n": receipt.left}
        return web.redirect("payments:bank-file", file_id=file_id, say=say)

    return await web.act(request, do, done, lambda form: _file(request, file_id, form))


HANDLERS = [bank_page, bank_import, bank_file_page, bank_match]
