"""Beginning to pay: an attempt of ours first, then Stripe's page for it."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from core import clock, db, jobs, settings
from core.db import transaction
from core.errors import Rejected
from core.i18n import N_
from core.identity import Identity, Permission
from core.web import url_for
from payments.gateway import client
from payments.gateway.client import Body, StripeOff
from payments.queries.payables import PayableRow, payable
from payments.queries.stripe import ATTEMPT, AttemptRow, attempt_by, attempt_row
from payments.rules import PayableAct
from payments.rules.ledger import fen
from payments.rules.stripe import CHECKOUT_HOURS, LIVE, AttemptState, open_ways
from payments.services.moving import locked_by, move

OPEN_PAGE = "payments.stripe_page"
"""The job that opens Stripe's page for an attempt when the payer's browser did not come to ask for it."""


class OnlyBondsAreHeld(Rejected):
    """A fee is paid, not held."""

    code = "only-bonds-are-held"
    text = N_("只有保证金可以冻结；这笔款项请直接付款。")


@dataclass(frozen=True)
class AttemptReceipt:
    """What starting to pay leaves in the hand."""

    attempt_id: int
    payable_id: int
    hold: bool
    amount: int
    version: int


INSERT = """
insert into payments_stripe_attempt (key, payable, account, hold, amount, state, url, way, captured, settled, currency,
  excess, problem, created_at, expires_at)
values ($1, $2, $3, $4, $5, 'prepared', '', '', 0, 0, '', false, '', $6, $7) returning id
"""


def fresh_key(kind: str) -> str:
    """A key of our own for one thing that Stripe is to do once: `pay-9f…`."""
    return f"{kind}-{secrets.token_hex(16)}"


async def start_payment(
    *, actor: Identity, payable_id: int, hold: bool = False, version: int | None = None
) -> AttemptReceipt:
    """The payer begins to pay through Stripe, or to have a bond held. Pressed again while a page is open, the same page
    comes back. `StripeOff`, `NoWayToPay`, `PayoutOnHold`, `OnlyBondsAreHeld`, `NotAllowedNow`, `StaleForm`."""
    actor.require(Permission.PAY)
    known = client.account()
    if known is None:
        raise StripeOff
    async with transaction():
        row = await locked_by(actor, payable_id, "payer")
        going = await _going(row, hold)
        if going is not None:
            return AttemptReceipt(going.id, row.id, going.hold, going.amount, row.version)
        row = await locked_by(actor, payable_id, "payer", version)
        row.check_not_held()
        if hold and not row.is_bond:
            raise OnlyBondsAreHeld
        amount, now = fen(row.amount), clock.now()
        open_ways(amount, hold=hold, country=known.country)
        attempt_id: int = await db.value(
            INSERT,
            fresh_key("hold" if hold else "pay"),
            row.id,
            actor.account_id,
            hold,
            amount,
            now,
            now + timedelta(hours=CHECKOUT_HOURS),
        )
        facts = {"attempt": attempt_id, "hold": hold}
        receipt = await move(actor=actor, row=row, to=PayableAct.START, says="payable.started", facts=facts)
        await jobs.defer(OPEN_PAGE, {"attempt_id": attempt_id})
    return AttemptReceipt(attempt_id, row.id, hold, amount, receipt.version)


async def _going(row: PayableRow, hold: bool) -> AttemptRow | None:
    """An attempt of the same kind that may still be paid: two pages at once could be paid twice."""
    found = await db.row(
        ATTEMPT + " where a.payable = $1 and a.hold = $2 and a.state = any($3) and a.expires_at > $4"
        " order by a.id desc limit 1",
        row.id,
        hold,
        [state.value for state in LIVE],
        clock.now() + timedelta(minutes=5),
    )
    return attempt_row(found) if found else None


async def page_for(attempt_id: int) -> AttemptRow:
    """The attempt with Stripe's page open for it, opened now unless it is. `StripeAway`, `StripeRefuses`."""
    attempt = await attempt_by("id", attempt_id)
    assert attempt is not None
    if attempt.session is not None or not attempt.live or attempt.expires_at <= clock.now():
        return attempt
    session = await _open(attempt)
    async with transaction():
        await db.execute(
            "update payments_stripe_attempt set session = $2, url = $3,"
            " state = case state when 'prepared' then 'open' else state end where id = $1 and session is null",
            attempt_id,
            session["id"],
            session["url"] or "",
        )
    found = await attempt_by("id", attempt_id)
    assert found is not None
    return found


async def _open(attempt: AttemptRow) -> Body:
    known = client.account()
    assert known is not None
    row = await _payable(attempt.payable_id)
    back = settings.load().address + url_for(
        "payments:stripe-attempt", payable_id=attempt.payable_id, attempt_id=attempt.id
    )
    return await client.gateway().open_checkout(
        key=attempt.key,
        amount=attempt.amount,
        title=f"{row.number} {row.title}"[:250],
        methods=[way.value for way in open_ways(attempt.amount, hold=attempt.hold, country=known.country)],
        hold=attempt.hold,
        back=f"{back}?back=1",
        away=f"{back}?back=0",
        metadata={"xinshi": attempt.key, "payable": row.number},
        group=row.number,
        expires_at=int(attempt.expires_at.timestamp()),
    )


async def _payable(payable_id: int) -> PayableRow:
    from payments.queries.payables import COLUMNS, payable_row

    return payable_row(await db.row(COLUMNS + " where p.id = $1", payable_id))


async def attempt_state(identity: Identity, payable_id: int) -> AttemptState | None:
    """How the newest attempt at a payable of one's own stands, or None."""
    await payable(payable_id, identity)
    state: str | None = await db.value(
        "select state from payments_stripe_attempt where payable = $1 order by id desc limit 1", payable_id
    )
    return AttemptState(state) if state else None
