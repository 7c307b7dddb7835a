"""A price that moves up after the display, as a substitute's or by a correction, is asked about like any other."""

from datetime import timedelta

import pytest

from agencies.rules import CreditGrade
from core import clock
from core import db as base
from market import services
from market.queries.awards import award_of
from market.queries.desk import desk_items
from market.queries.low_price import price_checks
from market.queries.notices import opened_bids
from market.queries.powers import powers
from market.rules.notices import NoticeAct, NoticeState, Phase, is_due
from market.rules.objections import CannotCorrect, Correction, Decision
from tests.conftest import Browse
from tests.factories.agencies import MadeAgency, make_grade
from tests.factories.market import MadeNotice, bid, make_notice, make_selected, make_surveyors, open_and_select
from tests.factories.objections import WORDS
from tests.market.test_objections import taken_up

pytestmark = pytest.mark.anyio
WHY = "机构自有控制点成果，外业两天即可完成，设备已折旧完毕，人员固定。"
BOTH_LOW = ("9000.00", "10000.00", "25000.00", "26000.00")


@pytest.fixture(autouse=True)
def taken_over(web_app: object) -> object:
    async def take(_award_id: int) -> None:
        return None

    before = services.AWARDED._takers
    services.AWARDED.supply(take)
    yield None
    services.AWARDED.supply(*before)


async def on_display() -> tuple[MadeNotice, list[MadeAgency]]:
    """The cheapest has justified its price and is on display; the next one is abnormally low too."""
    made, agencies = await make_selected(BOTH_LOW)
    with clock.at(made.deadline + timedelta(hours=1)):
        await services.justify_price(agencies[0].member, notice_id=made.notice_id, words=WHY)
        await services.decide_price(made.client, notice_id=made.notice_id, accept=True, words="说明属实，予以接受。")
    return made, agencies


async def declined() -> tuple[MadeNotice, list[MadeAgency]]:
    """The winner has given up; its substitute's price is in question."""
    made, agencies = await on_display()
    with clock.at(made.deadline + timedelta(hours=2)):
        await services.decline_award(agencies[0].member, notice_id=made.notice_id, words="人手不足")
    return made, agencies


async def winner(made: MadeNotice) -> tuple[int, str] | None:
    award = await award_of(made.notice_id)
    return (award.agency_id, award.why.code) if award else None


async def test_a_substitute_justifies_its_low_price_before_it_is_announced(db: None) -> None:
    made, (_first, second, *_others) = await declined()
    row = await made.row()
    assert (row.state, row.phase) == (NoticeState.SELECTED, Phase.JUSTIFYING)
    assert await winner(made) is None
    assert row.display_until is not None
    assert not is_due(row.clock, NoticeAct.CONFIRM, row.display_until + timedelta(days=30))
    at = made.deadline + timedelta(hours=3)
    with clock.at(at):
        assert not await services.confirm_award(made.notice_id)
        assert [item.href for item in await desk_items(second.member, at)] == [f"/notices/{made.notice_id}/low-price"]
        await services.justify_price(second.member, notice_id=made.notice_id, words=WHY)
        await services.decide_price(made.client, notice_id=made.notice_id, accept=True, words="说明属实，予以接受。")
    assert await winner(made) == (second.agency_id, "chosen-as-substitute")
    row = await made.row()
    assert (row.phase, row.held_until) == (Phase.ON_DISPLAY, None)
    with clock.at(row.display_until or at):
        assert await services.confirm_award(made.notice_id)


async def test_a_silent_substitute_is_followed_by_the_next_and_told_why(db: None) -> None:
    made, (_first, second, third, _last) = await declined()
    held = (await made.row()).held_until
    assert held is not None
    with clock.at(held):
        assert await services.sweep_notices() == 1
    assert await winner(made) == (third.agency_id, "chosen-after-low-price")
    bids = {each.agency_id: each for each in await opened_bids(made.notice_id)}
    assert (bids[second.agency_id].state, bids[second.agency_id].reasons[0].code) == ("set-aside", "low-price-lapsed")
    last = "select account from core_mail where message = 'market/not_selected' order by id desc limit 1"
    assert await base.value(last) == second.member.account_id


