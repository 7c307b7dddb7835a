"""The guide, plans, baskets and batches for programs: the same parsers and services as the pages."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post, put
from litestar.params import FromPath, JSONBody

from core import web
from core.forms import Form
from core.identity import Permission
from market import content, services
from market.api.bodies import Amount
from market.api.shapes import item_json, posted_json, yuan_text
from market.forms.guide import parse_basket, parse_batch, parse_handling, parse_plan
from market.queries import batch, guide
from market.rules.guide import Course, Question

AnyRequest = Request[Any, Any, Any]
OWNER = [web.requires(Permission.MANAGE_PROJECT)]
POSTER = [web.requires(Permission.POST_NOTICE)]


class PlanBody(msgspec.Struct):
    """The answers to keep as a project's plan; `handle` maps item codes to basket, self or have."""

    type: str
    started_on: str
    answers: dict[str, str] = {}
    handle: dict[str, str] = {}


class HandleBody(msgspec.Struct):
    """What the client does about items: basket, self, have, or empty to take it back."""

    handle: dict[str, str]


class LineBody(msgspec.Struct):
    """One notice of a basket; what is left out is taken from the basket."""

    item_code: str = ""
    scale: str = ""
    ceiling: Amount = ""
    days_limit: Amount = ""
    method: str = ""
    fund_source: str = ""
    deadline: str = ""
    requirements: str = ""
    payment_terms: str = ""
    include: bool = True
    agency_id: int | None = None
    reason: str = ""
    risk_acknowledged: bool = False
    conditions_reason: str = ""
    split_reason: str = ""


class BasketBody(msgspec.Struct):
    """Several notices that are published together or not at all. `criteria`, `price_weight`, `members` and `chair`
    are for all of its proposal-preferred ones."""

    lines: list[LineBody]
    method: str = ""
    fund_source: str = ""
    deadline: str = ""
    requirements: str = ""
    payment_terms: str = ""
    conditions_reason: str = ""
    criteria: list[dict[str, Amount]] = []
    price_weight: int | None = None
    members: list[int] = []
    chair: int | None = None


@get("/guide", name="api:guide", opt=web.public)
async def show_types() -> dict[str, Any]:
    """The kinds of project with the questions that matter for each."""
    book = content.rulebook()
    types = [
        {
            "code": each.code,
            "name_zh": each.name_zh,
            "name_en": each.name_en,
            "questions": [question_json(question) for question in book.relevant(each)],
        }
        for each in book.types.values()
    ]
    return {"digest": book.digest, "types": types}


def question_json(question: Question) -> dict[str, Any]:
    """A question with its options and its law."""
    options = [{"value": value, "zh": zh, "en": en} for value, zh, en in question.options]
    return {
        "code": question.code,
        "question_zh": question.question_zh,
        "question_en": question.question_en,
        "options": options,
        "basis": question.basis,
        "default": question.default,
    }


def course_json(course: Course) -> dict[str, Any]:
    """The course: working days after the start."""
    steps = [
        {
            "item": step.item,
            "days": step.days,
            "start": step.start,
            "finish": step.finish,
            "slack": step.slack,
            "critical": step.critical,
            "after": list(step.before),
        }
        for step in course.steps
    ]
    return {"days": course.days, "path": list(course.path), "steps": steps}


@get("/guide/result", name="api:guide-result", opt=web.public)
async def show_result(request: AnyRequest) -> dict[str, Any]:
    """What a project needs: `type` and the answers as `Q01=yes` in the query. Nothing is stored."""
    answers = dict(request.query_params)
    result = await guide.guide_result(answers.pop("type", ""), answers)
    low, high = result.fees
    return {
        "type": result.project_type.code,
        "course": course_json(result.course),
        "items": [
            item_json(result.guides[code].item) | {"basis": result.guides[code].cited("legal_basis")}
            for code in result.selection.codes
        ],
        "assumed": dict(result.selection.assumed),
        "undecided": [need.item for need in result.selection.undecided],
        "fee_min": yuan_text(low),
        "fee_max": yuan_text(high),
        "papers": [{"name": name, "items": [item.code for item in by]} for name, by in result.papers],
    }


