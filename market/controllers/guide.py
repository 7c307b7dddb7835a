"""The project guide: for everybody; a client keeps its result as a plan and posts a basket."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from core import clock, web
from core.forms import Form
from core.i18n import _, loc
from core.identity import Permission
from core.workdays import calendar
from market import content, services
from market.controllers.posting import candidates, local_input
from market.forms.guide import parse_basket, parse_handling, parse_plan
from market.queries import guide, projects
from market.queries.catalogue import items as catalogue_items
from market.queries.panels import panel_candidates
from market.rules.catalogue import PAYERS
from market.rules.guide import HANDLINGS, Handling
from market.rules.notices import (
    FUND_SOURCES,
    METHOD_NAMES,
    METHOD_RULES,
    FundSource,
    earliest_deadline,
)
from market.rules.reality import STANDINGS

AnyRequest = Request[Any, Any, Any]
OWNER = [web.requires(Permission.MANAGE_PROJECT)]
POSTER = [web.requires(Permission.POST_NOTICE)]


@get("/guide", name="market:guide", opt=web.public)
async def guide_page(request: AnyRequest, project: FromQuery[int | None] = None) -> Response[Any]:
    """Choose a kind of project, then answer the questions that matter for it. Nothing is stored."""
    book = content.rulebook()
    code = request.query_params.get("type")
    if not code:
        return await web.page(request, "market/guide_types.html", types=list(book.types.values()), project=project)
    chosen = book.type(code)
    return await web.page(
        request,
        "market/guide_questions.html",
        chosen=chosen,
        questions=book.relevant(chosen),
        given=request.query_params,
        project=project,
    )


@get("/guide/result", name="market:guide-result", opt=web.public)
async def result_page(request: AnyRequest, project: FromQuery[int | None] = None) -> Response[Any]:
    """The services of this project, their order, days, fees and papers. The address holds the answers."""
    answers = dict(request.query_params)
    return await _result(request, answers.pop("type", ""), answers, project)


async def _result(
    request: AnyRequest,
    kind: str,
    answers: dict[str, str],
    project: int | None,
    form: web.FormState | None = None,
) -> Response[Any]:
    identity = await web.who(request)
    result = await guide.guide_result(kind, answers)
    own = identity is not None and identity.may(Permission.MANAGE_PROJECT)
    mine = await projects.my_projects(identity, limit=100) if own and identity else []
    return await web.page(
        request,
        "market/guide_result.html",
        form=form,
        result=result,
        own=own,
        project=project,
        project_options=[(row.id, row.title) for row in mine],
        handling_of=handling_options,
        payers=PAYERS,
    )


def handling_options(item: Any) -> list[tuple[str, str]]:
    """What the law lets an owner do about an item."""
    allowed = [Handling.BASKET] if item.postable else []
    allowed += [Handling.SELF] if item.self_preparation else []
    return [(each.value, _(HANDLINGS[each])) for each in [*allowed, Handling.HAVE]]


@post("/guide/plan", name="market:plan-keep", guards=OWNER)
async def keep_plan(request: AnyRequest) -> Response[Any]:
    """Keep the result as the plan of one of the client's projects."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.PlanReceipt:
        kept = parse_plan(form)
        return await services.keep_plan(
            identity,
            project_id=kept.project_id,
            project_type=kept.project_type,
            answers=kept.answers,
            started_on=kept.started_on,
            handling=kept.handling,
        )

    def done(receipt: services.PlanReceipt) -> Response[None]:
        said = _("计划已保存：%(n)s 项，%(days)s 个工作日。") % {"n": len(receipt.items), "days": receipt.days}
        return web.redirect("market:plan", project_id=receipt.project_id, say=said)

    async def again(form: web.FormState) -> Response[Any]:
        typed = {name: str(value) for name, value in form.values.items()}
        return await _result(request, typed.get("type", ""), typed, None, form)

    return await web.act(request, do, done, again)


