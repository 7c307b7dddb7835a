"""Reading the trail. Who may see what of an entry is decided here."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import db
from core.errors import NotFound
from core.i18n import N_, language, translate
from core.identity import ROLE_NAMES, Identity, Permission, Role
from core.trail import merkle, proofs, registry, tlog
from core.trail.format import VEILED, Entry
from core.trail.registry import Openness
from core.trail.sequencer import PublishedHead, last_head, store
from core.trail.tiles import MissingTile

MANY = 500
_GREATEST = 2**63 - 1

_ENTRY = """
select e.id, e.recorded_at, e.act, e.subject, e.role, e.organization_id, e.payload,
       o.name_zh, o.name_en, l.leaf_index, l.leaf_hash
from core_trail_entry e
left join core_trail_leaf l on l.entry = e.id
left join core_organization o on o.id = e.organization_id
"""


class TreeUnavailable(NotFound):
    """The published tiles are missing; the publisher will write them again."""

    status = 503
    code = "trail-tree-unavailable"
    text = N_("证明所需的树文件正在重建，请一分钟后再看。记录本身没有受影响。")


@dataclass(frozen=True)
class TimelineEntry:
    """One line of a case's timeline. `actor_name` is the organisation: persons are not named in public."""

    at: datetime
    act: str
    title: str
    actor_name: str
    role: str
    subject: str
    entry_id: int


@dataclass(frozen=True)
class EntryView:
    """What this reader may see of one entry, with its place in the log once it has one."""

    entry_id: int
    entry: Entry
    title: str | None
    act: str | None
    subject: str | None
    at: datetime | None
    role_name: str
    organization_name: str
    leaf_index: int | None

    @property
    def head_text(self) -> str | None:
        """The exact text whose digest the leaf holds."""
        return self.entry.head.text

    @property
    def body_text(self) -> str | None:
        """The exact text of the protected half, where this reader may see it."""
        return self.entry.body.text

    @property
    def leaf(self) -> bytes:
        """The leaf as published."""
        return self.entry.leaf()

    @property
    def leaf_hash(self) -> bytes:
        """The leaf's hash in the tree."""
        return merkle.leaf_hash(self.leaf)


@dataclass(frozen=True)
class FeedItem:
    """One entry in the order of the log."""

    leaf_index: int
    entry_id: int
    recorded_at: datetime
    act: str
    subject: str


async def timeline(thread: str, *, limit: int = MANY, acts: Collection[str] | None = None) -> list[TimelineEntry]:
    """What happened on a case, oldest first, the newest `limit` acts of it.

    `thread` is `noun:id`; `acts` narrows a long thread to some kinds of act. Veiled entries stay out:
    that a sealed bid arrived is itself a secret.
    """
    found = await db.rows(
        _ENTRY + "where e.threads @> array[$1::text] and e.role <> $2 and ($4::text[] is null or e.act = any($4))"
        " order by e.recorded_at desc, e.id desc limit $3",
        thread,
        VEILED,
        limit,
        list(acts) if acts is not None else None,
    )
    return [_timeline_entry(row) for row in reversed(found)]


def _timeline_entry(row: Any) -> TimelineEntry:
    return TimelineEntry(
        at=row["recorded_at"],
        act=row["act"],
        title=registry.title(row["act"]),
        actor_name=_organization_name(row),
        role=row["role"],
        subject=row["subject"],
        entry_id=row["id"],
    )


def _organization_name(row: Any) -> str:
    english = row["name_en"] if language() == "en" else None
    return english or row["name_zh"] or ""


async def entry_view(entry_id: int, reader: Identity | None) -> EntryView:
    """One entry as `reader` (None: anybody) may see it; `NotFound` when there is none."""
    row = await db.row(_ENTRY + "where e.id = $1", entry_id) if 0 < entry_id <= _GREATEST else None
    if row is None:
        raise NotFound
    return _view(row, reader)


async def entry_views(reader: Identity | None, *, after: int = -1, limit: int = 50) -> list[EntryView]:
    """Entries in the order of the log after a leaf index, as `reader` may see them."""
    sql = _ENTRY + "where l.leaf_index > $1 order by l.leaf_index limit $2"
    return [_view(row, reader) for row in await db.rows(sql, min(after, _GREATEST), limit)]


async def newest_views(reader: Identity | None, *, limit: int = 10) -> list[EntryView]:
    """The entries that entered the log last, newest first."""
    sql = _ENTRY + "where l.leaf_index is not null order by l.leaf_index desc limit $1"
    return [_view(row, reader) for row in await db.rows(sql, limit)]


