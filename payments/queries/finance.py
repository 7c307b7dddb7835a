"""What the finance desk of the platform sees, exceptions first; bonds and payouts of one organisation."""
# ruff: noqa: S608  every query here is put together from constants

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from core import clock, db
from core.i18n import N_
from core.identity import Identity
from core.workdays import calendar
from payments.queries.payables import COLUMNS, PayableRow, payable_row
from payments.rules import BONDS, CONFIRM_WORKDAYS, PayableKind, PayableState

PAYOUT_DAYS = 3
"""Days after which money that is still kept by the platform is an exception."""


class Trouble(StrEnum):
    """Why a payable is on the finance desk, most urgent first."""

    LOST = "lost"
    REFUND_FAILED = "refund-failed"
    DISPUTED = "disputed"
    HELD = "held"
    CONTESTED = "contested"
    EXPIRED = "expired"
    KEPT = "kept"
    BOND_LATE = "bond-late"
    UNCONFIRMED = "unconfirmed"
    OVERDUE = "overdue"


TROUBLE_TITLES: dict[Trouble, str] = {
    Trouble.LOST: N_("拒付成立，钱还在收款方"),
    Trouble.REFUND_FAILED: N_("退款被银行退回"),
    Trouble.DISPUTED: N_("付款方拒付"),
    Trouble.HELD: N_("暂停支付中"),
    Trouble.CONTESTED: N_("收款方称未到账"),
    Trouble.EXPIRED: N_("冻结已过期"),
    Trouble.KEPT: N_("托管超过 3 天未划付"),
    Trouble.BOND_LATE: N_("保证金逾期未退"),
    Trouble.UNCONFIRMED: N_("超过 5 个工作日未确认"),
    Trouble.OVERDUE: N_("逾期未付"),
}


@dataclass(frozen=True)
class TroubleRow:
    """A payable and what is wrong with it."""

    trouble: Trouble
    row: PayableRow


@dataclass(frozen=True)
class AuditRow:
    """The latest audit on record."""

    ran_at: datetime
    payables: int
    postings: int
    entries: int
    findings: list[dict[str, Any]]


@dataclass(frozen=True)
class StateSum:
    """How many payables stand in a state, and their sum in yuan."""

    state: PayableState
    count: int
    amount: Decimal


TROUBLES = (
    COLUMNS
    + """ where p.state <> 'cancelled' and (
  p.state in ('disputed', 'contested', 'expired') or h.id is not null or p.refunded + p.paid_out > p.captured
  or p.id = any($5::bigint[])
  or (p.state = 'captured' and p.settled_at < $1 and not p.kind = any($4::text[]))
  or (p.state in ('due', 'contested') and p.due_on < $2)
  or (p.state = 'vouchered' and (select max(submitted_at) from payments_transfer t where t.payable = p.id) < $3))
order by p.due_on, p.id limit 2000"""
)


async def troubles() -> list[TroubleRow]:
    """Every payable that somebody should look at, most urgent first. For whoever may watch payments."""
    now, today, days = clock.now(), clock.today(), await calendar()
    late = today
    while days.count(late, today) <= CONFIRM_WORKDAYS:
        late = date.fromordinal(late.toordinal() - 1)
    failed = await _failed()
    since = now - timedelta(days=PAYOUT_DAYS)
    found = await db.rows(TROUBLES, since, today, clock.end_of_day(late), sorted(BONDS), sorted(failed))
    rows = [TroubleRow(_trouble(row, row.id in failed), row) for row in map(payable_row, found)]
    order = list(Trouble)
    return sorted(rows, key=lambda one: (order.index(one.trouble), one.row.due_on, one.row.id))


async def _failed() -> set[int]:
    """Payables whose refund came back and has not been made again."""
    found = await db.rows(
        "select distinct a.payable from payments_refund_failure f join payments_stripe_attempt a on a.id = f.attempt"
        " where f.settled_at is null"
    )
    return {row["payable"] for row in found}


