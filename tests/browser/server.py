"""The whole product in a process of its own, with a clock that the journey may set.

`python -m tests.browser.server PORT CLOCK_FILE` serves `app:create_app()`. The first line of CLOCK_FILE is
the moment it is (empty: the real one). Whenever it changes, every periodic task runs once, as the worker
would have done in the meantime, and `CLOCK_FILE.done` then repeats it.
"""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

import app as product
from core import clock, jobs, settings
from core.db import ENGINE


def clock_of(file: Path) -> datetime:
    """The moment in the file, or the real one."""
    text = file.read_text("utf-8").strip()
    return datetime.fromisoformat(text) if text else datetime.now(UTC)


async def follow(file: Path) -> None:
    """Run what time does, whenever time was moved."""
    seen = ""
    while True:
        await asyncio.sleep(0.05)
        text = read(file)
        if text != seen:
            for name in jobs.PERIODIC:
                await jobs.TASKS[name]()
            write(file.with_suffix(".done"), text)
            seen = text


def read(file: Path) -> str:
    """What the journey wants the time to be."""
    return file.read_text("utf-8")


def write(file: Path, text: str) -> None:
    """Tell the journey that everything due by then has been done."""
    file.write_text(text, "utf-8")


async def serve(port: int, file: Path) -> None:
    """Serve until terminated."""
    ENGINE.configure(settings.load().database_url)
    await ENGINE.start_connection_pool()
    with clock.at(lambda: clock_of(file)):
        server = uvicorn.Server(uvicorn.Config(product.create_app(), host="127.0.0.1", port=port, log_level="warning"))
        following = asyncio.create_task(follow(file))
        try:
            await server.serve()
        finally:
            following.cancel()
            await ENGINE.close_connection_pool()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
