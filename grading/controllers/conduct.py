"""Conduct findings and direct D: propose, reply, decide, impose; and revoking a certificate."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from agencies.queries import recorded_agencies
from agencies.rules import PROFESSION_TITLES
from core import clock, files, web
from core.forms import Form
from core.i18n import _, loc
from core.identity import Permission
from core.trail.queries import timeline
from core.web import FormState
from core.web.pages import decode_cursor
from grading import services
from grading.controllers.words import words
from grading.forms import Decision, parse_decision, parse_finding, parse_imposition, parse_reply, parse_revocation
from grading.queries.certificates import certificate
from grading.queries.conduct import finding, finding_file, finding_files, findings
from grading.queries.schemes import rulebook_on
from grading.services.certificates import RevocationReceipt
from grading.services.conduct import EVIDENCE, MOST_FILES, DecisionReceipt, ProposalReceipt, ReplyReceipt
from grading.services.direct_d import COMPUTED, ImpositionReceipt

AnyRequest = Request[Any, Any, Any]
PAGE = 30
UPLOAD_LIMIT = (MOST_FILES * 10 + 2) * files.MEGABYTE
RECORDER = [web.requires(Permission.RECORD_CONDUCT)]
DECIDER = [web.requires(Permission.DECIDE_CONDUCT)]
_UPLOAD: dict[str, Any] = {"use": EVIDENCE, "most": MOST_FILES}
SIGNER = [web.requires(Permission.PUBLISH_GRADE)]


@get("/conduct", name="grading:conduct", guards=[web.signed_in])
async def list_page(request: AnyRequest, cursor: FromQuery[str | None] = None) -> Response[Any]:
    """Findings: all for the officers, its own for an agency."""
    before = decode_cursor(cursor)
    rows = await findings(
        await web.identity_of(request), before=before if isinstance(before, int) else None, limit=PAGE + 1
    )
    listed = web.cursor_page(rows, PAGE, lambda row: row.finding_id)
    return await web.page(
        request,
        "grading/conduct.html",
        **words(),
        rows=listed["items"],
        next_cursor=listed["next"],
        rules=await rulebook_on(clock.today()),
    )


async def _choices() -> dict[str, Any]:
    rules = await rulebook_on(clock.today())
    agencies = await recorded_agencies()
    return {
        "agencies": [(one.agency_id, loc(one, "name")) for one in agencies],
        "items": [
            (
                item.code,
                _("%(code)s　%(name)s（%(n)s 分）") % {"code": item.code, "name": loc(item, "name"), "n": item.points},
            )
            for item in rules.scheme.conduct.items
        ],
        "triggers": [
            (one.code, f"{one.code}　{loc(one, 'name')}") for one in rules.scheme.triggers if one.code not in COMPUTED
        ],
        "professions": [(trade.value, _(title)) for trade, title in PROFESSION_TITLES.items()],
        "rules": rules,
    }


@get("/conduct/new", name="grading:finding-new", guards=RECORDER)
async def new_page(request: AnyRequest) -> Response[Any]:
    """The form for a finding."""
    return await _new(request)


async def _new(request: AnyRequest, form: FormState | None = None) -> Response[Any]:
    return await web.page(request, "grading/finding_form.html", **words(), **await _choices(), form=form, **_UPLOAD)


@post("/conduct/new", name="grading:finding-propose", guards=RECORDER, request_max_body_size=UPLOAD_LIMIT)
async def propose(request: AnyRequest) -> Response[Any]:
    """Put a finding to the agency."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> ProposalReceipt:
        return await services.propose_conduct(actor=actor, draft=parse_finding(form))

    def done(receipt: ProposalReceipt) -> Response[None]:
        say = _("已告知机构，编号 %(no)s。申辩期满后由另一位工作人员认定。") % {"no": receipt.number}
        return web.redirect("grading:finding", finding_id=receipt.finding_id, say=say)

    return await web.act(request, do, done, lambda state: _new(request, state))


@get("/conduct/{finding_id:int}", name="grading:finding", opt=web.public)
async def finding_page(request: AnyRequest, finding_id: FromPath[int]) -> Response[Any]:
    """One finding: public while it counts, before and after for its agency and the officers."""
    return await _finding(request, finding_id)


async def _finding(request: AnyRequest, finding_id: int, form: FormState | None = None) -> Response[Any]:
    reader = await web.who(request)
    row = await finding(reader, finding_id)
    now = clock.now()
    own = reader is not None and reader.organization_id == row.organization_id
    return await web.page(
        request,
        "grading/finding.html",
        **words(),
        form=form,
        row=row,
        may_reply=own and row.may_reply(now) and reader is not None and reader.may(Permission.COMMENT_GRADE),
        may_decide=reader is not None and row.may_decide(reader, now),
        party=own or (reader is not None and reader.may(Permission.RECORD_CONDUCT)),
        entries=await timeline(f"conduct:{finding_id}"),
        papers=await finding_files(reader, row),
        **_UPLOAD,
    )


