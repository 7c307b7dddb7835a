"""Paying through Stripe as people and programs do it, over HTTP."""

from datetime import timedelta
from typing import Any

import pytest

from core import clock, db
from core.identity import Role
from payments.gateway import doctor
from payments.queries import stripe as known
from payments.rules import PayableState
from payments.services import stripe
from tests.factories import core as make
from tests.factories.payments import make_payable
from tests.payments import stripe_acts as acts
from tests.payments.stripe_world import World

pytestmark = pytest.mark.anyio
Browse = Any
GIVEN = {"amount": "1.00", "reason": "没有理由的理由"}


async def test_the_button_the_way_there_and_back(there: World, browse: Browse) -> None:
    made = await make_payable()
    payer = await browse(made.payer)
    page = await payer.get(f"/payments/{made.payable_id}")
    assert "在线支付 24,600.00 元" in page.text
    assert "结汇为 HKD" in page.text
    guard = payer.guard()
    first = await payer.submit(f"/payments/{made.payable_id}/stripe", {"version": "1"} | guard)
    again = await payer.submit(f"/payments/{made.payable_id}/stripe", {"version": "1"} | guard)
    assert first.status_code == again.status_code == 303
    assert first.headers["location"] == again.headers["location"]
    assert len(await known.attempts(made.payable_id)) == 1
    here = first.headers["location"]
    going = await payer.get(here)
    (attempt,) = await known.attempts(made.payable_id)
    assert going.headers["refresh"] == f"0; url={attempt.url}"
    assert attempt.url in going.text
    done = await there.press(attempt.url)
    back = await payer.get(done.headers["location"].removeprefix("http://127.0.0.1:8000"))
    assert "已收到 24,600.00 元" in back.text, "the page asked Stripe itself, no event has come"
    assert "refresh" not in back.headers
    assert await there.deliver() > 0
    assert await db.value("select count(*) from payments_posting where kind = 'captured'") == 1
    assert "看回执" in (await payer.get(f"/payments/{made.payable_id}")).text


async def test_the_page_waits_and_says_so(there: World, browse: Browse) -> None:
    made = await make_payable()
    payer = await browse(made.payer, lang="en")
    attempt = await acts.begin(made)
    here = f"/payments/{made.payable_id}/stripe/{attempt.id}"
    waiting = await payer.get(f"{here}?back=1")
    assert "This page updates itself" in waiting.text or "this page updates itself" in waiting.text
    assert waiting.headers["refresh"] == "4"
    assert "Nothing was paid" in (await payer.get(f"{here}?back=0")).text
    await there.press(attempt.url, "pm_card_visa_chargeDeclined")
    with clock.at(clock.now() + timedelta(seconds=10)):
        assert "generic_decline" in (await payer.get(f"{here}?back=1")).text


async def test_stripe_down_is_said_and_the_page_comes_again(there: World, browse: Browse) -> None:
    made = await make_payable()
    payer = await browse(made.payer)
    await there.double.store.set("down_until", int(clock.now().timestamp()) + 60)
    answer = await payer.submit(f"/payments/{made.payable_id}/stripe", {})
    page = await payer.get(answer.headers["location"])
    assert "现在连不上 Stripe" in page.text
    assert page.headers["refresh"] == "4"


async def test_giving_up_leads_to_the_bank(there: World, browse: Browse) -> None:
    made = await make_payable()
    payer = await browse(made.payer)
    attempt = await acts.begin(made)
    here = f"/payments/{made.payable_id}/stripe/{attempt.id}"
    assert "放弃在线支付，改用银行转账" in (await payer.get(f"{here}?back=0")).text
    answer = await payer.submit(f"{here}/give-up", {})
    assert answer.status_code == 303, answer.text
    assert "这次没有扣款" in (await payer.get(answer.headers["location"])).text
    assert await acts.state(made) is PayableState.DUE
    assert "登记 24,600.00 元已付" in (await payer.get(f"/payments/{made.payable_id}")).text
    assert "已过期" in (await there.press(attempt.url)).text
    assert (await payer.submit(f"{here}/give-up", {})).status_code == 409
    await there.deliver()
    await acts.everything_fits(there)


async def test_giving_up_too_late_changes_nothing(there: World, browse: Browse) -> None:
    made = await make_payable()
    payer = await browse(made.payer)
    attempt = await acts.pay(there, made)
    here = f"/payments/{made.payable_id}/stripe/{attempt.id}"
    answer = await payer.submit(f"{here}/give-up", {})
    assert "已收到 24,600.00 元" in (await payer.get(answer.headers["location"])).text
    await there.deliver()
    await acts.everything_fits(there)


async def test_a_changed_amount_in_the_form_changes_nothing(there: World, browse: Browse) -> None:
    made = await make_payable()
    payer = await browse(made.payer)
    await payer.submit(f"/payments/{made.payable_id}/stripe", {"amount": "1.00", "version": "1"})
    (attempt,) = await known.attempts(made.payable_id)
    assert attempt.amount == 2_460_000


async def test_strangers_find_nothing(there: World, browse: Browse) -> None:
    made = await make_payable()
    attempt = await acts.begin(made)
    stranger = await browse(Role.CLIENT)
    for path in (f"/payments/{made.payable_id}/stripe/{attempt.id}", f"/payments/{made.payable_id}/stripe/999999"):
        answer = await stranger.get(path)
        assert answer.status_code == 404
        assert "没有找到这次付款" in answer.text
    for path in ("stripe", "capture", "refund"):
        data = {f"{part}{name}": text for part in ("take_", "back_") for name, text in GIVEN.items()}
        assert (await stranger.submit(f"/payments/{made.payable_id}/{path}", data)).status_code == 404
    assert (await stranger.get("/payments/stripe")).status_code == 403


