"""Sealed bids on a real database: receipts, second bids, deadlines, replacing, withdrawing."""

from datetime import timedelta
from decimal import Decimal

import pytest

from agencies.rules import CreditGrade, Profession
from agencies.rules.independence import Relation
from core import clock, db
from core.db import transaction
from core.errors import Forbidden, FormInvalid, NotAllowedNow
from core.identity import Role
from market import sealing, services
from market.queries.bids import my_bid, my_bids, my_envelope
from market.rules.bids import AlreadyBid, BidState, NoBid, Offer
from market.rules.eligibility import NotEligible
from market.rules.notices import BidClosed, DeadlinePassed, NoticeGone, SelectionMethod
from tests.factories import core as make
from tests.factories.agencies import make_agency, make_grade, qualification
from tests.factories.market import bid, make_notice, make_project, make_surveyors, notice_draft

pytestmark = pytest.mark.anyio
MICROSECOND = timedelta(microseconds=1)
OFFER = Offer(Decimal("24600.00"), 8, "方案")


async def test_a_bid_gets_a_receipt_that_can_be_looked_up_again(db: None) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    receipt = await bid(agency, made)
    mine = await my_bid(agency.member, made.notice_id)
    assert mine is not None
    assert (mine.number, mine.digest, mine.entry_id) == (
        receipt.number,
        receipt.digest,
        receipt.entry_id,
    )
    assert mine.amount is None
    envelope = await my_envelope(agency.member, made.notice_id)
    assert envelope is not None
    assert sealing.digest(envelope) == receipt.digest
    assert [row.id for row, _ in await my_bids(agency.member)] == [made.notice_id]


async def test_nobody_else_finds_the_bid(db: None) -> None:
    made = await make_notice()
    first, second = await make_surveyors(2)
    await bid(first, made)
    assert await my_bid(second.member, made.notice_id) is None
    assert await my_bid(made.client, made.notice_id) is None
    assert await my_bid(None, made.notice_id) is None
    assert await my_envelope(second.member, made.notice_id) is None
    assert await my_bids(second.member) == []


async def test_a_second_bid_is_refused_and_the_first_stays(db: None) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    receipt = await bid(agency, made)
    with pytest.raises(AlreadyBid):
        await bid(agency, made, "19999.99")
    colleague = await make.member(Role.AGENCY, agency.organization_id)
    with pytest.raises(AlreadyBid):
        await services.submit_bid(colleague, notice_id=made.notice_id, offer=OFFER)
    mine = await my_bid(agency.member, made.notice_id)
    assert mine is not None
    assert mine.digest == receipt.digest


async def test_replacing_keeps_the_old_envelope_closed(db: None) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    first = await bid(agency, made)
    second = await services.replace_bid(agency.member, notice_id=made.notice_id, offer=OFFER)
    assert second.digest != first.digest
    kept = await _superseded(made.notice_id)
    assert [row["digest"] for row in kept] == [first.digest]
    mine = await my_bid(agency.member, made.notice_id)
    assert mine is not None
    assert mine.digest == second.digest


async def _superseded(notice_id: int) -> list[dict[str, str]]:
    return await db.rows(
        "select s.digest from market_superseded_envelope s join market_bid b on b.id = s.bid where b.notice = $1",
        notice_id,
    )


async def test_a_withdrawn_bid_can_come_back_only_as_a_replacement(db: None) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    await bid(agency, made)
    await services.withdraw_bid(agency.member, notice_id=made.notice_id)
    with pytest.raises(NotAllowedNow):
        await services.withdraw_bid(agency.member, notice_id=made.notice_id)
    with pytest.raises(AlreadyBid):
        await bid(agency, made)
    await services.replace_bid(agency.member, notice_id=made.notice_id, offer=OFFER)
    mine = await my_bid(agency.member, made.notice_id)
    assert mine is not None
    assert mine.state is BidState.SEALED


async def test_nothing_to_replace_or_withdraw_without_a_bid(db: None) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    with pytest.raises(NoBid):
        await services.replace_bid(agency.member, notice_id=made.notice_id, offer=OFFER)
    with pytest.raises(NoBid):
        await services.withdraw_bid(agency.member, notice_id=made.notice_id)


async def test_the_deadline_is_kept_to_the_microsecond(db: None) -> None:
    made = await make_notice()
    early, late = await make_surveyors(2)
    with clock.at(made.deadline - MICROSECOND):
        await bid(early, made)
    with clock.at(made.deadline), pytest.raises(DeadlinePassed) as refused:
        await bid(late, made)
    assert "截止" in refused.value.message()
    assert await my_bid(late.member, made.notice_id) is None


async def test_a_bid_is_refused_when_the_clock_passes_the_deadline_before_commit(
    committed_db: str,
) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    ticks = [made.deadline - MICROSECOND]

    with clock.at(lambda: ticks[-1]), pytest.raises(DeadlinePassed):
        async with transaction():
            await bid(agency, made)
            ticks.append(made.deadline)
    assert await my_bid(agency.member, made.notice_id) is None
    assert await db.value("select count(*) from market_bid") == 0


