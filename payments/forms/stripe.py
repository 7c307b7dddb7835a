"""From form text to what somebody orders from Stripe."""

from decimal import Decimal

from core.forms import Form
from core.i18n import N_

SHORTEST = 5
TEXT_NEEDED = N_("请写明理由，至少 5 个字；它会记入留痕。")


def parse_text(form: Form, part: str = "") -> str:
    """Why somebody orders something, or what speaks against a dispute. `part` tells several forms of one page apart."""
    text = form.text(f"{part}reason", max_length=500)
    if text and len(text) < SHORTEST:
        form.error(f"{part}reason", TEXT_NEEDED)
    form.finish()
    return text


def parse_order(form: Form, part: str = "") -> tuple[Decimal, str]:
    """How much in yuan, and why. `part` tells several forms of one page apart."""
    amount = form.money(f"{part}amount", minimum=Decimal("0.01"))
    text = form.text(f"{part}reason", max_length=500)
    if text and len(text) < SHORTEST:
        form.error(f"{part}reason", TEXT_NEEDED)
    form.finish()
    assert amount is not None  # finish() has raised otherwise
    return amount, text
