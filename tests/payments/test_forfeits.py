"""Forfeited bonds: taken from the card, kept by the platform, or kept by the holder – and never given back twice."""

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
from payments.rules import BondReleased, CaptureAboveHeld, NotABond, PayableNotFound, PayableState, Position
from payments.rules.audit import Audited, Check, expected
from payments.rules.custody import BondForfeited, ForfeitWaits, RestGoesBackFirst, check_forfeit, check_rest
from payments.rules.ledger import AccountKind
from payments.services import stripe
from payments.services.moving import locked
from payments.services.payouts import BondsAreKept
from payments.services.stripe import orders
from tests.factories import core as make
from tests.factories.payments import MadePayable, make_bond, make_payable, pay
from tests.payments import stripe_acts as acts
from tests.payments.stripe_world import World

pytestmark = pytest.mark.anyio
WHY = "中选后无正当理由不签合同"
AFTER = timedelta(days=14)
Browse = Any


async def lodged(there: World, *, hold: bool = False) -> MadePayable:
    """A bond held on a card, or paid and kept by the platform; its holder can be paid through Stripe."""
    return await acts.kept(there, await make_bond(), ready=True, hold=hold)


# ---- rules
MONEY = st.integers(1, 300_000).map(lambda cents: Decimal(cents).scaleb(-2))


@given(MONEY, MONEY)
def test_never_more_is_forfeited_than_is_held(asked: Decimal, left: Decimal) -> None:
    at = Position(PayableState.CAPTURED, Decimal(3000), captured=left)
    if asked > left:
        with pytest.raises(CaptureAboveHeld):
            check_forfeit(at, bond=True, released=False, asked=asked, left=left)
    else:
        check_forfeit(at, bond=True, released=False, asked=asked, left=left)
        if asked < left:
            with pytest.raises(RestGoesBackFirst):
                check_rest(at, asked)


@pytest.mark.parametrize("state", list(PayableState))
def test_only_what_is_held_is_forfeited(state: PayableState) -> None:
    at = Position(state, Decimal(10), captured=Decimal(10))
    facts = {"bond": True, "released": False, "asked": Decimal(1), "left": Decimal(10)}
    if state in {PayableState.AUTHORISED, PayableState.CAPTURED, PayableState.CONFIRMED}:
        check_forfeit(at, **facts)
        with pytest.raises(NotAllowedNow):
            check_forfeit(at, **facts | {"released": True})
        with pytest.raises(NotABond):
            check_forfeit(at, **facts | {"bond": False})
    else:
        with pytest.raises(NotAllowedNow):
            check_forfeit(at, **facts)


def test_a_forfeited_bond_no_longer_belongs_to_whoever_lodged_it() -> None:
    at = Position(PayableState.CONFIRMED, Decimal(10))
    held = expected(Audited("n", at, True, True, {}))
    kept = expected(Audited("n", at, True, True, {}, forfeited=True))
    assert held.keys() - kept.keys() == {("payer", "bonds-lodged"), ("payee", "bonds-held")}
    assert sum(kept.values()) == 0


# ---- online
async def test_a_hold_is_taken_and_goes_to_the_holder_when_the_payer_has_had_time(there: World) -> None:
    made = await lodged(there, hold=True)
    await services.forfeit_bond(actor=made.payee, payable_id=made.payable_id, amount=Decimal("1500.00"), reason=WHY)
    row = await acts.payable(made)
    assert (row.forfeited, row.forfeit_reason) == (Decimal("1500.00"), WHY)
    assert await acts.letters("bond_forfeited") == 1
    with pytest.raises(BondForfeited, match=WHY):
        await services.release_bond(actor=made.payee, payable_id=made.payable_id, reason="改变主意了")
    assert await services.release_bond_of(kind="bid-bond", key=made.key, reason="contract-filed") is None
    await acts.settle_down(there)
    row = await acts.payable(made)
    assert (row.state, row.captured, row.paid_out) == (PayableState.CAPTURED, Decimal("1500.00"), 0)
    with pytest.raises(ForfeitWaits):
        await stripe.order_payout(payable_id=made.payable_id)
    with clock.at(clock.now() + AFTER):
        await acts.settle_down(there)
        row = await acts.payable(made)
        assert (row.state, row.paid_out) == (PayableState.PAID_OUT, Decimal("1500.00"))
        await services.confirm_receipt(actor=made.payee, payable_id=made.payable_id)
    await acts.everything_fits(there)


