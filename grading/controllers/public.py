"""What everybody may read: grades, how one came about, the method, and whether a certificate holds."""

from datetime import date
from typing import Any

import anyio
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from agencies.queries import agency_card
from agencies.rules import Profession
from core import clock, files, settings, trail, web
from core.errors import NotFound
from core.forms import Form
from core.i18n import N_, _
from core.web import FormState
from core.web.pages import decode_cursor
from core.workdays import Calendar, calendar
from grading.controllers.filecheck import FileCheck, check_file
from grading.controllers.words import words
from grading.estimator.constants import REST, REST_SHARE
from grading.papers.certificate import certificate_pdf, qr_path
from grading.papers.signing import signer_fingerprint, signer_pem
from grading.queries.certificates import CertificateView, certificate, certificates_of, current_number
from grading.queries.conduct import live_findings, running_grounds
from grading.queries.improvement import duties
from grading.queries.inheritance import in_force
from grading.queries.live import live_score
from grading.queries.objections import open_tag, open_tags
from grading.queries.outlook import ahead_of, spread
from grading.queries.proposals import announced_changes, shadow_grades
from grading.queries.reports import (
    ReportView,
    chart_data,
    grade_mix,
    history,
    latest_grades,
    report,
    standing_explanation,
)
from grading.queries.schemes import rulebook_on, scheme_source, table_source
from grading.rules.calibration import load_calibration
from grading.rules.errors import CertificateAbsent, ProfessionNotHeld
from grading.rules.evidence import plain
from grading.rules.months import add_months
from grading.rules.record_breaches import CAPS, found_by
from grading.rules.scheme import load_scheme

AnyRequest = Request[Any, Any, Any]
PAGE = 50
FILE_LIMIT = 3 * files.MEGABYTE
FIRST = N_("首次评级 %(g)s")
MOVED = N_("变为 %(g)s 级")


@get("/grades", name="grading:grades", opt=web.public)
async def grades_page(
    request: AnyRequest,
    profession: FromQuery[Profession | None] = None,
    cursor: FromQuery[str | None] = None,
) -> Response[Any]:
    """Grades in force, the newest publication first, with the mix by month."""
    before = decode_cursor(cursor)
    rows = await latest_grades(
        profession=profession, before=before if isinstance(before, int) else None, limit=PAGE + 1
    )
    listed = web.cursor_page(rows, PAGE, lambda row: row.report_id)
    mix = await grade_mix()
    return await web.page(
        request,
        "grading/grades.html",
        **words(),
        rows=listed["items"],
        next_cursor=listed["next"],
        chosen=profession,
        tags=await open_tags([(row.agency_id, row.profession) for row in listed["items"]]),
        mix=mix,
        rules=await rulebook_on(clock.today()),
    )


@get("/agencies/{agency_id:int}/grade/{profession:str}", name="grading:explanation", opt=web.public)
async def explanation_page(request: AnyRequest, agency_id: FromPath[int], profession: FromPath[str]) -> Response[Any]:
    """How the grade in force came about; for htmx only the fragment that other pages take in."""
    trade = _trade(profession)
    card = await agency_card(agency_id)
    view = await standing_explanation(agency_id, trade, await web.who(request))
    if view is None and not any(one.profession == trade.value for one in card.cards):
        raise ProfessionNotHeld
    block = "explanation" if request.headers.get("hx-request") else None
    return await web.page(
        request,
        "grading/explanation.html",
        block=block,
        card=card,
        profession=trade,
        shadow=await shadow_grades(await web.who(request), agency_id=agency_id, profession=trade),
        live=await live_score(agency_id, trade, await web.who(request)),
        **await _shown(agency_id, trade, view),
    )


def _trade(text: str) -> Profession:
    try:
        return Profession(text)
    except ValueError:
        raise NotFound from None


async def _shown(agency_id: int, trade: Profession, view: ReportView | None) -> dict[str, Any]:
    """Everything that the fragment shows beside the report itself."""
    rules = await rulebook_on(view.as_of if view else clock.today())
    points = await history(agency_id, trade)
    edges = [band.minimum for band in rules.scheme.bands[:-1]]
    plans = await duties(agency_id, trade)
    return {
        **words(),
        "view": view,
        "rules": rules,
        "edges": sorted(int(edge) for edge in edges),
        "points": points,
        "chart": chart_data(points, edges, _(FIRST), _(MOVED)),
        "findings": await live_findings(agency_id, trade),
        "grounds": await running_grounds(agency_id, trade),
        "tag": await open_tag(agency_id, trade),
        "carried": await in_force(agency_id),
        "plan": plans[0] if plans else None,
        "certificate_no": await current_number(agency_id, trade),
        "next_day": _next_day(await calendar(), view),
        "ahead": await ahead_of(view) if view else None,
        "spread": await spread(view) if view else None,
    }


def _next_day(workdays: Calendar, view: ReportView | None) -> date:
    """The first working day of the month after the last evaluation, or of the next month where that day is past."""
    today = clock.today()
    due = _first_workday_after(workdays, view.as_of if view else today)
    return due if due >= today else _first_workday_after(workdays, today)


def _first_workday_after(workdays: Calendar, month_of: date) -> date:
    day = add_months(month_of.replace(day=1), 1)
    while not workdays.is_workday(day):
        day = day.replace(day=day.day + 1)
    return day


