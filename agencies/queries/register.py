"""The register by day: who is on record, in what, with which grade, related to whom."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from agencies.rules import CreditGrade, Profession, Standing
from core import clock, db
from core.errors import NotFound
from core.i18n import N_

STANDINGS = """
select a.id, a.organization, a.name_zh, a.name_en, a.uscc, a.recorded_on <= $3 as recorded, exists (
    select from agencies_suspension u where u.agency = a.id and u.suspended_at < $4
      and (u.lifted_at is null or u.lifted_at >= $4)) as suspended,
  p.id is not null as profession_recorded,
  g.record, g.grade, g.score, g.firm, s.since, q.until, q.items,
  array(select f.target from agencies_affiliation f
        where f.agency = a.id and f.bars and f.target_kind = 'department'
          and f.recorded_on <= $3 and (f.ended_on is null or f.ended_on > $3)) as departments,
  array(select o.id from agencies_affiliation f join core_organization o on o.uscc = f.target
        where f.agency = a.id and f.bars and f.kind <> 'former_employer' and f.recorded_on <= $3
          and (f.ended_on is null or f.ended_on > $3)) as organizations,
  array(select b.id from agencies_affiliation f join agencies_agency b on b.uscc = f.target
        where f.agency = a.id and f.bars and f.kind <> 'former_employer' and f.recorded_on <= $3
          and (f.ended_on is null or f.ended_on > $3)
        union select f.agency from agencies_affiliation f
        where f.target = a.uscc and f.bars and f.kind <> 'former_employer' and f.recorded_on <= $3
          and (f.ended_on is null or f.ended_on > $3)) as agencies
from agencies_agency a
left join agencies_profession p on p.agency = a.id and p.profession = $2
  and p.recorded_on <= $3 and (p.ended_on is null or p.ended_on > $3)
left join lateral (
  select r.id as record, r.grade, r.score, r.firm from agencies_grade_record r
  where r.agency = a.id and r.profession = $2 and r.published_at < $4
  order by r.published_at desc, r.id desc limit 1) g on true
left join lateral (
  select min(r.published_at) as since from agencies_grade_record r
  where r.agency = a.id and r.profession = $2 and r.published_at < $4
    and r.published_at > coalesce((
      select max(x.published_at) from agencies_grade_record x
      where x.agency = a.id and x.profession = $2 and x.published_at < $4
        and x.grade <> g.grade), '-infinity')) s on true
left join lateral (
  select max(coalesce(c.expires_on, date '9999-12-31')) as until,
    array(select distinct unnest(v.items) from agencies_qualification v
          where v.agency = a.id and v.profession = $2 and v.recorded_on <= $3
            and (v.ended_on is null or v.ended_on > $3)
            and (v.expires_on is null or v.expires_on >= $3)) as items
  from agencies_qualification c
  where c.agency = a.id and c.profession = $2 and c.recorded_on <= $3
    and (c.ended_on is null or c.ended_on > $3)) q on true
where a.id = any($1::bigint[])
"""


class AgencyNotFound(NotFound):
    """No agency with that number is on record."""

    code = "agency-not-found"
    text = N_("没有找到这家机构。请从机构名录重新进入。")


@dataclass(frozen=True)
class AgencyRow:
    """An agency on record, as other floors need to name it."""

    agency_id: int
    organization_id: int
    name_zh: str
    name_en: str
    uscc: str
    region_code: str
    region_zh: str
    region_en: str
    recorded_on: date
    professions: tuple[str, ...]


@dataclass(frozen=True)
class ProfessionCard:
    """One profession of an agency, with the grade now on record."""

    profession: str
    recorded_on: date
    items: tuple[str, ...]
    qualified_until: date
    best_class: str
    grade: str
    score: Decimal | None
    low: Decimal | None
    high: Decimal | None
    firm: bool
    graded_on: date | None
    figures: dict[str, Any]


@dataclass(frozen=True)
class AgencyCard(AgencyRow):
    """An agency with its professions in full, for headers and badges."""

    cards: tuple[ProfessionCard, ...] = ()


async def standings(agency_ids: Iterable[int], profession: Profession, on: date) -> dict[int, Standing]:
    """Standings by agency id on day `on` (Shanghai), in one query; unknown ids are left out."""
    found = await db.rows(STANDINGS, list(agency_ids), profession.value, on, clock.end_of_day(on))
    return {row["id"]: _standing(row) for row in found}


async def standing(agency_id: int, profession: Profession, on: date) -> Standing:
    """The standing of one agency on day `on`; `AgencyNotFound` for an unknown id."""
    found = await standings([agency_id], profession, on)
    if agency_id not in found:
        raise AgencyNotFound
    return found[agency_id]


def _standing(row: Any) -> Standing:
    return Standing(
        agency_id=row["id"],
        organization_id=row["organization"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        uscc=row["uscc"],
        recorded=row["recorded"] and not row["suspended"],
        suspended=row["suspended"],
        profession_recorded=row["profession_recorded"],
        grade=CreditGrade(row["grade"] or "N"),
        score=row["score"],
        firm=bool(row["firm"]),
        grade_since=clock.shanghai(row["since"]).date() if row["since"] else None,
        qualification_valid_until=row["until"],
        items=frozenset(row["items"] or ()),
        related_organizations=frozenset(row["organizations"]),
        related_departments=frozenset(row["departments"]),
        related_agencies=frozenset(row["agencies"]) - {row["id"]},
        grade_record=row["record"],
    )


AGENCY_ROWS = """
select a.id, a.organization, a.name_zh, a.name_en, a.uscc, a.region_code, a.region_zh,
  a.region_en, a.recorded_on,
  array(select p.profession from agencies_profession p
        where p.agency = a.id and p.ended_on is null order by p.id) as professions
