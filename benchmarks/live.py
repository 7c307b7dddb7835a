"""Two thousand people watch one opening: ours against a bare stream of the same bytes."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks.bids import notice as posted
from benchmarks.ground import HOST, fetch, free_port, server
from benchmarks.turns import Ratio, compare, ratio_line
from core import accounts, db
from core.identity import Role
from core.postgres import Urls
from launch.server import more_files

WATCHERS = 2_000
AT_ONCE = 100
PATIENCE = 60.0
TELL = "/tell"


@dataclass(frozen=True)
class LiveFigure:
    """How long until the last watcher has it after the first one has; memory per watcher in kB, ours and the peer's."""

    watchers: int
    ratio: Ratio
    ours_kb: float
    peer_kb: float
    until_last: float

    def lines(self) -> list[str]:
        """The row of the table."""
        return [ratio_line(f"an event for {self.watchers} watchers, first to last", self.ratio)]

    def notes(self) -> list[str]:
        """Memory, and the wait for the next look."""
        return [
            f"- Live opening: {self.ours_kb:.0f} kB per watcher beside {self.peer_kb:.0f}; from the act to the last watcher"
            f" at most {self.until_last:.2f} s, of which up to 1 s is the wait for the next look."
        ]

    def ratios(self) -> list[Ratio]:
        """What has a control."""
        return [self.ratio]


class Crowd:
    """Watchers of one server, and when each got the newest event."""

    def __init__(self) -> None:
        self._pending = 0
        self._first = self._last = 0.0
        self._all = asyncio.Event()

    def expect(self, count: int) -> None:
        """From now on wait for one event each."""
        self._pending, self._first = count, 0.0
        self._all.clear()

    def got(self) -> None:
        """One more has it."""
        self._last = time.perf_counter()
        self._first = self._first or self._last
        self._pending -= 1
        if self._pending == 0:
            self._all.set()

    async def spread(self) -> float:
        """Seconds between the first and the last of them."""
        await asyncio.wait_for(self._all.wait(), PATIENCE)
        return self._last - self._first

    @property
    def last(self) -> float:
        """When the last one had it."""
        return self._last


async def measure(urls: Urls, folder: Path, *, rounds: int, watchers: int = WATCHERS) -> LiveFigure:
    """Both servers with their crowds at the same time; the events in turns."""
    more_files()
    notice = await posted(await accounts.identity_of(login="cl-01", role=Role.CLIENT))
    port, peer = free_port(), free_port()
    path = f"/notices/{notice}/live/events"
    ours = {"XINSHI_DATABASE_URL": urls.url, "XINSHI_DATABASE_OWNER_URL": urls.owner_url, "XINSHI_PORT": str(port)}
    body = folder / "event"
    with server(["-m", "benchmarks.serve", "product", str(port)], ours, port) as (pid, _):
        body.write_bytes(await _one_event(port, path))
        bare = {"BENCH_BODY": str(body)}
        with server(["-m", "benchmarks.serve", "bare-live", str(peer)], bare, peer) as (peer_pid, _):
            before = _resident(pid), _resident(peer_pid)
            async with _crowd(port, path, watchers) as us, _crowd(peer, "/watch", watchers) as them:
                after = _resident(pid), _resident(peer_pid)
                waits: list[float] = []

                async def ours_told() -> float:
                    us.expect(watchers)
                    began = time.perf_counter()
                    await db.execute(
                        "update market_notice set deadline = deadline + $2 where id = $1", notice, timedelta(minutes=1)
                    )
                    spread = await us.spread()
                    waits.append(us.last - began)
                    return spread

                async def peer_told() -> float:
                    them.expect(watchers)
                    await fetch(peer, TELL)
                    return await them.spread()

                ratio = await compare(ours_told, peer_told, rounds=rounds)
    each = [(end - begin) / watchers for begin, end in zip(before, after, strict=True)]
    return LiveFigure(watchers, ratio, each[0], each[1], max(waits))


@asynccontextmanager
async def _crowd(port: int, path: str, count: int) -> AsyncIterator[Crowd]:
    crowd = Crowd()
    crowd.expect(count)
    tasks: list[asyncio.Task[None]] = []
    for begin in range(0, count, AT_ONCE):
        links = await asyncio.gather(*(asyncio.open_connection(HOST, port) for _ in range(min(AT_ONCE, count - begin))))
        tasks += [asyncio.create_task(_watch(port, path, crowd, *link)) for link in links]
    await crowd.spread()  # everybody has the first one
    try:
        yield crowd
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watch(
    port: int, path: str, crowd: Crowd, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(f"GET {path} HTTP/1.1\r\nhost: {HOST}:{port}\r\n\r\n".encode())
    try:
        while True:
            await reader.readuntil(b"event: stage\n")
            await reader.readuntil(b"\n\n")
            crowd.got()
    finally:
        writer.close()


async def _one_event(port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: {HOST}:{port}\r\n\r\n".encode())
    await reader.readuntil(b"retry: ")
    await reader.readuntil(b"\n\n")
    event = await reader.readuntil(b"\n\n")
    writer.close()
    return event


def _resident(pid: int) -> float:
    """Resident memory in kB; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024
