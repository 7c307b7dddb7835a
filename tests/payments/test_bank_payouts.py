"""What Stripe cannot pass on goes out from the platform's own bank account, with a voucher, and may come back."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock, db
from core.errors import Forbidden, NotAllowedNow
from core.identity import Identity, Role
from payments import queries, services
from payments.queries import custody
from payments.queries import stripe as known
from payments.rules import (
    AmountDiffers,
    PaidInFuture,
    PayableNotFound,
    PayableState,
    PayoutOnHold,
    Position,
    ReferenceUsed,
    RefundAbovePaid,
)
from payments.rules.audit import Check
from payments.rules.custody import NothingKept, PayeeIsPaidOnline, ReturnDiffers, take_back
from payments.rules.ledger import PLATFORM, AccountKind
from payments.services import stripe
from payments.services.payouts import BondsAreKept
from payments.stripe_double import charging
from tests.factories import core as make
from tests.factories.payments import MadePayable, make_payable, voucher
from tests.payments import stripe_acts as acts
from tests.payments.stripe_world import World

pytestmark = pytest.mark.anyio
FEE = Decimal("24600.00")
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
Browse = Any


async def operator() -> Identity:
    return await make.member(Role.ADMINISTRATOR)


async def own_bank() -> Decimal:
    return await queries.balance(PLATFORM, AccountKind.OUTSIDE)


async def lose(there: World, made: MadePayable) -> None:
    """The payer's bank takes it all back."""
    (attempt,) = await known.attempts(made.payable_id)
    async with there.double.store.write() as book:
        found = await charging.dispute(book, await book.find("charge", attempt.charge or ""), "fraudulent")
        await charging.decide(book, found, won=False)
    await there.deliver()
    assert await acts.state(made) is PayableState.REFUNDED


# ---- rules
@given(st.integers(0, 100), st.integers(0, 100), st.integers(1, 120), st.sampled_from(PayableState))
def test_it_comes_back_as_a_whole_unless_the_platform_is_short(
    back: int, out: int, asked: int, state: PayableState
) -> None:
    at = Position(state, Decimal(100), Decimal(100), Decimal(back), Decimal(out))
    try:
        after = take_back(at, Decimal(asked))
    except (NotAllowedNow, RefundAbovePaid, ReturnDiffers):
        return
    assert after.paid_out == at.paid_out - asked >= 0
    assert state is PayableState.REFUNDED or after.paid_out == 0


# ---- acts
async def test_paid_out_by_bank_and_confirmed(there: World) -> None:
    made, boss = await acts.kept(there), await operator()
    before = (await there.balance())["hkd"]
    slip = voucher(seen=FEE)
    await services.pay_out_by_bank(actor=boss, payable_id=made.payable_id, draft=slip)
    row = await acts.payable(made)
    assert (row.state, row.paid_out) == (PayableState.PAID_OUT, FEE)
    assert await own_bank() == -FEE
    assert await queries.balance(made.payee.organization_id, AccountKind.OUTSIDE) == FEE
    assert (await there.balance())["hkd"] == before
    (payout,) = await custody.bank_payouts(made.payable_id)
    assert (payout.reference, payout.amount, payout.back) == (slip.reference, FEE, False)
    assert await db.value("select count(*) from core_mail where message = 'payments/paid_out_by_bank'") == 1
    await acts.everything_fits(there)
    await acts.ready_payee(there, made)
    await stripe.sweep()
    await stripe.sweep()
    assert await known.orders(made.payable_id) == [], "it does not go out a second time"
    await services.confirm_receipt(actor=made.payee, payable_id=made.payable_id)
    assert await acts.state(made) is PayableState.CONFIRMED
    await acts.everything_fits(there)


