"""What the public saw on a day: the grade on record, the publication behind it, the tag, the certificate.

Nothing is computed anew: what is published is never edited, so the rows of that day still say what they said.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from agencies.rules import CreditGrade, Profession
from core import clock, db
from core.errors import Rejected
from core.i18n import N_
from grading.rules.lifecycle import CertificateState, certificate_state

_ON_RECORD = """
select g.grade, g.score, g.low, g.high, g.firm, g.publication_no, g.published_at, g.scheme, g.as_of
from agencies_grade_record g where g.agency = $1 and g.profession = $2 and g.published_at < $3
order by g.published_at desc, g.id desc limit 1
"""
_REPORT = """
select r.id, r.publication_no, r.published_at, r.result, r.score, r.quality, x.by as replaced_by,
  n.publication_no as replaced_no, n.result as replaced_result, n.published_at as replaced_at
from grading_report r
left join grading_replacement x on x.report = r.id left join grading_report n on n.id = x.by
where r.agency = $1 and r.profession = $2 and r.published_at < $3
  and (r.superseded_at is null or r.superseded_at >= $3) and r.state in ('published', 'superseded')
  and r.published_at is distinct from r.superseded_at
order by r.published_at desc, r.id desc limit 1
"""
_TAG = """
select number, lodged_at, suspends from grading_objection
where agency = $1 and profession = $2 and tagged_at < $3 and (closed_at is null or closed_at >= $3)
order by id desc limit 1
"""
_CERTIFICATE = """
select number, grade, issued_on, valid_until, superseded_on, revoked_on from grading_certificate
where agency = $1 and profession = $2 and issued_on <= $3
order by id desc limit 1
"""
_CHANGES = """
select grade, score, publication_no, published_at from agencies_grade_record
where agency = $1 and profession = $2 and published_at >= $3 and published_at < $4 order by published_at, id
"""


class DayNotYet(Rejected):
    """The future has not been seen."""

    code = "day-not-yet"
    text = N_("日期不能晚于今天 %(today)s。请改选过去的一天。")


@dataclass(frozen=True)
class SeenCertificate:
    """The certificate as the verification page showed it that day."""

    number: str
    grade: CreditGrade
    state: CertificateState


@dataclass(frozen=True)
class SeenChange:
    """A change of the grade on record during that day."""

    at: datetime
    grade: CreditGrade
    score: Decimal | None
    publication_no: str


@dataclass(frozen=True)
class AsSeen:
    """What everybody saw at the end of a day (Shanghai), and what is known of it since.

    `grade` is what the market went by; `published` the newest publication, which differs while a downgrade waits.
    `corrected_*` says what an objection has later made of that publication; nobody knew it then.
    """

    agency_id: int
    profession: Profession
    on: date
    grade: CreditGrade
    score: Decimal | None
    low: Decimal | None
    high: Decimal | None
    firm: bool
    scheme: str | None
    as_of: date | None
    record_no: str | None
    report_id: int | None
    publication_no: str | None
    published: CreditGrade | None
    published_at: datetime | None
    objection_no: str | None
    objected_at: datetime | None
    suspended: bool
    certificate: SeenCertificate | None
    changes: tuple[SeenChange, ...]
    corrected_no: str | None
    corrected_result: CreditGrade | None
    corrected_at: datetime | None


async def as_seen(agency_id: int, profession: Profession, on: date) -> AsSeen:
    """What the buyer saw on a day; `DayNotYet` for a day that lies ahead. N and no publication before the first."""
    if on > clock.today():
        raise DayNotYet(today=clock.today().isoformat())
    start, end = clock.end_of_day(date.fromordinal(max(1, on.toordinal() - 1))), clock.end_of_day(on)
    key = (agency_id, profession.value)
    record = await db.row(_ON_RECORD, *key, end)
    report = await db.row(_REPORT, *key, end)
    tag = await db.row(_TAG, *key, end)
    changes = await db.rows(_CHANGES, *key, start, end)
    get = _getter(record)
    found = _getter(report)
    return AsSeen(
        agency_id=agency_id,
        profession=profession,
        on=on,
        grade=CreditGrade(get("grade") or "N"),
        **{name: get(name) for name in ("score", "low", "high", "scheme", "as_of")},
        firm=bool(get("firm")),
        record_no=get("publication_no"),
        report_id=found("id"),
        publication_no=found("publication_no"),
        published=CreditGrade(report["result"]) if report else None,
        published_at=found("published_at"),
        objection_no=tag["number"] if tag else None,
        objected_at=tag["lodged_at"] if tag else None,
        suspended=bool(tag and tag["suspends"] and get("publication_no") != found("publication_no")),
        certificate=_certificate(await db.row(_CERTIFICATE, *key, on), on),
        changes=tuple(
            SeenChange(one["published_at"], CreditGrade(one["grade"]), one["score"], one["publication_no"])
            for one in changes
        ),
        corrected_no=found("replaced_no"),
        corrected_result=CreditGrade(report["replaced_result"]) if report and report["replaced_result"] else None,
        corrected_at=found("replaced_at"),
    )


def _getter(row: Any) -> Any:
    return (lambda name: row[name]) if row is not None else (lambda _name: None)


def _certificate(row: Any, on: date) -> SeenCertificate | None:
    if row is None:
        return None
    state = certificate_state(
        revoked=row["revoked_on"] is not None and row["revoked_on"] <= on,
        superseded=row["superseded_on"] is not None and row["superseded_on"] <= on,
        valid_until=row["valid_until"],
        today=on,
    )
    return SeenCertificate(row["number"], CreditGrade(row["grade"]), state)