async def test_refund_is_kept_as_typed_when_refused(there: World, browse: Browse) -> None:
    made = await acts.kept(there)
    payee = await browse(made.payee)
    path = f"/payments/{made.payable_id}/refund"
    answer = await payee.submit(path, {"back_amount": "24600.01", "back_reason": "业主取消了一部分"})
    assert answer.status_code == 422
    assert 'value="24600.01"' in answer.text
    assert "超过尚可退还的 24600.00 元" in answer.text
    assert (await payee.submit(path, {"back_amount": "100", "back_reason": "业主取消了一部分"})).status_code == 303
    await stripe.sweep()
    assert (await acts.payable(made)).refunded == 100


async def test_onboarding_of_an_agency(there: World, browse: Browse) -> None:
    made = await make_payable()
    payee = await browse(made.payee)
    assert "开通收款账户" in (await payee.get("/my/payout-account")).text
    refused = await payee.submit("/my/payout-account", {"country": "CN"})
    assert refused.status_code == 422
    assert "不能向 CN 的账户划付" in refused.text
    answer = await payee.submit("/my/payout-account", {"country": "HK"})
    going = await payee.get(answer.headers["location"])
    address = going.headers["refresh"].partition("url=")[2]
    await there.people.post(address, data={"complete": "no"})
    page = await payee.get("/my/payout-account?back=1")
    assert "external_account" in page.text
    going = await payee.get("/my/payout-account/stripe")
    await there.people.post(going.headers["refresh"].partition("url=")[2], data={"complete": "yes"})
    page = await payee.get("/my/payout-account?back=1")
    assert "external_account" not in page.text
    await acts.pay(there, made)
    await there.deliver()
    await stripe.sweep()
    await stripe.sweep()
    payee_row = await known.payee_of(made.payee.organization_id)
    assert payee_row is not None
    await there.people.post("/control/payout", data={"account": payee_row.stripe})
    await there.deliver()
    page = await payee.get("/my/payout-account")
    assert "已到银行" in page.text
    assert await acts.state(made) is PayableState.PAID_OUT


async def test_the_operators_desk(there: World, browse: Browse) -> None:
    made = await make_payable()
    await acts.pay(there, made, "pm_card_createDispute")
    await there.deliver()
    regulator = await browse(Role.MARKET_SUPERVISOR)
    seen = await regulator.get(f"/payments/{made.payable_id}")
    assert "/stripe/" not in seen.text  # the way to the payment page belongs to the parties
    assert "/payments/incoming" not in (await regulator.get("/payments")).text
    page = await regulator.get("/payments/stripe")
    assert "持卡人称非本人付款" in page.text
    answer = await regulator.submit("/payments/stripe/reconcile", {})
    assert answer.status_code == 303
    (check,) = await known.checks()
    assert check.clean
    assert check.lines == check.matched == 2
    assert "2026" in (await regulator.get("/payments/stripe")).text


async def test_json_twins(there: World, api: Any) -> None:
    made = await make_payable()
    payer, payee = await api(made.payer), await api(made.payee)
    path = f"/api/v1/payables/{made.payable_id}"
    key = {"Idempotency-Key": "a"}
    begun = await payer.post(f"{path}/stripe", json={}, headers=key)
    assert begun.status_code == 201, begun.text
    assert (await payer.post(f"{path}/stripe", json={}, headers=key)).json() == begun.json()
    here = f"{path}/stripe/{begun.json()['attempt']}"
    url = (await payer.get(here)).json()["url"]
    await there.press(url)
    assert (await payer.get(here)).json()["state"] == "paid"
    refused = await payee.post(f"{path}/refund", json={"amount": "99999.00", "reason": "太多了太多了"}, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (422, "refund-above-paid")
    ordered = await payee.post(
        f"{path}/refund", json={"amount": "100.00", "reason": "双方协商退款"}, headers={"Idempotency-Key": "b"}
    )
    assert ordered.status_code == 201, ordered.text
    assert (await payee.get(f"{path}/stripe")).json()["orders"][0]["kind"] == "refund"
    assert (await payee.get("/api/v1/payout-account")).json() == {"open": False}
    assert (await payee.get("/api/v1/payments/reconciliations")).status_code == 403
    regulator = await api(await make.member(Role.MARKET_SUPERVISOR))
    assert (await regulator.get("/api/v1/payments/reconciliations")).json() == {"items": []}
    made_now = await regulator.post("/api/v1/payments/reconciliations", headers={"Idempotency-Key": "c"})
    assert made_now.status_code == 201, made_now.text
    (listed,) = (await regulator.get("/api/v1/payments/reconciliations")).json()["items"]
    assert listed == made_now.json()


async def test_without_stripe_there_is_no_button(committed_db: str, browse: Browse) -> None:
    made = await make_payable()
    payer, payee = await browse(made.payer), await browse(made.payee)
    page = await payer.get(f"/payments/{made.payable_id}")
    assert "在线支付" not in page.text
    assert "银行转账" in page.text
    assert "没有开通 Stripe" in (await payee.get("/my/payout-account")).text
    refused = await payer.submit(f"/payments/{made.payable_id}/stripe", {})
    assert refused.status_code == 409
    watcher = await browse(Role.MARKET_SUPERVISOR)
    assert (await watcher.submit("/payments/stripe/reconcile", {})).status_code == 409
    assert (await payer.post("/webhooks/stripe", content=b"{}")).status_code == 400


async def test_the_doctor_on_the_double(there: World) -> None:
    findings = await doctor.examine()
    assert all(one.ok for one in findings), [one.render() for one in findings]
