"""Holds, bonds, payouts, bundles, invoices, review costs: the acts and what they refuse."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from agencies import services as agencies
from agencies.rules.suspensions import AgencySuspended
from core import clock, db
from core.errors import Forbidden, NotAllowedNow
from core.forms import Upload
from core.identity import SYSTEM, Identity, Role
from core.trail.queries import timeline
from payments import queries, services
from payments.rules import (
    AlreadyHeld,
    AmountDiffers,
    BondAboveCap,
    BondReleased,
    BondWithoutBase,
    NotABond,
    NotHeld,
    PayableNotFound,
    PayableState,
    PayoutOnHold,
    ReferenceUsed,
    RefundAbovePaid,
)
from payments.rules.invoices import InvoiceAmountDiffers, InvoiceNumberInvalid, InvoiceUsed
from payments.rules.ledger import AccountKind, captured, fen
from payments.services.bonds import RELEASE_ONLINE
from payments.services.bundles import BundleSize
from payments.services.moving import locked, settle
from payments.services.payouts import BondsAreKept
from payments.services.review_costs import NoSuchOrganization, NotADepartment
from tests.factories import agencies as registry
from tests.factories import core as people
from tests.factories.payments import MadePayable, make_payable, nobody_above, pay, voucher

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db", "wired")]


@pytest.fixture
def wired(web_app: object) -> None:
    """The floors know each other, as in life."""


async def capture(made: MadePayable) -> None:
    """What the provider's part does when money has come in."""
    row = await locked(made.payable_id)
    with nobody_above():
        await settle(
            actor=SYSTEM,
            row=row,
            to=row.position.capture(row.amount),
            says="payable.captured",
            facts={},
            postings=[captured(row.parties, fen(row.amount), "pi_1")],
        )


async def test_a_hold_stops_the_payer_and_the_payout_until_it_is_lifted() -> None:
    made, officer = await make_payable(), await people.member(Role.MARKET_SUPERVISOR)
    await services.place_hold(actor=officer, payable_id=made.payable_id, reason="收到举报，核实中")
    with pytest.raises(AlreadyHeld):
        await services.place_hold(actor=officer, payable_id=made.payable_id, reason="又一次")
    with pytest.raises(PayoutOnHold, match="收到举报"):
        await services.submit_voucher(actor=made.payer, payable_id=made.payable_id, draft=voucher())
    await services.lift_hold(actor=officer, payable_id=made.payable_id, reason="核实无误")
    with pytest.raises(NotHeld):
        await services.lift_hold(actor=officer, payable_id=made.payable_id, reason="核实无误")
    await capture(made)
    await services.place_hold(actor=officer, payable_id=made.payable_id, reason="收到举报，核实中")
    with pytest.raises(PayoutOnHold):
        await services.pay_out(payable_id=made.payable_id, event="tr_1")
    await services.lift_hold(actor=officer, payable_id=made.payable_id, reason="核实无误")
    assert (await services.pay_out(payable_id=made.payable_id, event="tr_1")).state is PayableState.PAID_OUT
    acts = [entry.act for entry in await timeline(f"payable:{made.payable_id}")]
    assert acts.count("payable.held") == acts.count("payable.unheld") == 2
    with pytest.raises(Forbidden):
        await services.place_hold(actor=made.payer, payable_id=made.payable_id, reason="不想付")


async def test_what_is_finished_cannot_be_held() -> None:
    made, officer = await make_payable(), await people.member(Role.MARKET_SUPERVISOR)
    with nobody_above():
        await pay(made)
    with pytest.raises(NotAllowedNow):
        await services.place_hold(actor=officer, payable_id=made.payable_id, reason="晚了一步的暂停")


# ---- payouts
async def test_nothing_is_paid_out_to_an_agency_suspended_meanwhile() -> None:
    agency = await registry.make_agency()
    payee = agency.member
    made, officer = await make_payable(payee=payee), await people.member(Role.MARKET_SUPERVISOR)
    await capture(made)
    await agencies.suspend_agency(actor=officer, agency_id=agency.agency_id, reason="涉嫌出具虚假报告")
    with pytest.raises(AgencySuspended, match="虚假报告"):
        await services.pay_out(payable_id=made.payable_id, event="tr_1")
    assert (await queries.payable(made.payable_id, made.payer)).state is PayableState.CAPTURED
    assert await queries.balance(payee.organization_id, AccountKind.ESCROW) == Decimal("24600.00")
    await agencies.resume_agency(actor=officer, agency_id=agency.agency_id, reason="查无此事")
    await services.pay_out(payable_id=made.payable_id, event="tr_1")
    again = await services.pay_out(payable_id=made.payable_id, event="tr_1")
    assert again.state is PayableState.PAID_OUT
    assert await queries.balance(payee.organization_id, AccountKind.ESCROW) == 0
    assert await queries.balance(payee.organization_id, AccountKind.OUTSIDE) == Decimal("24600.00")
    done = await services.confirm_receipt(actor=payee, payable_id=made.payable_id)
    assert done.state is PayableState.CONFIRMED
    assert (await queries.audit()).findings == ()


