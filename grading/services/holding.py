"""A downgrade under objection waits: the grade before stays on record until the objection is closed (grading.md §6).

The agencies' register is only appended to, so "stays in effect" is a line of its own there, under the objection's number.
"""

from datetime import timedelta
from typing import Any

from agencies.rules import CreditGrade, Profession
from agencies.services import record_grade
from core import clock, db, trail
from core.identity import SYSTEM, Identity
from grading.queries.schemes import rulebook_of
from grading.rules.objections import waits
from grading.rules.scheme import Scheme
from grading.services.figures import figures
from grading.stored import evidence_of, outcome_of

_TICK = timedelta(microseconds=1)
_EFFECTIVE = """
select r.*, n.scheme as scheme_id, n.calibration as calibration_id, s.code as scheme_code
from grading_report r join grading_run n on n.id = r.run join grading_scheme s on s.id = n.scheme
where r.agency = $1 and r.profession = $2 and r.state in ('published', 'superseded')
  and not exists (select 1 from grading_replacement x where x.report = r.id)
"""


async def grade_before(report: Any) -> Any:
    """The effective report before this one, or None for the first."""
    return await db.row(
        _EFFECTIVE + " and (r.as_of, r.published_at, r.id) < ($3, $4, $5)"
        " order by r.as_of desc, r.published_at desc, r.id desc limit 1",
        report["agency"],
        report["profession"],
        report["as_of"],
        report["published_at"],
        report["id"],
    )


def is_veto(outcome: Any, scheme: Scheme) -> bool:
    """Whether a direct D that takes effect at once stands behind the grade; such a grade never waits."""
    found = (scheme.trigger(code) for code in outcome_of(outcome).conduct.reasons)
    return any(trigger is not None and trigger.immediate for trigger in found)


async def would_wait(report: Any) -> bool:
    """Whether an objection to this published report suspends it."""
    before = await grade_before(report)
    rules = await rulebook_of(report["scheme_id"], report["calibration_id"])
    prior = CreditGrade(before["result"]) if before else CreditGrade.N
    veto = is_veto(report["outcome"], rules.scheme)
    return waits(prior, CreditGrade(report["result"]), rules.scheme.appeal, veto=veto)


async def hold(actor: Identity, objection_no: str, report: Any, *, subject: str) -> None:
    """Put the grade before `report` back on record, under the objection's number."""
    before = await grade_before(report)
    await _record(before, report, objection_no, actor)
    await trail.record(
        actor,
        "grade.suspended",
        subject,
        before={"result": report["result"]},
        after={"result": before["result"] if before else CreditGrade.N.value, "publication": objection_no},
        threads=[f"agency:{report['agency']}", f"grade:{report['id']}"],
    )


async def hold_if_contested(actor: Identity, report: Any) -> None:
    """A grade published while an earlier downgrade waits does not bring it in by the back door."""
    waiting = await db.row(
        "select j.id, j.number, j.report from grading_objection j where j.agency = $1 and j.profession = $2"
        " and j.suspends and j.closed_at is null order by j.id limit 1",
        report["agency"],
        report["profession"],
    )
    if waiting is None:
        return
    disputed = await db.row(_EFFECTIVE + " and r.id = $3", report["agency"], report["profession"], waiting["report"])
    before = await grade_before(disputed)
    rules = await rulebook_of(report["scheme_id"], report["calibration_id"])
    prior = CreditGrade(before["result"]) if before else CreditGrade.N
    veto = is_veto(report["outcome"], rules.scheme)
    if not waits(prior, CreditGrade(report["result"]), rules.scheme.appeal, veto=veto):
        return
    used = await db.value(
        "select count(*) from agencies_grade_record where agency = $1 and publication_no like $2",
        report["agency"],
        f"{waiting['number']}%",
    )
    number = f"{waiting['number']}-{used + 1}"
    await hold(actor, number, disputed, subject=f"grade-objection:{waiting['id']}")


async def release(objection_no: str, agency_id: int, profession: Profession, *, subject: str) -> None:
    """The objection is closed without a change: the published grade takes effect."""
    current = await db.row(_EFFECTIVE + " and r.state = 'published'", agency_id, profession.value)
    shown = await db.value(
        "select publication_no from agencies_grade_record where agency = $1 and profession = $2"
        " order by published_at desc, id desc limit 1",
        agency_id,
        profession.value,
    )
    if current is None or shown == current["publication_no"]:
        return
    await _record(current, current, f"{objection_no}-R", SYSTEM)
    await trail.record(
        SYSTEM,
        "grade.reinstated",
        subject,
        after={"result": current["result"], "publication": current["publication_no"]},
        threads=[f"agency:{agency_id}", f"grade:{current['id']}"],
    )


async def _record(row: Any, report: Any, number: str, actor: Identity) -> None:
    """Append a line to the register with the figures of `row`; without one the agency is not rated."""
    rated = row is not None and row["quality"] != CreditGrade.N
    await record_grade(
        agency_id=report["agency"],
        profession=Profession(report["profession"]),
        grade=CreditGrade(row["result"]) if row else CreditGrade.N,
        score=row["score"] if rated else None,
        low=row["low"] if rated else None,
        high=row["high"] if rated else None,
        firm=bool(row["firm"]) if row else False,
        scheme=row["scheme_code"] if row else report["scheme_code"],
        as_of=row["as_of"] if row else report["as_of"],
        published_at=clock.now() + _TICK,
        publication_no=number,
        figures=figures(evidence_of(row["evidence"]), outcome_of(row["outcome"])) if row else None,
        actor=actor,
    )
