"""Replay: every published grade computed again from its stored evidence, scheme and table."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import msgspec

from core import db
from grading.queries.schemes import rulebook_of
from grading.rules.certificates import FACTS, fingerprint
from grading.rules.replay import differences, grade
from grading.stored import evidence_of

CHUNK = 200

_REPORTS = """
select r.*, n.scheme as scheme_id, n.calibration as calibration_id
from grading_report r join grading_run n on n.id = r.run
where r.state in ('published', 'superseded') and r.id > $1
  and ($2::date is null or r.as_of >= $2) and ($3::date is null or r.as_of <= $3)
order by r.id limit $4
"""
_CERTIFICATES = """
select c.*, r.evidence_digest, r.outcome_digest from grading_certificate c
join grading_report r on r.id = c.report
where ($1::date is null or c.as_of >= $1) and ($2::date is null or c.as_of <= $2) order by c.id
"""


@dataclass(frozen=True)
class Drift:
    """A published grade or certificate that does not come out again, and in what."""

    number: str
    as_of: date
    what: str


@dataclass
class ReplayReceipt:
    """What was replayed, and what did not agree."""

    reports: int = 0
    certificates: int = 0
    drifts: list[Drift] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether everything came out as published."""
        return not self.drifts


async def replay_check(
    since: date | None = None,
    until: date | None = None,
    *,
    progress: Callable[[int], None] | None = None,
) -> ReplayReceipt:
    """Recompute every grade with `since <= as_of <= until`; digests and figures must agree to 0.01.

    Also: the rules named in the evidence are the run's, every report follows the one published before
    it, the agencies' register shows the same grade, and certificates still carry their fingerprint.
    """
    receipt, last = ReplayReceipt(), 0
    while chunk := await db.rows(_REPORTS, last, since, until, CHUNK):
        for report in chunk:
            receipt.drifts.extend(await _check_report(report))
        receipt.reports += len(chunk)
        last = chunk[-1]["id"]
        if progress:
            progress(len(chunk))
    receipt.drifts.extend(await _check_register(since, until))
    await _check_certificates(receipt, since, until)
    return receipt


async def _check_report(report: Any) -> list[Drift]:
    rules = await rulebook_of(report["scheme_id"], report["calibration_id"])
    number, as_of = report["publication_no"], report["as_of"]
    try:
        evidence = evidence_of(report["evidence"])
    except msgspec.ValidationError as problem:
        return [Drift(number, as_of, f"evidence: {problem}")]
    wrong = differences(report, evidence, grade(evidence, rules.scheme, rules.calibration))
    if evidence.scheme_digest != rules.scheme.digest:
        wrong.append("scheme_digest")
    if evidence.calibration_digest != rules.calibration.digest:
        wrong.append("calibration_digest")
    return [Drift(number, as_of, what) for what in wrong]


async def _check_register(since: date | None, until: date | None) -> list[Drift]:
    """Published here but recorded otherwise, or not at all, in the agencies' register of grades."""
    found = await db.rows(
        "select r.publication_no, r.as_of from grading_report r where r.state in ('published', 'superseded')"
        " and ($1::date is null or r.as_of >= $1) and ($2::date is null or r.as_of <= $2)"
        " and r.published_at is distinct from r.superseded_at"  # replayed and overtaken at once: never in effect
        " and not exists (select 1 from agencies_grade_record g where g.publication_no = r.publication_no"
        " and g.agency = r.agency and g.profession = r.profession and g.grade = r.result"
        " and (g.score = r.score or (g.score is null and r.quality = 'N')))",
        since,
        until,
    )
    return [Drift(row["publication_no"], row["as_of"], "agencies_grade_record") for row in found]


async def _check_certificates(receipt: ReplayReceipt, since: date | None, until: date | None) -> None:
    for row in await db.rows(_CERTIFICATES, since, until):
        receipt.certificates += 1
        if fingerprint({name: row[name] for name in FACTS}) != row["digest"]:
            receipt.drifts.append(Drift(row["number"], row["as_of"], "certificate digest"))
