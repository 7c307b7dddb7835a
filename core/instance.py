"""This installation on this machine: its data folder, its one running server, and a database for commands.

A command works whether or not a server is running: it uses the running server's database, else starts it for
the time of the command.
"""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from core import settings
from core.postgres import Cluster, FolderLock, Urls
from core.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Running:
    """What a running server tells other processes of the same user, in `<data>/server.json` (mode 600)."""

    pid: int
    address: str
    url: str
    owner_url: str


def announce(data: Path, running: Running) -> None:
    """Write `server.json` in one step."""
    draft = data / "server.json.part"
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(running), file)
    draft.rename(data / "server.json")


def withdraw(data: Path) -> None:
    """Remove `server.json`: nobody is at home any more."""
    (data / "server.json").unlink(missing_ok=True)


def running(data: Path) -> Running | None:
    """The server that uses this data folder, or None; a file left by a killed one is not believed."""
    try:
        known = Running(**json.loads((data / "server.json").read_text("utf-8")))
        os.kill(known.pid, 0)
    except (OSError, ValueError, TypeError):
        return None
    return known if FolderLock(data).is_held() else None


@contextmanager
def open_database(configuration: Settings) -> Iterator[Urls]:
    """The database of this data folder, started here; the caller holds the folder's lock."""
    if configuration.database_url:
        yield Urls(configuration.database_url, configuration.database_owner_url or configuration.database_url)
        return
    cluster = Cluster(configuration.data, pg_bin=configuration.pg_bin).start()
    try:
        yield Urls(cluster.url, cluster.owner_url)
    finally:
        cluster.stop()


@contextmanager
def database() -> Iterator[Urls]:
    """A database for a command; while inside, `settings.load().database_url` and `.database_owner_url` name it.

    Raises `CannotStart` when the folder belongs to a server that is still starting, or cannot be used.
    """
    before = settings.load()
    with _found(before) as urls:
        settings.use(replace(before, database_url=urls.url, database_owner_url=urls.owner_url))
        try:
            yield urls
        finally:
            settings.use(before)


@contextmanager
def _found(configuration: Settings) -> Iterator[Urls]:
    server = running(configuration.data)
    if server:
        yield Urls(server.url, server.owner_url)
        return
    if configuration.database_url:
        with open_database(configuration) as urls:
            yield urls
        return
    lock = FolderLock(configuration.data).acquire()
    try:
        with open_database(configuration) as urls:
            yield urls
    finally:
        lock.release()


def run(act: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a command's coroutine with the engine connected as the application; its result.

    Raises `CannotStart` when there is no usable database.
    """
    with database() as urls:
        return asyncio.run(connected(urls.url, act))


async def connected(url: str, act: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Await `act` with the engine's pool open on `url`."""
    from core.db import ENGINE

    ENGINE.configure(url)
    await ENGINE.start_connection_pool()
    try:
        return await act()
    finally:
        await ENGINE.close_connection_pool()
