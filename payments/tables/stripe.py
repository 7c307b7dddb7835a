"""Stripe: attempts to pay, orders to Stripe, its events, what they did to the balance, and payees' accounts.

Amounts are whole minor units: fen, or cents of the settlement currency where a column says so.
"""

from piccolo.columns import (
    JSONB,
    Array,
    BigInt,
    BigSerial,
    Boolean,
    Bytea,
    ForeignKey,
    Integer,
    Numeric,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from core.tables import Account, Organization
from payments.tables import Payable
from payments.tables.bank import Bundle


class StripeAttempt(Table, tablename="payments_stripe_attempt"):
    """One attempt to pay a payable on Stripe's page. Written, with its key, before Stripe hears of it.

    The attempts of a bundle are paid on one page: they share session, intent and charge, and the key of the first of them
    is the page's.
    """

    id = BigSerial(primary_key=True)
    key = Varchar(length=60, unique=True)
    payable = ForeignKey(Payable, null=False, on_delete=OnDelete.restrict, index=True)
    bundle = ForeignKey(Bundle, null=True, default=None, on_delete=OnDelete.restrict, index=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    hold = Boolean(default=False)
    amount = BigInt()
    state = Varchar(length=20)
    session = Varchar(length=120, null=True, default=None)
    url = Text(default="")
    intent = Varchar(length=60, null=True, default=None)
    charge = Varchar(length=60, null=True, default=None)
    way = Varchar(length=20, default="")
    captured = BigInt(default=0)
    settled = BigInt(default=0)
    currency = Varchar(length=3, default="")
    excess = Boolean(default=False)
    problem = Text(default="")
    created_at = Timestamptz()
    expires_at = Timestamptz()
    held_until = Timestamptz(null=True, default=None)
    asked_at = Timestamptz(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)
    looked_at = Timestamptz(null=True, default=None)

    payments_stripe_attempt_session_once = Unique(["session", "payable"])
    payments_stripe_attempt_intent_once = Unique(["intent", "payable"])
    payments_stripe_attempt_positive = Check("amount > 0 and captured >= 0 and captured <= amount")
    payments_stripe_attempt_state_known = Check(
        "state in ('prepared','open','held','paid','let-go','ran-out','lapsed')"
    )


class StripeOrder(Table, tablename="payments_stripe_order"):
    """Something Stripe is told to do, once: the key was written before the first call and never changes."""

    id = BigSerial(primary_key=True)
    key = Varchar(length=60, unique=True)
    kind = Varchar(length=20)
    attempt = ForeignKey(StripeAttempt, null=False, on_delete=OnDelete.restrict, index=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    amount = BigInt(default=0)
    settled = BigInt(default=0)
    target = Varchar(length=120, default="")
    text = Text(default="")
    state = Varchar(length=20)
    object = Varchar(length=60, null=True, default=None)
    problem = Text(default="")
    tries = Integer(default=0)
    created_at = Timestamptz()
    tried_at = Timestamptz(null=True, default=None)
    done_at = Timestamptz(null=True, default=None)

    payments_stripe_order_state_known = Check("state in ('waiting','done','refused')")


class StripeEvent(Table, tablename="payments_stripe_event"):
    """An event as Stripe sent it. `event` is unique: whatever arrives twice has its effect once."""

    id = BigSerial(primary_key=True)
    event = Varchar(length=80, unique=True)
    kind = Varchar(length=80, index=True)
    version = Varchar(length=40, default="")
    account = Varchar(length=60, default="")
    object = Varchar(length=120, default="")
    body = Bytea()
    state = Varchar(length=20, index=True)
    reason = Text(default="")
    tries = Integer(default=0)
    made_at = Timestamptz()
    received_at = Timestamptz()
    done_at = Timestamptz(null=True, default=None)

    payments_stripe_event_state_known = Check("state in ('waiting','applied','ignored','stuck')")


class StripeLine(Table, tablename="payments_stripe_line"):
    """A line of the account's balance that is in the ledger, in cents of the settlement currency; a line that concerns
    several payables is here once for each, and the parts add up to it."""

    id = BigSerial(primary_key=True)
    line = Varchar(length=60)
    kind = Varchar(length=40)
    source = Varchar(length=60)
    payable = ForeignKey(Payable, null=False, on_delete=OnDelete.restrict)
    presented = BigInt()
    amount = BigInt()
    fee = BigInt()
    currency = Varchar(length=3)
    rate = Numeric(digits=(18, 9), null=True, default=None)
    made_at = Timestamptz(index=True)
    booked_at = Timestamptz()

    payments_stripe_line_once = Unique(["line", "payable"])


class StripeDispute(Table, tablename="payments_stripe_dispute"):
    """The payer's bank wants the money back; of a charge for several payables, each bears its part."""

    id = BigSerial(primary_key=True)
    dispute = Varchar(length=60)
    attempt = ForeignKey(StripeAttempt, null=False, on_delete=OnDelete.restrict, index=True)
    amount = BigInt()
    reason = Varchar(length=60)
    status = Varchar(length=40)
    paid_out = Boolean(default=False)
    opened_at = Timestamptz()
    due_at = Timestamptz(null=True, default=None)
    closed_at = Timestamptz(null=True, default=None)

    payments_stripe_dispute_once = Unique(["dispute", "attempt"])


class StripePayee(Table, tablename="payments_stripe_payee"):
    """An organisation's own account at Stripe, into which it is paid."""

    id = BigSerial(primary_key=True)
    key = Varchar(length=60, unique=True)
    organization = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict, unique=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    country = Varchar(length=2)
    stripe = Varchar(length=60, null=True, default=None, unique=True)
    submitted = Boolean(default=False)
    receives = Boolean(default=False)
    pays_out = Boolean(default=False)
    due = Array(base_column=Text())
    created_at = Timestamptz()
    looked_at = Timestamptz(null=True, default=None)


class StripePayout(Table, tablename="payments_stripe_payout"):
    """Money on its way from a payee's account at Stripe to its bank, in cents of that account's currency."""

    id = BigSerial(primary_key=True)
    payout = Varchar(length=60, unique=True)
    payee = ForeignKey(StripePayee, null=False, on_delete=OnDelete.restrict, index=True)
    amount = BigInt()
    currency = Varchar(length=3)
    status = Varchar(length=20)
    failure = Varchar(length=60, default="")
    arrives_at = Timestamptz(null=True, default=None)
    changed_at = Timestamptz()


class StripeCheck(Table, tablename="payments_stripe_check"):
    """One comparison of our books with Stripe's."""

    id = BigSerial(primary_key=True)
    since_at = Timestamptz()
    until_at = Timestamptz()
    lines = BigInt()
    matched = BigInt()
    ours = BigInt()
    theirs = BigInt()
    currency = Varchar(length=3)
    differences = JSONB()
    made_at = Timestamptz()
