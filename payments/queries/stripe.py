"""Reads on what goes on with Stripe. Attempts, orders and disputes are shown with a payable that the reader may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core import db
from core.identity import Identity
from payments.rules.ledger import yuan_of
from payments.rules.stripe import (
    ATTEMPT_TITLES,
    LIVE,
    AttemptNotFound,
    AttemptState,
    OrderKind,
    OrderState,
)

ATTEMPT = """
select a.id, a.key, a.payable, a.bundle, a.account, a.hold, a.amount, a.state, a.session, a.url, a.intent, a.charge, a.way,
  a.captured, a.settled, a.currency, a.excess, a.problem, a.created_at, a.expires_at, a.held_until, a.asked_at,
  a.ended_at, a.looked_at
from payments_stripe_attempt a
"""


@dataclass(frozen=True)
class AttemptRow:
    """One attempt to pay; amounts in fen, `settled` in cents of `currency`."""

    id: int
    key: str
    payable_id: int
    bundle_id: int | None
    account_id: int
    hold: bool
    amount: int
    state: AttemptState
    session: str | None
    url: str
    intent: str | None
    charge: str | None
    way: str
    captured: int
    settled: int
    currency: str
    excess: bool
    problem: str
    created_at: datetime
    expires_at: datetime
    held_until: datetime | None
    asked_at: datetime | None
    ended_at: datetime | None
    looked_at: datetime | None

    @property
    def live(self) -> bool:
        """Whether somebody may still pay on its page."""
        return self.state in LIVE

    @property
    def title(self) -> str:
        """How the state is said."""
        return ATTEMPT_TITLES[self.state]

    @property
    def yuan(self) -> Decimal:
        """The amount in yuan."""
        return yuan_of(self.amount)


def attempt_row(row: Any) -> AttemptRow:
    """An `AttemptRow` out of a record that carries `ATTEMPT`."""
    return AttemptRow(
        **{name: value for name, value in row.items() if name not in {"payable", "bundle", "account", "state"}},
        payable_id=row["payable"],
        bundle_id=row["bundle"],
        account_id=row["account"],
        state=AttemptState(row["state"]),
    )


async def attempts(payable_id: int) -> list[AttemptRow]:
    """Every attempt at a payable, newest first. Show them only with a payable the reader may see."""
    return [attempt_row(row) for row in await db.rows(ATTEMPT + " where a.payable = $1 order by a.id desc", payable_id)]


async def attempt_of(payable_id: int, attempt_id: int, identity: Identity) -> AttemptRow:
    """An attempt at a payable of one's own organisation, on either side; `AttemptNotFound` otherwise."""
    row = await db.row(
        ATTEMPT + " join payments_payable p on p.id = a.payable"
        " where a.id = $1 and a.payable = $2 and $3 in (p.payer, p.payee)",
        attempt_id,
        payable_id,
        identity.organization_id,
    )
    if row is None:
        raise AttemptNotFound
    return attempt_row(row)


async def attempt_by(column: str, value: Any) -> AttemptRow | None:
    """The attempt with that `id`, `key`, `session`, `intent` or `charge`, or None; of several that were paid together, the
    first. For services."""
    if column not in {"id", "key", "session", "intent", "charge"}:
        raise ValueError(column)
    row = await db.row(ATTEMPT + f" where a.{column} = $1 order by a.id limit 1", value)
    return attempt_row(row) if row else None


async def together(attempt: AttemptRow) -> list[AttemptRow]:
    """An attempt with all that are paid on the same page, in the order of their payables. For services."""
    if attempt.bundle_id is None:
        return [attempt]
    found = await db.rows(ATTEMPT + " where a.bundle = $1 order by a.payable", attempt.bundle_id)
    return [attempt_row(row) for row in found]


ORDER = """
select o.id, o.key, o.kind, o.attempt, o.account, o.amount, o.settled, o.target, o.text, o.state, o.object, o.problem,
  o.tries, o.created_at, o.tried_at, o.done_at, a.payable
from payments_stripe_order o join payments_stripe_attempt a on a.id = o.attempt
"""


@dataclass(frozen=True)
class OrderRow:
    """Something Stripe was told to do; `amount` in fen, `settled` in cents of the attempt's currency."""

    id: int
    key: str
    kind: OrderKind
    attempt_id: int
    account_id: int
    payable_id: int
    amount: int
    settled: int
    target: str
    text: str
    state: OrderState
    object: str | None
    problem: str
    tries: int
    created_at: datetime
    tried_at: datetime | None
    done_at: datetime | None

    @property
    def yuan(self) -> Decimal:
        """The amount in yuan."""
        return yuan_of(self.amount)


def order_row(row: Any) -> OrderRow:
    """An `OrderRow` out of a record that carries `ORDER`."""
    return OrderRow(
        **{
            name: value for name, value in row.items() if name not in {"attempt", "account", "payable", "kind", "state"}
        },
        attempt_id=row["attempt"],
        account_id=row["account"],
        payable_id=row["payable"],
        kind=OrderKind(row["kind"]),
        state=OrderState(row["state"]),
    )


