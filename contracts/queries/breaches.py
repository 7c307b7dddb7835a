"""What the record of contracts shows against an agency by itself: late and missing filings, overruns, returns."""

from datetime import timedelta

from contracts.rules.breaches import OVERRUN_PERCENT, RETURNS, RecordBreach, RecordedBreach
from core import clock, db

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


async def recorded_breaches(within: timedelta) -> list[RecordedBreach]:
    """Everything of that kind that came about within so much time up to now, oldest first, in one query.

    F and D take it into the mark of the result already (grading.md §1); here it is asked whether it is also misconduct.
    """
    now = clock.now()
    return [
        RecordedBreach(
            RecordBreach(row["kind"]), row["event"], row["agency"], row["profession"], row["contract_no"],
            row["title"], row["at"], (row["told"], row["against"]),
        )
        for row in await db.rows(_BREACHES, now - within, now, OVERRUN_PERCENT, RETURNS)
    ]  # fmt: skip
