"""Supersede and replay: after an upheld objection every grade that rests on the event is computed again.

Nothing is deleted or edited. The old reports stay as they were published; each gets a successor with the corrected
evidence, graded by the same pure rules under the scheme and table of its own run, and the last one is in force.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Any

from agencies.queries import agency_row
from agencies.rules import CreditGrade, Profession
from core import clock, db, mail, trail
from core.identity import Identity
from core.serials import next_number
from grading.queries.schemes import Rulebook, rulebook_of
from grading.rules.corrections import Change, corrected
from grading.rules.evidence import Evidence, digest
from grading.rules.lifecycle import ReportState, RunKind, RunState
from grading.rules.replay import Outcome, grade
from grading.services.certificates import issue_certificate
from grading.services.gathering import Subject, changes_of, history_of, previous_of
from grading.services.reports import PUBLICATION, make_again, record_publication
from grading.services.runs import UNPUBLISHED, Batch, open_run, report_row
from grading.stored import evidence_of
from grading.tables import GradeReport
from market.queries import Reliance, relied_on

_CHAIN = """
select r.*, n.scheme as scheme_id, n.calibration as calibration_id
from grading_report r join grading_run n on n.id = r.run
where r.agency = $1 and r.profession = $2 and r.state in ('published', 'superseded')
  and not exists (select 1 from grading_replacement x where x.report = r.id)
