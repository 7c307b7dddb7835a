"""A contract from award to filing: who may do what, and what is refused."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from contracts import queries, services
from contracts.rules import filing
from contracts.rules.filing import ContractState
from contracts.services.filing import SuspensionWithoutReason
from core import clock, db
from core.errors import Forbidden, FormInvalid, NotAllowedNow, NotFound, StaleForm
from core.identity import Role
from core.trail.queries import timeline
from market import queries as market
from market.services import AWARDED
from tests.factories import contracts as given
from tests.factories import core as make
from tests.factories.market import make_award

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db")]


async def state_of(contract_id: int) -> str:
    return str(await db.value("select state from contracts_contract where id = $1", contract_id))


async def test_an_award_drafts_its_contract_once() -> None:
    made = await given.make_draft()
    view = await queries.contract(made.contract_id, made.client)
    assert view.row.state is ContractState.DRAFT
    assert view.row.amount == view.row.bid_amount == Decimal("24600.00")
    assert [step.percent for step in view.milestones] == [Decimal("100.00")]
    assert view.row.confirm_due_at > clock.now()
    await AWARDED(view.row.award_id)
    assert await db.value("select count(*) from contracts_contract") == 1


async def test_signing_takes_both_sides_and_the_same_version() -> None:
    made = await given.make_draft()
    first = await services.confirm_contract(actor=made.client, contract_id=made.contract_id, version=1)
    assert first.state is ContractState.HALF_CONFIRMED
    with pytest.raises(filing.AlreadyConfirmed):
        await services.confirm_contract(actor=made.client, contract_id=made.contract_id, version=1)
    changed = await services.edit_contract(
        actor=made.seller, contract_id=made.contract_id, version=1, terms=given.terms("24000.00")
    )
    assert (changed.version, changed.state) == (2, ContractState.DRAFT)
    with pytest.raises(StaleForm):
        await services.confirm_contract(actor=made.seller, contract_id=made.contract_id, version=1)
    await given.sign(made)
    view = await queries.contract(made.contract_id, made.seller)
    assert view.row.state is ContractState.SIGNED
    assert view.row.filing_due_at is not None
    assert view.differences[0].changed


async def test_a_signed_contract_is_not_edited() -> None:
    made = await given.make_draft()
    await given.sign(made)
    with pytest.raises(NotAllowedNow):
        await services.edit_contract(actor=made.client, contract_id=made.contract_id, version=1, terms=given.terms())
    with pytest.raises(NotAllowedNow):
        await services.confirm_contract(actor=made.client, contract_id=made.contract_id, version=1)


async def test_a_contract_above_the_bid_is_refused_and_nothing_changes() -> None:
    made = await given.make_draft()
    with pytest.raises(FormInvalid) as refused:
        await services.edit_contract(
            actor=made.client,
            contract_id=made.contract_id,
            version=1,
            terms=given.terms("24600.01"),
        )
    assert set(refused.value.errors) == {"amount"}
    assert await given.version_of(made.contract_id) == 1


async def test_milestones_that_do_not_total_100_are_refused() -> None:
    made = await given.make_draft()
    with pytest.raises(FormInvalid) as refused:
        await services.edit_contract(
            actor=made.client,
            contract_id=made.contract_id,
            version=1,
            terms=given.terms("24600.00", 8, "30", "69"),
        )
    assert set(refused.value.errors) == {"milestones"}
    assert len(await given.milestones(made)) == 1


async def test_a_stale_edit_is_refused() -> None:
    made = await given.make_draft()
    for actor in (made.client, made.seller):
        edit = services.edit_contract(
            actor=actor, contract_id=made.contract_id, version=1, terms=given.terms("20000.00")
        )
        if actor is made.client:
            await edit
        else:
            with pytest.raises(StaleForm):
                await edit


async def test_nobody_acts_for_another_organisation() -> None:
    made = await given.make_draft()
    strangers = [await make.member(role) for role in (Role.CLIENT, Role.AGENCY)]
    disguised = replace(made.client, role=Role.AGENCY)
    for actor in (*strangers, disguised):
        with pytest.raises(NotFound):
            await services.confirm_contract(actor=actor, contract_id=made.contract_id, version=1)
        with pytest.raises(NotFound):
            await services.file_contract(actor=actor, contract_id=made.contract_id)
    for actor in strangers:
        with pytest.raises(NotFound):
            await queries.contract(made.contract_id, actor)
        assert await queries.contracts(actor, limit=10) == []
    with pytest.raises(Forbidden):
        await services.confirm_contract(actor=await make.member(Role.REVIEWER), contract_id=made.contract_id, version=1)


async def test_an_unknown_party_gets_no_contract() -> None:
    """The award names an agency whose registration has moved to another organisation meanwhile."""
    AWARDED.supply(_nothing)
    award_id, _, found = await make_award()
    award = await market.award(award_id)
    await db.execute(
        "update agencies_agency set organization = $2 where id = $1",
        award.agency_id,
        await make.organization(),
    )
    assert award.agency_organization_id in {one.organization_id for one in found}
    with pytest.raises(NotFound):
        await services.draft_from_award(award_id + 1000)
    with pytest.raises(filing.ProfessionNotRecorded):
        filing.check_may_sign(recorded=False, valid_until=None, on=clock.today())


async def _nothing(_award_id: int) -> None:
    """Nobody takes over yet."""


async def test_an_expired_certificate_stops_the_signature() -> None:
    made = await given.make_draft()
    await db.execute(
        "update agencies_profession set qualified_until = $2 where agency = $1",
        made.agency.agency_id,
        clock.today() + timedelta(days=1),
    )
    await db.execute(
        "update agencies_qualification set expires_on = $2 where agency = $1",
        made.agency.agency_id,
        clock.today() + timedelta(days=1),
    )
    await services.confirm_contract(actor=made.client, contract_id=made.contract_id, version=1)
    with clock.at(given.later(3)), pytest.raises(filing.QualificationExpired):
        await services.confirm_contract(actor=made.seller, contract_id=made.contract_id, version=1)
    assert await state_of(made.contract_id) == "half-confirmed"


async def test_filing_gives_gap_free_numbers_and_late_filing_stays_a_fact() -> None:
    first, second = await given.make_filed(), await given.make_draft()
    await given.sign(second)
    with clock.at(given.later(20)):
        receipt = await services.file_contract(actor=second.client, contract_id=second.contract_id)
    assert receipt.late
    number = (await queries.contract(first.contract_id, first.client)).row.number
    assert number is not None
    assert receipt.number is not None
    serials = [int(one[-6:]) for one in (number, receipt.number)]
    assert number.startswith(f"XT-HT-{clock.today().year}-")
    if number[:10] == receipt.number[:10]:
        assert serials[1] == serials[0] + 1
    with pytest.raises(NotAllowedNow):
        await services.file_contract(actor=second.client, contract_id=second.contract_id)


async def test_only_the_client_stops_the_work_and_lets_it_go_on() -> None:
    made = await given.make_filed()
    with pytest.raises(Forbidden):
        await services.suspend_work(actor=made.seller, contract_id=made.contract_id, reason="等图")
    with pytest.raises(SuspensionWithoutReason):
        await services.suspend_work(actor=made.client, contract_id=made.contract_id, reason=" ")
    await services.suspend_work(actor=made.client, contract_id=made.contract_id, reason="用地手续未完成")
    assert await state_of(made.contract_id) == "suspended"
    with pytest.raises(NotAllowedNow):
        await given.deliver(made)
    await services.resume_work(actor=made.client, contract_id=made.contract_id)
    view = await queries.contract(made.contract_id, made.client)
    assert view.suspensions[0].ended_on == clock.today()


async def test_the_timeline_tells_the_whole_story() -> None:
    made = await given.make_filed()
    entries = await timeline(f"contract:{made.contract_id}")
    assert [entry.act for entry in entries] == [
        "contract.drafted",
        "contract.confirmed",
        "contract.signed",
        "contract.filed",
    ]
    project = await db.value("select project from contracts_contract where id = $1", made.contract_id)
    assert "contract.filed" in [entry.act for entry in await timeline(f"project:{project}")]


async def test_the_public_sees_a_contract_only_when_it_is_filed() -> None:
    draft, filed = await given.make_draft(), await given.make_filed()
    shown = await queries.public_contracts(limit=10)
    assert [one.id for one in shown] == [filed.contract_id]
    assert draft.contract_id not in [one.id for one in shown]
    assert not hasattr(shown[0], "scope")
    with pytest.raises(NotFound):
        await queries.public_contract("XT-HT-2026-999999")


async def test_officers_read_every_contract_and_change_none() -> None:
    made = await given.make_draft()
    officer = await make.member(Role.REGISTRAR)
    view = await queries.contract(made.contract_id, officer)
    assert [view.may_edit, view.may_confirm, view.may_file] == [False, False, False]
    with pytest.raises(Forbidden):
        await services.file_contract(actor=officer, contract_id=made.contract_id)
