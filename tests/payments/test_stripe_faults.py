"""Every fault between Stripe and us, one test each: afterwards the books agree to the cent."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import anyio
import pytest

from core import clock, db
from core.errors import NotAllowedNow
from core.identity import Role
from payments import services
from payments.gateway import client
from payments.gateway.client import StripeAway
from payments.gateway.configuration import API_VERSION, WEBHOOK_PATH
from payments.queries import stripe as known
from payments.rules import CaptureAboveHeld, PayableState, RefundAbovePaid
from payments.rules.stripe import AttemptState, HoldTooOld, OrderState
from payments.services import stripe
from payments.services.stripe import applying, orders
from payments.stripe_double.courier import Weather, sign
from tests.factories import core as make
from tests.factories.payments import make_bond, make_payable, voucher
from tests.payments import stripe_acts as acts
from tests.payments.stripe_world import SECRET, SITE, World

pytestmark = pytest.mark.anyio


async def last_event(there: World, kind: str) -> dict[str, Any]:
    """The newest event of a kind, as the double wrote it."""
    async with there.double.store.read() as book:
        found = await book.look("event", "", {"type": kind})
    return found[-1]


async def send(there: World, event: dict[str, Any], *, secret: str = SECRET, age: int = 0) -> int:
    """Send an event as Stripe would."""
    return await there.send(event, secret=secret, age=age)


async def test_paying_by_card_settles_fee_and_rate_are_entries_of_their_own(there: World) -> None:
    made = await make_payable()
    attempt = await acts.pay(there, made)
    assert await acts.state(made) is PayableState.PROCESSING
    await there.deliver()
    row = await acts.payable(made)
    assert row.state is PayableState.CAPTURED
    assert row.receipt_number is not None
    kinds = [
        one["kind"] for one in await db.rows("select kind from payments_posting where payable = $1 order by id", row.id)
    ]
    assert kinds == ["obligation", "captured", "exchanged", "provider-fee"]
    line = await db.row("select * from payments_stripe_line where payable = $1", row.id)
    assert (line["presented"], line["currency"]) == (2_460_000, "hkd")
    assert line["rate"] is not None
    assert line["fee"] > 0
    assert await acts.attempt_state(attempt) is AttemptState.PAID
    await acts.everything_fits(there)


@pytest.mark.parametrize("way", ["pm_alipay", "pm_wechat_pay"])
async def test_wallets(there: World, way: str) -> None:
    made = await make_payable()
    attempt = await acts.pay(there, made, way)
    await there.deliver()
    assert await acts.state(made) is PayableState.CAPTURED
    assert (await known.attempts(made.payable_id))[0].way == way.removeprefix("pm_")
    assert await acts.attempt_state(attempt) is AttemptState.PAID
    await acts.everything_fits(there)


async def test_the_same_event_twenty_times_at_once(there: World) -> None:
    made = await make_payable()
    await acts.pay(there, made)
    event = await last_event(there, "payment_intent.succeeded")
    answers: list[int] = []

    async def one() -> None:
        answers.append(await send(there, event))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(one)
    assert answers == [200] * 20
    assert await acts.state(made) is PayableState.CAPTURED
    assert len(await acts.events()) == 1
    assert await db.value("select count(*) from payments_posting where kind = 'captured'") == 1
    assert await db.value("select count(*) from core_trail_entry where act = 'payable.captured'") == 1
    assert await db.value("select count(*) from core_mail where message = 'payments/payment_confirmed'") == 1
    await acts.everything_fits(there)


async def test_an_event_that_is_quicker_than_the_answer_to_our_own_call(there: World) -> None:
    """The hold is taken: its event arrives, and is applied, before our call to capture has returned."""
    made = await acts.kept(there, await make_bond(), hold=True)
    await stripe.capture_bond(
        actor=made.payee, payable_id=made.payable_id, amount=Decimal("500.00"), reason="中选后弃标"
    )
    seen: list[str] = []

    async def between(request: Any) -> None:
        if request.url.path.endswith("/capture") and not seen:
            seen.append(request.url.path)
            await there.deliver()

    there.line.between = between
    await stripe.sweep()
    row = await acts.payable(made)
    assert seen
    assert (row.state, row.captured) == (PayableState.CAPTURED, Decimal("500.00"))
    assert [one.state for one in await known.orders(made.payable_id)] == [OrderState.DONE]
    await acts.everything_fits(there)


async def test_the_event_of_a_session_whose_identifier_we_do_not_know_yet(there: World) -> None:
    """Somebody pays before the answer to `open_checkout` was stored: our key in the metadata tells whose it is."""
    made = await make_payable()
    receipt = await stripe.start_payment(actor=made.payer, payable_id=made.payable_id)
    there.line.cut_after = 3
    with pytest.raises(StripeAway):
        await stripe.page_for(receipt.attempt_id)
    async with there.double.store.read() as book:
        (session,) = await book.look("checkout.session", "", {})
    await there.press(session["url"])
    await there.deliver()
    assert await acts.state(made) is PayableState.CAPTURED
    await acts.everything_fits(there)


async def test_captured_before_created(there: World) -> None:
    made = await make_payable()
    await acts.pay(there, made)
    for kind in (
        "checkout.session.completed",
        "payment_intent.succeeded",
        "charge.succeeded",
        "payment_intent.created",
    ):
        assert await send(there, await last_event(there, kind)) == 200
        assert await acts.state(made) is PayableState.CAPTURED
    assert len(await acts.events("applied")) == 4
    await acts.everything_fits(there)


async def test_an_unknown_event_is_kept_and_answered_without_effect(there: World) -> None:
    made = await make_payable()
    await acts.pay(there, made)
    event = await last_event(there, "payment_intent.succeeded")
    assert await send(there, event | {"id": "evt_new", "type": "treasury.something_new"}) == 200
    assert await acts.state(made) is PayableState.PROCESSING
    (kept,) = await acts.events()
    assert (kept["state"], kept["event"]) == ("ignored", "evt_new")
    assert json.loads(kept["body"])["type"] == "treasury.something_new"


async def test_an_event_of_an_old_version_is_kept_and_answered_without_effect(there: World) -> None:
    made = await make_payable()
    await acts.pay(there, made)
    event = await last_event(there, "payment_intent.succeeded")
    assert event["api_version"] == API_VERSION
    assert await send(there, event | {"id": "evt_old", "api_version": "2019-12-03"}) == 200
    assert await acts.state(made) is PayableState.PROCESSING
    assert [one["state"] for one in await acts.events()] == ["ignored"]


async def test_the_event_of_somebody_elses_payment_has_no_effect(there: World) -> None:
    """Another program uses the same Stripe account."""
    wanted: Any = {"amount": 1000, "currency": "cny", "confirm": True, "payment_method": "pm_card_visa"}
    await there.gateway.v1.payment_intents.create_async(wanted)
    await there.deliver()
    assert {one["state"] for one in await acts.events()} == {"ignored"}


async def test_a_wrong_secret(there: World) -> None:
    made = await make_payable()
    await acts.pay(there, made)
    event = await last_event(there, "payment_intent.succeeded")
    assert await send(there, event, secret="whsec_wrong") == 400
    assert await acts.events() == []
    assert await acts.state(made) is PayableState.PROCESSING


async def test_either_secret_is_believed_while_they_are_rotated(there: World) -> None:
    made = await make_payable()
    await acts.pay(there, made)
    there.gateway.known = replace(there.gateway.known, secrets=("whsec_new", SECRET))
    assert await send(there, await last_event(there, "charge.succeeded"), secret="whsec_new") == 200
    assert await send(there, await last_event(there, "payment_intent.succeeded")) == 200


@pytest.mark.parametrize(("age", "status"), [(299, 200), (301, 400), (-301, 400)])
async def test_the_age_of_a_signature(there: World, age: int, status: int) -> None:
    made = await make_payable()
    await acts.pay(there, made)
    assert await send(there, await last_event(there, "payment_intent.succeeded"), age=age) == status


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff\xfe", b"[1]", b'{"id": "evt_1", "type": "x", "created": "y"}'])
async def test_what_is_no_event_is_refused_even_when_signed(there: World, body: bytes) -> None:
    try:
        headers = {"stripe-signature": sign(body, SECRET, int(clock.now().timestamp()))}
        answer = await there.site.post(SITE + WEBHOOK_PATH, content=body, headers=headers)
    finally:
        pass
    assert answer.status_code == 400
    assert await acts.events() == []


async def test_a_crash_between_commit_and_response(there: World) -> None:
    """Stripe never saw our 200 and sends the event again."""
    made = await make_payable()
    await acts.pay(there, made)
    event = await last_event(there, "payment_intent.succeeded")
    post = there.double.courier.post

    async def crash(url: str, body: bytes, headers: dict[str, str]) -> int:
        await post(url, body, headers)
        return 0

    there.double.courier.post = crash
    await there.double.courier.deliver_due()
    there.double.courier.post = post
    with clock.at(clock.now() + timedelta(minutes=10)):
        await there.deliver()
        assert await send(there, event) == 200
    assert await db.value("select count(*) from payments_posting where kind = 'captured'") == 1
    await acts.everything_fits(there)


async def test_a_crash_between_stripes_answer_and_our_commit(there: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripe has refunded; we die before we have written it down. The order is carried out again: one refund."""
    made = await acts.kept(there)
    await stripe.refund(actor=made.payee, payable_id=made.payable_id, amount=Decimal("100.00"), reason="多报了一台班")

    async def dies(*_args: Any, **_named: Any) -> None:
        raise KeyError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(applying, "refresh", dies)
        (order,) = await known.orders(made.payable_id)
        with pytest.raises(KeyError):
            await orders.run_order(order.id)
    assert (await acts.payable(made)).refunded == 0
    await stripe.sweep()
    await stripe.sweep()
    assert (await acts.payable(made)).refunded == Decimal("100.00")
    async with there.double.store.read() as book:
        assert len(await book.look("refund", "", {})) == 1
    await acts.everything_fits(there)


