"""What supervision reads: rules of a rule-set, notes on measures, and who has a record that counts."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from core import clock, db
from grading.queries.records import GROUNDS, ground_of_row
from grading.queries.schemes import rulebook_on
from grading.rules.consequences import MeasureNote, SupervisionRules, load_notes, load_supervision
from grading.rules.ends import counts, end_of, finding_record
from grading.rules.months import alive
from grading.rules.scheme import load_scheme

CONTENT = Path(__file__).resolve().parent.parent / "content" / "consequences"


async def supervision_on(day: date) -> SupervisionRules:
    """What the rule-set in force on `day` says about supervision."""
    rules = await rulebook_on(day)
    text: str = await db.value("select source from grading_scheme where id = $1", rules.scheme_id)
    return load_supervision(text)


@cache
def measure_notes() -> tuple[MeasureNote, ...]:
    """Titles, places and bases of the measures."""
    return load_notes((CONTENT / "xt_2026_1.toml").read_text("utf-8"))


@dataclass(frozen=True)
class Stain:
    """An agency with a record that counts today, since when, and whether a direct D is running."""

    agency_id: int
    since: date
    barred: bool


async def stained() -> list[Stain]:
    """Agencies whose own findings live, or whose direct D runs or ended within the after-D months."""
    today = clock.today()
    terms = (await rulebook_on(today)).scheme.terms
    points = await db.rows(
        "select f.agency, f.decided_on, f.points, f.ended_on, s.source from grading_conduct f"
        " join grading_scheme s on s.id = f.scheme where f.state = 'upheld' order by f.decided_on desc, f.id"
    )
    grounds = await db.rows(GROUNDS + "where d.starts_on <= $1", today)
    found = {}
    for row in points:
        record = finding_record(row["decided_on"], row["points"], row["ended_on"], load_scheme(row["source"]))
        if counts(record, today):
            found[row["agency"]] = Stain(row["agency"], row["decided_on"], False)
    for row in grounds:
        record = ground_of_row(row, terms)
        if counts(record, today) or alive(end_of(record).on, today, terms.after_d_months):
            known = found.get(row["agency"])
            since = min(row["starts_on"], known.since) if known else row["starts_on"]
            found[row["agency"]] = Stain(row["agency"], since, True)
    return sorted(found.values(), key=lambda one: one.agency_id)


_ANCESTORS = """
with recursive kin as (
  select successor, predecessor from grading_inheritance
   where decided_on <= $2 and decided_on is not null and state in ('in-force', 'cleared')
     and (cleared_on is null or cleared_on > $2)
), up as (
  select successor, predecessor from kin where successor = any($1::bigint[])
  union
  select up.successor, kin.predecessor from up join kin on kin.successor = up.predecessor
)
select successor, predecessor from up where successor <> predecessor order by 1, 2
"""


async def predecessors(agency_ids: list[int], day: date) -> dict[int, tuple[int, ...]]:
    """Whose record each agency carries on `day`, over any number of steps; agencies without any are left out."""
    found: dict[int, tuple[int, ...]] = {}
    for row in await db.rows(_ANCESTORS, agency_ids, day):
        found[row["successor"]] = (*found.get(row["successor"], ()), row["predecessor"])
    return found
