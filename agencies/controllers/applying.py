"""The applicant's frame around the steps: my filings, the task list, check answers, submit, receipt."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from agencies import forms, services
from agencies.controllers.words import words
from agencies.queries import filings
from agencies.queries.course import course
from agencies.queries.filings import FilingRow
from agencies.queries.register import agency_card, agency_of
from agencies.rules.dossier import Step
from agencies.rules.filing import CHECK_WORKDAYS, NOTICE_WORKDAYS, FilingKind, FilingState
from agencies.rules.formal_check import STEP_STATE_TITLES, Defect, step_states
from agencies.services import FilingReceipt
from agencies.services.steps import defects_now
from core import clock, files, trail, web, workdays
from core.forms import Form
from core.i18n import N_, _
from core.identity import Permission
from core.web import FormState

AnyRequest = Request[Any, Any, Any]
APPLICANT = [web.requires(Permission.REGISTER_AGENCY)]


@get("/agency", name="agencies:my-filings", guards=APPLICANT)
async def my_filings_page(request: AnyRequest) -> Response[Any]:
    """What my organisation has on record and what is under way."""
    return await _my_filings(request)


async def _my_filings(request: AnyRequest, form: FormState | None = None) -> Response[Any]:
    identity = await web.identity_of(request)
    agency = await agency_of(identity.organization_id)
    rows = await filings.own_filings(identity)
    return await web.page(
        request,
        "agencies/my_filings.html",
        **await words(),
        form=form,
        agency=await agency_card(agency.agency_id) if agency else None,
        rows=rows,
        under_way=next((row for row in rows if row.closed_at is None), None),
    )


@post("/agency/filings", name="agencies:start", guards=APPLICANT)
async def start(request: AnyRequest) -> Response[Any]:
    """Open a registration or a change."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        if forms.parse_kind(form) is FilingKind.CHANGE:
            return await services.start_change(actor=identity)
        return await services.start_registration(actor=identity)

    def done(receipt: FilingReceipt) -> Response[None]:
        return web.redirect("agencies:filing", filing_id=receipt.filing_id)

    return await web.act(request, do, done, lambda form: _my_filings(request, form))


@get("/agency/filings/{filing_id:int}", name="agencies:filing", guards=APPLICANT)
async def filing_page(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """The task list of a filing, or where it stands."""
    return await show_filing(request, filing_id)


async def show_filing(request: AnyRequest, filing_id: int, form: FormState | None = None) -> Response[Any]:
    """The task list again, after an act was refused."""
    identity = await web.identity_of(request)
    filing = await filings.filing(filing_id, identity)
    defects = await defects_now(filing) if filing.may_edit else ()
    states = step_states(filing.dossier, defects)
    return await web.page(
        request,
        "agencies/filing.html",
        **await words(),
        form=form,
        filing=filing,
        steps=[_task(filing, step, states[step], defects) for step in Step],
        ready=filing.may_edit and not defects,
        complete=sum(state == "complete" for state in states.values()),
        entries=await course(filing_id, await web.who(request)),
        now_box=await now_box(filing),
        agency=await agency_of(filing.organization_id),
    )


def _task(filing: FilingRow, step: Step, state: str, defects: tuple[Defect, ...]) -> dict[str, Any]:
    return {
        "step": step.value,
        "state": state,
        "state_title": STEP_STATE_TITLES[state],
        "defects": [one.message().render() for one in defects if one.step is step],
        "returned": [one.message().render() for one in filing.returned_defects if one.step is step],
    }


HOLDERS: dict[FilingState, tuple[str, str]] = {
    FilingState.DRAFT: (N_("填写备案"), N_("申请机构")),
    FilingState.RETURNED: (N_("补正"), N_("申请机构")),
    FilingState.SUBMITTED: (N_("形式核对"), N_("登记员")),
    FilingState.NOTICED: (N_("公示"), N_("公众")),
    FilingState.OBJECTED: (N_("核实异议"), N_("登记员")),
}


async def now_box(filing: FilingRow) -> dict[str, Any] | None:
    """Who holds a filing now, on which working day of how many, until when; None when it is closed."""
    if filing.state not in HOLDERS:
        return None
    title, holder = HOLDERS[filing.state]
    since, of, until = {
        FilingState.SUBMITTED: (filing.submitted_at, CHECK_WORKDAYS, filing.check_due_at),
        FilingState.NOTICED: (filing.noticed_at, NOTICE_WORKDAYS, filing.notice_until),
        FilingState.OBJECTED: (filing.noticed_at, None, None),
    }.get(filing.state, (None, None, None))
    day = None
    if since is not None and of is not None:
        calendar = await workdays.calendar()
        day = max(1, calendar.count(clock.shanghai(since).date(), clock.today()))
    return {"title": _(title), "holder": _(holder), "n": day, "of": of, "until": until, "note": None}


@get("/agency/filings/{filing_id:int}/check", name="agencies:check", guards=APPLICANT)
async def check_page(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """Everything that was filled in, before it is handed in."""
    return await _check(request, filing_id)


async def _check(request: AnyRequest, filing_id: int, form: FormState | None = None) -> Response[Any]:
    filing = await filings.filing(filing_id, await web.identity_of(request))
    defects = await defects_now(filing) if filing.may_edit else ()
    return await web.page(
        request,
        "agencies/check_answers.html",
        **await words(),
        form=form,
        filing=filing,
        dossier=filing.dossier,
        defects=[(one.step.value, one.message().render()) for one in defects],
    )


@post("/agency/filings/{filing_id:int}/submit", name="agencies:submit", guards=APPLICANT)
async def submit(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """Hand the filing in."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        return await services.submit_filing(actor=identity, filing_id=filing_id, version=forms.version_of(form))

    def done(_receipt: FilingReceipt) -> Response[None]:
        return web.redirect("agencies:receipt", filing_id=filing_id)

    return await web.act(request, do, done, lambda form: _check(request, filing_id, form))


@post("/agency/filings/{filing_id:int}/withdraw", name="agencies:withdraw", guards=APPLICANT)
async def withdraw(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """End the filing on one's own wish."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        return await services.withdraw_filing(actor=identity, filing_id=filing_id, version=forms.version_of(form))

    def done(_receipt: FilingReceipt) -> Response[None]:
        return web.redirect("agencies:my-filings", say=_("备案已撤回，可以随时重新办理。"))

    return await web.act(request, do, done, lambda form: show_filing(request, filing_id, form))


@get("/agency/filings/{filing_id:int}/receipt", name="agencies:receipt", guards=[web.signed_in])
async def receipt_page(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """The receipt: numbers, what happens next, and the checkpoint of the trail."""
    filing = await filings.filing(filing_id, await web.identity_of(request))
    return await web.page(
        request,
        "agencies/receipt.html",
        **await words(),
        filing=filing,
        entries=await course(filing_id, await web.who(request)),
        now_box=await now_box(filing),
        checkpoint=await trail.latest_checkpoint(),
        agency=await agency_of(filing.organization_id),
        check_days=CHECK_WORKDAYS,
        notice_days=NOTICE_WORKDAYS,
    )


@get("/filings/{filing_id:int}/scans/{file_id:int}", name="agencies:scan", guards=[web.signed_in])
async def scan(request: AnyRequest, filing_id: FromPath[int], file_id: FromPath[int]) -> Response[Any]:
    """A certificate scan, for the own organisation and registrars."""
    identity = await web.identity_of(request)
    return await files.response(await filings.scan_of_filing(filing_id, file_id, identity))


HANDLERS = [my_filings_page, start, filing_page, check_page, submit, withdraw, receipt_page, scan]
