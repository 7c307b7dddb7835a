"""The statement of one's own organisation: on the page, as CSV and as XLSX."""

import csv
import io
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import anyio
from litestar import Request, Response, get
from litestar.params import FromQuery
from litestar.response import Stream

from core import clock, web
from core.i18n import _, loc
from core.identity import Permission
from core.sheets import safe_text
from core.web.pages import decode_cursor, encode_cursor
from payments import queries
from payments.controllers.words import WORDS
from payments.queries.ledger import Balance, StatementEntry
from payments.rules.ledger import ACCOUNT_TITLES, POSTING_TITLES

AnyRequest = Request[Any, Any, Any]
PAGE = 50
BLOCK = 1 << 18
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PARTY = [web.requires(Permission.PAY)]


@get("/payments/statement", name="payments:statement", guards=PARTY)
async def statement_page(
    request: AnyRequest, account: FromQuery[int | None] = None, cursor: FromQuery[str | None] = None
) -> Response[Any]:
    """The entries of one account with the running balance, newest first."""
    identity = await web.identity_of(request)
    before = decode_cursor(cursor)
    accounts, chosen, rows = await queries.statement(
        identity.organization_id, account, before=before if isinstance(before, int) else None, limit=PAGE + 1
    )
    return await web.page(
        request,
        "payments/statement.html",
        **WORDS,
        accounts=accounts,
        chosen=chosen,
        rows=rows[:PAGE],
        next=encode_cursor(rows[PAGE - 1].id) if len(rows) > PAGE else None,
    )


def _head() -> list[str]:
    return [
        _("时间"), _("摘要"), _("款项"), _("款项编号"), _("对方"), _("收入（元）"), _("支出（元）"), _("余额（元）"), _("留痕编号"),
    ]  # fmt: skip


def _line(row: StatementEntry) -> list[Any]:
    return [
        f"{clock.shanghai(row.occurred_at):%Y-%m-%d %H:%M:%S}",
        _(POSTING_TITLES[row.kind]),
        safe_text(row.title),
        row.number,
        safe_text(loc(row, "other")),
        row.amount if row.incoming else None,
        -row.amount if not row.incoming else None,
        row.balance,
        row.trail_entry,
    ]


def _name(chosen: Balance, suffix: str) -> dict[str, str]:
    return {
        "content-disposition": f'attachment; filename="statement-{chosen.kind.value}-{clock.today():%Y%m%d}.{suffix}"',
        "cache-control": "private, no-store",
        "x-content-type-options": "nosniff",
    }


@get("/payments/statement.csv", name="payments:statement-csv", guards=PARTY)
async def statement_csv(request: AnyRequest, account: FromQuery[int | None] = None) -> Response[Any]:
    """The whole statement as CSV, streamed: nobody holds 100,000 lines at once."""
    identity = await web.identity_of(request)
    _all, chosen, _first = await queries.statement(identity.organization_id, account, limit=1)
    if chosen is None:
        return web.redirect("payments:statement", say=_("还没有往来，没有可下载的对账单。"))
    head = _head()

    async def lines() -> AsyncIterator[bytes]:
        yield _csv([head]).encode("utf-8-sig")
        async for chunk in queries.statement_rows(identity.organization_id, chosen):
            yield _csv([_line(row) for row in chunk]).encode()

    return Stream(lines(), media_type="text/csv", headers=_name(chosen, "csv"))


def _csv(lines: Sequence[Sequence[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(lines)
    return out.getvalue()


@get("/payments/statement.xlsx", name="payments:statement-xlsx", guards=PARTY)
async def statement_xlsx(request: AnyRequest, account: FromQuery[int | None] = None) -> Response[Any]:
    """The same as a workbook, written row by row to a file that goes away once it is sent."""
    identity = await web.identity_of(request)
    _all, chosen, _first = await queries.statement(identity.organization_id, account, limit=1)
    if chosen is None:
        return web.redirect("payments:statement", say=_("还没有往来，没有可下载的对账单。"))
    book = _Workbook(_(ACCOUNT_TITLES[chosen.kind]), _head())
    async for chunk in queries.statement_rows(identity.organization_id, chosen):
        await anyio.to_thread.run_sync(book.write, [_line(row) for row in chunk])
    path = await anyio.to_thread.run_sync(book.close)
    return Stream(_then_gone(path), media_type=XLSX, headers=_name(chosen, "xlsx"))


async def _then_gone(path: Path) -> AsyncIterator[bytes]:
    """The bytes of a file that is deleted when they are sent, or when nobody listens any more."""
    try:
        async with await anyio.open_file(path, "rb") as source:
            while block := await source.read(BLOCK):
                yield block
    finally:
        path.unlink(missing_ok=True)  # noqa: ASYNC240  also when the reader is gone and nothing may be awaited


class _Workbook:
    """A workbook that keeps no row in memory. Everything here blocks: call it in a thread."""

    def __init__(self, title: str, head: Sequence[str]) -> None:
        import openpyxl

        self.book = openpyxl.Workbook(write_only=True)
        self.sheet = self.book.create_sheet(title[:30])
        self.sheet.freeze_panes = "A2"
        self.sheet.append(list(head))

    def write(self, lines: Sequence[Sequence[Any]]) -> None:
        for line in lines:
            self.sheet.append(line)

    def close(self) -> Path:
        with tempfile.NamedTemporaryFile(prefix="xinshi-statement-", suffix=".xlsx", delete=False) as out:
            self.book.save(out)
        return Path(out.name)


HANDLERS = [statement_page, statement_csv, statement_xlsx]
