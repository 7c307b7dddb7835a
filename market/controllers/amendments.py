"""Questions, answers and amendments of a notice: the panel's acts, the form, the public history."""

from dataclasses import replace
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from core import clock, web
from core.errors import FormInvalid
from core.forms import Form
from core.i18n import _
from core.identity import Identity, Permission
from core.workdays import calendar
from market import services
from market.controllers.notices import show_notice
from market.controllers.posting import local_input
from market.forms import parse_amendment, parse_answer, parse_explanations, parse_question, parse_version
from market.queries import amendments, notices, questions
from market.queries.flags import Warnings, fresh_warnings
from market.queries.notices import NoticeRow
from market.queries.powers import powers
from market.rules.amendments import earliest_amended
from market.rules.conditions import CONDITIONS
from market.rules.notices import FUND_SOURCES, METHOD_NAMES

AnyRequest = Request[Any, Any, Any]
POSTER = [web.requires(Permission.POST_NOTICE)]
BIDDER = [web.requires(Permission.SUBMIT_BID)]


@get("/notices/{notice_id:int}/amend", name="market:notice-amend", guards=POSTER)
async def amend_form(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The published notice in a form."""
    identity = await web.identity_of(request)
    row = await notices.own_notice(notice_id, identity)
    if not (await powers(row, identity)).amend:
        return web.redirect("market:notice-detail", notice_id=notice_id, say=_("这份公告现在不能修改。"))
    return await _form(request, notice_id, identity)


async def _form(
    request: AnyRequest, notice_id: int, identity: Identity, form: web.FormState | None = None
) -> Response[Any]:
    row = await notices.own_notice(notice_id, identity)
    public = row.fund_source.public_money
    days = await calendar()
    return await web.page(
        request,
        "market/amendments_form.html",
        form=form,
        row=row,
        wd=row.law.amend.wd(public=public),
        earliest=earliest_amended(row.deadline, clock.now(), row.law, days, public=public),
        local=local_input,
        warnings=await _warnings(row, form),
        conditions=CONDITIONS,
    )


async def _warnings(row: NoticeRow, form: web.FormState | None) -> Warnings | None:
    """What the rules noticed in the amendment that was just refused for want of an explanation."""
    if form is None or not {"split_reason", "conditions_reason"} & form.errors.keys():
        return None
    try:
        amendment, _reason = parse_amendment(
            Form.of(**{k: v for k, v in form.values.items() if isinstance(v, str)}), row.method
        )
    except FormInvalid:
        return None
    return await fresh_warnings(row, replace(row, requirements=amendment.requirements, ceiling=amendment.ceiling))


@post("/notices/{notice_id:int}/amend", name="market:notice-amend-post", guards=POSTER)
async def amend_notice(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Publish the amendment."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.NoticeReceipt:
        row = await notices.own_notice(notice_id, identity)
        version = parse_version(form)
        amendment, reason = parse_amendment(form, row.method)
        return await services.amend_notice(
            identity,
            notice_id=notice_id,
            version=version,
            amendment=amendment,
            reason=reason,
            explanations=parse_explanations(form),
        )

    def done(_receipt: services.NoticeReceipt) -> Response[None]:
        said = _("修改已公布，并已通知所有备案了本事项的机构。")
        return web.redirect("market:amendments", notice_id=notice_id, say=said)

    async def again(form: web.FormState) -> Response[Any]:
        return await _form(request, notice_id, identity, form)

    return await web.act(request, do, done, again)


@get("/notices/{notice_id:int}/amendments", name="market:amendments", opt=web.public)
async def history(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Every amendment, field by field, newest first."""
    identity = await web.who(request)
    row = await notices.notice(notice_id, identity)
    return await web.page(
        request,
        "market/amendments_list.html",
        row=row,
        versions=await amendments.versions(notice_id),
        confirm=(await powers(row, identity)).confirm,
        methods=METHOD_NAMES,
        fund_sources=FUND_SOURCES,
    )


@post("/notices/{notice_id:int}/questions", name="market:question-ask", guards=BIDDER)
async def ask_question(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Ask without a name."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.QuestionReceipt:
        return await services.ask_question(identity, notice_id=notice_id, text=parse_question(form))

    def done(_receipt: services.QuestionReceipt) -> Response[None]:
        return web.redirect("market:notice-detail", notice_id=notice_id, say=_("提问已公开，没有显示您是谁。"))

    async def again(form: web.FormState) -> Response[Any]:
        return await show_notice(request, notice_id, form)

    return await web.act(request, do, done, again)


@post("/questions/{question_id:int}/answers", name="market:question-answer", guards=POSTER)
async def answer_question(request: AnyRequest, question_id: FromPath[int]) -> Response[Any]:
    """Answer, or supplement the answer."""
    identity = await web.identity_of(request)
    notice_id, _number = await questions.notice_of_question(question_id, identity)

    async def do(form: Form) -> services.QuestionReceipt:
        return await services.answer_question(identity, question_id=question_id, text=parse_answer(form))

    def done(_receipt: services.QuestionReceipt) -> Response[None]:
        return web.redirect("market:notice-detail", notice_id=notice_id, say=_("答复已公开。"))

    async def again(form: web.FormState) -> Response[Any]:
        return await show_notice(request, notice_id, form)

    return await web.act(request, do, done, again)


HANDLERS = [amend_form, amend_notice, history, ask_question, answer_question]
