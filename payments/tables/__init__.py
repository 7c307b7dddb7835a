"""Payables and the transfers made towards them. Amounts are yuan with two places."""

from decimal import Decimal

from piccolo.columns import (
    Array,
    BigInt,
    BigSerial,
    Date,
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

from core.tables import Account, Organization, StoredFile


class Payable(Table, tablename="payments_payable"):
    """What one organisation owes another, once per case (`kind`, `key`) of the floor above.

    `base` is what a bond is a share of. `captured`, `refunded` and `paid_out` count what went through the platform's own
    hands; a transfer from bank to bank leaves them at zero.
    """

    id = BigSerial(primary_key=True)
    number = Varchar(length=40, unique=True)
    kind = Varchar(length=30)
    key = Varchar(length=60)
    payer = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict)
    payee = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict)
    amount = Numeric(digits=(14, 2))
    currency = Varchar(length=3, default="CNY")
    base = Numeric(digits=(14, 2), null=True, default=None)
    captured = Numeric(digits=(14, 2), default=Decimal("0"))
    refunded = Numeric(digits=(14, 2), default=Decimal("0"))
    paid_out = Numeric(digits=(14, 2), default=Decimal("0"))
    title = Varchar(length=300)
    due_on = Date()
    state = Varchar(length=20)
    version = Integer(default=1)
    threads = Array(base_column=Text())
    created_at = Timestamptz()
    settled_at = Timestamptz(null=True, default=None)
    cancelled_at = Timestamptz(null=True, default=None)
    receipt_number = Varchar(length=40, null=True, default=None, unique=True)
    receipt_entry = BigInt(null=True, default=None)
    released_at = Timestamptz(null=True, default=None)

    payments_payable_once = Unique(["kind", "key"])
    payments_payable_positive = Check("amount > 0")
    payments_payable_two_parties = Check("payer <> payee")
    payments_payable_state_known = Check(
        "state in ('due','processing','vouchered','contested','authorised','expired','captured','disputed',"
        "'paid-out','confirmed','released','refunded','cancelled')"
    )
    payments_payable_counts = Check(
        "captured >= 0 and refunded >= 0 and paid_out >= 0 and captured <= amount and refunded <= captured"
        " and paid_out <= captured"
    )
    payments_payable_bond_cap = Check(
        "case kind when 'bid-bond' then amount <= round(base * 0.02, 2)"
        " when 'performance-bond' then amount <= round(base * 0.10, 2) else true end"
    )


class Transfer(Table, tablename="payments_transfer"):
    """One attempt to pay a payable, as the payer says; confirmed or contested by the payee."""

    id = BigSerial(primary_key=True)
    payable = ForeignKey(Payable, null=False, on_delete=OnDelete.restrict)
    method = Varchar(length=20)
    amount = Numeric(digits=(14, 2))
    reference = Varchar(length=60, index=True)
    paid_on = Date()
    voucher = ForeignKey(StoredFile, null=False, on_delete=OnDelete.restrict)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    submitted_at = Timestamptz()
    confirmed_at = Timestamptz(null=True, default=None)
    contested_at = Timestamptz(null=True, default=None)
    contest_reason = Text(default="")

    payments_transfer_positive = Check("amount > 0")


class Hold(Table, tablename="payments_hold"):
    """The regulator stops the money of a payable for a reason, until the hold is lifted. One at a time per payable
    (a partial index of the migration)."""

    id = BigSerial(primary_key=True)
    payable = ForeignKey(Payable, null=False, on_delete=OnDelete.restrict, index=True)
    organization = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    reason = Text()
    placed_at = Timestamptz()
    lifted_at = Timestamptz(null=True, default=None)
    lift_reason = Text(default="")


class Reminder(Table, tablename="payments_reminder"):
    """That somebody was reminded of a payable; once for each `what` (`due`, or `voucher:<transfer>`)."""

    id = BigSerial(primary_key=True)
    payable = ForeignKey(Payable, null=False, on_delete=OnDelete.restrict)
    what = Varchar(length=40)
    sent_at = Timestamptz()

    payments_reminder_once = Unique(["payable", "what"])
