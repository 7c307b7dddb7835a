"""Attempts that failed because the database was away, kept as proof outside it.

One file per process under `<data>/attempts/`; each line names the hash of the line before, so that nothing can be
slipped in or taken out afterwards. A line says when, where and from whom as keyed digests; never what was sent.
When writing works again the lines enter the database and the trail; the files stay.

A line: `{"at", "content", "path", "prev", "sender"}`, canonical JSON; its hash is SHA-256 over the line without
the line feed. Numbers in a path are left out: how many tried to bid on one notice is nobody's business.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock

import anyio
import structlog

from core import clock, db, keys, settings, trail
from core.db import transaction
from core.i18n import N_
from core.identity import SYSTEM, Identity

TRAIL_TITLES = {"attempts.kept": N_("系统中断期间未能写入的提交留证")}
OPEN_ACTS = ("attempts.kept",)
START = "0" * 64
LONGEST_PATH = 200
_NUMBERS = re.compile(r"\d+")
_log = structlog.get_logger()


@dataclass(frozen=True)
class Line:
    """One attempt as the file keeps it."""

    hash: str
    at: datetime
    path: str
    sender: str
    content: str


@dataclass(frozen=True)
class Attempt:
    """One's own failed attempt, from the database."""

    attempted_at: datetime
    path: str
    content: bytes
    line_hash: bytes


class Book:
    """The proof file of this process; made with its first line."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._path: Path | None = None
        self._head = START

    def append(self, folder: Path, facts: dict[str, str]) -> None:
        """Write one line and wait until it is on the disk. OSError when even that fails."""
        with self._guard:
            if self._path is None or self._path.parent != folder:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                stamp = clock.shanghai(clock.real()).strftime("%Y%m%d-%H%M%S")
                self._path, self._head = folder / f"{stamp}-{secrets.token_hex(4)}.jsonl", START
            line = _canonical(facts | {"prev": self._head})
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, line + b"\n")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self._head = hashlib.sha256(line).hexdigest()


_book = Book()
_seen: dict[str, int] = {}


def folder() -> Path:
    """Where the proof files lie."""
    return settings.load().data / "attempts"


def sender_of(token_hash: bytes) -> bytes:
    """Under what a sender's lines are found: only who holds the token and the platform's key can make it."""
    return hmac.digest(keys.secret("session"), b"attempt:" + token_hash, "sha256")


async def keep(*, path: str, token_hash: bytes, content: bytes) -> None:
    """Note that something was sent and could not be written. Never raises: the refusal itself comes first."""
    facts = {
        "at": clock.now().isoformat(),
        "content": content.hex(),
        "path": _NUMBERS.sub("#", path)[:LONGEST_PATH],
        "sender": sender_of(token_hash).hex(),
    }
    try:
        await anyio.to_thread.run_sync(_book.append, folder(), facts)
    except OSError as error:
        _log.error("failed attempt not kept", error=repr(error))


def read(raw: bytes) -> tuple[list[Line], bool]:
    """The lines of a proof file, and whether the chain holds to the end; a torn last line is left out."""
    lines: list[Line] = []
    head, whole = START, True
    for text in raw.split(b"\n")[:-1]:
        try:
            facts = json.loads(text)
            at = datetime.fromisoformat(facts["at"])
            whole = whole and facts["prev"] == head and _canonical(facts) == text
            head = hashlib.sha256(text).hexdigest()
            lines.append(Line(head, at, facts["path"], facts["sender"], facts["content"]))
        except (ValueError, KeyError, TypeError):
            whole = False
    return lines, whole


async def take_over() -> int:
    """Bring lines that are only in the files into the database, with a trail entry per file; how many were new."""
    count = 0
    for path in sorted(folder().glob("*.jsonl")):
        size = path.stat().st_size
        if _seen.get(str(path)) == size:
            continue
        raw = await anyio.to_thread.run_sync(path.read_bytes)
        lines, whole = read(raw)
        count += await _import(path.stem, lines, whole)
        _seen[str(path)] = size
    return count


async def _import(name: str, lines: Sequence[Line], whole: bool) -> int:
    async with transaction():
        known = {
            row["line_hash"].hex()
            for row in await db.rows("select line_hash from core_failed_attempt where file = $1", name)
        }
        fresh = [line for line in lines if line.hash not in known]
        if not fresh:
            return 0
        await db.execute_many(
            "insert into core_failed_attempt (line_hash, file, attempted_at, path, sender, content, imported_at)"
            " values ($1, $2, $3, $4, $5, $6, $7) on conflict (line_hash) do nothing",
            [
                (
                    bytes.fromhex(line.hash),
                    name,
                    line.at,
                    line.path,
                    bytes.fromhex(line.sender),
                    bytes.fromhex(line.content),
                    clock.now(),
                )
                for line in fresh
            ],
        )
        after = {
            "count": len(fresh),
            "first_at": min(line.at for line in fresh),
            "last_at": max(line.at for line in fresh),
            "head": fresh[-1].hash,
            "whole": whole,
        }
        await trail.record(SYSTEM, "attempts.kept", f"attempts:{name}", after=after)
    return len(fresh)


async def count_between(since: datetime, until: datetime) -> int:
    """How many attempts failed in a stretch of time, all pages together."""
    found: int = await db.value(
        "select count(*) from core_failed_attempt where attempted_at between $1 and $2", since, until
    )
    return found


async def of_account(identity: Identity, *, limit: int = 100) -> list[Attempt]:
    """The reader's own failed attempts, newest first: those sent with a session or token of this account."""
    hashes = await db.rows(
        "select token_hash from core_session where account = $1"
        " union select token_hash from core_api_token where account = $1",
        identity.account_id,
    )
    found = await db.rows(
        "select attempted_at, path, content, line_hash from core_failed_attempt"
        " where sender = any($1) order by attempted_at desc, id desc limit $2",
        [sender_of(row["token_hash"]) for row in hashes],
        limit,
    )
    return [Attempt(**dict(row)) for row in found]


def _canonical(facts: dict[str, str]) -> bytes:
    return json.dumps(facts, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
