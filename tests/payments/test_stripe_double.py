"""The double behaves as Stripe does where we rely on it."""

import importlib
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import stripe.params
import stripe.params.checkout
from litestar import Litestar

from core import clock, settings
from core.settings import CannotStart, Environment
from payments.gateway.client import StripeAway, StripeRefuses
from payments.stripe_double import params
from payments.stripe_double.app import Double
from payments.stripe_double.courier import Weather, sign
from tests.payments.stripe_world import World, world

pytestmark = pytest.mark.anyio

NAMES = {
    "checkout.session.create": stripe.params.checkout.SessionCreateParams,
    "checkout.session.list": stripe.params.checkout.SessionListParams,
    "checkout.session.expire": stripe.params.checkout.SessionExpireParams,
    "payment_intent.create": stripe.params.PaymentIntentCreateParams,
    "payment_intent.confirm": stripe.params.PaymentIntentConfirmParams,
    "payment_intent.capture": stripe.params.PaymentIntentCaptureParams,
    "payment_intent.cancel": stripe.params.PaymentIntentCancelParams,
    "payment_intent.list": stripe.params.PaymentIntentListParams,
    "charge.list": stripe.params.ChargeListParams,
    "refund.create": stripe.params.RefundCreateParams,
    "refund.list": stripe.params.RefundListParams,
    "balance_transaction.list": stripe.params.BalanceTransactionListParams,
    "account.create": stripe.params.AccountCreateParams,
    "account.update": stripe.params.AccountUpdateParams,
    "account.list": stripe.params.AccountListParams,
    "account_link.create": stripe.params.AccountLinkCreateParams,
    "transfer.create": stripe.params.TransferCreateParams,
    "transfer.list": stripe.params.TransferListParams,
    "transfer_reversal.create": stripe.params.TransferCreateReversalParams,
    "transfer_reversal.list": stripe.params.TransferListReversalsParams,
    "payout.create": stripe.params.PayoutCreateParams,
    "payout.list": stripe.params.PayoutListParams,
    "dispute.list": stripe.params.DisputeListParams,
    "dispute.update": stripe.params.DisputeModifyParams,
    "dispute.close": stripe.params.DisputeCloseParams,
    "event.list": stripe.params.EventListParams,
    "webhook_endpoint.create": stripe.params.WebhookEndpointCreateParams,
    "webhook_endpoint.list": stripe.params.WebhookEndpointListParams,
    "webhook_endpoint.delete": stripe.params.WebhookEndpointDeleteParams,
}


@pytest.fixture
async def there(committed_db: str, web_app: Litestar) -> AsyncIterator[World]:
    async with world(committed_db, web_app) as found:
        yield found


def _known(kind: Any, name: str) -> bool:
    """Whether the SDK's typed parameters have this dotted name."""
    head, _, rest = name.partition(".")
    annotations = kind.__annotations__
    if head not in annotations:
        return False
    if not rest or head in params.FREE:
        return True
    module = importlib.import_module(kind.__module__)
    text = str(annotations[head])
    inner = [vars(module)[word] for word in re.findall(r"\w+", text) if word in vars(module)]
    return any(_known(found, rest) for found in inner if isinstance(found, type) and found is not kind)


@pytest.mark.parametrize("call", sorted(set(params.ACCEPTED) - {"retrieve"}))
def test_every_parameter_is_one_that_the_sdk_knows(call: str) -> None:
    unknown = sorted(name for name in params.ACCEPTED[call] if not _known(NAMES[call], name))
    assert not unknown


def test_the_oracle_would_notice_a_wrong_name() -> None:
    assert not _known(NAMES["checkout.session.create"], "line_items.price_data.price")
    assert not _known(NAMES["payment_intent.capture"], "amount")


def test_it_refuses_to_start_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    known = settings.load()
    monkeypatch.setattr(settings, "_current", replace(known, environment=Environment.PRODUCTION))
    with pytest.raises(CannotStart):
        Double("postgresql://nowhere", "http://nowhere")


async def _held(there: World, amount: int = 50_000) -> Any:
    wanted: Any = {
        "amount": amount,
        "currency": "cny",
        "capture_method": "manual",
        "confirm": True,
        "payment_method": "pm_card_visa",
    }
    return await there.gateway.v1.payment_intents.create_async(wanted)


