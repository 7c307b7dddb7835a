"""Jobs and letters leave with their act or not at all; a killed worker loses nothing."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from core import accounts, db, jobs, mail, settings
from core.db import ENGINE, transaction
from core.identity import Role
from tests.factories import core as make

pytestmark = pytest.mark.anyio


async def waiting(task: str) -> int:
    count: int = await db.value("select count(*) from procrastinate_jobs where task_name = $1", task)
    return count


async def test_a_rolled_back_act_enqueues_nothing(committed_db: str) -> None:
    with pytest.raises(RuntimeError):
        async with transaction():
            await jobs.defer("test.nothing", {"n": 1})
            raise RuntimeError
    assert await waiting("test.nothing") == 0
    async with transaction():
        await jobs.defer("test.nothing", {"n": 1})
    assert await waiting("test.nothing") == 1


async def test_the_worker_runs_a_job_and_takes_up_what_a_killed_one_left(committed_db: str) -> None:
    done: list[int] = []

    @jobs.task("test.note")
    async def note(n: int) -> None:
        done.append(n)

    try:
        await jobs.defer("test.note", {"n": 1})
        await jobs.defer("test.note", {"n": 2})
        await db.execute("update procrastinate_jobs set status = 'doing' where args ->> 'n' = '1'")
        await _work_until(committed_db, lambda: sorted(done) == [1, 2])
    finally:
        del jobs.TASKS["test.note"]
    assert sorted(done) == [1, 2]


async def _work_until(url: str, happened: Callable[[], bool]) -> None:
    pool, config = ENGINE.pool, ENGINE.config
    ENGINE.pool = None
    worker = asyncio.create_task(jobs.run_worker(url))
    for _ in range(200):
        if happened():
            break
        await asyncio.sleep(0.05)
    worker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await worker
    ENGINE.pool, ENGINE.config = pool, config


async def test_a_letter_is_written_in_the_readers_language(committed_db: str) -> None:
    actor = await make.member(Role.CLIENT)
    await accounts.set_preferences(account_id=actor.account_id, language="en", theme="light", large_type=False)
    folder = settings.load().data / "mail"
    before = set(folder.glob("*.eml"))  # other tests write letters of other days here
    async with transaction():
        await mail.send(message="core/test", context={}, to_organization=actor.organization_id)
    await mail.send_waiting()
    [sent] = set(folder.glob("*.eml")) - before
    letter = message_from_bytes(sent.read_bytes(), policy=policy.default)
    assert letter["Subject"] == "Test letter"
    assert await db.value("select count(*) from core_mail where sent_at is null") == 0


async def test_a_letter_that_cannot_leave_waits_and_is_not_lost(committed_db: str) -> None:
    actor = await make.member(Role.CLIENT)
    usual = settings.load()
    settings.use(replace(usual, smtp_url="smtp://127.0.0.1:9"))
    try:
        await mail.send(message="core/test", context={}, to_account=actor.account_id)
        await mail.send_waiting()
    finally:
        settings.use(usual)
    row = await db.row("select attempts, sent_at, problem from core_mail")
    assert (row["attempts"], row["sent_at"]) == (1, None)
    assert "refused" in row["problem"].lower()
