"""One seed, one market: whoever plays it, wherever, whenever. Keys, salts, hash order and the hour of playing choose nothing.

Two installations play the same short market at the same time, each in a process of its own with a data folder (and so keys)
of its own, another order of hashing and another hour on the machine's clock.
"""

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from textwrap import dedent

import pytest

from core import db
from core.db import ENGINE
from tests.conftest import fresh_database

pytestmark = pytest.mark.anyio
PLAYER = dedent(
    """
    import asyncio, sys
    from datetime import UTC, date, datetime, timedelta

    ahead = timedelta(hours=float(sys.argv[1]))
    from core import clock

    clock.real = lambda: datetime.now(UTC) + ahead
    clock._source.set(clock.real)
    from core.instance import connected
    from portal.demo import build

    async def play():
        return await build(seed=3, months=3, scale="small", progress=False, until=date(2026, 10, 30))

    print(asyncio.run(connected(sys.argv[2], play)).digest)
    """
)
INSTALLATIONS = (("1", 0.0), ("2", 31.0))
"""The order of hashing, and how many hours ahead the machine's clock is."""
DRAWN = "select count(*) from market_award a join market_notice n on n.id = a.notice where n.method = 'random-draw'"


async def test_one_seed_is_one_market_in_every_installation(
    worker_database: str, pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        databases = []
        for _ in INSTALLATIONS:
            await stack.enter_async_context(fresh_database(pytestconfig))
            databases.append(ENGINE.config["dsn"])
        one, other = await asyncio.gather(
            *(
                _played(tmp_path / order, order, ahead, database)
                for (order, ahead), database in zip(INSTALLATIONS, databases, strict=True)
            )
        )
        drawn, seats = await db.value(DRAWN), await db.value("select count(*) from market_panel_seat")
    keys = [(tmp_path / order / "keys" / "seal").read_text("ascii") for order, _ in INSTALLATIONS]
    assert keys[0] != keys[1], "each sealed with a key of its own"
    assert drawn, "lots were drawn"
    assert seats, "experts were drawn for a panel"
    assert one == other


async def _played(folder: Path, order: str, ahead: float, database: str) -> str:
    """The fingerprint of the market that a process of its own plays."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("XINSHI_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", PLAYER, str(ahead), database),
        env=clean | {"PYTHONHASHSEED": order, "XINSHI_DATA": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, wrong = await process.communicate()
    assert process.returncode == 0, wrong.decode()
    return told.decode().splitlines()[-1]
