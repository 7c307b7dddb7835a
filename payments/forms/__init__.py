"""From form text to what a payer or payee says, with every fault at its field."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core import clock, files
from core.errors import Rejected
from core.files import SCAN
from core.forms import Form, Upload
from core.i18n import N_
from payments.rules import PaidInFuture, PayableState
from payments.rules.custody import ObjectionResult
from payments.rules.invoices import invoice_number
from payments.services import InvoiceDraft, VoucherDraft

REFERENCE = N_("银行流水号只含字母、数字和 -，请照回单填写。")
SHORTEST_REASON = 5
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
    seen = form.money("amount", required=False)
    form.finish()
    assert paid_on is not None and voucher is not None  # noqa: PT018  finish() has raised otherwise
    return VoucherDraft(reference, paid_on, voucher, seen)


def parse_contest(form: Form) -> str:
    """Why the payee says the money has not arrived."""
    reason = form.text("reason", max_length=500)
    if reason and len(reason) < SHORTEST_REASON:
        form.error("reason", REASON_SHORT)
    form.finish()
    return reason


REASON_NEEDED = N_("请写明原因，双方都会看到。")


def parse_reason(form: Form) -> str:
    """Why a payable is held, let go, or a bond released."""
    reason = form.text("reason", max_length=300)
    if reason and len(reason) < SHORTEST_REASON:
        form.error("reason", REASON_NEEDED)
    form.finish()
    return reason


def parse_objection(form: Form) -> str:
    """Why the payer does not agree that its bond is forfeited."""
    words = form.text("objection", max_length=1000)
    if words and len(words) < SHORTEST_REASON:
        form.error("objection", REASON_NEEDED)
    form.finish()
    return words


def parse_answer(form: Form) -> tuple[ObjectionResult, str]:
    """What a supervisor answers to an objection to a forfeiture."""
    result = form.choice("result", ObjectionResult)
    answer = form.text("answer", max_length=300)
    if answer and len(answer) < SHORTEST_REASON:
        form.error("answer", REASON_NEEDED)
    form.finish()
    assert result is not None  # finish() has raised otherwise
    return result, answer


def parse_invoice(form: Form) -> InvoiceDraft:
    """An invoice: number, day, amount, file."""
    number = form.text("invoice_number", max_length=40)
    if number:
        try:
            number = invoice_number(number)
        except Rejected as fault:
            form.error("invoice_number", fault.text)
    issued_on = form.date("issued_on")
    if issued_on is not None and issued_on > clock.today():
        form.error("issued_on", PaidInFuture.text, day=issued_on.isoformat())
    amount = form.money("invoice_amount", minimum=Decimal("0.01"))
    paper = form.upload("paper")
    if paper is not None:
        try:
            files.check(paper, SCAN)
        except Rejected as fault:
            form.error("paper", fault.text, **fault.params)
    form.finish()
    assert issued_on is not None and amount is not None and paper is not None  # noqa: PT018  finish() has raised otherwise
    return InvoiceDraft(number, issued_on, amount, paper)


def parse_statement(form: Form) -> Upload:
    """The file that the bank gave out."""
    upload = form.upload("statement")
    form.finish()
    assert upload is not None
    return upload


def parse_matches(form: Form) -> dict[int, int] | None:
    """The chosen lines with their payables (`line:payable`), or None for all exact ones."""
    if form.flag("all_exact"):
        return None
    pairs = (text.partition(":") for text in form.many("match"))
    return {int(line): int(payable) for line, _, payable in pairs if line.isdecimal() and payable.isdecimal()}


def parse_parts(form: Form) -> list[int]:
    """The payables of a bundle."""
    return [int(text) for text in form.many("payable") if text.isdecimal()]


@dataclass(frozen=True)
class ReviewCost:
    """What a department says about a review it pays for."""

    payee_uscc: str
    reference: str
    amount: Decimal
    title: str
    due_on: date


def parse_review_cost(form: Form) -> ReviewCost:
    """Whom the department pays, for which review, how much, by when."""
    payee, reference = form.uscc("payee_uscc"), form.text("reference", max_length=40)
    amount, title, due_on = form.money("amount", minimum=Decimal("0.01")), form.text("title"), form.date("due_on")
    form.finish()
    assert amount is not None and due_on is not None  # noqa: PT018  finish() has raised otherwise
    return ReviewCost(payee, reference, amount, title, due_on)


def read_state(text: str | None) -> PayableState | None:
    """The state to filter by; nonsense means all."""
    try:
        return PayableState(text or "")
    except ValueError:
        return None
