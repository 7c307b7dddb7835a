"""From a filed dossier onto the register, and from the register back into a dossier for a change."""

from collections.abc import Iterable
from datetime import date

import asyncpg

from agencies.queries.filings import FilingRow
from agencies.rules import UNLIMITED, Profession
from agencies.rules.dossier import (
    Commitment,
    CommitmentsStep,
    Dossier,
    IndependenceStep,
    OrganizationStep,
    PractitionerDraft,
    QualificationClass,
    QualificationDraft,
    Scan,
    Step,
)
from agencies.rules.filing import PractitionerTaken
from agencies.rules.independence import Relation, RelationKind, Separation, TargetKind
from agencies.rules.listing import shingles
from core import db

CHILDREN = (
    "agencies_qualification",
    "agencies_practitioner",
    "agencies_affiliation",
    "agencies_commitment",
)
CLASS_ORDER = (
    QualificationClass.FIRST,
    QualificationClass.SECOND,
    QualificationClass.UNGRADED,
    QualificationClass.NONE,
)

UPSERT_AGENCY = """
insert into agencies_agency (organization, filing, name_zh, name_en, uscc, region_code, region_zh,
  region_en, address, website, founded_on, legal_representative, contact_name, contact_phone,
  controller, staff_total, staff_certified, service_text, signed_by, declared_on, recorded_on,
  changed_on, grams)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
  $20, $20, $21)
on conflict (organization) do update set filing = excluded.filing, name_zh = excluded.name_zh,
  name_en = excluded.name_en, region_code = excluded.region_code, region_zh = excluded.region_zh,
  region_en = excluded.region_en, address = excluded.address, website = excluded.website,
  founded_on = excluded.founded_on, legal_representative = excluded.legal_representative,
  contact_name = excluded.contact_name, contact_phone = excluded.contact_phone,
  controller = excluded.controller, staff_total = excluded.staff_total,
  staff_certified = excluded.staff_certified, service_text = excluded.service_text,
  signed_by = excluded.signed_by, declared_on = excluded.declared_on,
  changed_on = excluded.changed_on, grams = excluded.grams
returning id
"""


async def write_to_register(filing: FilingRow, today: date) -> int:
    """Put a dossier on the register, ending what it replaces; the agency's id.

    `PractitionerTaken` when another agency has put one of the people on record meanwhile: the unique
    index is the judge, the formal check was courtesy.
    """
    agency_id = await _agency(filing, today)
    for table in CHILDREN:
        await db.execute(
            f"update {table} set ended_on = $2 where agency = $1 and ended_on is null",  # noqa: S608
            agency_id,
            today,
        )
    await _qualifications(agency_id, filing.dossier.qualifications, today)
    await _practitioners(agency_id, filing.dossier.practitioners, today)
    await _relations(agency_id, filing.dossier.independence, today)
    await _promises(agency_id, filing.dossier.commitments, today)
    await _professions(agency_id, filing.dossier, today)
    return agency_id


async def _agency(filing: FilingRow, today: date) -> int:
    dossier = filing.dossier
    step = dossier.organization
    assert step is not None and dossier.commitments is not None  # noqa: PT018  formally checked
    agency_id: int = await db.value(
        UPSERT_AGENCY,
        filing.organization_id,
        filing.id,
        step.name_zh,
        step.name_en,
        step.uscc,
        step.region_code,
        step.region_zh,
        step.region_en,
        step.address,
        step.website,
        step.founded_on,
        step.legal_representative,
        step.contact_name,
        step.contact_phone,
        step.controller,
        step.staff_total,
        len(dossier.practitioners),
        dossier.commitments.service_text,
        dossier.independence.signed_by if dossier.independence else "",
        today,
        _grams(dossier, step),
    )
    return agency_id


def _grams(dossier: Dossier, step: OrganizationStep) -> list[str]:
    scopes = [text for one in dossier.qualifications for text in (one.scope_zh, one.scope_en, one.kind_zh)]
    return shingles(step.name_zh, step.name_en, step.uscc, step.region_zh, step.region_en, *scopes)


async def _qualifications(agency_id: int, held: Iterable[QualificationDraft], today: date) -> None:
    await db.execute_many(
        "insert into agencies_qualification (agency, profession, kind_zh, kind_en, number, grade, scope_zh,"
        " scope_en, issuer, expires_on, items, scan, recorded_on)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        [
            (
                agency_id,
                one.profession.value,
                one.kind_zh,
                one.kind_en,
                one.number,
                one.grade.value,
                one.scope_zh,
                one.scope_en,
                one.issuer,
                one.expires_on,
                list(one.items),
                one.scan.file_id if one.scan else None,
                today,
            )
            for one in held
        ],
    )


async def _practitioners(agency_id: int, staff: Iterable[PractitionerDraft], today: date) -> None:
    try:
        await db.execute_many(
            "insert into agencies_practitioner (agency, name, certificate_kind, certificate_no,"
            " certificate_expires_on, insured_months, employed_since, recorded_on)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8)",
            [
                (
                    agency_id,
                    person.name,
                    person.certificate_kind,
                    person.certificate_no,
                    person.certificate_expires_on,
                    person.insured_months,
                    person.employed_since,
                    today,
                )
                for person in staff
            ],
        )
    except asyncpg.UniqueViolationError as error:
        raise PractitionerTaken from error


