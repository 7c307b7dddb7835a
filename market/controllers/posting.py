"""A client writes, checks, publishes, withdraws, cancels and re-posts a notice."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from agencies import queries as agencies
from agencies.rules import GRADE_TITLES, CreditGrade, Profession, Standing
from core import clock, web
from core.errors import Message
from core.forms import Form
from core.i18n import N_, _, loc
from core.identity import Identity, Permission
from core.web import templates
from core.workdays import calendar
from market import content, services
from market.controllers.notices import show_notice
from market.forms import parse_deadline, parse_explanations, parse_notice, parse_reason, parse_version
from market.queries import custody, notices
from market.queries.catalogue import ItemRow, items, service_item
from market.queries.flags import warnings_for
from market.queries.notices import NoticeRow
from market.queries.projects import ProjectRow, own_project
from market.rules.conditions import CONDITIONS
from market.rules.editions import Custody, Edition
from market.rules.notices import (
    FUND_SOURCES,
    METHOD_NAMES,
    METHOD_RULES,
    FundSource,
    Phase,
    SelectionMethod,
    allowed_methods,
    earliest_deadline,
)

AnyRequest = Request[Any, Any, Any]
POSTER = [web.requires(Permission.POST_NOTICE)]
Receipt = services.NoticeReceipt
OFFICE_OPENS = timedelta(hours=9)


@get("/projects/{project_id:int}/notices/new", name="market:notice-new", guards=POSTER)
async def new_notice(
    request: AnyRequest, project_id: FromPath[int], item: FromQuery[str | None] = None
) -> Response[Any]:
    """Choose the service item first, then write the notice."""
    identity = await web.identity_of(request)
    project = await own_project(project_id, identity)
    if not item:
        return await web.page(
            request,
            "market/notice_item.html",
            project=project,
            items=[each for each in await items() if each.postable],
        )
    return await _form(request, project, await service_item(item))


async def _form(
    request: AnyRequest,
    project: ProjectRow,
    item: ItemRow,
    form: web.FormState | None = None,
    row: NoticeRow | None = None,
) -> Response[Any]:
    law = content.edition_in_force(clock.today())
    days = await calendar()
    return await web.page(
        request,
        "market/notice_form.html",
        form=form,
        project=project,
        item=item,
        row=row,
        law=law,
        method_names=[(method, _(METHOD_NAMES[method])) for method in METHOD_RULES],
        method_options=_method_options(project.fund_source, law),
        fund_options=[(fund.value, _(name)) for fund, name in FUND_SOURCES.items()],
        candidate_options=(await candidates([item]))[item.code],
        local=local_input,
        earliest={fund: earliest_deadline(clock.now(), fund, law, days) for fund in FundSource},
    )


def _method_options(fund: FundSource, law: Edition) -> list[tuple[str, str, str]]:
    """The methods, each with its rule and what limits it: figures for public money, or why it is not allowed."""
    allowed = allowed_methods(fund, Decimal(0), law)
    return [
        (method.value, _(METHOD_NAMES[method]), " ".join((_(rule), _limit(method, allowed[method], law))).strip())
        for method, rule in METHOD_RULES.items()
    ]


def _limit(method: SelectionMethod, obstacle: Message | None, law: Edition) -> str:
    if obstacle is not None:
        return obstacle.render()
    cap = law.public_caps.get(method.value)
    return _("财政资金不超过 %(cap)s。") % {"cap": templates.wan(cap)} if cap is not None else ""


async def candidates(wanted: Sequence[ItemRow]) -> dict[str, list[tuple[int, str]]]:
    """Recorded agencies that offer each item, with the grade the client should look at; four queries a profession."""
    found: dict[str, list[tuple[int, str]]] = {item.code: [] for item in wanted}
    for profession in sorted({item.profession for item in wanted}):
        recorded = await agencies.recorded_agencies(Profession(profession))
        ids = [each.agency_id for each in recorded]
        standings = await agencies.standings(ids, Profession(profession), clock.today())
        told = await agencies.marks((one, profession) for one in ids)
        for item in wanted:
            if item.profession == profession:
                found[item.code] = [
                    _candidate(one, told[agency_id, profession])
                    for agency_id, one in standings.items()
                    if item.code in one.items
                ]
    return found


def _candidate(one: Standing, mark: agencies.GradeMark) -> tuple[int, str]:
    """What the client reads before choosing: the grade, the warning of C, the objection to it."""
    notes = [_(GRADE_TITLES[one.grade])]
    if one.grade is CreditGrade.C:
        notes.append(_("选用须确认风险提示"))
    if mark.contested:
        notes.append(_("等级异议中"))
    return one.agency_id, _("%(name)s（%(more)s）") % {"name": loc(one, "name"), "more": _("，").join(notes)}


def local_input(moment: datetime) -> str:
    """A moment as the box for local date and time wants it; midnight becomes the next opening hour."""
    local = clock.shanghai(moment)
    return f"{local if local.hour else local + OFFICE_OPENS:%Y-%m-%dT%H:%M}"


@post("/projects/{project_id:int}/notices/new", name="market:notice-create", guards=POSTER)
async def create_notice(request: AnyRequest, project_id: FromPath[int]) -> Response[Any]:
    """Keep the draft and show it for checking."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> Receipt:
        draft = parse_notice(form)
        return await services.draft_notice(identity, project_id=project_id, draft=draft)

    async def again(form: web.FormState) -> Response[Any]:
        project = await own_project(project_id, identity)
        item = await service_item(str(form.values.get("item_code", "")))
        return await _form(request, project, item, form)

    return await web.act(request, do, _to_check, again)


