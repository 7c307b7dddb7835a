"""A direct D as its row tells it: the one place that reads what ended it, and when (decision 0016)."""

from collections.abc import Mapping
from typing import Any

from grading.rules.ends import Record, ground_record
from grading.rules.scheme import TermRules

GROUNDS = """
select d.*, s.source, a.name_zh, a.name_en, a.organization, ended.*,
  (select w.id from grading_way_back w where w.direct_d = d.id order by w.id desc limit 1) as way_back,
  (select w.state from grading_way_back w where w.direct_d = d.id order by w.id desc limit 1) as way_back_state,
  (select r.id from grading_repair r where r.direct_d = d.id and r.state in ('applied', 'accepted', 'joint')) as repair
from grading_direct_d d join grading_scheme s on s.id = d.scheme join agencies_agency a on a.id = d.agency
cross join lateral (select
  (select min(r.ends_on) from grading_repair r where r.direct_d = d.id and r.state = 'granted' and r.ends_on <= $1)
    as repaired_on,
  (select max(w.effective_on) from grading_way_back w where w.direct_d = d.id and w.state = 'granted'
     and (w.decided_at at time zone 'Asia/Shanghai')::date <= $1) as released_on) ended
"""
"""Every direct D with its agency, rule-set, ends and applications; `$1` is the day on which it is asked: what was decided later is not known then."""


def ground_of_row(row: Mapping[str, Any], terms: TermRules) -> Record:
    """A row with `starts_on, ends_on, repaired_on, released_on` as a record."""
    return ground_record(
        row["starts_on"], row["ends_on"], released_on=row["released_on"], repaired_on=row["repaired_on"], terms=terms
    )
