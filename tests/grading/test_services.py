"""Runs, comments, signatures, publication: on a real database."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest

from agencies.queries import standing
from agencies.rules import CreditGrade, Profession
from core import clock, db
from core.errors import Forbidden, NotAllowedNow
from core.identity import SYSTEM, Identity, Role
from core.trail.queries import timeline
from grading import services
from grading.queries.certificates import certificate, certificates_of
from grading.queries.reports import history, report, standing_explanation
from grading.queries.runs import run, run_reports
from grading.rules.errors import (
    AnswerMissing,
    CertificateAbsent,
    DayAhead,
    EvidenceOutdated,
    NothingToGrade,
    PersonMustSign,
    ReportAbsent,
    RunExists,
    RunStillOpen,
)
from grading.rules.lifecycle import (
    CertificateState,
    CommentPeriodOpen,
    CommentPeriodOver,
    GradeDrift,
    ReportState,
    RunState,
)
from tests.factories import core as make
from tests.factories import grading as g
from tests.factories.agencies import MadeAgency, make_agency

pytestmark = pytest.mark.anyio

A, B, C, D, N = CreditGrade
RUN_DAY = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
SIGN_DAY = datetime(2026, 11, 9, 16, 30, tzinfo=UTC)
"""Five working days after Monday 2 November end on Monday the 9th at 24:00 in Shanghai."""
SURVEYING = Profession.SURVEYING


async def officer() -> Identity:
    return await make.member(Role.GRADING_OFFICER)


async def agency_with_results(marks: tuple[str, ...] = ("85",) * 8, **changed: object) -> MadeAgency:
    made = await make_agency(**changed)  # type: ignore[arg-type]
    field = await g.make_field()
    for n, mark in enumerate(marks):
        await g.make_result(made.agency_id, field, mark, days_ago=20 + 10 * n)
    return made


async def drafted(made: MadeAgency, run_id: int) -> int:
    reports = [one for one in await run_reports(run_id) if one.agency_id == made.agency_id]
    return reports[0].report_id


@pytest.fixture
async def at_run_day(db: None):
    with clock.at(RUN_DAY):
        yield


async def test_a_run_drafts_a_report_for_every_agency_also_without_results(at_run_day):
    busy, new = await agency_with_results(), await make_agency()
    receipt = await services.prepare_run(actor=await officer(), as_of=RUN_DAY.date())
    assert receipt.comment_until == datetime(2026, 11, 9, 16, 0, tzinfo=UTC)
    found = {one.agency_id: one for one in await run_reports(receipt.run_id)}
    assert (found[busy.agency_id].result, found[new.agency_id].result) == (B, N)
    assert found[busy.agency_id].score == Decimal("86.55")
    assert {one.state for one in found.values()} == {ReportState.DRAFT}


async def test_drafts_are_mailed_to_their_agency(at_run_day):
    made = await agency_with_results()
    await services.prepare_run(actor=await officer(), as_of=RUN_DAY.date())
    mail = await db.row(
        "select message, context from core_mail where account = $1 order by id desc limit 1", made.member.account_id
    )
    assert mail["message"] == "grading/draft"
    assert mail["context"]["result"] == "B"


async def test_a_run_needs_the_permission_a_day_and_one_month(at_run_day):
    await make_agency()
    with pytest.raises(Forbidden):
        await services.prepare_run(actor=await make.member(Role.AGENCY), as_of=RUN_DAY.date())
    with pytest.raises(DayAhead):
        await services.prepare_run(actor=await officer(), as_of=RUN_DAY.date() + timedelta(days=1))
    await services.prepare_run(actor=await officer(), as_of=RUN_DAY.date())
    with pytest.raises(RunExists):
        await services.prepare_run(actor=await officer(), as_of=RUN_DAY.date())
    with clock.at(RUN_DAY + timedelta(days=30)), pytest.raises(RunStillOpen):
        await services.prepare_run(actor=await officer(), as_of=clock.today())


async def test_nothing_is_graded_before_anybody_is_on_record(at_run_day):
    await db.execute("update agencies_agency set recorded_on = date '2030-01-01'")
    with pytest.raises(NothingToGrade):
        await services.prepare_run(actor=SYSTEM, as_of=RUN_DAY.date())


async def test_the_clock_runs_on_the_first_working_day_and_only_once(db):
    with clock.at(datetime(2026, 10, 31, 17, 0, tzinfo=UTC)):
        await make_agency()
        assert await services.run_if_due() is None  # Sunday 1 November
    with clock.at(RUN_DAY):
        first = await services.run_if_due()
        assert first is not None
        assert await services.run_if_due() is None


async def test_the_agency_comments_until_working_day_five_and_nobody_else(at_run_day):
    made, stranger = await agency_with_results(), await make_agency()
    receipt = await services.prepare_run(actor=SYSTEM, as_of=RUN_DAY.date())
    report_id = await drafted(made, receipt.run_id)
    with pytest.raises(ReportAbsent):
        await services.comment(actor=stranger.member, report_id=report_id, text="不是我的")
    await services.comment(actor=made.member, report_id=report_id, text="第三件成果的准时分有误")
    view = await report(made.member, report_id)
    assert (view.state, view.comment) == (ReportState.COMMENTED, "第三件成果的准时分有误")
    with clock.at(SIGN_DAY), pytest.raises(CommentPeriodOver):
        await services.comment(actor=made.member, report_id=report_id, text="晚了")


async def test_drafts_are_seen_by_their_agency_and_the_officers_only(at_run_day):
    made, stranger = await agency_with_results(), await make_agency()
    receipt = await services.prepare_run(actor=SYSTEM, as_of=RUN_DAY.date())
    report_id = await drafted(made, receipt.run_id)
    for reader in (None, stranger.member, await make.member(Role.CLIENT)):
        with pytest.raises(ReportAbsent):
            await report(reader, report_id)
    assert (await report(await officer(), report_id)).result is B
    assert await standing_explanation(made.agency_id, SURVEYING, SYSTEM) is None


async def test_a_person_signs_after_the_comment_period(at_run_day):
    made = await agency_with_results()
    receipt = await services.prepare_run(actor=SYSTEM, as_of=RUN_DAY.date())
    report_id = await drafted(made, receipt.run_id)
    signer = await officer()
    with pytest.raises(CommentPeriodOpen):
        await services.publish(actor=signer, report_id=report_id)
    with clock.at(SIGN_DAY):
        with pytest.raises(PersonMustSign):
            await services.publish(actor=SYSTEM, report_id=report_id)
        published = await services.publish(actor=signer, report_id=report_id)
        with pytest.raises(NotAllowedNow):
            await services.publish(actor=signer, report_id=report_id)
        now = await standing(made.agency_id, SURVEYING, clock.today())
    assert published.publication_no.startswith("XT-PJ-2026-")
    assert (now.grade, now.score, now.firm) == (B, Decimal("86.55"), True)
    assert (await run(receipt.run_id)).state is RunState.CLOSED
    shown = await standing_explanation(made.agency_id, SURVEYING, SYSTEM)
    assert shown is not None
    assert shown.signer == signer.name


async def test_a_comment_must_be_answered(at_run_day):
    made, other = await agency_with_results(), await make_agency()
    receipt = await services.prepare_run(actor=SYSTEM, as_of=RUN_DAY.date())
    report_id = await drafted(made, receipt.run_id)
    await services.comment(actor=made.member, report_id=report_id, text="请核对")
    with clock.at(SIGN_DAY):
        signed = await services.publish_run(actor=await officer(), run_id=receipt.run_id)
        assert [one.result for one in signed.published] == [N]
        assert signed.left == (report_id,)
        with pytest.raises(AnswerMissing):
            await services.publish(actor=await officer(), report_id=report_id)
        await services.publish(actor=await officer(), report_id=report_id, answer="已核对，记录无误")
    assert (await report(None, report_id)).answer == "已核对，记录无误"
    assert (await standing(other.agency_id, SURVEYING, SIGN_DAY.date())).grade is N


async def test_tampered_evidence_is_never_published(at_run_day):
    made = await agency_with_results()
    receipt = await services.prepare_run(actor=SYSTEM, as_of=RUN_DAY.date())
    report_id = await drafted(made, receipt.run_id)
    await db.execute(
        "update grading_report set evidence = jsonb_set(evidence, '{cases,0,technical}', '\"99.00\"') where id = $1",
        report_id,
    )
    with clock.at(SIGN_DAY):
        with pytest.raises(GradeDrift):
            await services.publish(actor=await officer(), report_id=report_id)
        signed = await services.publish_run(actor=await officer(), run_id=receipt.run_id)
    assert (signed.published, signed.drifted) == ((), (report_id,))


async def test_a_score_changed_by_hand_is_never_published(at_run_day):
    made = await agency_with_results()
    receipt = await services.prepare_run(actor=SYSTEM, as_of=RUN_DAY.date())
    report_id = await drafted(made, receipt.run_id)
    await db.execute("update grading_report set score = 95 where id = $1", report_id)
    with clock.at(SIGN_DAY), pytest.raises(GradeDrift):
        await services.publish(actor=await officer(), report_id=report_id)


async def test_a_renewed_draft_takes_the_evidence_as_it_now_stands(at_run_day):
    made = await agency_with_results()
    receipt = await services.prepare_run(actor=SYSTEM, as_of=RUN_DAY.date())
    report_id = await drafted(made, receipt.run_id)
    await db.execute(
        "update contracts_deliverable d set filings = 60 from contracts_contract c"
        " where c.id = d.contract and c.agency = $1",
        made.agency_id,
    )
    renewed = await services.renew(actor=await officer(), report_id=report_id, reason="备案分更正")
    fresh = await report(made.member, renewed.new_report_id)
    assert fresh.outcome.score < Decimal("86.55")
    assert (await report(made.member, report_id)).state is ReportState.WITHDRAWN
    assert await drafted(made, receipt.run_id) == renewed.new_report_id


async def published_in(month_day: datetime, signer: Identity) -> None:
    with clock.at(month_day):
        receipt = await services.prepare_run(actor=SYSTEM, as_of=clock.today())
    with clock.at(month_day + timedelta(days=14)):
        await services.publish_run(actor=signer, run_id=receipt.run_id)


async def test_months_build_on_each_other_and_replay(at_run_day):
    made = await agency_with_results(("97",) * 12)
    signer = await officer()
    for days in (-62, -31, 0):
        await published_in(RUN_DAY + timedelta(days=days), signer)
    points = await history(made.agency_id, SURVEYING)
    assert [point.result for point in points][-1] in (A, B)
    assert len({point.publication_no for point in points}) == 3
    states = await db.rows("select state from grading_report where agency = $1 order by id", made.agency_id)
    assert [row["state"] for row in states] == ["superseded", "superseded", "published"]
    check = await services.replay_check()
    assert (check.sound, check.reports) == (True, 3)
    assert (await services.replay_check(since=RUN_DAY.date())).reports == 1


async def test_replay_names_what_does_not_come_out(committed_db):
    with clock.at(RUN_DAY):
        made = await agency_with_results()
        await published_in(RUN_DAY, await officer())
    owner = await asyncpg.connect(committed_db)
    try:  # somebody with the keys of the database changes a mark, and a certificate
        await owner.execute("alter table grading_report disable trigger grading_report_once")
        await owner.execute(
            "update grading_report set evidence = jsonb_set(evidence, '{cases,0,technical}', '\"60.00\"')"
            " where agency = $1",
            made.agency_id,
        )
        await owner.execute("update grading_certificate set grade = 'A' where agency = $1", made.agency_id)
    finally:
        await owner.close()
    check = await services.replay_check()
    assert not check.sound
    assert any("evidence_digest" in drift.what for drift in check.drifts)
    assert any(drift.what == "certificate digest" for drift in check.drifts)


async def test_the_database_refuses_to_change_what_is_published(committed_db):
    with clock.at(RUN_DAY):
        made = await agency_with_results()
        await published_in(RUN_DAY, await officer())
    for statement in (
        "update grading_report set score = 99 where agency = $1",
        "update grading_report set state = 'draft' where agency = $1",
        "delete from grading_report where agency = $1",
        "update grading_scheme set source = 'x' where $1 > 0",
        "delete from grading_calibration where $1 > 0",
    ):
        with pytest.raises(asyncpg.exceptions.InsufficientPrivilegeError):
            await db.execute(statement, made.agency_id)


async def test_a_certificate_is_issued_checked_and_replaced_when_the_grade_changes(at_run_day):
    made = await agency_with_results()
    signer = await officer()
    await published_in(RUN_DAY - timedelta(days=31), signer)
    await published_in(RUN_DAY, signer)
    lines = await certificates_of(made.agency_id, SURVEYING)
    assert len(lines) == 1  # the grade did not change, so the certificate stands
    with clock.at(RUN_DAY + timedelta(days=11)):
        shown = await certificate(lines[0].number)
        assert (shown.state, shown.sound, shown.grade) == (CertificateState.VALID, True, B)
    with clock.at(RUN_DAY + timedelta(days=400)):
        assert (await certificate(lines[0].number)).state is CertificateState.EXPIRED
    with pytest.raises(CertificateAbsent):
        await certificate("XT-DJ-2026-999999")


async def test_an_agency_without_rating_has_no_certificate(at_run_day):
    made = await make_agency()
    await published_in(RUN_DAY, await officer())
    assert await certificates_of(made.agency_id, SURVEYING) == []


async def test_a_revoked_certificate_says_so(at_run_day):
    made = await agency_with_results()
    signer = await officer()
    await published_in(RUN_DAY, signer)
    (line,) = await certificates_of(made.agency_id, SURVEYING)
    await services.revoke_certificate(
        actor=signer, number=line.number, document_no="演示撤字〔2026〕1 号", reason="提供虚假材料"
    )
    shown = await certificate(line.number)
    assert (shown.state, shown.revoked_document_no) == (CertificateState.REVOKED, "演示撤字〔2026〕1 号")
    with pytest.raises(Forbidden):
        await services.revoke_certificate(actor=made.member, number=line.number, document_no="x", reason="x")


async def test_an_older_draft_cannot_replace_a_newer_grade(at_run_day):
    made = await agency_with_results()
    receipt = await services.prepare_run(actor=SYSTEM, as_of=RUN_DAY.date())
    old = await drafted(made, receipt.run_id)
    signer = await officer()
    new = (await services.renew(actor=signer, report_id=old, reason="重新取证")).new_report_id
    with clock.at(SIGN_DAY):
        await services.publish(actor=signer, report_id=new)
        await db.execute("update grading_report set state = 'draft', withdrawn_at = null where id = $1", old)
        with pytest.raises(EvidenceOutdated):
            await services.publish(actor=signer, report_id=old)


async def test_the_trail_tells_the_life_of_a_grade_and_the_agency_s_page_only_what_is_public(at_run_day):
    made = await agency_with_results()
    receipt = await services.prepare_run(actor=SYSTEM, as_of=RUN_DAY.date())
    report_id = await drafted(made, receipt.run_id)
    await services.comment(actor=made.member, report_id=report_id, text="请核对")
    with clock.at(SIGN_DAY):
        await services.publish(actor=await officer(), report_id=report_id, answer="无误")
    whole = [one.act for one in await timeline(f"grade:{report_id}")]
    assert whole[:2] == ["grade.drafted", "grade.commented"]
    assert {"certificate.issued", "grade.published"} <= set(whole)
    public = {one.act for one in await timeline(f"agency:{made.agency_id}")}
    assert {"agency.graded", "certificate.issued", "grade.published"} <= public
    assert not public & {"grade.drafted", "grade.commented"}
