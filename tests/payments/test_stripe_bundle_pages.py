"""Paying several payables at once online as people and programs do it, over HTTP."""

from decimal import Decimal
from typing import Any

import pytest

from core import db
from core.identity import Role
from payments.queries import stripe as known
from payments.rules import PayableState
from tests.factories import core as make
from tests.factories.payments import MadePayable, make_payable
from tests.payments import stripe_acts as acts
from tests.payments.stripe_world import SITE, World

pytestmark = pytest.mark.anyio
Browse = Any


async def several(*amounts: str) -> list[MadePayable]:
    payer = await make.member(Role.CLIENT)
    return [await make_payable(payer=payer, amount=amount) for amount in amounts]


def ticked(made: list[MadePayable]) -> dict[str, list[str]]:
    return {"payable": [str(one.payable_id) for one in made]}


async def test_choose_see_the_ways_pay_and_come_back(there: World, browse: Browse) -> None:
    made = await several("100.00", "200.50", "300.25")
    payer = await browse(made[0].payer)
    assert "合并在线支付" in (await payer.get("/payments/bundle")).text
    chosen = await payer.submit("/payments/bundle/choose", ticked(made))
    assert chosen.status_code == 303, chosen.text
    review = await payer.get(chosen.headers["location"])
    assert "共 600.75 元" in review.text
    assert "在线支付 600.75 元" in review.text
    assert review.text.count("x-ok") == 3
    assert await db.value("select count(*) from payments_bundle") == 0
    guard = payer.guard()
    form = ticked(made) | {"amount": "600.75"}
    first = await payer.submit("/payments/bundle/online", form | guard)
    again = await payer.submit("/payments/bundle/online", form | guard)
    assert first.status_code == 303, first.text
    assert first.headers["location"] == again.headers["location"]
    assert await db.value("select count(*) from payments_bundle") == 1
    here = first.headers["location"]
    going = await payer.get(here)
    (attempt,) = await known.attempts(made[0].payable_id)
    assert going.headers["refresh"] == f"0; url={attempt.url}"
    shown = (await there.people.get(attempt.url)).text
    assert all(amount in shown for amount in ("CNY 600.75", "CNY 100.00", "CNY 200.50", "CNY 300.25"))
    done = await there.press(attempt.url, "pm_alipay")
    back = await payer.get(done.headers["location"].removeprefix(SITE))
    assert "已收到 600.75 元" in back.text, "the page asked Stripe itself, no event has come"
    assert "refresh" not in back.headers
    assert back.text.count("已付款，平台托管") == 3
    assert "合并支付" in (await payer.get(f"/payments/{made[1].payable_id}")).text
    await there.deliver()
    await acts.everything_fits(there)


async def test_what_each_way_allows_is_said_of_the_sum(there: World, browse: Browse) -> None:
    made = await several("600000.00", "500000.00")
    payer = await browse(made[0].payer)
    chosen = await payer.submit("/payments/bundle/choose", ticked(made))
    review = await payer.get(chosen.headers["location"])
    assert review.text.count("超过 Stripe 单笔上限 999,999.99 元") == 3
    assert "不能在线支付" in review.text
    assert 'action="/payments/bundle/online"' not in review.text
    refused = await payer.submit("/payments/bundle/online", ticked(made) | {"amount": "1100000.00"})
    assert refused.status_code == 422
    assert await acts.state(made[0]) is PayableState.DUE


async def test_a_part_of_less_than_one_yuan_is_said(there: World, browse: Browse) -> None:
    made = await several("0.99", "500.00")
    payer = await browse(made[0].payer, lang="en")
    chosen = await payer.submit("/payments/bundle/choose", ticked(made))
    assert "below CNY 1.00" in (await payer.get(chosen.headers["location"])).text


async def test_a_wrong_choice_keeps_what_was_ticked(there: World, browse: Browse) -> None:
    made = await several("100.00", "200.00")
    payer = await browse(made[0].payer)
    refused = await payer.submit("/payments/bundle/choose", ticked(made[:1]))
    assert refused.status_code == 422
    assert refused.text.count(" checked") == 1
    assert "请选 2 至 50 笔" in refused.text
    changed = await payer.submit("/payments/bundle/online", ticked(made) | {"amount": "1.00"})
    assert changed.status_code == 409
    assert "页面上是 1.00 元" in changed.text
    assert (await payer.get("/payments/bundle/online")).status_code == 422


