"""A notice that turned out to be wrong: asked about, answered, amended, and opened under its new words.

The client forgot to say how large the site is. Somebody asks, without a name. The answer changes what has to be
done, so the notice is amended. Of three bids one is confirmed, one is replaced, one is forgotten and stays closed for
good. The winner pays its bid bond, and has it back when the contract is filed.
"""

from datetime import datetime
from decimal import Decimal

import pytest

from agencies import services as agencies
from app import wire
from contracts import services as contracts
from core import clock, db, trail
from core.identity import Identity, Role
from core.trail.sequencer import verifier_keys
from core.trail.verify import check_database
from market import services as market
from market.queries.amendments import unconfirmed, versions
from market.queries.awards import award_of
from market.queries.bids import my_bid
from market.queries.bonds import bonds_of
from market.queries.notices import notice, opened_bids
from market.queries.questions import clarifications
from market.rules.amendments import Amendment
from market.rules.bids import Offer
from market.rules.bonds import BondState
from market.rules.notices import FundSource, NoticeDraft, SelectionMethod
from market.services.projects import ProjectDraft
from payments import services as payments
from payments.services import VoucherDraft
from portal.demo import papers
from tests.factories import core as make
from tests.stories.people import Time, fills_in_dossier, opens_account, time_begins, uscc_of

pytestmark = pytest.mark.anyio
MONDAY = datetime(2026, 3, 2, 9, tzinfo=clock.SHANGHAI)


async def test_an_amended_notice(committed_db: str) -> None:
    wire()
    with time_begins(MONDAY) as time:
        client = await opens_account("新泰檐下演示置业有限公司", "Demo Estate", Role.CLIENT)
        surveyors = [await registers(time, name) for name in ("衡尺", "量天", "经纬")]
        careful, thorough, forgetful = surveyors

        notice_id = await posts(time, client)
        for agency, price in zip(surveyors, ("22000.00", "23000.00", "19000.00"), strict=True):
            await market.submit_bid(agency, notice_id=notice_id, offer=Offer(Decimal(price), 10, "两级检查"))

        await asks_and_is_answered(client, thorough, notice_id)
        await amends(time, client, notice_id)
        await market.confirm_bid(careful, notice_id=notice_id)
        better = Offer(Decimal("21000.00"), 10, "两级检查，另加断面")
        await market.replace_bid(thorough, notice_id=notice_id, offer=better, amendment=1)

        await is_opened_without_the_forgotten_one(time, client, notice_id, thorough, forgetful)
        await the_bond_is_paid_and_comes_back(time, client, thorough, notice_id)
        await trail.publish()
        verdict = await check_database(keys=await verifier_keys())
        assert verdict.faults == []


async def registers(time: Time, name: str) -> Identity:
    """A surveyor goes on record."""
    full = f"新泰{name}演示测绘有限公司"
    agency = await opens_account(full, f"{name} Demo Survey", Role.AGENCY)
    registrar = await make.member(Role.REGISTRAR)
    filing = await fills_in_dossier(agency, full, await uscc_of(agency))
    await agencies.submit_filing(actor=agency, filing_id=filing)
    await agencies.accept_filing(actor=registrar, filing_id=filing)
    await time.passes(workdays=6)
    await agencies.record_filing(filing_id=filing)
    return agency


async def posts(time: Time, client: Identity) -> int:
    """A notice with a bid bond of two per cent, open for four working days."""
    described = ProjectDraft("檐下演示花园", "新泰市青云街道", "住宅小区", Decimal("80000000.00"), FundSource.OWN)
    project = await market.describe_project(client, draft=described)
    draft = NoticeDraft(
        item_code="XT-SV-01",
        method=SelectionMethod.LOWEST_PRICE,
        fund_source=FundSource.OWN,
        scale="地形图测绘",
        requirements="测绘资质乙级以上",
        payment_terms="验收后十个工作日内付清。",
        ceiling=Decimal("25000.00"),
        days_limit=15,
        deadline=await time.at_five(workdays=4),
        bid_bond=Decimal("500.00"),
    )
    written = await market.draft_notice(client, project_id=project.project_id, draft=draft)
    await market.publish_notice(client, notice_id=written.notice_id, version=1)
    return written.notice_id


