"""The desk: what waits for me, by when."""

from typing import Any

from litestar import Request, Response, get

from core import clock, web, workdays
from core.i18n import N_, _
from core.identity import Role
from core.web.guards import identity_of
from portal.queries.desk import own_acts, waiting
from portal.rules.desk import When, arrange, count, strip

AnyRequest = Request[Any, Any, Any]

HEADINGS = {
    When.LATE: N_("已逾期"),
    When.TODAY: N_("今天到期"),
    When.THIS_WEEK: N_("本周"),
    When.LATER: N_("以后"),
    When.OPEN: N_("不限期"),
    When.OTHERS: N_("在别人手里，我等着"),
}

# What somebody in a role most often starts from here: route, words, icon. The first is offered on
# an empty desk.
DOORS: dict[Role, tuple[tuple[str, str, str], ...]] = {
    Role.CLIENT: (
        ("market:project-new", N_("建项目，发公告"), "plus"),
        ("market:guide", N_("项目向导"), "list-check"),
        ("agencies:directory", N_("比较机构"), "git-compare"),
    ),
    Role.AGENCY: (
        ("market:notice-board", N_("找可参加的公告"), "search"),
        ("agencies:my-filings", N_("机构备案"), "certificate"),
    ),
    Role.REGISTRAR: (("agencies:queue", N_("备案队列"), "list-check"),),
    Role.REVIEWER: (("market:items", N_("看服务事项"), "file-text"),),
    Role.GRADING_OFFICER: (("grading:runs", N_("评级批次"), "scale"),),
    Role.MARKET_SUPERVISOR: (
        ("market:objection-list", N_("异议列表"), "message-report"),
        ("market:signals", N_("看市场线索"), "list-check"),
        ("market:concentration", N_("看市场集中度"), "chart-bar"),
        ("grading:watch", N_("评级质量监测"), "scale"),
        ("market:opening-key", N_("开启密钥"), "lock"),
        ("market:notice-board", N_("看公告与结果"), "search"),
    ),
    Role.ADMINISTRATOR: (("core:trail", N_("看留痕"), "history"),),
}

NOTHING = {
    Role.CLIENT: N_("有项目要委托时，先建项目，再为每个服务事项发布公告；发布后的进度会列在这里。"),
    Role.AGENCY: N_("看看正在征集报价的公告。提交报价、中选、合同和成果的期限都会列在这里。"),
    Role.REGISTRAR: N_("机构提交备案后，核对期限会列在这里。"),
    Role.REVIEWER: N_("抽到您审查成果时，会列在这里并写明期限，也会发邮件告知。"),
    Role.GRADING_OFFICER: N_("审查、记分和每月评级中轮到您的步骤会列在这里。"),
    Role.MARKET_SUPERVISOR: N_("需要交出的开启密钥份额、上报的异议和市场线索会列在这里。"),
    Role.ADMINISTRATOR: N_("需要您处理的系统事项会列在这里。"),
}


@get("/desk", name="portal:desk", guards=[web.signed_in])
async def desk_page(request: AnyRequest) -> Response[Any]:
    """Everything that waits, first due first."""
    identity = await identity_of(request)
    now, calendar = clock.now(), await workdays.calendar()
    groups = arrange(await waiting(identity, now), now, calendar)
    mine = sum(len(group.tasks) for group in groups if group.when is not When.OTHERS)
    return await web.page(
        request,
        "portal/desk.html",
        groups=groups,
        mine=mine,
        late=count(groups, When.LATE),
        now_due=count(groups, When.TODAY),
        week=count(groups, When.THIS_WEEK),
        strip=strip(groups, clock.today(), calendar),
        headings={when: _(words) for when, words in HEADINGS.items()},
        doors=[(web.url_for(route), _(words), icon) for route, words, icon in DOORS.get(identity.role, ())],
        nothing=_(NOTHING.get(identity.role, "")),
        recent=await own_acts(identity, now),
    )
