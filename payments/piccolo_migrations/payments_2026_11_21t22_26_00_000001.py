"""The indexes behind "my payables"."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-21T22:26:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "payables by party"

FORWARDS = [
    "create index payments_payable_by_payer on payments_payable (payer, id desc)",
    "create index payments_payable_by_payee on payments_payable (payee, id desc)",
    "create index payments_transfer_by_payable on payments_transfer (payable)",
]
BACKWARDS = [
    "drop index payments_transfer_by_payable",
    "drop index payments_payable_by_payee",
    "drop index payments_payable_by_payer",
]


class RawTable(Table):
    """A handle for raw statements."""


async def _run(statements: list[str]) -> None:
    for statement in statements:
        await RawTable.raw(statement)


async def forwards() -> MigrationManager:
    """Create the indexes."""
    manager = MigrationManager(migration_id=ID, app_name="payments", description=DESCRIPTION)

    async def run() -> None:
        await _run(FORWARDS)

    async def run_backwards() -> None:
        await _run(BACKWARDS)

    manager.add_raw(run)
    manager.add_raw_backwards(run_backwards)
    return manager
