"""Certificates as anybody may check them: by number, with the state they are in now."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from agencies.rules import CreditGrade, Profession
from core import clock, db
from grading.queries.schemes import rulebook_of
from grading.rules.certificates import FACTS, fingerprint
from grading.rules.errors import CertificateAbsent
from grading.rules.lifecycle import CertificateState, certificate_state
from grading.rules.replay import differences, grade
from grading.stored import evidence_of

_CERTIFICATE = """
select c.*, r.run, r.evidence, r.evidence_digest, r.outcome_digest, r.result, r.quality, r.conduct, r.band,
  r.score as report_score, r.low, r.high, r.firm as report_firm, r.publication_no, n.scheme as scheme_id,
  n.calibration as calibration_id, x.number as next_number, x.grade as next_grade,
  y.number as previous_number, coalesce(j.number, k.number) as objection_no,
  j.id is not null as suspended, k.id is not null as kept,
  (select e.id from core_trail_entry e where e.subject = 'certificate:' || c.id
   and e.act = 'certificate.issued' order by e.id limit 1) as entry_id
from grading_certificate c
join grading_report r on r.id = c.report
join grading_run n on n.id = r.run
left join grading_certificate x on x.id = c.superseded_by
left join grading_certificate y on y.superseded_by = c.id
left join grading_objection j on j.report = c.report and j.suspends and j.closed_at is null
left join grading_objection k on k.report = x.report and k.suspends and k.closed_at is null
"""
"""`suspended`: the downgrade it states waits for an objection; `kept`: it was superseded by such a one, and holds."""


@dataclass(frozen=True)
class CertificateView:
    """A certificate and what was checked about it just now."""

    certificate_id: int
    number: str
    report_id: int
    agency_id: int
    profession: Profession
    name_zh: str
    name_en: str
    uscc: str
    grade: CreditGrade
    quality: CreditGrade
    score: Decimal
    firm: bool
    scheme: str
    as_of: date
    issued_on: date
    issued_at: datetime
    valid_until: date
    digest: str
    state: CertificateState
    superseded_on: date | None
    previous_number: str | None
    objection_no: str | None
    next_number: str | None
    next_grade: str | None
    revoked_on: date | None
    revoked_reason: str
    revoked_document_no: str
    publication_no: str
    entry_id: int | None
    digest_holds: bool
    replayed_score: Decimal | None

    @property
    def rated(self) -> bool:
        """Whether a quality score stands behind the grade."""
        return self.quality is not CreditGrade.N

    @property
    def valid(self) -> bool:
        """Whether it may be relied on today."""
        return self.state is CertificateState.VALID and self.sound

    @property
    def sound(self) -> bool:
        """Whether fingerprint and recomputation agree with the register."""
        return self.digest_holds and self.replayed_score == self.score


async def certificate(number: str) -> CertificateView:
    """The certificate with that number, checked: fingerprint, and the grade computed again.

    `CertificateAbsent` when no such number was issued.
    """
    row = await db.row(_CERTIFICATE + "where c.number = $1", number.strip().upper())
    if row is None:
        raise CertificateAbsent
    return _view(row, await _replayed(row))


async def _replayed(row: Any) -> Decimal | None:
    """The score as it comes out of the stored evidence now; None when the grade does not replay."""
    rules = await rulebook_of(row["scheme_id"], row["calibration_id"])
    try:
        evidence = evidence_of(row["evidence"])
    except msgspec.ValidationError:
        return None
    outcome = grade(evidence, rules.scheme, rules.calibration)
    stored = dict(row) | {"score": row["report_score"], "firm": row["report_firm"]}
    return None if differences(stored, evidence, outcome) else outcome.score


def _view(row: Any, replayed: Decimal | None) -> CertificateView:
    plain = (
        *("number", "name_zh", "name_en", "uscc", "score", "firm", "scheme", "as_of", "issued_on", "issued_at"),
        *("valid_until", "digest", "superseded_on", "next_number", "next_grade", "revoked_on", "revoked_reason"),
        *("previous_number", "objection_no"),
        *("revoked_document_no", "publication_no", "entry_id"),
    )
    return CertificateView(
        certificate_id=row["id"],
        report_id=row["report"],
        agency_id=row["agency"],
        profession=Profession(row["profession"]),
        grade=CreditGrade(row["grade"]),
        quality=CreditGrade(row["quality"]),
        state=_state(row),
        digest_holds=fingerprint({name: row[name] for name in FACTS}) == row["digest"],
        replayed_score=replayed,
        **{name: row[name] for name in plain},
    )


def _state(row: Any) -> CertificateState:
    return certificate_state(
        revoked=row["revoked_on"] is not None,
        superseded=row["superseded_on"] is not None and not row["kept"],
        valid_until=row["valid_until"],
        today=clock.today(),
        suspended=row["suspended"],
    )


@dataclass(frozen=True)
class CertificateLine:
    """One certificate in the row of an agency's."""

    number: str
    grade: CreditGrade
    issued_on: date
    ended_on: date | None
    state: CertificateState


async def certificates_of(agency_id: int, profession: Profession) -> list[CertificateLine]:
    """All certificates of an agency in a profession, newest first."""
    found = await db.rows(
        "select c.number, c.grade, c.issued_on, c.valid_until, c.superseded_on, c.revoked_on,"
        " j.id is not null as suspended, k.id is not null as kept from grading_certificate c"
        " left join grading_certificate x on x.id = c.superseded_by"
        " left join grading_objection j on j.report = c.report and j.suspends and j.closed_at is null"
        " left join grading_objection k on k.report = x.report and k.suspends and k.closed_at is null"
        " where c.agency = $1 and c.profession = $2 order by c.id desc limit 24",
        agency_id,
        profession.value,
    )
    return [
        CertificateLine(
            number=row["number"],
            grade=CreditGrade(row["grade"]),
            issued_on=row["issued_on"],
            ended_on=row["revoked_on"] or (None if row["kept"] else row["superseded_on"]),
            state=_state(row),
        )
        for row in found
    ]


async def current_number(agency_id: int, profession: Profession) -> str | None:
    """The number of the certificate in force, if there is one."""
    lines = await certificates_of(agency_id, profession)
    return next((line.number for line in lines if line.state is CertificateState.VALID), None)
