"""Several payables on one page of Stripe: paid once, split to the fen and cent, and every part with a life of its own."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import anyio
import pytest

from core import clock, db
from core.errors import NotAllowedNow
from core.identity import Identity, Role
from payments import queries, services
from payments.gateway.client import StripeAway
from payments.queries import stripe as known
from payments.rules import AmountDiffers, PayableNotFound, PayableState
from payments.rules.stripe import AttemptState, OrderState
from payments.rules.stripe_bundle import ConcededTogether, OnlyFeesTogether, PaidTogether, PartBeingPaid
from payments.services import stripe
from payments.services.bundles import BundleSize
from payments.stripe_double import charging
from payments.stripe_double.courier import Weather
from tests.factories import core as make
from tests.factories.payments import MadePayable, make_payable, voucher
from tests.payments import stripe_acts as acts
from tests.payments.stripe_world import World
from tests.payments.test_stripe_faults import last_event, send

pytestmark = pytest.mark.anyio
AMOUNTS = ("100.01", "33333.33", "7.77")
TOTAL = Decimal("33441.11")
S = PayableState


async def three(payer: Identity | None = None) -> list[MadePayable]:
    """Three milestones of one payer with three payees."""
    payer = payer or await make.member(Role.CLIENT)
    return [await make_payable(payer=payer, amount=amount) for amount in AMOUNTS]


async def begin(made: Sequence[MadePayable]) -> list[known.AttemptRow]:
    """The payer presses "together" and Stripe's page is open; the attempts in the order of their payables."""
    started = await stripe.start_bundle(actor=made[0].payer, payable_ids=[one.payable_id for one in made])
    first = await stripe.page_for(started.attempts[0])
    return await known.together(first)


async def pay(there: World, made: Sequence[MadePayable], method: str = "pm_card_visa") -> list[known.AttemptRow]:
    """The payer pays them on the double's page; its events wait with the courier."""
    attempts = await begin(made)
    await there.press(attempts[0].url, method)
    return attempts


async def states(made: Sequence[MadePayable]) -> list[PayableState]:
    """How the payables stand."""
    return [await acts.state(one) for one in made]


async def books_are_clean(there: World) -> None:
    """Ledger, payables, trail and Stripe's balance agree, line by line."""
    await there.deliver()
    await stripe.sweep()
    await there.deliver()
    await acts.everything_fits(there)
    report = await stripe.reconcile()
    assert report.clean, report.differences
    assert report.lines == report.matched


async def lines(kind: str) -> list[Any]:
    """Our lines of a kind, in the order of their payables."""
    return await db.rows("select * from payments_stripe_line where kind = $1 order by payable", kind)


async def test_one_page_one_charge_split_to_the_fen_and_the_cent(there: World) -> None:
    made = await three()
    attempts = await pay(there, made)
    assert await states(made) == [S.PROCESSING] * 3
    assert len({one.session for one in attempts}) == 1
    async with there.double.store.read() as book:
        (session,) = await book.look("checkout.session", "", {})
    assert session["amount_total"] == 3_344_111
    await there.deliver()
    assert await states(made) == [S.CAPTURED] * 3
    assert [(await acts.payable(one)).captured for one in made] == [Decimal(amount) for amount in AMOUNTS]
    async with there.double.store.read() as book:
        (charge,) = await book.look("charge", "", {})
        whole = await book.find("balance_transaction", charge["balance_transaction"])
    parts = await lines("charge")
    assert {one["line"] for one in parts} == {whole["id"]}
    assert [one["presented"] for one in parts] == [10_001, 3_333_333, 777]
    assert sum(one["amount"] for one in parts) == whole["amount"]
    assert sum(one["fee"] for one in parts) == whole["fee"]
    assert [one["amount"] for one in parts] == [one.settled for one in await known.together(await again(attempts[0]))]
    numbers = {(await acts.payable(one)).receipt_number for one in made}
    assert len(numbers) == 3
    await books_are_clean(there)