async def test_a_bond_is_never_paid_out_and_refunds_stop_at_what_is_there() -> None:
    made = await make_payable(kind="performance-bond", amount="100.00", base="1000.00")
    await capture(made)
    with pytest.raises(BondsAreKept):
        await services.pay_out(payable_id=made.payable_id, event="tr_1")
    row = await queries.payable(made.payable_id, made.payer)
    with pytest.raises(RefundAbovePaid):
        row.position.refund(Decimal("100.01"))


# ---- bonds
async def a_held_bond(**changes: str) -> tuple[MadePayable, Identity]:
    agency, client = await people.member(Role.AGENCY), await people.member(Role.CLIENT)
    facts = {"kind": "bid-bond", "amount": "200.00", "base": "10000.00", "title": "新泰某项目 投标保证金"} | changes
    made = await make_payable(payer=agency, payee=client, **facts)
    with nobody_above():
        await pay(made)
    return made, client


async def test_a_bond_is_held_released_and_given_back() -> None:
    made, client = await a_held_bond()
    assert await queries.balance(client.organization_id, AccountKind.BONDS_HELD) == Decimal("-200.00")
    assert await queries.balance(made.payer.organization_id, AccountKind.BONDS_LODGED) == Decimal("200.00")
    done = await services.release_bond(actor=client, payable_id=made.payable_id, reason="已另签合同")
    assert done.state is PayableState.RELEASED
    back = await queries.payable_for("bond-return", f"bid-bond:{made.key}")
    assert back is not None
    assert (back.payer_id, back.amount, back.title) == (
        client.organization_id,
        Decimal(200),
        "新泰某项目 退还投标保证金",
    )
    assert back.due_on == clock.today() + timedelta(days=5)
    assert await queries.balance(client.organization_id, AccountKind.BONDS_HELD) == 0
    assert await queries.balance(client.organization_id, AccountKind.PAYABLE) == Decimal("-200.00")
    with nobody_above():
        await services.submit_voucher(actor=client, payable_id=back.id, draft=voucher())
        await services.confirm_receipt(actor=made.payer, payable_id=back.id)
    assert await queries.balance(client.organization_id, AccountKind.OUTSIDE) == 0
    assert (await queries.audit()).findings == ()


async def test_only_the_holder_and_the_regulator_release_and_only_bonds_that_are_held() -> None:
    made, client = await a_held_bond()
    with pytest.raises(PayableNotFound):
        await services.release_bond(actor=made.payer, payable_id=made.payable_id, reason="我想拿回来")
    fee = await make_payable(payee=client)
    with pytest.raises(NotABond):
        await services.release_bond(actor=client, payable_id=fee.payable_id, reason="不是保证金")
    unpaid = await make_payable(kind="bid-bond", amount="1.00", base="100.00", payee=client)
    with pytest.raises(NotAllowedNow):
        await services.release_bond(actor=client, payable_id=unpaid.payable_id, reason="还没有缴")
    officer = await people.member(Role.MARKET_SUPERVISOR)
    await services.release_bond(actor=officer, payable_id=made.payable_id, reason="业主失联，监管代为解除")


async def test_a_bond_kept_by_the_provider_is_handed_to_the_provider() -> None:
    made = await make_payable(kind="bid-bond", amount="200.00", base="10000.00")
    await capture(made)
    await services.release_bond(actor=made.payee, payable_id=made.payable_id, reason="已签合同")
    jobs = await db.value("select count(*) from procrastinate_jobs where task_name = $1", RELEASE_ONLINE)
    assert jobs == 1
    assert await services.release_bond_of(kind="bid-bond", key=made.key, reason="contract-filed") is None
    with pytest.raises(BondReleased):
        await services.release_bond(actor=made.payee, payable_id=made.payable_id, reason="再来一次")


