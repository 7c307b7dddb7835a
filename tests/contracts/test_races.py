"""Two at once: locks make one of them wait, and the rules then tell it what has happened."""

import asyncio
from collections.abc import Awaitable

import pytest

from contracts import services
from contracts.rules.filing import AlreadyConfirmed
from core import db
from core.errors import NotAllowedNow
from tests.factories import contracts as given

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("committed_db")]


async def both(*acts: Awaitable[object]) -> list[object]:
    return await asyncio.gather(*acts, return_exceptions=True)


async def test_a_contract_is_filed_once_and_numbers_have_no_gap() -> None:
    made = [await given.make_draft() for _ in range(2)]
    for one in made:
        await given.sign(one)
    found = await both(
        *(
            services.file_contract(actor=actor, contract_id=one.contract_id)
            for one in made
            for actor in (one.client, one.seller)
        )
    )
    receipts = [one for one in found if isinstance(one, services.ContractReceipt)]
    assert len(receipts) == 2
    assert sum(isinstance(one, NotAllowedNow) for one in found) == 2
    assert sorted(int(str(one.number)[-6:]) for one in receipts) == [1, 2]


async def test_one_side_confirming_twice_does_not_sign() -> None:
    made = await given.make_draft()
    found = await both(
        *(services.confirm_contract(actor=made.client, contract_id=made.contract_id, version=1) for _ in range(2))
    )
    assert sum(isinstance(one, AlreadyConfirmed) for one in found) == 1
    state = await db.value("select state from contracts_contract where id = $1", made.contract_id)
    assert state == "half-confirmed"


async def test_the_last_two_reviewers_at_once_share_one_result() -> None:
    made = await given.make_review("210000.00", reviewers=3)
    seats = await made.seats()
    sheets = [await given.filled(seat, 4) for seat, _ in seats]
    found = await both(
        *(
            services.submit_review(actor=reviewer, assignment_id=seat, version=1, sheet=sheet)
            for (seat, reviewer), sheet in zip(seats, sheets, strict=True)
        )
    )
    assert not [one for one in found if isinstance(one, BaseException)]
    shared = await db.value(
        "select count(*) from core_trail_entry where act = 'review.shared' and subject = $1",
        f"review:{made.review_id}",
    )
    assert shared == 1


async def test_accepting_twice_at_once_makes_one_payable_and_one_review() -> None:
    await given.make_reviewers(2)
    made = await given.make_filed()
    filed = await given.deliver(made)
    found = await both(
        *(
            services.accept_deliverable(actor=made.client, deliverable_id=filed.deliverable_id, version=1)
            for _ in range(3)
        )
    )
    assert sum(isinstance(one, services.AcceptanceReceipt) for one in found) == 1
    assert await db.value("select count(*) from payments_payable") == 1
    assert await db.value("select count(*) from contracts_review") == 1
