"""The public directory: one row per agency and profession, because grades are per profession.

The default order is drawn by lot each day from a public seed: nobody can buy a place. On these equal terms grade A
stands first (rule-set XT-2026.1, consequences.A.listing). Grade D is left out unless it is asked for; the file itself
stays public (grading scheme: loss of privileges).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, NamedTuple

from agencies.rules import CreditGrade, Profession
from agencies.rules.listing import lot_seed, shingles
from core import db

NOT_D = (CreditGrade.A, CreditGrade.B, CreditGrade.C, CreditGrade.N)
COMPARE_LIMIT = 4
LAST_SCORE = Decimal(-1)
"""Where unrated agencies stand when the list is ordered by score: after every rated one."""


class Order(StrEnum):
    """How the list may be ordered."""

    LOT = "lot"
    SCORE = "score"
    NAME = "name"


@dataclass(frozen=True)
class DirectoryFilter:
    """What somebody looks for. `region` is the beginning of a region code (3709: Tai'an)."""

    profession: Profession | None = None
    grades: frozenset[CreditGrade] = frozenset()
    region: str = ""
    items: tuple[str, ...] = ()
    text: str = ""
    qualified_on: date | None = None
    order: Order = Order.LOT


class ListingRow(NamedTuple):
    """One line of the directory; the last three fields make its cursor."""

    agency_id: int
    profession: str
    name_zh: str
    name_en: str
    uscc: str
    region_code: str
    region_zh: str
    region_en: str
    recorded_on: date
    staff_certified: int
    best_class: str
    qualified_until: date
    items: list[str]
    grade: str
    score: Decimal | None
    low: Decimal | None
    high: Decimal | None
    firm: bool
    graded_on: date | None
    figures: dict[str, Any]
    suspended: bool
    place: Any
    line: int
    seed: str


COLUMNS = """
select a.id, p.profession, a.name_zh, a.name_en, a.uscc, a.region_code, a.region_zh, a.region_en,
  a.recorded_on, a.staff_certified, p.best_class, p.qualified_until, p.items, p.grade, p.score,
  p.low, p.high, p.firm, p.graded_on, p.figures,
  exists (select from agencies_suspension u where u.agency = a.id and u.lifted_at is null) as suspended
"""
MATCHING = """
from agencies_profession p join agencies_agency a on a.id = p.agency
where p.ended_on is null
  and ($1::text is null or p.profession = $1)
  and p.grade = any($2::text[])
  and a.region_code like $3 || '%'
  and p.items @> $4::text[]
  and a.grams @> $5::text[]
  and ($6::date is null or p.qualified_until >= $6)
"""
PLACES = {
    Order.LOT: ("(case p.grade when 'A' then '0' else '1' end || md5($7 || ':' || a.id))", ">", "asc"),
    Order.SCORE: ("coalesce(p.score, -1)", "<", "desc"),
    Order.NAME: ("a.name_zh", ">", "asc"),
}


def _arguments(wanted: DirectoryFilter) -> list[Any]:
    return [
        wanted.profession.value if wanted.profession else None,
        [grade.value for grade in (wanted.grades or NOT_D)],
        wanted.region,
        list(wanted.items),
        shingles(wanted.text),
        wanted.qualified_on,
    ]


async def listing(
    wanted: DirectoryFilter, day: date, *, limit: int, after: Sequence[Any] | None = None
) -> list[ListingRow]:
    """Up to `limit` lines after a cursor (`cursor_key` of the last line), in one query."""
    place, sign, direction = PLACES[wanted.order]
    seed = after[0] if after else lot_seed(day)
    arguments = [*_arguments(wanted), seed, limit]
    keyset = ""
    if after:
        keyset = f" and ({place} {sign} $9 or ({place} = $9 and (a.id, p.id) > ($10, $11)))"
        arguments += [_typed(wanted.order, after[1]), after[2], after[3]]
    found = await db.rows(
        f"{COLUMNS}, {place} as place, p.id as line, $7::text as seed {MATCHING}{keyset}"
        f" order by place {direction}, a.id, p.id limit $8",
        *arguments,
    )
    return [ListingRow(*row) for row in found]


def _typed(order: Order, place: Any) -> Any:
    """A cursor is JSON: scores come back as text. Nonsense starts at the end, not with an error."""
    if order is not Order.SCORE:
        return str(place)
    try:
        return Decimal(str(place))
    except InvalidOperation:
        return LAST_SCORE


def cursor_key(row: ListingRow) -> list[Any]:
    """What the next page starts after; the seed keeps a list together over midnight."""
    return [row.seed, str(row.place), row.agency_id, row.line]


def cursor_of(decoded: Any) -> list[Any] | None:
    """A decoded cursor if it has the form of one, else None (the list starts anew)."""
    match decoded:
        case [str(), str(), int(), int()]:
            return list(decoded)
        case _:
            return None


@dataclass(frozen=True)
class Facets:
    """How many lines each choice has: professions over all, grades, regions and items of the chosen one."""

    professions: Mapping[str, int] = field(default_factory=dict)
    grades: Mapping[str, int] = field(default_factory=dict)
    regions: Mapping[str, int] = field(default_factory=dict)
    items: Mapping[str, int] = field(default_factory=dict)


FACETS = """
with lines as (
  select p.profession, p.grade, p.items, left(a.region_code, 4) as city
  from agencies_profession p join agencies_agency a on a.id = p.agency where p.ended_on is null)
select 'professions' as kind, profession as value, count(*) as n from lines group by profession
union all
select 'grades', grade, count(*) from lines where $1::text is null or profession = $1 group by grade
union all
select 'regions', city, count(*) from lines where $1::text is null or profession = $1 group by city
union all
select 'items', item, count(*) from lines, unnest(items) as item
where $1::text is null or profession = $1 group by item
"""


async def facets(profession: Profession | None) -> Facets:
    """Counts for the filter beside the list, in one query."""
    found: dict[str, dict[str, int]] = {}
    for row in await db.rows(FACETS, profession.value if profession else None):
        found.setdefault(row["kind"], {})[row["value"]] = row["n"]
    return Facets(**found)


async def matching(wanted: DirectoryFilter) -> int:
    """How many lines a filter leaves."""
    count: int = await db.value("select count(*) " + MATCHING, *_arguments(wanted))
    return count


async def compared(agency_ids: Sequence[int], profession: Profession) -> list[ListingRow]:
    """Up to four agencies side by side in one profession, in the order asked for, D included."""
    chosen = list(dict.fromkeys(agency_ids))[:COMPARE_LIMIT]
    found = await db.rows(
        f"{COLUMNS}, '' as place, p.id as line, '' as seed"
        " from agencies_profession p join agencies_agency a on a.id = p.agency"
        " where p.ended_on is null and p.profession = $1 and a.id = any($2::bigint[])",
        profession.value,
        chosen,
    )
    by_id = {row["id"]: ListingRow(*row) for row in found}
    return [by_id[number] for number in chosen if number in by_id]


@dataclass(frozen=True)
class AgencyHit:
    """A search result: an agency with its professions and grades (pairs)."""

    agency_id: int
    name_zh: str
    name_en: str
    uscc: str
    region_zh: str
    region_en: str
    grades: tuple[tuple[str, str], ...]


async def search(text: str, *, limit: int = 20) -> list[AgencyHit]:
    """Agencies whose name, code or scope holds every piece of `text`; grade D is not offered."""
    grams = shingles(text)
    if not grams:
        return []
    found = await db.rows(
        "select a.id, a.name_zh, a.name_en, a.uscc, a.region_zh, a.region_en,"
        " array_agg(p.profession order by p.id) as professions,"
        " array_agg(p.grade order by p.id) as grades"
        " from agencies_agency a join agencies_profession p on p.agency = a.id"
        " where p.ended_on is null and p.grade <> 'D' and a.grams @> $1::text[]"
        " group by a.id order by a.name_zh limit $2",
        grams,
        limit,
    )
    return [
        AgencyHit(
            row["id"],
            row["name_zh"],
            row["name_en"],
            row["uscc"],
            row["region_zh"],
            row["region_en"],
            tuple(zip(row["professions"], row["grades"], strict=True)),
        )
        for row in found
    ]
