"""The longest display of a finding: when it is over, display and points end together, without anybody asking."""

from datetime import date
from typing import Any

from core import clock, db, trail
from core.db import transaction
from core.identity import SYSTEM
from grading.rules.ends import end_of, finding_record
from grading.rules.months import add_months
from grading.rules.scheme import load_scheme


async def end_displays(today: date | None = None) -> int:
    """End upheld findings whose class is displayed for less time than points live; how many ended.

    The end carries the day it was due, however late the sweep comes (grading.md §6: maximum 3/12/36 months), and it
    counts from that day in any case (`rules.ends`); the sweep only puts it on the record and on the trail.
    """
    today = today or clock.today()
    async with transaction():
        found = await db.rows(
            "select f.id, f.agency, f.points, f.decided_on, s.source from grading_conduct f"
            " join grading_scheme s on s.id = f.scheme where f.state = 'upheld' and f.ended_on is null"
            " order by f.id for update of f"
        )
        return sum([await _end(row, today) for row in found])


async def _end(row: Any, today: date) -> bool:
    scheme = load_scheme(row["source"])
    terms = scheme.repair.terms(scheme.repair.class_of(row["points"]))
    over = end_of(finding_record(row["decided_on"], row["points"], None, scheme)).on
    if today < over or over >= add_months(row["decided_on"], scheme.conduct.life_months):
        return False
    await db.execute("update grading_conduct set ended_on = $2 where id = $1", row["id"], over)
    await trail.record(
        SYSTEM,
        "conduct.display-ended",
        f"conduct:{row['id']}",
        after={"ended_on": over, "class": terms.grade_class.value},
        threads=[f"agency:{row['agency']}"],
    )
    return True