async def test_only_when_a_payout_is_allowed(there: World) -> None:
    made, boss, officer = await acts.kept(there), await operator(), await make.member(Role.MARKET_SUPERVISOR)
    act = {"actor": boss, "payable_id": made.payable_id}
    for nobody in (made.payer, made.payee):
        with pytest.raises(Forbidden):
            await services.pay_out_by_bank(actor=nobody, payable_id=made.payable_id, draft=voucher())
    with pytest.raises(PayableNotFound):
        await services.pay_out_by_bank(actor=boss, payable_id=10**9, draft=voucher())
    with pytest.raises(AmountDiffers):
        await services.pay_out_by_bank(**act, draft=voucher(seen=Decimal(1)))
    with pytest.raises(PaidInFuture):
        await services.pay_out_by_bank(**act, draft=voucher(paid_on=clock.today() + timedelta(days=1)))
    await services.place_hold(actor=officer, payable_id=made.payable_id, reason="核查合同")
    with pytest.raises(PayoutOnHold):
        await services.pay_out_by_bank(**act, draft=voucher())
    await services.lift_hold(actor=officer, payable_id=made.payable_id, reason="已核实")
    await stripe.refund(actor=made.payee, payable_id=made.payable_id, amount=Decimal(100), reason="协商退款")
    with pytest.raises(NothingKept):
        await services.pay_out_by_bank(**act, draft=voucher())
    await stripe.sweep()
    await acts.ready_payee(there, made)
    with pytest.raises(PayeeIsPaidOnline):
        await services.pay_out_by_bank(**act, draft=voucher())
    due = await make_payable()
    with pytest.raises(NotAllowedNow):
        await services.pay_out_by_bank(actor=boss, payable_id=due.payable_id, draft=voucher())
    bond = await make_payable(kind="bid-bond", amount="2000.00", base="100000.00")
    await acts.pay(there, bond)
    await there.deliver()
    with pytest.raises(BondsAreKept):
        await services.pay_out_by_bank(actor=boss, payable_id=bond.payable_id, draft=voucher())
    assert await db.value("select count(*) from payments_bank_payout") == 0


async def test_a_reference_is_used_once_and_two_at_once_pay_once(there: World) -> None:
    made, other, boss = await acts.kept(there), await acts.kept(there), await operator()
    slip = voucher()
    results = await asyncio.gather(
        *(services.pay_out_by_bank(actor=boss, payable_id=made.payable_id, draft=one) for one in (slip, voucher())),
        return_exceptions=True,
    )
    assert sum(isinstance(one, NotAllowedNow) for one in results) == 1, results
    (payout,) = await custody.bank_payouts(made.payable_id)
    with pytest.raises(ReferenceUsed):
        await services.pay_out_by_bank(
            actor=boss, payable_id=other.payable_id, draft=voucher(reference=payout.reference)
        )
    assert await own_bank() == -FEE
    await acts.everything_fits(there)


async def test_the_bank_returns_it_and_it_goes_out_again(there: World) -> None:
    made, boss, officer = await acts.kept(there), await operator(), await make.member(Role.MARKET_SUPERVISOR)
    act = {"actor": boss, "payable_id": made.payable_id}
    await services.pay_out_by_bank(**act, draft=voucher())
    with pytest.raises(ReturnDiffers):
        await services.return_by_bank(**act, draft=voucher(seen=Decimal(100)))
    await services.return_by_bank(**act, draft=voucher())
    row = await acts.payable(made)
    assert (row.state, row.paid_out, row.on_hold) == (PayableState.CAPTURED, 0, True)
    assert await own_bank() == 0
    await acts.everything_fits(there)
    await services.lift_hold(actor=officer, payable_id=made.payable_id, reason="账号已更正")
    await services.pay_out_by_bank(**act, draft=voucher())
    assert await acts.state(made) is PayableState.PAID_OUT
    await acts.everything_fits(there)


async def test_after_a_lost_dispute_the_payee_gives_it_back_in_parts(there: World) -> None:
    made, boss = await acts.kept(there), await operator()
    act = {"actor": boss, "payable_id": made.payable_id}
    await services.pay_out_by_bank(**act, draft=voucher())
    await lose(there, made)
    assert await queries.balance(PLATFORM, AccountKind.RECEIVABLE) == FEE
    await services.return_by_bank(**act, draft=voucher(seen=Decimal("600.00")))
    assert await queries.balance(PLATFORM, AccountKind.RECEIVABLE) == FEE - 600
    assert [one.trouble.value for one in await queries.troubles()] == ["lost"]
    await acts.everything_fits(there)
    with pytest.raises(RefundAbovePaid):
        await services.return_by_bank(**act, draft=voucher(seen=FEE))
    await services.return_by_bank(**act, draft=voucher())
    assert await queries.balance(made.payee.organization_id, AccountKind.PAYABLE) == 0
    assert await queries.troubles() == []
    await acts.everything_fits(there)