async def asks_and_is_answered(client: Identity, agency: Identity, notice_id: int) -> None:
    """Everybody reads question and answer; only the asker knows whose it is."""
    asked = await market.ask_question(agency, notice_id=notice_id, text="场地有多大？要不要断面？")
    await market.answer_question(client, question_id=asked.question_id, text="六公顷，要断面。公告随后修改。")
    row = await notice(notice_id)
    (public,) = (await clarifications(row, None)).questions
    assert (public.mine, len(public.answers)) == (False, 1)
    (own,) = (await clarifications(row, agency)).questions
    assert own.mine


async def amends(time: Time, client: Identity, notice_id: int) -> None:
    """On the last day: the size is said, the ceiling rises, the deadline moves."""
    await time.passes(workdays=3)
    row = await notice(notice_id)
    amendment = Amendment(
        scale="1:500 地形图，六公顷，含断面",
        requirements=row.requirements,
        payment_terms=row.payment_terms,
        ceiling=Decimal("26000.00"),
        days_limit=row.days_limit,
        deadline=await time.at_five(workdays=3),
        bid_bond=row.bid_bond,
    )
    reason = "漏写场地面积"
    await market.amend_notice(client, notice_id=notice_id, version=row.version, amendment=amendment, reason=reason)
    (version,) = await versions(notice_id)
    assert [one.field for one in version.changes] == ["scale", "ceiling", "deadline"]


async def is_opened_without_the_forgotten_one(
    time: Time, client: Identity, notice_id: int, winner: Identity, forgetful: Identity
) -> None:
    """The old deadline passes without an opening; at the new one two bids are opened, the cheapest sleeps."""
    await time.passes(workdays=1)
    await market.sweep_notices()
    assert (await notice(notice_id)).opened_at is None
    time.goes_to((await notice(notice_id)).deadline)
    await market.sweep_notices()
    row = await notice(notice_id)
    assert [one.amount for one in await opened_bids(notice_id)] == [Decimal("21000.00"), Decimal("22000.00")]
    assert await unconfirmed(row) == 1
    closed = await my_bid(forgetful, notice_id)
    assert closed is not None
    assert (closed.amount, closed.unconfirmed) == (None, True)
    award = await award_of(notice_id)
    assert award is not None
    assert award.agency_organization_id == winner.organization_id


async def the_bond_is_paid_and_comes_back(time: Time, client: Identity, agency: Identity, notice_id: int) -> None:
    """Paid during the notice period, held until the contract is filed, then owed back by the client."""
    row = await notice(notice_id)
    (bond,) = await bonds_of(row, agency)
    assert bond.payable_id is not None
    await pays(bond.payable_id, agency, client, "YS-BZJ-1")
    await time.passes(workdays=4)
    await market.sweep_notices()
    (bond,) = await bonds_of(row, client)
    assert bond.state is BondState.HELD

    contract_id = await db.value("select id from contracts_contract")
    for side in (client, agency):
        await contracts.confirm_contract(actor=side, contract_id=contract_id, version=1)
    await contracts.file_contract(actor=agency, contract_id=contract_id)
    (bond,) = await bonds_of(row, client)
    assert bond.state is BondState.GOING_BACK
    assert bond.return_id is not None
    await pays(bond.return_id, client, agency, "YS-BZJ-2")
    (bond,) = await bonds_of(row, agency)
    assert bond.state is BondState.BACK
    assert await db.value("select count(*) from payments_payable where kind = 'bond-return'") == 1


async def pays(payable_id: int, payer: Identity, payee: Identity, reference: str) -> None:
    """A voucher, and the payee's word."""
    paper = papers.scan("银行回单", [reference])
    draft = VoucherDraft(reference, clock.today(), paper)
    await payments.submit_voucher(actor=payer, payable_id=payable_id, draft=draft)
    await payments.confirm_receipt(actor=payee, payable_id=payable_id)
