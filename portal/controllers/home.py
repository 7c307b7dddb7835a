"""Home and search."""

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromQuery

import market.queries
from agencies.rules import PROFESSION_TITLES, Profession
from core import clock, web
from core.i18n import N_, _, language
from market.rules.notices import METHOD_NAMES
from portal.queries import home
from portal.queries.search import Scope, search

AnyRequest = Request[Any, Any, Any]
POPULAR = ("XT-SV-02", "XT-EV-02", "XT-SF-01", "XT-SV-04")
LONGEST_QUERY = 100
WAN = 10_000
MEANINGS = (
    ("A", N_("优秀"), N_("评分 ≥ 90，成果少抽查，可容缺受理")),
    ("B", N_("良好"), N_("70–90，正常参与")),
    ("C", N_("一般"), N_("60–70，委托方须确认风险提示后才能直接选")),
    ("D", N_("较差"), N_("低于 60 或有否决行为，暂停参与")),
    ("N", N_("未评级"), N_("证据不足，不是差评；前五件成果双人审查")),
)
SHORT = dict(PROFESSION_TITLES) | {
    Profession.ENVIRONMENTAL: N_("环评"),
    Profession.SAFETY: N_("安评"),
    Profession.COST_AND_BIDDING: N_("造价招标"),
}
SCOPES = {Scope.ITEMS: N_("服务事项"), Scope.AGENCIES: N_("中介机构"), Scope.NOTICES: N_("公告与结果")}
ICONS = {Scope.ITEMS: "file-text", Scope.AGENCIES: "certificate", Scope.NOTICES: "send"}


@get("/", name="portal:home", opt=web.public)
async def home_page(request: AnyRequest) -> Response[Any]:
    """The first page: what one can do here, and how the market stands."""
    now = clock.now()
    items = await market.queries.items()
    figures = await home.figures(now)
    return await web.page(
        request,
        "portal/home.html",
        items=items,
        popular=[item for item in items if item.code in POPULAR],
        wall=await home.wall(),
        short=SHORT,
        methods=METHOD_NAMES,
        figures=figures,
        figs=_five(figures),
        closing=await home.closing_soon(now),
        awards=await home.latest_awards(now),
        mix=await home.grade_mix(clock.today()),
        meanings=[(grade, _(word), _(text)) for grade, word, text in MEANINGS],
    )


def _five(found: home.Figures) -> list[tuple[str, str, str, str]]:
    """The figures as (value, unit, label, basis); a dash where nothing can be counted yet."""
    return [
        (
            str(found.collecting),
            _("个"),
            _("公告正在征集"),
            _("今天截止 %(n)s 个") % {"n": found.closing_today},
        ),
        (str(found.awards), _("宗"), _("本月中选"), _awarded(found)),
        (
            f"{found.entrants:.1f}" if found.entrants is not None else "—",
            _("家") if found.openings else "",
            _("平均参与机构"),
            _entrants(found),
        ),
        (
            f"{found.taken_median:.0f}" if found.taken_median is not None else "—",
            _("个工作日") if found.delivered else "",
            _("交付用时中位数"),
            _agreed(found),
        ),
        (
            f"{found.punctual / found.delivered:.1%}"[:-1] if found.delivered else "—",
            "%" if found.delivered else "",
            _("按期交付"),
            _("近 12 个月 %(a)s / %(b)s 件") % {"a": found.punctual, "b": found.delivered},
        ),
    ]


def _awarded(found: home.Figures) -> str:
    if language() == "en":
        return f"CNY {found.awarded:,.0f} in total"
    return f"合计 {found.awarded / WAN:,.1f} 万元"


def _entrants(found: home.Figures) -> str:
    if found.entrants_median is None:
        return _("近 90 天还没有开启")
    return _("近 90 天开启 %(n)s 次，中位数 %(m)s") % {
        "n": found.openings,
        "m": f"{found.entrants_median:.0f}",
    }


def _agreed(found: home.Figures) -> str:
    if found.agreed_median is None:
        return _("近 12 个月还没有交付")
    return _("近 12 个月，约定中位数 %(n)s") % {"n": f"{found.agreed_median:.0f}"}


@get("/search", name="portal:search", opt=web.public)
async def search_page(request: AnyRequest, q: FromQuery[str] = "", within: FromQuery[str] = "") -> Response[Any]:
    """Items, agencies and notices that hold every piece of the query."""
    text = q.strip()[:LONGEST_QUERY]
    chosen = Scope(within) if within in set(Scope) else None
    found = await search(text, chosen)
    return await web.page(
        request,
        "portal/search.html",
        q=text,
        within=chosen or "",
        found=found,
        total=sum(len(hits) for hits in found.values()),
        scopes={key: _(word) for key, word in SCOPES.items()},
        icons=ICONS,
        titles=PROFESSION_TITLES,
    )
