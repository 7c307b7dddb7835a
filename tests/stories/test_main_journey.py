"""The main journey, as it happens in the market: read it from top to bottom.

An agency registers. A client posts what it needs. Agencies bid under seal, the bids are opened, one is
selected. The contract is filed, the result is filed and accepted, experts review it, the client says what it
thinks, the fee is paid. After some commissions the agency's work is graded, the grade is published with a
certificate, and the trail of all of it verifies.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import pytest

from agencies import queries as register
from agencies import services as agencies
from agencies.rules import CreditGrade, Profession
from app import wire
from contracts import queries as contract_queries
from contracts import services as contracts
from contracts.queries.contracts import possible_signers
from contracts.rules.evaluations import Stars
from contracts.rules.filing import ContractState
from contracts.rules.reviews import AssignmentState, ReviewState
from contracts.rules.sheets import Mark
from contracts.services import ResultDraft, SheetFilled
from core import clock, db, trail
from core.identity import SYSTEM, Identity, Role
from core.trail.sequencer import verifier_keys
from core.trail.verify import check_database
from grading import services as grading
from grading.queries.certificates import certificate
from grading.queries.reports import ReportView, standing_explanation
from grading.rules.lifecycle import CertificateState
from market import services as market
from market.queries.awards import award_of
from market.rules.bids import Offer
from market.rules.notices import FundSource, NoticeDraft, SelectionMethod
from market.services.projects import ProjectDraft
from payments import services as payments
from payments.services import VoucherDraft
from portal.demo import papers
from tests.factories import core as make
from tests.stories.people import Time, experts, fills_in_dossier, opens_account, time_begins, uscc_of

pytestmark = pytest.mark.anyio

MONDAY = datetime(2026, 3, 2, 9, tzinfo=clock.SHANGHAI)
SURVEYING = Profession.SURVEYING


@dataclass
class Town:
    """Everybody in the story."""

    time: Time
    registrar: Identity
    officer: Identity
    experts: dict[str, Identity]
    clients: list[Identity]
    agencies: list[Identity]


async def test_from_registration_to_a_grade_that_anybody_can_check(committed_db: str) -> None:
    wire()
    with time_begins(MONDAY) as time:
        town = await a_town(time)
        for agency in town.agencies:
            await registers(town, agency)
        hengchi = town.agencies[0]

        contract_id = await wins_a_commission(town, town.clients[0], hengchi)
        await is_carried_out(town, town.clients[0], hengchi, contract_id)
        await one_result_is_not_enough_for_a_grade(town, hengchi)

        for number in range(1, 7):
            client = town.clients[number % 3]
            contract_id = await wins_a_commission(town, client, hengchi)
            await is_carried_out(town, client, hengchi, contract_id)
        await is_graded_and_anybody_can_check_it(town, hengchi)
    await the_trail_verifies()


async def a_town(time: Time) -> Town:
    """The office, five experts, three clients and three surveying agencies."""
    officer = await make.member(Role.GRADING_OFFICER)
    return Town(
        time=time,
        registrar=await make.member(Role.REGISTRAR),
        officer=officer,
        experts=await experts(officer, 5),
        clients=[await opens_account(f"新泰第{n}演示置业有限公司", f"Demo Estate {n}", Role.CLIENT) for n in "一二三"],
        agencies=[
            await opens_account(f"新泰{name}演示测绘有限公司", f"{name} Demo Survey", Role.AGENCY)
            for name in ("衡尺", "青岚", "鹿野")
        ],
    )


async def registers(town: Town, agency: Identity) -> None:
    """A dossier is filed, checked, put on notice for five working days, and recorded with a number."""
    filing = await fills_in_dossier(agency, agency.organization_name, await uscc_of(agency))
    handed_in = await agencies.submit_filing(actor=agency, filing_id=filing)
    assert handed_in.number
    await agencies.accept_filing(actor=town.registrar, filing_id=filing)
    assert await register.agency_of(agency.organization_id) is None

    await town.time.passes(workdays=6)
    assert await agencies.record_due_filings() == 1
    assert await register.agency_of(agency.organization_id) is not None


async def wins_a_commission(town: Town, client: Identity, winner: Identity) -> int:
    """A notice, sealed bids, the opening, three working days on display, the award; the contract's id."""
    project = await market.describe_project(
        client,
        draft=ProjectDraft(
            title="檐下演示花园",
            location="新泰市青云街道",
            description="住宅小区一期",
            investment=Decimal("80000000.00"),
            fund_source=FundSource.OWN,
        ),
    )
    deadline = await town.time.at_five(workdays=4)
    draft = await market.draft_notice(
        client,
        project_id=project.project_id,
        draft=NoticeDraft(
            item_code="XT-SV-01",
            method=SelectionMethod.LOWEST_PRICE,
            fund_source=FundSource.OWN,
            scale="约 6 公顷",
            requirements="一次提交，负责修改至通过。",
            payment_terms="验收后十个工作日内付清。",
            ceiling=Decimal("30000.00"),
            days_limit=15,
            deadline=deadline,
        ),
    )
    notice = await market.publish_notice(client, notice_id=draft.notice_id, version=draft.version)
    assert notice.number

    others = [one for one in town.agencies if one is not winner]
    for agency, amount in zip([winner, *others], ("21800.00", "23500.00", "26000.00"), strict=True):
        receipt = await market.submit_bid(
            agency, notice_id=notice.notice_id, offer=Offer(Decimal(amount), 12, "两级检查")
        )
        assert receipt.number.startswith("BJ-")
    assert await market.open_bids(notice.notice_id) is False, "nobody opens a bid before the deadline"
    sealed = await db.rows("select agency, amount, proposal from market_bid where notice = $1", notice.notice_id)
    assert [tuple(row) for row in sealed] == [(None, None, None)] * 3, "the database does not know who bid what"

    town.time.goes_to(deadline)
    assert await market.open_bids(notice.notice_id)
    assert await market.select_winner(notice.notice_id)
    award = await award_of(notice.notice_id)
    assert award is not None
    assert (award.agency_organization_id, award.amount) == (winner.organization_id, Decimal("21800.00"))
    assert award.why.code == "chosen-lowest"

    town.time.goes_to(award.display_until)
    assert await market.confirm_award(notice.notice_id)
    return await contracts.draft_from_award(award.award_id)


