"""What the home page shows. Figures are read from the packages' tables in single statements.

Every figure comes with its basis: how many cases, over which time. Money in yuan, days in working days.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from agencies.rules import Profession
from core import clock, db
from portal.rules.months import Moves, labels, month_ends, moves

MANY = 60
"""More agencies than this are shown as numbers per grade instead of one badge each."""
MONTHS = 12


@dataclass(frozen=True)
class Badge:
    """One agency on the wall."""

    agency_id: int
    name_zh: str
    name_en: str
    grade: str


@dataclass(frozen=True)
class WallRow:
    """A profession with its agencies, best grade first and unrated last, and the number per grade."""

    profession: Profession
    badges: tuple[Badge, ...]
    grades: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """Agencies on record in the profession."""
        return sum(number for _, number in self.grades)


@dataclass(frozen=True)
class Wall:
    """All professions that somebody serves; `as_of` is the day of the latest grading."""

    rows: tuple[WallRow, ...]
    as_of: date | None
    crowded: bool


async def wall() -> Wall:
    """Every agency on record by profession, with the grade now in force."""
    found = await db.rows(
        """select a.id, a.name_zh, a.name_en, p.profession, p.grade, p.graded_on
             from agencies_profession p join agencies_agency a on a.id = p.agency
            where p.ended_on is null order by p.grade, a.id"""
    )
    crowded = len(found) > MANY
    rows = []
    for profession in Profession:
        own = [row for row in found if row["profession"] == profession]
        if own:
            rows.append(_wall_row(profession, own, crowded=crowded))
    graded = [row["graded_on"] for row in found if row["graded_on"]]
    return Wall(tuple(rows), max(graded, default=None), crowded)


def _wall_row(profession: Profession, found: Sequence[Any], *, crowded: bool) -> WallRow:
    numbers = Counter(row["grade"] for row in found)
    badges = () if crowded else tuple(Badge(row["id"], row["name_zh"], row["name_en"], row["grade"]) for row in found)
    return WallRow(profession, badges, tuple((grade, numbers[grade]) for grade in sorted(numbers)))


@dataclass(frozen=True)
class Figures:
    """The five figures under the doors. None where there is nothing to count yet."""

    collecting: int
    closing_today: int
    awards: int
    awarded: Decimal
    entrants: Decimal | None
    entrants_median: Decimal | None
    openings: int
    taken_median: Decimal | None
    agreed_median: Decimal | None
    delivered: int
    punctual: int


FIGURES = """
select n.collecting, n.closing_today, w.awards, w.awarded, o.entrants, o.entrants_median, o.openings,
       d.taken_median, d.agreed_median, d.delivered, d.punctual
from (select count(*) as collecting, count(*) filter (where deadline <= $2) as closing_today
        from market_notice where state = 'published' and method <> 'direct' and deadline > $1) n,
     (select count(*) as awards, coalesce(sum(amount), 0) as awarded from market_award
       where state in ('announced', 'confirmed') and announced_at >= $3 and announced_at <= $1) w,
     (select avg(received) as entrants, count(*) as openings,
             percentile_cont(0.5) within group (order by received)::numeric as entrants_median
        from market_opening where opened_at > $4 and opened_at <= $1) o,
     (select count(*) as delivered, count(*) filter (where taken_days <= agreed_days) as punctual,
             percentile_cont(0.5) within group (order by taken_days)::numeric as taken_median,
             percentile_cont(0.5) within group (order by agreed_days)::numeric as agreed_median
        from contracts_deliverable
       where taken_days is not null and accepted_at > $5 and accepted_at <= $1) d
