"""What is published stands: the database itself refuses to change it."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-21T22:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "published schemes, tables and reports are immutable"


class RawTable(Table):
    """Carries the raw statements."""


REFUSE = """
create or replace function grading_refuse() returns trigger language plpgsql as $refuse$
begin
    raise exception '% on % refused: what is published is never edited, only superseded', tg_op, tg_table_name
        using errcode = 'insufficient_privilege';
end
$refuse$
"""
REPORT = """
create or replace function grading_report_keep() returns trigger language plpgsql as $keep$
declare
    free constant text[] := array['state', 'superseded_by', 'superseded_at'];
begin
    if old.state in ('published', 'superseded')
        and (tg_op = 'DELETE' or (to_jsonb(new) - free) <> (to_jsonb(old) - free)
             or new.state not in ('published', 'superseded'))
    then
        raise exception 'grade report % refused: what is published is never edited, only superseded', old.id
            using errcode = 'insufficient_privilege';
    end if;
    return case when tg_op = 'DELETE' then old else new end;
end
$keep$
"""
TRIGGERS = (
    "create or replace trigger grading_scheme_once before update or delete or truncate"
    " on grading_scheme for each statement execute function grading_refuse()",
    "create or replace trigger grading_calibration_once before update or delete or truncate"
    " on grading_calibration for each statement execute function grading_refuse()",
    "create or replace trigger grading_report_once before update or delete"
    " on grading_report for each row execute function grading_report_keep()",
)


async def forwards() -> MigrationManager:
    """Create the functions and triggers."""
    manager = MigrationManager(migration_id=ID, app_name="grading", description=DESCRIPTION)

    async def run() -> None:
        for statement in (REFUSE, REPORT, *TRIGGERS):
            await RawTable.raw(statement)

    async def undo() -> None:
        for table in ("scheme", "calibration", "report"):
            await RawTable.raw(f"drop trigger if exists grading_{table}_once on grading_{table}")

    manager.add_raw(run)
    manager.add_raw_backwards(undo)
    return manager
