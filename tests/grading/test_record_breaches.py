"""What the record shows by itself is put to the agency by the clock, once, and decided by a person."""

from datetime import timedelta

import pytest

from contracts import services as contracts
from core import clock, db
from core.identity import SYSTEM, Role
from grading import services
from grading.queries.conduct import findings
from grading.services import FindingDraft
from tests.factories import contracts as given
from tests.factories import core as make

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db", "handed_over")]


@pytest.fixture
def handed_over():
    import app

    app.wire()


async def proposed() -> list[tuple[str, str]]:
    officer = await make.member(Role.GRADING_OFFICER)
    return sorted((one.code, one.event) for one in await findings(officer))


async def test_a_contract_not_filed_in_time_is_proposed_once_also_when_filed_late() -> None:
    made = await given.make_draft()
    await given.sign(made)
    due = await db.value("select filing_due_at from contracts_contract where id = $1", made.contract_id)
    with clock.at(due - timedelta(minutes=1)):
        assert await services.sweep_record() == 0
    event = f"contract-filing:{made.contract_id}"
    with clock.at(due + timedelta(hours=1)):
        assert await services.sweep_record() == 1
        assert await services.sweep_record() == 0
        assert await proposed() == [("CP-0201", event)]
        await contracts.file_contract(actor=made.seller, contract_id=made.contract_id)
        assert await services.sweep_record() == 0
        (row,) = await db.rows("select state, proposed_by, points from grading_conduct")
        assert (row["state"], row["proposed_by"], row["points"]) == ("proposed", SYSTEM.account_id, 2)
        with pytest.raises(Exception, match="grading_conduct_swept"):
            await db.execute(
                "insert into grading_conduct_swept (event, conduct, swept_at)"
                " select event, conduct, swept_at from grading_conduct_swept"
            )


async def test_what_a_person_brought_up_or_what_is_old_is_left_alone() -> None:
    made = await given.make_draft()
    await given.sign(made)
    due = await db.value("select filing_due_at from contracts_contract where id = $1", made.contract_id)
    with clock.at(due + timedelta(days=31)):
        assert await services.sweep_record() == 0
    with clock.at(due + timedelta(days=1)):
        event = f"contract-filing:{made.contract_id}"
        draft = FindingDraft(made.agency.agency_id, None, "CP-0201", event, clock.today(), "逾期", "系统时钟")
        await services.propose_conduct(actor=await make.member(Role.REGISTRAR), draft=draft)
        assert await services.sweep_record() == 0


async def test_corrections_missing_then_late_and_two_returns() -> None:
    made = await given.make_filed()
    filed = await given.deliver(made)
    for version in (1, 2):
        await contracts.return_deliverable(
            actor=made.client, deliverable_id=filed.deliverable_id, version=version, reason="第 3 页坐标有误"
        )
        if version == 1:
            due = await db.value("select due_at from contracts_deliverable where id = $1", filed.deliverable_id)
            with clock.at(due + timedelta(hours=1)):
                assert await services.sweep_record() == 1
                await given.deliver(made)
                assert await services.sweep_record() == 0
    assert await services.sweep_record() == 1
    assert await proposed() == [
        ("CP-0201", f"correction:{filed.deliverable_id}:2"),
        ("CP-0503", f"returned-twice:{filed.deliverable_id}"),
    ]


async def test_an_overrun_of_more_than_half_is_proposed_and_of_exactly_half_not() -> None:
    made = await given.make_filed()
    await given.make_reviewers(3)
    accepted = await given.accept(made)
    change = "update contracts_deliverable set agreed_days = 10, taken_days = $2 where id = $1"
    await db.execute(change, accepted.deliverable_id, 15)
    assert await services.sweep_record() == 0
    await db.execute(change, accepted.deliverable_id, 16)
    assert await services.sweep_record() == 1
    assert await proposed() == [("CP-0204", f"overrun:{accepted.deliverable_id}")]
