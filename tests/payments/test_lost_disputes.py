"""The payer's bank took the money back after it had been paid out: the payee owes it, and the regulator fetches it."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import db
from core.errors import Forbidden, NotAllowedNow
from core.identity import Identity, Role
from payments import queries, services
from payments.queries import stripe as known
from payments.rules import PayableState, Position, RefundAbovePaid
from payments.rules.audit import Audited, expected
from payments.rules.ledger import PLATFORM, AccountKind
from payments.rules.stripe import OrderState
from payments.services import stripe
from payments.services.stripe import orders
from payments.stripe_double import charging, connect
from tests.factories import core as make
from tests.factories.payments import MadePayable, make_payable
from tests.payments import stripe_acts as acts
from tests.payments.stripe_world import World

pytestmark = pytest.mark.anyio
FEE = Decimal("24600.00")
WHY = "拒付成立，收款方应退回"
Browse = Any


async def disputed_after_payout(there: World) -> MadePayable:
    made = await make_payable()
    await acts.ready_payee(there, made)
    attempt = await acts.pay(there, made)
    await there.deliver()
    await stripe.sweep()
    await stripe.sweep()
    paid = await known.attempt_by("id", attempt.id)
    assert paid is not None
    async with there.double.store.write() as book:
        await charging.dispute(book, await book.find("charge", paid.charge or ""), "product_not_received")
    await there.deliver()
    assert await acts.state(made) is PayableState.DISPUTED
    return made


async def lose(there: World, made: MadePayable) -> None:
    (found,) = await known.disputes(made.payable_id)
    await stripe.concede_dispute(actor=made.payee, dispute_id=found.id, reason="确未交付")
    await stripe.sweep()
    await there.deliver()
    assert await acts.state(made) is PayableState.REFUNDED


async def officer() -> Identity:
    return await make.member(Role.MARKET_SUPERVISOR)


async def owed(made: MadePayable) -> tuple[Decimal, Decimal]:
    """What the platform is owed by payees, and what this payee owes."""
    platform = await queries.balance(PLATFORM, AccountKind.RECEIVABLE)
    return platform, await queries.balance(made.payee.organization_id, AccountKind.PAYABLE)


# ---- rules
@given(st.integers(0, 100), st.integers(0, 100), st.integers(1, 200), st.sampled_from(PayableState))
def test_never_more_comes_back_than_the_payee_was_given_or_the_platform_lost(
    refunded: int, out: int, asked: int, state: PayableState
) -> None:
    at = Position(state, Decimal(100), Decimal(100), Decimal(refunded), Decimal(out))
    try:
        after = at.reverse_payout(Decimal(asked))
    except (NotAllowedNow, RefundAbovePaid):
        return
    assert state in {PayableState.PAID_OUT, PayableState.CONFIRMED, PayableState.DISPUTED, PayableState.REFUNDED}
    assert 0 <= after.paid_out < at.paid_out
    assert state is not PayableState.REFUNDED or at.lost - after.lost == asked


def test_the_audit_expects_what_is_lost_as_a_debt_of_the_payee() -> None:
    at = Position(PayableState.REFUNDED, Decimal(10), Decimal(10), Decimal(10), Decimal(10))
    assert expected(Audited("n", at, True, False, {}))["payee", "payable"] == -1000
    assert ("payee", "payable") not in expected(Audited("n", replace(at, paid_out=Decimal(0)), True, False, {}))


# ---- acts
async def test_after_a_lost_dispute_the_payout_is_taken_back_and_the_debt_is_cleared(there: World) -> None:
    made = await disputed_after_payout(there)
    await lose(there, made)
    assert await owed(made) == (FEE, -FEE)
    await acts.everything_fits(there)
    (first, *_rest) = await queries.troubles()
    assert (first.trouble.value, first.row.id) == ("lost", made.payable_id)
    await stripe.reverse_payout(actor=await officer(), payable_id=made.payable_id, reason=WHY)
    await stripe.sweep()
    await there.deliver()
    row = await acts.payable(made)
    assert (row.state, row.paid_out, row.refunded) == (PayableState.REFUNDED, Decimal(0), FEE)
    assert await owed(made) == (0, 0)
    assert await queries.troubles() == []
    with pytest.raises(RefundAbovePaid):
        await stripe.reverse_payout(actor=await officer(), payable_id=made.payable_id, reason="再撤回一次")
    await acts.everything_fits(there)


@pytest.mark.parametrize(("won", "state"), [(True, PayableState.PAID_OUT), (False, PayableState.REFUNDED)])
async def test_a_payout_is_taken_back_while_the_bank_decides(there: World, won: bool, state: PayableState) -> None:
    made = await disputed_after_payout(there)
    await stripe.reverse_payout(actor=await officer(), payable_id=made.payable_id, reason="拒付期间先行撤回")
    await stripe.sweep()
    assert (await acts.payable(made)).paid_out == 0
    assert await acts.state(made) is PayableState.DISPUTED
    await acts.everything_fits(there)
    (found,) = await known.disputes(made.payable_id)
    text = "winning_evidence" if won else "losing_evidence"
    await stripe.answer_dispute(actor=made.payee, dispute_id=found.id, text=text)
    for _ in range(3):
        await stripe.sweep()
        await there.deliver()
    assert await acts.state(made) is state, "won: it goes out again; lost: nothing is missing"
    assert await owed(made) == (0, 0)
    await acts.everything_fits(there)


async def test_the_bank_decides_between_the_order_and_the_reversal(there: World) -> None:
    made = await disputed_after_payout(there)
    await stripe.reverse_payout(actor=await officer(), payable_id=made.payable_id, reason="拒付期间先行撤回")
    async with there.double.store.write() as book:
        (found,) = await book.look("dispute", "", {})
        await charging.decide(book, found, won=False)
    await there.deliver()
    assert await owed(made) == (FEE, -FEE)
    await stripe.sweep()
    assert await owed(made) == (0, 0)
    await acts.everything_fits(there)


async def test_a_payee_that_has_spent_it_stays_on_the_finance_desk(there: World) -> None:
    made = await disputed_after_payout(there)
    await lose(there, made)
    payee = await known.payee_of(made.payee.organization_id)
    assert payee is not None
    async with there.double.store.write() as book:
        held = await book.balance(payee.stripe or "")
        given = {"amount": str(held["hkd"]), "currency": "hkd"}
        await connect.payout(book, payee.stripe or "", given)
    await stripe.reverse_payout(actor=await officer(), payable_id=made.payable_id, reason=WHY)
    order = (await known.orders(made.payable_id))[0]
    assert await orders.run_order(order.id) is OrderState.REFUSED
    assert [one.trouble.value for one in await queries.troubles()] == ["lost"]
    assert await owed(made) == (FEE, -FEE)
    await acts.everything_fits(there)


async def test_two_officers_at_once_take_it_back_once(there: World) -> None:
    made = await disputed_after_payout(there)
    await lose(there, made)
    officers = [await officer() for _ in range(3)]
    results = await asyncio.gather(
        *(stripe.reverse_payout(actor=one, payable_id=made.payable_id, reason=WHY) for one in officers),
        return_exceptions=True,
    )
    assert sum(isinstance(one, NotAllowedNow) for one in results) == 2, results
    await stripe.sweep()
    await acts.everything_fits(there)
    with pytest.raises(Forbidden):
        await stripe.reverse_payout(actor=made.payer, payable_id=made.payable_id, reason=WHY)


async def test_what_was_taken_back_is_not_paid_out_again_by_the_sweep(there: World) -> None:
    made = await acts.kept(there, ready=True)
    await stripe.sweep()
    await stripe.sweep()
    boss = await officer()
    await stripe.reverse_payout(actor=boss, payable_id=made.payable_id, reason="收款方被查处")
    for _ in range(3):
        await stripe.sweep()
    row = await acts.payable(made)
    assert (row.state, row.paid_out, row.on_hold) == (PayableState.CAPTURED, 0, True)
    assert await db.value("select count(*) from payments_stripe_order where kind = 'transfer'") == 1
    await services.lift_hold(actor=boss, payable_id=made.payable_id, reason="已核实，可以支付")
    await stripe.sweep()
    await stripe.sweep()
    assert await acts.state(made) is PayableState.PAID_OUT


async def test_the_page_and_the_desk_say_it(there: World, browse: Browse, api: Any) -> None:
    made = await disputed_after_payout(there)
    await lose(there, made)
    boss = await browse(await officer())
    assert "拒付成立，钱还在收款方" in (await boss.get("/payments/desk")).text
    path = f"/payments/{made.payable_id}"
    page = (await boss.get(path)).text
    assert "撤回已划付的 24,600.00 元" in page
    assert "由平台垫着" in page
    assert "收款方应退回" in (await (await browse(made.payee)).get(path)).text
    assert (await boss.submit(f"{path}/reverse", {"undo_reason": WHY})).status_code == 303
    client = await api(await officer())
    twice = await client.post(
        f"/api/v1/payables/{made.payable_id}/reverse", json={"reason": WHY}, headers={"Idempotency-Key": "a"}
    )
    assert twice.status_code == 409
    foreign = await api(await make.member(Role.AGENCY))
    headers = {"Idempotency-Key": "b"}
    answer = await foreign.post(f"/api/v1/payables/{made.payable_id}/reverse", json={"reason": WHY}, headers=headers)
    assert answer.status_code == 403
