"""From form text to what somebody orders from Stripe."""

from decimal import Decimal

from core.forms import Form
from core.i18n import N_

SHORTEST = 5
TEXT_NEEDED = N_("请写明理由，至少 5 个字；它会记入留痕。")


def parse_text(form: Form) -> str:
    """Why somebody orders something, or what speaks against a dispute."""
    text = form.text("reason", max_length=500)
    if text and len(text) < SHORTEST:
        form.error("reason", TEXT_NEEDED)
    form.finish()
    return text


def parse_order(form: Form) -> tuple[Decimal, str]:
    """How much in yuan, and why."""
    amount = form.money("amount", minimum=Decimal("0.01"))
    text = form.text("reason", max_length=500)
    if text and len(text) < SHORTEST:
        form.error("reason", TEXT_NEEDED)
    form.finish()
    assert amount is not None  # finish() has raised otherwise
    return amount, text
