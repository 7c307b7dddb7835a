"""Certificates: issued with a published grade, superseded with the next one, revoked by a decision."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from agencies.queries import agency_row
from agencies.rules import CreditGrade
from core import clock, db, trail
from core.db import transaction
from core.identity import Identity, Permission
from core.serials import next_number
from grading.rules.certificates import FACTS, fingerprint
from grading.rules.errors import AlreadyRevoked, CertificateAbsent
from grading.rules.months import add_months

SERIES = "DJ"
LIFE_MONTHS = 12


@dataclass(frozen=True)
class RevocationReceipt:
    """That a certificate no longer holds."""

    number: str
    revoked_on: date
    entry_id: int


async def issue_certificate(*, actor: Identity, report_id: int, anew: bool = False) -> str | None:
    """A certificate for a report just published; None when the present one still says the same.

    One is issued when the grade has changed or the present one has run out, and `anew` when the report
    behind the present one was replaced after an objection. N has no certificate.
    """
    async with transaction():
        report = await db.row(
            "select r.*, s.code as scheme from grading_report r join grading_run n on n.id = r.run"
            " join grading_scheme s on s.id = n.scheme where r.id = $1",
            report_id,
        )
        present = await _present(report)
        today = clock.today()
        same = present and present["grade"] == report["result"] and present["valid_until"] >= today
        if same and not anew:
            return None
        new_id, number = None, None
        if report["result"] != CreditGrade.N:
            new_id, number = await _issue(actor, report, today)
        if present:
            await _supersede(actor, present, new_id, today)
    return number


async def _present(report: Any) -> Any:
    return await db.row(
        "select id, number, grade, valid_until from grading_certificate where agency = $1 and profession = $2"
        " and superseded_on is null and revoked_on is null order by id desc limit 1 for update",
        report["agency"],
        report["profession"],
    )


async def _issue(actor: Identity, report: Any, today: date) -> tuple[int, str]:
    agency = await agency_row(report["agency"])
    facts = {name: report[name] for name in ("agency", "profession", "score", "firm", "scheme", "as_of")} | {
        "number": await next_number(SERIES, today),
        "grade": report["result"],
        "name_zh": agency.name_zh,
        "name_en": agency.name_en,
        "uscc": agency.uscc,
        "issued_on": today,
        "valid_until": add_months(today, LIFE_MONTHS) - timedelta(days=1),
    }
    digests = {name: report[name] for name in ("evidence_digest", "outcome_digest")}
    new_id: int = await db.value(
        "insert into grading_certificate (number, report, agency, profession, name_zh, name_en, uscc, grade,"
        " score, firm, scheme, as_of, issued_on, valid_until, digest, issued_at, revoked_reason,"
        " revoked_document_no) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,"
        " '', '') returning id",
        facts["number"],
        report["id"],
        *(facts[name] for name in FACTS[1:13]),
        fingerprint(facts | digests),
        clock.now(),
    )
    await trail.record(
        actor,
        "certificate.issued",
        f"certificate:{new_id}",
        after={"number": facts["number"], "grade": facts["grade"], "digest": fingerprint(facts | digests)},
        threads=[f"agency:{report['agency']}", f"grade:{report['id']}"],
    )
    return new_id, str(facts["number"])


async def _supersede(actor: Identity, present: Any, new_id: int | None, today: date) -> None:
    await db.execute(
        "update grading_certificate set superseded_by = $2, superseded_on = $3 where id = $1",
        present["id"],
        new_id,
        today,
    )
    await trail.record(actor, "certificate.superseded", f"certificate:{present['id']}", after={"by": new_id})


async def revoke_certificate(*, actor: Identity, number: str, document_no: str, reason: str) -> RevocationReceipt:
    """Revoke a certificate by a numbered decision. `CertificateAbsent`, `AlreadyRevoked`."""
    actor.require(Permission.PUBLISH_GRADE)
    async with transaction():
        row = await db.row(
            "select id, agency, revoked_on from grading_certificate where number = $1 for update", number
        )
        if row is None:
            raise CertificateAbsent
        if row["revoked_on"]:
            raise AlreadyRevoked(day=row["revoked_on"].isoformat())
        today = clock.today()
        await db.execute(
            "update grading_certificate set revoked_on = $2, revoked_reason = $3, revoked_document_no = $4"
            " where id = $1",
            row["id"],
            today,
            reason,
            document_no,
        )
        entry = await trail.record(
            actor,
            "certificate.revoked",
            f"certificate:{row['id']}",
            after={"document_no": document_no, "reason": reason},
            threads=[f"agency:{row['agency']}"],
        )
    return RevocationReceipt(number, today, entry)