from agencies_agency a
"""


HOLDING = """
where $1::text is null or exists (select 1 from agencies_profession p
  where p.agency = a.id and p.profession = $1 and p.ended_on is null) order by a.id
"""


async def agency_of(organization_id: int) -> AgencyRow | None:
    """The agency that an organisation is on record as, or None."""
    row = await db.row(AGENCY_ROWS + " where a.organization = $1", organization_id)
    return _agency(row) if row else None


async def agency_row(agency_id: int) -> AgencyRow:
    """The agency with that id; `AgencyNotFound`."""
    row = await db.row(AGENCY_ROWS + " where a.id = $1", agency_id)
    if row is None:
        raise AgencyNotFound
    return _agency(row)


@dataclass(frozen=True)
class StaffRow:
    """A practitioner for the agency's own eyes; the certificate number identifies."""

    certificate_no: str
    name: str
    certificate_kind: str


async def staff_of(agency_id: int) -> list[StaffRow]:
    """Who is on an agency's register today. Personal data: for the agency itself and for acts, never for a page of others."""
    found = await db.rows(
        "select certificate_no, name, certificate_kind from agencies_practitioner"
        " where agency = $1 and ended_on is null order by name, id",
        agency_id,
    )
    return [StaffRow(*row) for row in found]


async def recorded_agencies(profession: Profession | None = None) -> list[AgencyRow]:
    """Every agency on record, of one profession or of all, oldest first."""
    found = await db.rows(
        AGENCY_ROWS + HOLDING,
        profession.value if profession else None,
    )
    return [_agency(row) for row in found]


async def region_names() -> dict[str, tuple[str, str]]:
    """The regions of agencies by code, in Chinese and English; English is the Chinese where nobody gave it."""
    found = await db.rows(
        "select distinct on (region_code) region_code, region_zh, coalesce(nullif(region_en, ''), region_zh)"
        " from agencies_agency where region_zh <> '' order by region_code, region_en = '', id"
    )
    return {code: (zh, en) for code, zh, en in found}


async def agencies_by_uscc(codes: Sequence[str]) -> dict[str, int]:
    """The ids of agencies on record by credit code; codes of nobody are missing."""
    found = await db.rows("select id, uscc from agencies_agency where uscc = any($1)", list(codes))
    return {row["uscc"]: row["id"] for row in found}


async def offering(item_code: str) -> list[int]:
    """The organisations of all agencies on record that offer a service item."""
    found = await db.rows(
        "select distinct a.organization from agencies_agency a join agencies_profession p on p.agency = a.id"
        " where p.ended_on is null and p.items @> array[$1::text] order by 1",
        item_code,
    )
    return [row["organization"] for row in found]


def _agency(row: Any) -> AgencyRow:
    return AgencyRow(
        agency_id=row["id"],
        organization_id=row["organization"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        uscc=row["uscc"],
        region_code=row["region_code"],
        region_zh=row["region_zh"],
        region_en=row["region_en"],
        recorded_on=row["recorded_on"],
        professions=tuple(row["professions"]),
    )


CARDS = """
select p.profession, p.recorded_on, p.items, p.qualified_until, p.best_class, p.grade, p.score, p.low,
  p.high, p.firm, p.graded_on, p.figures
from agencies_profession p where p.agency = $1 and p.ended_on is null order by p.id
"""


def _profession(row: Any) -> ProfessionCard:
    """A `ProfessionCard` out of a record of `CARDS`."""
    return ProfessionCard(
        profession=row["profession"],
        recorded_on=row["recorded_on"],
        items=tuple(row["items"]),
        qualified_until=row["qualified_until"],
        best_class=row["best_class"],
        grade=row["grade"],
        score=row["score"],
        low=row["low"],
        high=row["high"],
        firm=row["firm"],
        graded_on=row["graded_on"],
        figures=row["figures"] or {},
    )


async def agency_card(agency_id: int) -> AgencyCard:
    """The agency with its professions and their grades now on record; `AgencyNotFound`."""
    base = await agency_row(agency_id)
    found = await db.rows(CARDS, agency_id)
    return AgencyCard(**vars(base), cards=tuple(_profession(row) for row in found))


async def grade_history(agency_id: int, profession: Profession) -> Sequence[Any]:
    """Every published grade of an agency in a profession, newest first (asyncpg records)."""
    return await db.rows(
        "select grade, score, low, high, firm, scheme, as_of, published_at, publication_no"
        " from agencies_grade_record where agency = $1 and profession = $2"
        " order by published_at desc, id desc",
        agency_id,
        profession.value,
    )