@get("/projects/{project_id:int}/plan", name="market:plan", guards=OWNER)
async def plan_page(request: AnyRequest, project_id: FromPath[int]) -> Response[Any]:
    """The plan beside what happened, and what the client does about each item."""
    return await _plan(request, project_id)


async def _plan(request: AnyRequest, project_id: int, form: web.FormState | None = None) -> Response[Any]:
    identity = await web.identity_of(request)
    return await web.page(
        request,
        "market/guide_plan.html",
        form=form,
        project=await projects.own_project(project_id, identity),
        running=await guide.project_course(project_id, identity),
        handling_of=handling_options,
        standings=STANDINGS,
    )


@post("/projects/{project_id:int}/plan", name="market:items-handle", guards=OWNER)
async def handle_items(request: AnyRequest, project_id: FromPath[int]) -> Response[Any]:
    """Say what the client does about items."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.HandlingReceipt:
        return await services.handle_items(identity, project_id=project_id, handling=parse_handling(form))

    def done(receipt: services.HandlingReceipt) -> Response[None]:
        n = sum(each is Handling.BASKET for each in receipt.handling.values())
        return web.redirect("market:basket", project_id=project_id, say=_("已记下，清单里有 %(n)s 项。") % {"n": n})

    return await web.act(request, do, done, lambda form: _plan(request, project_id, form))


@get("/projects/{project_id:int}/basket", name="market:basket", guards=POSTER)
async def basket_page(request: AnyRequest, project_id: FromPath[int]) -> Response[Any]:
    """Several notices in one form."""
    return await _basket(request, project_id)


async def panel_options(client_id: int) -> list[tuple[int, str]]:
    """Whom a client may name to a panel, as boxes to tick."""
    found = await panel_candidates(client_id)
    return [
        (one.account_id, _("%(name)s（%(more)s）") % {"name": one.name, "more": loc(one, "organization")})
        for one in found
    ]


async def _basket(request: AnyRequest, project_id: int, form: web.FormState | None = None) -> Response[Any]:
    identity = await web.identity_of(request)
    project = await projects.own_project(project_id, identity)
    lines = await guide.basket(project_id, identity)
    law = content.edition_in_force(clock.today())
    days = await calendar()
    earliest = {fund: earliest_deadline(clock.now(), fund, law, days) for fund in FundSource}
    inside = {item.code for item in lines}
    return await web.page(
        request,
        "market/guide_basket.html",
        form=form,
        project=project,
        lines=lines,
        low=sum(item.fee_min for item in lines),
        high=sum(item.fee_max for item in lines),
        others=[each for each in await catalogue_items() if each.postable and each.code not in inside],
        method_options=[(method.value, _(METHOD_NAMES[method])) for method in METHOD_RULES],
        fund_options=[(fund.value, _(name)) for fund, name in FUND_SOURCES.items()],
        earliest=earliest,
        deadline=local_input(earliest[project.fund_source]),
        candidates=await candidates(lines),
        panel_options=await panel_options(identity.organization_id),
        law=law,
    )


@post("/projects/{project_id:int}/basket", name="market:basket-post", guards=POSTER)
async def post_basket(request: AnyRequest, project_id: FromPath[int]) -> Response[Any]:
    """Publish the ticked lines together, or none of them."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.BasketReceipt:
        basket = parse_basket(form)
        return await services.post_basket(
            identity,
            project_id=project_id,
            lines=basket.lines,
            explanations=basket.explanations,
            panel=basket.panel,
        )

    def done(receipt: services.BasketReceipt) -> Response[None]:
        said = _("%(n)s 份公告已一并发布。") % {"n": len(receipt.notices)}
        return web.redirect("market:project-detail", project_id=project_id, say=said)

    return await web.act(request, do, done, lambda form: _basket(request, project_id, form))


HANDLERS = [
    guide_page,
    result_page,
    keep_plan,
    plan_page,
    handle_items,
    basket_page,
    post_basket,
]
