"""What only real commits show: the same act by several at once."""

import asyncio
from decimal import Decimal

import pytest

from core import clock, db
from core.errors import NotAllowedNow
from core.forms import Upload
from core.identity import Role
from payments import queries, services
from payments.rules import AlreadyHeld, BondReleased, PayableState
from payments.rules.ledger import AccountKind
from payments.services.statements import MatchOutdated, NothingToMatch
from tests.factories import core as people
from tests.factories.payments import make_payable, nobody_above, pay, voucher

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("committed_db")]


async def test_the_same_case_at_once_owes_once() -> None:
    payer, payee = await people.member(Role.CLIENT), await people.member(Role.AGENCY)
    made = await asyncio.gather(*(make_payable(payer=payer, payee=payee, key="same") for _ in range(8)))
    assert len({one.payable_id for one in made}) == 1
    (row,) = await db.rows("select number from payments_payable")
    assert row["number"].endswith("-000001")


async def test_two_members_of_the_payer_register_one_voucher() -> None:
    made = await make_payable()
    other = await people.member(Role.CLIENT, made.payer.organization_id)
    results = await asyncio.gather(
        *(
            services.submit_voucher(actor=actor, payable_id=made.payable_id, draft=voucher())
            for actor in (made.payer, other)
        ),
        return_exceptions=True,
    )
    assert sorted(isinstance(one, NotAllowedNow) for one in results) == [False, True]
    assert len(await queries.transfers(made.payable_id)) == 1
    assert (await queries.payable(made.payable_id, made.payee)).state is PayableState.VOUCHERED


async def test_two_officers_release_one_bond_and_one_is_told_who_was_quicker() -> None:
    client, agency = await people.member(Role.CLIENT), await people.member(Role.AGENCY)
    made = await make_payable(kind="bid-bond", amount="200.00", base="10000.00", payer=agency, payee=client)
    with nobody_above():
        await pay(made)
    officers = [await people.member(Role.MARKET_SUPERVISOR) for _ in range(4)]
    results = await asyncio.gather(
        *(
            services.release_bond(actor=actor, payable_id=made.payable_id, reason="合同已备案")
            for actor in (client, *officers)
        ),
        return_exceptions=True,
    )
    refused = [one for one in results if isinstance(one, BondReleased)]
    assert len(refused) == 4, results
    name = await db.value(
        "select o.name_zh from core_trail_entry t join core_organization o on o.id = t.organization_id"
        " where t.act = 'payable.released'"
    )
    assert all(name in one.message() for one in refused)
    assert await db.value("select count(*) from payments_payable where kind = 'bond-return'") == 1
    assert (await queries.audit()).findings == ()


async def test_many_payments_at_once_leave_the_books_in_order() -> None:
    payer, payee = await people.member(Role.CLIENT), await people.member(Role.AGENCY)
    made = [await make_payable(payer=payer, payee=payee, amount=f"{n + 1}.01") for n in range(12)]
    with nobody_above():
        await asyncio.gather(*(pay(one) for one in made))
    assert await queries.balance(payee.organization_id, AccountKind.OUTSIDE) == Decimal("78.12")
    assert await db.value("select count(*) from payments_account") == 4
    assert (await queries.audit()).findings == ()


async def test_two_people_confirm_the_same_bank_line_once() -> None:
    made = await make_payable()
    number = (await queries.payable(made.payable_id, made.payee)).number
    body = f"交易日期,贷方发生额,附言\n{clock.today().isoformat()},24600.00,{number}".encode("utf-8-sig")
    receipt = await services.import_statement(actor=made.payee, upload=Upload("明细.csv", body))
    other = await people.member(Role.AGENCY, made.payee.organization_id)
    with nobody_above():
        results = await asyncio.gather(
            *(
                services.confirm_matches(actor=actor, file_id=receipt.file_id, chosen=None)
                for actor in (made.payee, other)
            ),
            return_exceptions=True,
        )
    assert sorted(isinstance(one, (MatchOutdated, NothingToMatch)) for one in results) == [False, True], results
    assert (await queries.audit()).findings == ()


async def test_two_officers_hold_at_once_and_one_is_told_who_was_quicker() -> None:
    made = await make_payable()
    officers = [await people.member(Role.MARKET_SUPERVISOR) for _ in range(3)]
    results = await asyncio.gather(
        *(services.place_hold(actor=one, payable_id=made.payable_id, reason="收到举报，核实中") for one in officers),
        return_exceptions=True,
    )
    assert sum(isinstance(one, AlreadyHeld) for one in results) == 2, results