async def test_an_answer_lost_and_the_key_forgotten_by_stripe(there: World) -> None:
    """A day later Stripe does not remember our key any more: we look before we ask again."""
    made = await acts.kept(there, ready=True)
    there.line.cut_after = 3
    order_id = await stripe.order_payout(payable_id=made.payable_id)
    assert order_id is not None
    with pytest.raises(StripeAway):
        await stripe.run_order(order_id)
    async with there.double.store.write() as book:
        await book.link.execute("delete from stripe_double.answer")
    with clock.at(clock.now() + timedelta(days=2)):
        await stripe.sweep()
    assert await acts.state(made) is PayableState.PAID_OUT
    async with there.double.store.read() as book:
        assert len(await book.look("transfer", "", {})) == 1
    await acts.everything_fits(there)


async def test_stripe_is_down_for_an_hour(there: World) -> None:
    paid, new = await make_payable(), await make_payable()
    await acts.pay(there, paid)
    now = clock.now()
    await there.double.store.set("down_until", int(now.timestamp()) + 3600)
    await there.double.courier.deliver_due()  # the events come, but nobody can be asked what they mean
    assert {one["state"] for one in await acts.events()} == {"waiting"}
    receipt = await stripe.start_payment(actor=new.payer, payable_id=new.payable_id)
    with pytest.raises(StripeAway):
        await stripe.page_for(receipt.attempt_id)
    await stripe.sweep()
    assert await acts.state(paid) is PayableState.PROCESSING
    with clock.at(now + timedelta(hours=1, seconds=5)):
        await stripe.sweep()
        assert await acts.state(paid) is PayableState.CAPTURED
        attempt = await known.attempt_by("id", receipt.attempt_id)
        assert attempt is not None
        assert attempt.url
        await there.deliver()
    assert {one["state"] for one in await acts.events()} == {"applied"}
    await acts.everything_fits(there)


