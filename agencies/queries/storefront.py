"""The public file of an agency. Natural persons appear veiled; papers with their days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from agencies.queries.reference import department
from agencies.queries.register import AgencyCard, AgencyNotFound, agency_card
from agencies.rules.formal_check import WARNING_DAYS
from agencies.rules.listing import veiled_name
from core import db


@dataclass(frozen=True)
class PaperRow:
    """A certificate as the public sees it. `days_left` is None without end, negative when over."""

    qualification_id: int
    profession: str
    kind_zh: str
    kind_en: str
    number: str
    grade: str
    scope_zh: str
    scope_en: str
    issuer: str
    expires_on: date | None
    days_left: int | None
    items: tuple[str, ...]

    @property
    def expired(self) -> bool:
        """Whether its last day is over."""
        return self.days_left is not None and self.days_left < 0

    @property
    def expires_soon(self) -> bool:
        """Whether it ends within 90 days."""
        return self.days_left is not None and 0 <= self.days_left <= WARNING_DAYS[0]


@dataclass(frozen=True)
class PersonRow:
    """Somebody on the staff, surname only, with the certificate held."""

    name: str
    certificate_kind: str
    certificate_expires_on: date | None
    employed_since: date | None


@dataclass(frozen=True)
class PromiseRow:
    """A commitment on one service item."""

    item: str
    days: int
    fee_basis: str
    reference_price: Decimal | None


@dataclass(frozen=True)
class RelationRow:
    """A declared relation, with the name of the other side where the register knows it."""

    kind: str
    target_kind: str
    target: str
    target_zh: str | None
    target_en: str | None
    bars: bool
    note: str


@dataclass(frozen=True)
class Storefront:
    """Everything on an agency's page that this floor knows."""

    card: AgencyCard
    address: str
    website: str
    founded_on: date | None
    staff_total: int
    staff_certified: int
    service_text: str
    declared_on: date
    changed_on: date
    receipt_number: str
    papers: tuple[PaperRow, ...]
    people: tuple[PersonRow, ...]
    promises: tuple[PromiseRow, ...]
    relations: tuple[RelationRow, ...]


async def storefront(agency_id: int, today: date) -> Storefront:
    """The public file of an agency; `AgencyNotFound`."""
    card = await agency_card(agency_id)
    row = await db.row(
        "select a.address, a.website, a.founded_on, a.staff_total, a.staff_certified,"
        " a.service_text, a.declared_on, a.changed_on, f.receipt_number"
        " from agencies_agency a join agencies_filing f on f.id = a.filing where a.id = $1",
        agency_id,
    )
    if row is None:
        raise AgencyNotFound
    return Storefront(
        card=card,
        **dict(row),
        papers=await _papers(agency_id, today),
        people=await _people(agency_id),
        promises=await _promises(agency_id),
        relations=await _relations(agency_id),
    )


async def _papers(agency_id: int, today: date) -> tuple[PaperRow, ...]:
    found = await db.rows(
        "select id as qualification_id, profession, kind_zh, kind_en, number, grade, scope_zh, scope_en, issuer,"
        " expires_on, expires_on - $2::date as days_left, items from agencies_qualification"
        " where agency = $1 and ended_on is null order by id",
        agency_id,
        today,
    )
    return tuple(PaperRow(**{**row, "items": tuple(row["items"])}) for row in found)


async def _people(agency_id: int) -> tuple[PersonRow, ...]:
    found = await db.rows(
        "select name, certificate_kind, certificate_expires_on, employed_since"
        " from agencies_practitioner where agency = $1 and ended_on is null order by id",
        agency_id,
    )
    return tuple(PersonRow(veiled_name(row[0]), row[1], row[2], row[3]) for row in found)


async def _promises(agency_id: int) -> tuple[PromiseRow, ...]:
    found = await db.rows(
        "select item, days, fee_basis, reference_price from agencies_commitment"
        " where agency = $1 and ended_on is null order by item",
        agency_id,
    )
    return tuple(PromiseRow(*row) for row in found)


async def _relations(agency_id: int) -> tuple[RelationRow, ...]:
    found: Sequence[Any] = await db.rows(
        "select f.kind, f.target_kind, f.target, o.name_zh, o.name_en, f.bars, f.note"
        " from agencies_affiliation f left join core_organization o on o.uscc = f.target"
        " where f.agency = $1 and f.ended_on is null order by f.id",
        agency_id,
    )
    shown = []
    for row in found:
        office = department(row["target"])
        shown.append(
            RelationRow(
                row["kind"],
                row["target_kind"],
                row["target"],
                office.name_zh if office else row["name_zh"],
                office.name_en if office else row["name_en"],
                row["bars"],
                row["note"],
            )
        )
    return tuple(shown)


async def promised_days(agency_ids: Sequence[int], item: str | None) -> dict[int, tuple[int, Any]]:
    """Median promised days and reference price per agency, for one item or over all of them."""
    found = await db.rows(
        "select agency, percentile_disc(0.5) within group (order by days) as days,"
        " percentile_disc(0.5) within group (order by reference_price) as price"
        " from agencies_commitment where agency = any($1::bigint[]) and ended_on is null"
        " and ($2::text is null or item = $2) group by agency",
        list(agency_ids),
        item,
    )
    return {row["agency"]: (row["days"], row["price"]) for row in found}
