"""Objections on the real database: who may, what stops, what runs on, who wins a race."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from agencies.rules import CreditGrade
from app import wire
from core import clock, db
from core.errors import FormInvalid, NotAllowedNow
from core.forms import Upload
from core.identity import Identity, Role
from market import services
from market.queries.awards import award_of
from market.queries.bonds import bonds_of
from market.queries.objections import evidence_file, evidence_of, objection, outcomes, waiting_objections
from market.rules.bonds import BondState, Release
from market.rules.notices import NoticeState, Phase, SelectionMethod
from market.rules.objections import (
    AlreadyDecided,
    AlreadyObjected,
    CannotCorrect,
    Correction,
    Decision,
    NotConcerned,
    NotObjectable,
    ObjectionGone,
    ObjectionLate,
    ObjectionState,
    Remedy,
    SecondPersonNeeded,
)
from tests.conftest import Browse
from tests.factories import core as make
from tests.factories.agencies import MadeAgency, make_grade
from tests.factories.market import MadeNotice, bid, make_notice, make_selected, make_surveyors, open_and_select
from tests.factories.objections import DRAFT, WORDS, lodge

pytestmark = pytest.mark.anyio


async def outcome(act: object) -> object:
    """The result of an act, or the refusal as a value."""
    try:
        return await act  # type: ignore[misc]
    except Exception as error:
        return error


async def on_display(*prices: str) -> tuple[MadeNotice, list[MadeAgency], clock.datetime]:
    """A result on display, and a moment within its notice period."""
    made, agencies = await make_selected(prices or ("24600.00", "26000.00"))
    return made, agencies, made.deadline + timedelta(hours=2)


async def supervisors() -> tuple[Identity, Identity]:
    office = await make.organization()
    first, second = [await make.member(Role.MARKET_SUPERVISOR, office) for _ in range(2)]
    return first, second


async def taken_up(made: MadeNotice, objector: Identity) -> tuple[int, Identity]:
    """An objection that waits for its decision, and who may decide it."""
    objection_id = await lodge(objector, made)
    await services.answer_objection(made.client, objection_id=objection_id, remedy=Remedy.REJECT, words=WORDS)
    await services.escalate_objection(objector, objection_id=objection_id, words=WORDS)
    first, second = await supervisors()
    await services.accept_objection(first, objection_id=objection_id)
    with pytest.raises(SecondPersonNeeded):
        await services.decide_objection(first, objection_id=objection_id, decision=Decision.CONFIRM, words=WORDS)
    return objection_id, second


async def test_the_award_waits_while_an_objection_is_open(db: None) -> None:
    made, agencies, now = await on_display()
    with clock.at(now):
        await lodge(agencies[1].member, made)
    row = await made.row()
    assert row.phase is Phase.PAUSED
    with clock.at(now + timedelta(days=30)):
        assert not await services.confirm_award(made.notice_id)
    assert (await made.row()).state is NoticeState.SELECTED


async def test_who_may_object_to_a_result(db: None) -> None:
    made, agencies, now = await on_display()
    (stranger,) = await make_surveyors(1)
    with clock.at(now):
        with pytest.raises(NotConcerned):
            await lodge(stranger.member, made)
        await lodge(agencies[1].member, made)
        with pytest.raises(AlreadyObjected):
            await lodge(agencies[1].member, made)
        await lodge(agencies[0].member, made)


async def test_a_confirmed_award_and_a_closed_notice_cannot_be_objected_to(db: None) -> None:
    made, agencies, _now = await on_display()
    until = (await made.row()).display_until
    assert until is not None
    with clock.at(until), pytest.raises(NotObjectable):
        await lodge(agencies[1].member, made)
    other = await make_notice()
    (agency,) = await make_surveyors(1)
    with clock.at(other.deadline), pytest.raises(NotObjectable):
        await lodge(agency.member, other)


async def test_an_objection_to_a_notice_never_names_the_objector_in_public(db: None, browse: Browse) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    objection_id = await lodge(agency.member, made)
    row = await objection(objection_id)
    supervisor, _second = await supervisors()
    assert not row.names(None)
    assert row.names(made.client)
    assert row.names(supervisor)
    entry = await trail_entry(objection_id)
    assert entry["organization_id"] is None
    assert entry["account_id"] is None
    for reader, seen in ((None, False), (made.client, True), (supervisor, True)):
        browser = await browse(reader)
        for url in (f"/objections/{objection_id}", f"/notices/{made.notice_id}", "/objections"):
            text = (await browser.get(url)).text
            assert "资质证书已经过期" in text or url == "/objections"
            assert agency.name_zh not in text or (seen and url.startswith("/objections/"))
        if reader is None:
            assert agency.name_zh not in (await browser.get(f"/api/v1/notice-objections/{objection_id}")).text
    shown = (await (await browse(made.client)).get(f"/objections/{objection_id}")).text
    assert agency.name_zh in shown


async def trail_entry(objection_id: int) -> dict[str, object]:
    """The entry of the lodging."""
    return dict(
        await db.row(
            "select account_id, organization_id from core_trail_entry where act = 'objection.lodged' and subject = $1",
            f"objection:{objection_id}",
        )
    )


async def test_an_objection_to_the_notice_stops_no_bidding_but_holds_the_confirmation(db: None) -> None:
    made = await make_notice()
    agencies = await make_surveyors(2)
    objection_id = await lodge(agencies[0].member, made)
    for agency in agencies:
        await bid(agency, made)
    await open_and_select(made)
    row = await made.row()
    assert row.state is NoticeState.SELECTED
    assert row.display_until is not None
    wire()
    with clock.at(row.display_until):
        assert not await services.confirm_award(made.notice_id)
        assert (await made.row()).phase is Phase.PAUSED
        await services.withdraw_objection(agencies[0].member, objection_id=objection_id)
        assert await services.confirm_award(made.notice_id)
    assert (await made.row()).state is NoticeState.AWARDED


async def test_silence_goes_to_the_supervisor_and_an_uncontested_answer_lapses(db: None) -> None:
    made, agencies, now = await on_display("24600.00", "26000.00", "27000.00")
    with clock.at(now):
        silent = await lodge(agencies[1].member, made)
        answered = await lodge(agencies[2].member, made)
        await services.answer_objection(made.client, objection_id=answered, remedy=Remedy.REJECT, words=WORDS)
    with clock.at(now + timedelta(days=20)):
        assert await services.sweep_objections() == 2
        assert await services.sweep_objections() == 0
    assert (await objection(silent)).state is ObjectionState.ESCALATED
    assert (await objection(answered)).state is ObjectionState.LAPSED
    assert (await made.row()).phase is Phase.PAUSED


async def test_a_lapse_lets_the_notice_period_run_on(db: None) -> None:
    made, agencies, now = await on_display()
    with clock.at(now):
        objection_id = await lodge(agencies[1].member, made)
        await services.answer_objection(made.client, objection_id=objection_id, remedy=Remedy.REJECT, words=WORDS)
    due = (await objection(objection_id)).moves_at
    assert due is not None
    with clock.at(due - timedelta(microseconds=1)):
        assert not await services.objection_due(objection_id)
    with clock.at(due):
        assert await services.objection_due(objection_id)
        row = await made.row()
        assert row.phase is Phase.ON_DISPLAY
        assert row.display_until is not None
        award = await award_of(made.notice_id)
        assert award is not None
        assert award.display_until == row.display_until


@pytest.mark.parametrize("remedy", [Remedy.CANCEL, Remedy.REFER])
async def test_a_client_that_upholds_cancels_or_asks_the_supervisor(db: None, remedy: Remedy) -> None:
    made, agencies, now = await on_display("24600.00", "26000.00", "27000.00")
    with clock.at(now):
        objection_id = await lodge(agencies[1].member, made)
        other = await lodge(agencies[2].member, made)
        await services.answer_objection(made.client, objection_id=objection_id, remedy=remedy, words=WORDS)
    if remedy is Remedy.REFER:
        assert (await objection(objection_id)).state is ObjectionState.ESCALATED
        return
    assert (await made.row()).state is NoticeState.CANCELLED
    assert (await objection(objection_id)).state is ObjectionState.UPHELD
    assert (await objection(other)).state is ObjectionState.MOOT


async def test_withdrawing_a_notice_ends_its_objections(db: None) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    objection_id = await lodge(agency.member, made)
    await services.withdraw_notice(made.client, notice_id=made.notice_id, reason="项目调整")
    row = await objection(objection_id)
    assert row.state is ObjectionState.MOOT
    assert row.closed_at is not None
    assert (await outcomes()).waiting == 0


async def test_a_notice_that_is_upheld_is_withdrawn_at_once(db: None) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    objection_id = await lodge(agency.member, made)
    with pytest.raises(FormInvalid):
        await services.answer_objection(made.client, objection_id=objection_id, remedy=Remedy.CANCEL, words=WORDS)
    await services.answer_objection(made.client, objection_id=objection_id, remedy=Remedy.WITHDRAW, words=WORDS)
    assert (await made.row()).state is NoticeState.WITHDRAWN
    assert (await objection(objection_id)).state is ObjectionState.UPHELD


async def test_strangers_can_neither_answer_nor_escalate_nor_read_the_evidence(db: None) -> None:
    made, agencies, now = await on_display()
    scan = Upload("证据.pdf", b"%PDF-1.7 evidence")
    with clock.at(now):
        receipt = await services.lodge_objection(
            agencies[1].member, notice_id=made.notice_id, draft=DRAFT, evidence=(scan,)
        )
        stranger = await make.member(Role.CLIENT)
        with pytest.raises(ObjectionGone):
            await services.answer_objection(
                stranger, objection_id=receipt.objection_id, remedy=Remedy.REJECT, words=WORDS
            )
        with pytest.raises(ObjectionGone):
            await services.escalate_objection(agencies[0].member, objection_id=receipt.objection_id, words=WORDS)
        with pytest.raises(ObjectionGone):
            await services.withdraw_objection(agencies[0].member, objection_id=receipt.objection_id)
    row = await objection(receipt.objection_id)
    supervisor, _second = await supervisors()
    (file,) = await evidence_of(row, supervisor)
    for reader in (made.client, agencies[1].member):
        assert (await evidence_file(row.id, file.file_id, reader)).name == "证据.pdf"
    for reader in (stranger, agencies[0].member, None):
        assert await evidence_of(row, reader) == []


async def test_a_set_aside_bid_comes_back_in_its_place(db: None) -> None:
    made = await make_notice()
    agencies = await make_surveyors(3)
    for agency, price in zip(agencies, ("24600.00", "24000.00", "27000.00"), strict=True):
        await bid(agency, made, price)
    await make_grade(agencies[1].agency_id, CreditGrade.D)  # barred when the bids are opened, found wrong later
    await open_and_select(made)
    first = await award_of(made.notice_id)
    assert first is not None
    assert first.agency_id == agencies[0].agency_id
    with clock.at(made.deadline + timedelta(hours=2)):
        await make_grade(agencies[1].agency_id, CreditGrade.B)
        objection_id, second = await taken_up(made, agencies[1].member)
        back = await db_value("select id from market_bid where agency = $1", agencies[1].agency_id)
        await services.decide_objection(
            second,
            objection_id=objection_id,
            decision=Decision.CORRECT,
            words=WORDS,
            correction=Correction(reinstate=frozenset({back})),
        )
    award = await award_of(made.notice_id)
    assert award is not None
    assert (award.agency_id, award.place) == (agencies[1].agency_id, 1)
    places = await db_value("select array_agg(place order by place) from market_bid where notice = $1", made.notice_id)
    assert places == [1, 2, 3]


async def db_value(sql: str, *args: object) -> object:
    return await db.value(sql, *args)


async def test_with_nobody_left_a_correction_ends_in_failure(db: None) -> None:
    made, agencies, now = await on_display()
    with clock.at(now):
        objection_id, second = await taken_up(made, agencies[1].member)
        ids = await db_value("select array_agg(id) from market_bid where notice = $1", made.notice_id)
        assert isinstance(ids, list)
        await services.decide_objection(
            second,
            objection_id=objection_id,
            decision=Decision.CORRECT,
            words=WORDS,
            correction=Correction(frozenset(ids)),
        )
    row = await made.row()
    assert row.state is NoticeState.FAILED
    assert (await objection(objection_id)).state is ObjectionState.CORRECTED


async def test_a_correction_mutes_the_other_objections_to_the_old_result(db: None) -> None:
    made, agencies, now = await on_display("24600.00", "26000.00", "27000.00")
    with clock.at(now):
        objection_id, second = await taken_up(made, agencies[1].member)
        other = await lodge(agencies[2].member, made)
        award = await award_of(made.notice_id)
        assert award is not None
        assert award.bid_id is not None
        await services.decide_objection(
            second,
            objection_id=objection_id,
            decision=Decision.CORRECT,
            words=WORDS,
            correction=Correction(frozenset({award.bid_id})),
        )
        assert (await objection(other)).state is ObjectionState.MOOT
        await lodge(agencies[2].member, made)


async def test_a_draw_is_never_redone(db: None) -> None:
    made = await make_notice(method=SelectionMethod.RANDOM_DRAW)
    agencies = await make_surveyors(3)
    for agency in agencies:
        await bid(agency, made, "30000.00")
    await open_and_select(made)
    order = await db_value("select draw from market_opening where notice = $1", made.notice_id)
    first = await award_of(made.notice_id)
    assert first is not None
    assert first.bid_id is not None
    objector = next(one for one in agencies if one.agency_id != first.agency_id)
    with clock.at(made.deadline + timedelta(hours=2)):
        objection_id, second = await taken_up(made, objector.member)
        with pytest.raises(CannotCorrect):
            await services.decide_objection(
                second, objection_id=objection_id, decision=Decision.CORRECT, words=WORDS, correction=Correction()
            )
        await services.decide_objection(
            second,
            objection_id=objection_id,
            decision=Decision.CORRECT,
            words=WORDS,
            correction=Correction(frozenset({first.bid_id})),
        )
    award = await award_of(made.notice_id)
    assert award is not None
    assert award.place == 2
    assert order == await db_value("select draw from market_opening where notice = $1", made.notice_id)


async def test_desks_show_whose_turn_it_is(db: None, browse: Browse) -> None:
    made, agencies, now = await on_display()
    objector = agencies[1].member
    supervisor, _second = await supervisors()
    with clock.at(now):
        objection_id = await lodge(objector, made)
        assert [item.mine for item in await waiting_objections(made.client)] == [True]
        assert [item.mine for item in await waiting_objections(objector)] == [False]
        assert await waiting_objections(supervisor) == []
    with clock.at((await objection(objection_id)).due_at):  # type: ignore[arg-type]
        assert [item.mine for item in await waiting_objections(objector)] == [True]
        assert [item.mine for item in await waiting_objections(supervisor)] == [False]
        await services.escalate_objection(objector, objection_id=objection_id, words=WORDS)
        assert [item.mine for item in await waiting_objections(supervisor)] == [True]
        assert [item.mine for item in await waiting_objections(made.client)] == [False]


async def test_reasons_are_given_or_it_is_no_answer(db: None) -> None:
    made, agencies, now = await on_display()
    with clock.at(now):
        with pytest.raises(FormInvalid):
            await lodge(agencies[1].member, made, replace(DRAFT, provision="no-such-provision"))
        objection_id = await lodge(agencies[1].member, made)
        with pytest.raises(FormInvalid):
            await services.answer_objection(
                made.client, objection_id=objection_id, remedy=Remedy.REJECT, words="不同意"
            )


async def test_two_officers_deciding_at_once_make_one_decision(committed_db: str) -> None:
    made, agencies, now = await on_display()
    with clock.at(now):
        objection_id, second = await taken_up(made, agencies[1].member)
        third = await make.member(Role.MARKET_SUPERVISOR)
        acts = [
            outcome(services.decide_objection(who, objection_id=objection_id, decision=what, words=WORDS))
            for who, what in ((second, Decision.CONFIRM), (third, Decision.VOID))
        ]
        results = await asyncio.gather(*acts)
    assert sum(isinstance(one, services.ObjectionReceipt) for one in results) == 1
    (refused,) = [one for one in results if not isinstance(one, services.ObjectionReceipt)]
    assert isinstance(refused, AlreadyDecided)
    assert await db.value("select count(*) from market_objection_step where act in ('confirm', 'void')") == 1


async def test_two_colleagues_answering_at_once_make_one_answer(committed_db: str) -> None:
    made, agencies, now = await on_display()
    with clock.at(now):
        objection_id = await lodge(agencies[1].member, made)
        acts = [
            outcome(
                services.answer_objection(made.client, objection_id=objection_id, remedy=Remedy.REJECT, words=WORDS)
            )
            for _ in range(3)
        ]
        results = await asyncio.gather(*acts)
    assert sum(isinstance(one, services.ObjectionReceipt) for one in results) == 1
    assert sum(isinstance(one, NotAllowedNow) for one in results) == 2


async def test_the_last_microsecond_has_one_outcome(committed_db: str) -> None:
    made, agencies, _now = await on_display("24600.00", "26000.00", "27000.00")
    until = (await made.row()).display_until
    assert until is not None
    wire()
    ticks = iter(range(100_000))
    start = until - timedelta(microseconds=40)

    def moving() -> object:
        return start + timedelta(microseconds=next(ticks))

    async def confirming() -> None:
        for _ in range(400):
            if await services.confirm_award(made.notice_id):
                return
            if (await made.row()).phase is Phase.PAUSED:
                return

    with clock.at(moving):  # type: ignore[arg-type]
        results = await asyncio.gather(
            outcome(lodge(agencies[1].member, made)), outcome(lodge(agencies[2].member, made)), outcome(confirming())
        )
    lodged = [one for one in results[:2] if isinstance(one, int)]
    refused = [one for one in results[:2] if isinstance(one, ObjectionLate | NotObjectable)]
    assert len(lodged) + len(refused) == 2
    row = await made.row()
    assert (row.state is NoticeState.AWARDED) == (not lodged)
    assert (row.phase is Phase.PAUSED) == bool(lodged)


async def test_a_voided_award_lets_the_bid_bond_go(db: None) -> None:
    wire()
    made, agencies = await make_selected(("24600.00", "26000.00"), bid_bond=Decimal("600.00"))
    with clock.at(made.deadline + timedelta(hours=1)):
        objection_id, second = await taken_up(made, agencies[1].member)
        await services.decide_objection(second, objection_id=objection_id, decision=Decision.VOID, words=WORDS)
    (bond,) = await bonds_of(await made.row(), made.client)
    assert (bond.state, bond.release_reason) == (BondState.RELEASED, Release.VOIDED)
