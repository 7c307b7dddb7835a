"""The ledger: written once, balanced at every commit. A migration adds the triggers that enforce both."""

from piccolo.columns import JSONB, BigInt, BigSerial, ForeignKey, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from core.tables import Organization
from payments.tables import Payable


class LedgerAccount(Table, tablename="payments_account"):
    """What one organisation has or owes, of one kind in one currency. Its balance is the sum of its entries."""

    id = BigSerial(primary_key=True)
    organization = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict)
    kind = Varchar(length=20)
    currency = Varchar(length=3)
    opened_at = Timestamptz()

    payments_account_once = Unique(["organization", "kind", "currency"])


class LedgerPosting(Table, tablename="payments_posting"):
    """One movement. `trail_entry` is the act it belongs to, whose note carries the posting's digest."""

    id = BigSerial(primary_key=True)
    kind = Varchar(length=30)
    key = Varchar(length=200, unique=True)
    payable = ForeignKey(Payable, null=False, on_delete=OnDelete.restrict, index=True)
    trail_entry = BigInt()
    occurred_at = Timestamptz()


class LedgerEntry(Table, tablename="payments_entry"):
    """One account's share of a posting, in fen; positive is a debit."""

    id = BigSerial(primary_key=True)
    posting = ForeignKey(LedgerPosting, null=False, on_delete=OnDelete.restrict, index=True)
    account = ForeignKey(LedgerAccount, null=False, on_delete=OnDelete.restrict)
    amount = BigInt()

    payments_entry_not_zero = Check("amount <> 0")
    payments_entry_account_once = Unique(["posting", "account"])


class AuditRun(Table, tablename="payments_audit_run"):
    """What the nightly audit found, newest last."""

    id = BigSerial(primary_key=True)
    ran_at = Timestamptz()
    payables = BigInt()
    postings = BigInt()
    entries = BigInt()
    findings = JSONB()
