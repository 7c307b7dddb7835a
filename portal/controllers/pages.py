"""Pages that explain: rules, accessibility, personal data, site map, and reporting an error."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from core import clock, settings, web
from core.errors import NotFound
from core.forms import Form
from core.i18n import N_, _
from core.identity import Role
from grading.queries import rulebook_on
from market import content
from market.rules.notices import METHOD_NAMES, METHOD_RULES
from portal import services
from portal.demo import sign_ins
from portal.forms import parse_report

AnyRequest = Request[Any, Any, Any]
DEMO_HINTS = {
    Role.CLIENT: N_("建项目、发公告、确认合同、验收成果、评价。"),
    Role.AGENCY: N_("看机构档案和等级依据、提交密封报价、交成果。"),
    Role.REGISTRAR: N_("核对机构备案，提出不良行为记分。"),
    Role.REVIEWER: N_("按审查表给抽到的成果打分，机构名称是隐去的。"),
    Role.GRADING_OFFICER: N_("看审查结果，每月评级、征求意见、签发。"),
    Role.MARKET_SUPERVISOR: N_("保管开启密钥份额，处理上报的异议，核查市场线索。"),
    Role.ADMINISTRATOR: N_("管账户和工作日历，查留痕。"),
}


def _plain(path: str, name: str) -> HTTPRouteHandler:
    """A page without data of its own: `templates/portal/<name>.html` at `path`."""

    @get(path, name=f"portal:{name}", opt=web.public)
    async def handler(request: AnyRequest) -> Response[Any]:
        """A page that only explains."""
        return await web.page(request, f"portal/{name.replace('-', '_')}.html")

    return handler


PAGES = (
    _plain("/rules/trail", "rules-trail"),
    _plain("/accessibility", "accessibility"),
    _plain("/privacy", "privacy"),
    _plain("/site-map", "site-map"),
)


@get("/rules/grading", name="portal:rules-grading", opt=web.public)
async def rules_grading(request: AnyRequest) -> Response[Any]:
    """How grades are made, with the figures of the scheme in force today."""
    return await web.page(request, "portal/rules_grading.html", rules=await rulebook_on(clock.today()))


@get("/rules/selection", name="portal:rules-selection", opt=web.public)
async def rules_selection(request: AnyRequest) -> Response[Any]:
    """How agencies are chosen, with the figures of the edition in force today."""
    return await web.page(
        request,
        "portal/rules_selection.html",
        edition=content.edition_in_force(clock.today()),
        methods=[(_(METHOD_NAMES[method]), _(text), method.value) for method, text in METHOD_RULES.items()],
    )


@get("/demo", name="portal:demo", opt=web.public)
async def demo_page(request: AnyRequest) -> Response[Any]:
    """One sign-in per kind of user of the demo market; absent where real people depend on the site."""
    if settings.load().production:
        raise NotFound
    return await web.page(request, "portal/demo.html", sign_ins=sign_ins(), hints=DEMO_HINTS)


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
