"""The registrar's pages: the queue and the formal check."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from agencies import forms, services
from agencies.controllers.applying import now_box
from agencies.controllers.words import words
from agencies.queries import filings
from agencies.queries.course import course
from agencies.queries.filings import FilingRow, surroundings
from agencies.rules.dossier import Step
from agencies.rules.filing import CHECK_WORKDAYS, FilingState
from agencies.rules.formal_check import formal_defects, hints
from agencies.services import FilingReceipt
from core import clock, web, workdays
from core.forms import Form
from core.i18n import N_, _
from core.identity import Permission
from core.web import FormState

AnyRequest = Request[Any, Any, Any]
REGISTRAR = [web.requires(Permission.CHECK_FILING)]
GROUPS = (
    (N_("待形式核对"), (FilingState.SUBMITTED,)),
    (N_("公示有异议"), (FilingState.OBJECTED,)),
    (N_("公示中"), (FilingState.NOTICED,)),
    (N_("已退回，等机构补正"), (FilingState.RETURNED,)),
)


@get("/filings", name="agencies:queue", guards=REGISTRAR)
async def queue_page(request: AnyRequest) -> Response[Any]:
    """What waits, most urgent first."""
    rows = await filings.queue([state for _title, states in GROUPS for state in states])
    calendar = await workdays.calendar()
    today = clock.today()
    return await web.page(
        request,
        "agencies/queue.html",
        **await words(),
        groups=[(_(title), [row for row in rows if row.state in states]) for title, states in GROUPS],
        day_of={row.id: max(1, calendar.count(clock.shanghai(row.submitted_at).date(), today)) for row in rows},
        allowed=CHECK_WORKDAYS,
    )


@get("/filings/{filing_id:int}", name="agencies:filing-check", guards=REGISTRAR)
async def check_page(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """One filing beside what the formal check says about it."""
    return await _check(request, filing_id)


async def _check(request: AnyRequest, filing_id: int, form: FormState | None = None) -> Response[Any]:
    filing = await filings.filing(filing_id, await web.identity_of(request))
    around = await surroundings(filing.organization_id, filing.uscc, filing.dossier)
    found = formal_defects(filing.dossier, clock.today(), around)
    return await web.page(
        request,
        "agencies/filing_check.html",
        **await words(),
        form=form,
        filing=filing,
        dossier=filing.dossier,
        findings=[(one.step.value, one.message().render()) for one in found],
        hints=[one.message().render() for one in hints(filing.dossier, clock.today(), around)],
        checked=_checked({one.step for one in found}),
        objections=await filings.objections(filing_id),
        entries=await course(filing_id, await web.who(request)),
        now_box=await now_box(filing),
        over=filing.notice_until is not None and clock.now() >= filing.notice_until,
    )


def _checked(wanting: set[Step]) -> list[tuple[bool, str]]:
    """The lines of the formal check, with whether each step passed."""
    texts = {
        Step.ORGANIZATION: N_("信用代码有效，与登录单位一致"),
        Step.QUALIFICATIONS: N_("证书在有效期内，扫描件齐全，事项属于本专业"),
        Step.PRACTITIONERS: N_("人员持证有效，社保满 3 个月，不在他处执业"),
        Step.INDEPENDENCE: N_("四项分开均已声明，关联关系已申报或声明没有"),
        Step.COMMITMENTS: N_("每个事项都有时限和收费依据，诚信承诺已签"),
    }
    return [(step not in wanting, _(texts[step])) for step in Step]


async def _act(
    request: AnyRequest, filing_id: int, do: Callable[[Form], Awaitable[FilingReceipt]], say: str
) -> Response[Any]:
    def done(_receipt: FilingReceipt) -> Response[None]:
        return web.redirect("agencies:filing-check", filing_id=filing_id, say=say)

    return await web.act(request, do, done, lambda form: _check(request, filing_id, form))


@post("/filings/{filing_id:int}/accept", name="agencies:accept", guards=REGISTRAR)
async def accept(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """In order: the public notice begins."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        return await services.accept_filing(actor=identity, filing_id=filing_id, version=forms.version_of(form))

    return await _act(request, filing_id, do, _("形式核对通过，公示已开始。"))


@post("/filings/{filing_id:int}/return", name="agencies:return", guards=REGISTRAR)
async def send_back(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """Back with all defects at once, what the formal check found included."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        filing: FilingRow = await filings.filing(filing_id, identity)
        around = await surroundings(filing.organization_id, filing.uscc, filing.dossier)
        found = formal_defects(filing.dossier, clock.today(), around)
        return await services.return_filing(
            actor=identity,
            filing_id=filing_id,
            defects=forms.parse_return(form, found),
            version=forms.version_of(form),
        )

    return await _act(request, filing_id, do, _("已退回，全部问题已一次告知。"))


@post(
    "/filings/{filing_id:int}/objections/{objection_id:int}",
    name="agencies:decide-objection",
    guards=REGISTRAR,
)
async def decide(request: AnyRequest, filing_id: FromPath[int], objection_id: FromPath[int]) -> Response[Any]:
    """Uphold or dismiss an objection."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> FilingReceipt:
        decision = forms.parse_decision(form)
        return await services.decide_objection(
            actor=identity, objection_id=objection_id, upheld=decision.upheld, reasons=decision.reasons
        )

    return await _act(request, filing_id, do, _("异议处理结果已公布。"))


@post("/filings/{filing_id:int}/record", name="agencies:record", guards=REGISTRAR)
async def record(request: AnyRequest, filing_id: FromPath[int]) -> Response[Any]:
    """Put on record by hand what the clock has missed."""
    identity = await web.identity_of(request)

    async def do(_form: Form) -> FilingReceipt:
        return await services.record_filing(actor=identity, filing_id=filing_id)

    return await _act(request, filing_id, do, _("已备案。"))


HANDLERS = [queue_page, check_page, accept, send_back, decide, record]
