"""The life of a report: the agency comments, a person signs, what is published is never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agencies.queries import agency_of
from agencies.rules import PROFESSION_TITLES, CreditGrade, Profession
from agencies.services import record_grade
from core import clock, db, mail, trail
from core.db import refuse_after, transaction
from core.identity import Identity, Permission, Role
from core.serials import next_number
from core.states import advance
from core.workdays import calendar
from grading.queries.asked import human_asked
from grading.queries.schemes import rulebook_of
from grading.rules.asked import HumanAsked
from grading.rules.errors import (
    AnswerMissing,
    EvidenceOutdated,
    PersonMustSign,
    ReportAbsent,
    RunAbsent,
)
from grading.rules.evidence import Evidence
from grading.rules.lifecycle import (
    REPORT_TRANSITIONS,
    CommentPeriodOpen,
    CommentPeriodOver,
    GradeDrift,
    ReportAct,
    ReportState,
    RunState,
    may_publish,
)
from grading.rules.replay import Outcome, differences, grade
from grading.services.certificates import issue_certificate
from grading.services.figures import figures
from grading.services.holding import hold_if_contested
from grading.services.runs import UNPUBLISHED, Batch, batch_of, draft, one_subject
from grading.services.trying import shadow_latest
from grading.services.wording import local
from grading.stored import evidence_of

PUBLICATION = "PJ"
_REPORT = """
select r.*, a.organization, n.scheme as scheme_id, n.calibration as calibration_id
from grading_report r join grading_run n on n.id = r.run join agencies_agency a on a.id = r.agency
"""


@dataclass(frozen=True)
class CommentReceipt:
    """That the agency's comment is stored with the draft."""

    report_id: int
    at: datetime
    entry_id: int


@dataclass(frozen=True)
class PublicationReceipt:
    """That a grade is published."""

    report_id: int
    publication_no: str
    result: CreditGrade
    certificate_no: str | None
    at: datetime
    entry_id: int


@dataclass(frozen=True)
class RunPublicationReceipt:
    """What a signature under a whole run has published, and what is left for a look of its own."""

    run_id: int
    published: tuple[PublicationReceipt, ...]
    left: tuple[int, ...]
    drifted: tuple[int, ...]


@dataclass(frozen=True)
class RenewalReceipt:
    """That a draft was withdrawn and made again from the evidence as it now stands."""

    report_id: int
    new_report_id: int
    entry_id: int


async def comment(*, actor: Identity, report_id: int, text: str) -> CommentReceipt:
    """Store the agency's comment with its draft; the latest one counts until the period is over.

    Raises `ReportAbsent` for other agencies' reports and `CommentPeriodOver` after working day 5,
    judged by the clock at commit.
    """
    actor.require(Permission.COMMENT_GRADE)
    async with transaction():
        agency = await agency_of(actor.organization_id)
        report = await _locked(report_id)
        if agency is None or report["agency"] != agency.agency_id:
            raise ReportAbsent
        state = advance(REPORT_TRANSITIONS, ReportState(report["state"]), ReportAct.COMMENT)
        until = report["comment_until"]
        over = CommentPeriodOver(until=local(until))
        if clock.now() >= until:
            raise over
        refuse_after(until, over)
        await db.execute(
            "update grading_report set state = $2, comment = $3, commented_at = $4 where id = $1",
            report_id,
            state.value,
            text,
            clock.now(),
        )
        entry = await trail.record(
            actor,
            "grade.commented",
            f"grade:{report_id}",
            after={"comment": text},
        )
    return CommentReceipt(report_id, clock.now(), entry)


async def publish(*, actor: Identity, report_id: int, answer: str = "") -> PublicationReceipt:
    """Sign and publish one grade.

    The stored evidence is graded anew and must give the stored grade (`GradeDrift`); the comment
    period must be over (`CommentPeriodOpen`); a comment needs an answer (`AnswerMissing`); nothing
    may have been published for the agency since (`EvidenceOutdated`); a person signs, and has answered
    the agency that asked for one (`HumanAsked`).
    """
    check_signer(actor)
    async with transaction():
        report = await _locked(report_id)
        receipt = await _publish(actor, report, answer)
        await _close_if_done(actor, report["run"])
    return receipt


