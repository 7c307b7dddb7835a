"""What Piccolo cannot say: one forfeiture in force per payable."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-25T23:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "one forfeiture in force per payable"


class RawTable(Table):
    """Only to run statements."""


async def forwards() -> MigrationManager:
    """Run the statement."""
    manager = MigrationManager(migration_id=ID, app_name="payments", description=DESCRIPTION)
    manager.add_raw(_run)
    return manager


async def _run() -> None:
    await RawTable.raw("create unique index payments_forfeit_once on payments_forfeit (payable) where undone_at is null")
