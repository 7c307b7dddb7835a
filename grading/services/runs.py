"""A grade run: on its day it turns the evidence of every agency into drafts, sent out for comment."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from agencies.rules import PROFESSION_TITLES, Profession
from core import clock, db, mail, trail
from core.db import transaction
from core.identity import SYSTEM, Identity, Permission
from core.workdays import calendar
from grading.queries.schemes import Rulebook, rulebook_of, rulebook_on
from grading.rules.errors import AgencyUnknown, DayAhead, NothingToGrade, RunExists, RunStillOpen
from grading.rules.evidence import digest, plain
from grading.rules.lifecycle import ReportState, RunKind, RunState
from grading.rules.replay import Outcome, grade
from grading.services.displays import end_displays
from grading.services.gathering import Subject, gather
from grading.services.wording import local
from grading.tables import GradeReport

UNPUBLISHED = ("draft", "commented")


@dataclass(frozen=True)
class Batch:
    """A run under whose heading reports are made."""

    run_id: int
    as_of: date
    comment_until: datetime
    rules: Rulebook


@dataclass(frozen=True)
class RunReceipt:
    """That a run was prepared."""

    run_id: int
    as_of: date
    reports: int
    comment_until: datetime
    entry_id: int


async def prepare_run(*, actor: Identity, as_of: date) -> RunReceipt:
    """Grade every recorded agency and profession on `as_of` and send the drafts out for comment.

    The monthly run (grading.md §4); agencies without results get N. Raises `RunExists` for the same
    month, `RunStillOpen` while drafts of the last run wait, `DayAhead` for a day that lies ahead or
    not after the last run.
    """
    actor.require(Permission.RUN_GRADING)
    async with transaction():
        await db.execute("select pg_advisory_xact_lock(hashtext('grading_run'))")
        await _check_day(as_of)
        await end_displays()
        rules = await rulebook_on(as_of)
        subjects = await gather(as_of, rules)
        if not subjects:
            raise NothingToGrade(as_of=str(as_of))
        until = (await calendar()).due_at(clock.now(), rules.scheme.comment_wd)
        key = f"monthly:{as_of:%Y-%m}"
        run_id = await open_run(actor, key, RunKind.MONTHLY, as_of, rules, comment_until=until)
        batch = Batch(run_id, as_of, until, rules)
        await draft(actor, batch, subjects)
        entry = await trail.record(
            actor,
            "grade-run.prepared",
            f"grade-run:{run_id}",
            after={
                "as_of": as_of,
                "scheme": rules.scheme.digest,
                "calibration": rules.calibration.digest,
                "reports": len(subjects),
            },
        )
    return RunReceipt(run_id, as_of, len(subjects), until, entry)


async def _check_day(as_of: date) -> None:
    if await db.value("select 1 from grading_run where key = $1", f"monthly:{as_of:%Y-%m}"):
        raise RunExists(month=f"{as_of:%Y-%m}")
    last = await db.row(
        "select r.as_of, r.state, (select count(*) from grading_report p where p.run = r.id"
        " and p.state = any($1::text[])) as waiting"
        " from grading_run r where r.kind = $2 order by r.as_of desc limit 1",
        list(UNPUBLISHED),
        RunKind.MONTHLY.value,
    )
    if last and last["state"] == RunState.OPEN:
        raise RunStillOpen(as_of=last["as_of"].isoformat(), count=last["waiting"])
    if as_of > clock.today() or (last and as_of <= last["as_of"]):
        raise DayAhead(after=str(last["as_of"]) if last else "—", today=str(clock.today()))


async def open_run(
    actor: Identity, key: str, kind: RunKind, as_of: date, rules: Rulebook, *, comment_until: datetime
) -> int:
    """Insert a run; the unique key is the judge of doubles."""
    run_id: int = await db.value(
        "insert into grading_run (key, kind, as_of, scheme, calibration, state, prepared_by, prepared_at,"
        " comment_until) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id",
        key,
        kind.value,
        as_of,
        rules.scheme_id,
        rules.calibration_id,
        RunState.OPEN.value,
        actor.account_id,
        clock.now(),
        comment_until,
    )
    return run_id


async def batch_of(run_id: int) -> Batch:
    """The run a report belongs to, with its rules."""
    row = await db.row("select as_of, comment_until, scheme, calibration from grading_run where id = $1", run_id)
    rules = await rulebook_of(row["scheme"], row["calibration"])
    return Batch(run_id, row["as_of"], row["comment_until"], rules)


async def draft(actor: Identity, batch: Batch, subjects: list[Subject]) -> list[int]:
    """Grade the subjects, store the drafts with all evidence, tell the agencies; the new ids."""
    if not subjects:
        return []
    outcomes = [grade(one.evidence, batch.rules.scheme, batch.rules.calibration) for one in subjects]
    rows = [report_row(batch, one, outcome) for one, outcome in zip(subjects, outcomes, strict=True)]
    inserted = await GradeReport.insert(*rows).returning(GradeReport.id)
    ids = [int(row["id"]) for row in inserted]
    for report_id, subject, outcome in zip(ids, subjects, outcomes, strict=True):
        await _announce(actor, batch, report_id, subject, outcome)
    return ids


def report_row(batch: Batch, subject: Subject, outcome: Outcome) -> GradeReport:
    """A report as it is stored first: a draft with all its evidence."""
    return GradeReport(
        run=batch.run_id,
        agency=subject.agency.agency_id,
        profession=subject.profession.value,
        as_of=batch.as_of,
        prior_result=subject.prior_result.value,
        quality=outcome.quality.value,
        band=outcome.band.value,
        conduct=outcome.conduct.grade.value,
        result=outcome.result.value,
        score=outcome.score,
        sd=outcome.sd,
        low=outcome.low,
        high=outcome.high,
        reliability=outcome.reliability,
        firm=outcome.firm,
        p_up=outcome.p_up,
        p_down=outcome.p_down,
        alarm_low=outcome.alarm_low,
        alarm_high=outcome.alarm_high,
        alarm=outcome.alarm,
        evidence=plain(subject.evidence),
        evidence_digest=digest(subject.evidence),
        outcome=plain(outcome),
        outcome_digest=outcome.digest(),
        state=ReportState.DRAFT.value,
        comment_until=batch.comment_until,
    )


async def _announce(actor: Identity, batch: Batch, report_id: int, subject: Subject, outcome: Outcome) -> None:
    facts: dict[str, Any] = {
        "profession": subject.profession.value,
        "as_of": batch.as_of,
        "result": outcome.result.value,
        "score": outcome.score,
        "evidence": digest(subject.evidence),
        "outcome": outcome.digest(),
    }
    await trail.record(
        actor,
        "grade.drafted",
        f"grade:{report_id}",
        before={"result": subject.prior_result.value},
        after=facts,
    )
    if batch.comment_until > clock.now():
        await mail.send(
            to_organization=subject.agency.organization_id,
            message="grading/draft",
            context={
                "report_id": report_id,
                "trade": PROFESSION_TITLES[subject.profession],
                "result": outcome.result.value,
                "until": local(batch.comment_until),
            },
        )


async def one_subject(agency_id: int, profession: Profession, as_of: date, rules: Rulebook) -> Subject:
    """The evidence of one agency in one profession; `AgencyUnknown` when it is not on record there."""
    found = await gather(as_of, rules, agency_id=agency_id, profession=profession)
    if not found:
        raise AgencyUnknown
    return found[0]


async def run_if_due() -> RunReceipt | None:
    """The monthly run by the clock: on or after the first working day, once, never over an open run."""
    today = clock.today()
    workdays = await calendar()
    first = next(d for d in range(1, 32) if workdays.is_workday(today.replace(day=d)))
    if today.day < first:
        return None
    try:
        return await prepare_run(actor=SYSTEM, as_of=today)
    except (RunExists, RunStillOpen, DayAhead, NothingToGrade):
        return None