async def test_of_a_bond_that_was_paid_the_rest_goes_back_first(there: World) -> None:
    made = await lodged(there)
    with pytest.raises(BondsAreKept):
        await services.check_payout(await locked(made.payable_id))
    await services.forfeit_bond(actor=made.payee, payable_id=made.payable_id, amount=Decimal("500.00"), reason=WHY)
    with pytest.raises(RestGoesBackFirst):
        await services.check_payout(await locked(made.payable_id))
    await acts.settle_down(there)
    assert (await acts.payable(made)).refunded == Decimal("1500.00")
    with clock.at(clock.now() + AFTER):
        await acts.settle_down(there)
    row = await acts.payable(made)
    assert (row.state, row.refunded, row.paid_out) == (PayableState.PAID_OUT, Decimal("1500.00"), Decimal("500.00"))
    assert await queries.balance(made.payee.organization_id, AccountKind.OUTSIDE) == Decimal("500.00")
    await acts.everything_fits(there)


async def test_the_regulator_stops_the_payout(there: World) -> None:
    made, officer = await lodged(there), await make.member(Role.MARKET_SUPERVISOR)
    await services.forfeit_bond(actor=officer, payable_id=made.payable_id, amount=Decimal("2000.00"), reason=WHY)
    await services.place_hold(actor=officer, payable_id=made.payable_id, reason="缴存方提出异议")
    with clock.at(clock.now() + AFTER):
        await acts.settle_down(there)
        assert (await acts.payable(made)).paid_out == 0
        await services.lift_hold(actor=officer, payable_id=made.payable_id, reason="异议不成立")
        await acts.settle_down(there)
    assert await acts.state(made) is PayableState.PAID_OUT
    await acts.everything_fits(there)


async def test_a_hold_that_ran_out_before_it_was_taken_is_not_forfeited(there: World) -> None:
    made = await lodged(there, hold=True)
    await services.forfeit_bond(actor=made.payee, payable_id=made.payable_id, amount=Decimal("2000.00"), reason=WHY)
    (order,) = await known.orders(made.payable_id)
    with clock.at(clock.now() + timedelta(days=7, minutes=1)):
        await orders.run_order(order.id)
        row = await acts.payable(made)
        assert (row.state, row.forfeited_at) == (PayableState.EXPIRED, None)
        assert await acts.letters("forfeit_undone") == 2
        again = await acts.pay(there, made)
        await there.deliver()
        assert again.id
        await services.release_bond(actor=made.payee, payable_id=made.payable_id, reason="改由协商解决")
        await acts.settle_down(there)
    assert await acts.state(made) is PayableState.REFUNDED
    await acts.everything_fits(there)


async def test_the_sweep_undoes_what_a_crash_left(there: World) -> None:
    made = await lodged(there, hold=True)
    await services.forfeit_bond(actor=made.payee, payable_id=made.payable_id, amount=Decimal("2000.00"), reason=WHY)
    await db.execute("update payments_stripe_order set state = 'refused'")
    await stripe.sweep()
    row = await acts.payable(made)
    assert (row.state, row.forfeited_at) == (PayableState.AUTHORISED, None)
    entry = await db.value("select count(*) from core_trail_entry where act = 'payable.forfeit-undone'")
    assert entry == 1


async def test_a_released_bond_is_not_forfeited(there: World) -> None:
    made = await lodged(there)
    await services.release_bond(actor=made.payee, payable_id=made.payable_id, reason="已签合同，原路退还")
    with pytest.raises(BondReleased):
        await services.forfeit_bond(actor=made.payee, payable_id=made.payable_id, amount=Decimal(1), reason=WHY)


async def test_forfeit_and_release_at_once_one_wins(there: World) -> None:
    made, officer = await lodged(there), await make.member(Role.MARKET_SUPERVISOR)
    forfeit = {"payable_id": made.payable_id, "amount": Decimal("2000.00"), "reason": WHY}
    results = await asyncio.gather(
        services.forfeit_bond(actor=made.payee, **forfeit),
        services.forfeit_bond(actor=officer, **forfeit),
        services.release_bond(actor=made.payee, payable_id=made.payable_id, reason="原路退还给缴存方"),
        return_exceptions=True,
    )
    refused = [one for one in results if isinstance(one, (BondForfeited, BondReleased))]
    assert len(refused) == 2, results
    await acts.settle_down(there)
    row = await acts.payable(made)
    assert (row.released_at is None) != (row.forfeited_at is None)
    await acts.everything_fits(there)


