"""What the record of contracts shows against an agency by itself: not signing, late filings, overruns, returns."""

from datetime import datetime, timedelta

from contracts.rules.breaches import OVERRUN_PERCENT, RETURNS, SIGN_WORKDAYS, RecordBreach, RecordedBreach
from core import clock, db
from core.workdays import calendar

_BREACHES = """
with one as (
  select c.id, c.agency, c.profession, coalesce(c.number, c.notice_no) as contract_no, c.title from contracts_contract c),
found as (
  select 'contract-filing' as kind, 'contract-filing:' || c.id as event, c.id as contract, c.filing_due_at as at,
         0 as told, 0 as against
  from contracts_contract c
  where c.filing_due_at <= $2 and (c.filed_late or (c.filed_at is null and c.state = 'signed'))
  union all
  select 'correction', 'correction:' || d.id || ':' || (d.version + 1), d.contract, d.due_at, d.version + 1, 0
  from contracts_deliverable d where d.state = 'returned' and d.due_at <= $2
  union all
  select 'correction', 'correction:' || d.id || ':' || s.version, d.contract, s.filed_at, s.version, 0
  from contracts_submission s join contracts_deliverable d on d.id = s.deliverable where s.late
  union all
  select 'overrun', 'overrun:' || d.id, d.contract, d.accepted_at, d.taken_days, d.agreed_days
  from contracts_deliverable d where d.agreed_days > 0 and 100 * d.taken_days > $3 * d.agreed_days
  union all
  select 'returned-twice', 'returned-twice:' || d.id, d.contract, max(s.returned_at), count(*)::int, 0
  from contracts_submission s join contracts_deliverable d on d.id = s.deliverable
  where s.returned_at is not null group by d.id, d.contract having count(*) >= $4)
select f.kind, f.event, o.agency, o.profession, o.contract_no, o.title, f.at, f.told, f.against
from found f join one o on o.id = f.contract where f.at > $1 and f.at <= $2 order by f.at, f.event
"""


_UNSIGNED = """
select c.id, c.agency, c.profession, c.notice_no, c.title, c.version, c.confirm_due_at, c.client_confirmed_at
from contracts_contract c
where c.state = 'half-confirmed' and c.client_confirmed_at is not null and c.confirm_due_at <= $1
"""


async def recorded_breaches(within: timedelta) -> list[RecordedBreach]:
    """Everything of that kind that came about within so much time up to now, oldest first.

    F and D take it into the mark of the result already (grading.md §1); here it is asked whether it is also misconduct.
    """
    now = clock.now()
    found = [
        RecordedBreach(
            RecordBreach(row["kind"]), row["event"], row["agency"], row["profession"], row["contract_no"],
            row["title"], row["at"], (row["told"], row["against"]),
        )
        for row in await db.rows(_BREACHES, now - within, now, OVERRUN_PERCENT, RETURNS)
    ]  # fmt: skip
    return sorted([*found, *await _unsigned(now - within, now)], key=lambda one: (one.at, one.event))


async def _unsigned(after: datetime, now: datetime) -> list[RecordedBreach]:
    """Contracts that the client has confirmed and the winner has not, over the time for signing and three workdays."""
    days = await calendar()
    found = []
    for row in await db.rows(_UNSIGNED, now):
        due = max(row["confirm_due_at"], days.due_at(row["client_confirmed_at"], SIGN_WORKDAYS))
        if after < due <= now:
            event = f"contract-signing:{row['id']}"
            names = (row["agency"], row["profession"], row["notice_no"], row["title"])
            found.append(RecordedBreach(RecordBreach.NOT_SIGNED, event, *names, due, (row["version"], 0)))
    return found