@put("/projects/{project_id:int}/plan", name="api:plan-keep", guards=OWNER)
async def keep_plan(request: AnyRequest, project_id: FromPath[int], data: JSONBody[PlanBody]) -> Response[Any]:
    """Keep the guide's result as the plan of a project."""
    identity = await web.identity_of(request)
    body = {"type": data.type, "started_on": data.started_on, "handle": data.handle} | data.answers

    async def do(form: Form) -> services.PlanReceipt:
        kept = parse_plan(form, project_id=project_id)
        return await services.keep_plan(
            identity,
            project_id=kept.project_id,
            project_type=kept.project_type,
            answers=kept.answers,
            started_on=kept.started_on,
            handling=kept.handling,
        )

    return await web.api_act(request, body, do, msgspec.to_builtins, status=200)


@get("/projects/{project_id:int}/plan", name="api:plan", guards=OWNER)
async def show_plan(request: AnyRequest, project_id: FromPath[int]) -> dict[str, Any]:
    """The plan of an own project beside what happened; `plan` is null without one."""
    identity = await web.identity_of(request)
    found = await guide.project_course(project_id, identity)
    if found is None:
        return {"plan": None, "steps": []}
    steps = [
        {
            "item": one.step.item,
            "start_on": one.start_on.isoformat(),
            "finish_on": one.finish_on.isoformat(),
            "standing": one.standing.value,
            "behind": one.behind,
            "critical": one.step.critical,
        }
        for one in found.steps
    ]
    plan = {
        "type": found.plan.project_type,
        "started_on": found.plan.started_on.isoformat(),
        "digest": found.plan.digest,
    }
    return {"plan": plan | {"version": found.plan.version, "days": found.course.days}, "steps": steps}


@put("/projects/{project_id:int}/items", name="api:items-handle", guards=OWNER)
async def handle_items(request: AnyRequest, project_id: FromPath[int], data: JSONBody[HandleBody]) -> Response[Any]:
    """Put items into the basket, mark them as self-prepared or there already."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.HandlingReceipt:
        return await services.handle_items(identity, project_id=project_id, handling=parse_handling(form))

    return await web.api_act(request, {"handle": data.handle}, do, msgspec.to_builtins, status=200)


@post("/projects/{project_id:int}/basket", name="api:basket-post", guards=POSTER)
async def post_basket(request: AnyRequest, project_id: FromPath[int], data: JSONBody[BasketBody]) -> Response[Any]:
    """Publish several notices together, or none."""
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

    def show(receipt: services.BasketReceipt) -> dict[str, Any]:
        return {"project_id": receipt.project_id, "notices": [posted_json(one) for one in receipt.notices]}

    return await web.api_act(request, data, do, show)


@post("/batches", name="api:batch-start", guards=POSTER)
async def start_batch(request: AnyRequest) -> Response[Any]:
    """Multipart: `sheet` (XLSX or CSV), `item_code`, what holds for all, `good_only`."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.BatchReceipt:
        item, common, upload, good_only = parse_batch(form)
        return await services.start_batch(identity, item_code=item, common=common, upload=upload, good_only=good_only)

    return await web.api_act(request, None, do, msgspec.to_builtins)


@get("/batches/{batch_id:int}", name="api:batch", guards=POSTER)
async def show_batch(request: AnyRequest, batch_id: FromPath[int]) -> dict[str, Any]:
    """Where a batch stands, row by row."""
    found = await batch.batch(batch_id, await web.identity_of(request))
    rows = [
        {
            "row": row.number,
            "title": row.title,
            "state": row.state.value,
            "notice": row.notice_id,
            "number": row.notice_number,
            "faults": {name: text.render() for name, text in row.faults.items()},
        }
        for row in await batch.batch_rows(batch_id)
    ]
    counts = {"total": found.total, "posted": found.posted, "refused": found.refused}
    return {"id": found.id, "item": found.item_code, "finished": found.finished_at is not None, **counts, "rows": rows}


HANDLERS = [
    show_types,
    show_result,
    keep_plan,
    show_plan,
    handle_items,
    post_basket,
    start_batch,
    show_batch,
]
