"""From form text to what a payer or payee says, with every fault at its field."""

from decimal import Decimal

from core import clock, files
from core.errors import Rejected
from core.files import SCAN
from core.forms import Form
from core.i18n import N_
from payments.rules import PaidInFuture, PayableState
from payments.services import VoucherDraft

REFERENCE = N_("银行流水号只含字母、数字和 -，请照回单填写。")
SHORTEST_REASON = 5
REASON_NEEDED = N_("请写明理由，至少 5 个字；它会记入留痕。")
REASON_SHORT = N_("请写明查了哪个账户、到哪一天仍未到账。")


def version_of(form: Form) -> int | None:
    """The version of the payable that the form was made from, if it says."""
    return form.integer("version", minimum=1, required=False)


def parse_voucher(form: Form) -> VoucherDraft:
    """A bank transfer: reference, day, voucher."""
    reference = form.text("reference", max_length=60).upper()
    if reference and not (reference.isascii() and reference.replace("-", "").isalnum()):
        form.error("reference", REFERENCE)
    paid_on = form.date("paid_on")
    if paid_on is not None and paid_on > clock.today():
        form.error("paid_on", PaidInFuture.text, day=paid_on.isoformat())
    voucher = form.upload("voucher")
    if voucher is not None:
        try:
            files.check(voucher, SCAN)
        except Rejected as fault:
            form.error("voucher", fault.text, **fault.params)
    form.finish()
    assert paid_on is not None and voucher is not None  # noqa: PT018  finish() has raised otherwise
    return VoucherDraft(reference, paid_on, voucher)


def parse_contest(form: Form) -> str:
    """Why the payee says the money has not arrived."""
    reason = form.text("reason", max_length=500)
    if reason and len(reason) < SHORTEST_REASON:
        form.error("reason", REASON_SHORT)
    form.finish()
    return reason


def parse_reason(form: Form) -> str:
    """Why somebody orders what they order."""
    reason = form.text("reason", max_length=500)
    if reason and len(reason) < SHORTEST_REASON:
        form.error("reason", REASON_NEEDED)
    form.finish()
    return reason


def parse_order(form: Form) -> tuple[Decimal, str]:
    """How much in yuan, and why."""
    amount = form.money("amount", minimum=Decimal("0.01"))
    reason = form.text("reason", max_length=500)
    if reason and len(reason) < SHORTEST_REASON:
        form.error("reason", REASON_NEEDED)
    form.finish()
    assert amount is not None  # finish() has raised otherwise
    return amount, reason


def read_state(text: str | None) -> PayableState | None:
    """The state to filter by; nonsense means all."""
    try:
        return PayableState(text or "")
    except ValueError:
        return None