"""


async def figures(now: datetime) -> Figures:
    """Notices collecting bids, awards of this month, entrants of 90 days, deliveries of 12 months."""
    today = clock.shanghai(now).date()
    row = await db.row(
        FIGURES,
        now,
        clock.end_of_day(today),
        clock.end_of_day(today.replace(day=1) - timedelta(days=1)),
        now - timedelta(days=90),
        now - timedelta(days=365),
    )
    return Figures(**dict(row))


@dataclass(frozen=True)
class ClosingNotice:
    """A notice that still collects bids. `ceiling` in yuan."""

    id: int
    title: str
    item_name_zh: str
    item_name_en: str
    client_name_zh: str
    client_name_en: str
    method: str
    ceiling: Decimal
    deadline: datetime


async def closing_soon(now: datetime, *, limit: int = 5) -> list[ClosingNotice]:
    """The notices whose deadline comes first."""
    found = await db.rows(
        """select n.id, p.title, i.name_zh as item_name_zh, i.name_en as item_name_en,
                  o.name_zh as client_name_zh, o.name_en as client_name_en,
                  n.method, n.ceiling, n.deadline
             from market_notice n
             join market_project p on p.id = n.project
             join market_service_item i on i.id = n.item
             join core_organization o on o.id = n.client
            where n.state = 'published' and n.method <> 'direct' and n.deadline > $1
            order by n.deadline, n.id limit $2""",
        now,
        limit,
    )
    return [ClosingNotice(**dict(row)) for row in found]


@dataclass(frozen=True)
class LatestAward:
    """A selection as announced, with the grade the agency had at that moment."""

    notice_id: int
    title: str
    item_name_zh: str
    item_name_en: str
    agency_id: int
    agency_name_zh: str
    agency_name_en: str
    amount: Decimal
    days: int
    grade: str
    announced_at: datetime
    on_display: bool


async def latest_awards(now: datetime, *, limit: int = 4) -> list[LatestAward]:
    """The newest awards that stand."""
    found = await db.rows(
        """select n.id as notice_id, p.title, i.name_zh as item_name_zh, i.name_en as item_name_en,
                  a.id as agency_id, a.name_zh as agency_name_zh, a.name_en as agency_name_en,
                  w.amount, w.days, w.grade_at_selection as grade, w.announced_at,
                  w.state = 'announced' and w.display_until > $1 as on_display
             from market_award w
             join market_notice n on n.id = w.notice
             join market_project p on p.id = n.project
             join market_service_item i on i.id = n.item
             join agencies_agency a on a.id = w.agency
            where w.state in ('announced', 'confirmed')
            order by w.announced_at desc, w.id desc limit $2""",
        now,
        limit,
    )
    return [LatestAward(**dict(row)) for row in found]


@dataclass(frozen=True)
class GradeMix:
    """Agency-and-profession pairs by grade at the end of each month, ready for the chart."""

    ends: tuple[date, ...]
    data: dict[str, list[Any]]
    moves: Moves

    @property
    def any(self) -> bool:
        """Whether there is anything to draw."""
        return any(sum(self.data[grade]) for grade in "ABCDN")

    def last(self, grade: str) -> int:
        """The newest number of a grade."""
        return int(self.data[grade][-1])


GRADES_AT = """
select m.place, p.agency, p.profession, g.grade
from unnest($1::date[], $2::timestamptz[]) with ordinality as m(day, moment, place)
join agencies_profession p on p.recorded_on <= m.day and (p.ended_on is null or p.ended_on > m.day)
left join lateral (
  select r.grade from agencies_grade_record r
   where r.agency = p.agency and r.profession = p.profession and r.published_at < m.moment
   order by r.published_at desc, r.id desc limit 1) g on true
"""


async def grade_mix(today: date) -> GradeMix:
    """Twelve months of grades as they were on record, pairs without a grade counted as N."""
    ends = month_ends(today, MONTHS)
    months: list[dict[tuple[int, str], str]] = [{} for _ in ends]
    for row in await db.rows(GRADES_AT, ends, [clock.end_of_day(day) for day in ends]):
        months[row["place"] - 1][row["agency"], row["profession"]] = row["grade"] or "N"
    numbers = [Counter(month.values()) for month in months]
    data: dict[str, list[Any]] = {"months": labels(ends)}
    data |= {grade: [number[grade] for number in numbers] for grade in "ABCDN"}
    return GradeMix(tuple(ends), data, moves(months[-2], months[-1]))
