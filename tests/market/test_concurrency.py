"""Rivals at the same moment, on real connections: one bid per agency, one opening, nothing lost."""

import asyncio
import importlib
from datetime import timedelta
from decimal import Decimal

import asyncpg
import pytest

from core import clock, db
from core.errors import DomainError
from market import services
from market.rules.bids import AlreadyBid, Offer
from market.rules.notices import DeadlinePassed, NoticeState
from tests.factories.market import bid, make_notice, make_surveyors

pytestmark = pytest.mark.anyio


async def outcome(act: object) -> object:
    """The result of an act, or the refusal as a value."""
    try:
        return await act  # type: ignore[misc]
    except DomainError as error:
        return error


async def test_five_colleagues_bidding_at_once_make_one_bid(committed_db: str) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    acts = [outcome(bid(agency, made, f"{20000 + n}.00")) for n in range(5)]
    results = await asyncio.gather(*acts)
    assert sum(isinstance(one, services.BidReceipt) for one in results) == 1
    assert sum(isinstance(one, AlreadyBid) for one in results) == 4
    assert await db.value("select count(*) from market_bid") == 1


async def test_two_openings_at_once_open_once(committed_db: str) -> None:
    made = await make_notice()
    for agency in await make_surveyors(3):
        await bid(agency, made)
    with clock.at(made.deadline):
        opened = await asyncio.gather(*(services.open_bids(made.notice_id) for _ in range(3)))
        chosen = await asyncio.gather(*(services.select_winner(made.notice_id) for _ in range(3)))
    assert sorted(opened) == sorted(chosen) == [False, False, True]
    assert await db.value("select count(*) from market_opening") == 1
    assert await db.value("select count(*) from market_award") == 1


async def test_bids_racing_the_opening_are_counted_or_refused_never_lost(committed_db: str) -> None:
    made = await make_notice()
    agencies = await make_surveyors(6)
    ticks = iter(range(10_000))
    start = made.deadline - timedelta(microseconds=60)

    def moving() -> object:
        return start + timedelta(microseconds=next(ticks))

    with clock.at(moving):  # type: ignore[arg-type]
        acts = [outcome(bid(agency, made, f"{20000 + n}.00")) for n, agency in enumerate(agencies)]
        results = await asyncio.gather(*acts)
        while not await services.open_bids(made.notice_id):
            pass
    accepted = [one for one in results if isinstance(one, services.BidReceipt)]
    refused = [one for one in results if isinstance(one, DeadlinePassed)]
    assert len(accepted) + len(refused) == 6
    assert all(one.received_at < made.deadline for one in accepted)
    stored = {row["digest"] for row in await db.rows("select digest from market_bid")}
    assert stored == {one.digest for one in accepted}
    received = await db.value("select received from market_opening")
    state = (await made.row()).state
    assert (received or 0) == len(accepted)
    assert state is (NoticeState.OPENED if accepted else NoticeState.FAILED)


async def test_an_opening_waits_for_a_bid_that_is_being_written(committed_db: str) -> None:
    made = await make_notice()
    first, second = await make_surveyors(2)
    await bid(first, made, "20000.00")
    writing, written = asyncio.Event(), asyncio.Event()

    async def slow_bid() -> None:
        async with db.transaction():
            offer = Offer(Decimal("19000.00"), 8, "方案")
            await services.submit_bid(second.member, notice_id=made.notice_id, offer=offer)
            writing.set()
            await written.wait()

    async def opening() -> None:
        await writing.wait()
        asyncio.get_running_loop().call_later(0.2, written.set)
        with clock.at(made.deadline):
            await services.open_bids(made.notice_id)

    await asyncio.gather(slow_bid(), opening())
    assert await db.value("select received from market_opening") == 2


async def test_the_states_of_the_methods_can_be_taken_back_and_never_lose_a_notice(committed_db: str) -> None:
    """Backwards the migration narrows the check again, and refuses while a notice stands in one of its states."""
    step = importlib.import_module("market.piccolo_migrations.market_2026_11_25t16_20_00_000000")
    manager = await step.forwards()
    assert [each.__name__ for each in manager.raw_backwards] == ["_narrow"]
    made = await make_notice()
    owner = await asyncpg.connect(committed_db)
    try:
        await owner.execute("update market_notice set state = 'assessing' where id = $1", made.notice_id)
        with pytest.raises(asyncpg.CheckViolationError):
            async with owner.transaction():
                for statement in (step.DROP, step.BEFORE):
                    await owner.execute(statement)
        await owner.execute("update market_notice set state = 'published' where id = $1", made.notice_id)
        for statement in (step.DROP, step.BEFORE):
            await owner.execute(statement)
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute("update market_notice set state = 'assessing' where id = $1", made.notice_id)
        for statement in (step.DROP, step.ADD):
            await owner.execute(statement)
        await owner.execute("update market_notice set state = 'assessing' where id = $1", made.notice_id)
    finally:
        await owner.close()
