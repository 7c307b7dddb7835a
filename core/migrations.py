"""Bringing the database up to date, one starter at a time.

Piccolo's own `forwards` takes no lock: of two processes that start together one crashes. The advisory
lock is held on a connection of its own for the whole run.
"""

import contextlib
import io
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg

from core import jobs
from core.db import ENGINE

LOCK = 0x58494E  # "XIN"
TRAIL_GUARD = Path(__file__).parent / "trail" / "guard.sql"


async def migrate(owner_url: str, fill: Callable[[], Awaitable[None]]) -> None:
    """Run every pending migration as the owner, then `fill` the default content (idempotent).

    Leaves the engine configured for the owner; the caller configures it for its own role.
    """
    from piccolo.apps.migrations.commands.forwards import run_forwards

    guard = await asyncpg.connect(owner_url)
    try:
        await guard.execute("select pg_advisory_lock($1)", LOCK)
        ENGINE.configure(owner_url)
        told = io.StringIO()
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            result = await run_forwards("all")
        if not result.success:
            raise RuntimeError(f"migration failed: {result.message}\n{told.getvalue()}")
        await jobs.prepare(owner_url)
        await guard.execute(TRAIL_GUARD.read_text("utf-8"))
        await fill()
    finally:
        await guard.close()