async def test_every_event_is_lost(there: World) -> None:
    """The payer's own page asks Stripe; whoever closed the browser is found by the sweep."""
    await there.double.courier.set_weather(Weather(loss=1.0))
    first, second = await make_payable(), await make_payable()
    one, _two = await acts.pay(there, first), await acts.pay(there, second)
    await there.deliver()
    assert await acts.events() == []
    await stripe.refresh(one.id)
    assert await acts.state(first) is PayableState.CAPTURED
    with clock.at(clock.now() + timedelta(minutes=11)):
        await stripe.sweep()
    assert await acts.state(second) is PayableState.CAPTURED
    await acts.everything_fits(there)


async def test_bond_held_and_released(there: World) -> None:
    made = await make_bond()
    attempt = await acts.pay(there, made, hold=True)
    await there.deliver()
    assert await acts.state(made) is PayableState.AUTHORISED
    await services.release_bond(actor=made.payee, payable_id=made.payable_id, reason="定标后退还")
    await stripe.sweep()
    await stripe.sweep()
    assert await acts.state(made) is PayableState.RELEASED
    assert await acts.attempt_state(attempt) is AttemptState.LET_GO
    assert await there.balance() == {}
    await there.deliver()
    await acts.everything_fits(there)


async def test_bond_paid_and_released_goes_back(there: World) -> None:
    made = await acts.kept(there, await make_bond())
    await services.release_bond(actor=made.payee, payable_id=made.payable_id, reason="定标后退还")
    await stripe.sweep()
    await stripe.sweep()
    row = await acts.payable(made)
    assert (row.state, row.refunded) == (PayableState.REFUNDED, Decimal("2000.00"))
    await acts.everything_fits(there)