async def test_same_key_same_answer_other_parameters_refused(there: World) -> None:
    create = there.gateway.v1.payment_intents.create_async
    first = await create({"amount": 1000, "currency": "cny"}, {"idempotency_key": "k"})
    again = await create({"amount": 1000, "currency": "cny"}, {"idempotency_key": "k"})
    assert first.id == again.id
    with pytest.raises(stripe.IdempotencyError):
        await create({"amount": 1001, "currency": "cny"}, {"idempotency_key": "k"})


async def test_unknown_parameters_are_refused(there: World) -> None:
    wanted: Any = {"amount": 1000, "currency": "cny", "colour": "red"}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await there.gateway.v1.payment_intents.create_async(wanted)
    assert refused.value.code == "parameter_unknown"


async def test_hold_capture_a_part_and_refund(there: World) -> None:
    held = await _held(there)
    assert (held.status, held.amount_capturable) == ("requires_capture", 50_000)
    assert await there.balance() == {}
    taken = await there.gateway.capture(held.id, 20_000, key="c")
    assert (taken["status"], taken["amount_received"]) == ("succeeded", 20_000)
    intent = await there.gateway.intent(held.id)
    line = intent["latest_charge"]["balance_transaction"]
    assert line["currency"] == "hkd"
    assert line["net"] == line["amount"] - line["fee"]
    assert await there.balance() == {"hkd": line["net"]}
    await there.gateway.refund(held.id, 5_000, key="r", metadata={})
    with pytest.raises(StripeRefuses) as refused:
        await there.gateway.refund(held.id, 15_001, key="r2", metadata={})
    assert refused.value.reason == "amount_too_large"
    back = await there.gateway.refunds_of(held.id)
    assert (await there.balance())["hkd"] == line["net"] + sum(one["balance_transaction"]["net"] for one in back)


async def test_a_hold_runs_out_after_seven_days(there: World) -> None:
    held = await _held(there)
    with clock.at(clock.now() + timedelta(days=7, seconds=1)):
        with pytest.raises(StripeRefuses) as refused:
            await there.gateway.capture(held.id, 50_000, key="late")
        assert refused.value.reason == "payment_intent_unexpected_state"
        assert (await there.gateway.intent(held.id))["status"] == "canceled"


@pytest.mark.parametrize(
    ("method", "code"),
    [("pm_card_visa_chargeDeclined", "card_declined"), ("pm_card_chargeDeclinedExpiredCard", "expired_card")],
)
async def test_declined_cards(there: World, method: str, code: str) -> None:
    wanted: Any = {"amount": 1000, "currency": "cny", "confirm": True, "payment_method": method}
    with pytest.raises(stripe.CardError) as refused:
        await there.gateway.v1.payment_intents.create_async(wanted)
    assert refused.value.code == code


async def _session(there: World, **changes: Any) -> Any:
    wanted: Any = {
        "key": "s",
        "items": [("第一节点", 2_460_000)],
        "methods": ["card", "alipay", "wechat_pay"],
        "hold": False,
        "back": "http://127.0.0.1:8000/back",
        "away": "http://127.0.0.1:8000/away",
        "metadata": {"a": "b"},
        "group": "g",
        "expires_at": int(clock.now().timestamp()) + 3600,
    }
    return await there.gateway.open_checkout(**(wanted | changes))


async def test_the_checkout_page_declines_challenges_and_takes(there: World) -> None:
    session = await _session(there)
    page = await there.people.get(session["url"])
    assert "CNY 24,600.00" in page.text
    assert "支付宝" in page.text
    assert (
        "Declined: insufficient_funds"
        in (await there.press(session["url"], "pm_card_visa_chargeDeclinedInsufficientFunds")).text
    )
    assert "3-D Secure" in (await there.press(session["url"], "pm_card_authenticationRequired")).text
    failed = await there.press(session["url"], "pm_card_authenticationRequired", challenge="failed")
    assert "Authentication failed" in failed.text
    done = await there.press(session["url"], "pm_card_authenticationRequired", challenge="passed")
    assert done.status_code == 303
    assert done.headers["location"] == "http://127.0.0.1:8000/back"
    assert (await there.gateway.session(session["id"]))["payment_status"] == "paid"


async def test_wallets_cannot_be_held(there: World) -> None:
    with pytest.raises(StripeRefuses):
        await _session(there, hold=True)
    with pytest.raises(StripeRefuses):
        await _session(there, items=[("x", 100_000_000)], key="t")
    with pytest.raises(StripeRefuses):
        await _session(there, items=[("x", 399)], key="u")


