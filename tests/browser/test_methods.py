"""Five more ways to choose, each in a browser: the notice, the bids, the choice, the result page, the award.

The main journey shows the sixth, the lowest price. Time stands still until a journey moves it.
"""

import copy
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.browser.fair import OTHER, SAME, Fair, fair, hands, town
from tests.browser.person import Person

__all__ = ["fair", "hands", "town"]  # fixtures
DEADLINE = timedelta(days=10)
PRICES = {"agency1": "29800.00", "agency2": "27000.00", "agency3": "26000.00"}


def posts(fair: Fair, method: str, client: str = "own", **fields: object) -> int:
    """The client writes the notice and checks it; returns its number."""
    owner = fair.person(client).go(f"/projects/{fair.town.projects[method]}/notices/new?item=XT-SV-01")
    owner.send(
        "/notices/new",
        method=method,
        fund_source="public" if client == "public" else "own",
        ceiling="30000",
        days_limit=15,
        deadline=(fair.now + DEADLINE).strftime("%Y-%m-%dT%H:%M"),
        scale="测图面积 6.5 亩，1:500。",
        requirements="成果须经两级检查。",
        payment_terms="成果通过验收后十个工作日内支付。",
        **fields,
    )
    return owner.number("/notices/")


def publishes(fair: Fair, notice: int, client: str = "own") -> None:
    """The client reads it once more and makes it public."""
    fair.person(client).go(f"/notices/{notice}/check").send("/publish")


def bids(fair: Fair, notice: int, priced: bool = True) -> None:
    """Three agencies bid; nobody learns that they did."""
    for name, price in PRICES.items():
        bidder = fair.person(name).go(f"/notices/{notice}/bid")
        fields = {"amount": price} if priced else {}
        bidder.send("/bids", days=12, proposal="两个测量组，三级检查，按规范施测。", honest=True, **fields)
        bidder.sees("已密封")
    page = fair.person().go(f"/notices/{notice}").page.content()
    assert not [name for name in fair.town.names.values() if name in page], "nobody learns who has bid"


def recomputes(fair: Fair, notice: int) -> Person:
    """A passer-by reads the result and draws again in the browser."""
    reader = fair.person().go(f"/notices/{notice}/result")
    reader.page.get_by_role("button", name="在我的浏览器里重算").click()
    verdict = reader.page.locator("[data-draw-out]")
    verdict.get_by_text(SAME).wait_for()
    return reader


Draw = dict[str, Any]
TAMPERED: dict[str, Callable[[Draw], object]] = {
    "another secret": lambda draw: draw.update(secret="11" * 32),
    "another commitment": lambda draw: draw.update(commitment="11" * 32),
    "another winner": lambda draw: draw["picks"].reverse(),
    "one candidate fewer": lambda draw: draw["candidates"].pop(),
    "two lots for one": lambda draw: draw["lots"].__setitem__(0, 2),
    "another envelope": lambda draw: draw["envelopes"][0].update(digest="22" * 32),
    "another contribution": lambda draw: draw["envelopes"][0].update(contribution="22" * 32),
    "another checkpoint": lambda draw: draw["checkpoint"].update(size=draw["checkpoint"]["size"] + 1),
    "an outside value nobody named": lambda draw: draw["outside"].update(value="07"),
    "a source added later": lambda draw: draw["outside"].update(source="某彩票", value="07"),
    "another factor": lambda draw: draw["factor"].update(candidate="0.99"),
    "a factor added": lambda draw: draw["factors"].append("0.99"),
    "the older format": lambda draw: draw.update(format="xinshi-draw-1"),
    "a field more": lambda draw: draw.update(note="checked"),
    "a field missing": lambda draw: draw.pop("lots"),
    "no list at all": lambda draw: draw.update(candidates=7),
}


def refuses_every_change(reader: Person) -> None:
    """The same page, given a file that is not true, says so; given the true one again, says that."""
    address = reader.page.locator("[data-draw]").get_attribute("data-draw") or ""
    true = reader.page.request.get(address).json()
    verdict = reader.page.locator("[data-draw-out]")
    served: list[Draw] = [true]
    reader.page.route(f"**{address}", lambda route: route.fulfill(json=served[0]))
    for change, make in TAMPERED.items():
        served[0] = copy.deepcopy(true)
        make(served[0])
        reader.page.get_by_role("button", name="在我的浏览器里重算").click()
        verdict.get_by_text(OTHER).wait_for()
        assert SAME not in verdict.inner_text(), change
    served[0] = true
    reader.page.get_by_role("button", name="在我的浏览器里重算").click()
    verdict.get_by_text(SAME).wait_for()


