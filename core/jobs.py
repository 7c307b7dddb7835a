"""What time or a queue does: enqueued in the business transaction, run by a worker beside the web.

A job is a *hint*: the service it calls reads again and lets the rules decide, so late, doubled and
stale jobs are harmless, and the periodic sweeps catch missed ones. Every task is idempotent.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import asyncpg
import structlog

from core import db, heartbeat, settings
from core.db import ENGINE

Task = Callable[..., Awaitable[None]]
QUEUE = "xinshi"
TASKS: dict[str, Task] = {}
PERIODIC: dict[str, str] = {}
STALLED_AFTER_SECONDS = 30
_suspended: ContextVar[bool] = ContextVar("jobs-suspended", default=False)
_log = structlog.get_logger()


def task(name: str) -> Callable[[Task], Task]:
    """Register a function as the task `name` (`package.verb_noun`)."""

    def register(function: Task) -> Task:
        TASKS[name] = function
        return function

    return register


def periodic(cron: str, name: str) -> Callable[[Task], Task]:
    """Register a task that also runs by the clock (five fields, UTC)."""

    def register(function: Task) -> Task:
        PERIODIC[name] = cron
        return task(name)(function)

    return register


@contextmanager
def suspended() -> Iterator[None]:
    """Enqueue nothing: the demo market drives the sweeps itself, by its own clock."""
    token = _suspended.set(True)
    try:
        yield
    finally:
        _suspended.reset(token)


async def defer(name: str, arguments: Mapping[str, Any], *, at: datetime | None = None) -> None:
    """Enqueue a task in the running transaction; rolled back means never enqueued."""
    if _suspended.get():
        return
    await db.execute(
        "select procrastinate_defer_jobs_v1(array[row($1, $2, 0, null, null, $3::jsonb, $4)"
        "::procrastinate_job_to_defer_v1])",
        QUEUE,
        name,
        json.dumps(dict(arguments)),
        at,
    )


async def prepare(owner_url: str) -> None:
    """Create the queue's own schema once; it is not part of our migrations."""
    link = await asyncpg.connect(owner_url)
    try:
        if await link.fetchval("select to_regclass('procrastinate_jobs')") is None:
            await link.execute(_schema())
    finally:
        await link.close()


def _schema() -> str:
    from procrastinate.schema import SchemaManager

    return SchemaManager.get_schema()


def _application(url: str) -> Any:
    """A Procrastinate app that knows every registered task."""
    import procrastinate

    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))
    for name, function in TASKS.items():
        registered = app.task(name=name, queue=QUEUE, retry=5)(_with_timestamp(name, function))
        if name in PERIODIC:
            app.periodic(cron=PERIODIC[name])(registered)
    return app


def _with_timestamp(name: str, function: Task) -> Task:
    """Periodic tasks are called with the moment they were due, which ours do not need."""

    async def run(**arguments: Any) -> None:
        arguments.pop("timestamp", None)
        try:
            await function(**arguments)
        except Exception:
            _log.exception("job failed", task=name)
            raise

    run.__name__ = name.replace(".", "_")
    return run


async def run_worker(url: str | None = None) -> None:
    """Work through the queue until cancelled; jobs left by a killed worker are taken up again."""
    url = url or settings.load().database_url
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    ENGINE.configure(url)
    await ENGINE.start_connection_pool(max_size=4)
    app = _application(url)
    try:
        async with app.open_async():
            sweep = asyncio.create_task(_sweep_stalled(app))
            beating = asyncio.create_task(heartbeat.keep_beating(heartbeat.WORKER))
            try:
                await app.run_worker_async(queues=[QUEUE], concurrency=3, delete_jobs="successful")
            finally:
                for beside in (sweep, beating):
                    beside.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await beside
    finally:
        await ENGINE.close_connection_pool()


async def _sweep_stalled(app: Any) -> None:
    while True:
        stalled = await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_SECONDS)
        for job in stalled:
            _log.warning("stalled job taken up again", task=job.task_name)
            await app.job_manager.retry_job(job)
        await asyncio.sleep(STALLED_AFTER_SECONDS)