async def again(attempt: known.AttemptRow) -> known.AttemptRow:
    """The attempt as it is now."""
    found = await known.attempt_by("id", attempt.id)
    assert found is not None
    return found


async def test_every_payee_gets_its_part_out_of_the_one_charge(there: World) -> None:
    made = await three()
    accounts = [await acts.ready_payee(there, one) for one in made]
    attempts = await pay(there, made)
    await there.deliver()
    await stripe.sweep()
    await stripe.sweep()
    assert await states(made) == [S.PAID_OUT] * 3
    async with there.double.store.read() as book:
        transfers = await book.look("transfer", "", {})
        held = [(await book.balance(account))["hkd"] for account in accounts]
    assert len({one["source_transaction"] for one in transfers}) == 1
    assert held == [(await again(one)).settled for one in attempts]
    await books_are_clean(there)


async def test_events_doubled_and_in_the_wrong_order_change_nothing(there: World) -> None:
    made = await three()
    await pay(there, made)
    for kind in ("checkout.session.completed", "payment_intent.succeeded", "charge.succeeded"):
        event = await last_event(there, kind)
        assert [await send(there, event) for _ in range(3)] == [200] * 3
        assert await states(made) == [S.CAPTURED] * 3
    await there.double.courier.set_weather(Weather(duplicate=0.5, reorder=0.5, seed=7))
    await there.deliver()
    assert await db.value("select count(*) from payments_posting where kind = 'captured'") == 3
    assert await db.value("select count(*) from core_mail where message = 'payments/payment_confirmed'") == 3
    await books_are_clean(there)


async def test_everybody_asks_at_once_from_every_side(there: World) -> None:
    """Events, the returning page and the sweep come in by different parts of the bundle: once, and nobody waits for ever."""
    made = await three()
    attempts = await pay(there, made)
    event = await last_event(there, "payment_intent.succeeded")
    answers: list[int] = []

    async def sent() -> None:
        answers.append(await send(there, event))

    async with anyio.create_task_group() as group:
        for attempt in (*attempts, *reversed(attempts)):
            group.start_soon(sent)
            group.start_soon(stripe.refresh, attempt.id)
        group.start_soon(stripe.sweep)
    assert answers == [200] * 6
    assert await states(made) == [S.CAPTURED] * 3
    assert await db.value("select count(*) from payments_posting where kind = 'captured'") == 3
    assert await db.value("select count(*) from payments_stripe_line") == 3
    await books_are_clean(there)


async def test_every_event_is_lost(there: World) -> None:
    await there.double.courier.set_weather(Weather(loss=1.0))
    made = await three()
    await pay(there, made)
    await there.deliver()
    calls = len(there.line.calls)
    with clock.at(clock.now() + timedelta(minutes=11)):
        await stripe.sweep()
    assert await states(made) == [S.CAPTURED] * 3
    assert len(there.line.calls) - calls == 2, "the page is asked for once, not once for each part"
    await books_are_clean(there)


async def test_reconciliation_heals_a_whole_bundle(there: World) -> None:
    await there.double.courier.set_weather(Weather(loss=1.0))
    made = await three()
    await pay(there, made)
    await there.deliver()
    report = await stripe.reconcile()
    assert [one.get("healed") for one in report.differences] == [True]
    assert await states(made) == [S.CAPTURED] * 3
    await books_are_clean(there)


async def test_a_page_that_lapses_lets_all_go_and_they_may_be_paid_otherwise(there: World) -> None:
    made = await three()
    attempts = await begin(made)
    with clock.at(clock.now() + timedelta(hours=25)):
        await stripe.sweep()
        await there.deliver()
        assert await states(made) == [S.DUE] * 3
        assert [(await again(one)).state for one in attempts] == [AttemptState.LAPSED] * 3
        await pay(there, made)
        await there.deliver()
        assert await states(made) == [S.CAPTURED] * 3
        await books_are_clean(there)


