"""What column definitions cannot say: indexes for part of a table, files and signers that stay."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-21T22:32:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "partial indexes, filed versions stay as filed"

FORWARDS = [
    "create index contracts_review_waiting on contracts_review (due_at) where state in ('comment', 'answer')",
    "create index contracts_review_marking on contracts_review (id) where state = 'marking'",
    "create index contracts_review_final on contracts_review (finalised_at) where state = 'final'",
    "create index contracts_review_recent on contracts_review (profession, id)",
    "create index contracts_assignment_recent on contracts_assignment (reviewer, drawn_at)",
    "create index contracts_assignment_open on contracts_assignment (due_at) where state = 'assigned'",
    "create index contracts_evaluation_open on contracts_evaluation (due_at) where revealed_at is null",
    "create function contracts_filed_stays() returns trigger language plpgsql as $$"
    " begin raise exception 'a filed version is never changed, only followed by the next'; end $$",
    "create trigger contracts_submission_file_stays before update or delete or truncate"
    " on contracts_submission_file for each statement execute function contracts_filed_stays()",
    "create trigger contracts_signer_stays before update or delete or truncate"
    " on contracts_signer for each statement execute function contracts_filed_stays()",
]
BACKWARDS = [
    "drop trigger contracts_signer_stays on contracts_signer",
    "drop trigger contracts_submission_file_stays on contracts_submission_file",
    "drop function contracts_filed_stays()",
    "drop index contracts_evaluation_open",
    "drop index contracts_assignment_open",
    "drop index contracts_assignment_recent",
    "drop index contracts_review_recent",
    "drop index contracts_review_final",
    "drop index contracts_review_marking",
    "drop index contracts_review_waiting",
]


class RawTable(Table):
    """A handle for raw statements."""


async def _run(statements: list[str]) -> None:
    for statement in statements:
        await RawTable.raw(statement)


async def forwards() -> MigrationManager:
    """Create the indexes and the triggers."""
    manager = MigrationManager(migration_id=ID, app_name="contracts", description=DESCRIPTION)

    async def run() -> None:
        await _run(FORWARDS)

    async def run_backwards() -> None:
        await _run(BACKWARDS)

    manager.add_raw(run)
    manager.add_raw_backwards(run_backwards)
    return manager