def _trouble(row: PayableRow, refund_failed: bool) -> Trouble:
    if row.position.lost:
        return Trouble.LOST
    if refund_failed:
        return Trouble.REFUND_FAILED
    if row.state is PayableState.DISPUTED:
        return Trouble.DISPUTED
    if row.on_hold:
        return Trouble.HELD
    named = {
        PayableState.CONTESTED: Trouble.CONTESTED,
        PayableState.EXPIRED: Trouble.EXPIRED,
        PayableState.CAPTURED: Trouble.KEPT,
        PayableState.VOUCHERED: Trouble.UNCONFIRMED,
    }
    if row.state in named:
        return named[row.state]
    return Trouble.BOND_LATE if row.is_return else Trouble.OVERDUE


async def latest_audit() -> AuditRow | None:
    """The newest audit on record, or None."""
    row = await db.row(
        "select ran_at, payables, postings, entries, findings from payments_audit_run order by id desc limit 1"
    )
    return AuditRow(**dict(row)) if row else None


async def state_sums() -> list[StateSum]:
    """All payables by state, in the order of their life."""
    found = await db.rows("select state, count(*) as n, sum(amount) as amount from payments_payable group by state")
    by_state = {row["state"]: row for row in found}
    return [
        StateSum(state, by_state[state.value]["n"], by_state[state.value]["amount"])
        for state in PayableState
        if state.value in by_state
    ]


@dataclass(frozen=True)
class BondLine:
    """A bond with its return, as one of the parties sees it. `why` is the reason of its release on the trail."""

    row: PayableRow
    return_id: int | None
    return_state: PayableState | None
    return_due_on: date | None


BONDS_OF = (
    COLUMNS.replace(
        "select p.id,", "select b.id as return_id, b.state as return_state, b.due_on as return_due_on, p.id,", 1
    )
    + """
left join payments_payable b on b.kind = $2 and b.key = p.kind || ':' || p.key
where $1 in (p.payer, p.payee) and p.kind = any($3::text[]) order by p.id desc limit $4"""
)


async def bonds(identity: Identity, limit: int = 200) -> list[BondLine]:
    """Bonds that one's own organisation lodged or holds, newest first."""
    found = await db.rows(BONDS_OF, identity.organization_id, PayableKind.BOND_RETURN.value, sorted(BONDS), limit)
    return [_bond(dict(row)) for row in found]


def _bond(row: dict[str, Any]) -> BondLine:
    return_id, state, due_on = row.pop("return_id"), row.pop("return_state"), row.pop("return_due_on")
    return BondLine(payable_row(row), return_id, PayableState(state) if state else None, due_on)


@dataclass(frozen=True)
class IncomingLine:
    """What an organisation is to receive or has received, how it came, and its invoice."""

    row: PayableRow
    method: str | None
    paid_on: date | None
    invoice: str | None


INCOMING = (
    COLUMNS.replace("select p.id,", "select t.method, t.paid_on, i.number as invoice, p.id,", 1)
    + """
left join lateral (
  select method, paid_on from payments_transfer t where t.payable = p.id order by t.id desc limit 1) t on true
left join lateral (select number from payments_invoice i where i.payable = p.id order by i.id desc limit 1) i on true
where p.payee = $1 and p.state <> 'cancelled' and ($2::bigint is null or p.id < $2) order by p.id desc limit $3"""
)


async def incoming(identity: Identity, *, before: int | None = None, limit: int = 50) -> list[IncomingLine]:
    """Everything owed to one's own organisation that is not cancelled, newest first, with where the money is."""
    found = await db.rows(INCOMING, identity.organization_id, before, limit)
    return [_incoming(dict(row)) for row in found]


def _incoming(row: dict[str, Any]) -> IncomingLine:
    method, paid_on, invoice = row.pop("method"), row.pop("paid_on"), row.pop("invoice")
    return IncomingLine(payable_row(row), method, paid_on, invoice)


@dataclass(frozen=True)
class InvoiceRow:
    """An invoice on record."""

    id: int
    number: str
    issued_on: date
    amount: Decimal
    stored_id: int
    name: str
    size: int
    recorded_at: datetime


async def invoices(payable_id: int) -> list[InvoiceRow]:
    """The invoices of a payable, newest first: the first one counts. Show them only with a payable the reader may see."""
    found = await db.rows(
        "select i.id, i.number, i.issued_on, i.amount, i.stored as stored_id, s.name, s.size, i.recorded_at"
        " from payments_invoice i join core_stored_file s on s.id = i.stored where i.payable = $1 order by i.id desc",
        payable_id,
    )
    return [InvoiceRow(**dict(row)) for row in found]
