"""Around the choice, in a browser: the opening as it happens, clocks, a form without script, a contested result."""

from datetime import datetime, timedelta

import pytest

from core.clock import SHANGHAI
from tests.browser.conftest import DESKTOP, PHONE, OpenPage, accessible, no_sideways_scroll
from tests.browser.fair import Fair, fair, hands, town
from tests.browser.person import Person

__all__ = ["fair", "hands", "town"]  # fixtures
HOUR_AHEAD = """(() => {
    const real = Date, ahead = 3600 * 1000;
    window.Date = class extends real {
        constructor(...parts) { if (parts.length) super(...parts); else super(real.now() + ahead); }
        static now() { return real.now() + ahead; }
    };
})()"""
WORDS = "经核对开启记录和资格证书，理由如下：情况属实，特此说明。"
ASKED = {  # what only some methods need
    "direct": {"agency_id", "reason", "risk_acknowledged"},
    "lowest-price": {"floor", "outside_source"},
    "random-draw": {"outside_source"},
    "average-price": {"outside_source"},
    "credit-preferred": {"short_list", "outside_source"},
    "proposal-preferred": {"criteria-0-text", "criteria-2-minimum", "price_weight", "outside_source"},
}


def test_only_what_the_method_needs_is_asked_without_script(fair: Fair, visit: OpenPage) -> None:
    page = visit(DESKTOP, java_script_enabled=False).page
    page.context.add_cookies([fair.site.cookie(fair.town.sessions["own"])])  # type: ignore[list-item]
    page.goto(f"/projects/{fair.town.projects['direct']}/notices/new?item=XT-SV-01")
    for method, needed in ASKED.items():
        page.locator(f'input[name="method"][value="{method}"]').check(force=True)
        shown = {name for name in set().union(*ASKED.values()) if page.locator(f'[name="{name}"]').is_visible()}
        assert shown == needed, method
        assert page.locator('[name="scale"]').is_visible()


def test_the_countdown_is_the_servers_whatever_the_readers_clock(fair: Fair, visit: OpenPage) -> None:
    page = visit(PHONE).page
    page.add_init_script(HOUR_AHEAD)
    page.goto(f"/notices/{fair.town.watched}")
    assert page.evaluate("Date.now() - performance.timeOrigin - performance.now()") > 3_500_000, "the clock is wrong"
    page.locator(".x-clock", has_text="小时").wait_for()
    shown = datetime.fromisoformat(page.locator("[data-clock]").inner_text()).replace(tzinfo=SHANGHAI)
    assert abs(shown - fair.now) < timedelta(minutes=2)
    left = datetime.fromisoformat(fair.town.deadline) - fair.now
    possible = {in_words(left - timedelta(seconds=passed)) for passed in range(120)}
    assert page.locator("main .x-clock").first.inner_text() in possible


def in_words(left: timedelta) -> str:
    """As the page counts down."""
    return f"{left.days} 天 {left.seconds // 3600:02} 小时 {left.seconds // 60 % 60:02} 分"


def test_an_opening_is_told_as_it_happens(fair: Fair, visit: OpenPage) -> None:
    page = visit(DESKTOP).page
    page.goto(f"/notices/{fair.town.watched}/live")
    page.get_by_text("截止前不公布有没有人报价、有几家。").wait_for()
    assert "开启信封 3 个" not in page.content()
    accessible(page)
    page.evaluate("window.stayed = true")
    until(fair, datetime.fromisoformat(fair.town.deadline) + timedelta(hours=1))
    page.get_by_text("开启信封 3 个").wait_for()
    page.get_by_text(fair.town.names["agency1"]).wait_for()
    assert page.evaluate("window.stayed"), "told by the stream, not by loading the page again"
    accessible(page)
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        no_sideways_scroll(page)
    page.get_by_role("link", name="看结果和全部理由").click()
    page.close()  # the stream never ends by itself


def test_a_result_contested_to_the_decision(fair: Fair) -> None:
    until(fair, datetime.fromisoformat(fair.town.deadline) + timedelta(hours=1))
    notice = fair.town.contested
    loser = fair.person("agency2").go(f"/notices/{notice}/objections/new")
    loser.send(
        "/objections",
        facts="中选机构在开启当日的资质证书已经过期，不具备承担本事项的条件。",
        wish="请核对资质，更正结果。",
        evidence_words="证书编号可在主管部门网站查询。",
        provision_words="《中介服务市场管理办法》第十二条",
        honest=True,
    )
    case = loser.number("/objections/")
    has_a_clock(loser, "新泰驿路灯火加油站有限公司")
    fair.person().go(f"/notices/{notice}").sees("有异议正在处理，公示期停止计算")
    fair.in_english(f"/notices/{notice}")
    fair.in_english(f"/objections/{case}", "own")

    fair.passes(timedelta(days=7))  # the notice period would be over by now
    fair.person().go(f"/notices/{notice}").sees("拟中选机构")
    fair.person("own").go(f"/objections/{case}").send("/answer", remedy="reject", words=WORDS)
    loser = fair.person("agency2").go(f"/objections/{case}")
    has_a_clock(loser, "异议人")
    loser.send("/escalation", words="答复没有说明证书在开启当日是否有效，请监督部门核对。")
    fair.person("supervisor").go(f"/objections/{case}").send("/acceptance")
    has_a_clock(fair.somebody, "监督部门")
    fair.in_english(f"/objections/{case}", "second")
    fair.person("second").go(f"/objections/{case}").send("/decision", decision="confirm", words=WORDS)
    fair.person().go(f"/objections/{case}").sees(WORDS)
    fair.in_english(f"/objections/{case}")
    fair.person().go("/objections").sees("维持")
    fair.passes(timedelta(days=7))
    page = fair.person().go(f"/notices/{notice}")
    assert "拟中选机构" not in page.page.locator("main").inner_text(), "decided, and the rest of the period is over"


def until(fair: Fair, moment: datetime) -> None:
    """On to a moment, unless it is past already."""
    fair.passes(max(moment - fair.now, timedelta(0)))


def has_a_clock(person: Person, holder: str) -> None:
    """The case says who has it now, on which of how many days, and until when."""
    box = person.page.locator(".x-now-box")
    assert holder in box.inner_text()
    assert box.locator(".x-days").count() == 1
    assert "天，共" in box.inner_text()
    assert "至 2026" in box.inner_text()
    if person.page.get_by_text("已超").count():
        pytest.fail("nobody is late here")
