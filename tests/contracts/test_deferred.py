"""容缺 and the depth of a review: services on a real database."""

from datetime import timedelta

import pytest

import app
from agencies.rules import CreditGrade
from agencies.rules.persons import Flag
from agencies.services import GradeFigures, flag_person
from contracts import services
from contracts.queries.contracts import contract
from contracts.queries.deferred import deferral, deferred, waiting_promises
from contracts.queries.supervision import review_plan
from contracts.rules.deliverables import SignerBarred
from contracts.rules.supervision import (
    DeferralNotAllowed,
    DeferralOver,
    DeferralTooLate,
    DeferralTooLong,
    DeferredGone,
    DeferredState,
    Depth,
)
from core import clock, db
from core.errors import NotFound
from core.forms import Upload
from core.identity import Role
from tests.factories import contracts as given
from tests.factories import core as make
from tests.factories.agencies import make_grade

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db")]


def a_draft(days: int = 7, deliverable_id: int | None = None) -> services.DeferralDraft:
    return services.DeferralDraft(
        "仪器检定证书复印件", "原件在检定机构，三日内取回", clock.today() + timedelta(days=days), deliverable_id
    )


def paper() -> Upload:
    return Upload("检定证书.pdf", given.pdf("Calibration"))


async def signed(grade: CreditGrade = CreditGrade.B, points: int = 0) -> given.MadeContract:
    made = await given.make_draft()
    await make_grade(made.agency.agency_id, grade, figures=GradeFigures(points=points))
    await given.sign(made)
    return made


async def test_a_promise_is_made_at_the_filing_and_kept() -> None:
    made = await signed()
    promised = await services.promise_document(actor=made.seller, contract_id=made.contract_id, draft=a_draft())
    await services.file_contract(actor=made.seller, contract_id=made.contract_id)
    assert [one.name for one in await waiting_promises(made.agency.organization_id)] == ["仪器检定证书复印件"]
    with pytest.raises(DeferredGone):
        await deferred(promised.deferred_id, await make.member(Role.AGENCY))
    done = await services.supply_document(actor=made.seller, deferred_id=promised.deferred_id, upload=paper())
    assert done.state is DeferredState.SUPPLIED
    row = await deferred(promised.deferred_id, made.client)
    assert (row.file_name, row.stored_file is not None) == ("检定证书.pdf", True)
    with clock.at(given.later(60)):
        assert await services.sweep_deferred() == 0


async def test_a_lapse_is_put_forward_by_the_clock_and_decided_by_a_person() -> None:
    app.wire()
    made = await signed(CreditGrade.A)
    promised = await services.promise_document(actor=made.seller, contract_id=made.contract_id, draft=a_draft(3))
    with clock.at(promised.due_at):
        with pytest.raises(DeferralOver):
            await services.supply_document(actor=made.seller, deferred_id=promised.deferred_id, upload=paper())
        assert await services.sweep_deferred() == 1
        assert await services.sweep_deferred() == 0
    point = await db.row("select * from grading_conduct where agency = $1", made.agency.agency_id)
    assert (point["code"], point["points"], point["state"], point["proposed_by"]) == ("CP-0505", 5, "proposed", 1)
    assert point["event"] == f"deferred:{promised.deferred_id}"
    assert (await deferred(promised.deferred_id, made.seller)).state is DeferredState.LAPSED


@pytest.mark.parametrize(
    ("grade", "points"), [(CreditGrade.C, 0), (CreditGrade.D, 0), (CreditGrade.N, 0), (CreditGrade.B, 5)]
)
async def test_only_a_and_b_with_few_points_may_defer(grade: CreditGrade, points: int) -> None:
    made = await signed(grade, points)
    with pytest.raises(DeferralNotAllowed):
        await services.promise_document(actor=made.seller, contract_id=made.contract_id, draft=a_draft())
    shown = await deferral(await contract(made.contract_id, made.seller), made.seller)
    assert shown.targets == ()


async def test_promises_are_few_near_and_made_in_time() -> None:
    made = await signed()
    for days in (0, 40):
        with pytest.raises(DeferralTooLong):
            await services.promise_document(actor=made.seller, contract_id=made.contract_id, draft=a_draft(days))
    with pytest.raises(NotFound):
        await services.promise_document(
            actor=await make.member(Role.AGENCY), contract_id=made.contract_id, draft=a_draft()
        )
    await services.promise_document(actor=made.seller, contract_id=made.contract_id, draft=a_draft())
    await services.promise_document(actor=made.seller, contract_id=made.contract_id, draft=a_draft())
    with pytest.raises(DeferralNotAllowed):
        await services.promise_document(actor=made.seller, contract_id=made.contract_id, draft=a_draft())
    await services.file_contract(actor=made.seller, contract_id=made.contract_id)
    with pytest.raises(DeferralTooLate):
        await services.promise_document(actor=made.seller, contract_id=made.contract_id, draft=a_draft())