async def test_a_voucher_that_vanished_is_named_by_the_audit(there: World, committed_db: str) -> None:
    made = await acts.kept(there)
    await services.pay_out_by_bank(actor=await operator(), payable_id=made.payable_id, draft=voucher())
    owner = await asyncpg.connect(committed_db)
    try:
        await owner.execute("update payments_bank_payout set amount = amount - 1")
    finally:
        await owner.close()
    assert {one.check for one in (await queries.audit()).findings} == {Check.BANK}


# ---- pages
async def test_the_page_the_paper_and_the_payee(there: World, browse: Browse) -> None:
    made = await acts.kept(there)
    boss, payee, stranger = await browse(Role.ADMINISTRATOR), await browse(made.payee), await browse(Role.CLIENT)
    path = f"/payments/{made.payable_id}"
    assert "登记已划付 24,600.00 元" in (await boss.get(path)).text
    assert "登记已划付" not in (await payee.get(path)).text
    slip = {"reference": "2026112500000777", "paid_on": clock.today().isoformat(), "amount": "24600.00"}
    paper = {"voucher": ("回单.pdf", PDF, "application/pdf")}
    bad = await boss.submit(f"{path}/bank-payout", slip | {"reference": "号码？"}, paper)
    assert bad.status_code == 422
    assert "号码？" in bad.text
    assert (await payee.submit(f"{path}/bank-payout", slip, paper)).status_code == 403
    done = await boss.submit(f"{path}/bank-payout", slip, paper)
    assert done.status_code == 303, done.text
    page = (await payee.get(path)).text
    assert "2026112500000777" in page
    assert "联系平台核对" in page
    (payout,) = await custody.bank_payouts(made.payable_id)
    here = f"{path}/bank-payouts/{payout.id}"
    assert (await payee.get(here)).content == PDF
    assert (await stranger.get(here)).status_code == 404
    assert (await payee.submit(f"{path}/confirm", {})).status_code == 303
    assert await acts.state(made) is PayableState.CONFIRMED
    back = await boss.submit(f"{path}/bank-return", slip | {"reference": "2026112500000778"}, paper)
    assert back.status_code == 303, back.text
    assert "待决定去向" in (await payee.get(path)).text


async def test_the_page_says_why_not(there: World, browse: Browse) -> None:
    made = await acts.kept(there)
    await acts.ready_payee(there, made)
    boss = await browse(Role.ADMINISTRATOR)
    assert "不必经银行办理" in (await boss.get(f"/payments/{made.payable_id}")).text


async def test_json_twins(there: World, api: Any) -> None:
    made = await acts.kept(there)
    boss, stranger = await api(await operator()), await api(await make.member(Role.CLIENT))
    here = f"/api/v1/payables/{made.payable_id}"
    slip = {"reference": "A1", "paid_on": clock.today().isoformat(), "amount": "24600.00"}
    files = {"voucher": ("a.pdf", PDF, "application/pdf")}
    done = await boss.post(f"{here}/bank-payout", data=slip, files=files, headers={"Idempotency-Key": "a"})
    assert done.status_code == 201, done.text
    assert done.json()["state"] == "paid-out"
    data = slip | {"reference": "A2"}
    back = await boss.post(f"{here}/bank-return", data=data, files=files, headers={"Idempotency-Key": "b"})
    assert back.json()["state"] == "captured", back.text
    assert [one["back"] for one in (await boss.get(f"{here}/bank-payouts")).json()] == [False, True]
    assert (await stranger.get(f"{here}/bank-payouts")).status_code == 404
