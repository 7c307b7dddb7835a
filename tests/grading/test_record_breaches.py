"""What the record shows by itself is put to the agency by the clock, once, and decided by a person."""

from datetime import timedelta

import pytest

from contracts import services as contracts
from core import clock, db
from core.identity import SYSTEM, Role
from core.workdays import calendar
from grading import services
from grading.queries.conduct import findings
from grading.rules.record_breaches import NOT_SHOWN, SHOWN, found_by
from grading.services import FindingDraft
from market import services as market
from tests.factories import contracts as given
from tests.factories import core as make
from tests.factories.agencies import make_agency
from tests.factories.market import make_selected

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


async def test_a_winner_that_does_not_sign_what_its_client_signed_is_proposed_once() -> None:
    made = await given.make_draft()
    contract = "select confirm_due_at from contracts_contract where id = $1"
    due = await db.value(contract, made.contract_id)
    with clock.at(due + timedelta(hours=1)):
        assert (
            await services.sweep_record() == 0
        )  # the client has not confirmed either: it does not wait for the winner
    late = due - timedelta(hours=2)
    with clock.at(late):
        version = await given.version_of(made.contract_id)
        await contracts.confirm_contract(actor=made.client, contract_id=made.contract_id, version=version)
    three = (await calendar()).due_at(late, 3)
    with clock.at(three - timedelta(minutes=1)):
        assert await services.sweep_record() == 0
    with clock.at(three + timedelta(hours=1)):
        assert (await services.sweep_record(), await services.sweep_record()) == (1, 0)
        assert await proposed() == [("CP-0501", f"contract-signing:{made.contract_id}")]
        facts = await db.value("select facts from grading_conduct")
        assert "委托方已确认合同第 1 稿" in facts


async def test_a_winner_that_signed_or_whose_client_holds_the_pen_is_left_alone() -> None:
    made = await given.make_draft()
    due = await db.value("select confirm_due_at from contracts_contract where id = $1", made.contract_id)
    await contracts.confirm_contract(actor=made.seller, contract_id=made.contract_id, version=1)
    with clock.at(due + timedelta(days=7)):
        assert await services.sweep_record() == 0


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


async def test_an_award_given_up_is_proposed_once_to_whoever_gave_it_up() -> None:
    made, agencies = await make_selected()
    first = await db.row("select id, agency, display_until from market_award where notice = $1", made.notice_id)
    winner = next(one for one in agencies if one.agency_id == first["agency"])
    with clock.at(made.deadline + timedelta(hours=2)):
        assert await services.sweep_record() == 0
        await market.decline_award(winner.member, notice_id=made.notice_id, words="人手不足")
        assert (await services.sweep_record(), await services.sweep_record()) == (1, 0)
        assert await proposed() == [("CP-0501", f"award-declined:{first['id']}")]
        (row,) = await db.rows("select agency, profession, facts, points from grading_conduct")
        assert (row["agency"], row["profession"], row["points"]) == (winner.agency_id, "surveying", 5)
        assert "正当理由由认定人核对" in row["facts"]


async def test_a_certificate_left_to_run_out_is_proposed_after_ten_working_days() -> None:
    made, kept = await make_agency(), await make_agency()
    today = clock.today()
    held = "select id from agencies_qualification where agency = $1"
    gone, renewed = await db.value(held, made.agency_id), await db.value(held, kept.agency_id)
    await db.execute("update agencies_qualification set expires_on = $1 where id = any($2)", today, [gone, renewed])
    filing = (
        "update agencies_filing set kind = 'change', submitted_at = $2 where organization = $1 and state = 'recorded'"
    )
    await db.execute(filing, kept.organization_id, clock.now() + timedelta(days=3))
    due = (await calendar()).due_at(clock.end_of_day(today), 10)
    with clock.at(due - timedelta(minutes=1)):
        assert await services.sweep_record() == 0
    with clock.at(due + timedelta(days=31)):
        assert await services.sweep_record() == 0
    with clock.at(due + timedelta(hours=1)):
        assert (await services.sweep_record(), await services.sweep_record()) == (1, 0)
        assert await proposed() == [("CP-0202", f"outdated:qualification:{gone}:{today}")]


async def test_a_person_s_certificate_is_named_by_its_last_four_digits_only() -> None:
    made, today = await make_agency(), clock.today()
    row = await db.row("select id, name, certificate_no from agencies_practitioner where agency = $1", made.agency_id)
    await db.execute("update agencies_practitioner set certificate_expires_on = $2 where id = $1", row["id"], today)
    with clock.at((await calendar()).due_at(clock.end_of_day(today), 10) + timedelta(hours=1)):
        assert await services.sweep_record() == 1
        facts = await db.value("select facts from grading_conduct")
        assert row["certificate_no"] not in facts
        assert row["name"] not in facts
        assert row["certificate_no"][-4:] in facts


async def test_the_method_page_says_of_every_item_how_it_comes_up(browse) -> None:  # type: ignore[no-untyped-def]
    page = (await (await browse()).get("/grading/method")).text
    assert not set(SHOWN) & set(NOT_SHOWN)
    for code in ("CP-0202", "CP-0203", "CP-0205", "CP-0501", "CP-1005"):
        assert found_by(code) in page
