"""What column definitions cannot say: who may be where, one open filing, grades that stay as published."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-21T22:26:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "one staff per person, one open filing, insert-only grades"

FORWARDS = [
    "create unique index agencies_practitioner_one_staff on agencies_practitioner (certificate_no)"
    " where ended_on is null",
    "create unique index agencies_filing_one_open on agencies_filing (organization)"
    " where state in ('draft', 'submitted', 'returned', 'noticed', 'objected')",
    "create index agencies_grade_record_by_day on agencies_grade_record (agency, profession, published_at desc)",
    "create index agencies_qualification_by_agency on agencies_qualification (agency) where ended_on is null",
    "create index agencies_affiliation_by_agency on agencies_affiliation (agency) where ended_on is null",
    "create index agencies_commitment_by_agency on agencies_commitment (agency) where ended_on is null",
    "create index agencies_practitioner_by_agency on agencies_practitioner (agency) where ended_on is null",
    "create function agencies_grade_record_stays() returns trigger language plpgsql as $$"
    " begin raise exception 'a published grade is never changed, only superseded'; end $$",
    "create trigger agencies_grade_record_stays before update or delete or truncate on agencies_grade_record"
    " for each statement execute function agencies_grade_record_stays()",
]
BACKWARDS = [
    "drop trigger agencies_grade_record_stays on agencies_grade_record",
    "drop function agencies_grade_record_stays()",
    "drop index agencies_practitioner_by_agency",
    "drop index agencies_commitment_by_agency",
    "drop index agencies_affiliation_by_agency",
    "drop index agencies_qualification_by_agency",
    "drop index agencies_grade_record_by_day",
    "drop index agencies_filing_one_open",
    "drop index agencies_practitioner_one_staff",
]


class RawTable(Table):
    """A handle for raw statements."""


async def _run(statements: list[str]) -> None:
    for statement in statements:
        await RawTable.raw(statement)


async def forwards() -> MigrationManager:
    """Create the indexes and the trigger."""
    manager = MigrationManager(migration_id=ID, app_name="agencies", description=DESCRIPTION)

    async def run() -> None:
        await _run(FORWARDS)

    async def run_backwards() -> None:
        await _run(BACKWARDS)

    manager.add_raw(run)
    manager.add_raw_backwards(run_backwards)
    return manager
