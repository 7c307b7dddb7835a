"""Entries for tests of the trail, and what somebody with the owner's password could do to them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg

from core import db, trail
from core.db import transaction
from core.identity import Identity, Role
from core.trail.faults import Fault, Verdict
from core.trail.format import Entry
from core.trail.logcheck import KnownHead
from core.trail.tiles import HEIGHT, WIDTH, width_at

CLIENT = Identity(7, "王建国", 3, "新泰测试实业有限公司", Role.CLIENT)


def files_in(folder: Path) -> set[str]:
    """Every file below a folder, as relative paths."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def act(number: int = 1, **options: Any) -> int:
    """One recorded act on `notice:<number>`."""
    async with transaction():
        return await trail.record(CLIENT, "notice.published", f"notice:{number}", **options)


async def acts(count: int) -> list[int]:
    """Several acts in one transaction, on notice:0, notice:1, …"""
    async with transaction():
        return [await trail.record(CLIENT, "notice.published", f"notice:{n}") for n in range(count)]


async def stored(entry_id: int) -> Entry:
    """The entry as it lies in the database."""
    return Entry.parse(await db.value("select payload from core_trail_entry where id = $1", entry_id))


async def tamper(owner_url: str, *statements: str) -> None:
    """Run SQL as the owner, triggers off and the leaf's foreign key gone, as an attacker inside the house would."""
    owner = await asyncpg.connect(owner_url)
    tables = [f"core_trail_{name}" for name in ("entry", "leaf", "checkpoint", "person")]
    try:
        await owner.execute("alter table core_trail_leaf drop constraint if exists core_trail_leaf_entry_fkey")
        for table in tables:
            await owner.execute(f"alter table {table} disable trigger user")
        for statement in statements:
            await owner.execute(statement)
        for table in tables:
            await owner.execute(f"alter table {table} enable trigger user")
    finally:
        await owner.close()


async def head_now() -> KnownHead:
    """The newest head, as somebody outside would remember it."""
    head = await trail.latest_checkpoint()
    return KnownHead(head.size, head.root)


def first(verdict: Verdict) -> Fault:
    """The first fault of a verdict that must have one."""
    assert not verdict.sound
    return verdict.first


def said(fault: Fault) -> str:
    """What a fault says, as one of the sentences of `core.trail.faults`."""
    return fault.what.text


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """Every (level, index, width) of a tree of `size` leaves."""
    level = 0
    while count := size >> (HEIGHT * level):
        for index in range(-(-count // WIDTH)):
            yield level, index, width_at(level, index, size)
        level += 1
