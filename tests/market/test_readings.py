"""What people read: names in their language, sums that add up, whether one won, lists with the right commas."""

from datetime import date
from decimal import Decimal

import pytest

from core import i18n
from core.identity import Role
from market.queries.awards import award_of
from market.rules.editions import RecusalRule
from market.rules.panel import Assessment, Criteria, Mark, Question
from market.rules.reasons import from_json
from market.rules.recusal import ClientTies, Duty, EntrantTies, HeldDuty, client_reasons, entrant_reasons
from market.rules.selection.proposal import sums
from tests.conftest import Browse
from tests.factories import core as make
from tests.factories.market import make_selected

HELD = HeldDuty(
    "XT-SF-01", "建设项目安全预评价", "泰安甲安全评价有限公司", "Safety pre-assessment", "Tai'an Jia Safety"
)
DUTY = Duty("XT-SF-01", "XT-SF-02", "前后不由同一家作", "not by the same", "platform rule", "no")


def test_who_excludes_whom_is_said_in_the_readers_language() -> None:
    one = EntrantTies(1, "U1", "甲机构", controller="张三", name_en="Agency A")
    other = EntrantTies(2, "U2", "乙机构", controller="张三")
    found = entrant_reasons([one, other])
    stored = {agency_id: from_json(reasons[0].as_json()).message() for agency_id, reasons in found.items()}
    with i18n.speaking("en"):
        assert "Agency A" in stored[2].render()
        assert "甲机构" not in stored[2].render()
        assert "乙机构" in stored[1].render(), "an agency without an English name keeps its own"
    assert "甲机构" in stored[2].render()


def test_a_duty_held_elsewhere_is_said_in_the_readers_language() -> None:
    ties = ClientTies(held=(HELD,), duties=(DUTY,))
    (reason,) = client_reasons(ties, item_code="XT-SF-02", on=date(2026, 3, 2), rule=RecusalRule(former_years=3))
    assert "泰安甲安全评价有限公司" in reason.message().render()
    with i18n.speaking("en"):
        text = reason.message().render()
    assert "Tai'an Jia Safety" in text
    assert "XT-SF-01 Safety pre-assessment" in text


def test_the_sums_behind_the_totals() -> None:
    criteria = Criteria((Question("q1", "技术路线", 70, Decimal(28)),), 30)
    marks = (Mark(1, 10, "q1", Decimal(60)), Mark(1, 11, "q1", Decimal(50)), Mark(1, 12, "q1", Decimal(10)))
    prices = {10: Decimal(30000), 11: Decimal(24000), 12: Decimal(20000), 13: Decimal(10000)}
    found = sums(prices, Assessment(criteria, marks))
    assert set(found) == {10, 11}, "neither below a minimum nor unassessed"
    assert (found[10].quality, found[10].price, found[10].total) == (Decimal(60), Decimal("24.00"), Decimal("84.00"))
    assert found[11].total == Decimal("80.00"), "the lowest counted price has all points for the price"


@pytest.mark.anyio
async def test_a_bidder_reads_whether_it_is_the_one(db: None, browse: Browse) -> None:
    made, agencies = await make_selected()
    award = await award_of(made.notice_id)
    assert award is not None
    for agency in agencies:
        visitor = await browse(agency.member)
        for path in ("/my/bids", f"/notices/{made.notice_id}/bids/mine"):
            page = await visitor.get(path)
            assert ("本机构拟中选" in page.text) == (agency.agency_id == award.agency_id), path


@pytest.mark.anyio
async def test_a_result_on_display_is_not_yet_an_award(db: None, browse: Browse) -> None:
    made, _agencies = await make_selected()
    page = await (await browse()).get(f"/notices/{made.notice_id}/result")
    assert ">拟中选<" in page.text.replace("\n", "")
    assert ">中选<" not in page.text


@pytest.mark.anyio
async def test_the_way_around_names_the_pages(db: None, browse: Browse) -> None:
    supervisor = await browse(await make.member(Role.MARKET_SUPERVISOR))
    page = await supervisor.get("/desk")
    for path in ("/supervision/signals", "/supervision/cases", "/objections", "/my/opening-key"):
        assert f'href="{path}"' in page.text.partition("<main")[0]
    for role in (Role.AGENCY, Role.CLIENT):
        head = (await (await browse(await make.member(role))).get("/desk")).text.partition("<main")[0]
        assert "付款与收款" in head


@pytest.mark.anyio
async def test_lists_have_the_commas_of_their_language(db: None, browse: Browse) -> None:
    english = await (await browse(lang="en")).get("/rules/methods/average-price")
    assert "0.95, 0.96, 0.97, 0.98" in english.text
    chinese = await (await browse()).get("/rules/methods/average-price")
    assert "0.95、0.96、0.97、0.98" in chinese.text