def _to_check(receipt: Receipt) -> Response[None]:
    return web.redirect("market:notice-check", notice_id=receipt.notice_id)


@get("/notices/{notice_id:int}/edit", name="market:notice-edit", guards=POSTER)
async def edit_notice(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The draft in the form."""
    identity = await web.identity_of(request)
    row = await notices.own_notice(notice_id, identity)
    project = await own_project(row.project_id, identity)
    return await _form(request, project, await service_item(row.item_code), None, row)


@post("/notices/{notice_id:int}/edit", name="market:notice-revise", guards=POSTER)
async def revise_notice(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Rewrite the draft."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> Receipt:
        version = parse_version(form)
        draft = parse_notice(form)
        return await services.revise_notice(identity, notice_id=notice_id, version=version, draft=draft)

    async def again(form: web.FormState) -> Response[Any]:
        row = await notices.own_notice(notice_id, identity)
        project = await own_project(row.project_id, identity)
        return await _form(request, project, await service_item(row.item_code), form, row)

    return await web.act(request, do, _to_check, again)


@get("/notices/{notice_id:int}/check", name="market:notice-check", guards=POSTER)
async def check_notice(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Check the answers before they become public."""
    return await _check_page(request, notice_id)


async def _check_page(request: AnyRequest, notice_id: int, form: web.FormState | None = None) -> Response[Any]:
    identity = await web.identity_of(request)
    row = await notices.own_notice(notice_id, identity)
    public = row.fund_source.public_money and row.method is not SelectionMethod.DIRECT
    return await web.page(
        request,
        "market/notice_check.html",
        form=form,
        row=row,
        joint=public and row.law.custody_of(public=True) is Custody.JOINT,
        own_key=await custody.own_key(identity),
        warnings=await warnings_for(row) if row.phase is Phase.DRAFT else None,
        conditions=CONDITIONS,
        methods=METHOD_NAMES,
        rules=METHOD_RULES,
        fund_sources=FUND_SOURCES,
    )


@post("/notices/{notice_id:int}/publish", name="market:notice-publish", guards=POSTER)
async def publish_notice(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Make it public."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> Receipt:
        version = parse_version(form)
        words = parse_explanations(form)
        return await services.publish_notice(identity, notice_id=notice_id, version=version, explanations=words)

    def done(receipt: Receipt) -> Response[None]:
        said = _("公告已发布，编号 %(number)s。") % {"number": receipt.number}
        return web.redirect("market:notice-detail", notice_id=notice_id, say=said)

    async def again(form: web.FormState) -> Response[Any]:
        return await _check_page(request, notice_id, form)

    return await web.act(request, do, done, again)


Act = Callable[[Identity, Form], Awaitable[Receipt]]


async def _on_notice(request: AnyRequest, notice_id: int, act: Act, said: str) -> Response[Any]:
    """An act on the notice's own page."""
    identity = await web.identity_of(request)

    def done(receipt: Receipt) -> Response[None]:
        return web.redirect("market:notice-detail", notice_id=receipt.notice_id, say=_(said))

    async def again(form: web.FormState) -> Response[Any]:
        return await show_notice(request, notice_id, form)

    return await web.act(request, lambda form: act(identity, form), done, again)


@post("/notices/{notice_id:int}/withdraw", name="market:notice-withdraw", guards=POSTER)
async def withdraw_notice(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Take it back before the deadline."""

    async def act(identity: Identity, form: Form) -> Receipt:
        reason = parse_reason(form)
        return await services.withdraw_notice(identity, notice_id=notice_id, reason=reason)

    return await _on_notice(request, notice_id, act, N_("公告已撤回，理由已公开。"))


@post("/notices/{notice_id:int}/cancel", name="market:notice-cancel", guards=POSTER)
async def cancel_selection(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Cancel while the result is on display."""

    async def act(identity: Identity, form: Form) -> Receipt:
        reason = parse_reason(form)
        return await services.cancel_selection(identity, notice_id=notice_id, reason=reason)

    return await _on_notice(request, notice_id, act, N_("选取已取消，理由已公开并告知各机构。"))


@post("/notices/{notice_id:int}/repost", name="market:notice-repost", guards=POSTER)
async def repost_notice(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The same text as a new draft."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> Receipt:
        deadline = parse_deadline(form)
        return await services.repost_notice(identity, notice_id=notice_id, deadline=deadline)

    async def again(form: web.FormState) -> Response[Any]:
        return await show_notice(request, notice_id, form)

    return await web.act(request, do, _to_check, again)


ANSWERER = [web.requires(Permission.SUBMIT_BID)]


@post("/notices/{notice_id:int}/accept", name="market:offer-accept", guards=ANSWERER)
async def accept_offer(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The chosen agency says yes."""

    async def act(identity: Identity, _form: Form) -> Receipt:
        return await services.accept_offer(identity, notice_id=notice_id)

    return await _on_notice(request, notice_id, act, N_("已接受，结果开始公示。"))


@post("/notices/{notice_id:int}/decline", name="market:offer-decline", guards=ANSWERER)
async def decline_offer(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """The chosen agency says no."""

    async def act(identity: Identity, form: Form) -> Receipt:
        words = parse_reason(form)
        return await services.decline_offer(identity, notice_id=notice_id, words=words)

    return await _on_notice(request, notice_id, act, N_("已答复不接受，业主可重新发布。"))


HANDLERS = [
    new_notice,
    create_notice,
    edit_notice,
    revise_notice,
    check_notice,
    publish_notice,
    withdraw_notice,
    cancel_selection,
    repost_notice,
    accept_offer,
    decline_offer,
]
