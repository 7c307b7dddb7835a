"""The pages of the five steps. Every step can be left; what is saved is saved."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from agencies import forms, services
from agencies.controllers.applying import APPLICANT
from agencies.controllers.words import profession_options, words
from agencies.queries import filings
from agencies.rules.dossier import QUALIFICATION_CLASS_TITLES, QualificationDraft
from agencies.rules.independence import RELATION_TITLES, SEPARATION_TITLES
from agencies.services import FilingReceipt
from agencies.services.steps import LineNotFound
from core import web
from core.forms import Form
from core.i18n import _
from core.web import FormState

AnyRequest = Request[Any, Any, Any]
Save = Callable[[Form], Awaitable[FilingReceipt]]
SCAN_BODY = 12 * 1024 * 1024
EMPTY_ROWS = 2


async def _show(
    request: AnyRequest, filing_id: int, template: str, form: FormState | None = None, **extra: Any
) -> Response[Any]:
    filing = await filings.filing(filing_id, await web.identity_of(request))
    return await web.page(
        request,
        template,
        **await words(),
        form=form,
        filing=filing,
        dossier=filing.dossier,
        **extra,
    )


async def _save(
    request: AnyRequest,
    filing_id: int,
    save: Save,
    again: Callable[[FormState], Awaitable[Response[Any]]],
    *,
    then: str = "agencies:filing",
    say: str | None = None,
) -> Response[Any]:
    def done(_receipt: FilingReceipt) -> Response[None]:
        return web.redirect(then, filing_id=filing_id, say=say or _("已保存。"))

    return await web.act(request, save, done, again)


# ---- who the agency is
@get("/agency/filings/{filing_id:int}/organization", name="agencies:step-organization", guards=APPLICANT)
async def organization_page(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """Step one."""
    return await _show(request, filing_id, "agencies/step_organization.html")


@post("/agency/filings/{filing_id:int}/organization", name="agencies:save-organization", guards=APPLICANT)
async def save_organization(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """Save step one."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        return await services.save_organization(
            actor=identity,
            filing_id=filing_id,
            step=forms.parse_organization(form),
            version=forms.version_of(form),
        )

    return await _save(
        request, filing_id, do, lambda form: _show(request, filing_id, "agencies/step_organization.html", form)
    )


