"""What time and the queue do for payments through Stripe: every task asks again what is true before it acts."""

import structlog

from core import jobs
from core.errors import DomainError
from payments.gateway import client
from payments.gateway.client import StripeAway
from payments.services.bonds import RELEASE_ONLINE
from payments.services.stripe import orders, paying, reconcile, sweep
from payments.services.stripe.ordering import PAY_OUT, RUN_ORDER

_log = structlog.get_logger()


@jobs.task(paying.OPEN_PAGE)
async def open_page(attempt_id: int) -> None:
    """Open Stripe's page for an attempt, unless the payer's browser did."""
    if client.account() is not None:
        await paying.page_for(attempt_id)


@jobs.task(RUN_ORDER)
async def run_order(order_id: int) -> None:
    """Carry an order out; the sweep goes on trying when Stripe is away."""
    if client.account() is not None:
        await orders.run_order(order_id)


@jobs.task(PAY_OUT)
async def pay_out(payable_id: int) -> None:
    """Pass on what is kept for a payee, when that may be."""
    if client.account() is None:
        return
    try:
        await orders.order_payout(payable_id=payable_id)
    except DomainError as fault:
        _log.info("payout waits", payable=payable_id, reason=fault.code)


@jobs.task(RELEASE_ONLINE)
async def release_online(payable_id: int) -> None:
    """Let a released bond go, or refund it."""
    await orders.release_online(payable_id=payable_id)


@jobs.periodic("*/5 * * * *", "payments.stripe_sweep")
async def stripe_sweep() -> None:
    """Every five minutes: try again what waits for Stripe."""
    await sweep()


@jobs.periodic("30 18 * * *", "payments.stripe_reconcile")
async def stripe_reconcile() -> None:
    """At 02:30 in Shanghai: compare every line with Stripe's."""
    if client.account() is None:
        return
    try:
        report = await reconcile()
    except StripeAway:
        _log.warning("not reconciled: Stripe is away")
        return
    if not report.clean:
        _log.warning("books differ from Stripe's", check=report.check_id, differences=len(report.differences))
