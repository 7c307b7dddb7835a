"""What becomes of money that the platform keeps: bonds that are forfeited, refunds that came back, payouts by bank."""

from piccolo.columns import BigInt, BigSerial, Boolean, Date, ForeignKey, Numeric, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Check
from piccolo.table import Table

from core.tables import Account, Organization, StoredFile
from payments.tables import Payable
from payments.tables.stripe import StripeAttempt


class Forfeit(Table, tablename="payments_forfeit"):
    """A bond, or a part of it, is not given back because a promise was broken. `undone_at` when the money could not be
    taken after all. One in force per payable (a partial index of the migration)."""

    id = BigSerial(primary_key=True)
    payable = ForeignKey(Payable, null=False, on_delete=OnDelete.restrict, index=True)
    organization = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    amount = Numeric(digits=(14, 2))
    reason = Text()
    forfeited_at = Timestamptz()
    undone_at = Timestamptz(null=True, default=None)

    payments_forfeit_positive = Check("amount > 0")


class ForfeitObjection(Table, tablename="payments_forfeit_objection"):
    """Whoever lodged a bond does not agree that it is forfeited, and what the regulator answered: the payout was
    `stopped`, or not. One per forfeiture."""

    id = BigSerial(primary_key=True)
    forfeit = ForeignKey(Forfeit, null=False, on_delete=OnDelete.restrict, unique=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    words = Text()
    lodged_at = Timestamptz()
    answered_by = ForeignKey(Account, null=True, on_delete=OnDelete.restrict, default=None)
    answered_at = Timestamptz(null=True, default=None)
    stopped = Boolean(null=True, default=None)
    answer = Text(default="")

    payments_forfeit_objection_answered = Check(
        "(answered_at is null) = (answered_by is null) and (answered_at is null) = (stopped is null)"
    )


class RefundFailure(Table, tablename="payments_refund_failure"):
    """A refund that Stripe had made came back from the payer's bank; `amount` in fen. Settled when it was made again."""

    id = BigSerial(primary_key=True)
    refund = Varchar(length=60, unique=True)
    attempt = ForeignKey(StripeAttempt, null=False, on_delete=OnDelete.restrict, index=True)
    amount = BigInt()
    reason = Varchar(length=60)
    failed_at = Timestamptz()
    settled_at = Timestamptz(null=True, default=None)

    payments_refund_failure_positive = Check("amount > 0")


class BankPayout(Table, tablename="payments_bank_payout"):
    """What the platform keeps for a payee went to it from the platform's own bank account, or came `back` to it; yuan."""

    id = BigSerial(primary_key=True)
    payable = ForeignKey(Payable, null=False, on_delete=OnDelete.restrict, index=True)
    organization = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    amount = Numeric(digits=(14, 2))
    reference = Varchar(length=60, unique=True)
    paid_on = Date()
    voucher = ForeignKey(StoredFile, null=False, on_delete=OnDelete.restrict)
    back = Boolean(default=False)
    made_at = Timestamptz()

    payments_bank_payout_positive = Check("amount > 0")
