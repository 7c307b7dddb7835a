"""From entries to a published log: order behind a commit watermark, grow the tree, sign its head.

Acts only insert their entry; nothing they lock outlives their own transaction. Here, apart from them and
one at a time (an advisory lock), entries get their place. An entry is placed only when every transaction
that began before its own has ended, so no later commit can ever belong in front of it, and whoever reads
the log by leaf index cannot miss one.
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import anyio.to_thread

from core import clock, db, keys, settings
from core.db import transaction
from core.trail import merkle, tlog
from core.trail.format import Entry
from core.trail.tiles import ENTRIES, WIDTH, MissingTile, TileStore, TileTree, bundle, tile_path

LOCK = 0x545241494C  # "TRAIL"
BATCH = 4096
CHECKPOINT = "checkpoint"
KEY = "key"

# The watermark: the oldest transaction still running in this database. A snapshot also waits for other
# databases of the server, which can never write here; those are left out.
_WATERMARK = """
with running as (
    select x as xact from pg_snapshot_xip(pg_current_snapshot()) x
    where not exists (
        select from pg_locks l join pg_stat_activity a on a.pid = l.pid
        where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.transactionid = x::xid
          and a.datid <> (select oid from pg_database where datname = current_database())
    )
), mark as (
    select coalesce((select xact from running order by xact limit 1), pg_snapshot_xmax(pg_current_snapshot())) as below
), placed as (
    select e.xact from core_trail_leaf l join core_trail_entry e on e.id = l.entry
    order by l.leaf_index desc limit 1
)
select coalesce((select xact from placed where xact < below), '0')::text as beginning, below::text as below,
       exists (select from running r where not exists (
           select from pg_locks l
           where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.transactionid = r.xact::xid
       )) as doubtful
from mark
"""
# A transaction that ended between the snapshot and the look at its lock still counts as running, and nobody
# can say in which database it was. Waiting is always right; asking again is quicker.
ASKED_AGAIN = 5
# Entries below the watermark are final. One beyond everything this server has ever started was restored from
# another server's dump, and is final as well; then its number says nothing about where to begin.
_FINAL = """
select e.id, e.payload
from core_trail_entry e
where e.xact >= $1::text::xid8
  and (e.xact < $2::text::xid8 or e.xact >= pg_snapshot_xmax(pg_current_snapshot()))
  and not exists (select from core_trail_leaf l where l.entry = e.id)
order by e.xact, e.id
limit $3
"""
# A plan made for any starting point would read the whole trail every time.
_PLAN = "set local plan_cache_mode = force_custom_plan"
_PLACE = """
insert into core_trail_leaf (leaf_index, entry, leaf_hash)
select $1 + place - 1, entry, leaf_hash
from unnest($2::bigint[], $3::bytea[]) with ordinality as placed (entry, leaf_hash, place)
"""
_LEAVES = """
select l.leaf_index, l.leaf_hash, e.payload
from core_trail_leaf l join core_trail_entry e on e.id = l.entry
where l.leaf_index >= $1 order by l.leaf_index limit $2
"""
_HASHES = "select leaf_hash from core_trail_leaf where leaf_index >= $1 order by leaf_index limit $2"
_LAST = "select size, root, note, published_at from core_trail_checkpoint order by size desc limit 1"


class TrailBroken(Exception):
    """The log in the database no longer continues the last signed checkpoint; nothing is signed."""


@dataclass(frozen=True, slots=True)
class PublishedHead:
    """A signed checkpoint as published; `note` is empty before the first."""

    size: int
    root: bytes
    note: str
    published_at: datetime | None

    @property
    def origin(self) -> str:
        """The name of the log: the one it began with, whatever the settings say later."""
        return self.note.partition("\n")[0] or settings.load().log_origin

    @property
    def root_hex(self) -> str:
        """The root as printed on receipts and certificates."""
        return self.root.hex()

    @property
    def mark(self) -> str:
        """Size and first half of the root, short enough for paper: `15230-8f930b053a7d0820…`."""
        return f"{self.size}-{self.root_hex[:32]}"


def store() -> TileStore:
    """The folder of the published log."""
    return TileStore(settings.load().data / "trail")


def signers(origin: str) -> tuple[tlog.Signer, tlog.Signer]:
    """The log's own key, and the key with which it states the time of each checkpoint."""
    seed = keys.secret("trail")
    timing = hashlib.sha256(b"xinshi trail time\n" + seed).digest()
    return tlog.Signer(origin, tlog.ED25519, seed), tlog.Signer(origin, tlog.COSIGNATURE, timing)


async def verifier_keys() -> tuple[tlog.VerifierKey, ...]:
    """The public keys with which everybody checks our checkpoints."""
    origin = (await last_head()).origin
    return tuple(signer.verifier for signer in signers(origin))


async def publish(*, rebuild: bool = False) -> PublishedHead:
    """Place every final entry, grow the tree, sign and publish its head; returns the newest head.

    Safe at any time and from any process: publishers wait for each other, and whatever a crash left
    undone (unplaced entries, a lost folder, an old checkpoint file) is done now. `rebuild` writes every
    tile again, from the database, after checking that they lead to the last signed root.

    Raises `TrailBroken` rather than sign a head that does not continue the last one.
    """
    while await _place_batch() == BATCH:
        pass
    async with transaction():
        await _alone()
        return await _publish_head(rebuild)