# ---- certificates
@get("/agency/filings/{filing_id:int}/qualifications", name="agencies:step-qualifications", guards=APPLICANT)
async def qualifications_page(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """Step two: the list."""
    return await _show(request, filing_id, "agencies/step_qualifications.html")


@get("/agency/filings/{filing_id:int}/qualifications/new", name="agencies:new-qualification", guards=APPLICANT)
async def new_qualification_page(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """One more certificate."""
    return await _qualification(request, filing_id)


async def _qualification(
    request: AnyRequest, filing_id: int, form: FormState | None = None, line: int | None = None
) -> Response[Any]:
    held: QualificationDraft | None = None
    if line is not None:
        held = await _held(request, filing_id, line)
    return await _show(
        request,
        filing_id,
        "agencies/qualification_form.html",
        form,
        held=held,
        line=line,
        professions=profession_options(),
        classes=[(one.value, _(title)) for one, title in QUALIFICATION_CLASS_TITLES.items()],
    )


async def _held(request: AnyRequest, filing_id: int, line: int) -> QualificationDraft:
    filing = await filings.filing(filing_id, await web.identity_of(request))
    held = filing.dossier.qualifications
    if not 0 <= line < len(held):
        raise LineNotFound
    return held[line]


@post(
    "/agency/filings/{filing_id:int}/qualifications",
    name="agencies:add-qualification",
    guards=APPLICANT,
    request_max_body_size=SCAN_BODY,
)
async def add_qualification(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """Add a certificate with its scan."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        found = forms.parse_qualification(form)
        return await services.add_qualification(
            actor=identity,
            filing_id=filing_id,
            draft=found.draft,
            scan=found.scan,
            version=forms.version_of(form),
        )

    return await _save(
        request,
        filing_id,
        do,
        lambda form: _qualification(request, filing_id, form),
        then="agencies:step-qualifications",
    )


@get(
    "/agency/filings/{filing_id:int}/qualifications/{line:int}",
    name="agencies:edit-qualification",
    guards=APPLICANT,
)
async def edit_qualification_page(request: AnyRequest, filing_id: FromPath[int], line: FromPath[int]) -> Response[Any]:
    """One certificate again."""
    return await _qualification(request, filing_id, line=line)


@post(
    "/agency/filings/{filing_id:int}/qualifications/{line:int}",
    name="agencies:change-qualification",
    guards=APPLICANT,
    request_max_body_size=SCAN_BODY,
)
async def change_qualification(request: AnyRequest, filing_id: FromPath[int], line: FromPath[int]) -> Response[Any]:
    """Save a changed certificate; its scan stays unless a new one comes."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        before = await _held(request, filing_id, line)
        found = forms.parse_qualification(form, has_scan=before.scan is not None)
        return await services.change_qualification(
            actor=identity,
            filing_id=filing_id,
            line=line,
            draft=found.draft,
            scan=found.scan,
            version=forms.version_of(form),
        )

    return await _save(
        request,
        filing_id,
        do,
        lambda form: _qualification(request, filing_id, form, line),
        then="agencies:step-qualifications",
    )


@post(
    "/agency/filings/{filing_id:int}/qualifications/{line:int}/remove",
    name="agencies:remove-qualification",
    guards=APPLICANT,
)
async def remove_qualification(request: AnyRequest, filing_id: FromPath[int], line: FromPath[int]) -> Response[Any]:
    """Take a certificate off the list."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        return await services.remove_qualification(
            actor=identity, filing_id=filing_id, line=line, version=forms.version_of(form)
        )

    return await _save(
        request,
        filing_id,
        do,
        lambda form: _show(request, filing_id, "agencies/step_qualifications.html", form),
        then="agencies:step-qualifications",
        say=_("已删去一项资质。"),
    )


# ---- people
@get("/agency/filings/{filing_id:int}/practitioners", name="agencies:step-practitioners", guards=APPLICANT)
async def practitioners_page(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """Step three: the staff, and one more."""
    return await _show(request, filing_id, "agencies/step_practitioners.html")


@post("/agency/filings/{filing_id:int}/practitioners", name="agencies:add-practitioner", guards=APPLICANT)
async def add_practitioner(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """Add somebody to the staff."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        return await services.add_practitioner(
            actor=identity,
            filing_id=filing_id,
            person=forms.parse_practitioner(form),
            version=forms.version_of(form),
        )

    return await _save(
        request,
        filing_id,
        do,
        lambda form: _show(request, filing_id, "agencies/step_practitioners.html", form),
        then="agencies:step-practitioners",
    )


@post(
    "/agency/filings/{filing_id:int}/practitioners/{line:int}/remove",
    name="agencies:remove-practitioner",
    guards=APPLICANT,
)
async def remove_practitioner(request: AnyRequest, filing_id: FromPath[int], line: FromPath[int]) -> Response[Any]:
    """Take somebody off the list."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        return await services.remove_practitioner(
            actor=identity, filing_id=filing_id, line=line, version=forms.version_of(form)
        )

    return await _save(
        request,
        filing_id,
        do,
        lambda form: _show(request, filing_id, "agencies/step_practitioners.html", form),
        then="agencies:step-practitioners",
        say=_("已移出一名人员。"),
    )


# ---- independence and promises
@get("/agency/filings/{filing_id:int}/independence", name="agencies:step-independence", guards=APPLICANT)
async def independence_page(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """Step four."""
    return await _independence(request, filing_id)


async def _independence(request: AnyRequest, filing_id: int, form: FormState | None = None) -> Response[Any]:
    return await _show(
        request,
        filing_id,
        "agencies/step_independence.html",
        form,
        separations=[(one.value, _(title)) for one, title in SEPARATION_TITLES.items()],
        relation_kinds=[(one.value, _(title)) for one, title in RELATION_TITLES.items()],
        empty_rows=EMPTY_ROWS,
        typed_rows=_typed_rows(form),
    )


def _typed_rows(form: FormState | None) -> int:
    """How many relation rows a refused form had, so that none is lost."""
    if form is None:
        return 0
    numbers = [int(name.split("-")[1]) for name in form.values if name.startswith("relations-")]
    return max(numbers, default=-1) + 1


@post("/agency/filings/{filing_id:int}/independence", name="agencies:save-independence", guards=APPLICANT)
async def save_independence(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """Save the declaration."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        return await services.save_independence(
            actor=identity,
            filing_id=filing_id,
            step=forms.parse_independence(form),
            version=forms.version_of(form),
        )

    return await _save(request, filing_id, do, lambda form: _independence(request, filing_id, form))


@get("/agency/filings/{filing_id:int}/commitments", name="agencies:step-commitments", guards=APPLICANT)
async def commitments_page(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """Step five."""
    return await _show(request, filing_id, "agencies/step_commitments.html")


@post("/agency/filings/{filing_id:int}/commitments", name="agencies:save-commitments", guards=APPLICANT)
async def save_commitments(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """Save the promises."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        return await services.save_commitments(
            actor=identity,
            filing_id=filing_id,
            step=forms.parse_commitments(form),
            version=forms.version_of(form),
        )

    return await _save(
        request, filing_id, do, lambda form: _show(request, filing_id, "agencies/step_commitments.html", form)
    )


HANDLERS = [
    organization_page,
    save_organization,
    qualifications_page,
    new_qualification_page,
    add_qualification,
    edit_qualification_page,
    change_qualification,
    remove_qualification,
    practitioners_page,
    add_practitioner,
    remove_practitioner,
    independence_page,
    save_independence,
    commitments_page,
    save_commitments,
]