async def test_giving_up_closes_the_page_for_all(there: World) -> None:
    made = await three()
    attempts = await begin(made)
    bundle_id = attempts[0].bundle_id
    assert bundle_id is not None
    payer = made[0].payer
    with pytest.raises(PaidTogether):
        await stripe.give_up(actor=payer, payable_id=attempts[1].payable_id, attempt_id=attempts[1].id)
    with pytest.raises(PayableNotFound):
        await stripe.give_up_bundle(actor=await make.member(Role.CLIENT), bundle_id=bundle_id)
    await stripe.give_up_bundle(actor=payer, bundle_id=bundle_id)
    with pytest.raises(NotAllowedNow):
        await stripe.give_up_bundle(actor=payer, bundle_id=bundle_id)
    await stripe.sweep()
    assert await states(made) == [S.DUE] * 3
    assert "已过期" in (await there.press(attempts[0].url)).text
    await books_are_clean(there)


async def late(there: World, attempts: Sequence[known.AttemptRow]) -> None:
    """The page that was given up is paid all the same: Stripe was quicker than we."""
    async with there.double.store.write() as book:
        session = await book.find("checkout.session", attempts[0].session or "")
        await book.put(session | {"status": "open"})
    await there.press(attempts[0].url)
    await there.deliver()


async def test_paid_after_giving_up_settles_what_is_still_owed(there: World) -> None:
    made = await three()
    attempts = await begin(made)
    await stripe.give_up_bundle(actor=made[0].payer, bundle_id=attempts[0].bundle_id or 0)
    await stripe.sweep()
    await late(there, attempts)
    assert await states(made) == [S.CAPTURED] * 3
    await books_are_clean(there)


async def test_one_part_was_paid_by_bank_meanwhile_and_goes_back(there: World) -> None:
    made = await three()
    attempts = await begin(made)
    await stripe.give_up_bundle(actor=made[0].payer, bundle_id=attempts[0].bundle_id or 0)
    await stripe.sweep()
    await services.submit_voucher(actor=made[1].payer, payable_id=made[1].payable_id, draft=voucher())
    await services.confirm_receipt(actor=made[1].payee, payable_id=made[1].payable_id)
    await late(there, attempts)
    assert await states(made) == [S.CAPTURED, S.CONFIRMED, S.CAPTURED]
    assert [(await again(one)).excess for one in attempts] == [False, True, False]
    await stripe.sweep()
    async with there.double.store.read() as book:
        (back,) = await book.look("refund", "", {})
    assert back["amount"] == 3_333_333
    await books_are_clean(there)
    assert await states(made) == [S.CAPTURED, S.CONFIRMED, S.CAPTURED]
    assert (
        await db.value(
            "select sum(amount) from payments_entry e join payments_account a on a.id = e.account"
            " where a.kind = 'unapplied'"
        )
        == 0
    )


async def test_one_part_is_given_back_the_others_are_untouched(there: World) -> None:
    made = await three()
    attempts = await pay(there, made)
    await there.deliver()
    order = {"actor": made[1].payee, "payable_id": made[1].payable_id, "reason": "双方协商退款"}
    await stripe.refund(amount=Decimal("33.33"), **order)
    await stripe.refund(amount=Decimal("33300.00"), **order)
    await stripe.refund(actor=made[2].payee, payable_id=made[2].payable_id, amount=Decimal("7.00"), reason="少做一部分")
    await stripe.sweep()
    assert await states(made) == [S.CAPTURED, S.REFUNDED, S.CAPTURED]
    assert [(await acts.payable(one)).refunded for one in made] == [Decimal(0), Decimal("33333.33"), Decimal(7)]
    for one in made:
        await acts.ready_payee(there, one)
    await stripe.sweep()
    await stripe.sweep()
    assert await states(made) == [S.PAID_OUT, S.REFUNDED, S.PAID_OUT]
    sent = await known.transferred(made[2].payee.organization_id)
    assert [one.amount for one in sent] == [77]
    assert sent[0].settled < (await again(attempts[2])).settled
    await books_are_clean(there)