async def orders(payable_id: int) -> list[OrderRow]:
    """Every order about a payable, newest first. Show them only with a payable the reader may see."""
    return [order_row(row) for row in await db.rows(ORDER + " where a.payable = $1 order by o.id desc", payable_id)]


async def order_by(column: str, value: Any) -> OrderRow | None:
    """The order with that `id` or `key`, or None. For services."""
    if column not in {"id", "key"}:
        raise ValueError(column)
    row = await db.row(ORDER + f" where o.{column} = $1", value)
    return order_row(row) if row else None


async def reserved(payable_id: int) -> Decimal:
    """Yuan of what is kept that waiting refunds and transfers already claim."""
    total: int = await db.value(
        "select coalesce(sum(o.amount), 0)::bigint from payments_stripe_order o"
        " join payments_stripe_attempt a on a.id = o.attempt"
        " where a.payable = $1 and not a.excess and o.state = 'waiting' and o.kind in ('refund', 'transfer')",
        payable_id,
    )
    return yuan_of(total)


async def unreturned(payable_id: int) -> Decimal:
    """Yuan that are kept because a refund came back and has not been made again."""
    total: int = await db.value(
        "select coalesce(sum(f.amount), 0)::bigint from payments_refund_failure f"
        " join payments_stripe_attempt a on a.id = f.attempt"
        " where a.payable = $1 and not a.excess and f.settled_at is null",
        payable_id,
    )
    return yuan_of(total)


@dataclass(frozen=True)
class FailureRow:
    """A refund that came back; `amount` in fen, `retried` while it is being made again."""

    id: int
    refund: str
    amount: int
    reason: str
    failed_at: datetime
    settled_at: datetime | None
    retried: bool

    @property
    def yuan(self) -> Decimal:
        """The amount in yuan."""
        return yuan_of(self.amount)


async def refund_failures(payable_id: int) -> list[FailureRow]:
    """Refunds of a payable that came back, newest first. Show them only with a payable the reader may see."""
    found = await db.rows(
        "select f.id, f.refund, f.amount, f.reason, f.failed_at, f.settled_at, exists (select from"
        " payments_stripe_order o where o.attempt = f.attempt and o.kind = 'refund' and o.state = 'waiting') as retried"
        " from payments_refund_failure f join payments_stripe_attempt a on a.id = f.attempt where a.payable = $1"
        " order by f.id desc",
        payable_id,
    )
    return [FailureRow(**dict(row)) for row in found]


DISPUTE = """
select d.id, d.dispute, d.attempt, a.payable, d.amount, (select count(*) from payments_stripe_dispute s
  where s.dispute = d.dispute) as parts, d.reason, d.status, d.paid_out, d.opened_at, d.due_at,
  d.closed_at, p.number, p.title, p.payer, p.payee, r.name_zh as payer_zh, r.name_en as payer_en,
  e.name_zh as payee_zh, e.name_en as payee_en
from payments_stripe_dispute d
join payments_stripe_attempt a on a.id = d.attempt
join payments_payable p on p.id = a.payable
join core_organization r on r.id = p.payer
join core_organization e on e.id = p.payee
"""


@dataclass(frozen=True)
class DisputeRow:
    """The payer's bank wants money back; `amount` in fen. `parts`: how many payables the same dispute is about."""

    id: int
    dispute: str
    attempt_id: int
    payable_id: int
    amount: int
    parts: int
    reason: str
    status: str
    paid_out: bool
    opened_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    number: str
    title: str
    payer_id: int
    payee_id: int
    payer_zh: str
    payer_en: str
    payee_zh: str
    payee_en: str

    @property
    def yuan(self) -> Decimal:
        """The amount in yuan."""
        return yuan_of(self.amount)

    @property
    def open(self) -> bool:
        """Whether the bank has not decided."""
        return self.closed_at is None


def dispute_row(row: Any) -> DisputeRow:
    """A `DisputeRow` out of a record that carries `DISPUTE`."""
    return DisputeRow(
        **{name: value for name, value in row.items() if name not in {"attempt", "payable", "payer", "payee"}},
        attempt_id=row["attempt"],
        payable_id=row["payable"],
        payer_id=row["payer"],
        payee_id=row["payee"],
    )


async def disputes(payable_id: int | None = None, *, limit: int = 100) -> list[DisputeRow]:
    """Disputes, open ones first; of one payable, or all for whoever watches payments."""
    found = await db.rows(
        DISPUTE + " where $1::bigint is null or a.payable = $1 order by d.closed_at is not null, d.id desc limit $2",
        payable_id,
        limit,
    )
    return [dispute_row(row) for row in found]


async def open_disputes(payee_id: int | None) -> list[DisputeRow]:
    """What banks have not decided, the nearest due day first: of one payee, or all (None) for whoever watches payments."""
    found = await db.rows(
        DISPUTE + " where d.closed_at is null and ($1::bigint is null or p.payee = $1) order by d.due_at, d.id",
        payee_id,
    )
    return [dispute_row(row) for row in found]


