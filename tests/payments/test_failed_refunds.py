"""A refund that succeeded and came back: undone in the books, told, kept from the payee, and made again by a person."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock, db
from core.errors import NotAllowedNow
from core.identity import Role
from payments import queries, services
from payments.queries import stripe as known
from payments.rules import PayableNotFound, PayableState, Position, RefundAbovePaid
from payments.rules.custody import RefundFailed, RefundFailureSettled
from payments.rules.ledger import AccountKind
from payments.services import stripe
from payments.services.moving import locked
from payments.stripe_double import charging
from payments.stripe_double.courier import Weather
from tests.factories import core as make
from tests.factories.payments import MadePayable, make_bond, make_payable
from tests.payments import stripe_acts as acts
from tests.payments import test_stripe_bundles as bundles
from tests.payments.stripe_world import World

pytestmark = pytest.mark.anyio
FEE = Decimal("24600.00")
PART = Decimal("600.00")
Browse = Any


async def refunded(there: World, amount: Decimal = FEE) -> MadePayable:
    made = await acts.kept(there)
    await stripe.refund(actor=made.payee, payable_id=made.payable_id, amount=amount, reason="合同解除，退款")
    await stripe.sweep()
    await there.deliver()
    assert (await acts.payable(made)).refunded == amount
    return made


async def fail(there: World) -> None:
    """The newest refund comes back."""
    async with there.double.store.write() as book:
        found = [one for one in await book.look("refund", "", {}) if one["status"] == "succeeded"]
        await charging.fail_refund(book, found[-1], "lost_or_stolen_card")


# ---- rules
@given(st.integers(0, 100), st.integers(0, 100), st.integers(1, 120), st.sampled_from(PayableState))
def test_never_more_comes_back_than_went(back: int, out: int, amount: int, state: PayableState) -> None:
    at = Position(state, Decimal(100), Decimal(100), Decimal(back), Decimal(out))
    try:
        after = at.fail_refund(Decimal(amount))
    except (NotAllowedNow, RefundAbovePaid):
        return
    assert after.refunded == at.refunded - amount >= 0
    assert after.held - at.held == amount
    if state is PayableState.REFUNDED:
        assert (after.state is PayableState.CAPTURED) == (after.held > 0)
    else:
        assert after.state is state


# ---- acts
async def test_it_is_undone_told_and_kept_from_the_payee(there: World) -> None:
    officer = await make.member(Role.MARKET_SUPERVISOR)
    made = await refunded(there)
    await acts.ready_payee(there, made)
    assert await acts.state(made) is PayableState.REFUNDED
    await fail(there)
    await there.deliver()
    row = await acts.payable(made)
    assert (row.state, row.refunded, row.position.held) == (PayableState.CAPTURED, Decimal(0), FEE)
    assert await queries.balance(made.payer.organization_id, AccountKind.OUTSIDE) == -FEE
    assert await acts.letters("refund_failed") == 1
    told = await db.value("select account from core_mail where message = 'payments/refund_failed_watch'")
    assert told == officer.account_id
    assert [one.trouble.value for one in await queries.troubles()] == ["refund-failed"]
    with pytest.raises(RefundFailed):
        await services.check_payout(await locked(made.payable_id))
    await acts.settle_down(there)
    assert await acts.state(made) is PayableState.CAPTURED, "the sweep neither pays it out nor sends it back again"
    assert len(await known.orders(made.payable_id)) == 1
    await acts.everything_fits(there)
    assert (await stripe.reconcile()).clean
    (failure,) = await known.refund_failures(made.payable_id)
    await stripe.retry_refund(actor=officer, payable_id=made.payable_id, failure_id=failure.id)
    with pytest.raises(NotAllowedNow):
        await stripe.retry_refund(actor=officer, payable_id=made.payable_id, failure_id=failure.id)
    await acts.settle_down(there)
    assert await acts.state(made) is PayableState.REFUNDED
    assert await queries.troubles() == []
    with pytest.raises(RefundFailureSettled):
        await stripe.retry_refund(actor=officer, payable_id=made.payable_id, failure_id=failure.id)
    await acts.everything_fits(there)


async def test_the_event_is_lost_and_the_comparison_finds_it(there: World) -> None:
    made = await refunded(there)
    await there.double.courier.set_weather(Weather(loss=1.0))
    await fail(there)
    await there.deliver()
    assert await acts.state(made) is PayableState.REFUNDED
    report = await stripe.reconcile()
    assert [one.get("healed") for one in report.differences] == [True]
    assert await acts.state(made) is PayableState.CAPTURED
    await acts.everything_fits(there)
    assert (await stripe.reconcile()).clean


async def test_both_events_are_lost_and_both_lines_are_booked(there: World) -> None:
    made = await acts.kept(there)
    async with there.double.store.write() as book:  # refunded at Stripe's own desk
        (charge,) = await book.look("charge", "", {})
        await charging.refund(book, charge, 60_000, None, {})
    await fail(there)
    await there.deliver()
    row = await acts.payable(made)
    assert (row.state, row.refunded) == (PayableState.CAPTURED, 0)
    assert len(await known.refund_failures(made.payable_id)) == 1
    await acts.everything_fits(there)


async def test_the_same_news_twenty_times_undoes_it_once(there: World) -> None:
    made = await refunded(there, PART)
    await fail(there)
    await there.deliver()
    attempt = (await known.attempts(made.payable_id))[0]
    await asyncio.gather(*(stripe.refresh(attempt.id, deep=True) for _ in range(10)))
    assert await db.value("select count(*) from payments_posting where kind = 'refund-failed'") == 1
    assert (await acts.payable(made)).refunded == 0
    await acts.everything_fits(there)


async def test_a_part_that_comes_back_after_the_payout_is_made_again(there: World) -> None:
    made = await refunded(there, PART)
    await acts.ready_payee(there, made)
    await acts.settle_down(there)
    assert (await acts.payable(made)).paid_out == FEE - PART
    await services.confirm_receipt(actor=made.payee, payable_id=made.payable_id)
    await fail(there)
    await there.deliver()
    row = await acts.payable(made)
    assert (row.state, row.position.held) == (PayableState.CONFIRMED, PART)
    await acts.everything_fits(there)
    (failure,) = await known.refund_failures(made.payable_id)
    await stripe.retry_refund(actor=made.payee, payable_id=made.payable_id, failure_id=failure.id)
    await acts.settle_down(there)
    row = await acts.payable(made)
    assert (row.state, row.position.held, row.refunded) == (PayableState.CONFIRMED, 0, PART)
    await acts.everything_fits(there)


async def test_a_released_bond_that_comes_back_waits_for_a_person(there: World) -> None:
    made = await make_bond()
    await acts.pay(there, made)
    await there.deliver()
    await services.release_bond(actor=made.payee, payable_id=made.payable_id, reason="定标后退还")
    await acts.settle_down(there)
    assert await acts.state(made) is PayableState.REFUNDED
    await fail(there)
    await there.deliver()
    await acts.settle_down(there)
    assert await acts.state(made) is PayableState.CAPTURED
    (failure,) = await known.refund_failures(made.payable_id)
    await stripe.retry_refund(actor=made.payee, payable_id=made.payable_id, failure_id=failure.id)
    await acts.settle_down(there)
    assert await acts.state(made) is PayableState.REFUNDED
    await acts.everything_fits(there)


async def test_what_was_paid_twice_comes_back_and_is_sent_again(there: World) -> None:
    made = await make_payable()
    first = await acts.begin(made)
    with clock.at(clock.now() + timedelta(hours=25)):
        await stripe.sweep()
    second = await acts.begin(made)
    async with there.double.store.write() as book:
        session = await book.find("checkout.session", first.session or "")
        await book.put(session | {"status": "open"})
    await db.execute("update payments_stripe_attempt set state = 'open' where id = $1", first.id)
    await there.press(second.url)
    await there.press(first.url, "pm_alipay")
    await there.deliver()
    await acts.settle_down(there)
    await fail(there)
    await there.deliver()
    assert await queries.balance(made.payer.organization_id, AccountKind.UNAPPLIED) == FEE
    await services.check_payout(await locked(made.payable_id))
    await acts.everything_fits(there)
    (failure,) = await known.refund_failures(made.payable_id)
    officer = await make.member(Role.MARKET_SUPERVISOR)
    await stripe.retry_refund(actor=officer, payable_id=made.payable_id, failure_id=failure.id)
    await acts.settle_down(there)
    assert await queries.balance(made.payer.organization_id, AccountKind.UNAPPLIED) == 0
    await acts.everything_fits(there)


async def test_strangers_and_two_at_once(there: World) -> None:
    made = await refunded(there)
    await fail(there)
    await there.deliver()
    (failure,) = await known.refund_failures(made.payable_id)
    other = await make_payable()
    for actor, payable_id in (
        (other.payee, made.payable_id),
        (made.payer, made.payable_id),
        (other.payee, other.payable_id),
    ):
        with pytest.raises(PayableNotFound):
            await stripe.retry_refund(actor=actor, payable_id=payable_id, failure_id=failure.id)
    officer = await make.member(Role.MARKET_SUPERVISOR)
    results = await asyncio.gather(
        *(
            stripe.retry_refund(actor=actor, payable_id=made.payable_id, failure_id=failure.id)
            for actor in (made.payee, officer)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(one, NotAllowedNow) for one in results) == 1, results


async def test_of_several_paid_together_only_the_one_refunded_is_undone(there: World) -> None:
    made = await bundles.three()
    await bundles.pay(there, made)
    await there.deliver()
    part = made[1]
    await stripe.refund(actor=part.payee, payable_id=part.payable_id, amount=Decimal("333.33"), reason="协商退款")
    await acts.settle_down(there)
    await fail(there)
    await acts.settle_down(there)
    assert [(await acts.payable(one)).refunded for one in made] == [0, 0, 0]
    assert [len(await known.refund_failures(one.payable_id)) for one in made] == [0, 1, 0]
    with pytest.raises(RefundFailed):
        await services.check_payout(await locked(part.payable_id))
    await services.check_payout(await locked(made[0].payable_id))
    await bundles.books_are_clean(there)
    (failure,) = await known.refund_failures(part.payable_id)
    await stripe.retry_refund(actor=part.payee, payable_id=part.payable_id, failure_id=failure.id)
    await acts.settle_down(there)
    assert (await acts.payable(part)).refunded == Decimal("333.33")
    await bundles.books_are_clean(there)


# ---- pages
async def test_the_page_the_desks_and_the_json_twin(there: World, browse: Browse, api: Any) -> None:
    made = await refunded(there)
    async with there.double.store.read() as book:
        (one,) = await book.look("refund", "", {})
    assert "被银行退回 Fail" in (await there.people.get("/")).text
    await there.people.post(f"/control/refunds/{one['id']}")
    await there.deliver()
    boss, payer = await browse(Role.MARKET_SUPERVISOR), await browse(made.payer)
    assert "退款被银行退回" in (await boss.get("/payments/desk")).text
    path = f"/payments/{made.payable_id}"
    page = (await payer.get(path)).text
    assert "收款卡已挂失" in page
    assert "重新退款 24,600.00 元" not in page
    assert "重新退款 24,600.00 元" in (await boss.get(path)).text
    client = await api(made.payee)
    here = f"/api/v1/payables/{made.payable_id}"
    (failure,) = (await client.get(f"{here}/stripe")).json()["refund_failures"]
    done = await client.post(f"{here}/refunds/{failure['id']}", headers={"Idempotency-Key": "a"})
    assert done.status_code == 201, done.text
    answer = await boss.submit(f"{path}/refunds/{failure['id']}", {})
    assert answer.status_code == 409
    await acts.settle_down(there)
    assert "已重新退款" in (await boss.get(path)).text
