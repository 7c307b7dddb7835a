"""Public pages: filed contracts and results, and the review sheets in force."""

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery

from agencies.queries import marks
from contracts import queries
from contracts.rules.sheets import SheetUnknown, all_sheets
from core import web
from core.web.pages import decode_cursor

AnyRequest = Request[Any, Any, Any]
PER_PAGE = 30


@get("/contracts/records", name="contracts:record-list", opt=web.public)
async def record_list(
    request: AnyRequest,
    cursor: FromQuery[str | None] = None,
    agency: FromQuery[int | None] = None,
    project: FromQuery[int | None] = None,
) -> Response[Any]:
    """Filed contracts, newest first."""
    before = decode_cursor(cursor)
    found = await queries.public_contracts(
        limit=PER_PAGE,
        before=before if isinstance(before, int) else None,
        agency_id=agency,
        project_id=project,
    )
    listing = web.cursor_page(found, PER_PAGE, lambda row: row.id)
    query = f"agency={agency}" if agency else f"project={project}" if project else ""
    return await web.page(
        request,
        "contracts/record_list.html",
        listing=listing,
        query=query,
        marks=await marks((one.agency_id, one.profession) for one in listing["items"]),
    )


@get("/contracts/records/{number:str}", name="contracts:contract-record", opt=web.public)
async def contract_record(request: AnyRequest, number: FromPath[str]) -> Response[Any]:
    """The public record of a contract."""
    row = await queries.public_contract(number)
    return await web.page(
        request,
        "contracts/contract_record.html",
        row=row,
        marks=await marks([(row.agency_id, row.profession)]),
        results=await queries.public_deliverables(row.id),
    )


@get("/deliverables/records/{number:str}", name="contracts:deliverable-record", opt=web.public)
async def deliverable_record(request: AnyRequest, number: FromPath[str]) -> Response[Any]:
    """The public record of a result: dates, hashes, and the mark when it is final."""
    return await web.page(request, "contracts/deliverable_record.html", row=await queries.public_deliverable(number))


@get("/review-sheets", name="contracts:sheet-list", opt=web.public)
async def sheet_list(request: AnyRequest) -> Response[Any]:
    """Every published review sheet."""
    return await web.page(request, "contracts/sheet_list.html", sheets=all_sheets())


@get("/review-sheets/{sheet_id:str}", name="contracts:sheet", opt=web.public)
async def sheet_page(request: AnyRequest, sheet_id: FromPath[str]) -> Response[Any]:
    """One review sheet with all levels and veto codes."""
    found = [sheet for sheet in all_sheets() if sheet.id == sheet_id]
    if not found:
        raise SheetUnknown
    return await web.page(request, "contracts/sheet.html", sheet=found[-1])


HANDLERS = [record_list, contract_record, deliverable_record, sheet_list, sheet_page]