@dataclass(frozen=True)
class PayeeRow:
    """An organisation's account at Stripe."""

    id: int
    key: str
    organization_id: int
    account_id: int
    country: str
    stripe: str | None
    submitted: bool
    receives: bool
    pays_out: bool
    due: tuple[str, ...]
    created_at: datetime
    looked_at: datetime | None


PAYEE = """
select y.id, y.key, y.organization, y.account, y.country, y.stripe, y.submitted, y.receives, y.pays_out, y.due,
  y.created_at, y.looked_at from payments_stripe_payee y
"""


def payee_row(row: Any) -> PayeeRow:
    """A `PayeeRow` out of a record that carries `PAYEE`."""
    return PayeeRow(
        **{name: value for name, value in row.items() if name not in {"organization", "account", "due"}},
        organization_id=row["organization"],
        account_id=row["account"],
        due=tuple(row["due"]),
    )


async def payee_of(organization_id: int) -> PayeeRow | None:
    """The account of an organisation, or None."""
    row = await db.row(PAYEE + " where y.organization = $1", organization_id)
    return payee_row(row) if row else None


async def payee_by_stripe(account: str) -> PayeeRow | None:
    """The payee with that account at Stripe, or None. For services."""
    row = await db.row(PAYEE + " where y.stripe = $1", account)
    return payee_row(row) if row else None


@dataclass(frozen=True)
class PayoutRow:
    """Money on its way to a payee's bank, in cents of `currency`."""

    payout: str
    amount: int
    currency: str
    status: str
    failure: str
    arrives_at: datetime | None
    changed_at: datetime


async def payouts(payee_id: int, *, limit: int = 50) -> list[PayoutRow]:
    """Payouts of one payee to its bank, newest first."""
    found = await db.rows(
        "select payout, amount, currency, status, failure, arrives_at, changed_at from payments_stripe_payout"
        " where payee = $1 order by id desc limit $2",
        payee_id,
        limit,
    )
    return [PayoutRow(**dict(row)) for row in found]


@dataclass(frozen=True)
class TransferredRow:
    """A payable passed on to its payee through Stripe, or waiting for it."""

    payable_id: int
    number: str
    title: str
    amount: int
    settled: int
    currency: str
    state: OrderState
    problem: str
    created_at: datetime
    done_at: datetime | None

    @property
    def yuan(self) -> Decimal:
        """The amount in yuan."""
        return yuan_of(self.amount)


async def transferred(organization_id: int, *, limit: int = 50) -> list[TransferredRow]:
    """Transfers to one organisation, newest first."""
    found = await db.rows(
        "select a.payable as payable_id, p.number, p.title, o.amount, o.settled, a.currency, o.state, o.problem,"
        " o.created_at, o.done_at from payments_stripe_order o join payments_stripe_attempt a on a.id = o.attempt"
        " join payments_payable p on p.id = a.payable where o.kind = 'transfer' and p.payee = $1"
        " order by o.id desc limit $2",
        organization_id,
        limit,
    )
    return [TransferredRow(**dict(row) | {"state": OrderState(row["state"])}) for row in found]


@dataclass(frozen=True)
class CheckRow:
    """One comparison of the books; amounts in cents of `currency`."""

    id: int
    since_at: datetime
    until_at: datetime
    lines: int
    matched: int
    ours: int
    theirs: int
    currency: str
    differences: Sequence[dict[str, Any]]
    made_at: datetime

    @property
    def clean(self) -> bool:
        """Whether nothing is left to explain."""
        return self.ours == self.theirs and not [one for one in self.differences if not one.get("healed")]


async def checks(*, limit: int = 30) -> list[CheckRow]:
    """Comparisons, newest first."""
    found = await db.rows(
        "select id, since_at, until_at, lines, matched, ours, theirs, currency, differences, made_at"
        " from payments_stripe_check order by id desc limit $1",
        limit,
    )
    return [CheckRow(**dict(row)) for row in found]


@dataclass(frozen=True)
class TroubleRow:
    """Something that waits for Stripe or for a person: an order, or an event that could not be applied."""

    kind: str
    name: str
    problem: str
    tries: int
    at: datetime
    payable_id: int | None


async def troubles(*, limit: int = 100) -> list[TroubleRow]:
    """What is not done at Stripe, oldest first: for whoever watches payments."""
    found = await db.rows(
        "select * from (select 'order' as kind, o.kind as name, o.problem, o.tries, o.created_at as at,"
        " a.payable as payable_id from payments_stripe_order o join payments_stripe_attempt a on a.id = o.attempt"
        " where o.state <> 'done' union all select 'event', e.kind, e.reason, e.tries, e.received_at, null"
        " from payments_stripe_event e where e.state in ('waiting', 'stuck')) t order by at limit $1",
        limit,
    )
    return [TroubleRow(**dict(row)) for row in found]
