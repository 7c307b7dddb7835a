"""Certificates on record that have run out and that nobody has renewed, ended or filed a change for."""

from datetime import timedelta

from agencies.rules.outdated import FILED_BEFORE, UPDATE_WORKDAYS, Outdated, left_alone
from core import clock, db
from core.workdays import calendar

_WINDOW = timedelta(days=60)

_OUTDATED = """
with one as (
  select 'qualification' as kind, q.id, q.agency, q.profession, q.kind_zh as name, q.number, q.expires_on
  from agencies_qualification q
  join agencies_profession p on p.agency = q.agency and p.profession = q.profession and p.ended_on is null
  where q.ended_on is null and not exists (
    select 1 from agencies_qualification n where n.agency = q.agency and n.profession = q.profession
      and n.kind_zh = q.kind_zh and n.ended_on is null and (n.expires_on is null or n.expires_on > q.expires_on))
  union all
  select 'practitioner', t.id, t.agency, null, t.certificate_kind, t.certificate_no, t.certificate_expires_on
  from agencies_practitioner t where t.ended_on is null)
select one.*, (select min(f.submitted_at) from agencies_filing f join agencies_agency a on a.organization = f.organization
  where a.id = one.agency and f.submitted_at > one.expires_on - $3::interval
    and f.kind <> 'registration' and f.state not in ('draft', 'refused', 'withdrawn')) as filed_at
from one where one.expires_on between $1 and $2 order by one.expires_on, one.kind, one.id
"""


async def outdated_certificates(within: timedelta) -> list[Outdated]:
    """What came to be overdue within so much time up to now: no renewal, no end and no change filed in ten workdays."""
    now, today, days = clock.now(), clock.today(), await calendar()
    found = []
    for row in await db.rows(_OUTDATED, today - within - _WINDOW, today, FILED_BEFORE):
        due = days.due_at(clock.end_of_day(row["expires_on"]), UPDATE_WORKDAYS)
        if now - within < due <= now and left_alone(due, row["filed_at"]):
            names = ("kind", "agency", "profession", "name", "number", "expires_on")
            kind, agency, profession, name, number, expires = (row[one] for one in names)
            found.append(Outdated(kind, row["id"], agency, profession, name, number, expires, due))
    return found
