"""Writing orders to Stripe: in the transaction of the act that wants them, with the job that carries them out."""

from core import clock, db, jobs
from core.identity import SYSTEM, Identity
from payments.rules.stripe import OrderKind
from payments.services.stripe.paying import fresh_key

RUN_ORDER = "payments.stripe_order"
"""The job that carries an order out; its argument is `order_id`."""
PAY_OUT = "payments.stripe_payout"
"""The job that passes on what is kept for a payee, when that may be; its argument is `payable_id`."""


async def order(
    kind: OrderKind,
    attempt_id: int,
    *,
    amount: int = 0,
    settled: int = 0,
    target: str = "",
    text: str = "",
    actor: Identity = SYSTEM,
) -> int:
    """Write an order, to be carried out after the commit; its id. RuntimeError outside a transaction."""
    db.current()
    order_id: int = await db.value(
        "insert into payments_stripe_order (key, kind, attempt, account, amount, settled, target, text, state, problem,"
        " tries, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', '', 0, $9) returning id",
        fresh_key(kind.value),
        kind.value,
        attempt_id,
        actor.account_id,
        amount,
        settled,
        target,
        text,
        clock.now(),
    )
    await jobs.defer(RUN_ORDER, {"order_id": order_id})
    return order_id


async def later(payable_id: int) -> None:
    """Think of passing on what is kept for the payee of a payable."""
    await jobs.defer(PAY_OUT, {"payable_id": payable_id})