@get("/grading/evidence/{report_id:int}", name="grading:evidence", opt=web.public)
async def evidence_file(request: AnyRequest, report_id: FromPath[int]) -> Response[Any]:
    """The evidence and the outcome as stored, to recompute: canonical JSON without names of persons.

    For everybody but the agency and the officers the cases are left out; the digests are the same.
    """
    view = await report(await web.who(request), report_id)
    body = {
        "complete": view.full,
        "evidence": plain(view.evidence),
        "evidence_digest": view.evidence_digest,
        "outcome": plain(view.outcome),
        "years": plain(view.years),
        "outcome_digest": view.outcome_digest,
        "scheme": view.scheme_code,
        "calibration": view.calibration_code,
    }
    name = view.publication_no or f"draft-{view.report_id}"
    return Response(body, headers={"content-disposition": f'attachment; filename="{name}.json"'})


@get("/grading/method", name="grading:method", opt=web.public)
async def method_page(request: AnyRequest) -> Response[Any]:
    """The rule-set in force in plain words, taken from the data themselves."""
    rules = await rulebook_on(clock.today())
    return await web.page(
        request,
        "grading/method.html",
        reserve=(REST, REST_SHARE),
        **words(),
        rules=rules,
        scheme=rules.scheme,
        changes=await announced_changes(),
        found_by=found_by,
        caps=CAPS.items(),
    )


@get("/grading/schemes/{code:str}", name="grading:scheme-file", opt=web.public)
async def scheme_file(code: FromPath[str]) -> Response[str]:
    """The exact text of a published scheme; its SHA-256 is the digest on every grade."""
    text = await scheme_source(code)
    name = f"{load_scheme(text).id}.toml"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="application/toml; charset=utf-8", headers=headers)


@get("/grading/tables/{code:str}", name="grading:table-file", opt=web.public)
async def table_file(code: FromPath[str]) -> Response[str]:
    """The exact text of a frozen table of corrections; its SHA-256 is the digest on every grade made with it."""
    text = await table_source(code)
    headers = {"content-disposition": f'attachment; filename="{load_calibration(text).id}.toml"'}
    return Response(text, media_type="application/toml; charset=utf-8", headers=headers)


@get("/verify", name="grading:verify-form", opt=web.public)
async def verify_form(request: AnyRequest, number: FromQuery[str | None] = None) -> Response[Any]:
    """Type a number; a number given leads to its page."""
    if number and number.strip():
        return web.redirect("grading:verify", number=_number(number))
    return await web.page(
        request, "grading/verify.html", **words(), number="", shown=None, unknown=False, form=None, check=None
    )


def _number(text: str) -> str:
    return "".join(sign for sign in text.strip().upper() if sign.isalnum() or sign == "-")[:40] or "-"


@get("/verify/{number:str}", name="grading:verify", opt=web.public)
async def verify_page(request: AnyRequest, number: FromPath[str]) -> Response[Any]:
    """The state of one certificate now, with what was checked just now."""
    try:
        shown = await certificate(number)
    except CertificateAbsent:
        return await web.page(
            request,
            "grading/verify.html",
            **words(),
            number=_number(number),
            shown=None,
            unknown=True,
            form=None,
            check=None,
            status=404,
        )
    rules = await rulebook_on(shown.as_of)
    return await web.page(
        request,
        "grading/verify.html",
        **words(),
        number=shown.number,
        shown=shown,
        unknown=False,
        form=None,
        check=None,
        scheme=rules.scheme,
        others=await certificates_of(shown.agency_id, shown.profession),
        qr=qr_path(_address(shown)),
    )


def _address(shown: CertificateView) -> str:
    return settings.load().address + web.url_for("grading:verify", number=shown.number)


@get("/verify/signer.pem", name="grading:signer", opt=web.public)
async def signer_file() -> Response[bytes]:
    """The platform's own certificate, for readers who want to trust it in their PDF program."""
    headers = {"content-disposition": 'attachment; filename="xinshi-signer.pem"'}
    return Response(signer_pem(), media_type="application/x-pem-file", headers=headers)


@post("/verify/file", name="grading:verify-file", opt=web.public, request_max_body_size=FILE_LIMIT)
async def verify_file(request: AnyRequest) -> Response[Any]:
    """Check an uploaded certificate: is the signature ours and intact, and does the certificate hold today?"""

    async def do(form: Form) -> FileCheck:
        return await check_file(form, "sealed_file")  # a field named so is never kept on disk

    async def done(found: FileCheck) -> Response[Any]:
        return await _checked_page(request, found)

    async def again(state: FormState) -> Response[Any]:
        return await web.page(
            request, "grading/verify.html", **words(), number="", shown=None, unknown=False, form=state, check=None
        )

    return await web.act(request, do, done, again, once=False)


async def _checked_page(request: AnyRequest, found: FileCheck) -> Response[Any]:
    shown = found.shown
    return await web.page(
        request,
        "grading/verify.html",
        **words(),
        number=shown.number if shown else "",
        shown=shown,
        unknown=False,
        form=None,
        check=found,
        signer=signer_fingerprint(),
        others=await certificates_of(shown.agency_id, shown.profession) if shown else [],
        qr=qr_path(_address(shown)) if shown else None,
    )


@get("/verify/{number:str}/pdf", name="grading:certificate-pdf", opt=web.public)
async def certificate_file(number: FromPath[str]) -> Response[bytes]:
    """The certificate as PDF/A with the newest checkpoint of the trail on it."""
    shown = await certificate(number)
    head = await trail.latest_checkpoint()
    body = await anyio.to_thread.run_sync(certificate_pdf, shown, head, _address(shown))
    headers = {"content-disposition": f'attachment; filename="{shown.number}.pdf"'}
    return Response(body, media_type="application/pdf", headers=headers)


HANDLERS = [
    grades_page,
    explanation_page,
    evidence_file,
    method_page,
    scheme_file,
    table_file,
    verify_form,
    verify_page,
    verify_file,
    signer_file,
    certificate_file,
]