async def publish_run(*, actor: Identity, run_id: int) -> RunPublicationReceipt:
    """Sign every draft of a run that nobody commented on; commented ones are signed one by one.

    Those for which the agency asked for a person wait until that person has answered.
    """
    check_signer(actor)
    published: list[PublicationReceipt] = []
    left: list[int] = []
    drifted: list[int] = []
    async with transaction():
        if not await db.value("select 1 from grading_run where id = $1 for update", run_id):
            raise RunAbsent
        waiting = await db.rows(
            _REPORT + "where r.run = $1 and r.state = any($2::text[]) order by r.id for update of r",
            run_id,
            list(UNPUBLISHED),
        )
        _check_any_due(waiting)
        for report in waiting:
            if report["comment"] or not may_publish(report["comment_until"], clock.now()):
                left.append(report["id"])
                continue
            try:  # every check comes before the first write, so one refusal leaves nothing behind
                published.append(await _publish(actor, report, ""))
            except HumanAsked:
                left.append(report["id"])
            except (GradeDrift, EvidenceOutdated):
                drifted.append(report["id"])
        await _close_if_done(actor, run_id)
    return RunPublicationReceipt(run_id, tuple(published), tuple(left), tuple(drifted))


def _check_any_due(waiting: Sequence[Any]) -> None:
    """`CommentPeriodOpen` when no draft may be published yet."""
    if waiting and not any(may_publish(report["comment_until"], clock.now()) for report in waiting):
        raise CommentPeriodOpen(until=local(min(report["comment_until"] for report in waiting)))


async def renew(*, actor: Identity, report_id: int, reason: str) -> RenewalReceipt:
    """Withdraw a draft and make it again from the evidence as it now stands, with a new comment period."""
    actor.require(Permission.PUBLISH_GRADE)
    return await make_again(actor, report_id, reason)


async def make_again(actor: Identity, report_id: int, reason: str) -> RenewalReceipt:
    """The same for an act that has its own permission, such as a panel's decision."""
    async with transaction():
        report, entry = await _withdrawn(actor, report_id, reason)
        new_id = await _again(actor, report)
    return RenewalReceipt(report_id, new_id, entry)


async def withdraw(*, actor: Identity, report_id: int, reason: str) -> None:
    """Withdraw a draft that a grade published in between has made pointless."""
    actor.require(Permission.PUBLISH_GRADE)
    async with transaction():
        report, _ = await _withdrawn(actor, report_id, reason)
        await _close_if_done(actor, report["run"])


async def _withdrawn(actor: Identity, report_id: int, reason: str) -> tuple[Any, int]:
    report = await _locked(report_id)
    state = advance(REPORT_TRANSITIONS, ReportState(report["state"]), ReportAct.RENEW)
    await db.execute(
        "update grading_report set state = $2, withdrawn_at = $3 where id = $1",
        report_id,
        state.value,
        clock.now(),
    )
    entry = await trail.record(
        actor,
        "grade.renewed",
        f"grade:{report_id}",
        note={"reason": reason},
    )
    return report, entry


async def _again(actor: Identity, report: Any) -> int:
    old = await batch_of(report["run"])
    until = (await calendar()).due_at(clock.now(), old.rules.scheme.comment_wd)
    batch = Batch(old.run_id, old.as_of, until, old.rules)
    subject = await one_subject(report["agency"], Profession(report["profession"]), old.as_of, old.rules)
    (new_id,) = await draft(actor, batch, [subject])
    return new_id


def check_signer(actor: Identity) -> None:
    """A person with the permission, never the clock (PIPL Art. 24)."""
    actor.require(Permission.PUBLISH_GRADE)
    if actor.role is Role.SYSTEM:
        raise PersonMustSign


async def _locked(report_id: int) -> Any:
    report = await db.row(_REPORT + "where r.id = $1 for update of r", report_id)
    if report is None:
        raise ReportAbsent
    return report


async def _publish(actor: Identity, report: Any, answer: str) -> PublicationReceipt:
    state = advance(REPORT_TRANSITIONS, ReportState(report["state"]), ReportAct.PUBLISH)
    if not may_publish(report["comment_until"], clock.now()):
        raise CommentPeriodOpen(until=local(report["comment_until"]))
    if report["comment"] and not answer.strip():
        raise AnswerMissing
    if asked := await human_asked(report["id"]):
        raise HumanAsked(number=asked)
    outcome, evidence, scheme_code = await recomputed(report)
    await _refuse_outdated(report)
    number = await next_number(PUBLICATION, clock.today())
    await db.execute(
        "update grading_report set state = $2, answer = $3, signed_by = $4, published_at = $5,"
        " publication_no = $6 where id = $1",
        report["id"],
        state.value,
        answer,
        actor.account_id,
        clock.now(),
        number,
    )
    await _supersede_earlier(actor, report)
    await record_publication(actor, report, outcome, evidence, scheme_code, number)
    await hold_if_contested(actor, report)
    certificate = await issue_certificate(actor=actor, report_id=report["id"])
    return await _told(actor, report, outcome, number, certificate)


