"""The front doors as people see them."""

import re
from datetime import UTC, datetime

import pytest

from agencies.rules import CreditGrade
from core import clock
from core.identity import Role
from portal.queries import home
from tests.conftest import Browse
from tests.factories import market as market_factory
from tests.factories.agencies import make_agency, make_grade

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db")]

EXPLAINING = (
    "/rules/grading",
    "/rules/selection",
    "/rules/trail",
    "/accessibility",
    "/privacy",
    "/site-map",
    "/report-an-error",
    "/search",
)


def text(html: str) -> str:
    """What is visible, without tags."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


async def test_an_empty_market_says_so_and_offers_the_next_step(browse: Browse) -> None:
    page = await (await browse()).get("/")
    assert page.status_code == 200
    assert "现在没有正在征集报价的公告" in page.text
    assert "还没有中选结果" in page.text


async def test_home_shows_notices_awards_and_one_badge_per_agency(browse: Browse) -> None:
    agency = await make_agency()
    await make_grade(agency.agency_id, CreditGrade.B, score="81.50")
    notice = await market_factory.make_notice()
    seen = text((await (await browse()).get("/")).text)
    row = await notice.row()
    assert row.project_title in seen
    assert f'href="/agencies/{agency.agency_id}"' in (await (await browse()).get("/")).text


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
@pytest.mark.parametrize("path", EXPLAINING)
async def test_explaining_pages_open_in_both_languages(browse: Browse, path: str, lang: str) -> None:
    page = await (await browse(lang=lang)).get(path)
    assert page.status_code == 200
    assert ('<html lang="en"' in page.text) == (lang == "en")
    assert " style=" not in page.text
    assert not re.search(r"<script(?![^>]*(src=|application/json))", page.text)


async def test_english_pages_carry_no_chinese_of_ours(browse: Browse) -> None:
    for path in EXPLAINING:
        seen = text((await (await browse(lang="en")).get(path)).text)
        left = set(re.findall(r"[\u4e00-\u9fff]+", seen)) - {"中文", "信市"}
        assert not left, (path, left)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SYSTEM])
async def test_every_role_has_a_desk(browse: Browse, role: Role) -> None:
    with clock.at(datetime(2026, 6, 1, tzinfo=UTC)):  # before next year's holidays wait for the administrator
        page = await (await browse(role)).get("/desk")
    assert page.status_code == 200
    assert "没有等您办的事" in page.text


async def test_a_draft_waits_on_the_clients_desk(browse: Browse) -> None:
    project_id, client = await market_factory.make_project()
    notice = await market_factory.make_notice(client=client, project_id=project_id)
    seen = text((await (await browse(client)).get("/desk")).text)
    assert (await notice.row()).project_title in seen


async def test_the_desk_is_for_those_who_signed_in(browse: Browse) -> None:
    page = await (await browse()).get("/desk")
    assert page.status_code == 303
    assert page.headers["location"].startswith("/sign-in")


async def test_search_finds_items_and_agencies_in_chinese_and_english(browse: Browse) -> None:
    agency = await make_agency()
    visitor = await browse()
    assert "土地勘测定界" in (await visitor.get("/search", params={"q": "勘测定界"})).text
    assert "XT-SV-02" in (await visitor.get("/search", params={"q": "land boundary"})).text
    assert agency.name_zh in (await visitor.get("/search", params={"q": agency.uscc})).text


async def test_search_without_a_hit_says_what_to_try(browse: Browse) -> None:
    page = await (await browse()).get("/search", params={"q": "龘靐齉"})
    assert "没有找到" in page.text


async def test_what_is_searched_for_is_shown_as_text(browse: Browse) -> None:
    page = await (await browse()).get("/search", params={"q": "<script>alert(1)</script>"})
    assert "<script>alert" not in page.text


async def test_a_report_is_received_and_sent_twice_it_is_one(browse: Browse) -> None:
    visitor = await browse()
    data = visitor.guard() | {"page": "/x", "words": "打不开", "contact": ""}
    first = await visitor.post("/report-an-error", data=data)
    again = await visitor.post("/report-an-error", data=data)
    assert (first.status_code, again.status_code) == (303, 303)
    assert "已收到，留痕编号" in (await visitor.get("/report-an-error")).text


async def test_an_empty_report_comes_back_as_typed(browse: Browse) -> None:
    page = await (await browse()).submit("/report-an-error", {"page": "/agencies/7", "words": ""})
    assert page.status_code == 422
    assert 'value="/agencies/7"' in page.text
    assert "<title>错误：" in page.text
    assert 'href="#f-words"' in page.text


async def test_errors_wear_the_frame_and_offer_a_way_out(browse: Browse) -> None:
    page = await (await browse()).get("/agencies/999999999")
    assert page.status_code == 404
    assert "回到首页" in page.text
    assert "x-foot" in page.text


async def test_large_type_dark_and_english_are_one_switch_each(browse: Browse) -> None:
    visitor = await browse()
    for field, value in (("type", "large"), ("theme", "dark"), ("lang", "en")):
        answer = await visitor.submit("/preferences", {field: value, "back": "/accessibility"})
        assert answer.headers["location"] == "/accessibility"
    page = (await visitor.get("/accessibility")).text
    assert 'data-bs-theme="dark"' in page
    assert "x-large" in page
    assert '<html lang="en"' in page


async def test_figures_count_what_is_there() -> None:
    made = await market_factory.make_notice()
    before = await home.figures(clock.now())
    assert before.collecting == 1
    with clock.at(made.deadline):
        assert (await home.figures(clock.now())).collecting == 0


async def test_the_newest_month_shows_the_grade_on_record() -> None:
    agency = await make_agency()
    assert (await home.grade_mix(clock.today())).last("N") == 1
    await make_grade(agency.agency_id, CreditGrade.B, score="81.50")
    mix = await home.grade_mix(clock.today())
    assert (mix.last("B"), mix.last("N")) == (1, 0)
    assert mix.moves.rated in {0, 1}


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SYSTEM])
async def test_the_way_around_is_short_and_complete_for_everybody(browse: Browse, role: Role) -> None:
    """At most six ways stand in the header; what more there is folds, and the narrow menu holds them all."""
    page = (await (await browse(role)).get("/agencies")).text
    wide = re.search(r'<nav class="x-nav".*?</nav>', page, re.S)
    narrow = re.search(r'<nav aria-label="主导航（窄屏）">.*?</nav>', page, re.S)
    assert wide
    assert narrow
    beside, _, folded = wide[0].partition("<details")
    ways = [re.findall(r'href="([^"]+)"', part) for part in (beside, folded, narrow[0])]
    assert len(ways[0]) <= 6
    assert len(ways[1]) != 1, "a menu of one way is no menu"
    assert ways[0] + ways[1] == [way for way in ways[2] if way != "/account"]
    assert 'aria-current="page"' in wide[0]
    assert ('class="x-on"' in folded) == ('aria-current="page"' in folded)
