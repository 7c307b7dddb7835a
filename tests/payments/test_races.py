"""What only real commits show: the same act by several at once."""

import asyncio

import pytest

from core import db
from core.errors import NotAllowedNow
from core.identity import Role
from payments import queries, services
from payments.rules import PayableState
from tests.factories import core as people
from tests.factories.payments import make_payable, voucher

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
