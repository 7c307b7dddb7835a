"""The acts of payments: the door for higher floors, the demo market and `app.wire()`."""

from payments.services.bank_payouts import pay_out_by_bank, return_by_bank
from payments.services.bonds import RELEASE_ONLINE, release_bond, release_bond_of
from payments.services.bundles import BundleReceipt, pay_bundle
from payments.services.forfeit_objections import answer_objection, object_to_forfeit
from payments.services.forfeiting import forfeit_bond
from payments.services.holds import lift_hold, place_hold
from payments.services.invoices import InvoiceDraft, record_invoice
from payments.services.moving import SETTLED, PaymentReceipt
from payments.services.opening import open_books
from payments.services.payables import cancel_payable, create_payable
from payments.services.payouts import PAYEE_CHECK, check_payout, pay_out
from payments.services.review_costs import ask_review_cost
from payments.services.statements import ImportReceipt, MatchReceipt, confirm_matches, import_statement
from payments.services.vouchers import VoucherDraft, confirm_receipt, contest, submit_voucher
from payments.services.watching import record_audit, send_reminders

__all__ = [
    "PAYEE_CHECK",
    "RELEASE_ONLINE",
    "SETTLED",
    "BundleReceipt",
    "ImportReceipt",
    "InvoiceDraft",
    "MatchReceipt",
    "PaymentReceipt",
    "VoucherDraft",
    "answer_objection",
    "ask_review_cost",
    "cancel_payable",
    "check_payout",
    "confirm_matches",
    "confirm_receipt",
    "contest",
    "create_payable",
    "forfeit_bond",
    "import_statement",
    "lift_hold",
    "object_to_forfeit",
    "open_books",
    "pay_bundle",
    "pay_out",
    "pay_out_by_bank",
    "place_hold",
    "record_audit",
    "record_invoice",
    "release_bond",
    "release_bond_of",
    "return_by_bank",
    "send_reminders",
    "submit_voucher",
]