# ---- by bank
@pytest.mark.usefixtures("committed_db", "web_app")
async def test_by_bank_the_holder_keeps_it_and_owes_back_the_rest() -> None:
    async for _ in acts.unattached():
        made = await make_bond()
        await pay(made)
        stranger = await make.member(Role.CLIENT)
        order = {"payable_id": made.payable_id, "reason": WHY}
        for nobody in (stranger, made.payer):
            with pytest.raises(PayableNotFound):
                await services.forfeit_bond(actor=nobody, amount=Decimal(1), **order)
        with pytest.raises(CaptureAboveHeld):
            await services.forfeit_bond(actor=made.payee, amount=Decimal("2000.01"), **order)
        await services.forfeit_bond(actor=made.payee, amount=Decimal("1200.00"), **order)
        row = await queries.payable(made.payable_id, made.payee)
        assert (row.state, row.forfeited) == (PayableState.CONFIRMED, Decimal("1200.00"))
        assert await queries.balance(made.payee.organization_id, AccountKind.BONDS_HELD) == 0
        assert await queries.balance(made.payer.organization_id, AccountKind.BONDS_LODGED) == 0
        back = await queries.payable_for("bond-return", f"bid-bond:{made.key}")
        assert back is not None
        assert (back.amount, back.payer_id) == (Decimal("800.00"), made.payee.organization_id)
        with pytest.raises(BondForfeited):
            await services.release_bond(actor=made.payee, payable_id=made.payable_id, reason="改变主意了")
        with pytest.raises(BondForfeited):
            await services.forfeit_bond(actor=made.payee, amount=Decimal(1), **order)
        assert (await queries.audit()).findings == ()
        fee = await make_payable()
        with pytest.raises(NotABond):
            await services.forfeit_bond(actor=fee.payee, payable_id=fee.payable_id, amount=Decimal(1), reason=WHY)


@pytest.mark.parametrize(
    "statement",
    [
        "update payments_forfeit set amount = 1",
        "delete from payments_forfeit",
        "update payments_payable set released_at = now() where captured > 0",
    ],
)
async def test_the_audit_names_a_bond_that_went_to_its_holder_without_a_reason(there: World, statement: str) -> None:
    made = await lodged(there)
    await services.forfeit_bond(actor=made.payee, payable_id=made.payable_id, amount=Decimal("2000.00"), reason=WHY)
    with clock.at(clock.now() + AFTER):
        await acts.settle_down(there)
    assert (await queries.audit()).findings == ()
    await db.execute(statement)
    assert Check.BONDS in {one.check for one in (await queries.audit()).findings}


# ---- pages
async def test_the_page_says_what_was_decided_and_keeps_what_was_typed(there: World, browse: Browse) -> None:
    made = await lodged(there)
    holder, lodger, stranger = await browse(made.payee), await browse(made.payer), await browse(Role.CLIENT)
    path = f"/payments/{made.payable_id}"
    assert "决定不予退还" in (await holder.get(path)).text
    assert "决定不予退还" not in (await lodger.get(path)).text
    typed = {"keep_amount": "2000.01", "keep_reason": WHY}
    refused = await holder.submit(f"{path}/forfeit", typed)
    assert refused.status_code == 422
    assert 'value="2000.01"' in refused.text
    assert (await stranger.submit(f"{path}/forfeit", typed)).status_code == 404
    assert (await lodger.submit(f"{path}/forfeit", typed)).status_code == 404
    assert (await holder.submit(f"{path}/forfeit", {"keep_amount": "500", "keep_reason": "坏"})).status_code == 422
    done = await holder.submit(f"{path}/forfeit", typed | {"keep_amount": "500"})
    assert done.status_code == 303, done.text
    page = (await lodger.get(path)).text
    assert WHY in page
    assert "监管部门答复之前不划付" in page
    again = await holder.submit(f"{path}/release", {"reason": "还是退还给他们"})
    assert again.status_code == 409
    assert "不能再解除" in again.text
    assert WHY in (await holder.get("/payments/bonds")).text


async def test_the_json_twin(there: World, api: Any) -> None:
    made = await lodged(there)
    holder = await api(made.payee)
    path = f"/api/v1/payables/{made.payable_id}"
    body = {"amount": "2000.00", "reason": WHY}
    done = await holder.post(f"{path}/forfeit", json=body, headers={"Idempotency-Key": "a"})
    assert done.status_code == 201, done.text
    assert (await holder.get(path)).json()["forfeited"]["reason"] == WHY
    again = await holder.post(f"{path}/forfeit", json=body, headers={"Idempotency-Key": "b"})
    assert (again.status_code, again.json()["code"]) == (409, "bond-forfeited")
    stranger = await api(await make.member(Role.CLIENT))
    foreign = await stranger.post(f"{path}/forfeit", json=body, headers={"Idempotency-Key": "c"})
    assert foreign.status_code == 404