async def test_lists_come_in_pages_newest_first(there: World) -> None:
    async with there.double.store.write() as book:
        from payments.stripe_double.charging import transact

        made = [(await transact(book, "charge", 100, 1, f"ch_{n}"))["id"] for n in range(250)]
    now = int(clock.now().timestamp())
    found = [one["id"] async for one in there.gateway.lines(since=now - 100, until=now + 100)]
    assert found == made[::-1]


async def test_lost_doubled_late_and_reordered_deliveries(there: World) -> None:
    sent: list[str] = []

    async def post(_url: str, body: bytes, _headers: dict[str, str]) -> int:
        sent.append(body.decode())
        return 200

    there.double.courier.post = post
    await there.double.courier.set_weather(Weather(duplicate=0.3, reorder=0.3, loss=0.3, delay=50))
    async with there.double.store.write() as book:
        made = [(await book.emit("charge.succeeded", {"id": f"ch_{n}"}))["id"] for n in range(40)]
    await there.deliver()
    with clock.at(clock.now() + timedelta(seconds=60)):
        await there.deliver()
    order = [next(name for name in made if f'"{name}"' in body) for body in sent]
    assert len(set(order)) < len(made), "some were lost"
    assert len(order) > len(set(order)), "some came twice"
    assert order != sorted(order, key=made.index), "some came out of order"
    assert await there.double.courier.waiting() == 0


async def test_a_refused_delivery_is_tried_again(there: World) -> None:
    answers = [500, 0, 200]

    async def post(_url: str, _body: bytes, _headers: dict[str, str]) -> int:
        return answers.pop(0)

    there.double.courier.post = post
    async with there.double.store.write() as book:
        await book.emit("charge.succeeded", {"id": "ch_1"})
    for hours in range(3):
        with clock.at(clock.now() + timedelta(hours=hours)):
            await there.double.courier.deliver_due()
    assert answers == []
    assert await there.double.courier.waiting() == 0


async def test_its_signature_is_stripes() -> None:
    at = int(clock.real().timestamp())
    assert stripe.WebhookSignature.verify_header(b'{"a": 1}', sign(b'{"a": 1}', "whsec_x", at), "whsec_x", 300)


async def test_state_survives_a_restart_and_down_means_down(there: World, committed_db: str) -> None:
    held = await _held(there)
    await there.double.store.close()
    await there.double.store.open()
    assert (await there.gateway.intent(held.id))["status"] == "requires_capture"
    await there.double.store.set("down_until", int(clock.now().timestamp()) + 3600)
    with pytest.raises(StripeAway):
        await there.gateway.intent(held.id)
    with clock.at(clock.now() + timedelta(hours=1, seconds=1)):
        assert (await there.gateway.intent(held.id))["id"] == held.id


async def test_onboarding_transfer_reversal_payout(there: World) -> None:
    account = await there.gateway.create_account(key="a", country="HK", email="", name="泰山测绘", metadata={})
    link = await there.gateway.onboarding(account["id"], back="http://x/back", again="http://x/again")
    held = await _held(there)
    await there.gateway.capture(held.id, 50_000, key="c")
    intent = await there.gateway.intent(held.id)
    gross = intent["latest_charge"]["balance_transaction"]["amount"]
    move: Any = {
        "currency": "hkd",
        "account": account["id"],
        "charge": intent["latest_charge"]["id"],
        "group": "g",
        "metadata": {},
    }
    with pytest.raises(StripeRefuses):
        await there.gateway.transfer(key="t0", amount=gross, **move)
    assert "资料齐全" in (await there.people.get(link)).text
    assert (await there.people.post(link, data={"complete": "yes"})).headers["location"] == "http://x/back"
    assert (await there.gateway.account(account["id"]))["payouts_enabled"]
    sent = await there.gateway.transfer(key="t1", amount=gross, **move)
    with pytest.raises(StripeRefuses):
        await there.gateway.transfer(key="t2", amount=1, **move)
    back = await there.gateway.reverse(sent["id"], 100, key="r", metadata={})
    assert back["balance_transaction"]["amount"] == 100
    await there.people.post("/control/payout", data={"account": account["id"]})
    async with there.double.store.read() as book:
        assert await book.balance(account["id"]) == {"hkd": 0}
    page = await there.people.get("/")
    assert account["id"] in page.text
