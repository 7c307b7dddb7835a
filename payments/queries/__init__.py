"""Reads of payments; the names below are the door for higher floors."""

from payments.queries.audit import AuditReport, audit
from payments.queries.desk import desk_items
from payments.queries.finance import invoices, latest_audit, troubles
from payments.queries.ledger import (
    Balance,
    StatementEntry,
    balance,
    balances,
    statement,
    statement_page,
    statement_rows,
)
from payments.queries.payables import (
    COLUMNS,
    PayableRow,
    Sums,
    TransferRow,
    my_payables,
    my_states,
    payable,
    payable_for,
    payable_row,
    payables_after,
    payables_for,
    reference_user,
    sums,
    transfers,
    voucher_file,
)

__all__ = [
    "COLUMNS",
    "AuditReport",
    "Balance",
    "PayableRow",
    "StatementEntry",
    "Sums",
    "TransferRow",
    "audit",
    "balance",
    "balances",
    "desk_items",
    "invoices",
    "latest_audit",
    "my_payables",
    "my_states",
    "payable",
    "payable_for",
    "payable_row",
    "payables_after",
    "payables_for",
    "reference_user",
    "statement",
    "statement_page",
    "statement_rows",
    "sums",
    "transfers",
    "troubles",
    "voucher_file",
]
