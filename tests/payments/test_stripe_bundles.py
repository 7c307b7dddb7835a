"""Several payables on one page of Stripe: paid once, split to the fen and cent, and every part with a life of its own."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from litestar import Litestar

from core import db
from core.identity import Identity, Role
from payments.queries import stripe as known
from payments.rules import PayableState
from payments.services import stripe
from tests.factories import core as make
from tests.factories.payments import MadePayable, make_payable
from tests.payments import stripe_acts as acts
from tests.payments.stripe_world import World, world

pytestmark = pytest.mark.anyio
AMOUNTS = ("100.01", "33333.33", "7.77")
TOTAL = Decimal("33441.11")
S = PayableState


@pytest.fixture
async def there(committed_db: str, web_app: Litestar) -> AsyncIterator[World]:
    async with world(committed_db, web_app) as found:
        async for _ in acts.unattached():
            yield found


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
