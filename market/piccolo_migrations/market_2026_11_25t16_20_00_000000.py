"""The states of a notice that came with the six methods; Piccolo does not see a check's change by itself."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-25T16:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "A notice may be shortlisted or assessing"

DROP = "alter table market_notice drop constraint market_notice_known_state"
ADD = """
alter table market_notice add constraint market_notice_known_state check (state in
    ('draft', 'published', 'opened', 'shortlisted', 'assessing', 'selected', 'awarded', 'failed', 'withdrawn',
     'cancelled'))
"""
BEFORE = """
alter table market_notice add constraint market_notice_known_state check (state in
    ('draft', 'published', 'opened', 'selected', 'awarded', 'failed', 'withdrawn', 'cancelled'))
"""


class RawTable(Table):
    """Only to run statements."""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="market", description=DESCRIPTION)
    manager.add_raw(_widen)
    manager.add_raw_backwards(_narrow)
    return manager


async def _widen() -> None:
    for statement in (DROP, ADD):
        await RawTable.raw(statement)


async def _narrow() -> None:
    """Refused by the database while a notice is in one of the two states: those have no earlier name."""
    for statement in (DROP, BEFORE):
        await RawTable.raw(statement)
