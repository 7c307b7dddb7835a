"""Pages that explain: rules, accessibility, personal data, site map, and reporting an error."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from core import clock, web
from core.forms import Form
from core.i18n import _
from market import content
from market.rules.notices import METHOD_NAMES, METHOD_RULES
from portal import services
from portal.forms import parse_report

AnyRequest = Request[Any, Any, Any]


def _plain(path: str, name: str) -> HTTPRouteHandler:
    """A page without data of its own: `templates/portal/<name>.html` at `path`."""

    @get(path, name=f"portal:{name}", opt=web.public)
    async def handler(request: AnyRequest) -> Response[Any]:
        """A page that only explains."""
        return await web.page(request, f"portal/{name.replace('-', '_')}.html")

    return handler


PAGES = (
    _plain("/rules/grading", "rules-grading"),
    _plain("/rules/trail", "rules-trail"),
    _plain("/accessibility", "accessibility"),
    _plain("/privacy", "privacy"),
    _plain("/site-map", "site-map"),
)


@get("/rules/selection", name="portal:rules-selection", opt=web.public)
async def rules_selection(request: AnyRequest) -> Response[Any]:
    """How agencies are chosen, with the figures of the edition in force today."""
    return await web.page(
        request,
        "portal/rules_selection.html",
        edition=content.edition_in_force(clock.today()),
        methods=[(_(METHOD_NAMES[method]), _(text)) for method, text in METHOD_RULES.items()],
    )


@get("/report-an-error", name="portal:report-error", opt=web.public)
async def report_page(request: AnyRequest, page: FromQuery[str] = "") -> Response[Any]:
    """Where to say that something is wrong."""
    return await web.page(request, "portal/report_error.html", about=page[:300])


@post("/report-an-error", name="portal:report-error-post", opt=web.public)
async def report_error(request: AnyRequest) -> Response[Any]:
    """Pass a report on; nobody needs to sign in."""
    identity = await web.who(request)

    async def do(form: Form) -> int:
        return await services.report_error(actor=identity, report=parse_report(form))

    def done(entry: int) -> Response[None]:
        words = _("已收到，留痕编号 %(n)s。系统管理员会在 2 个工作日内核对。") % {"n": entry}
        return web.redirect("portal:report-error", say=words)

    async def again(form: web.FormState) -> Response[Any]:
        return await web.page(request, "portal/report_error.html", form=form, about="")

    return await web.act(request, do, done, again)
