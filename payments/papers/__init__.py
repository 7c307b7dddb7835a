"""Drawing the receipt. Slow work (tens of milliseconds): call `receipt_pdf` off the event loop."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typst

from core import clock
from core.money import in_words
from payments.queries.payables import PayableRow, TransferRow

HERE = Path(__file__).parent
FONTS = HERE.parent.parent / "static" / "vendor"
FONT = FONTS / "noto-sans-sc.ttf"


def receipt_pdf(row: PayableRow, paid: Sequence[TransferRow], checkpoint: Any) -> bytes:
    """The receipt of a settled payable as PDF/A-2b. User text goes in as input values only."""
    drawn: bytes = typst.compile(
        str(HERE / "receipt.typ"),
        format="pdf",
        pdf_standards="a-2b",
        font_paths=[str(FONTS)],
        ignore_system_fonts=FONT.exists(),
        sys_inputs=_inputs(row, paid, checkpoint),
    )
    return drawn


def _inputs(row: PayableRow, paid: Sequence[TransferRow], checkpoint: Any) -> dict[str, str]:
    assert row.settled_at is not None and row.receipt_number is not None  # noqa: PT018  only settled payables have one
    settled = clock.shanghai(row.settled_at)
    return {
        "number": row.receipt_number,
        "payable": row.number,
        "title": row.title,
        "amount": f"{row.amount:,.2f}",
        "amount_words": in_words(row.amount),
        "payer_zh": row.payer_zh,
        "payer_en": row.payer_en,
        "payee_zh": row.payee_zh,
        "payee_en": row.payee_en,
        "settled": f"{settled:%Y-%m-%d %H:%M}",
        "year": str(settled.year),
        "month": str(settled.month),
        "day": str(settled.day),
        "reference": "、".join(one.reference for one in paid) or "—",
        "paid_on": "、".join(one.paid_on.isoformat() for one in paid) or "—",
        "entry": str(row.receipt_entry or "—"),
        "size": str(checkpoint.size) if checkpoint else "—",
        "root": checkpoint.root.hex() if checkpoint else "—",
    }
