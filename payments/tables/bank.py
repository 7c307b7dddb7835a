"""What a bank says: imported statements, their lines, and what each line was found to pay; bundles; invoices."""

from piccolo.columns import BigInt, BigSerial, Date, ForeignKey, Integer, Numeric, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from core.tables import Account, Organization, StoredFile
from payments.tables import Payable


class BankFile(Table, tablename="payments_bank_file"):
    """A statement that an organisation imported from its bank."""

    id = BigSerial(primary_key=True)
    organization = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict, index=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    stored = ForeignKey(StoredFile, null=False, on_delete=OnDelete.restrict)
    lines = Integer()
    repeated = Integer()
    imported_at = Timestamptz()


class BankLine(Table, tablename="payments_bank_line"):
    """One line of a statement: money that came in (positive, fen) or went out (negative).

    `fingerprint` tells the same bank line in two files: bank, amount, day, reference, other party.
    """

    id = BigSerial(primary_key=True)
    file = ForeignKey(BankFile, null=False, on_delete=OnDelete.restrict, index=True)
    organization = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict)
    row = Integer()
    booked_on = Date()
    amount = BigInt()
    party = Varchar(length=200, default="")
    reference = Varchar(length=60, default="")
    memo = Varchar(length=300, default="")
    fingerprint = Varchar(length=64)

    payments_bank_line_once = Unique(["organization", "fingerprint"])
    payments_bank_line_not_zero = Check("amount <> 0")


class BankMatch(Table, tablename="payments_bank_match"):
    """That a person found a line to be the payment of a payable."""

    id = BigSerial(primary_key=True)
    line = ForeignKey(BankLine, null=False, on_delete=OnDelete.restrict, unique=True)
    payable = ForeignKey(Payable, null=False, on_delete=OnDelete.restrict, unique=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    matched_at = Timestamptz()


class Bundle(Table, tablename="payments_bundle"):
    """Several payables of one payer, paid at once and split among their payees."""

    id = BigSerial(primary_key=True)
    number = Varchar(length=40, unique=True)
    payer = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict, index=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    amount = Numeric(digits=(14, 2))
    currency = Varchar(length=3, default="CNY")
    created_at = Timestamptz()

    payments_bundle_positive = Check("amount > 0")


class BundlePart(Table, tablename="payments_bundle_part"):
    """One payable of a bundle, with its share."""

    id = BigSerial(primary_key=True)
    bundle = ForeignKey(Bundle, null=False, on_delete=OnDelete.restrict)
    payable = ForeignKey(Payable, null=False, on_delete=OnDelete.restrict, index=True)
    amount = Numeric(digits=(14, 2))

    payments_bundle_part_once = Unique(["bundle", "payable"])


class Invoice(Table, tablename="payments_invoice"):
    """The invoice (发票) that the payee issued for a payable. A corrected one replaces it: the newest counts."""

    id = BigSerial(primary_key=True)
    payable = ForeignKey(Payable, null=False, on_delete=OnDelete.restrict, index=True)
    number = Varchar(length=30, unique=True)
    issued_on = Date()
    amount = Numeric(digits=(14, 2))
    stored = ForeignKey(StoredFile, null=False, on_delete=OnDelete.restrict)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    recorded_at = Timestamptz()
    note = Text(default="")

    payments_invoice_positive = Check("amount > 0")