async def test_a_refund_that_nobody_here_ordered_is_named_and_never_guessed(there: World) -> None:
    made = await three()
    await pay(there, made)
    await there.deliver()
    async with there.double.store.write() as book:
        (charge,) = await book.look("charge", "", {})
        await charging.refund(book, charge, 500, None, {})
    await there.deliver()
    assert await states(made) == [S.CAPTURED] * 3
    assert {one["state"] for one in await acts.events()} == {"applied"}
    assert (await queries.audit()).sound
    report = await stripe.reconcile()
    (found,) = report.differences
    assert (found["what"], found["type"], found["healed"]) == ("unknown-to-us", "refund", False)
    assert not report.clean


@pytest.mark.parametrize("won", [True, False])
async def test_a_dispute_takes_from_every_part_what_had_not_gone_back(there: World, won: bool) -> None:
    made = await three()
    await acts.ready_payee(there, made[1])
    await pay(there, made)
    await there.deliver()
    await stripe.refund(actor=made[0].payee, payable_id=made[0].payable_id, amount=Decimal("100.01"), reason="全部退回")
    await stripe.sweep()
    await stripe.sweep()
    assert await states(made) == [S.REFUNDED, S.PAID_OUT, S.CAPTURED]
    async with there.double.store.write() as book:
        (charge,) = await book.look("charge", "", {})
        dispute = await charging.dispute(book, charge, "fraudulent")
    await there.deliver()
    assert await states(made) == [S.REFUNDED, S.DISPUTED, S.DISPUTED]
    assert sorted(one.amount for one in await known.disputes()) == [777, 3_333_333]
    taken = dispute["balance_transactions"][0]
    parts = await db.rows("select * from payments_stripe_line where line = $1", taken["id"])
    assert sum(one["amount"] for one in parts) == taken["amount"]
    assert sum(one["fee"] for one in parts) == taken["fee"]
    await acts.everything_fits(there)
    async with there.double.store.write() as book:
        await charging.decide(book, await book.find("dispute", dispute["id"]), won=won)
    await there.deliver()
    after = [S.REFUNDED, S.PAID_OUT, S.CAPTURED] if won else [S.REFUNDED, S.REFUNDED, S.REFUNDED]
    assert await states(made) == after
    assert all(not one.open for one in await known.disputes())
    if won:
        await books_are_clean(there)
    else:
        await acts.everything_fits(there)
        assert (await stripe.reconcile()).clean


async def test_the_bank_hears_all_payees_of_a_disputed_bundle_at_once(there: World) -> None:
    made = (await three())[:2]
    await pay(there, made, "pm_card_createDispute")
    await there.deliver()
    regulator = await make.member(Role.MARKET_SUPERVISOR)
    first, second = sorted(await known.disputes(), key=lambda one: one.payable_id)
    assert (first.parts, second.parts) == (2, 2)
    with pytest.raises(ConcededTogether):
        await stripe.concede_dispute(actor=made[0].payee, dispute_id=first.id, reason="我方认可")
    await stripe.answer_dispute(actor=made[0].payee, dispute_id=first.id, text="成果已验收")
    await stripe.sweep()
    assert (await evidence(there)) == ("needs_response", 0)
    await stripe.answer_dispute(actor=made[1].payee, dispute_id=second.id, text="报告已交付")
    await stripe.sweep()
    assert (await evidence(there)) == ("under_review", 1)
    async with there.double.store.read() as book:
        (case,) = await book.look("dispute", "", {})
    assert case["evidence"]["uncategorized_text"].splitlines() == [
        f"{(await acts.payable(made[0])).number}: 成果已验收",
        f"{(await acts.payable(made[1])).number}: 报告已交付",
    ]
    await stripe.concede_dispute(actor=regulator, dispute_id=second.id, reason="两家均未交付")
    await stripe.sweep()
    assert await states(made) == [S.REFUNDED] * 2
    await books_are_clean(there)


