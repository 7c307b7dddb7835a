"""Three journeys of money: a fee by bank transfer, a bond held and given back, a bank statement read.

Each ends with the same question: does everything in the books fit? (`xinshi payments audit`)
"""

from datetime import timedelta
from decimal import Decimal

import pytest

from app import wire
from core import clock
from core.forms import Upload
from core.identity import Identity, Role
from core.trail.queries import timeline
from market.queries.bonds import bonds_of
from market.rules.bonds import BondState
from market.services.bonds import release_bid_bond
from payments import queries, services
from payments.queries import statements
from payments.rules import PayableState, PayoutOnHold
from payments.rules.ledger import AccountKind
from payments.rules.statements import Likeness
from tests.factories import core as people
from tests.factories.market import make_selected
from tests.factories.payments import MadePayable, make_payable, nobody_above, pay, voucher

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("committed_db")]


async def everything_fits() -> None:
    """The audit names nothing."""
    report = await queries.audit()
    assert report.findings == ()


async def stands(somebody: Identity, account: AccountKind) -> Decimal:
    """What an account of somebody's organisation says, in yuan."""
    return await queries.balance(somebody.organization_id, account)


async def test_a_fee_is_paid_by_bank_transfer() -> None:
    """Owed, held up by the regulator, paid, not found, paid again, confirmed, invoiced; every step in the books."""
    fee = await make_payable(title="某小区规划核实测量 第一节点", amount="24600.00")
    client, agency = fee.payer, fee.payee
    officer = await people.member(Role.MARKET_SUPERVISOR)
    assert await stands(client, AccountKind.PAYABLE) == Decimal("-24600.00")
    assert await stands(agency, AccountKind.RECEIVABLE) == Decimal("24600.00")

    await services.place_hold(actor=officer, payable_id=fee.payable_id, reason="收到举报，核实成果")
    with pytest.raises(PayoutOnHold):
        await services.submit_voucher(actor=client, payable_id=fee.payable_id, draft=voucher())
    await services.lift_hold(actor=officer, payable_id=fee.payable_id, reason="成果符合约定")

    await services.submit_voucher(actor=client, payable_id=fee.payable_id, draft=voucher())
    await services.contest(actor=agency, payable_id=fee.payable_id, reason="工行尾号 0012 至今未见")
    await services.submit_voucher(actor=client, payable_id=fee.payable_id, draft=voucher())
    with nobody_above():
        receipt = await services.confirm_receipt(actor=agency, payable_id=fee.payable_id)
    assert receipt.state is PayableState.CONFIRMED
    assert await stands(client, AccountKind.PAYABLE) == 0
    assert await stands(agency, AccountKind.OUTSIDE) == Decimal("24600.00")

    invoice = services.InvoiceDraft(
        "26370000000000000001", clock.today(), Decimal("24600.00"), Upload("发票.pdf", b"%PDF-1.7")
    )
    await services.record_invoice(actor=agency, payable_id=fee.payable_id, draft=invoice)
    (account,) = [one for one in await queries.balances(agency.organization_id) if one.kind is AccountKind.OUTSIDE]
    (entry,) = await queries.statement_page(agency.organization_id, account)
    assert (entry.balance, entry.trail_entry) == (Decimal("24600.00"), receipt.entry_id)
    assert [one.act for one in await timeline(f"payable:{fee.payable_id}")] == [
        "payable.created",
        "payable.held",
        "payable.unheld",
        "payable.vouchered",
        "payable.contested",
        "payable.vouchered",
        "payable.confirmed",
        "payable.invoiced",
    ]
    await everything_fits()


async def test_a_bond_is_asked_held_released_and_given_back() -> None:
    """The provisional winner lodges the bid bond; when the contract is filed it goes back, bank to bank."""
    wire()
    made, (winner, _) = await make_selected(bid_bond=Decimal("600.00"))
    with clock.at(made.deadline + timedelta(hours=1)):
        (asked,) = await bonds_of(await made.row(), made.client)
        assert asked.state is BondState.DUE
        assert asked.payable_id is not None
        bond = MadePayable(asked.payable_id, "", winner.member, made.client)
        row = await queries.payable(bond.payable_id, made.client)
        assert (row.amount, row.base) == (Decimal("600.00"), Decimal("30000.00"))

        await pay(bond)
        assert await stands(made.client, AccountKind.BONDS_HELD) == Decimal("-600.00")
        assert await stands(winner.member, AccountKind.BONDS_LODGED) == Decimal("600.00")
        await everything_fits()

        await release_bid_bond(int(row.key.partition(":")[0]))
        await release_bid_bond(int(row.key.partition(":")[0]))
        (going,) = await bonds_of(await made.row(), made.client)
        assert going.state is BondState.GOING_BACK
        assert going.return_id is not None
        assert await stands(made.client, AccountKind.BONDS_HELD) == 0
        assert await stands(made.client, AccountKind.PAYABLE) == Decimal("-600.00")

        await pay(MadePayable(going.return_id, "", made.client, winner.member))
        (back,) = await bonds_of(await made.row(), made.client)
        assert back.state is BondState.BACK
        assert await stands(winner.member, AccountKind.OUTSIDE) == 0
        await everything_fits()


async def test_a_bank_statement_finds_what_was_paid() -> None:
    """An agency uploads what its bank exports: exact lines are confirmed together, one by hand, one not at all."""
    agency = await people.member(Role.AGENCY)
    numbered, by_name, wrong = [await make_payable(payee=agency, amount=f"{n}200.50") for n in (1, 2, 3)]
    rows = {one.payable_id: await queries.payable(one.payable_id, agency) for one in (numbered, by_name, wrong)}
    day = clock.today().isoformat()
    lines = [
        "账号：3700 0000 0000,,,,,",
        "交易日期,对方户名,借方发生额,贷方发生额,交易流水号,附言",
        f"{day},财务代付中心,,1200.50,ICBC001,测绘费 {rows[numbered.payable_id].number}",
        f"{day},{rows[by_name.payable_id].payer_zh},,2200.50,ICBC002,测绘费",
        f"{day},财务代付中心,,3200.05,ICBC003,{rows[wrong.payable_id].number}",
        f"{day},水务公司,88.00,,ICBC004,水费",
        "合计,,88.00,6601.05,,",
    ]
    upload = Upload("工行明细.csv", "\n".join(lines).encode("gb18030"))
    imported = await services.import_statement(actor=agency, upload=upload)
    found = await statements.proposals(imported.file_id, agency.organization_id)
    assert [one.likeness for one in found.values()] == [Likeness.EXACT, Likeness.DIFFERENT, Likeness.LIKELY]

    with nobody_above():
        all_exact = await services.confirm_matches(actor=agency, file_id=imported.file_id, chosen=None)
        likely = next(one for one in found.values() if one.likeness is Likeness.LIKELY)
        by_hand = await services.confirm_matches(
            actor=agency, file_id=imported.file_id, chosen={likely.line_id: likely.payable_id}
        )
    settled = [one.payable_id for one in (*all_exact.confirmed, *by_hand.confirmed)]
    assert settled == [numbered.payable_id, by_name.payable_id]
    assert (await queries.payable(wrong.payable_id, agency)).state is PayableState.DUE
    assert await stands(agency, AccountKind.OUTSIDE) == Decimal("3401.00")

    again = await services.import_statement(actor=agency, upload=upload)
    assert (again.lines, again.repeated) == (0, 4)
    await everything_fits()
