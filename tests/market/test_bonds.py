"""Bonds: ceilings, who owes when, and that every bond ends as released or given back."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import wire
from core import clock
from core.errors import FormInvalid
from market import content, services
from market.queries.bonds import BondRow, bonds_of
from market.queries.notices import opened_bids
from market.rules.bonds import (
    BondKind,
    BondState,
    Release,
    bond_key,
    check_bonds,
    most,
    parse_key,
    performance_due,
)
from market.rules.notices import SelectionMethod
from market.rules.objections import Correction, Decision
from payments import queries as payables
from payments import services as payments
from tests.factories.agencies import make_agency
from tests.factories.market import MadeNotice, make_award, make_notice, make_selected
from tests.factories.objections import WORDS
from tests.factories.payments import voucher
from tests.market.test_objections import taken_up

pytestmark = pytest.mark.anyio
LAW, OLD = content.edition("XT-SEL-2026.1"), content.edition("XT-SEL-2024.1")
BID, PERFORMANCE = Decimal("600.00"), Decimal("3000.00")
MONEY = st.decimals("0.01", "9999999.99", places=2)
BONDS: dict[str, Any] = {"bid_bond": BID, "performance_bond": PERFORMANCE}


@given(price=MONEY, bond=MONEY)
def test_a_bond_is_accepted_exactly_up_to_its_share(price: Decimal, bond: Decimal) -> None:
    found = check_bonds(bond, bond, ceiling=price, direct=False, edition=LAW)
    assert ("bid_bond" in found) == (bond > most(BondKind.BID, price, LAW))
    assert ("performance_bond" in found) == (bond > most(BondKind.PERFORMANCE, price, LAW))
    assert performance_due(bond, price, LAW) <= most(BondKind.PERFORMANCE, price, LAW)


def test_an_old_edition_and_a_direct_selection_know_no_bid_bond() -> None:
    assert set(check_bonds(BID, PERFORMANCE, ceiling=Decimal(30000), direct=False, edition=OLD)) == {
        "bid_bond",
        "performance_bond",
    }
    assert set(check_bonds(BID, None, ceiling=Decimal(30000), direct=True, edition=LAW)) == {"bid_bond"}
    assert check_bonds(None, None, ceiling=Decimal(30000), direct=True, edition=OLD) == {}


async def test_a_notice_with_too_large_a_bond_is_refused(db: None) -> None:
    with pytest.raises(FormInvalid) as refused:
        await make_notice(bid_bond=Decimal("600.01"), performance_bond=Decimal("3000.01"))
    assert set(refused.value.errors) == {"bid_bond", "performance_bond"}


async def bonds(made: MadeNotice) -> list[BondRow]:
    return await bonds_of(await made.row(), made.client)


async def pays(row: BondRow, payer: Any, payee: Any) -> None:
    assert row.payable_id is not None
    await payments.submit_voucher(actor=payer, payable_id=row.payable_id, draft=voucher())
    await payments.confirm_receipt(actor=payee, payable_id=row.payable_id)


async def test_only_the_winner_owes_and_only_from_the_announcement_on(db: None) -> None:
    wire()
    made, (winner, loser) = await make_selected(**BONDS)
    (bond,) = await bonds(made)
    assert (bond.kind, bond.amount, bond.state) == (BondKind.BID, BID, BondState.DUE)
    (owed,) = await payables.my_payables(winner.member)
    assert (owed.payee_id, owed.amount, owed.kind) == (made.client.organization_id, BID, "bid-bond")
    assert await payables.my_payables(loser.member) == []
    (seen,) = await bonds_of(await made.row(), loser.member)
    assert seen.payable_id is None, "the payable is for its two parties"


async def test_cancelling_lets_an_unpaid_bond_go(db: None) -> None:
    wire()
    made, _ = await make_selected(**BONDS)
    with clock.at(made.deadline + timedelta(hours=1)):
        await services.cancel_selection(made.client, notice_id=made.notice_id, reason="项目停建")
    (bond,) = await bonds(made)
    assert (bond.state, bond.release_reason) == (BondState.RELEASED, Release.CANCELLED)


async def test_cancelling_gives_a_paid_bond_back(db: None) -> None:
    wire()
    made, (winner, _) = await make_selected(**BONDS)
    with clock.at(made.deadline + timedelta(hours=1)):
        (bond,) = await bonds(made)
        await pays(bond, winner.member, made.client)
        (held,) = await bonds(made)
        assert held.state is BondState.HELD
        await services.cancel_selection(made.client, notice_id=made.notice_id, reason="项目停建")
        (going,) = await bonds(made)
        assert going.state is BondState.GOING_BACK
        assert going.return_id is not None
        back = await payables.payable(going.return_id, made.client)
        assert back.due_on == clock.today() + timedelta(days=LAW.bond.back_days)
        assert (back.payer_id, back.payee_id, back.amount) == (
            made.client.organization_id,
            winner.organization_id,
            BID,
        )
        await payments.submit_voucher(actor=made.client, payable_id=back.id, draft=voucher())
        await payments.confirm_receipt(actor=winner.member, payable_id=back.id)
    (done,) = await bonds(made)
    assert done.state is BondState.BACK


async def test_a_forfeited_bond_is_not_given_back_by_the_contract_or_the_cancellation(db: None) -> None:
    wire()
    made, (winner, _) = await make_selected(**BONDS)
    with clock.at(made.deadline + timedelta(hours=1)):
        (bond,) = await bonds(made)
        await pays(bond, winner.member, made.client)
        assert bond.payable_id is not None
        await payments.forfeit_bond(
            actor=made.client, payable_id=bond.payable_id, amount=BID, reason="中选后无正当理由不签合同"
        )
        assert [one.state for one in await bonds(made)] == [BondState.FORFEITED]
        await services.cancel_selection(made.client, notice_id=made.notice_id, reason="项目停建")
    (kept,) = await bonds(made)
    assert (kept.state, kept.return_id, kept.why) == (BondState.FORFEITED, None, "")


async def test_a_payment_under_way_goes_back_when_it_arrives(db: None) -> None:
    wire()
    made, (winner, _) = await make_selected(**BONDS)
    with clock.at(made.deadline + timedelta(hours=1)):
        (bond,) = await bonds(made)
        assert bond.payable_id is not None
        await payments.submit_voucher(actor=winner.member, payable_id=bond.payable_id, draft=voucher())
        await services.cancel_selection(made.client, notice_id=made.notice_id, reason="项目停建")
        (under_way,) = await bonds(made)
        assert under_way.state is BondState.PAYING
        await payments.confirm_receipt(actor=made.client, payable_id=bond.payable_id)
        (going,) = await bonds(made)
        assert going.state is BondState.GOING_BACK


async def test_a_payment_contested_after_the_release_is_swept_away(db: None) -> None:
    wire()
    made, (winner, _) = await make_selected(**BONDS)
    with clock.at(made.deadline + timedelta(hours=1)):
        (bond,) = await bonds(made)
        assert bond.payable_id is not None
        await payments.submit_voucher(actor=winner.member, payable_id=bond.payable_id, draft=voucher())
        await services.cancel_selection(made.client, notice_id=made.notice_id, reason="项目停建")
        await payments.contest(actor=made.client, payable_id=bond.payable_id, reason="账上没有")
        assert await services.sweep_bonds() == 1
        assert await services.sweep_bonds() == 0
        (gone,) = await bonds(made)
        assert gone.state is BondState.RELEASED


async def test_the_performance_bond_follows_the_agreed_price_and_the_commission(db: None) -> None:
    wire()
    award_id, made, (winner, _) = await make_award(**BONDS)
    bid_bond, performance = await bonds(made)
    assert (performance.kind, performance.amount) == (BondKind.PERFORMANCE, Decimal("1230.00")), "5 % for N"
    await services.release_bid_bond(award_id)
    await services.release_bid_bond(award_id)
    await pays(performance, winner.member, made.client)
    assert [one.state for one in await bonds(made)] == [BondState.RELEASED, BondState.HELD]
    await services.complete_commission(award_id)
    released, returned = await bonds(made)
    assert (released.release_reason, returned.release_reason) == (Release.FILED, Release.COMPLETED)
    assert returned.state is BondState.GOING_BACK
    assert bid_bond.payable_id is not None


async def test_a_direct_award_owes_a_performance_bond_only(db: None) -> None:
    wire()
    agency = await make_agency()
    made = await make_notice(method=SelectionMethod.DIRECT, agency_id=agency.agency_id, performance_bond=PERFORMANCE)
    await services.accept_offer(agency.member, notice_id=made.notice_id)
    assert await bonds(made) == []
    row = await made.row()
    assert row.display_until is not None
    with clock.at(row.display_until + timedelta(seconds=1)):
        await services.confirm_award(made.notice_id)
    assert [one.kind for one in await bonds(made)] == [BondKind.PERFORMANCE]


async def _corrected(made: MadeNotice, objector: Any, *, aside: int | None = None, back: int | None = None) -> None:
    """The supervisor sets a bid aside or lets it in again."""
    objection_id, decider = await taken_up(made, objector)
    await services.decide_objection(
        decider,
        objection_id=objection_id,
        decision=Decision.CORRECT,
        words=WORDS,
        correction=Correction(frozenset({aside} if aside else ()), frozenset({back} if back else ())),
    )


@pytest.mark.parametrize("paid", [False, True])
async def test_whoever_is_chosen_again_owes_a_new_bond(db: None, paid: bool) -> None:
    """Announced, its bond released by a correction, and announced again: the old bond stays over, a new one is due."""
    wire()
    made, (winner, second) = await make_selected(**BONDS)
    bid_id = (await opened_bids(made.notice_id))[0].id
    with clock.at(made.deadline + timedelta(hours=1)):
        if paid:
            await pays((await bonds(made))[0], winner.member, made.client)
        await _corrected(made, second.member, aside=bid_id)
        first, other = await bonds(made)
        over = BondState.GOING_BACK if paid else BondState.RELEASED
        assert (first.state, other.state) == (over, BondState.DUE)
    with clock.at(made.deadline + timedelta(hours=2)):
        await _corrected(made, winner.member, back=bid_id)
        first, other, again = await bonds(made)
        assert [one.state for one in (first, other, again)] == [over, BondState.RELEASED, BondState.DUE]
        assert (again.agency_name_zh, again.amount) == (winner.name_zh, BID)
        assert again.payable_id not in {None, first.payable_id}
        await pays(again, winner.member, made.client)
        assert (await bonds(made))[2].state is BondState.HELD
    with clock.at(made.deadline + timedelta(hours=3)):
        await services.cancel_selection(made.client, notice_id=made.notice_id, reason="项目停建")
        first, _other, again = await bonds(made)
    assert (first.state, again.state) == (over, BondState.GOING_BACK)
    assert again.return_id not in {None, first.return_id}


async def test_a_correction_that_leaves_the_winner_asks_for_no_second_bond(db: None) -> None:
    wire()
    made, (_winner, second, third) = await make_selected(("24600.00", "26000.00", "27000.00"), **BONDS)
    last = {each.agency_id: each.id for each in await opened_bids(made.notice_id)}[third.agency_id]
    with clock.at(made.deadline + timedelta(hours=1)):
        await _corrected(made, second.member, aside=last)
    (bond,) = await bonds(made)
    assert bond.state is BondState.DUE


@given(award=st.integers(1, 2**62), number=st.integers(1, 99))
def test_the_key_of_a_bond_names_award_and_round(award: int, number: int) -> None:
    assert parse_key(bond_key(award, number)) == (award, number)
    assert bond_key(award, 1) == str(award), "payables made before rounds are still found"
