"""What Piccolo cannot say: the ledger is written once and balances at every commit; more states; one hold at a time."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-25T18:00:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "the ledger is written once and balances"

STATEMENTS = [
    "alter table payments_payable drop constraint payments_payable_state_known",
    """
    alter table payments_payable add constraint payments_payable_state_known check (state in
      ('due', 'processing', 'vouchered', 'contested', 'authorised', 'expired', 'captured', 'disputed', 'paid-out',
       'confirmed', 'released', 'refunded', 'cancelled'))
    """,
    "create unique index payments_hold_one_at_a_time on payments_hold (payable) where lifted_at is null",
    "create index payments_entry_by_account on payments_entry (account, id) include (amount)",
    """
    create or replace function payments_ledger_refuse() returns trigger language plpgsql as $refuse$
    begin
        raise exception '% on % refused: the ledger is written once', tg_op, tg_table_name
            using errcode = 'insufficient_privilege';
    end
    $refuse$
    """,
    *(
        f"""
        create trigger {table}_once before update or delete or truncate on {table}
            for each statement execute function payments_ledger_refuse()
        """
        for table in ("payments_account", "payments_posting", "payments_entry")
    ),
    """
    create or replace function payments_ledger_balance() returns trigger language plpgsql as $balance$
    declare
        moved bigint := case tg_table_name when 'payments_posting' then new.id else (to_jsonb(new)->>'posting')::bigint end;
        lines bigint;
        uneven text;
    begin
        select sum(part.lines), string_agg(part.rest || ' ' || part.currency, ', ') filter (where part.rest <> 0)
          into lines, uneven
          from (select a.currency, count(*) as lines, sum(e.amount) as rest
                  from payments_entry e join payments_account a on a.id = e.account
                 where e.posting = moved group by a.currency) part;
        if coalesce(lines, 0) < 2 or uneven is not null then
            raise exception 'posting % does not balance: % lines, % left over', moved, coalesce(lines, 0),
                coalesce(uneven, 'nothing') using errcode = 'check_violation';
        end if;
        return null;
    end
    $balance$
    """,
    """
    create constraint trigger payments_posting_balances after insert on payments_posting
        deferrable initially deferred for each row execute function payments_ledger_balance()
    """,
    """
    create constraint trigger payments_entry_balances after insert on payments_entry
        deferrable initially deferred for each row execute function payments_ledger_balance()
    """,
    """
    do $grants$
    begin
        if exists (select from pg_roles where rolname = 'xinshi_app') then
            revoke all on payments_account, payments_posting, payments_entry from xinshi_app;
            grant select, insert on payments_account, payments_posting, payments_entry to xinshi_app;
        end if;
    end
    $grants$
    """,
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
