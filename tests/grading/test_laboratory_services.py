"""The laboratory on a real database: drafts, replays in pieces, a second officer, shadows, and the day it applies."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest

from agencies.rules import CreditGrade, Profession
from core import clock, db
from core.errors import Forbidden, NotAllowedNow, StaleForm
from core.identity import SYSTEM, Identity, Role
from core.trail.queries import timeline
from grading import services
from grading.queries.proposals import (
    announced_change,
    announced_changes,
    movers,
    newest_scheme,
    proposal,
    proposals,
    shadow_grades,
)
from grading.queries.schemes import rulebook_on
from grading.rules.laboratory import parse_changes
from grading.rules.proposals import (
    BaseOutdated,
    NothingToReplay,
    NotReplayed,
    ProposalAbsent,
    ProposalState,
    ReplayRunning,
    ReplayState,
    SecondOfficer,
)
from grading.rules.scheme import SchemeInvalid, load_scheme
from grading.services import trying
from grading.services.proposals import Variant
from tests.factories import core as make
from tests.factories import grading as g
from tests.factories.agencies import MadeAgency, make_agency

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("web_app")]

RUN_DAYS = [datetime(2026, month, 2, 1, 0, tzinfo=UTC) for month in (9, 11)]
SIGNING = timedelta(days=11)
TODAY = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
SURVEYING = Profession.SURVEYING
A, B, C, D, N = CreditGrade


async def officer() -> Identity:
    return await make.member(Role.GRADING_OFFICER)


async def monthly_run(day: datetime) -> int:
    with clock.at(day):
        made = await services.prepare_run(actor=SYSTEM, as_of=clock.today())
    with clock.at(day + SIGNING):
        await services.publish_run(actor=await officer(), run_id=made.run_id)
    return made.run_id


async def a_past(marks: tuple[str, ...] = ("84",) * 9) -> MadeAgency:
    with clock.at(RUN_DAYS[0]):
        made, field = await make_agency(), await g.make_field(clients=4, reviewers=5)
        for n, mark in enumerate(marks):
            await g.make_result(made.agency_id, field, mark, days_ago=20 + 9 * n)
        await db.execute("update agencies_agency set recorded_on = '2024-01-01'")
    for day in RUN_DAYS:
        await monthly_run(day)
    return made


async def variant(**typed: str) -> Variant:
    base_id, _code, source = await newest_scheme()
    numbers = {name.replace("_", "-"): value for name, value in typed.items()}
    return Variant(base_id, "八成五以上就算优秀。", parse_changes(source, numbers))


async def tried(actor: Identity, **typed: str) -> int:
    made = await services.draft_scheme(actor=actor, variant=await variant(**typed))
    receipt = await services.start_replay(actor=actor, proposal_id=made.proposal_id)
    await services.run_replay(replay_id=receipt.replay_id)
    return made.proposal_id


async def approved(**typed: str) -> int:
    author, second = await officer(), await officer()
    proposal_id = await tried(author, **typed)
    await services.submit_scheme(actor=author, proposal_id=proposal_id)
    await services.approve_scheme(actor=second, proposal_id=proposal_id, reasons="同意。")
    return proposal_id


async def acts_of(proposal_id: int) -> list[str]:
    return [one.act for one in await timeline(f"scheme:{(await proposal(proposal_id)).number}")]


@pytest.fixture
async def today(db: None):
    with clock.at(TODAY):
        yield


# ---------------------------------------------------------------- drafts
async def test_a_draft_is_the_newest_scheme_with_the_changed_numbers(today):
    made = await services.draft_scheme(actor=await officer(), variant=await variant(band_a="85"))
    view = await proposal(made.proposal_id)
    assert view.state is ProposalState.DRAFT
    assert load_scheme(view.source).id == view.number == made.number
    assert load_scheme(view.source).digest == view.digest
    assert [(one.knob.name, one.before, one.after) for one in view.changes] == [("band-a", 90, 85)]
    assert await acts_of(made.proposal_id) == ["scheme.drafted"]
    assert [one.number for one in await proposals()] == [view.number]
    assert (await rulebook_on(clock.today())).scheme.id == "XT-2026.1", "a draft changes no grade"


async def test_a_contradiction_leaves_nothing_behind(today):
    with pytest.raises(SchemeInvalid):
        await services.draft_scheme(actor=await officer(), variant=await variant(technical="0.9"))
    assert await proposals() == []


async def test_only_grading_officers_change_rules(today):
    for role in (Role.MARKET_SUPERVISOR, Role.AGENCY, Role.REVIEWER, Role.ADMINISTRATOR):
        with pytest.raises(Forbidden):
            await services.draft_scheme(actor=await make.member(role), variant=await variant(band_a="85"))


async def test_an_edit_needs_the_version_read_and_makes_the_old_replay_stale(today):
    await a_past()
    author = await officer()
    proposal_id = await tried(author, band_a="85")
    await services.edit_scheme(
        actor=author, proposal_id=proposal_id, version=1, variant=await variant(band_a="86", band_b="72")
    )
    with pytest.raises(StaleForm):
        await services.edit_scheme(actor=author, proposal_id=proposal_id, version=1, variant=await variant(band_a="87"))
    view = await proposal(proposal_id)
    assert (view.version, view.tried) == (2, False)
    with pytest.raises(NotReplayed):
        await services.submit_scheme(actor=author, proposal_id=proposal_id)


# ---------------------------------------------------------------- replays
async def test_a_replay_says_who_would_move_and_where_to(today):
    made = await a_past(("88",) * 9)
    proposal_id = await tried(await officer(), band_a="80", band_b="65")
    view = await proposal(proposal_id)
    assert view.replay is not None
    assert (view.replay.state, view.replay.done, view.replay.total) == (ReplayState.DONE, 2, 2)
    result = view.replay.result
    assert result is not None
    assert (result["movers"], result["up"], result["down"], result["reports"]) == (1, 1, 0, 2)
    assert (result["migration"]["B"]["A"], result["today"]["grades"]["B"]) == (1, 1)
    assert Decimal(result["variant"]["inspections"]) < Decimal(result["today"]["inspections"])
    assert [row["month"] for row in result["by_month"]] == ["2026-11"]
    (moved,) = await movers(view.replay.replay_id)
    assert (moved.agency_id, moved.old, moved.new) == (made.agency_id, B, A)
    assert moved.old_score == moved.new_score
    assert "scheme.replayed" in await acts_of(proposal_id)
    assert len(view.replay.inputs_digest) == 64


async def test_numbers_that_bind_nowhere_move_nobody(today):
    await a_past()
    proposal_id = await tried(await officer(), **{"points:CP-0201": "9"})
    view = await proposal(proposal_id)
    assert view.replay is not None
    assert view.replay.result is not None
    assert view.replay.result["movers"] == 0
    assert view.replay.result["today"] == view.replay.result["variant"]
    assert await movers(view.replay.replay_id) == []
    assert len(await movers(view.replay.replay_id, moved=False)) == 1


async def test_pair_accuracy_is_judged_on_marks_given_after_the_order_was_known(today, browse):
    good, weak = await a_past(("92",) * 9), await make_agency()
    with clock.at(RUN_DAYS[0] - timedelta(days=20)):
        field = await g.make_field(clients=4, reviewers=5)
        for n in range(9):
            for made, mark in ((good, "93"), (weak, "66")):
                await g.make_result(made.agency_id, field, mark, days_ago=20 + 9 * n)
    await monthly_run(datetime(2026, 12, 2, 1, 0, tzinfo=UTC))
    with clock.at(datetime(2027, 6, 20, 1, 0, tzinfo=UTC)):
        for made, mark in ((good, "91"), (weak, "64")) * 3:
            await g.make_result(made.agency_id, replace(field, reviewers=field.reviewers[:1]), mark, days_ago=3)
        await monthly_run(datetime(2027, 6, 21, 1, 0, tzinfo=UTC))
        proposal_id = await tried(await officer(), half_life="6")
        view = await proposal(proposal_id)
        page = await (await browse(Role.GRADING_OFFICER)).get(f"/grading/lab/{proposal_id}")
    assert "按 2026-12-21 的评分排序" in page.text
    assert view.replay is not None
    assert view.replay.result is not None
    pairs = view.replay.result["pairs"]
    assert pairs["after"] == date(2026, 12, 21)
    assert (pairs["today"], pairs["variant"]) == (1.0, 1.0)
    assert pairs["pairs"] >= 1


async def test_nothing_is_replayed_before_anything_was_published(today):
    author = await officer()
    made = await services.draft_scheme(actor=author, variant=await variant(band_a="85"))
    with pytest.raises(NothingToReplay):
        await services.start_replay(actor=author, proposal_id=made.proposal_id)


async def test_one_replay_at_a_time_and_the_same_question_is_answered_once(today):
    await a_past()
    author = await officer()
    made = await services.draft_scheme(actor=author, variant=await variant(band_a="85"))
    first = await services.start_replay(actor=author, proposal_id=made.proposal_id)
    with pytest.raises(ReplayRunning):
        await services.start_replay(actor=author, proposal_id=made.proposal_id)
    assert await services.run_queued_replays() == 1
    await services.run_replay(replay_id=first.replay_id)
    again = await services.start_replay(actor=author, proposal_id=made.proposal_id)
    assert again.replay_id == first.replay_id
    assert (await acts_of(made.proposal_id)).count("scheme.replayed") == 1


async def test_progress_is_saved_and_an_overtaken_attempt_stops(today):
    await a_past()
    author = await officer()
    made = await services.draft_scheme(actor=author, variant=await variant(band_a="85"))
    asked = await services.start_replay(actor=author, proposal_id=made.proposal_id)
    dead = await trying._begin(asked.replay_id)  # a worker that is then killed
    assert dead is not None
    await trying._save(dead, 1, 2)
    view = await proposal(made.proposal_id)
    assert view.replay is not None
    assert (view.replay.state, view.replay.done, view.replay.total) == (ReplayState.RUNNING, 1, 2)
    await services.run_replay(replay_id=asked.replay_id)
    with pytest.raises(trying.Overtaken):
        await trying._carry_out(dead)
    view = await proposal(made.proposal_id)
    assert view.tried
    assert view.replay is not None
    assert len(await movers(view.replay.replay_id, moved=False)) == 1


async def test_a_failed_replay_says_why_and_can_be_asked_again(today):
    await a_past()
    author = await officer()
    made = await services.draft_scheme(actor=author, variant=await variant(band_a="85"))
    asked = await services.start_replay(actor=author, proposal_id=made.proposal_id)
    kept = await db.value("select source from grading_proposal where id = $1", made.proposal_id)
    await db.execute("update grading_proposal set source = 'broken = ' where id = $1", made.proposal_id)
    await services.run_replay(replay_id=asked.replay_id)
    view = await proposal(made.proposal_id)
    assert view.replay is not None
    assert view.replay.state is ReplayState.FAILED
    assert "SchemeInvalid" in view.replay.problem
    await db.execute("update grading_proposal set source = $2 where id = $1", made.proposal_id, kept)
    again = await services.start_replay(actor=author, proposal_id=made.proposal_id)
    await services.run_replay(replay_id=again.replay_id)
    assert (await proposal(made.proposal_id)).tried


# ---------------------------------------------------------------- decision
async def test_a_draft_is_submitted_only_when_its_effect_is_known(today):
    await a_past()
    author = await officer()
    made = await services.draft_scheme(actor=author, variant=await variant(band_a="85"))
    with pytest.raises(NotReplayed):
        await services.submit_scheme(actor=author, proposal_id=made.proposal_id)
    proposal_id = await tried(author, band_a="86")
    assert (await services.submit_scheme(actor=author, proposal_id=proposal_id)).state is ProposalState.SUBMITTED
    with pytest.raises(NotAllowedNow):
        await services.edit_scheme(actor=author, proposal_id=proposal_id, version=1, variant=await variant(band_a="84"))


async def test_who_drafted_edited_or_submitted_does_not_decide(today):
    await a_past()
    author, editor, third = await officer(), await officer(), await officer()
    made = await services.draft_scheme(actor=author, variant=await variant(band_a="85"))
    await services.edit_scheme(
        actor=editor, proposal_id=made.proposal_id, version=1, variant=await variant(band_a="86")
    )
    asked = await services.start_replay(actor=editor, proposal_id=made.proposal_id)
    await services.run_replay(replay_id=asked.replay_id)
    await services.submit_scheme(actor=third, proposal_id=made.proposal_id)
    for own in (author, editor, third):
        for act in (services.approve_scheme, services.reject_scheme):
            with pytest.raises(SecondOfficer):
                await act(actor=own, proposal_id=made.proposal_id, reasons="自己批准。")
    with pytest.raises(Forbidden):
        await services.approve_scheme(
            actor=await make.member(Role.MARKET_SUPERVISOR), proposal_id=made.proposal_id, reasons="同意。"
        )
    done = await services.approve_scheme(actor=await officer(), proposal_id=made.proposal_id, reasons="同意。")
    assert done.state is ProposalState.APPROVED


async def test_the_database_itself_knows_the_second_officer(committed_db):
    with clock.at(TODAY):
        await a_past()
        author = await officer()
        proposal_id = await tried(author, band_a="85")
        await services.submit_scheme(actor=author, proposal_id=proposal_id)
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute(
            "update grading_proposal set state = 'rejected', decided_by = created_by, decided_at = now() where id = $1",
            proposal_id,
        )


async def test_two_officers_deciding_at_once_decide_once(committed_db):
    with clock.at(TODAY):
        await a_past()
        author, one, two = await officer(), await officer(), await officer()
        proposal_id = await tried(author, band_a="85")
        await services.submit_scheme(actor=author, proposal_id=proposal_id)
        done = await asyncio.gather(
            services.approve_scheme(actor=one, proposal_id=proposal_id, reasons="同意。"),
            services.reject_scheme(actor=two, proposal_id=proposal_id, reasons="不同意。"),
            return_exceptions=True,
        )
    assert sorted(isinstance(made, NotAllowedNow) for made in done) == [False, True]
    assert await db.value("select count(*) from grading_scheme") in (1, 2)


async def test_two_changes_of_one_scheme_cannot_both_be_approved(committed_db):
    with clock.at(TODAY):
        await a_past()
        author, one, two = await officer(), await officer(), await officer()
        both = [await tried(author, band_a="85"), await tried(author, band_a="86")]
        for proposal_id in both:
            await services.submit_scheme(actor=author, proposal_id=proposal_id)
        done = await asyncio.gather(
            services.approve_scheme(actor=one, proposal_id=both[0], reasons="同意。"),
            services.approve_scheme(actor=two, proposal_id=both[1], reasons="同意。"),
            return_exceptions=True,
        )
        assert sorted(isinstance(made, BaseOutdated) for made in done) == [False, True]
        assert await db.value("select count(*) from grading_scheme") == 2


async def test_reject_and_withdraw_keep_their_reasons_and_publish_nothing(today):
    await a_past()
    author = await officer()
    refused = await tried(author, band_a="85")
    await services.submit_scheme(actor=author, proposal_id=refused)
    await services.reject_scheme(actor=await officer(), proposal_id=refused, reasons="影响面太大。")
    taken = await tried(author, band_a="86")
    await services.withdraw_scheme(actor=author, proposal_id=taken, reasons="先不改。")
    views = {one.proposal_id: one for one in await proposals()}
    assert (views[refused].state, views[refused].reasons) == (ProposalState.REJECTED, "影响面太大。")
    assert (views[taken].state, views[taken].reasons) == (ProposalState.WITHDRAWN, "先不改。")
    assert await announced_changes() == []
    with pytest.raises(ProposalAbsent):
        await announced_change(views[refused].number)
    assert await db.value("select count(*) from grading_scheme") == 1


# ---------------------------------------------------------------- announced, shadowed, in force
async def test_approval_publishes_the_tried_text_with_its_day_and_tells_every_agency(today):
    made = await a_past()
    proposal_id = await approved(band_a="80")
    view = await proposal(proposal_id)
    row = await db.row("select * from grading_scheme where code = $1", view.scheme_code)
    assert view.scheme_code == "XT-2026.2"
    assert load_scheme(row["source"]).id == "XT-2026.2"
    assert (row["digest"], row["source"]) == (view.digest, view.source)
    assert (str(view.notice_until), str(view.shadow_until), str(row["in_force_from"])) == (
        "2026-12-18",
        "2027-02-20",
        "2027-03-01",
    )
    letters = await db.rows("select account, context from core_mail where message = 'grading/scheme_approved'")
    assert {one["account"] for one in letters} == {made.member.account_id}
    assert letters[0]["context"]["changes"] == [["A 级起点", "", "90", "80", "%(n)s 分"]]
    assert letters[0]["context"]["in_force_from"] == "2027-03-01"
    assert (await announced_change(view.number)).proposal_id == proposal_id


async def test_rules_apply_from_their_day_and_not_before(today):
    await a_past()
    number = (await proposal(await approved(band_a="80"))).scheme_code
    assert (await rulebook_on(clock.today())).scheme.id == "XT-2026.1"
    assert (await rulebook_on(date(2027, 2, 28))).scheme.id == "XT-2026.1"
    assert (await rulebook_on(date(2027, 3, 1))).scheme.id == number
    assert await services.enter_force_if_due() == []
    with clock.at(datetime(2027, 3, 1, 1, 0, tzinfo=UTC)):
        (done,) = await services.enter_force_if_due()
        assert done.state is ProposalState.IN_FORCE
        assert await services.enter_force_if_due() == []


async def test_every_closed_run_is_shadowed_once_and_each_agency_sees_its_own(today):
    made, other = await a_past(("88",) * 9), await make_agency()
    proposal_id = await approved(band_a="80", band_b="65")
    await services.run_queued_replays()
    (own,) = await shadow_grades(made.member)
    assert (own.old, own.new, str(own.in_force_from)) == (B, A, "2027-03-01")
    assert await shadow_grades(other.member) == []
    assert await shadow_grades(None) == []
    assert await shadow_grades(await make.member(Role.CLIENT), agency_id=made.agency_id) == []
    assert len(await shadow_grades(await officer(), agency_id=made.agency_id)) == 1
    run_id = await monthly_run(datetime(2026, 12, 2, 1, 0, tzinfo=UTC))
    assert await services.shadow_latest() == [], "queued by the run itself"
    assert await db.value("select state from grading_replay where run = $1", run_id) == "queued"
    await services.run_queued_replays()
    (own,) = await shadow_grades(made.member, agency_id=made.agency_id, profession=SURVEYING)
    assert str(own.as_of) == "2026-12-02"
    assert (await acts_of(proposal_id)).count("scheme.shadowed") == 2


async def test_a_draft_on_an_older_scheme_is_refused_with_the_way_on(today):
    await a_past()
    author = await officer()
    late = await tried(author, band_a="88")
    number = (await proposal(await approved(band_a="80"))).scheme_code
    assert number is not None
    with pytest.raises(BaseOutdated) as refused:
        await services.submit_scheme(actor=author, proposal_id=late)
    assert number in refused.value.message()
    nxt = await approved(band_a="82")
    assert ((await proposal(nxt)).base_code, (await proposal(nxt)).scheme_code) == (number, "XT-2026.3")
    assert str((await proposal(nxt)).in_force_from) == "2027-04-01", "never before the one it builds on"
