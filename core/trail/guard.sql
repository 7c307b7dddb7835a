-- The trail is written once. Runs after the tables exist; safe to run again.

alter table core_trail_entry
    add column if not exists xact xid8 not null default pg_current_xact_id();

create index if not exists core_trail_entry_order on core_trail_entry (xact, id);

create or replace function core_trail_refuse() returns trigger language plpgsql as $refuse$
begin
    raise exception '% on % refused: the trail is written once', tg_op, tg_table_name
        using errcode = 'insufficient_privilege';
end
$refuse$;

create or replace trigger core_trail_entry_once before update or delete or truncate
    on core_trail_entry for each statement execute function core_trail_refuse();
create or replace trigger core_trail_leaf_once before update or delete or truncate
    on core_trail_leaf for each statement execute function core_trail_refuse();
create or replace trigger core_trail_checkpoint_once before update or delete or truncate
    on core_trail_checkpoint for each statement execute function core_trail_refuse();
-- Personal data may be deleted as the law demands, never rewritten.
create or replace trigger core_trail_person_once before update or truncate
    on core_trail_person for each statement execute function core_trail_refuse();

-- Where the application has a role of its own, that role cannot even try.
do $grants$
begin
    if exists (select from pg_roles where rolname = 'xinshi_app') then
        revoke all on core_trail_entry, core_trail_leaf, core_trail_checkpoint, core_trail_person
            from xinshi_app;
        grant select, insert on core_trail_entry, core_trail_leaf, core_trail_checkpoint to xinshi_app;
        grant select, insert, delete on core_trail_person to xinshi_app;
        grant usage on sequence core_trail_entry_id_seq to xinshi_app;
    end if;
end
$grants$;