async def is_carried_out(town: Town, client: Identity, agency: Identity, contract_id: int) -> None:
    """Both sides confirm, the contract is filed, the work done, accepted, reviewed, judged and paid."""
    await town.time.passes(workdays=1)
    await contracts.confirm_contract(actor=client, contract_id=contract_id, version=1)
    await contracts.confirm_contract(actor=agency, contract_id=contract_id, version=1)
    filed = await contracts.file_contract(actor=agency, contract_id=contract_id)
    assert filed.number is not None
    assert not filed.late

    await town.time.passes(workdays=8)
    (milestone,) = (await contract_queries.contract(contract_id, agency)).milestones
    result = await contracts.file_deliverable(
        actor=agency,
        contract_id=contract_id,
        milestone_id=milestone.id,
        version=0,
        result=ResultDraft(
            title="地形图测绘成果",
            note="",
            signers=tuple(one.id for one in await possible_signers(agency)),
            uploads=(papers.scan("地形图测绘报告", ["1:500", "控制点 24 个"]),),
        ),
    )
    await town.time.passes(workdays=2)
    accepted = await contracts.accept_deliverable(
        actor=client, deliverable_id=result.deliverable_id, version=result.version
    )
    assert accepted.record.punctuality == 100, "eight of twelve working days"

    await is_reviewed(town, agency, accepted.review_id)
    await is_judged(client, agency, contract_id)
    await is_paid(town, client, agency, accepted.payable_id)
    view = await contract_queries.contract(contract_id, client)
    assert view.row.state is ContractState.COMPLETED


