"""Objections to a grade: who, until when, what waits, what is replayed, who is told: on a real database."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from agencies.rules import CreditGrade
from core import clock, db
from core.identity import Identity, Role
from core.workdays import calendar
from grading import services
from grading.controllers.watch_charts import chart
from grading.controllers.watch_words import caption
from grading.queries.as_seen import as_seen
from grading.queries.certificates import certificate, certificates_of
from grading.queries.objections import grade_objection, open_tag, seats_of, told
from grading.queries.reports import history
from grading.queries.watching import figures
from grading.rules.corrections import Change, CorrectionAmount, CorrectionKind, CorrectionMissing, CorrectionUnknown
from grading.rules.lifecycle import CertificateState
from grading.rules.objections import (
    GradeObjectionAbsent,
    NoPanel,
    NotSeated,
    ObjectedAlready,
    ObjectionState,
    ObjectionWindowOver,
    ProposalChanged,
    RereviewLate,
    SignerDecides,
    Verdict,
)
from grading.services import Imposition
from tests.factories import core as make
from tests.factories import grading as g
from tests.factories.agencies import make_agency
from tests.grading.life import FACTS, REASONS, SURVEYING, Fallen, graded, make_fallen, officer

pytestmark = pytest.mark.anyio

A, B, C, D, N = CreditGrade


@pytest.fixture
async def fallen(db: None):
    """An agency rated B in September that eight bad results have brought to C in October."""
    found = await make_fallen()
    with clock.at(found.now):
        assert await found.on_record() is C
        yield found


async def lodged(fallen: Fallen) -> int:
    receipt = await services.lodge_objection(actor=fallen.made.member, report_id=await fallen.report_id(), draft=FACTS)
    return receipt.objection_id


def changes(fallen: Fallen) -> list[Change]:
    return [Change(CorrectionKind.TECHNICAL, one, Decimal("82.00")) for one in fallen.bad]


async def upheld(fallen: Fallen, objection_id: int) -> Any:
    return await services.decide_objection(
        actor=await officer(),
        objection_id=objection_id,
        verdict=Verdict.UPHOLD,
        reasons=REASONS,
        changes=changes(fallen),
    )


async def rejected(objection_id: int) -> Identity:
    first = await officer()
    await services.decide_objection(
        actor=first,
        objection_id=objection_id,
        verdict=Verdict.REJECT,
        reasons="证据与原审查一致，异议所说的图号没有出现在缺陷清单中。",
    )
    return first


async def test_an_upheld_objection_replays_and_the_grade_before_stays_meanwhile(fallen: Fallen):
    receipt = await services.lodge_objection(actor=fallen.made.member, report_id=await fallen.report_id(), draft=FACTS)
    assert receipt.due_at == (await calendar()).due_at(clock.now(), 3)
    assert await fallen.on_record() is B
    done = await upheld(fallen, receipt.objection_id)
    assert done.state is ObjectionState.UPHELD
    assert [(one.result, one.new_result) for one in done.replayed] == [(C, B)]
    assert await fallen.on_record() is B
    assert (await services.replay_check()).sound
    assert [point.result for point in await history(fallen.made.agency_id, SURVEYING)] == [B, B]
    assert await db.value("select count(*) from grading_report where publication_no is not null") == 3
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with db.transaction():
            await db.execute("update grading_correction set amount = 99")


async def test_the_next_run_uses_the_corrected_evidence_and_the_corrected_grade(fallen: Fallen):
    await upheld(fallen, await lodged(fallen))
    later = clock.now() + timedelta(days=25)
    at = await graded(later, await officer())
    with clock.at(at):
        assert await fallen.on_record() is B
        assert [point.result for point in await history(fallen.made.agency_id, SURVEYING)] == [B, B, B]
        assert (await services.replay_check()).sound


async def test_an_event_before_the_contested_grade_replays_every_grade_that_rests_on_it(fallen: Fallen):
    first = await db.value("select deliverable from contracts_review order by id limit 1")
    done = await services.decide_objection(
        actor=await officer(),
        objection_id=await lodged(fallen),
        verdict=Verdict.UPHOLD,
        reasons=REASONS,
        changes=[Change(CorrectionKind.DROP_CASE, first)],
    )
    assert len(done.replayed) == 2
    assert (await services.replay_check()).sound


async def test_certificates_follow(fallen: Fallen):
    old, new = reversed(await certificates_of(fallen.made.agency_id, SURVEYING))
    assert (old.grade, new.grade) == (B, C)
    objection_id = await lodged(fallen)
    assert (await certificate(old.number)).state is CertificateState.VALID
    assert (await certificate(new.number)).state is CertificateState.SUSPENDED
    await upheld(fallen, objection_id)
    latest = (await certificates_of(fallen.made.agency_id, SURVEYING))[0]
    assert (latest.grade, latest.state) == (B, CertificateState.VALID)
    assert (await certificate(new.number)).state is CertificateState.SUPERSEDED
    assert (await certificate(old.number)).state is CertificateState.SUPERSEDED


async def test_what_the_buyer_saw_on_each_day(fallen: Fallen):
    day = clock.today()
    with clock.at(clock.now() + timedelta(days=1)):
        objection_id = await lodged(fallen)
    with clock.at(clock.now() + timedelta(days=3)):
        await upheld(fallen, objection_id)
        agency = fallen.made.agency_id
        seen = [await as_seen(agency, SURVEYING, day + timedelta(days=n)) for n in (0, 1, 3)]
        assert [(one.grade, one.published) for one in seen] == [(C, C), (B, C), (B, B)]
        assert [one.objection_no is not None for one in seen] == [False, True, False]
        assert [one.suspended for one in seen] == [False, True, False]
        assert (seen[0].corrected_result, seen[2].corrected_no) == (B, None)
        assert seen[0].certificate is not None
        assert seen[0].certificate.grade is C
        before = await as_seen(agency, SURVEYING, date(2026, 8, 1))
        assert (before.grade, before.publication_no, before.certificate) == (N, None, None)


async def test_clients_who_relied_on_the_old_grade_are_told(fallen: Fallen):
    agency = fallen.made.agency_id
    record = await db.value("select max(id) from agencies_grade_record where agency = $1", agency)
    used = await db.row("select id, notice from market_award where agency = $1 order by id limit 1", agency)
    await db.execute("update market_award set grade_record = $2 where id = $1", used["id"], record)
    client = await db.value("select client from market_notice where id = $1", used["notice"])
    member = await make.member(Role.CLIENT, organization_id=client)
    objection_id = await lodged(fallen)
    await upheld(fallen, objection_id)
    letter = await db.row("select message, context from core_mail where account = $1", member.account_id)
    assert letter["message"] == "grading/relied"
    assert (letter["context"]["notices"][0]["was"], letter["context"]["notices"][0]["now"]) == ("C", "B")
    assert [one.notice_id for one in await told(objection_id, agency)] == [used["notice"]]


async def test_who_may_object_and_until_when(fallen: Fallen):
    report_id = await fallen.report_id()
    with pytest.raises(GradeObjectionAbsent):
        await services.lodge_objection(actor=(await make_agency()).member, report_id=report_id, draft=FACTS)
    published = await db.value("select published_at from grading_report where id = $1", report_id)
    with clock.at((await calendar()).due_at(published, 15)), pytest.raises(ObjectionWindowOver):
        await lodged(fallen)
    await lodged(fallen)
    with pytest.raises(ObjectedAlready):
        await lodged(fallen)


async def test_the_signer_does_not_decide_and_a_decision_says_what_changes(fallen: Fallen):
    objection_id = await lodged(fallen)
    facts: dict[str, Any] = {"objection_id": objection_id, "verdict": Verdict.UPHOLD, "reasons": REASONS}
    with pytest.raises(SignerDecides):
        await services.decide_objection(actor=fallen.signer, changes=changes(fallen), **facts)
    other = await officer()
    for wrong, error in (
        ([], CorrectionMissing),
        ([Change(CorrectionKind.DROP_CASE, 999_999)], CorrectionUnknown),
        ([Change(CorrectionKind.TECHNICAL, fallen.bad[0])], CorrectionAmount),
        ([Change(CorrectionKind.TECHNICAL, fallen.bad[0], Decimal(101))], CorrectionAmount),
    ):
        with pytest.raises(error):
            await services.decide_objection(actor=other, changes=wrong, **facts)
    assert (await grade_objection(other, objection_id)).state is ObjectionState.LODGED


async def test_an_outside_check_gives_seven_days_from_lodging(fallen: Fallen):
    start = clock.now()
    objection_id = await lodged(fallen)
    with clock.at(start + timedelta(days=1)):
        receipt = await services.check_outside(actor=await officer(), objection_id=objection_id, words="请测绘院核对")
    assert receipt.due_at == (await calendar()).due_at(start, 7)


async def test_a_rejected_objection_nobody_contests_lapses_and_the_grade_takes_effect(fallen: Fallen):
    objection_id = await lodged(fallen)
    await rejected(objection_id)
    assert await fallen.on_record() is B
    assert await open_tag(fallen.made.agency_id, SURVEYING) is not None
    with clock.at((await calendar()).due_at(clock.now(), 10)):
        with pytest.raises(RereviewLate):
            await services.contest(actor=fallen.made.member, objection_id=objection_id, words=REASONS)
        assert await services.sweep_objections() == 1
        assert await services.sweep_objections() == 0
        assert await fallen.on_record() is C
        assert await open_tag(fallen.made.agency_id, SURVEYING) is None
        assert (await services.replay_check()).sound


async def test_overdue_is_marked_once(fallen: Fallen):
    objection_id = await lodged(fallen)
    with clock.at((await calendar()).due_at(clock.now(), 3)):
        assert (await services.sweep_objections(), await services.sweep_objections()) == (1, 0)
        assert (await grade_objection(await officer(), objection_id)).overdue_at == clock.now()


async def test_withdrawn_the_grade_takes_effect(fallen: Fallen):
    await services.withdraw_objection(actor=fallen.made.member, objection_id=await lodged(fallen))
    assert await fallen.on_record() is C


async def test_a_veto_does_not_wait(fallen: Fallen):
    decision = Imposition(
        fallen.made.agency_id, None, "DD-01", "泰综执罚〔2026〕9 号", "综合执法局", "出具虚假成果", clock.today(),
        date(2028, 1, 1), as_decided=True,
    )  # fmt: skip
    await services.impose_direct_d(actor=await officer(), decision=decision)
    assert await fallen.on_record() is D
    await lodged(fallen)
    assert await fallen.on_record() is D


async def test_a_later_run_does_not_bring_the_downgrade_in_by_the_back_door(fallen: Fallen):
    await lodged(fallen)
    at = await graded(clock.now() + timedelta(days=20), await officer())
    with clock.at(at + timedelta(hours=1)):
        assert await fallen.on_record() is B
        assert (await services.replay_check()).sound


# --- the panel --------------------------------------------------------------------------------


async def people() -> list[Identity]:
    """Enough for a panel: a supervisor, an officer, a reviewer of the profession."""
    await g.make_field(clients=1, reviewers=1)
    return [await make.member(Role.MARKET_SUPERVISOR), await officer()]


async def seated(objection_id: int) -> list[Identity]:
    found = []
    for seat in await seats_of(objection_id):
        row = await db.row("select organization, role from core_membership where account = $1", seat.account_id)
        found.append(Identity(seat.account_id, seat.name, row["organization"], "", Role(row["role"])))
    return found


async def test_the_panel_is_drawn_from_people_without_a_part_and_needs_three(fallen: Fallen):
    objection_id = await lodged(fallen)
    first = await rejected(objection_id)
    await db.execute("update core_account set active = false where id in (select account from core_membership"
                     " where role = 'market_supervisor')")  # fmt: skip
    with pytest.raises(NoPanel):
        await services.contest(actor=fallen.made.member, objection_id=objection_id, words=REASONS)
    await people()
    receipt = await services.contest(actor=fallen.made.member, objection_id=objection_id, words=REASONS)
    assert receipt.due_at == (await calendar()).due_at(clock.now(), 15)
    panel = await seated(objection_id)
    assert len(panel) == 3
    assert panel[0].role is Role.MARKET_SUPERVISOR
    reviewed = await db.rows(
        "select v.account from contracts_assignment s join contracts_reviewer v on v.id = s.reviewer"
    )
    barred = {fallen.signer.account_id, first.account_id, *(row["account"] for row in reviewed)}
    assert not barred & {one.account_id for one in panel}


async def test_the_panel_decides_when_all_three_have_spoken(fallen: Fallen):
    objection_id = await lodged(fallen)
    await rejected(objection_id)
    await people()
    await services.contest(actor=fallen.made.member, objection_id=objection_id, words=REASONS)
    chair, second, third = await seated(objection_id)
    facts: dict[str, Any] = {"objection_id": objection_id, "reasons": REASONS}
    with pytest.raises(NotSeated):
        await services.propose(actor=await officer(), verdict=Verdict.REJECT, **facts)
    await services.propose(actor=second, verdict=Verdict.REJECT, **facts)
    receipt = await services.propose(actor=chair, verdict=Verdict.UPHOLD, changes=changes(fallen), **facts)
    assert receipt.state is ObjectionState.PANEL
    with pytest.raises(ProposalChanged):
        await services.vote(actor=third, objection_id=objection_id, number=1, agrees=True, words="")
    voted = await services.vote(actor=second, objection_id=objection_id, number=2, agrees=False, words=REASONS)
    assert voted.state is ObjectionState.PANEL
    done = await services.vote(actor=third, objection_id=objection_id, number=2, agrees=True, words="")
    assert done.state is ObjectionState.UPHELD_ON_REVIEW
    assert await fallen.on_record() is B
    assert (await services.replay_check()).sound


async def test_a_panel_that_confirms_is_final(fallen: Fallen):
    objection_id = await lodged(fallen)
    await rejected(objection_id)
    await people()
    await services.contest(actor=fallen.made.member, objection_id=objection_id, words=REASONS)
    chair, second, third = await seated(objection_id)
    await services.propose(actor=chair, objection_id=objection_id, verdict=Verdict.REJECT, reasons=REASONS)
    for member in (second, third):
        done = await services.vote(actor=member, objection_id=objection_id, number=1, agrees=True, words="")
    assert done.state is ObjectionState.DISMISSED
    assert await fallen.on_record() is C


async def test_watching_counts_objections_and_their_outcome(fallen: Fallen) -> None:
    before = await figures()
    assert before["appeals"].rows == ()
    assert before["states"].rows[-1]["contested"] == 0
    objection_id = await lodged(fallen)
    pending = await figures()
    assert pending["states"].rows[-1]["contested"] == 1
    await upheld(fallen, objection_id)
    made = (await figures())["appeals"]
    assert made.facts == {"decided": 1, "won": 1, "review": 0, "share": 1.0, "pending": 0}
    assert "100.0%" in caption(made)
    drawn = chart(made)
    assert drawn is not None
    assert drawn[1]["series"][0]["values"] == [100.0]
