"""Projects: a client's own list, the form, and the page everybody sees."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from core import web
from core.forms import Form
from core.i18n import _
from core.identity import Permission
from core.trail.queries import timeline
from core.web.pages import decode_cursor
from market import services
from market.forms import parse_project, parse_version
from market.queries import notices, projects
from market.queries.guide import project_course
from market.queries.progress import progress
from market.rules.notices import FUND_SOURCES, METHOD_NAMES, PHASES
from market.rules.reality import STANDINGS

AnyRequest = Request[Any, Any, Any]
OWNER = [web.requires(Permission.MANAGE_PROJECT)]
PAGE = 20


@get("/my/projects", name="market:my-projects", guards=OWNER)
async def my_projects(request: AnyRequest, cursor: FromQuery[str | None] = None) -> Response[Any]:
    """The client's projects and notices."""
    identity = await web.identity_of(request)
    before = decode_cursor(cursor)
    before = before if isinstance(before, int) else None
    rows = await projects.my_projects(identity, limit=PAGE, before=before)
    listed = web.cursor_page(rows, PAGE, lambda row: row.id)
    mine = await notices.my_notices(identity)
    return await web.page(
        request,
        "market/my_projects.html",
        projects=listed["items"],
        next_cursor=listed["next"],
        notices_of={row.id: [one for one in mine if one.project_id == row.id] for row in listed["items"]},
        phases=PHASES,
        fund_sources=FUND_SOURCES,
    )


@get("/projects/new", name="market:project-new", guards=OWNER)
async def new_project(request: AnyRequest) -> Response[Any]:
    """An empty form."""
    return await _project_form(request)


async def _project_form(
    request: AnyRequest, form: Any = None, project: projects.ProjectRow | None = None
) -> Response[Any]:
    return await web.page(
        request,
        "market/project_form.html",
        form=form,
        project=project,
        fund_options=[(fund.value, _(name)) for fund, name in FUND_SOURCES.items()],
    )


@post("/projects/new", name="market:project-create", guards=OWNER)
async def create_project(request: AnyRequest) -> Response[Any]:
    """Put a project on file."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.ProjectReceipt:
        return await services.describe_project(identity, draft=parse_project(form))

    def done(receipt: services.ProjectReceipt) -> Response[None]:
        said = _("项目已登记，编号 %(number)s。下一步选服务事项，发布公告。") % {"number": receipt.number}
        return web.redirect("market:project-detail", project_id=receipt.project_id, say=said)

    return await web.act(request, do, done, lambda form: _project_form(request, form))


@get("/projects/{project_id:int}/edit", name="market:project-edit", guards=OWNER)
async def edit_project(request: AnyRequest, project_id: FromPath[int]) -> Response[Any]:
    """The form with what is on file."""
    identity = await web.identity_of(request)
    return await _project_form(request, None, await projects.own_project(project_id, identity))


@post("/projects/{project_id:int}/edit", name="market:project-revise", guards=OWNER)
async def revise_project(request: AnyRequest, project_id: FromPath[int]) -> Response[Any]:
    """Correct a project."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.ProjectReceipt:
        version = parse_version(form)
        return await services.revise_project(
            identity, project_id=project_id, version=version, draft=parse_project(form)
        )

    def done(receipt: services.ProjectReceipt) -> Response[None]:
        return web.redirect("market:project-detail", project_id=receipt.project_id, say=_("项目已更新。"))

    async def again(form: web.FormState) -> Response[Any]:
        return await _project_form(request, form, await projects.own_project(project_id, identity))

    return await web.act(request, do, done, again)


@get("/projects/{project_id:int}", name="market:project-detail", opt=web.public)
async def project_page(request: AnyRequest, project_id: FromPath[int]) -> Response[Any]:
    """One project: its notices, and everything that happened, contracts included (by the trail)."""
    identity = await web.who(request)
    project = await projects.project(project_id, identity)
    rows = await notices.project_notices(project_id, identity)
    return await web.page(
        request,
        "market/project_detail.html",
        project=project,
        own=identity is not None and identity.organization_id == project.client_id,
        notices=[(row, await progress(row)) for row in rows],
        running=await project_course(project_id, identity),
        standings=STANDINGS,
        entries=await timeline(f"project:{project_id}"),
        phases=PHASES,
        methods=METHOD_NAMES,
        fund_sources=FUND_SOURCES,
    )


HANDLERS = [
    my_projects,
    new_project,
    create_project,
    edit_project,
    revise_project,
    project_page,
]