async def _alone() -> None:
    await db.execute("select pg_advisory_xact_lock($1)", LOCK)


async def _place_batch() -> int:
    async with transaction():
        await _alone()
        await db.execute(_PLAN)
        mark = await _watermark()
        entries = await db.rows(_FINAL, mark["beginning"], mark["below"], BATCH)
        if entries:
            start = await log_size()
            hashes = [merkle.leaf_hash(Entry.parse(entry["payload"]).leaf()) for entry in entries]
            await db.execute(_PLACE, start, [entry["id"] for entry in entries], hashes)
        return len(entries)


async def _watermark() -> Any:
    """Where to begin, and below which transaction every entry is final."""
    for _ in range(ASKED_AGAIN):
        mark = await db.row(_WATERMARK)
        if not mark["doubtful"]:
            break
    return mark


async def log_size() -> int:
    """How many entries have their place in the log."""
    size: int = await db.value("select coalesce(max(leaf_index) + 1, 0) from core_trail_leaf")
    return size


async def last_head() -> PublishedHead:
    """The newest published head, or the empty log's."""
    row = await db.row(_LAST)
    if row is None:
        return PublishedHead(0, merkle.EMPTY_ROOT, "", None)
    return PublishedHead(row["size"], row["root"], row["note"], row["published_at"])


async def _publish_head(rebuild: bool) -> PublishedHead:
    last, size, files = await last_head(), await log_size(), store()
    if size < last.size:
        raise TrailBroken(f"the log lost entries: {size} left of {last.size}")
    signed = bool(last.note) and size == last.size
    if signed and not rebuild and _is_current(files, last):
        return last
    tree = None if rebuild else _resume(files, last)
    tree = tree or await _from_the_start(last)
    await _grow(files, tree, size)
    head = last if signed else await _sign(last.origin, tree)
    await anyio.to_thread.run_sync(_finish_files, files, head)
    return head


def _is_current(files: TileStore, head: PublishedHead) -> bool:
    return files.read(CHECKPOINT) == head.note.encode() and _resume(files, head) is not None


def _resume(files: TileStore, head: PublishedHead) -> TileTree | None:
    """The tree at `head` from the files, or None when they do not carry it."""
    try:
        tree = TileTree.resume(files, head.size)
    except MissingTile:
        return None
    bundled = head.size == 0 or files.read(_bundle_path(head.size - 1, head.size)) is not None
    return tree if bundled and tree.tree.root() == head.root else None


async def _from_the_start(last: PublishedHead) -> TileTree:
    """An empty tree to build again, once the database is known to lead to the last signed root.

    Checked before any file is touched: old tiles are the evidence of which leaf was changed.
    """
    rebuilt = merkle.Growing()
    async for leaf in _leaf_hashes(last.size):
        rebuilt.append(leaf)
    if rebuilt.root() != last.root:
        raise TrailBroken(f"the entries no longer lead to the checkpoint of size {last.size}")
    return TileTree()


async def _leaf_hashes(size: int) -> AsyncIterator[bytes]:
    for start in range(0, size, BATCH):
        for row in await db.rows(_HASHES, start, min(BATCH, size - start)):
            yield row["leaf_hash"]


async def _grow(files: TileStore, tree: TileTree, size: int) -> None:
    """Append leaves up to `size`, writing tiles and entry bundles as they fill."""
    begin = tree.size // WIDTH * WIDTH
    while begin < size:
        rows = await db.rows(_LEAVES, begin, min(BATCH, size - begin))
        for row in rows:
            if row["leaf_index"] == tree.size:
                tree.append(row["leaf_hash"])
        await anyio.to_thread.run_sync(_write_bundles, files, begin, rows, size)
        await anyio.to_thread.run_sync(files.write_tiles, tree.take_filled())
        begin += len(rows)
        if not rows:
            raise TrailBroken(f"leaf {begin} is missing")
    await anyio.to_thread.run_sync(files.write_tiles, tree.partials())


def _write_bundles(files: TileStore, begin: int, rows: list[Any], size: int) -> None:
    for start in range(0, len(rows), WIDTH):
        leaves = [Entry.parse(row["payload"]).leaf() for row in rows[start : start + WIDTH]]
        files.write(_bundle_path(begin + start, size), bundle(leaves))
        if len(leaves) == WIDTH:
            files.drop_partials(ENTRIES, (begin + start) // WIDTH)


def _bundle_path(leaf_index: int, size: int) -> str:
    index = leaf_index // WIDTH
    return tile_path(ENTRIES, index, min(WIDTH, size - index * WIDTH))


async def _sign(origin: str, tree: TileTree) -> PublishedHead:
    now = clock.real().replace(microsecond=0)
    checkpoint = tlog.Checkpoint(origin, tree.size, tree.tree.root())
    note = tlog.sign_checkpoint(checkpoint, signers(origin), now)
    await db.execute(
        "insert into core_trail_checkpoint (size, root, note, published_at) values ($1, $2, $3, $4)",
        tree.size,
        checkpoint.root,
        note,
        now,
    )
    return PublishedHead(tree.size, checkpoint.root, note, now)


def _finish_files(files: TileStore, head: PublishedHead) -> None:
    """The checkpoint comes last: whoever reads it finds every tile it promises."""
    lines = "".join(f"{signer.verifier}\n" for signer in signers(head.origin))
    files.write(KEY, lines.encode())
    files.write(CHECKPOINT, head.note.encode())