async def test_a_result_waiting_for_acceptance_may_lack_a_document_too() -> None:
    made = await signed()
    await services.file_contract(actor=made.seller, contract_id=made.contract_id)
    filed = await given.deliver(made)
    shown = await deferral(await contract(made.contract_id, made.seller), made.seller)
    assert [value for value, _title in shown.targets] == [str(filed.deliverable_id)]
    draft = a_draft(deliverable_id=filed.deliverable_id)
    promised = await services.promise_document(actor=made.seller, contract_id=made.contract_id, draft=draft)
    assert (await deferred(promised.deferred_id, made.client)).deliverable_no == filed.number


@pytest.mark.parametrize(
    ("grade", "reviewers", "depth", "reason"),
    [
        (CreditGrade.C, 2, Depth.DEEP, "grade"),
        (CreditGrade.D, 3, Depth.DEEP, "grade"),
        (CreditGrade.N, 2, None, "first-results"),
        (CreditGrade.A, 1, None, "grade"),
    ],
)
async def test_the_grade_at_acceptance_plans_the_review(
    grade: CreditGrade, reviewers: int, depth: Depth | None, reason: str
) -> None:
    await given.make_reviewers(4)
    made = await given.make_filed()
    if grade is not CreditGrade.N:
        await make_grade(made.agency.agency_id, grade)
    receipt = await given.accept(made)
    plan = await review_plan(receipt.review_id)
    assert plan is not None
    assert (plan.grade, plan.reviewers, plan.reason) == (grade.value, reviewers, reason)
    assert depth is None or plan.depth is depth
    wanted, doubled = await db.row("select wanted, doubled from contracts_review where id = $1", receipt.review_id)
    assert wanted == max(reviewers, 1 + doubled)


async def test_who_is_barred_signs_no_result_at_any_agency() -> None:
    made = await given.make_filed()
    (signer, *_rest) = await given.signers(made)
    certificate = await db.value("select certificate_no from agencies_practitioner where id = $1", signer)
    today = clock.today()
    flag = Flag(certificate, "演示〔2026〕3 号", "某局", "直接责任人员", True, today, today + timedelta(days=1825))
    await flag_person(actor=await make.member(Role.GRADING_OFFICER), flag=flag)
    with pytest.raises(SignerBarred):
        await given.deliver(made)


async def test_a_promise_on_the_contract_s_page_and_through_the_interface(browse, api) -> None:
    made = await signed()
    agency, client = await browse(made.seller), await browse(made.client, lang="en")
    page = f"/contracts/{made.contract_id}"
    assert "缺少次要材料，容缺申报" in (await agency.get(page)).text
    refused = await agency.submit(f"{page}/deferred", {"about": "contract", "name": "检定证书", "reason": "在办"})
    assert refused.status_code == 422
    assert "检定证书" in refused.text
    due = (clock.today() + timedelta(days=5)).isoformat()
    data = {"about": "contract", "name": "检定证书", "reason": "在办", "due_on": due}
    assert (await agency.submit(f"{page}/deferred", data)).status_code == 303
    assert "To be handed in" in (await client.get(page)).text
    number = await db.value("select id from contracts_deferred_document")
    assert "容缺补交" in (await agency.get("/desk")).text
    upload = {"document": ("检定.pdf", given.pdf("C"), "application/pdf")}
    assert (await agency.submit(f"/deferred/{number}/file", {}, files=upload)).status_code == 303
    assert (await client.get(f"/deferred/{number}/file")).status_code == 200
    assert (await (await browse(Role.AGENCY)).get(f"/deferred/{number}/file")).status_code == 404
    program = await api(made.seller)
    listed = (await program.get(f"/api/v1{page}/deferred")).json()
    assert (listed["items"][0]["state"], listed["last_day"] is not None) == ("supplied", True)
    once = {"Idempotency-Key": "d1"}
    again = await program.post(f"/api/v1{page}/deferred", json=data, headers=once)
    assert (again.status_code, again.json()["state"]) == (201, "promised"), again.text
