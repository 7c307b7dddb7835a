"""Checking the trail: entry by entry, tree against every signed head, files against the tree. No writing.

`LogCheck` does the work for every source (the database, an export); the first fault it names is the
broken entry with the lowest place in the log.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core.errors import Message
from core.i18n import N_
from core.trail import format, tlog
from core.trail.format import Entry, Person
from core.trail.merkle import leaf_hash, verify_inclusion
from core.trail.tiles import WIDTH, Tile, TileStore, TileTree, bundle, cut, tile_path, width_at

SKEW = timedelta(minutes=5)
LONGEST_TRANSACTION = timedelta(minutes=15)
MOST_FAULTS = 50
PROOF_FORMAT = "xinshi-trail-proof/1"
MISSING = N_("记录已被删除")
CHANGED = N_("内容与日志中的指纹不一致")
UNREADABLE = N_("内容不是规定的格式")
COLUMN = N_("登记的“%(column)s”与已留痕的内容不一致")
PERSON_CHANGED = N_("个人信息与已留痕的指纹不一致")
PERSON_ADDED = N_("个人信息不在已留痕的内容之内")
REVEAL_FALSE = N_("公开的身份与密封时的承诺不一致")
GAP = N_("日志序号不连续：此处缺一条")
TILE = N_("指纹与已发布的树文件 %(path)s 不一致")
TILE_MISSING = N_("已发布的树文件 %(path)s 不见了，可用 xinshi trail publish --rebuild 重建")
BUNDLE = N_("已发布的记录文件 %(path)s 与数据库不一致")
BEFORE = N_("写入时间早于上一检查点，是事后补写的")
AFTER = N_("写入时间晚于覆盖它的检查点")
HEAD_ROOT = N_("第 %(first)s 条至第 %(last)s 条之间有改动：树根与大小为 %(size)s 的检查点不一致")
HEAD_SIGNATURE = N_("大小为 %(size)s 的检查点签名无效：%(reason)s")
HEAD_COLUMNS = N_("大小为 %(size)s 的检查点与其登记的数值不一致")
CUT = N_("日志尾部被截断：检查点覆盖 %(size)s 条，现只有 %(found)s 条")
FORK = N_("日志分叉：与留存的检查点（大小 %(size)s）不是同一份记录")
OUTSIDE = N_("记录未进入日志，且已不可能按序进入")


@dataclass(frozen=True)
class Fault:
    """One thing that is not as it was published. Without a leaf index it concerns the log as a whole."""

    what: Message
    leaf_index: int | None = None
    entry_id: int | None = None
    act: str = ""
    subject: str = ""


@dataclass(frozen=True)
class Row:
    """One place of the log as a source has it. `entry` is None when the record is gone."""

    leaf_index: int
    leaf_hash: bytes
    entry: Entry | None
    entry_id: int | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    person: Person | None = None


@dataclass(frozen=True)
class KnownHead:
    """A checkpoint that the log must reach: published by it, or remembered by somebody else."""

    size: int
    root: bytes
    signed_at: datetime | None
    remembered: bool = False


@dataclass
class Verdict:
    """What was checked and what was found."""

    entries: int = 0
    heads: int = 0
    waiting: int = 0
    persons: int = 0
    deleted_persons: int = 0
    played: int = 0
    withheld: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.faults

    def add(self, fault: Fault) -> None:
        """Note a fault; a log with very many is simply broken."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(fault)

    def ordered(self) -> list[Fault]:
        """Faults by their place in the log; those of the log as a whole last."""
        return sorted(self.faults, key=lambda f: (f.leaf_index is None, f.leaf_index or 0))


def open_heads(
    notes: Iterable[tuple[str, int, bytes]], keys: Sequence[tlog.VerifierKey], verdict: Verdict
) -> list[KnownHead]:
    """Verify published checkpoints (note, size and root as registered); those that hold, by size."""
    heads = []
    for note, size, root in notes:
        verdict.heads += 1
        try:
            opened = tlog.open_checkpoint(note, keys)
        except tlog.Malformed as error:
            verdict.add(Fault(Message(HEAD_SIGNATURE, {"size": size, "reason": str(error)})))
            continue
        if (opened.head.size, opened.head.root) != (size, root):
            verdict.add(Fault(Message(HEAD_COLUMNS, {"size": size})))
        heads.append(KnownHead(opened.head.size, opened.head.root, opened.signed_at))
    return sorted(heads, key=lambda head: head.size)