@pytest.mark.parametrize(
    ("kind", "amount", "base", "error"),
    [
        ("bid-bond", "200.01", "10000", BondAboveCap),
        ("performance-bond", "1000.01", "10000", BondAboveCap),
        ("bid-bond", "1", None, BondWithoutBase),
    ],
)
async def test_caps_are_enforced_when_a_bond_is_asked(
    kind: str, amount: str, base: str | None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await make_payable(kind=kind, amount=amount, base=base)
    assert await db.value("select count(*) from payments_payable") == 0


# ---- the amount in the form, bundles
async def test_an_amount_changed_in_the_form_registers_nothing() -> None:
    made = await make_payable()
    with pytest.raises(AmountDiffers):
        await services.submit_voucher(
            actor=made.payer, payable_id=made.payable_id, draft=voucher(seen=Decimal("2460.00"))
        )
    assert await queries.transfers(made.payable_id) == []
    await services.submit_voucher(actor=made.payer, payable_id=made.payable_id, draft=voucher(seen=Decimal("24600")))


async def test_a_bundle_is_paid_once_and_split_among_the_payees() -> None:
    payer = await people.member(Role.CLIENT)
    parts = [await make_payable(payer=payer, amount=f"{n}00.00") for n in (1, 2, 3)]
    ids = [one.payable_id for one in parts]
    slip = voucher(seen=Decimal("600.00"))
    receipt = await services.pay_bundle(actor=payer, payable_ids=ids, draft=slip)
    assert receipt.amount == Decimal(600)
    assert receipt.number.startswith("XT-HB-")
    with nobody_above():
        for one in parts:
            await services.confirm_receipt(actor=one.payee, payable_id=one.payable_id)
    assert await queries.balance(payer.organization_id, AccountKind.OUTSIDE) == Decimal("-600.00")
    for one, amount in zip(parts, (100, 200, 300), strict=True):
        assert await queries.balance(one.payee.organization_id, AccountKind.OUTSIDE) == amount
    other = await make_payable(payer=payer)
    with pytest.raises(ReferenceUsed):
        await services.submit_voucher(actor=payer, payable_id=other.payable_id, draft=replace(slip, seen=None))


async def test_a_bundle_is_all_or_nothing() -> None:
    payer, officer = await people.member(Role.CLIENT), await people.member(Role.MARKET_SUPERVISOR)
    parts = [await make_payable(payer=payer, amount="100.00") for _ in range(3)]
    ids = [one.payable_id for one in parts]
    foreign = await make_payable()
    refused: list[tuple[list[int], str, type[Exception]]] = [
        (ids, "299.99", AmountDiffers),
        (ids[:1], "100.00", BundleSize),
        ([*ids, foreign.payable_id], "24900.00", PayableNotFound),
    ]
    for chosen, seen, error in refused:
        with pytest.raises(error):
            await services.pay_bundle(actor=payer, payable_ids=chosen, draft=voucher(seen=Decimal(seen)))
    await services.place_hold(actor=officer, payable_id=ids[1], reason="核实其中一笔")
    with pytest.raises(PayoutOnHold):
        await services.pay_bundle(actor=payer, payable_ids=ids, draft=voucher(seen=Decimal("300.00")))
    assert await db.value("select count(*) from payments_transfer") == 0
    assert await db.value("select count(*) from payments_bundle") == 0


# ---- invoices
PAPER = Upload("发票.pdf", b"%PDF-1.7\n")
DIGITAL = "26370000000000000001"


def draft(number: str = DIGITAL, amount: str = "24600.00") -> services.InvoiceDraft:
    return services.InvoiceDraft(number, clock.today(), Decimal(amount), PAPER)


async def test_the_payee_records_its_invoice_and_may_replace_it() -> None:
    made = await make_payable()
    await services.record_invoice(actor=made.payee, payable_id=made.payable_id, draft=draft())
    await services.record_invoice(actor=made.payee, payable_id=made.payable_id, draft=draft("0370000000 12345678"))
    numbers = [one.number for one in await queries.invoices(made.payable_id)]
    assert numbers == ["0370000000-12345678", DIGITAL]
    other = await make_payable()
    with pytest.raises(InvoiceUsed):
        await services.record_invoice(actor=other.payee, payable_id=other.payable_id, draft=draft())
    with pytest.raises(InvoiceAmountDiffers):
        await services.record_invoice(actor=other.payee, payable_id=other.payable_id, draft=draft("1" * 20, "1.00"))
    with pytest.raises(InvoiceNumberInvalid):
        await services.record_invoice(actor=other.payee, payable_id=other.payable_id, draft=draft("123"))
    with pytest.raises(PayableNotFound):
        await services.record_invoice(actor=other.payer, payable_id=other.payable_id, draft=draft("1" * 20))
    bond, client = await a_held_bond()
    with pytest.raises(NotAllowedNow):
        await services.record_invoice(actor=client, payable_id=bond.payable_id, draft=draft("2" * 20, "200.00"))


# ---- review costs
async def test_the_department_that_orders_a_review_pays_it() -> None:
    office = await people.organization("泰安市行政审批服务局", kind="public_body")
    officer, reviewer = await people.member(Role.GRADING_OFFICER, office), await people.member(Role.AGENCY)
    uscc = await db.value("select uscc from core_organization where id = $1", reviewer.organization_id)
    facts = {"reference": "SC-7", "amount": Decimal("800.00"), "title": "技术审查费", "due_on": clock.today()}
    payable_id = await services.ask_review_cost(actor=officer, payee_uscc=uscc, **facts)
    row = await queries.payable(payable_id, officer)
    assert (row.payer_id, row.kind) == (office, "review-cost")
    assert row.is_payer(officer)
    assert await services.ask_review_cost(actor=officer, payee_uscc=uscc, **facts) == payable_id
    with pytest.raises(NoSuchOrganization):
        await services.ask_review_cost(actor=officer, payee_uscc="91370982MAXT201513", **facts)
    private = await people.member(Role.GRADING_OFFICER, reviewer.organization_id)
    with pytest.raises(NotADepartment):
        await services.ask_review_cost(actor=private, payee_uscc=uscc, **facts)
    with pytest.raises(Forbidden):
        await services.ask_review_cost(actor=await people.member(Role.CLIENT), payee_uscc=uscc, **facts)


# ---- the clock
async def test_reminders_go_out_once_each() -> None:
    waiting, late, fresh = await make_payable(), await make_payable(), await make_payable()
    await services.submit_voucher(actor=waiting.payer, payable_id=waiting.payable_id, draft=voucher())
    await services.submit_voucher(actor=fresh.payer, payable_id=fresh.payable_id, draft=voucher())
    await services.contest(actor=fresh.payee, payable_id=fresh.payable_id, reason="没有看到这笔钱")
    assert await services.send_reminders() == 0
    with clock.at(clock.now() + timedelta(days=8)):
        assert await services.send_reminders() == 1
        assert await services.send_reminders() == 0
    with clock.at(clock.now() + timedelta(days=30)):
        assert await services.send_reminders() == 2
    sent = [row["message"] for row in await db.rows("select message from core_mail order by id desc limit 3")]
    assert sorted(sent) == ["payments/payable_overdue", "payments/payable_overdue", "payments/voucher_waits"]
    assert late.payable_id


async def test_the_nightly_audit_is_on_record_for_the_finance_desk() -> None:
    await make_payable()
    assert await services.record_audit()
    kept = await queries.latest_audit()
    assert kept is not None
    assert (kept.payables, kept.findings) == (1, [])


async def test_the_finance_desk_lists_what_is_out_of_order_most_urgent_first() -> None:
    officer = await people.member(Role.MARKET_SUPERVISOR)
    fine, late, contested, held = [await make_payable() for _ in range(4)]
    await services.submit_voucher(actor=contested.payer, payable_id=contested.payable_id, draft=voucher())
    await services.contest(actor=contested.payee, payable_id=contested.payable_id, reason="没有看到这笔钱")
    await services.place_hold(actor=officer, payable_id=held.payable_id, reason="核实其中一笔")
    await services.submit_voucher(actor=fine.payer, payable_id=fine.payable_id, draft=voucher())
    assert [one.trouble.value for one in await queries.troubles()] == ["held", "contested"]
    with clock.at(clock.now() + timedelta(days=20)):
        listed = [(one.trouble.value, one.row.id) for one in await queries.troubles()]
    assert listed == [
        ("held", held.payable_id),
        ("contested", contested.payable_id),
        ("unconfirmed", fine.payable_id),
        ("overdue", late.payable_id),
    ]


async def test_the_supervisors_desk_leads_to_the_finance_desk_while_something_is_wrong() -> None:
    officer = await people.member(Role.MARKET_SUPERVISOR)
    made = await make_payable()
    assert await queries.desk_items(officer, clock.now()) == []
    await services.place_hold(actor=officer, payable_id=made.payable_id, reason="核实其中一笔")
    (item,) = await queries.desk_items(officer, clock.now())
    assert item.href == "/payments/desk"
