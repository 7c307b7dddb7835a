"""The rules change: tried on the past, submitted, approved by somebody else, announced, shadowed, in force.

An officer thinks that A begins too high. She changes two numbers, sees in a replay who would move, and submits.
She cannot approve it herself; a colleague does. Every agency gets a letter. Nothing changes for months: each run is
graded by the old rules, and beside it every agency sees its grade under the new ones. On the first run day after the
notice period and the quarter, the agencies are graded by the new scheme, and what was published replays.
"""

from datetime import UTC, date, datetime, timedelta

import pytest

from agencies.queries import standing
from agencies.rules import CreditGrade, Profession
from core import clock, db
from core.identity import SYSTEM, Identity, Role
from core.trail.queries import timeline
from grading import services
from grading.queries.proposals import announced_change, movers, newest_scheme, proposal, shadow_grades
from grading.queries.reports import standing_explanation
from grading.queries.schemes import rulebook_on
from grading.rules.laboratory import parse_changes
from grading.rules.proposals import ProposalState, SecondOfficer
from tests.factories import core as make
from tests.factories import grading as g
from tests.factories.agencies import MadeAgency, make_agency
from tests.stories.people import Time, time_begins

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("committed_db", "web_app")]

SURVEYING = Profession.SURVEYING
A, B, C, D, N = CreditGrade
MORNING = 1
"""01:00 UTC, nine in the morning."""


async def agency_with(mark: str) -> MadeAgency:
    made, field = await make_agency(), await g.make_field(clients=4, reviewers=5)
    for n in range(9):
        await g.make_result(made.agency_id, field, mark, days_ago=10 + 9 * n)
    await db.execute("update agencies_agency set recorded_on = '2024-01-01' where id = $1", made.agency_id)
    return made


async def monthly_run(time: Time, day: date, signer: Identity) -> None:
    """What the clock does on the day and the hours after, and the officer on the sixth working day."""
    time.goes_to(datetime(day.year, day.month, day.day, MORNING, tzinfo=UTC))
    await services.enter_force_if_due()
    run = await services.prepare_run(actor=SYSTEM, as_of=day)
    await time.passes(workdays=7)
    await services.publish_run(actor=signer, run_id=run.run_id)
    await services.run_queued_replays()


async def grade_of(made: MadeAgency) -> CreditGrade:
    return (await standing(made.agency_id, SURVEYING, clock.today())).grade


async def test_the_rules_change() -> None:
    with time_begins(datetime(2026, 9, 1, MORNING, tzinfo=UTC)) as time:
        author, second = await make.member(Role.GRADING_OFFICER), await make.member(Role.GRADING_OFFICER)
        good, fair = await agency_with("88"), await agency_with("74")
        await monthly_run(time, date(2026, 9, 1), second)
        await monthly_run(time, date(2026, 10, 8), second)
        assert (await grade_of(good), await grade_of(fair)) == (B, B)

        # tried: whoever reads it knows who would move before anything is decided
        base_id, base_code, source = await newest_scheme()
        variant = services.Variant(base_id, "优秀线高于本地最好的机构。", parse_changes(source, {"band-a": "80"}))
        made = await services.draft_scheme(actor=author, variant=variant)
        asked = await services.start_replay(actor=author, proposal_id=made.proposal_id)
        await services.run_queued_replays()
        moved = await movers(asked.replay_id)
        assert [(one.agency_id, one.old, one.new) for one in moved] == [(good.agency_id, B, A)]

        # submitted, and decided by somebody else
        await services.submit_scheme(actor=author, proposal_id=made.proposal_id)
        with pytest.raises(SecondOfficer):
            await services.approve_scheme(actor=author, proposal_id=made.proposal_id, reasons="我看可以。")
        time.goes_to(datetime(2026, 11, 3, MORNING, tzinfo=UTC))
        done = await services.approve_scheme(actor=second, proposal_id=made.proposal_id, reasons="影响清楚，同意。")
        assert (done.told, done.notice_until, done.in_force_from) == (2, date(2026, 12, 1), date(2027, 3, 1))
        letters = await db.rows("select account from core_mail where message = 'grading/scheme_approved'")
        assert {one["account"] for one in letters} == {good.member.account_id, fair.member.account_id}
        assert done.scheme_code == "XT-2026.2"
        assert (await announced_change(done.scheme_code)).purpose == "优秀线高于本地最好的机构。"

        # until its day everything goes by the old rules; the new ones run beside them
        await monthly_run(time, date(2026, 11, 4), second)
        await monthly_run(time, date(2026, 12, 1), second)
        assert (await grade_of(good), await grade_of(fair)) == (B, B)
        view = await standing_explanation(good.agency_id, SURVEYING)
        assert view is not None
        assert view.scheme_code == base_code
        (own,) = await shadow_grades(good.member)
        assert (own.old, own.new, own.as_of) == (B, A, date(2026, 12, 1))
        (own,) = await shadow_grades(fair.member)
        assert (own.old, own.new) == (B, B)

        # its day: regraded by the new scheme, signed by a person, and it replays
        await monthly_run(time, date(2027, 3, 1), second)
        assert (await proposal(made.proposal_id)).state is ProposalState.IN_FORCE
        view = await standing_explanation(good.agency_id, SURVEYING)
        assert view is not None
        assert (view.scheme_code, view.scheme_digest) == (done.scheme_code, done.digest)
        assert (await grade_of(good), await grade_of(fair)) == (A, B)
        assert (await rulebook_on(date(2027, 2, 28))).scheme.id == base_code
        assert await shadow_grades(good.member) == [], "no longer a shadow"
        assert (await services.replay_check()).sound
        acts = [one.act for one in await timeline(f"scheme:{done.number}")]
        assert acts[:5] == [
            "scheme.drafted",
            "scheme.replay-asked",
            "scheme.replayed",
            "scheme.submitted",
            "scheme.approved",
        ]
        assert acts[-1] == "scheme.in-force"
        assert acts.count("scheme.shadowed") == 3
        assert timedelta(0) < done.in_force_from - date(2026, 11, 3) < timedelta(days=183)