async def evidence(there: World) -> tuple[str, int]:
    """How the double's only dispute stands and how often evidence was handed in for good."""
    async with there.double.store.read() as book:
        (case,) = await book.look("dispute", "", {})
    return case["status"], case["evidence_details"]["submission_count"]


@pytest.mark.parametrize("tried", [True, False])
@pytest.mark.parametrize("won", [True, False])
async def test_a_dispute_before_what_was_paid_twice_has_gone_back(there: World, won: bool, tried: bool) -> None:
    """The bank takes the whole charge back, the part that settled nothing with it: that goes to the payer once, whoever
    decides, and whether its refund was refused meanwhile or still waits."""
    made = await three()
    attempts = await begin(made)
    await stripe.give_up_bundle(actor=made[0].payer, bundle_id=attempts[0].bundle_id or 0)
    await stripe.sweep()
    await services.submit_voucher(actor=made[2].payer, payable_id=made[2].payable_id, draft=voucher())
    await late(there, attempts)
    async with there.double.store.write() as book:
        (charge,) = await book.look("charge", "", {})
        dispute = await charging.dispute(book, charge, "duplicate")
    await there.deliver()
    assert await states(made) == [S.DISPUTED, S.DISPUTED, S.VOUCHERED]
    if tried:
        await stripe.sweep()
        assert [one.state for one in await known.orders(made[2].payable_id)] == [OrderState.REFUSED]
    async with there.double.store.write() as book:
        await charging.decide(book, await book.find("dispute", dispute["id"]), won=won)
    await books_are_clean(there)
    after = S.CAPTURED if won else S.REFUNDED
    assert await states(made) == [after, after, S.VOUCHERED]
    async with there.double.store.read() as book:
        assert [one["amount"] for one in await book.look("refund", "", {})] == ([777] if won else [])
    unapplied = await db.value(
        "select sum(amount) from payments_entry e join payments_account a on a.id = e.account where a.kind = 'unapplied'"
    )
    assert unapplied == 0


async def test_the_answer_lost_while_the_page_opens(there: World) -> None:
    made = await three()
    started = await stripe.start_bundle(actor=made[0].payer, payable_ids=[one.payable_id for one in made])
    there.line.cut_after = 3
    with pytest.raises(StripeAway):
        await stripe.page_for(started.attempts[2])
    async with there.double.store.read() as book:
        (session,) = await book.look("checkout.session", "", {})
    await there.press(session["url"])
    await there.deliver()
    assert await states(made) == [S.CAPTURED] * 3
    await books_are_clean(there)


async def test_what_does_not_go_together(there: World) -> None:
    payer = await make.member(Role.CLIENT)
    made = await three(payer)
    ids = [one.payable_id for one in made]
    foreign = await make_payable()
    bond = await make_payable(payer=payer, kind="bid-bond", amount="200.00", base="10000.00")
    single = await make_payable(payer=payer)
    await acts.begin(single)
    refused: list[tuple[list[int], type[Exception]]] = [
        (ids[:1], BundleSize),
        ([*ids, foreign.payable_id], PayableNotFound),
        ([*ids, bond.payable_id], OnlyFeesTogether),
        ([*ids, single.payable_id], PartBeingPaid),
    ]
    for chosen, error in refused:
        with pytest.raises(error):
            await stripe.start_bundle(actor=payer, payable_ids=chosen)
    with pytest.raises(AmountDiffers):
        await stripe.start_bundle(actor=payer, payable_ids=ids, seen=TOTAL - 1)
    assert await db.value("select count(*) from payments_bundle") == 0
    assert await states(made) == [S.DUE] * 3
    started = await stripe.start_bundle(actor=payer, payable_ids=ids, seen=TOTAL)
    assert started.amount == TOTAL
    with pytest.raises(PartBeingPaid):
        await stripe.start_bundle(actor=payer, payable_ids=ids)
    alone = await stripe.start_payment(actor=payer, payable_id=ids[0])
    assert alone.attempt_id in started.attempts, "no second page beside the bundle's"
