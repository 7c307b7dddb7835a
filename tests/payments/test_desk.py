"""Whoever has to do something about money reads it on the desk, and can do it by program as well."""

import pytest

from core import clock
from core.desk import DeskItem
from core.identity import Identity, Role
from payments import queries
from payments.queries import stripe as known
from payments.services import stripe
from payments.services.watching import record_audit
from payments.stripe_double.charging import transact
from tests.conftest import Browse
from tests.factories import core as make
from tests.factories.payments import make_payable
from tests.payments import stripe_acts as acts
from tests.payments.stripe_world import World

pytestmark = pytest.mark.anyio


async def desk(who: Identity, kind: str) -> list[DeskItem]:
    """The lines of one kind."""
    return [one for one in await queries.desk_items(who, clock.now()) if one.kind == kind]


async def test_a_disputed_payment_waits_for_the_payee_with_the_bank_s_day(there: World) -> None:
    made, watcher = await make_payable(), await make.member(Role.MARKET_SUPERVISOR)
    await acts.pay(there, made, "pm_card_createDispute")
    assert await desk(made.payee, "拒付") == []
    await there.deliver()
    for who in (made.payee, watcher):
        (line,) = await desk(who, "拒付")
        assert line.due_at is not None
        assert (line.mine, line.button) == (True, "提交申诉材料")
        assert line.href.endswith(f"/payments/{made.payable_id}")
    assert await desk(made.payer, "拒付") == []
    assert await desk(await make.member(Role.AGENCY), "拒付") == [], "another agency's dispute is not mine"
    (dispute,) = await known.disputes()
    await stripe.answer_dispute(actor=made.payee, dispute_id=dispute.id, text="成果已验收，签收单附后")
    await stripe.sweep()
    await there.deliver()
    (line,) = await desk(made.payee, "拒付")
    assert (line.mine, line.button) == (False, "看进度")


async def test_money_that_waits_for_an_account_says_so_until_there_is_one(there: World) -> None:
    made = await make_payable(amount="640.00")
    await acts.pay(there, made)
    assert await desk(made.payee, "划付") == []
    await there.deliver()
    (line,) = await desk(made.payee, "划付")
    assert "640.00" in line.note
    assert line.href.endswith("/my/payout-account")
    assert await desk(made.payer, "划付") == []
    await acts.ready_payee(there, made)
    assert await desk(made.payee, "划付") == []


async def test_what_the_books_do_not_explain_waits_for_whoever_watches(there: World, api: Browse) -> None:
    made, watcher = await make_payable(), await make.member(Role.MARKET_SUPERVISOR)
    await acts.pay(there, made)
    await there.deliver()
    program = await api(watcher)
    clean = await program.post("/api/v1/payments/reconciliations", json={}, headers={"Idempotency-Key": "1"})
    assert (clean.status_code, clean.json()["clean"]) == (201, True), clean.text
    assert await desk(watcher, "支付对账") == []
    async with there.double.store.write() as book:
        await transact(book, "adjustment", -500, 0, "dp_of_nobody")
    found = await program.post("/api/v1/payments/reconciliations", json={}, headers={"Idempotency-Key": "2"})
    assert found.json()["clean"] is False
    assert found.json() == (await program.get("/api/v1/payments/reconciliations")).json()["items"][0]
    (line,) = await desk(watcher, "支付对账")
    assert line.href.endswith("/payments/stripe")
    assert await desk(made.payee, "支付对账") == []
    refused = await (await api(made.payee)).post(
        "/api/v1/payments/reconciliations", json={}, headers={"Idempotency-Key": "3"}
    )
    assert refused.status_code == 403


@pytest.mark.usefixtures("db")
async def test_the_last_audit_is_read_by_program(api: Browse) -> None:
    program = await api(Role.MARKET_SUPERVISOR)
    assert (await program.get("/api/v1/payments/audit")).json() == {"ran_at": None, "sound": None}
    made = await make_payable()
    await record_audit()
    told = (await program.get("/api/v1/payments/audit")).json()
    assert (told["sound"], told["payables"], told["findings"]) == (True, 1, [])
    assert (await (await api(made.payer)).get("/api/v1/payments/audit")).status_code == 403
