"""Telling many watchers the same thing at once (server-sent events), cheaply and within bounds.

One task per process looks, once a second and for all watched notices together; nobody else asks the database.
Each watcher is its request and nothing more: no queue, no task of its own. Who has not taken the last piece when the
next one comes is dropped, and reconnects by itself.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

LOOK_SECONDS = 1.0
BEAT_SECONDS = 15.0
SLOW_SECONDS = 10.0
MOST = 12_000
RETRY_MILLISECONDS = (2_000, 8_000)
_log = structlog.get_logger()

Key = tuple[int, str]
"""Notice and language."""
Send = Callable[[Any], Awaitable[None]]


@dataclass(frozen=True)
class Piece:
    """What is sent: its identity, for resuming, and its bytes on the wire."""

    id: str
    wire: bytes
    over: bool = False


Look = Callable[[Iterable[Key]], Awaitable[Mapping[Key, Piece]]]
"""Gives the newest piece for each of the keys that exist."""


def event(piece_id: str, name: str, data: str) -> bytes:
    """One event as the HTML standard writes it; `data` without line feeds."""
    return f"id: {piece_id}\nevent: {name}\ndata: {data}\n\n".encode()


class Watcher:
    """One open connection."""

    __slots__ = ("busy", "send", "task")

    def __init__(self, send: Send, task: "asyncio.Task[Any] | None") -> None:
        self.send = send
        self.task = task
        self.busy = False


@dataclass
class Channel:
    """Everybody who watches one notice in one language."""

    piece: Piece
    watchers: set[Watcher] = field(default_factory=set)


class Hub:
    """The broadcaster of this process."""

    def __init__(
        self, look: Look, *, most: int = MOST, every: float = LOOK_SECONDS, beat: float = BEAT_SECONDS
    ) -> None:
        self._look, self._most, self._every, self._beat = look, most, every, beat
        self._channels: dict[Key, Channel] = {}
        self._opening = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._pushes: set[asyncio.Task[None]] = set()
        self.watching = 0

    @property
    def full(self) -> bool:
        """Whether nobody more fits into this process."""
        return self.watching >= self._most

    async def channel(self, key: Key) -> Channel | None:
        """The channel of a key, with its newest piece; None when there is nothing to watch."""
        known = self._channels.get(key)
        if known is None:
            async with self._opening:  # ten thousand who come back at once ask once
                known = self._channels.get(key) or await self._open(key)
        if known is not None and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._run())
        return known

    async def _open(self, key: Key) -> Channel | None:
        piece = (await self._look([key])).get(key)
        if piece is None:
            return None
        return self._channels.setdefault(key, Channel(piece))

    async def watch(self, channel: Channel, seen: str, send: Send, receive: Callable[[], Awaitable[Any]]) -> None:
        """Send what is new after `seen`, then whatever comes, until the watcher leaves."""
        watcher = Watcher(send, asyncio.current_task())
        retry = f"retry: {random.randint(*RETRY_MILLISECONDS)}\n\n".encode()  # noqa: S311  spreads reconnects
        self.watching += 1
        channel.watchers.add(watcher)
        try:
            piece = channel.piece
            await send(_body(retry + (piece.wire if piece.id != seen else b"")))
            while (await receive())["type"] != "http.disconnect":
                pass
        except asyncio.CancelledError:
            if watcher in channel.watchers:
                raise
        finally:
            channel.watchers.discard(watcher)
            self.watching -= 1

    async def close(self) -> None:
        """End every stream properly, so that a server that stops need not wait for its watchers."""
        if self._task is not None:
            self._task.cancel()
        leaving = [(channel, watcher) for channel in self._channels.values() for watcher in channel.watchers]
        self._channels.clear()
        await asyncio.gather(*(self._push(channel, watcher, b"", last=True) for channel, watcher in leaving))

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        beaten = loop.time()
        while self._channels:
            await asyncio.sleep(self._every)
            try:
                await self._tell_news()
            except Exception as error:
                _log.warning("nothing to broadcast", error=repr(error))
            if loop.time() - beaten >= self._beat:
                beaten = loop.time()
                for channel in self._channels.values():
                    self._tell(channel, b": \n\n")
            for key in [key for key, channel in self._channels.items() if not channel.watchers]:
                del self._channels[key]

    async def _tell_news(self) -> None:
        found = await self._look(list(self._channels))
        for key, piece in found.items():
            channel = self._channels.get(key)
            if channel is not None and piece.id != channel.piece.id:
                channel.piece = piece
                self._tell(channel, piece.wire)

    def _tell(self, channel: Channel, wire: bytes) -> None:
        for watcher in list(channel.watchers):
            if watcher.busy:
                self._drop(channel, watcher)
                continue
            push = asyncio.create_task(self._push(channel, watcher, wire))
            self._pushes.add(push)
            push.add_done_callback(self._pushes.discard)

    async def _push(self, channel: Channel, watcher: Watcher, wire: bytes, *, last: bool = False) -> None:
        watcher.busy = True
        try:
            async with asyncio.timeout(1.0 if last else SLOW_SECONDS):
                await watcher.send(_body(wire, more=not last))
            watcher.busy = False
        except (TimeoutError, OSError):
            self._drop(channel, watcher)

    def _drop(self, channel: Channel, watcher: Watcher) -> None:
        """Too slow, or gone: its request ends, and the browser asks again after `retry`."""
        if watcher in channel.watchers:
            channel.watchers.discard(watcher)
            if watcher.task is not None:
                watcher.task.cancel()


def _body(wire: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": wire, "more_body": more}