class LogCheck:
    """Walks the log once, in order; `finish` compares what is left."""

    def __init__(
        self,
        heads: Sequence[KnownHead],
        verdict: Verdict,
        *,
        remembered: Sequence[tlog.Checkpoint] = (),
        files: TileStore | None = None,
        published: int = 0,
    ) -> None:
        self.verdict = verdict
        self.tree = TileTree()
        self._heads = list(heads)
        self._remembered = sorted(remembered, key=lambda head: head.size)
        self._last_size = 0
        self._root_broken = False
        self._files = files
        self._published = published
        self._veils: set[str] = set()
        self._block: list[Row] = []

    def add(self, row: Row) -> None:
        """Check the next place of the log."""
        while row.leaf_index > self.tree.size:
            self._fault_at(self.tree.size, GAP)
            self._append(Row(self.tree.size, b"", None))
        self._check_entry(row)
        self._append(row)

    def _append(self, row: Row) -> None:
        self.verdict.entries += 1
        # The tree is computed from the record itself wherever it is there to be read.
        self.tree.append(_hash_of(row))
        self._block.append(row)
        if len(self._block) == WIDTH:
            self._compare_files()
        self._check_heads()

    def finish(self) -> Verdict:
        """Everything was added: the last files, and heads that promise more than there is."""
        if self._block:
            self._compare_files()
        self._compare_upper_tiles()
        self._check_heads()
        for size in [head.size for head in self._heads] + [head.size for head in self._remembered]:
            self.verdict.add(
                Fault(
                    Message(CUT, {"size": size, "found": self.tree.size}), leaf_index=self.tree.size
                )
            )
        return self.verdict

    # -- one entry ---------------------------------------------------------------------------

    def _check_entry(self, row: Row) -> None:
        if row.entry is None:
            self._fault(row, MISSING)
        elif leaf_hash(row.entry.leaf()) != row.leaf_hash:
            self._fault(row, CHANGED)
        else:
            self._check_content(row, row.entry)

    def _check_content(self, row: Row, entry: Entry) -> None:
        try:
            head, body = entry.head.facts(), entry.body.facts()
            if any(
                half.text is not None and format.canonical(half.facts()) != half.text
                for half in (entry.head, entry.body)
            ):
                raise ValueError
            self._check_times(row, head)
        except (ValueError, KeyError, TypeError, AttributeError):
            self._fault(row, UNREADABLE)
            return
        self._check_columns(row, head, body)
        self._check_person(row, body)
        self._check_reveals(row, body)
        self.verdict.withheld += entry.head.text is None or entry.body.text is None

    def _check_times(self, row: Row, head: Mapping[str, Any]) -> None:
        """Written after the head before it and before the head that covers it, as those were signed."""
        if not head:
            return
        written, at = format.parse_moment(head["written"]), format.parse_moment(head["at"])
        self.verdict.played += abs(written - at) > SKEW
        before, after = self._times_around(row.leaf_index)
        if before is not None and written < before - LONGEST_TRANSACTION:
            self._fault(row, BEFORE)
        elif after is not None and written > after + SKEW:
            self._fault(row, AFTER)

    def _times_around(self, index: int) -> tuple[datetime | None, datetime | None]:
        before = self._last_signed_at if self._last_size else None
        following = next((head for head in self._heads if head.size > index), None)
        return before, following.signed_at if following else None

    _last_signed_at: datetime | None = None

    def _check_columns(
        self, row: Row, head: Mapping[str, Any], body: Mapping[str, Any]
    ) -> None:
        said = {
            "act": head.get("act"),
            "subject": head.get("subject"),
            "recorded_at": head.get("at"),
            "organization_id": head.get("organization"),
            "role": head.get("role", ""),
            "account_id": body.get("account"),
            "threads": body.get("threads"),
        }
        for column, value in row.columns.items():
            if format.plain(value) != said[column]:
                self._fault(row, COLUMN, column=column)

    def _check_person(self, row: Row, body: Mapping[str, Any]) -> None:
        digest = body.get("personal")
        if row.person is None:
            self.verdict.deleted_persons += digest is not None
        elif digest is None:
            self._fault(row, PERSON_ADDED)
        elif row.person.digest() != digest:
            self._fault(row, PERSON_CHANGED)
        else:
            self.verdict.persons += 1

    def _check_reveals(self, row: Row, body: Mapping[str, Any]) -> None:
        if "veil" in body:
            self._veils.add(body["veil"])
        for reveal in (body.get("note") or {}).get("reveals", ()):
            if not format.reveals_truly(reveal) or reveal["veil"] not in self._veils:
                self._fault(row, REVEAL_FALSE)

    # -- the tree ----------------------------------------------------------------------------

    def _check_heads(self) -> None:
        size = self.tree.size
        while self._heads and self._heads[0].size <= size:
            head = self._heads.pop(0)
            if head.size == size and self.tree.tree.root() != head.root and not self._root_broken:
                self._root_broken = True
                span = {"first": self._last_size, "last": size - 1, "size": size}
                self.verdict.add(Fault(Message(HEAD_ROOT, span), leaf_index=max(size - 1, 0)))
            self._last_size, self._last_signed_at = head.size, head.signed_at
        while self._remembered and self._remembered[0].size <= size:
            known = self._remembered.pop(0)
            if known.size == size and self.tree.tree.root() != known.root:
                self.verdict.add(Fault(Message(FORK, {"size": size})))

    def _compare_files(self) -> None:
        """The finished block of 256 (or the rest at the end) against its published tile and bundle."""
        block, self._block = self._block, []
        tile = block[0].leaf_index // WIDTH
        width = min(width_at(0, tile, self._published), len(block))
        if self._files is None or width == 0:
            return
        full = width_at(0, tile, self._published)
        path = tile_path(0, tile, full)
        published = self._read(self._files, path)
        for row, known in zip(block, cut(published or b""), strict=False):
            if _hash_of(row) != known:
                self._fault(row, TILE, path=path)
        self._compare_bundle(self._files, block[:width], tile, full)

    def _compare_bundle(
        self, files: TileStore, block: Sequence[Row], tile: int, full: int
    ) -> None:
        path = tile_path("entries", tile, full)
        published = self._read(files, path)
        leaves = [row.entry.leaf() for row in block if row.entry is not None]
        if published is not None and len(leaves) == full and published != bundle(leaves):
            self._fault(block[0], BUNDLE, path=path)

    def _read(self, files: TileStore, path: str) -> bytes | None:
        data = files.read(path)
        if data is None:
            self.verdict.add(Fault(Message(TILE_MISSING, {"path": path})))
        return data

    def _compare_upper_tiles(self) -> None:
        if self._files is None or self._published != self.tree.size:
            return
        ours = [*self.tree.take_filled(), *self.tree.partials()]
        for tile in ours:
            if tile.level:
                self._compare_tile(self._files, tile)

    def _compare_tile(self, files: TileStore, tile: Tile) -> None:
        published = self._read(files, tile.path)
        if published is not None and published != b"".join(tile.hashes):
            self.verdict.add(Fault(Message(TILE, {"path": tile.path})))

    # -- naming ------------------------------------------------------------------------------

    def _fault(self, row: Row, text: str, **params: Any) -> None:
        facts = _facts(row)
        self.verdict.add(
            Fault(
                Message(text, params),
                row.leaf_index,
                row.entry_id,
                str(facts.get("act", "")),
                str(facts.get("subject", "")),
            )
        )

    def _fault_at(self, leaf_index: int, text: str) -> None:
        self.verdict.add(Fault(Message(text), leaf_index))