async def is_reviewed(town: Town, agency: Identity, review_id: int) -> None:
    """Experts drawn by lot mark every indicator, without knowing whose work it is; the agency agrees."""
    await town.time.passes(workdays=2)
    view = await contract_queries.review(review_id, town.officer)
    for seat in view.findings:
        assert seat.state is AssignmentState.ASSIGNED
        expert = town.experts[seat.code]
        row = await contract_queries.assignment(seat.id, expert)
        assert agency.organization_name not in repr(row), "the agency's name is masked"
        marks = {one.code: Mark(4, "第 3 页：符合") for one in row.sheet.indicators}
        handed_in = await contracts.submit_review(
            actor=expert,
            assignment_id=row.id,
            version=row.version,
            sheet=SheetFilled(marks, [], "总体良好；已抽查外业观测手簿、检查点记录和计算书，三者一致无误"),
        )
    assert handed_in.state is ReviewState.COMMENT
    final = await contracts.waive_comment(actor=agency, review_id=review_id)
    assert final.state is ReviewState.FINAL
    assert (await contract_queries.review(review_id, agency)).row.technical == Decimal("85.00")


async def is_judged(client: Identity, agency: Identity, contract_id: int) -> None:
    """Stars and statement, neither side having seen the other's."""
    words = await contracts.file_statement(actor=agency, contract_id=contract_id, text="按合同履行。")
    assert not words.revealed
    stars = Stars(quality=4, time=5, conduct=4, charging=4, again=True, narrative="按期交付，沟通及时，图件完整。")
    assert (await contracts.file_evaluation(actor=client, contract_id=contract_id, stars=stars)).revealed


async def is_paid(town: Town, client: Identity, agency: Identity, payable_id: int) -> None:
    """A bank transfer with its voucher; the money counts when the payee says that it is there."""
    voucher = VoucherDraft(f"YS{payable_id:08d}", clock.today(), papers.scan("银行回单", [str(payable_id)]))
    await payments.submit_voucher(actor=client, payable_id=payable_id, draft=voucher)
    await town.time.passes(workdays=1)
    settled = await payments.confirm_receipt(actor=agency, payable_id=payable_id)
    assert settled.receipt_number


async def one_result_is_not_enough_for_a_grade(town: Town, agency: Identity) -> None:
    """N says that the evidence does not suffice; it is no bad mark."""
    run = await grading.prepare_run(actor=town.officer, as_of=clock.today())
    await town.time.passes(workdays=6)
    published = await grading.publish_run(actor=town.officer, run_id=run.run_id)
    assert {one.result for one in published.published} == {CreditGrade.N}
    assert await shown_grade(agency) is CreditGrade.N


async def is_graded_and_anybody_can_check_it(town: Town, agency: Identity) -> None:
    """The officer grades, the agency comments, a person signs; the explanation adds up, the certificate holds."""
    run = await grading.prepare_run(actor=town.officer, as_of=clock.today())
    known = await register.agency_of(agency.organization_id)
    assert known is not None
    report_id = await db.value(
        "select id from grading_report where run = $1 and agency = $2", run.run_id, known.agency_id
    )
    await grading.comment(actor=agency, report_id=report_id, text="对成果和数据没有异议。")
    await town.time.passes(workdays=6)
    together = await grading.publish_run(actor=town.officer, run_id=run.run_id)
    assert together.left == (report_id,), "what an agency commented on is signed by itself, with an answer"
    published = await grading.publish(actor=town.officer, report_id=report_id, answer="意见已阅，一并公布。")
    assert published.result is CreditGrade.B

    assert await shown_grade(agency) is CreditGrade.B
    explained = await standing_explanation(known.agency_id, SURVEYING, SYSTEM)
    assert explained is not None
    assert adds_up(explained), "the field's level and the effect of every case make the score, to the last point"
    assert published.certificate_no is not None
    proof = await certificate(published.certificate_no)
    assert proof.state is CertificateState.VALID
    assert (await grading.replay_check()).drifts == []


def adds_up(explained: ReportView) -> bool:
    """The level of the field, every case, and what else counts: their sum is the published score."""
    table = explained.outcome.explanation
    effects = [line.row.effect for line in explained.lines] + [row.effect for row in table.extras]
    return table.base + sum(effects, Decimal(0)) == explained.outcome.score


async def shown_grade(agency: Identity) -> CreditGrade:
    """The grade on record."""
    known = await register.agency_of(agency.organization_id)
    assert known is not None
    return (await register.standing(known.agency_id, SURVEYING, clock.today())).grade


async def the_trail_verifies() -> None:
    """Every entry has its place in the signed log."""
    head = await trail.publish()
    verdict = await check_database(keys=await verifier_keys())
    assert verdict.faults == []
    assert verdict.entries == head.size
