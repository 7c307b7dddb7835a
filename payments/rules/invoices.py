"""Invoices (发票): a fully digital one has 20 digits; an older one has a code of 10 or 12 digits and a number of 8.

Source: State Taxation Administration announcement 2024-11 on fully digital electronic invoices.
"""

import re
from decimal import Decimal

from core.errors import Conflict, Rejected
from core.i18n import N_

NUMBER = re.compile(r"\d{20}|\d{10}-\d{8}|\d{12}-\d{8}")


class InvoiceNumberInvalid(Rejected):
    """Not a number that a tax office gives."""

    code = "invoice-number-invalid"
    text = N_("发票号码应为 20 位数字（数电发票），或“代码-号码”（10 或 12 位代码，8 位号码）。请照票面填写。")


class InvoiceUsed(Conflict):
    """An invoice belongs to one payable."""

    code = "invoice-used"
    text = N_("发票 %(number)s 已登记在款项 %(payable)s 上。请核对票面号码。")


class InvoiceAmountDiffers(Rejected):
    """An invoice says what was paid."""

    code = "invoice-amount-differs"
    text = N_("发票金额 %(given)s 元与款项金额 %(owed)s 元不同。请核对票面，或红冲后重开。")


def invoice_number(text: str) -> str:
    """The number as it is kept: digits, with one hyphen between code and number. `InvoiceNumberInvalid`."""
    plain = re.sub(r"[\s—－–_/]+", "-", text.strip())
    if not NUMBER.fullmatch(plain):
        raise InvoiceNumberInvalid
    return plain


def check_amount(given: Decimal, owed: Decimal) -> None:
    """Raise `InvoiceAmountDiffers` unless the invoice is about exactly this sum."""
    if given != owed:
        raise InvoiceAmountDiffers(given=f"{given:,.2f}", owed=f"{owed:,.2f}")