async def test_the_pages_of_a_waiting_substitute_say_what_happens(db: None, browse: Browse) -> None:
    made, (_first, second, *_others) = await declined()
    with clock.at(made.deadline + timedelta(hours=3)):
        for reader in (made.client, second.member, None):
            page = await (await browse(reader)).get(f"/notices/{made.notice_id}")
            assert page.status_code == 200
            assert "低价说明中" in page.text
            assert (await (await browse(reader)).get(f"/notices/{made.notice_id}/result")).status_code == 200
        asked = await (await browse(second.member)).get(f"/notices/{made.notice_id}/low-price")
        assert f"/notices/{made.notice_id}/low-price/justify" in asked.text
        assert (await powers(await made.row(), made.client)).cancel
        await services.cancel_selection(made.client, notice_id=made.notice_id, reason="项目停建")
        over = await (await browse(second.member)).get(f"/notices/{made.notice_id}/low-price")
        assert f"/notices/{made.notice_id}/low-price/justify" not in over.text
        assert await desk_items(second.member, clock.now()) == []


async def barred_low() -> tuple[MadeNotice, list[MadeAgency]]:
    """The abnormally low bid was set aside by mistake, the second won."""
    made = await make_notice()
    agencies = await make_surveyors(3)
    for agency, price in zip(agencies, ("9000.00", "25000.00", "26000.00"), strict=True):
        await bid(agency, made, price)
    await make_grade(agencies[0].agency_id, CreditGrade.D)
    await open_and_select(made)
    return made, agencies


async def test_a_correction_that_changes_the_winner_asks_about_a_low_price_first(db: None) -> None:
    made, (low, second, _third) = await barred_low()
    assert await winner(made) == (second.agency_id, "chosen-lowest")
    back = {each.agency_id: each.id for each in await opened_bids(made.notice_id)}[low.agency_id]
    with clock.at(made.deadline + timedelta(hours=2)):
        await make_grade(low.agency_id, CreditGrade.B)
        objection_id, decider = await taken_up(made, low.member)
        await services.decide_objection(
            decider,
            objection_id=objection_id,
            decision=Decision.CORRECT,
            words=WORDS,
            correction=Correction(reinstate=frozenset({back})),
        )
        row = await made.row()
        assert (row.phase, row.paused_at) == (Phase.JUSTIFYING, None)
        assert await winner(made) is None
        await services.justify_price(low.member, notice_id=made.notice_id, words=WHY)
        await services.decide_price(made.client, notice_id=made.notice_id, accept=True, words="说明属实，予以接受。")
    assert await winner(made) == (low.agency_id, "chosen-by-decision")


async def test_a_correction_that_leaves_the_winner_asks_nobody_again(db: None) -> None:
    made, agencies = await on_display()
    last = {each.agency_id: each.id for each in await opened_bids(made.notice_id)}[agencies[3].agency_id]
    with clock.at(made.deadline + timedelta(hours=2)):
        objection_id, decider = await taken_up(made, agencies[2].member)
        await services.decide_objection(
            decider,
            objection_id=objection_id,
            decision=Decision.CORRECT,
            words=WORDS,
            correction=Correction(frozenset({last})),
        )
    assert await winner(made) == (agencies[0].agency_id, "chosen-by-decision")
    assert len(await price_checks(made.notice_id, made.client.organization_id, None)) == 1


async def test_while_a_price_is_in_question_nothing_is_on_display_to_correct(db: None) -> None:
    made, agencies = await on_display()
    with clock.at(made.deadline + timedelta(hours=2)):
        objection_id, decider = await taken_up(made, agencies[2].member)
        await services.decline_award(agencies[0].member, notice_id=made.notice_id, words="人手不足")
        with pytest.raises(CannotCorrect):
            await services.decide_objection(
                decider, objection_id=objection_id, decision=Decision.CORRECT, words=WORDS, correction=Correction()
            )
        await services.decide_objection(decider, objection_id=objection_id, decision=Decision.VOID, words=WORDS)
        assert (await made.row()).state is NoticeState.FAILED
        assert await desk_items(agencies[1].member, clock.now()) == []
