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
from payments.queries.payables import PayableRow
from payments.queries.stripe import ATTEMPT, AttemptRow, attempt_by, attempt_row, together
from payments.rules import PayableAct
from payments.rules.ledger import fen
from payments.rules.stripe import CHECKOUT_HOURS, LIVE, open_ways
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
    parts = await together(attempt)
    session = await _open(parts)
    async with transaction():
        ids = [part.id for part in parts]
        await db.rows(
            "select id from payments_stripe_attempt where id = any($1::bigint[]) order by payable for update", ids
        )
        await db.execute(
            "update payments_stripe_attempt set session = $2, url = $3, state = case state when 'prepared' then 'open'"
            " else state end where id = any($1::bigint[]) and session is null",
            ids,
            session["id"],
            session["url"] or "",
        )
    found = await attempt_by("id", attempt_id)
    assert found is not None
    return found


async def _open(parts: list[AttemptRow]) -> Body:
    """A page of Stripe's for attempts that are paid together, one line for each; the first one's key is the page's."""
    known = client.account()
    assert known is not None
    first = min(parts, key=lambda part: part.id)
    rows = [await _payable(part.payable_id) for part in parts]
    group = await group_of(first)
    back = settings.load().address + _way_back(first)
    amounts = [part.amount for part in parts]
    ways = open_ways(sum(amounts), hold=first.hold, country=known.country)
    return await client.gateway().open_checkout(
        key=first.key,
        items=[(f"{row.number} {row.title}"[:250], amount) for row, amount in zip(rows, amounts, strict=True)],
        methods=[way.value for way in ways],
        hold=first.hold,
        back=f"{back}?back=1",
        away=f"{back}?back=0",
        metadata={"xinshi": first.key, "payable": group},
        group=group,
        expires_at=int(first.expires_at.timestamp()),
    )


def _way_back(attempt: AttemptRow) -> str:
    if attempt.bundle_id is not None:
        return url_for("payments:bundle-attempt", bundle_id=attempt.bundle_id)
    return url_for("payments:stripe-attempt", payable_id=attempt.payable_id, attempt_id=attempt.id)


async def group_of(attempt: AttemptRow) -> str:
    """Under what Stripe keeps payment and transfers together: the number of the payable, or of the bundle."""
    number: str = await db.value(
        "select coalesce(b.number, p.number) from payments_stripe_attempt a join payments_payable p on p.id = a.payable"
        " left join payments_bundle b on b.id = a.bundle where a.id = $1",
        attempt.id,
    )
    return number


async def _payable(payable_id: int) -> PayableRow:
    from payments.queries.payables import COLUMNS, payable_row

    return payable_row(await db.row(COLUMNS + " where p.id = $1", payable_id))