@post(
    "/conduct/{finding_id:int}/reply",
    name="grading:finding-reply",
    guards=[web.requires(Permission.COMMENT_GRADE)],
    request_max_body_size=UPLOAD_LIMIT,
)
async def reply(request: AnyRequest, finding_id: FromPath[int]) -> Response[Any]:
    """The agency's reply."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> ReplyReceipt:
        given = parse_reply(form)
        return await services.reply_conduct(
            actor=actor, finding_id=finding_id, text=given.text, evidence=given.evidence
        )

    return await web.act(
        request,
        do,
        lambda _receipt: web.redirect("grading:finding", finding_id=finding_id, say=_("申辩已收到。")),
        lambda state: _finding(request, finding_id, state),
    )


@get("/conduct/{finding_id:int}/files/{file_id:int}", name="grading:finding-file", guards=[web.signed_in])
async def paper(request: AnyRequest, finding_id: FromPath[int], file_id: FromPath[int]) -> Response[Any]:
    """A file of the evidence or the reply, for the agency and the officers."""
    found = await finding_file(await web.identity_of(request), finding_id, file_id)
    return await files.response(found.id, name=found.name)


@post("/conduct/{finding_id:int}/decide", name="grading:finding-decide", guards=DECIDER)
async def decide(request: AnyRequest, finding_id: FromPath[int]) -> Response[Any]:
    """Uphold or dismiss."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> DecisionReceipt:
        made: Decision = parse_decision(form)
        return await services.decide_conduct(
            actor=actor, finding_id=finding_id, upheld=made.upheld, reasons=made.reasons
        )

    return await web.act(
        request,
        do,
        lambda _receipt: web.redirect("grading:finding", finding_id=finding_id, say=_("已作出认定，并告知机构。")),
        lambda state: _finding(request, finding_id, state),
    )


@get("/conduct/direct-d", name="grading:direct-d", guards=DECIDER)
async def direct_d_page(request: AnyRequest) -> Response[Any]:
    """The form for a decision that makes the grade D."""
    return await _direct_d(request)


async def _direct_d(request: AnyRequest, form: FormState | None = None) -> Response[Any]:
    return await web.page(request, "grading/direct_d_form.html", **words(), **await _choices(), form=form)


@post("/conduct/direct-d", name="grading:direct-d-impose", guards=DECIDER)
async def impose(request: AnyRequest) -> Response[Any]:
    """Record the decision; immediate grounds are published at once."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> ImpositionReceipt:
        return await services.impose_direct_d(actor=actor, decision=parse_imposition(form))

    def done(receipt: ImpositionReceipt) -> Response[None]:
        if not receipt.publications:
            return web.redirect("grading:conduct", say=_("决定已登记，下一次月度评级时生效。"))
        first = receipt.publications[0]
        say = _("决定已登记，D 级已公布，编号 %(no)s。") % {"no": first.publication_no}
        return web.redirect("grading:report", report_id=first.report_id, say=say)

    return await web.act(request, do, done, lambda state: _direct_d(request, state))


@get("/verify/{number:str}/revoke", name="grading:certificate-revoke-form", guards=SIGNER)
async def revoke_page(request: AnyRequest, number: FromPath[str]) -> Response[Any]:
    """The form for revoking a certificate."""
    return await _revoke(request, number)


async def _revoke(request: AnyRequest, number: str, form: FormState | None = None) -> Response[Any]:
    shown = await certificate(number)
    return await web.page(request, "grading/revoke_form.html", **words(), shown=shown, form=form)


@post("/verify/{number:str}/revoke", name="grading:certificate-revoke", guards=SIGNER)
async def revoke(request: AnyRequest, number: FromPath[str]) -> Response[Any]:
    """Revoke a certificate by a numbered decision."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> RevocationReceipt:
        given = parse_revocation(form)
        return await services.revoke_certificate(
            actor=actor, number=number, document_no=given.document_no, reason=given.reason
        )

    return await web.act(
        request,
        do,
        lambda _receipt: web.redirect("grading:verify", number=number, say=_("证书已撤销。")),
        lambda state: _revoke(request, number, state),
    )


HANDLERS = [
    list_page,
    new_page,
    propose,
    finding_page,
    paper,
    reply,
    decide,
    direct_d_page,
    impose,
    revoke_page,
    revoke,
]
