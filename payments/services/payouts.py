"""Payouts: what the platform keeps for a payee goes to it after acceptance, unless somebody stopped it."""

from core import clock, db
from core.db import transaction
from core.errors import Conflict
from core.handover import Handover
from core.i18n import N_
from core.identity import SYSTEM, Identity
from core.states import advance
from core.workdays import calendar
from payments.queries.custody import forfeit_objection
from payments.queries.payables import PayableRow
from payments.queries.stripe import unreturned
from payments.rules import TRANSITIONS, PayableAct, PayableState, Position
from payments.rules.custody import FORFEIT_WAIT_WORKDAYS, ForfeitContested, ForfeitWaits, RefundFailed, check_rest
from payments.rules.ledger import AccountKind, Posting, fen, paid_out, payout_reversed, payout_uncovered
from payments.rules.lifecycle import ZERO
from payments.services.moving import PaymentReceipt, locked, move, tell_row

PAYEE_CHECK: Handover[[int]] = Handover("payments.payee_check")
"""Called with the payee's organisation in the payout's transaction; a taker refuses by raising (suspended agency)."""


class BondsAreKept(Conflict):
    """A bond is not paid out to whoever keeps it, unless it is forfeited."""

    code = "bond-not-paid-out"
    text = N_("保证金由平台代管，不划付收款方；不再需要时原路退回。")


async def check_payout(row: PayableRow) -> None:
    """Whether what is kept for a locked payable may go to the payee now: captured, not on hold, payee not suspended.

    `NotAllowedNow`, `PayoutOnHold`, `BondsAreKept`, `ForfeitContested`, `ForfeitWaits`, `RestGoesBackFirst`, `RefundFailed`, and
    what the takers of `PAYEE_CHECK` raise. Call it before the
    provider is asked for a transfer; ask again when the transfer is recorded.
    """
    advance(TRANSITIONS, row.state, PayableAct.PAY_OUT)
    if row.is_bond:
        await _check_forfeited(row)
    row.check_not_held()
    failed = await unreturned(row.id)
    if failed:
        raise RefundFailed(amount=f"{failed:,.2f}")
    await PAYEE_CHECK(row.payee_id)


async def _check_forfeited(row: PayableRow) -> None:
    if row.forfeited_at is None or row.forfeited is None:
        raise BondsAreKept
    check_rest(row.position, row.forfeited)
    objection = await forfeit_objection(row.id)
    if objection is not None and objection.open:
        raise ForfeitContested
    until = (await calendar()).due_at(row.forfeited_at, FORFEIT_WAIT_WORKDAYS)
    if clock.now() <= until:
        raise ForfeitWaits(until=f"{clock.shanghai(until):%Y-%m-%d %H:%M}")


async def pay_out(*, payable_id: int, event: str, actor: Identity = SYSTEM) -> PaymentReceipt:
    """All that is kept for a payable goes to its payee. `event` is the transfer's id at the provider; the same event told
    twice changes nothing. Raises as `check_payout`."""
    async with transaction():
        row = await locked(payable_id)
        posting = paid_out(row.parties, fen(row.position.held) or fen(row.paid_out), event)
        known = await db.value("select trail_entry from payments_posting where key = $1", posting.key)
        if known is not None:
            return PaymentReceipt(row.id, row.number, row.state, row.version, known)
        await check_payout(row)
        receipt = await move(
            actor=actor,
            row=row,
            to=row.position.pay_out(),
            says="payable.paid-out",
            facts={"paid_out": row.position.held},
            postings=[posting],
        )
        await tell_row(row.payee_id, "payments/payment_paid_out", row)
    return receipt


def payout_posting(
    row: PayableRow, after: Position, event: str, through: AccountKind = AccountKind.PROVIDER
) -> Posting:
    """What moves when a payable goes from its present position to `after` by a payout or by taking one back."""
    amount, back = fen(abs(after.paid_out - row.paid_out)), after.paid_out < row.paid_out
    if row.state is PayableState.REFUNDED:
        kept = fen(abs(max(row.position.held, ZERO) - max(after.held, ZERO)))
        return payout_uncovered(row.parties, amount, event, back=back, kept=kept, through=through)
    return (payout_reversed if back else paid_out)(row.parties, amount, event, through=through)


async def payout_bar(row: PayableRow) -> Conflict | None:
    """Why a captured payable cannot be paid out now, for pages; None when it can."""
    try:
        await check_payout(row)
    except Conflict as refused:
        return refused
    return None
