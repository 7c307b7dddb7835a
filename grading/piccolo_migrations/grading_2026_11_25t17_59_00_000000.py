"""Corrections and replacements are appended, never changed: the database itself refuses."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-25T17:59:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "corrections and replacements are immutable"
TABLES = ("correction", "replacement")


class RawTable(Table):
    """Carries the raw statements."""


async def forwards() -> MigrationManager:
    """One trigger per table, with the function that guards published schemes."""
    manager = MigrationManager(migration_id=ID, app_name="grading", description=DESCRIPTION)

    async def run() -> None:
        for table in TABLES:
            await RawTable.raw(
                f"create or replace trigger grading_{table}_once before update or delete or truncate"
                f" on grading_{table} for each statement execute function grading_refuse()"
            )

    async def undo() -> None:
        for table in TABLES:
            await RawTable.raw(f"drop trigger if exists grading_{table}_once on grading_{table}")

    manager.add_raw(run)
    manager.add_raw_backwards(undo)
    return manager