order by r.as_of, r.published_at, r.id for update of r
"""


@dataclass(frozen=True)
class Replayed:
    """One report that was published and what stands for it now."""

    report_id: int
    publication_no: str
    as_of: date
    result: CreditGrade
    new_report_id: int
    new_publication_no: str
    new_result: CreditGrade
    moved: bool


@dataclass(frozen=True)
class _Link:
    """A report of the chain, computed anew."""

    row: Any
    evidence: Evidence
    outcome: Outcome
    rules: Rulebook
    prior: CreditGrade


@dataclass(frozen=True)
class Case:
    """The objection whose outcome is carried out."""

    objection_id: int
    number: str
    report_id: int
    agency_id: int
    reasons: str


async def supersede(actor: Identity, case: Case) -> list[Replayed]:
    """Replay every profession of the agency whose published grades rest on what was corrected.

    The corrections are on record already. Publishes successors signed by `actor`, supersedes certificates, makes
    waiting drafts again and tells the clients who relied on a grade that has changed.
    """
    changes = (await changes_of([case.agency_id])).get(case.agency_id, [])
    agency = await agency_row(case.agency_id)
    done: list[Replayed] = []
    for trade in map(Profession, agency.professions):
        links = await _links(case, trade, changes)
        if links:
            done += await _publish(actor, case, trade, links)
        await _renew_drafts(actor, case, trade)
    await _tell_relied(actor, case, agency, done)
    return done


async def _links(case: Case, trade: Profession, changes: Sequence[Change]) -> list[_Link]:
    """The chain from the first grade that rests on the event; empty when none does."""
    chain = await db.rows(_CHAIN, case.agency_id, trade.value)
    fixed = [corrected(evidence_of(row["evidence"]), changes) for row in chain]
    touched = (
        n for n, row in enumerate(chain) if row["id"] == case.report_id or digest(fixed[n]) != row["evidence_digest"]
    )
    first = next(touched, None)
    if first is None:
        return []
    before: list[Mapping[str, Any]] = [dict(row) for row in chain[:first]]
    links = []
    for row, evidence in zip(chain[first:], fixed[first:], strict=True):
        link = await _recomputed(row, evidence, before)
        links.append(link)
        before.append(_as_past(row, link.outcome))
    return links


async def _recomputed(row: Any, evidence: Evidence, before: Sequence[Mapping[str, Any]]) -> _Link:
    rules = await rulebook_of(row["scheme_id"], row["calibration_id"])
    evidence = replace(
        evidence,
        rated_before=any(one["quality"] != CreditGrade.N for one in before),
        previous=previous_of(before[-1]) if before else None,
        history=history_of(before, row["as_of"], rules.scheme.gates.no_low_grade_months),
    )
    outcome = grade(evidence, rules.scheme, rules.calibration)
    prior = CreditGrade(before[-1]["result"]) if before else CreditGrade.N
    return _Link(row, evidence, outcome, rules, prior)


def _as_past(row: Any, outcome: Outcome) -> Mapping[str, Any]:
    return dict(row) | {
        "result": outcome.result.value,
        "quality": outcome.quality.value,
        "band": outcome.band.value,
        "score": outcome.score,
        "sd": outcome.sd,
        "alarm_low": outcome.alarm_low,
        "alarm_high": outcome.alarm_high,
    }


async def _publish(actor: Identity, case: Case, trade: Profession, links: Sequence[_Link]) -> list[Replayed]:
    agency = await agency_row(case.agency_id)
    done = []
    for link in links:
        run_id = await _run(actor, case, link)
        batch = Batch(run_id, link.row["as_of"], clock.now(), link.rules)
        number = await next_number(PUBLICATION, clock.today())
        report = report_row(batch, Subject(agency, trade, link.prior, link.evidence), link.outcome)
        report.state, report.signed_by = ReportState.PUBLISHED.value, actor.account_id
        report.published_at, report.publication_no = clock.now(), number
        report.answer = case.reasons
        inserted = await GradeReport.insert(report).returning(GradeReport.id)
        done.append(await _replaced(actor, case, link, int(inserted[0]["id"]), number))
    await _chain_up(actor, links, done)
    last = await db.row(
        "select r.*, a.organization from grading_report r join agencies_agency a on a.id = r.agency where r.id = $1",
        done[-1].new_report_id,
    )
    scheme = links[-1].rules.scheme.id
    await record_publication(actor, last, links[-1].outcome, links[-1].evidence, scheme, done[-1].new_publication_no)
    await issue_certificate(actor=actor, report_id=last["id"], anew=True)
    return done


async def _run(actor: Identity, case: Case, link: _Link) -> int:
    """A run of its own per old run, closed at once: it carries scheme, table and day of the old one."""
    key = f"replay:{case.objection_id}:{link.row['run']}"
    known: int | None = await db.value("select id from grading_run where key = $1", key)
    if known is not None:
        return known
    as_of = link.row["as_of"]
    run_id = await open_run(actor, key, RunKind.REPLAY, as_of, link.rules, comment_until=clock.now())
    await db.execute(
        "update grading_run set state = $2, closed_at = $3 where id = $1", run_id, RunState.CLOSED.value, clock.now()
    )
    return run_id


async def _replaced(actor: Identity, case: Case, link: _Link, new_id: int, number: str) -> Replayed:
    row, outcome = link.row, link.outcome
    await db.execute(
        "insert into grading_replacement (objection, report, by) values ($1, $2, $3)",
        case.objection_id,
        row["id"],
        new_id,
    )
    await trail.record(
        actor,
        "grade.corrected",
        f"grade:{new_id}",
        before={"result": row["result"], "score": row["score"], "publication": row["publication_no"]},
        after={
            "result": outcome.result.value,
            "score": outcome.score,
            "publication": number,
            "evidence": digest(link.evidence),
            "outcome": outcome.digest(),
            "objection": case.number,
        },
        threads=[f"agency:{row['agency']}", f"grade:{row['id']}", f"grade-objection:{case.objection_id}"],
    )
    old = CreditGrade(row["result"])
    moved = old is not outcome.result or row["score"] != outcome.score
    return Replayed(row["id"], row["publication_no"], row["as_of"], old, new_id, number, outcome.result, moved)


async def _chain_up(actor: Identity, links: Sequence[_Link], done: Sequence[Replayed]) -> None:
    """The report in force gives way to the last successor; the others were overtaken as they were in their time."""
    now, gone = clock.now(), ReportState.SUPERSEDED.value
    update = "update grading_report set state = $2, superseded_by = $3, superseded_at = $4 where id = $1"
    for one, following in pairwise(done):
        await db.execute(update, one.new_report_id, gone, following.new_report_id, now)
    if links[-1].row["state"] == ReportState.PUBLISHED:
        await db.execute(update, links[-1].row["id"], gone, done[-1].new_report_id, now)
        await trail.record(
            actor, "grade.superseded", f"grade:{links[-1].row['id']}", after={"by": done[-1].new_report_id}
        )


async def _renew_drafts(actor: Identity, case: Case, trade: Profession) -> None:
    waiting = await db.rows(
        "select id from grading_report where agency = $1 and profession = $2 and state = any($3::text[]) order by id",
        case.agency_id,
        trade.value,
        list(UNPUBLISHED),
    )
    for row in waiting:
        await make_again(actor, row["id"], case.number)


async def _tell_relied(actor: Identity, case: Case, agency: Any, done: Sequence[Replayed]) -> None:
    """A letter to every client whose opening or award stored a grade that has changed."""
    changed = [one for one in done if one.moved]
    relied = await relied_on(case.agency_id, [one.publication_no for one in changed])
    by_client: dict[int, list[Reliance]] = {}
    for one in relied:
        by_client.setdefault(one.client_id, []).append(one)
    for client_id, notices in by_client.items():
        await mail.send(
            to_organization=client_id,
            message="grading/relied",
            context={
                "agency_id": case.agency_id,
                "name_zh": agency.name_zh,
                "name_en": agency.name_en,
                "objection_no": case.number,
                "notices": [_line(one, changed) for one in notices],
            },
        )
    if relied:
        await trail.record(
            actor,
            "grade.relied-told",
            f"grade-objection:{case.objection_id}",
            after={"notices": [one.notice_no for one in relied], "clients": len(by_client)},
        )


def _line(one: Reliance, changed: Sequence[Replayed]) -> dict[str, Any]:
    """What one notice used and what stands for it now, as plain JSON for the letter."""
    grades = [(was.result, was.new_result) for was in changed if was.publication_no in one.publications]
    return {
        "notice_id": one.notice_id,
        "notice_no": one.notice_no,
        "title": one.title,
        "chosen": one.chosen,
        "was": grades[-1][0].value,
        "now": grades[-1][1].value,
    }