def is_awarded(fair: Fair, notice: int) -> str:
    """Nobody objects; the winner as the page names it."""
    fair.passes(timedelta(days=9))
    page = fair.person().go(f"/notices/{notice}")
    page.sees("中选机构")
    assert "拟中选机构" not in page.page.locator("main").inner_text()
    return page.page.locator(".x-winner h2").inner_text()


def test_a_direct_offer(fair: Fair) -> None:
    chosen = "agency1"
    notice = posts(
        fair, "direct", agency_id=fair.town.agencies[chosen], reason="沿用同一地块前期测量成果，另测会重复花钱。"
    )
    publishes(fair, notice)
    fair.in_english(f"/notices/{notice}", "agency2")
    fair.person(chosen).go(f"/notices/{notice}").send("/accept")
    assert is_awarded(fair, notice) == fair.town.names[chosen]


def test_a_random_draw_with_two_custodians(fair: Fair) -> None:
    notice = posts(fair, "random-draw", "public", outside_source="")
    publishes(fair, notice, "public")
    bids(fair, notice, priced=False)
    fair.passes(DEADLINE)
    fair.person().go(f"/notices/{notice}").sees("等保管人交出密钥份额")
    fair.in_english(f"/notices/{notice}")
    fair.in_english(f"/notices/{notice}/share", "supervisor")
    for holder in ("public", "supervisor"):
        keeper = fair.person(holder).go(f"/notices/{notice}/share")
        if keeper.page.locator('form[action$="/share"]').count():
            keeper.send("/share", secret_key=fair.town.keys[holder])
    fair.passes(timedelta(minutes=1))
    reader = recomputes(fair, notice)
    drawn = reader.page.locator(".x-winner h2").inner_text()
    assert is_awarded(fair, notice) == drawn


def test_an_average_price(fair: Fair) -> None:
    notice = posts(fair, "average-price")
    publishes(fair, notice)
    bids(fair, notice)
    fair.passes(DEADLINE)
    reader = recomputes(fair, notice)
    reader.sees("参考价怎么来的")
    refuses_every_change(reader)
    fair.in_english(f"/notices/{notice}/result")
    assert is_awarded(fair, notice) == fair.town.names["agency3"], "95–98 % of the middle price is nearest to it"


def test_a_credit_preferred_short_list(fair: Fair) -> None:
    notice = posts(fair, "credit-preferred", short_list=2)
    publishes(fair, notice)
    bids(fair, notice)
    fair.passes(DEADLINE)
    recomputes(fair, notice)
    owner = fair.person("own").go(f"/notices/{notice}/result")
    listed = owner.page.locator('input[name="agency_id"]').evaluate_all("all => all.map(e => e.value)")
    assert len(listed) == 2
    fair.in_english(f"/notices/{notice}/result", "own")
    owner = fair.person("own").go(f"/notices/{notice}/result")
    owner.send("/pick", agency_id=listed[1], reason="人员与本项目最匹配，能按期进场。")
    owner.sees("拟中选机构")
    names = {str(number): fair.town.names[key] for key, number in fair.town.agencies.items()}
    assert is_awarded(fair, notice) == names[listed[1]]


def test_proposals_before_a_panel(fair: Fair) -> None:
    questions = {
        "criteria-0-text": "技术路线",
        "criteria-0-weight": 40,
        "criteria-1-text": "人员",
        "criteria-1-weight": 30,
    }
    notice = posts(fair, "proposal-preferred", price_weight=30, **questions)
    experts = [fair.town.accounts[f"expert{number}"] for number in (1, 2, 3)]
    fair.person("own").go(f"/notices/{notice}/panel").send(
        "/panel", members=[str(one) for one in experts], chair=experts[0]
    )
    publishes(fair, notice)
    bids(fair, notice)
    fair.passes(DEADLINE)
    fair.in_english(f"/notices/{notice}/assessment", "expert1")
    for number in (1, 2, 3):
        expert = fair.person(f"expert{number}").go(f"/notices/{notice}/assessment")
        expert.send("/declaration")
        room = expert.page.locator("main").inner_text()
        assert not [name for name in fair.town.names.values() if name in room], "proposals are read without a name"
        boxes = expert.page.locator('input[name^="scores-"][name$="-points"]')
        marks = {boxes.nth(place).get_attribute("name"): 28 - place // 2 * 2 for place in range(boxes.count())}
        expert.send("/scores", press="提交评分（不能再改）", **marks)  # type: ignore[arg-type]
    fair.in_english(f"/notices/{notice}/assessment", "expert1")
    chair = fair.person("expert1").go(f"/notices/{notice}/assessment")
    chair.send("/signature")
    chair.sees("评审小组的全部评分")
    chair.sees("总分怎么来的")
    best = re.sub(r"\s", "", chair.page.locator(".x-winner h2").inner_text())
    recomputes(fair, notice)
    fair.in_english(f"/notices/{notice}/result")
    assert is_awarded(fair, notice) == best