def _view(row: Any, reader: Identity | None) -> EntryView:
    entry = registry.shown(Entry.parse(row["payload"]), _allowed(row, reader))
    seen = entry.head.text is not None
    veiled = row["role"] == VEILED
    return EntryView(
        entry_id=row["id"],
        entry=entry,
        title=registry.title(row["act"]) if seen else None,
        act=row["act"] if seen else None,
        subject=row["subject"] if seen else None,
        at=row["recorded_at"] if seen else None,
        role_name=translate(ROLE_NAMES[Role(row["role"])]) if seen and not veiled else "",
        organization_name=_organization_name(row) if seen else "",
        leaf_index=row["leaf_index"],
    )


def _allowed(row: Any, reader: Identity | None) -> Openness:
    """Everybody: as declared for the act. The acting organisation and the supervisors: everything."""
    if reader is not None and _is_party(row, reader):
        return Openness.FULL
    return registry.openness(row["act"], row["role"])


def _is_party(row: Any, reader: Identity) -> bool:
    own = row["organization_id"] == reader.organization_id
    return row["role"] != VEILED and (own or reader.may(Permission.READ_TRAIL))


async def feed(after_leaf_index: int = -1, limit: int = 100) -> list[FeedItem]:
    """Entries in the order of the log, after a cursor.

    A reader that continues from the last index it saw meets every entry exactly once: an index is given
    only when nothing can come before it any more. Without visibility rules: for our own use.
    """
    found = await db.rows(
        "select l.leaf_index, e.id, e.recorded_at, e.act, e.subject"
        " from core_trail_leaf l join core_trail_entry e on e.id = l.entry"
        " where l.leaf_index > $1 order by l.leaf_index limit $2",
        after_leaf_index,
        limit,
    )
    return [FeedItem(*row.values()) for row in found]


async def latest_checkpoint() -> PublishedHead:
    """The newest signed head, for receipts and certificates; size 0 before the first."""
    return await last_head()


async def checkpoints(*, below: int | None = None, limit: int = 20) -> list[PublishedHead]:
    """The newest signed heads, newest first, of sizes below a cursor."""
    found = await db.rows(
        "select size, root, note, published_at from core_trail_checkpoint where size < $1 order by size desc limit $2",
        _GREATEST if below is None else min(below, _GREATEST),
        limit,
    )
    return [PublishedHead(*row.values()) for row in found]


def inclusion(view: EntryView, head: PublishedHead) -> list[merkle.Step]:
    """The steps from the entry's leaf to the root of `head`.

    `NotFound` while the entry is not in that tree yet, `TreeUnavailable` when tiles are missing.
    """
    if view.leaf_index is None or view.leaf_index >= head.size:
        raise NotFound
    return merkle.climb(view.leaf_hash, view.leaf_index, head.size, _path(view.leaf_index, head.size))


def _path(index: int, size: int) -> list[bytes]:
    try:
        return merkle.inclusion_proof(store().nodes(size), index, size)
    except MissingTile as error:
        raise TreeUnavailable from error


def proof_file(view: EntryView, head: PublishedHead) -> tlog.Proof:
    """The file that proves the entry offline; it shows of the entry what `view` shows."""
    if view.leaf_index is None or view.leaf_index >= head.size:
        raise NotFound
    path = _path(view.leaf_index, head.size)
    return tlog.Proof(proofs.shown_part(view.entry), view.leaf_index, tuple(path), head.note)


@dataclass(frozen=True)
class Consistency:
    """That the tree of `second` entries only appended to the tree of `first`."""

    first: int
    second: int
    first_root: bytes
    second_root: bytes
    path: tuple[bytes, ...]

    @property
    def holds(self) -> bool:
        """The verdict, by the rule that anybody else would use."""
        return merkle.verify_consistency(self.first, self.second, self.first_root, self.second_root, self.path)


def consistency(first: int, second: int, head: PublishedHead) -> Consistency:
    """The proof between two sizes up to that of `head`; `NotFound` for other sizes."""
    if not 0 < first <= second <= head.size:
        raise NotFound
    nodes = store().nodes(head.size)
    try:
        return Consistency(
            first,
            second,
            merkle.root(nodes, first),
            merkle.root(nodes, second),
            tuple(merkle.consistency_proof(nodes, first, second)),
        )
    except MissingTile as error:
        raise TreeUnavailable from error
