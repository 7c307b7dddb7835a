"""The safe engine under the faults that broke Piccolo's own: failed COMMIT, cancellation, exhaustion."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from core import clock, db
from core.db import ENGINE, transaction
from core.errors import Conflict, Unavailable

pytestmark = pytest.mark.anyio


@pytest.fixture
async def deferred(committed_db: str) -> None:
    """A table whose uniqueness is judged at COMMIT, and a pool of three connections."""
    link = await asyncpg.connect(committed_db)
    await link.execute("create table judged (n int, constraint judged_once unique (n) deferrable initially deferred)")
    await link.execute("insert into judged values (1)")
    await link.close()
    await ENGINE.close_connection_pool()
    await ENGINE.start_connection_pool(min_size=1, max_size=3)


async def failing_commit() -> None:
    async with transaction():
        await db.execute("insert into judged values (1)")


async def test_a_failed_commit_gives_its_connection_back(deferred: None) -> None:
    for _ in range(5):
        with pytest.raises(asyncpg.UniqueViolationError):
            await failing_commit()
    assert await asyncio.wait_for(db.value("select count(*) from judged"), 2) == 1


async def test_the_block_after_a_failed_commit_still_rolls_back(deferred: None) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        await failing_commit()
    with pytest.raises(RuntimeError):
        async with transaction():
            await db.execute("insert into judged values (2)")
            raise RuntimeError
    assert await db.value("select count(*) from judged") == 1


async def test_a_cancelled_statement_gives_its_connection_back(deferred: None) -> None:
    async def slow() -> None:
        async with transaction():
            await db.execute("insert into judged values (3)")
            await db.value("select pg_sleep(30)")

    for _ in range(4):
        task = asyncio.create_task(slow())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await asyncio.wait_for(db.value("select count(*) from judged"), 2) == 1


async def test_an_exhausted_pool_refuses_instead_of_hanging(deferred: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "ACQUIRE_SECONDS", 0.2)
    held = [await ENGINE.acquire() for _ in range(3)]
    with pytest.raises(Unavailable):
        async with transaction():
            pass
    for link in held:
        await ENGINE.release(link)
    async with transaction():
        assert await db.value("select 1") == 1


async def test_a_lost_connection_is_replaced(deferred: None) -> None:
    with pytest.raises(db.UNAVAILABLE):
        async with transaction():
            await db.execute("insert into judged values (4)")
            await db.value("select pg_terminate_backend(pg_backend_pid())")
            await db.value("select 1")
    assert await db.value("select count(*) from judged") == 1


async def test_nested_blocks_join_the_outer_one(committed_db: str) -> None:
    with pytest.raises(RuntimeError):
        async with transaction():
            async with transaction():
                await db.execute("insert into core_serial (series, last) values ('X', 1)")
            raise RuntimeError
    assert await db.value("select count(*) from core_serial where series = 'X'") == 0


async def test_a_deadline_is_judged_at_commit(committed_db: str) -> None:
    deadline = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
    moments = iter([deadline - timedelta(microseconds=1), deadline])
    with clock.at(lambda: next(moments)), pytest.raises(Conflict):
        async with transaction():
            assert clock.now() < deadline
            db.refuse_after(deadline, Conflict())
            await db.execute("insert into core_serial (series, last) values ('X', 1)")
    assert await db.value("select count(*) from core_serial where series = 'X'") == 0


async def test_a_rehearsal_undoes_a_refused_act_and_keeps_an_accepted_one(db: None) -> None:
    from core import db as database

    async with transaction():
        await database.execute("insert into core_serial (series, last) values ('KEEP', 1)")
    with pytest.raises(RuntimeError):
        async with transaction():
            await database.execute("insert into core_serial (series, last) values ('DROP', 1)")
            raise RuntimeError
    found = await database.rows("select series from core_serial where series in ('KEEP', 'DROP')")
    assert [row["series"] for row in found] == ["KEEP"]