async def test_capture_after_expiry(there: World) -> None:
    made = await make_bond()
    attempt = await acts.pay(there, made, hold=True)
    await there.deliver()
    later = clock.now() + timedelta(days=7, minutes=1)
    with clock.at(later):
        with pytest.raises(HoldTooOld):
            await stripe.capture_bond(
                actor=made.payee, payable_id=made.payable_id, amount=Decimal("2000.00"), reason="中选后弃标"
            )
        await stripe.sweep()
        await there.deliver()
        assert await acts.state(made) is PayableState.EXPIRED
        assert await acts.attempt_state(attempt) is AttemptState.RAN_OUT
        assert await db.value("select count(*) from core_mail where message = 'payments/hold_expired'") == 1
        again = await acts.pay(there, made, hold=True)
        await there.deliver()
        assert again.id != attempt.id
        assert await acts.state(made) is PayableState.AUTHORISED
    await acts.everything_fits(there)


async def test_after_a_hold_has_run_out_the_payer_may_pay_by_bank(there: World) -> None:
    made = await acts.kept(there, await make_bond(), hold=True)
    with clock.at(clock.now() + timedelta(days=8)):
        await stripe.sweep()
        await there.deliver()
        assert await acts.state(made) is PayableState.EXPIRED
        await services.submit_voucher(actor=made.payer, payable_id=made.payable_id, draft=voucher())
        await services.confirm_receipt(actor=made.payee, payable_id=made.payable_id)
        assert await acts.state(made) is PayableState.CONFIRMED
    await acts.everything_fits(there)


async def test_stripe_lets_a_hold_go_a_moment_before_we_take_it(there: World) -> None:
    made = await acts.kept(there, await make_bond(), hold=True)
    await stripe.capture_bond(
        actor=made.payee, payable_id=made.payable_id, amount=Decimal("2000.00"), reason="中选后弃标"
    )
    (order,) = await known.orders(made.payable_id)
    with clock.at(clock.now() + timedelta(days=7, minutes=1)):
        assert await orders.run_order(order.id) is OrderState.REFUSED
    assert await acts.state(made) is PayableState.EXPIRED
    assert (await known.orders(made.payable_id))[0].problem
    await acts.everything_fits(there)


async def test_the_parties_are_told_before_a_hold_runs_out(there: World) -> None:
    await acts.kept(there, await make_bond(), hold=True)
    with clock.at(clock.now() + timedelta(days=5, minutes=1)):
        await stripe.sweep()
        await stripe.sweep()
    assert await db.value("select count(*) from core_mail where message = 'payments/hold_ending'") == 2


async def test_partial_capture_lets_the_rest_go(there: World) -> None:
    made = await acts.kept(there, await make_bond(), hold=True)
    order = {"actor": made.payee, "payable_id": made.payable_id, "reason": "违约部分"}
    with pytest.raises(CaptureAboveHeld):
        await stripe.capture_bond(amount=Decimal("2000.01"), **order)
    await stripe.capture_bond(amount=Decimal("700.00"), **order)
    with pytest.raises(NotAllowedNow):
        await stripe.capture_bond(amount=Decimal("700.00"), **order)
    await stripe.sweep()
    row = await acts.payable(made)
    assert (row.state, row.captured) == (PayableState.CAPTURED, Decimal("700.00"))
    await there.deliver()
    await acts.everything_fits(there)