@pytest.mark.parametrize("act", ["replace", "withdraw"])
async def test_after_the_deadline_a_bid_stands(db: None, act: str) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    receipt = await bid(agency, made)
    with clock.at(made.deadline), pytest.raises(DeadlinePassed):
        if act == "replace":
            await services.replace_bid(agency.member, notice_id=made.notice_id, offer=OFFER)
        else:
            await services.withdraw_bid(agency.member, notice_id=made.notice_id)
    mine = await my_bid(agency.member, made.notice_id)
    assert mine is not None
    assert (mine.digest, mine.state) == (receipt.digest, BidState.SEALED)


@pytest.mark.parametrize(
    ("offer", "field"),
    [
        (Offer(Decimal("30000.01"), 8, ""), "amount"),
        (Offer(Decimal("9999.99"), 8, ""), "amount"),
        (Offer(Decimal("20000.00"), 11, ""), "days"),
    ],
)
async def test_an_offer_outside_the_terms_is_refused(db: None, offer: Offer, field: str) -> None:
    made = await make_notice(floor=Decimal("10000.00"))
    (agency,) = await make_surveyors(1)
    with pytest.raises(FormInvalid) as refused:
        await services.submit_bid(agency.member, notice_id=made.notice_id, offer=offer)
    assert set(refused.value.errors) == {field}


async def test_expired_certificate_names_the_day(db: None) -> None:
    made = await make_notice()
    expired = qualification(Profession.SURVEYING, expires_on=clock.today() + timedelta(days=1))
    agency = await make_agency(qualifications=(expired,))
    await bid(agency, made)
    other = await make_agency(qualifications=(expired,))
    with clock.at(clock.now() + timedelta(days=2)), pytest.raises(NotEligible) as refused:
        await bid(other, made)
    codes = {reason.code for reason in refused.value.reasons}
    assert "qualification-expired" in codes


async def test_affiliates_of_the_deciding_department_are_recused(db: None) -> None:
    made = await make_notice()
    agency = await make_agency(relations=(await _relation("department", "D-ZRZY"),))
    with pytest.raises(NotEligible) as refused:
        await bid(agency, made)
    assert [reason.code for reason in refused.value.reasons] == ["related-to-department"]


async def test_affiliates_of_the_client_are_recused(db: None) -> None:
    made = await make_notice()
    uscc = await _uscc(made.client.organization_id)
    agency = await make_agency(relations=(await _relation("organization", uscc),))
    with pytest.raises(NotEligible) as refused:
        await bid(agency, made)
    assert [reason.code for reason in refused.value.reasons] == ["related-to-client"]


async def _uscc(organization_id: int) -> str:
    code: str = await db.value("select uscc from core_organization where id = $1", organization_id)
    return code


async def _relation(kind: str, target: str) -> Relation:
    from agencies.rules.independence import RelationKind, TargetKind

    return Relation(
        kind=RelationKind.SHAREHOLDING,
        target_kind=TargetKind(kind),
        target=target,
        note="持股 30%",
    )


async def test_grade_d_is_barred_and_n_is_not(db: None) -> None:
    made = await make_notice()
    barred, newcomer = await make_surveyors(2)
    long_ago = clock.now() - timedelta(days=5)
    await make_grade(barred.agency_id, CreditGrade.D, score="55.00", published_at=long_ago)
    with pytest.raises(NotEligible) as refused:
        await bid(barred, made)
    assert [reason.code for reason in refused.value.reasons] == ["grade-barred"]
    await bid(newcomer, made)


async def test_who_is_not_on_record_cannot_bid(db: None) -> None:
    made = await make_notice()
    stranger = await make.member(Role.AGENCY)
    with pytest.raises(NotEligible) as refused:
        await services.submit_bid(stranger, notice_id=made.notice_id, offer=OFFER)
    assert [reason.code for reason in refused.value.reasons] == ["not-recorded"]


async def test_other_roles_and_guessed_ids(db: None) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    with pytest.raises(Forbidden):
        await services.submit_bid(made.client, notice_id=made.notice_id, offer=OFFER)
    with pytest.raises(NoticeGone):
        await services.submit_bid(agency.member, notice_id=987654, offer=OFFER)
    project_id, client = await make_project()
    draft = await services.draft_notice(client, project_id=project_id, draft=await notice_draft())
    with pytest.raises(NoticeGone):
        await services.submit_bid(agency.member, notice_id=draft.notice_id, offer=OFFER)


async def test_a_withdrawn_notice_or_a_direct_one_takes_no_bids(db: None) -> None:
    made = await make_notice()
    chosen, other = await make_surveyors(2)
    await services.withdraw_notice(made.client, notice_id=made.notice_id, reason="方案调整")
    with pytest.raises(BidClosed):
        await bid(other, made)
    direct = await make_notice(method=SelectionMethod.DIRECT, agency_id=chosen.agency_id)
    with pytest.raises(BidClosed):
        await bid(other, direct)


async def test_until_the_opening_the_row_says_nothing(db: None) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    await bid(agency, made)
    row = await _bid_row(made.notice_id)
    empty = ("agency", "account", "amount", "days", "proposal", "grade", "score", "place")
    assert [row[name] for name in empty] == [None] * 8


async def _bid_row(notice_id: int) -> dict[str, object]:
    return dict(await db.row("select * from market_bid where notice = $1", notice_id))
