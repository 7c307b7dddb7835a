"""A grade falls, its agency contests it: comment, publication, objection, re-review, replay; and a way back by repair.

Over the services, committed, with everybody in their own role; the market goes by the grade on record throughout.
"""

from datetime import timedelta
from decimal import Decimal

import pytest

from app import wire
from core import clock, db
from core.forms import Upload
from core.identity import Identity, Role
from core.workdays import calendar
from grading import services as grading
from grading.queries.as_seen import as_seen
from grading.queries.objections import open_tag, seats_of
from grading.queries.reports import history
from grading.rules.corrections import Change, CorrectionKind
from grading.rules.objections import ObjectionState, Verdict
from grading.rules.repair import RepairState
from grading.services import FindingDraft, RepairDraft
from tests.factories import core as make
from tests.factories import grading as g
from tests.grading.life import FACTS, REASONS, SURVEYING, make_fallen, officer
from tests.stories.people import time_begins

pytestmark = pytest.mark.anyio


async def member(account_id: int) -> Identity:
    row = await db.row(
        "select m.organization, m.role, u.name from core_membership m join core_account u on u.id = m.account"
        " where u.id = $1",
        account_id,
    )
    return Identity(account_id, row["name"], row["organization"], "", Role(row["role"]))


async def test_a_contested_grade_is_re_reviewed_corrected_and_replayed(committed_db: str) -> None:
    wire()
    fallen = await make_fallen()
    agency = fallen.made.member
    with time_begins(fallen.now) as time:
        bought_at_c = clock.today()
        assert (await fallen.on_record()).value == "C"
        await time.passes(workdays=1)
        objection = await grading.lodge_objection(actor=agency, report_id=await fallen.report_id(), draft=FACTS)
        assert (await fallen.on_record()).value == "B", "a downgrade under objection waits"
        await time.passes(workdays=2)
        await grading.decide_objection(
            actor=await officer(), objection_id=objection.objection_id, verdict=Verdict.REJECT, reasons=REASONS
        )
        await time.passes(workdays=5)
        await make.member(Role.MARKET_SUPERVISOR)
        await officer()
        await g.make_field(clients=1, reviewers=1)
        await grading.contest(actor=agency, objection_id=objection.objection_id, words=REASONS)
        chair, *others = [await member(one.account_id) for one in await seats_of(objection.objection_id)]
        await grading.propose(
            actor=chair,
            objection_id=objection.objection_id,
            verdict=Verdict.UPHOLD,
            reasons=REASONS,
            changes=[Change(CorrectionKind.TECHNICAL, one, Decimal("82.00")) for one in fallen.bad],
        )
        for one in others:
            done = await grading.vote(actor=one, objection_id=objection.objection_id, number=1, agrees=True, words="")
        assert done.state is ObjectionState.UPHELD_ON_REVIEW
        assert [(one.result.value, one.new_result.value) for one in done.replayed] == [("C", "B")]
        assert (await fallen.on_record()).value == "B"
        assert await open_tag(fallen.made.agency_id, SURVEYING) is None
        assert [one.result.value for one in await history(fallen.made.agency_id, SURVEYING)] == ["B", "B"]
        seen = await as_seen(fallen.made.agency_id, SURVEYING, bought_at_c)
        assert (seen.grade.value, seen.corrected_result and seen.corrected_result.value) == ("C", "B")
        assert (await grading.replay_check()).sound


async def test_a_repaired_finding_ends_for_display_and_grade_together(committed_db: str) -> None:
    wire()
    fallen = await make_fallen()
    agency = fallen.made.member
    scheme = g.scheme()
    grave = [item.code for item in scheme.conduct.items if item.points >= 5][:3]
    with time_begins(fallen.now) as time:
        found = []
        for code in grave:
            draft = FindingDraft(fallen.made.agency_id, None, code, "", clock.today(), "事实清楚。", "监督记录")
            put = await grading.propose_conduct(actor=await make.member(Role.REGISTRAR), draft=draft)
            await grading.reply_conduct(actor=agency, finding_id=put.finding_id, text="愿意整改。")
            await grading.decide_conduct(
                actor=await officer(), finding_id=put.finding_id, upheld=True, reasons="属实。"
            )
            found.append(put)
        time.goes_to(clock.now() + timedelta(days=100))
        papers = (Upload("整改.pdf", b"%PDF-1.7\n%%EOF"),)
        for put in found:
            wish = RepairDraft("已整改。", "无", "", True, papers, finding_id=put.finding_id)
            applied = await grading.apply_repair(actor=agency, draft=wish)
            assert applied.due_at == (await calendar()).due_at(clock.now(), 2)
            await grading.accept_repair(actor=await officer(), repair_id=applied.repair_id)
            done = await grading.decide_repair(
                actor=await officer(), repair_id=applied.repair_id, granted=True, reasons=REASONS
            )
            if done.state is RepairState.JOINT:
                done = await grading.decide_repair(
                    actor=await officer(), repair_id=applied.repair_id, granted=True, reasons=REASONS
                )
            assert done.state is RepairState.GRANTED
        alive = await db.value("select count(*) from grading_conduct where state = 'upheld'")
        assert alive == 0
        assert (await grading.replay_check()).sound