async def test_refund_above_paid(there: World) -> None:
    made = await acts.kept(there)
    order = {"actor": made.payee, "payable_id": made.payable_id, "reason": "少做一部分"}
    with pytest.raises(RefundAbovePaid):
        await stripe.refund(amount=Decimal("24600.01"), **order)
    await stripe.refund(amount=Decimal("24000.00"), **order)
    with pytest.raises(RefundAbovePaid):  # the first one is only ordered, but it counts
        await stripe.refund(amount=Decimal("600.01"), **order)
    await stripe.refund(amount=Decimal("600.00"), **order)
    await stripe.sweep()
    assert await acts.state(made) is PayableState.REFUNDED
    await there.deliver()
    await acts.everything_fits(there)


async def test_paid_twice_the_second_goes_back(there: World) -> None:
    """A page that we had given up is paid after all, beside the new one."""
    made = await make_payable()
    attempt = await acts.begin(made)
    with clock.at(clock.now() + timedelta(hours=25)):
        await stripe.sweep()
    assert await acts.state(made) is PayableState.DUE
    second = await acts.begin(made)
    async with there.double.store.write() as book:  # the first page is paid after all: Stripe's clock is not ours
        session = await book.find("checkout.session", attempt.session or "")
        await book.put(session | {"status": "open"})
    await db.execute("update payments_stripe_attempt set state = 'open' where id = $1", attempt.id)
    await there.press(second.url)
    await there.press(attempt.url, "pm_alipay")
    await there.deliver()
    await stripe.sweep()
    await there.deliver()
    row = await acts.payable(made)
    assert (row.state, row.captured) == (PayableState.CAPTURED, Decimal("24600.00"))
    assert sorted(one.excess for one in await known.attempts(made.payable_id)) == [False, True]
    await acts.everything_fits(there)


async def test_payout_after_payment_and_reversal(there: World) -> None:
    made = await make_payable()
    account = await acts.ready_payee(there, made)
    await acts.pay(there, made)
    await there.deliver()
    await stripe.sweep()
    await stripe.sweep()
    row = await acts.payable(made)
    assert (row.state, row.paid_out) == (PayableState.PAID_OUT, Decimal("24600.00"))
    await there.deliver()
    await acts.everything_fits(there)
    async with there.double.store.read() as book:
        assert (await book.balance(account))["hkd"] == (await known.transferred(made.payee.organization_id))[0].settled
    regulator = await make.member(Role.MARKET_SUPERVISOR)
    await stripe.reverse_payout(actor=regulator, payable_id=made.payable_id, reason="收款方被查处")
    await stripe.sweep()
    row = await acts.payable(made)
    assert (row.state, row.paid_out) == (PayableState.CAPTURED, Decimal("0.00"))
    await acts.everything_fits(there)


async def test_nothing_is_paid_out_on_hold_or_without_an_account(there: World) -> None:
    made = await make_payable()
    regulator = await make.member(Role.MARKET_SUPERVISOR)
    await acts.pay(there, made)
    await there.deliver()
    await stripe.sweep()
    assert await acts.state(made) is PayableState.CAPTURED
    await services.place_hold(actor=regulator, payable_id=made.payable_id, reason="核查合同")
    await acts.ready_payee(there, made)
    await stripe.sweep()
    assert await known.orders(made.payable_id) == []
    await services.lift_hold(actor=regulator, payable_id=made.payable_id, reason="已核实")
    await stripe.sweep()
    await stripe.sweep()
    assert await acts.state(made) is PayableState.PAID_OUT


async def test_a_hold_between_the_order_and_the_transfer_stops_it(there: World) -> None:
    made = await make_payable()
    regulator = await make.member(Role.MARKET_SUPERVISOR)
    await acts.ready_payee(there, made)
    await acts.pay(there, made)
    await there.deliver()
    order_id = await stripe.order_payout(payable_id=made.payable_id)
    assert order_id is not None
    await services.place_hold(actor=regulator, payable_id=made.payable_id, reason="核查合同")
    assert await stripe.run_order(order_id) is OrderState.REFUSED
    assert await acts.state(made) is PayableState.CAPTURED
    async with there.double.store.read() as book:
        assert await book.look("transfer", "", {}) == []


