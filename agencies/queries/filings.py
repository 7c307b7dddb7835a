"""Filings as those who may see them see them: the own organisation, registrars, and the public notice."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from agencies.queries.drafts import from_defects, from_draft
from agencies.queries.persons import flagged_certificates
from agencies.queries.reference import ITEM_CATALOGUE, departments
from agencies.rules.dossier import Dossier
from agencies.rules.filing import (
    EDITABLE,
    ON_NOTICE,
    FilingKind,
    FilingNotFound,
    FilingState,
    ObjectionState,
)
from agencies.rules.formal_check import Defect, Surroundings
from core import clock, db
from core.identity import Identity, Permission

COLUMNS = """
select f.id, f.organization, o.name_zh as organization_zh, o.name_en as organization_en, o.uscc,
  f.kind, f.state, f.version, f.draft, f.defects, f.returns, f.opened_at, f.submitted_at,
  f.check_due_at, f.returned_at, f.noticed_at, f.notice_until, f.closed_at, f.number,
  f.receipt_number, f.receipt_entry
from agencies_filing f join core_organization o on o.id = f.organization
"""


@dataclass(frozen=True)
class FilingRow:
    """A filing whole, with its dossier and the defects of the last return."""

    id: int
    organization_id: int
    organization_zh: str
    organization_en: str
    uscc: str
    kind: FilingKind
    state: FilingState
    version: int
    dossier: Dossier
    returned_defects: tuple[Defect, ...]
    returns: int
    opened_at: datetime
    submitted_at: datetime | None
    check_due_at: datetime | None
    returned_at: datetime | None
    noticed_at: datetime | None
    notice_until: datetime | None
    closed_at: datetime | None
    number: str | None
    receipt_number: str | None
    receipt_entry: int | None

    @property
    def name_zh(self) -> str:
        """The name as filed, or of the organisation while nothing is filed."""
        step = self.dossier.organization
        return step.name_zh if step else self.organization_zh

    @property
    def name_en(self) -> str:
        """The English name as filed, or of the organisation."""
        step = self.dossier.organization
        return step.name_en if step else self.organization_en

    @property
    def may_edit(self) -> bool:
        """Whether the applicant may still change it."""
        return self.state in EDITABLE

    @property
    def on_notice(self) -> bool:
        """Whether it is on public notice."""
        return self.state in ON_NOTICE


def filing_row(row: Any) -> FilingRow:
    """A `FilingRow` out of a record that carries `COLUMNS`."""
    return FilingRow(
        id=row["id"],
        organization_id=row["organization"],
        organization_zh=row["organization_zh"],
        organization_en=row["organization_en"],
        uscc=row["uscc"],
        kind=FilingKind(row["kind"]),
        state=FilingState(row["state"]),
        version=row["version"],
        dossier=from_draft(row["draft"]),
        returned_defects=from_defects(row["defects"]),
        **{name: row[name] for name in _PLAIN},
    )


_PLAIN = (
    "returns",
    "opened_at",
    "submitted_at",
    "check_due_at",
    "returned_at",
    "noticed_at",
    "notice_until",
    "closed_at",
    "number",
    "receipt_number",
    "receipt_entry",
)


async def filing(filing_id: int, identity: Identity) -> FilingRow:
    """A filing of one's own organisation, or any for registrars; `FilingNotFound` otherwise."""
    row = await db.row(
        COLUMNS + " where f.id = $1 and (f.organization = $2 or ($3 and f.state <> 'draft'))",
        filing_id,
        identity.organization_id,
        identity.may(Permission.CHECK_FILING),
    )
    if row is None:
        raise FilingNotFound
    return filing_row(row)


async def noticed_filing(filing_id: int) -> FilingRow:
    """A filing that is or was on public notice; `FilingNotFound` for any other."""
    row = await db.row(
        COLUMNS + " where f.id = $1 and f.noticed_at is not null and f.state <> 'withdrawn'",
        filing_id,
    )
    if row is None:
        raise FilingNotFound
    return filing_row(row)


async def own_filings(identity: Identity) -> list[FilingRow]:
    """All filings of one's own organisation, newest first."""
    found = await db.rows(COLUMNS + " where f.organization = $1 order by f.id desc", identity.organization_id)
    return [filing_row(row) for row in found]


async def open_filing(organization_id: int) -> FilingRow | None:
    """The filing an organisation has under way, or None."""
    row = await db.row(
        COLUMNS + " where f.organization = $1 and f.state = any($2::text[])",
        organization_id,
        ["draft", "submitted", "returned", "noticed", "objected"],
    )
    return filing_row(row) if row else None


@dataclass(frozen=True)
class QueueRow:
    """A line of the registrar's queue."""

    id: int
    name_zh: str
    name_en: str
    kind: FilingKind
    state: FilingState
    number: str | None
    submitted_at: datetime
    check_due_at: datetime
    notice_until: datetime | None
    returns: int
    objections: int