async def test_a_single_payment_never_leads_to_the_sum_of_all(there: World, browse: Browse) -> None:
    made = await several("100.00", "200.00")
    payer, payee = await browse(made[0].payer), await browse(made[0].payee)
    started = await payer.submit("/payments/bundle/online", ticked(made) | {"amount": "300.00"})
    await payer.get(started.headers["location"])
    (attempt,) = await known.attempts(made[0].payable_id)
    pressed = await payer.submit(f"/payments/{made[0].payable_id}/stripe", {})
    led = await payer.get(pressed.headers["location"])
    assert led.headers["location"] == f"{started.headers['location']}?back=0"
    page = await payer.get(led.headers["location"])
    assert "refresh" not in page.headers
    assert "继续支付 300.00 元" in page.text
    seen = await payee.get(f"/payments/{made[0].payable_id}/stripe/{attempt.id}?back=0")
    assert seen.status_code == 200
    assert attempt.url not in seen.text, "the page names what the others are paid"
    assert (await payee.get(started.headers["location"])).status_code == 404


async def test_giving_up(there: World, browse: Browse) -> None:
    made = await several("100.00", "200.00")
    payer = await browse(made[0].payer)
    started = await payer.submit("/payments/bundle/online", ticked(made) | {"amount": "300.00"})
    here = started.headers["location"]
    assert "放弃这次合并支付" in (await payer.get(f"{here}?back=0")).text
    stranger = await browse(Role.CLIENT)
    assert (await stranger.submit(f"{here}/give-up", {})).status_code == 404
    answer = await payer.submit(f"{here}/give-up", {})
    assert answer.status_code == 303, answer.text
    assert "这次没有扣款" in (await payer.get(answer.headers["location"])).text
    assert [await acts.state(one) for one in made] == [PayableState.DUE] * 2
    late = await payer.submit(f"{here}/give-up", {})
    assert late.status_code == 409
    assert "没有办成" in late.text


async def test_json_twins(there: World, api: Any) -> None:
    made = await several("100.00", "200.50")
    payer, payee = await api(made[0].payer), await api(made[0].payee)
    ids = [one.payable_id for one in made]
    ways = (await payer.get("/api/v1/bundles/online", params={"payable": ids})).json()
    assert ways["amount"] == "300.50"
    assert [one["open"] for one in ways["ways"]] == [True] * 3
    body, key = {"payable": [str(one) for one in ids], "amount": "300.50"}, {"Idempotency-Key": "a"}
    begun = await payer.post("/api/v1/bundles/online", json=body, headers=key)
    assert begun.status_code == 201, begun.text
    assert (await payer.post("/api/v1/bundles/online", json=body, headers=key)).json() == begun.json()
    here = f"/api/v1/bundles/{begun.json()['bundle']}"
    url = (await payer.get(here)).json()["url"]
    assert (await payee.get(here)).status_code == 404
    shown = (await payee.get(f"/api/v1/payables/{ids[0]}/stripe")).json()["attempts"]
    assert (shown[0]["bundle"], shown[0]["url"]) == (begun.json()["bundle"], None)
    await there.press(url)
    paid = (await payer.get(here)).json()
    assert paid["state"] == "paid"
    assert [(one["amount"], one["state"], one["excess"]) for one in paid["parts"]] == [
        ("100.00", "captured", False),
        ("200.50", "captured", False),
    ]
    late = await payer.post(f"{here}/give-up", headers={"Idempotency-Key": "b"})
    assert (late.status_code, late.json()["code"]) == (409, "not-allowed-now")
    assert (await acts.payable(made[1])).captured == Decimal("200.50")


async def test_without_stripe_there_is_no_button(committed_db: str, browse: Browse) -> None:
    made = await several("100.00", "200.00")
    payer = await browse(made[0].payer)
    page = await payer.get("/payments/bundle")
    assert "登记合并付款" in page.text
    assert "合并在线支付" not in page.text
    refused = await payer.submit("/payments/bundle/choose", ticked(made))
    assert refused.status_code == 409
    assert "没有开通 Stripe" in refused.text
