"""What Piccolo cannot say: only the attempts of one bundle share a page and its payment."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-25T23:58:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "only a bundle shares a page"

STATEMENTS = [
    f"create unique index payments_stripe_attempt_{name}_alone on payments_stripe_attempt ({name}) where bundle is null"
    for name in ("session", "intent")
]


class RawTable(Table):
    """Only to run statements."""


async def forwards() -> MigrationManager:
    """Run the statements."""
    manager = MigrationManager(migration_id=ID, app_name="payments", description=DESCRIPTION)
    manager.add_raw(_run)
    return manager


async def _run() -> None:
    for statement in STATEMENTS:
        await RawTable.raw(statement)