async def queue(states: Sequence[FilingState], *, limit: int = 200) -> list[QueueRow]:
    """Filings in certain states, most urgent first."""
    found = await db.rows(
        "select f.id, coalesce(f.draft->'organization'->>'name_zh', o.name_zh),"
        " coalesce(f.draft->'organization'->>'name_en', o.name_en), f.kind, f.state, f.number,"
        " f.submitted_at, f.check_due_at, f.notice_until, f.returns,"
        " (select count(*) from agencies_objection j where j.filing = f.id and j.state = 'open')"
        " from agencies_filing f join core_organization o on o.id = f.organization"
        " where f.state = any($1::text[]) order by f.check_due_at, f.id limit $2",
        [state.value for state in states],
        limit,
    )
    return [
        QueueRow(row[0], row[1], row[2], FilingKind(row[3]), FilingState(row[4]), *row[5:])
        for row in (tuple(record) for record in found)
    ]


async def on_notice(now: datetime, *, recent_days: int = 30) -> list[QueueRow]:
    """What is on public notice now, then what went on record lately."""
    found = await db.rows(
        "select f.id, f.draft->'organization'->>'name_zh', f.draft->'organization'->>'name_en',"
        " f.kind, f.state, f.number, f.submitted_at, f.check_due_at, f.notice_until, f.returns, 0"
        " from agencies_filing f where f.state in ('noticed', 'objected') or (f.state = 'recorded'"
        " and f.closed_at > $1::timestamptz - make_interval(days => $2))"
        " order by (f.state = 'recorded'), f.notice_until desc, f.id desc limit 200",
        now,
        recent_days,
    )
    return [
        QueueRow(row[0], row[1], row[2], FilingKind(row[3]), FilingState(row[4]), *row[5:])
        for row in (tuple(record) for record in found)
    ]


@dataclass(frozen=True)
class ObjectionRow:
    """An objection; who lodged it is for registrars only."""

    id: int
    filing_id: int
    text: str
    state: ObjectionState
    lodged_at: datetime
    decided_at: datetime | None
    reasons: str
    organization_zh: str = field(repr=False)
    organization_en: str = field(repr=False)


async def objections(filing_id: int) -> list[ObjectionRow]:
    """All objections against a filing, oldest first."""
    found = await db.rows(
        "select j.id, j.filing, j.text, j.state, j.lodged_at, j.decided_at, j.reasons,"
        " o.name_zh, o.name_en from agencies_objection j"
        " join core_organization o on o.id = j.organization where j.filing = $1 order by j.id",
        filing_id,
    )
    return [
        ObjectionRow(row[0], row[1], row[2], ObjectionState(row[3]), *row[4:])
        for row in (tuple(record) for record in found)
    ]


async def surroundings(organization_id: int, uscc: str, dossier: Dossier) -> Surroundings:
    """What the register knows around a dossier, for the formal check."""
    certificates = [person.certificate_no for person in dossier.practitioners]
    taken = await db.rows(
        "select p.certificate_no from agencies_practitioner p"
        " join agencies_agency a on a.id = p.agency"
        " where p.ended_on is null and a.organization <> $1 and p.certificate_no = any($2::text[])",
        organization_id,
        certificates,
    )
    labels = await ITEM_CATALOGUE.labels()
    return Surroundings(
        departments=frozenset(one.code for one in departments()),
        taken_certificates=frozenset(row["certificate_no"] for row in taken),
        own_uscc=uscc,
        known_items={code: label.profession for code, label in labels.items()},
        same_controller=await _same_controller(organization_id, dossier),
        flagged_persons=await _flagged(dossier),
    )


async def _flagged(dossier: Dossier) -> tuple[str, ...]:
    listed = {person.certificate_no: person.name for person in dossier.practitioners}
    return tuple(listed[one] for one in await flagged_certificates(list(listed), clock.today()))


async def _same_controller(organization_id: int, dossier: Dossier) -> tuple[str, ...]:
    if dossier.organization is None:
        return ()
    declared = [one.target for one in dossier.independence.relations] if dossier.independence else []
    found = await db.rows(
        "select name_zh from agencies_agency where organization <> $1 and controller = $2"
        " and uscc <> all($3::text[]) order by id limit 5",
        organization_id,
        dossier.organization.controller,
        declared,
    )
    return tuple(row["name_zh"] for row in found)


async def scan_of_filing(filing_id: int, file_id: int, identity: Identity) -> int:
    """The stored file behind a scan of a filing one may see; `FilingNotFound`."""
    row = await filing(filing_id, identity)
    held = {one.scan.file_id for one in row.dossier.qualifications if one.scan}
    if file_id not in held:
        raise FilingNotFound
    return file_id


@dataclass(frozen=True)
class ExpiringRow:
    """A certificate that ends soon, with the warnings already given."""

    qualification_id: int
    agency_id: int
    organization_id: int
    name_zh: str
    number: str
    expires_on: date
    warned: tuple[int, ...]


async def expiring(today: date, within: int) -> list[ExpiringRow]:
    """Certificates on record whose last day lies within so many days."""
    found = await db.rows(
        "select q.id as qualification_id, a.id as agency_id, a.organization as organization_id, a.name_zh, q.number,"
        " q.expires_on,"
        " array(select w.days from agencies_expiry_warning w where w.qualification = q.id) as warned"
        " from agencies_qualification q join agencies_agency a on a.id = q.agency"
        " where q.ended_on is null and q.expires_on between $1 and $1 + $2::int order by q.id",
        today,
        within,
    )
    return [ExpiringRow(**{**row, "warned": tuple(row["warned"])}) for row in found]
