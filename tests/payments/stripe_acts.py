"""Payments through the double as the tests of faults, properties and stories play them."""

from collections.abc import AsyncIterator
from typing import Any

from core import db
from payments import queries, services
from payments.queries import stripe as known
from payments.queries.payables import PayableRow, payable_row
from payments.rules import PayableState
from payments.rules.stripe import AttemptState
from payments.services import stripe
from payments.services.stripe.reconciling import provider_balance
from tests.factories.payments import MadePayable, make_payable
from tests.payments.stripe_world import World


async def nobody(*_facts: object) -> None:
    """Takes over and does nothing: these payables belong to no contract."""


async def unattached() -> AsyncIterator[None]:
    """Nobody above takes over while it lasts."""
    settled, check = list(services.SETTLED._takers), list(services.PAYEE_CHECK._takers)
    services.SETTLED.supply(nobody)
    services.PAYEE_CHECK.supply(nobody)
    yield
    services.SETTLED.supply(*settled)
    services.PAYEE_CHECK.supply(*check)


async def begin(made: MadePayable, *, hold: bool = False) -> known.AttemptRow:
    """The payer presses the button and Stripe's page is open."""
    receipt = await stripe.start_payment(actor=made.payer, payable_id=made.payable_id, hold=hold)
    return await stripe.page_for(receipt.attempt_id)


async def pay(there: World, made: MadePayable, method: str = "pm_card_visa", *, hold: bool = False) -> known.AttemptRow:
    """The payer pays on the double's page; its events wait with the courier."""
    attempt = await begin(made, hold=hold)
    await there.press(attempt.url, method)
    return attempt


async def kept(
    there: World, made: MadePayable | None = None, *, ready: bool = False, hold: bool = False
) -> MadePayable:
    """Paid online and kept by the platform, or held on the card; `ready`: the payee can be paid through Stripe."""
    made = made or await make_payable()
    if ready:
        await ready_payee(there, made)
    await pay(there, made, hold=hold)
    await there.deliver()
    assert await state(made) is (PayableState.AUTHORISED if hold else PayableState.CAPTURED)
    return made


async def settle_down(there: World) -> None:
    """Whatever waits at Stripe is done, and what follows from it."""
    for _ in range(3):
        await stripe.sweep()
        await there.deliver()


async def letters(message: str) -> int:
    """How many letters of a kind were written."""
    count: int = await db.value("select count(*) from core_mail where message = $1", f"payments/{message}")
    return count


async def payable(made: MadePayable) -> PayableRow:
    """How the payable stands."""
    return await queries.payable(made.payable_id, made.payer)


async def state(made: MadePayable) -> PayableState:
    """Its state alone."""
    return (await payable(made)).state


async def attempt_state(attempt: known.AttemptRow) -> AttemptState:
    """How an attempt stands."""
    found = await known.attempt_by("id", attempt.id)
    assert found is not None
    return found.state


async def ready_payee(there: World, made: MadePayable) -> str:
    """The payee has an account at the double that may receive money; its id."""
    await stripe.open_account(actor=made.payee, country="HK")
    from payments.services.stripe import payees

    link = await payees.onboarding_page(actor=made.payee)
    await there.people.post(link, data={"complete": "yes"})
    await there.deliver()
    payee = await known.payee_of(made.payee.organization_id)
    assert payee is not None
    assert payee.stripe is not None
    return payee.stripe


async def everything_fits(there: World) -> None:
    """The ledger balances, agrees with payables and trail, and with the double's balance to the cent."""
    report = await queries.audit()
    assert report.sound, report.findings
    assert await provider_balance("hkd") == (await there.balance()).get("hkd", 0)


async def events(state: str | None = None) -> list[Any]:
    """Events kept, in the order they came."""
    return await db.rows("select * from payments_stripe_event where $1::text is null or state = $1 order by id", state)


async def every_payable() -> list[PayableRow]:
    """Every payable there is."""
    from payments.queries.payables import COLUMNS

    return [payable_row(row) for row in await db.rows(COLUMNS + " order by p.id")]
