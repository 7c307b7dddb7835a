"""Reads of payments; the names below are the door for higher floors."""

from payments.queries.payables import (
    COLUMNS,
    PayableRow,
    Sums,
    TransferRow,
    desk_items,
    my_payables,
    payable,
    payable_for,
    payable_row,
    payables_for,
    reference_user,
    sums,
    transfers,
    voucher_file,
)

__all__ = [
    "COLUMNS",
    "PayableRow",
    "Sums",
    "TransferRow",
    "desk_items",
    "my_payables",
    "payable",
    "payable_for",
    "payable_row",
    "payables_for",
    "reference_user",
    "sums",
    "transfers",
    "voucher_file",
]
