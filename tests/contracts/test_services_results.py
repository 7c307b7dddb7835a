"""Results: filed in versions, returned, accepted; what the record says about time and filings."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from contracts import queries, services
from contracts.rules import deliverables as rules
from core import clock, db, files
from core.errors import Forbidden, NotAllowedNow, NotFound, StaleForm
from core.forms import Upload
from core.identity import Role
from core.workdays import calendar
from payments.queries import payable_for
from payments.services import SETTLED
from tests.factories import contracts as given
from tests.factories import core as make

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db")]
MONDAY = datetime(2026, 3, 2, 10, tzinfo=clock.SHANGHAI)


async def test_a_result_gets_a_number_a_digest_and_hashes() -> None:
    made = await given.make_filed()
    receipt = await given.deliver(made)
    assert receipt.number.startswith("XT-CG-")
    assert len(receipt.digest) == 64
    view = await queries.deliverable(receipt.deliverable_id, made.client)
    version = view.submissions[0]
    assert version.digest == receipt.digest
    assert [len(one.sha256) for one in version.files] == [64]
    assert version.signers == ("张工",) or len(version.signers) == 1
    assert view.may_decide
    assert not view.may_file_again


async def test_no_result_before_the_contract_is_filed() -> None:
    made = await given.make_draft()
    with pytest.raises(rules.ContractNotFiled):
        await given.deliver(made)


@pytest.mark.parametrize(
    ("upload", "refusal"),
    [
        (Upload("报告.pdf", b""), files.FileEmpty),
        (Upload("报告.pdf", b"MZ\x90\x00 not a pdf"), files.FileMislabelled),
        (Upload("报告.exe", b"%PDF-1.7 renamed"), files.FileMislabelled),
        (Upload("报告.pdf", b"%PDF-1.7" + bytes(51 * files.MEGABYTE)), files.FileTooLarge),
    ],
)
async def test_empty_mislabelled_and_oversized_files_are_refused(upload: Upload, refusal: type[Exception]) -> None:
    made = await given.make_filed()
    with pytest.raises(refusal):
        await given.deliver(made, 1, upload)
    assert await db.value("select count(*) from contracts_deliverable") == 0


async def test_a_result_needs_files_and_signers_of_this_agency() -> None:
    made, other = await given.make_filed(), await given.make_filed()
    sound = await given.result(made)
    milestone = (await given.milestones(made))[0]
    foreign = services.ResultDraft(sound.title, "", await given.signers(other), sound.uploads)
    nobody = services.ResultDraft(sound.title, "", (), sound.uploads)
    empty = services.ResultDraft(sound.title, "", sound.signers, ())
    for draft, refusal in (
        (foreign, rules.ResultWithoutSigner),
        (nobody, rules.ResultWithoutSigner),
        (empty, rules.ResultWithoutFile),
    ):
        with pytest.raises(refusal):
            await services.file_deliverable(
                actor=made.seller,
                contract_id=made.contract_id,
                milestone_id=milestone,
                version=0,
                result=draft,
            )


async def test_guessed_milestones_and_foreign_contracts_look_absent() -> None:
    made, other = await given.make_filed(), await given.make_filed()
    with pytest.raises(NotFound):
        await services.file_deliverable(
            actor=made.seller,
            contract_id=made.contract_id,
            milestone_id=(await given.milestones(other))[0],
            version=0,
            result=await given.result(made),
        )
    receipt = await given.deliver(other)
    for actor in (made.client, made.seller, await make.member(Role.REVIEWER)):
        with pytest.raises(NotFound):
            await queries.deliverable(receipt.deliverable_id, actor)
    with pytest.raises(NotFound):
        await services.accept_deliverable(actor=made.client, deliverable_id=receipt.deliverable_id, version=1)
    with pytest.raises(NotFound):
        await services.accept_deliverable(actor=made.client, deliverable_id=10**9, version=1)
    with pytest.raises(Forbidden):
        await services.accept_deliverable(actor=other.seller, deliverable_id=receipt.deliverable_id, version=1)


async def test_a_returned_result_comes_back_as_the_next_version() -> None:
    made = await given.make_filed()
    first = await given.deliver(made)
    with pytest.raises(rules.ReturnWithoutReason):
        await services.return_deliverable(
            actor=made.client, deliverable_id=first.deliverable_id, version=1, reason="  "
        )
    await services.return_deliverable(
        actor=made.client, deliverable_id=first.deliverable_id, version=1, reason="缺少控制点成果表"
    )
    second = await given.deliver(made)
    assert (second.version, second.number, second.late) == (2, first.number, False)
    view = await queries.deliverable(first.deliverable_id, made.seller)
    assert [one.version for one in view.submissions] == [2, 1]
    assert view.submissions[1].return_reason == "缺少控制点成果表"


async def test_stale_and_doubled_decisions_are_refused() -> None:
    made = await given.make_filed()
    filed = await given.deliver(made)
    with pytest.raises(rules.AlreadyFiled):
        await given.deliver(made)
    with pytest.raises(StaleForm):
        await services.accept_deliverable(actor=made.client, deliverable_id=filed.deliverable_id, version=2)
    await given.make_reviewers(1)
    await services.accept_deliverable(actor=made.client, deliverable_id=filed.deliverable_id, version=1)
    with pytest.raises(NotAllowedNow):
        await services.return_deliverable(
            actor=made.client, deliverable_id=filed.deliverable_id, version=1, reason="反悔"
        )


async def test_acceptance_makes_the_milestone_payable() -> None:
    made = await given.make_filed("24600.00", "30", "70")
    receipt = await given.accept(made)
    milestone = (await given.milestones(made))[0]
    payable = await payable_for("milestone", str(milestone))
    assert payable is not None
    assert payable.id == receipt.payable_id
    assert payable.amount == Decimal("7380.00")
    assert await db.value("select count(*) from contracts_evaluation") == 0


async def test_punctuality_leaves_out_what_the_client_took() -> None:
    """Agreed 8 working days; 14 passed, of which a suspension and a return took 5."""
    made = await given.make_draft()
    with clock.at(MONDAY):
        await given.sign(made)
        await services.file_contract(actor=made.client, contract_id=made.contract_id)
        await services.suspend_work(actor=made.client, contract_id=made.contract_id, reason="停工")
    with clock.at(MONDAY + timedelta(days=2)):
        await services.resume_work(actor=made.client, contract_id=made.contract_id)
    with clock.at(MONDAY + timedelta(days=10)):
        filed = await given.deliver(made)
    with clock.at(MONDAY + timedelta(days=15)):
        await services.return_deliverable(
            actor=made.client, deliverable_id=filed.deliverable_id, version=1, reason="补盖章"
        )
    with clock.at(MONDAY + timedelta(days=18)):
        again = await given.deliver(made)
        receipt = await services.accept_deliverable(actor=made.client, deliverable_id=again.deliverable_id, version=2)
    days = await calendar()
    passed = days.count(MONDAY.date(), MONDAY.date() + timedelta(days=18))
    assert passed == 14
    assert receipt.record.taken == 14 - 2 - 3
    assert receipt.record.agreed == 8
    assert receipt.record.punctuality == Decimal("75.00")
    assert receipt.record.filings == Decimal("100.00")


async def test_late_filings_cost_twenty_each() -> None:
    made = await given.make_draft()
    with clock.at(MONDAY):
        await given.sign(made)
    with clock.at(MONDAY + timedelta(days=30)):
        late = await services.file_contract(actor=made.seller, contract_id=made.contract_id)
        filed = await given.deliver(made)
        await services.return_deliverable(
            actor=made.client, deliverable_id=filed.deliverable_id, version=1, reason="改"
        )
    with clock.at(MONDAY + timedelta(days=60)):
        again = await given.deliver(made)
        receipt = await services.accept_deliverable(actor=made.client, deliverable_id=again.deliverable_id, version=2)
    assert late.late
    assert again.late
    assert receipt.record.late_filings == 2
    assert receipt.record.filings == Decimal("60.00")


async def test_a_contract_completes_when_all_is_paid_and_the_evaluation_is_over() -> None:
    made = await given.make_filed()
    receipt = await given.accept(made)
    key = str((await given.milestones(made))[0])
    for _ in range(2):  # a doubled settlement changes nothing
        await SETTLED("milestone", key, receipt.payable_id, clock.now())
    await SETTLED("membership-fee", "1", 1, clock.now())
    state = await db.value("select state from contracts_contract where id = $1", made.contract_id)
    assert state == "filed"
    with clock.at(given.later(40)):
        assert await services.close_due_evaluations() == 1
        assert await services.close_due_evaluations() == 0
    view = await queries.contract(made.contract_id, made.client)
    assert view.row.state == "completed"
    assert view.evaluation is not None
    assert view.evaluation.absent
    award = await db.value("select award from contracts_contract where id = $1", made.contract_id)
    assert await db.value("select completed_at is not null from market_award where id = $1", award)


async def test_filed_files_stay_as_filed() -> None:
    made = await given.make_filed()
    await given.deliver(made)
    with pytest.raises(Exception, match="never changed"):
        await db.execute("update contracts_submission_file set name = 'x'")