def _hash_of(row: Row) -> bytes:
    return leaf_hash(row.entry.leaf()) if row.entry is not None else row.leaf_hash or bytes(32)


def _facts(row: Row) -> Mapping[str, Any]:
    """What the broken entry says it is: its columns, or its head where there are none."""
    if row.columns or row.entry is None:
        return row.columns
    try:
        return row.entry.head.facts()
    except ValueError:
        return {}


# -- one proof file --------------------------------------------------------------------------


@dataclass(frozen=True)
class ProvedEntry:
    """What a proof file proves: the entry's shown halves, its place, and the head that covers it."""

    entry: Entry
    leaf_index: int
    head: tlog.SignedCheckpoint


def check_proof(text: str, keys: Sequence[tlog.VerifierKey]) -> ProvedEntry:
    """Check one proof file offline with nothing but the public keys.

    `tlog.Malformed` says why it does not prove what it claims.
    """
    proof = tlog.Proof.parse(text)
    head = tlog.open_checkpoint(proof.checkpoint, keys)
    entry = disclosed(proof.extra)
    leaf = leaf_hash(entry.leaf())
    if not verify_inclusion(leaf, proof.index, head.head.size, proof.path, head.head.root):
        raise tlog.Malformed("the entry is not in the tree of this checkpoint")
    return ProvedEntry(entry, proof.index, head)


def disclosed(extra: bytes) -> Entry:
    """The entry that a proof's extra part shows, in text or as digests; `Malformed` when it is none."""
    import json

    try:
        facts = json.loads(extra)
        if facts["format"] != PROOF_FORMAT:
            raise ValueError
        return Entry(_half(facts, "head"), _half(facts, "body"))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise tlog.Malformed("the proof does not show an entry of ours") from None


def _half(facts: Mapping[str, Any], name: str) -> format.Half:
    if name in facts:
        return format.Half.of(facts[name])
    digest = facts[f"{name}_digest"]
    if len(bytes.fromhex(digest)) != len(leaf_hash(b"")) or digest != digest.lower():
        raise ValueError
    return format.Half(digest)