async def recomputed(report: Any) -> tuple[Outcome, Evidence, str]:
    """Grade the stored evidence anew; `GradeDrift` unless digests, grade and figures all agree."""
    rules = await rulebook_of(report["scheme_id"], report["calibration_id"])
    evidence = evidence_of(report["evidence"])
    outcome = grade(evidence, rules.scheme, rules.calibration)
    for problem in differences(report, evidence, outcome):
        raise GradeDrift(stored=f"{report['result']} {report['score']}", computed=problem)
    return outcome, evidence, rules.scheme.id


async def _refuse_outdated(report: Any) -> None:
    newer = await db.value(
        "select 1 from grading_report r where r.agency = $1 and r.profession = $2 and r.id <> $3"
        " and r.state in ('published', 'superseded') and (r.as_of > $4 or r.id > $3)",
        report["agency"],
        report["profession"],
        report["id"],
        report["as_of"],
    )
    if newer:
        raise EvidenceOutdated


async def _supersede_earlier(actor: Identity, report: Any) -> None:
    state = advance(REPORT_TRANSITIONS, ReportState.PUBLISHED, ReportAct.SUPERSEDE)
    earlier = await db.rows(
        "update grading_report set state = $4, superseded_by = $3, superseded_at = $5"
        " where agency = $1 and profession = $2 and id <> $3 and state = 'published' returning id",
        report["agency"],
        report["profession"],
        report["id"],
        state.value,
        clock.now(),
    )
    for row in earlier:
        await trail.record(
            actor,
            "grade.superseded",
            f"grade:{row['id']}",
            after={"by": report["id"]},
        )


async def record_publication(
    actor: Identity, report: Any, outcome: Outcome, evidence: Evidence, scheme_code: str, number: str
) -> None:
    """Put a published grade into the agencies' register."""
    rated = outcome.quality is not CreditGrade.N
    await record_grade(
        agency_id=report["agency"],
        profession=Profession(report["profession"]),
        grade=outcome.result,
        score=outcome.score if rated else None,
        low=outcome.low if rated else None,
        high=outcome.high if rated else None,
        firm=outcome.firm,
        scheme=scheme_code,
        as_of=report["as_of"],
        published_at=clock.now(),
        publication_no=number,
        figures=figures(evidence, outcome),
        actor=actor,
    )


async def _told(
    actor: Identity, report: Any, outcome: Outcome, number: str, certificate: str | None
) -> PublicationReceipt:
    entry = await trail.record(
        actor,
        "grade.published",
        f"grade:{report['id']}",
        before={"result": report["prior_result"]},
        after={
            "profession": report["profession"],
            "result": outcome.result.value,
            "score": outcome.score,
            "publication": number,
            "evidence": report["evidence_digest"],
            "outcome": report["outcome_digest"],
        },
        threads=[f"agency:{report['agency']}"],
    )
    await mail.send(
        to_organization=report["organization"],
        message="grading/published",
        context={
            "agency_id": report["agency"],
            "profession": report["profession"],
            "trade": PROFESSION_TITLES[Profession(report["profession"])],
            "result": outcome.result.value,
            "publication_no": number,
        },
    )
    return PublicationReceipt(report["id"], number, outcome.result, certificate, clock.now(), entry)


async def _close_if_done(actor: Identity, run_id: int) -> None:
    closed = await db.value(
        "update grading_run r set state = $2, closed_at = $3 where r.id = $1 and r.state <> $2"
        " and not exists (select 1 from grading_report p where p.run = r.id and p.state = any($4::text[]))"
        " returning id",
        run_id,
        RunState.CLOSED.value,
        clock.now(),
        list(UNPUBLISHED),
    )
    if closed:
        await trail.record(actor, "grade-run.closed", f"grade-run:{run_id}")
        await shadow_latest()