async def _relations(agency_id: int, step: IndependenceStep | None, today: date) -> None:
    await db.execute_many(
        "insert into agencies_affiliation (agency, kind, target_kind, target, bars, note, left_on, recorded_on)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            (agency_id, one.kind.value, one.target_kind.value, one.target, one.bars, one.note, one.left_on, today)
            for one in (step.relations if step else ())
        ],
    )


async def _promises(agency_id: int, step: CommitmentsStep | None, today: date) -> None:
    await db.execute_many(
        "insert into agencies_commitment (agency, item, days, fee_basis, reference_price, recorded_on)"
        " values ($1, $2, $3, $4, $5, $6)",
        [
            (agency_id, one.item, one.days, one.fee_basis, one.reference_price, today)
            for one in (step.items if step else ())
        ],
    )


async def _professions(agency_id: int, dossier: Dossier, today: date) -> None:
    professions = dossier.professions()
    await db.execute(
        "update agencies_profession set ended_on = $2 where agency = $1 and ended_on is null"
        " and profession <> all($3::text[])",
        agency_id,
        today,
        [one.value for one in professions],
    )
    for profession in professions:
        await _profession(agency_id, profession, dossier, today)


async def _profession(agency_id: int, profession: Profession, dossier: Dossier, today: date) -> None:
    held = [one for one in dossier.qualifications if one.profession is profession]
    await db.execute(
        "insert into agencies_profession (agency, profession, recorded_on, items, qualified_until, best_class,"
        " grade, firm, figures) values ($1, $2, $3, $4, $5, $6, 'N', false, jsonb_build_object())"
        " on conflict (agency, profession) do update set items = excluded.items,"
        " qualified_until = excluded.qualified_until, best_class = excluded.best_class,"
        " recorded_on = case when agencies_profession.ended_on is null then agencies_profession.recorded_on"
        " else excluded.recorded_on end, ended_on = null",
        agency_id,
        profession.value,
        today,
        sorted({code for one in held for code in one.items}),
        max(one.expires_on or UNLIMITED for one in held),
        min((one.grade for one in held), key=CLASS_ORDER.index).value,
    )


async def recorded_dossier(agency_id: int) -> Dossier:
    """What is on record now, as a dossier to be changed; the declaration is to be made anew."""
    row = await db.row(
        "select name_zh, name_en, uscc, region_code, region_zh, region_en, address, website, founded_on,"
        " legal_representative, contact_name, contact_phone, controller, staff_total"
        " from agencies_agency where id = $1",
        agency_id,
    )
    service_text = await db.value("select service_text from agencies_agency where id = $1", agency_id)
    return Dossier(
        organization=OrganizationStep(**dict(row)),
        qualifications=await _held(agency_id),
        practitioners=await _staff(agency_id),
        independence=await _declared(agency_id),
        commitments=CommitmentsStep(await _promised(agency_id), service_text, honest=False),
        visited=frozenset(Step),
    )


async def _held(agency_id: int) -> tuple[QualificationDraft, ...]:
    found = await db.rows(
        "select q.*, s.name as scan_name, s.size as scan_size, s.sha256 as scan_sha256"
        " from agencies_qualification q join core_stored_file s on s.id = q.scan"
        " where q.agency = $1 and q.ended_on is null order by q.id",
        agency_id,
    )
    return tuple(
        QualificationDraft(
            profession=Profession(row["profession"]),
            kind_zh=row["kind_zh"],
            kind_en=row["kind_en"],
            number=row["number"],
            grade=QualificationClass(row["grade"]),
            scope_zh=row["scope_zh"],
            scope_en=row["scope_en"],
            issuer=row["issuer"],
            expires_on=row["expires_on"],
            items=tuple(row["items"]),
            scan=Scan(row["scan"], row["scan_name"], row["scan_size"], row["scan_sha256"]),
        )
        for row in found
    )


async def _staff(agency_id: int) -> tuple[PractitionerDraft, ...]:
    found = await db.rows(
        "select name, certificate_kind, certificate_no, insured_months, certificate_expires_on, employed_since"
        " from agencies_practitioner where agency = $1 and ended_on is null order by id",
        agency_id,
    )
    return tuple(PractitionerDraft(**dict(row)) for row in found)


async def _declared(agency_id: int) -> IndependenceStep:
    found = await db.rows(
        "select kind, target_kind, target, note, left_on from agencies_affiliation"
        " where agency = $1 and ended_on is null order by id",
        agency_id,
    )
    relations = tuple(
        Relation(RelationKind(row["kind"]), TargetKind(row["target_kind"]), row["target"], row["note"], row["left_on"])
        for row in found
    )
    return IndependenceStep(frozenset(Separation), relations, none_declared=not relations)


async def _promised(agency_id: int) -> tuple[Commitment, ...]:
    found = await db.rows(
        "select item, days, fee_basis, reference_price from agencies_commitment"
        " where agency = $1 and ended_on is null order by item",
        agency_id,
    )
    return tuple(Commitment(**dict(row)) for row in found)
