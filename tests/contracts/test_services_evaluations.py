"""Stars: once, in time, only after acceptance, hidden until both sides are in; absent stays absent."""

from datetime import timedelta
from decimal import Decimal

import pytest

from contracts import queries, services
from contracts.rules import evaluations as rules
from contracts.rules.evaluations import Stars
from contracts.services.evaluations import StatementEmpty
from core import clock, db
from core.errors import Forbidden, FormInvalid, NotFound
from core.identity import Role
from tests.factories import contracts as given
from tests.factories import core as make

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db")]
GOOD = Stars(4, 4, 3, 4, again=True, narrative="")


async def accepted() -> given.MadeContract:
    made = await given.make_filed()
    await given.accept(made)
    return made


async def test_no_evaluation_before_every_result_is_accepted() -> None:
    made = await given.make_filed("24600.00", "40", "60")
    await given.accept(made, 1)
    with pytest.raises(rules.NotYetAccepted):
        await services.file_evaluation(actor=made.client, contract_id=made.contract_id, stars=GOOD)
    await given.accept(made, 2)
    await services.file_evaluation(actor=made.client, contract_id=made.contract_id, stars=GOOD)


async def test_one_contract_one_evaluation() -> None:
    made = await accepted()
    await services.file_evaluation(actor=made.client, contract_id=made.contract_id, stars=GOOD)
    with pytest.raises(rules.AlreadyEvaluated):
        await services.file_evaluation(actor=made.client, contract_id=made.contract_id, stars=GOOD)


async def test_extremes_without_words_are_refused() -> None:
    made = await accepted()
    with pytest.raises(FormInvalid):
        await services.file_evaluation(
            actor=made.client,
            contract_id=made.contract_id,
            stars=Stars(5, 5, 5, 5, again=True, narrative=""),
        )
    assert await db.value("select client_filed_at from contracts_evaluation") is None


async def test_each_side_is_blind_until_both_are_in() -> None:
    made = await accepted()
    filed = await services.file_evaluation(actor=made.client, contract_id=made.contract_id, stars=GOOD)
    assert not filed.revealed
    seen = (await queries.contract(made.contract_id, made.seller)).evaluation
    own = (await queries.contract(made.contract_id, made.client)).evaluation
    officer = await make.member(Role.GRADING_OFFICER)
    watched = (await queries.contract(made.contract_id, officer)).evaluation
    assert seen is not None
    assert own is not None
    assert watched is not None
    assert seen.stars is None
    assert watched.stars is None
    assert own.stars == {"quality": 4, "time": 4, "conduct": 3, "charging": 4}
    told = await services.file_statement(
        actor=made.seller, contract_id=made.contract_id, text="按期提交，现场配合良好。"
    )
    assert told.revealed
    seen = (await queries.contract(made.contract_id, made.seller)).evaluation
    assert seen is not None
    assert seen.score == Decimal("75.00")


async def test_an_unanswered_request_ends_absent_never_good() -> None:
    made = await accepted()
    with clock.at(given.later(30)):
        assert await services.close_due_evaluations() == 1
        with pytest.raises(rules.EvaluationClosed):
            await services.file_evaluation(actor=made.client, contract_id=made.contract_id, stars=GOOD)
    view = (await queries.contract(made.contract_id, made.seller)).evaluation
    assert view is not None
    assert view.absent
    assert (view.stars, view.score) == (None, None)


async def test_the_clock_at_commit_decides() -> None:
    made = await accepted()
    due = await db.value("select due_at from contracts_evaluation")
    moments = iter([due - timedelta(seconds=1)] * 3 + [due + timedelta(seconds=1)] * 50)
    with clock.at(lambda: next(moments)), pytest.raises(rules.EvaluationClosed):
        await services.file_evaluation(actor=made.client, contract_id=made.contract_id, stars=GOOD)
    assert await db.value("select client_filed_at from contracts_evaluation") is None


async def test_only_the_parties_and_each_its_own_part() -> None:
    made, other = await accepted(), await accepted()
    with pytest.raises(NotFound):
        await services.file_evaluation(actor=other.client, contract_id=made.contract_id, stars=GOOD)
    with pytest.raises(Forbidden):
        await services.file_evaluation(actor=made.seller, contract_id=made.contract_id, stars=GOOD)
    with pytest.raises(NotFound):
        await services.file_statement(actor=other.seller, contract_id=made.contract_id, text="x")
    with pytest.raises(StatementEmpty):
        await services.file_statement(actor=made.seller, contract_id=made.contract_id, text=" ")


async def test_reminders_after_3_7_and_12_working_days() -> None:
    made = await accepted()
    sent = []
    for day in range(1, 22):
        with clock.at(given.later(day)):
            sent.append(await services.send_reminders())
    assert sum(sent) == 3
    assert await db.value("select reminders_sent from contracts_evaluation") == 3
    assert made.contract_id


async def test_stars_reach_the_evidence_only_when_revealed() -> None:
    made = await given.make_review()
    contract = made.contract
    await given.mark(made)
    await services.waive_comment(actor=contract.seller, review_id=made.review_id)
    await services.file_evaluation(actor=contract.client, contract_id=contract.contract_id, stars=GOOD)
    today = clock.today()
    hidden = await queries.case_evidence(since=today, until=today)
    assert hidden[0].stars is None
    await services.file_statement(actor=contract.seller, contract_id=contract.contract_id, text="无补充")
    shown = (await queries.case_evidence(since=today, until=today))[0].stars
    assert shown is not None
    assert (shown.score, shown.again, shown.client_id) == (
        Decimal("75.00"),
        True,
        contract.client.organization_id,
    )