@pytest.mark.parametrize(("evidence", "state"), [("winning_evidence", "captured"), ("losing_evidence", "refunded")])
async def test_a_dispute_won_and_lost(there: World, evidence: str, state: str) -> None:
    made = await make_payable()
    await acts.pay(there, made, "pm_card_createDispute")
    await there.deliver()
    assert await acts.state(made) is PayableState.DISPUTED
    await acts.everything_fits(there)
    (found,) = await known.disputes(made.payable_id)
    await stripe.answer_dispute(actor=made.payee, dispute_id=found.id, text=evidence)
    await stripe.sweep()
    await there.deliver()
    assert await acts.state(made) == state
    (found,) = await known.disputes(made.payable_id)
    assert not found.open
    await acts.everything_fits(there)


async def test_a_dispute_after_the_payout(there: World) -> None:
    made = await make_payable()
    await acts.ready_payee(there, made)
    attempt = await acts.pay(there, made)
    await there.deliver()
    await stripe.sweep()
    await stripe.sweep()
    from payments.stripe_double import charging

    async with there.double.store.write() as book:
        paid = await known.attempt_by("id", attempt.id)
        assert paid is not None
        await charging.dispute(book, await book.find("charge", paid.charge or ""), "product_not_received")
    await there.deliver()
    assert await acts.state(made) is PayableState.DISPUTED
    (found,) = await known.disputes(made.payable_id)
    await stripe.concede_dispute(actor=made.payee, dispute_id=found.id, reason="确未交付")
    await stripe.sweep()
    assert await acts.state(made) is PayableState.REFUNDED
    await there.deliver()
    await acts.everything_fits(there)


async def test_declined_and_given_up(there: World) -> None:
    made = await make_payable()
    attempt = await acts.pay(there, made, "pm_card_visa_chargeDeclined")
    await there.deliver()
    found = await known.attempt_by("id", attempt.id)
    assert found is not None
    assert (found.state, found.problem) == (AttemptState.OPEN, "generic_decline")
    same = await stripe.start_payment(actor=made.payer, payable_id=made.payable_id)
    assert same.attempt_id == attempt.id, "one page at a time"
    async with there.double.store.write() as book:
        from payments.stripe_double import checkout

        await checkout.expire(book, await book.find("checkout.session", found.session or ""))
    await there.deliver()
    assert await acts.state(made) is PayableState.DUE
    await services.submit_voucher(actor=made.payer, payable_id=made.payable_id, draft=voucher())


async def test_reconciliation_heals_what_was_lost_and_names_what_is_wrong(there: World) -> None:
    lost, wrong = await make_payable(), await make_payable()
    await acts.pay(there, wrong)
    await there.deliver()
    await there.double.courier.set_weather(Weather(loss=1.0))
    await acts.pay(there, lost)
    await there.deliver()
    async with there.double.store.write() as book:
        (first, *_rest) = await book.look("balance_transaction", "", {})
        await book.put(first | {"fee": first["fee"] + 7, "net": first["net"] - 7})
        from payments.stripe_double.charging import transact

        await transact(book, "adjustment", -500, 0, "dp_of_nobody")
        await transact(book, "payout", -1000, 0, "po_own")
    report = await stripe.reconcile()
    named = {one["what"]: one for one in report.differences if not one.get("healed")}
    assert named["differs"]["line"] == first["id"]
    assert named["unknown-to-us"]["source"] == "dp_of_nobody"
    assert [one["line"] for one in report.differences if one.get("healed")]
    assert await acts.state(lost) is PayableState.CAPTURED
    assert not report.clean
    assert report.ours - report.theirs == 507
    assert (await known.checks())[0].differences == report.differences


async def test_without_an_account_the_product_is_as_before(committed_db: str) -> None:
    made = await make_payable()
    assert client.account() is None
    with pytest.raises(client.StripeOff):
        await stripe.start_payment(actor=made.payer, payable_id=made.payable_id)
    assert await stripe.sweep() == 0
    await services.submit_voucher(actor=made.payer, payable_id=made.payable_id, draft=voucher())
