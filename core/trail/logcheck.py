"""One walk over a log: every entry, the tree they make, the heads it must reach, the files it was published as.

The source (database or export) only supplies rows in order; nothing is written.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core.errors import Message
from core.trail import faults, format, tlog
from core.trail.faults import Fault, Verdict
from core.trail.format import Entry, Person
from core.trail.merkle import leaf_hash
from core.trail.tiles import ENTRIES, WIDTH, Tile, TileStore, TileTree, cut, tile_path, unbundle, width_at

SKEW = timedelta(minutes=5)
LONGEST_TRANSACTION = timedelta(minutes=15)


@dataclass(frozen=True)
class Row:
    """One place of the log as a source has it; `entry` is None when the record is gone."""

    leaf_index: int
    leaf_hash: bytes
    entry: Entry | None
    entry_id: int | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    person: Person | None = None

    @property
    def true_hash(self) -> bytes:
        """The leaf hash that the record itself has, whatever the source says of it."""
        return self.leaf_hash if self.entry is None else leaf_hash(self.entry.leaf())


@dataclass(frozen=True)
class KnownHead:
    """A checkpoint that the log must reach."""

    size: int
    root: bytes
    signed_at: datetime | None = None


def open_heads(
    notes: Iterable[tuple[str, int, bytes]], keys: Sequence[tlog.VerifierKey], verdict: Verdict
) -> list[KnownHead]:
    """Verify published checkpoints (note, registered size and root); returns those that hold, by size."""
    heads = []
    for note, size, root in notes:
        verdict.heads += 1
        try:
            opened = tlog.open_checkpoint(note, keys)
        except tlog.Malformed as error:
            params = {"size": size, "reason": str(error)}
            verdict.add(Fault(Message(faults.HEAD_SIGNATURE, params)))
            continue
        if (opened.head.size, opened.head.root) != (size, root):
            verdict.add(Fault(Message(faults.HEAD_COLUMNS, {"size": size})))
        heads.append(KnownHead(opened.head.size, opened.head.root, opened.signed_at))
    return sorted(heads, key=lambda head: head.size)


class LogCheck:
    """`add` every row in order, then `finish`."""

    def __init__(
        self,
        verdict: Verdict,
        heads: Sequence[KnownHead],
        *,
        remembered: Sequence[KnownHead] = (),
        files: TileStore | None = None,
        published: int = 0,
        may_play: bool = True,
    ) -> None:
        """`published` is the size at which `files` were published; `may_play` allows a simulated clock."""
        self.verdict = verdict
        self.tree = TileTree()
        self._heads = deque(heads)
        self._passed: KnownHead | None = None
        self._remembered = deque(sorted(remembered, key=lambda head: head.size))
        self._content = ContentCheck(verdict, may_play=may_play)
        self._files = FileCheck(verdict, files, published) if files is not None else None
        self._block: list[Row] = []
        self._root_broken = False
        self._order_broken = False
        self._reach_heads()

    def add(self, row: Row) -> None:
        """Check the next place of the log."""
        if row.leaf_index != self.tree.size and not self._order_broken:
            self._order_broken = True
            self.verdict.add(Fault(Message(faults.GAP), self.tree.size))
        self._content.check(row)
        self._check_time(row)
        self._append(row)

    def finish(self) -> Verdict:
        """Everything was added: the unfinished tiles, and heads that promise more than there is."""
        self._compare_files([*self.tree.take_filled(), *self.tree.partials()])
        promised = [head.size for head in (*self._heads, *self._remembered)]
        if promised:
            params = {"size": max(promised), "found": self.tree.size}
            self.verdict.add(Fault(Message(faults.CUT, params), self.tree.size))
        return self.verdict

    def _append(self, row: Row) -> None:
        self.verdict.entries += 1
        self.tree.append(row.true_hash)
        self._block.append(row)
        if len(self._block) == WIDTH:
            self._compare_files(self.tree.take_filled())
        self._reach_heads()

    def _compare_files(self, tiles: Sequence[Tile]) -> None:
        if self._files is not None:
            self._files.compare(self._block, tiles)
        self._block = []

    def _reach_heads(self) -> None:
        size = self.tree.size
        while self._heads and self._heads[0].size == size:
            head = self._heads.popleft()
            if head.root != self.tree.tree.root() and not self._root_broken:
                self._root_broken = True
                self._name_span(head)
            self._passed = head
        while self._remembered and self._remembered[0].size == size:
            if self._remembered.popleft().root != self.tree.tree.root():
                self.verdict.add(Fault(Message(faults.FORK, {"size": size})))

    def _name_span(self, head: KnownHead) -> None:
        first = self._passed.size if self._passed else 0
        params = {"first": first, "last": head.size - 1, "size": head.size}
        last = head.size - 1 if head.size else None
        self.verdict.add(Fault(Message(faults.HEAD_ROOT, params), last))

    def _check_time(self, row: Row) -> None:
        """Written after the head before it was signed, and before the head that covers it."""
        written = self._content.written
        if written is None:
            return
        before = self._passed.signed_at if self._passed else None
        after = self._heads[0].signed_at if self._heads else None
        if before is not None and written < before - LONGEST_TRANSACTION:
            self._content.fault(row, faults.BEFORE)
        elif after is not None and written > after + SKEW:
            self._content.fault(row, faults.AFTER)


class ContentCheck:
    """One entry by itself: fingerprint, format, columns, personal data, lifted veils."""

    def __init__(self, verdict: Verdict, *, may_play: bool) -> None:
        self.verdict = verdict
        self.written: datetime | None = None
        self._may_play = may_play
        self._veils: set[str] = set()

    def check(self, row: Row) -> None:
        """Check one row; `written` is then the time it says it was written at."""
        self.written = None
        if row.entry is None:
            self.fault(row, faults.MISSING)
        elif row.true_hash != row.leaf_hash:
            self.fault(row, faults.CHANGED)
        else:
            self._check_text(row, row.entry)

    def _check_text(self, row: Row, entry: Entry) -> None:
        try:
            head, body = _facts(entry.head), _facts(entry.body)
            if head:
                self._check_clock(row, head)
            if head and body:
                self._check_columns(row, head, body)
            self._check_person(row, body)
            self._check_reveals(row, body)
        except (ValueError, KeyError, TypeError, AttributeError):
            self.fault(row, faults.UNREADABLE)
        self.verdict.withheld += entry.head.text is None or entry.body.text is None

    def _check_clock(self, row: Row, head: Mapping[str, Any]) -> None:
        self.written = format.parse_moment(head["written"])
        if abs(self.written - format.parse_moment(head["at"])) > SKEW:
            self.verdict.played += 1
            if not self._may_play:
                self.fault(row, faults.PLAYED)

    def _check_columns(self, row: Row, head: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        said = {
            "act": head["act"],
            "subject": head["subject"],
            "recorded_at": head["at"],
            "organization_id": head.get("organization"),
            "role": head.get("role", ""),
            "account_id": body.get("account"),
            "threads": body["threads"],
        }
        for column, value in row.columns.items():
            if format.plain(value) != said[column]:
                self.fault(row, faults.COLUMN, column=column)

    def _check_person(self, row: Row, body: Mapping[str, Any]) -> None:
        digest = body.get("personal")
        if row.person is None:
            self.verdict.deleted_persons += digest is not None
        elif digest is None:
            self.fault(row, faults.PERSON_ADDED)
        elif row.person.digest() != digest:
            self.fault(row, faults.PERSON_CHANGED)
        else:
            self.verdict.persons += 1

    def _check_reveals(self, row: Row, body: Mapping[str, Any]) -> None:
        if "veil" in body:
            self._veils.add(body["veil"])
        for reveal in body.get("note", {}).get("reveals", ()):
            # Where bodies are withheld, the commitment may stand in one that is not shown.
            known = reveal["veil"] in self._veils or self.verdict.withheld
            if not format.reveals_truly(reveal) or not known:
                self.fault(row, faults.REVEAL_FALSE)

    def fault(self, row: Row, text: str, **params: Any) -> None:
        """Name the entry by what its columns say, or its head where there are none."""
        facts = row.columns or _facts_or_nothing(row.entry)
        act, subject = (str(facts.get(name) or "") for name in ("act", "subject"))
        self.verdict.add(Fault(Message(text, params), row.leaf_index, row.entry_id, act, subject))


class FileCheck:
    """The published tiles and bundles against the rows they were made from."""

    def __init__(self, verdict: Verdict, files: TileStore, published: int) -> None:
        self.verdict = verdict
        self.verdict.files = True
        self._files = files
        self._published = published

    def compare(self, block: Sequence[Row], tiles: Sequence[Tile]) -> None:
        """A block of up to 256 rows, and the tiles it filled (level 0 is compared row by row)."""
        if block:
            self._compare_leaves(block)
        for tile in tiles:
            width = width_at(tile.level, tile.index, self._published)
            if tile.level and width == len(tile.hashes):
                self._compare_tile(tile)

    def _compare_leaves(self, block: Sequence[Row]) -> None:
        index = block[0].leaf_index // WIDTH
        width = width_at(0, index, self._published)
        if width == 0:
            return
        path = tile_path(0, index, width)
        for row, known in zip(block, cut(self._read(path) or b""), strict=False):
            if row.true_hash != known:
                self._fault(row, faults.TILE, path)
        self._compare_bundle(block, tile_path(ENTRIES, index, width), width)

    def _compare_bundle(self, block: Sequence[Row], path: str, width: int) -> None:
        data = self._read(path)
        if data is None:
            return
        try:
            published = unbundle(data)
        except ValueError:
            published = []
        if len(published) != width:
            self.verdict.add(Fault(Message(faults.BUNDLE, {"path": path})))
        for row, leaf in zip(block, published, strict=False):
            if row.entry is not None and row.entry.leaf() != leaf:
                self._fault(row, faults.BUNDLE, path)

    def _compare_tile(self, tile: Tile) -> None:
        published = self._read(tile.path)
        # A changed leaf changes every tile above it; that is not a second fault.
        if published is not None and published != b"".join(tile.hashes) and self.verdict.sound:
            self.verdict.add(Fault(Message(faults.TILE, {"path": tile.path})))

    def _read(self, path: str) -> bytes | None:
        data = self._files.read(path)
        if data is None:
            self.verdict.add(Fault(Message(faults.FILE_MISSING, {"path": path})))
        return data

    def _fault(self, row: Row, text: str, path: str) -> None:
        ContentCheck(self.verdict, may_play=True).fault(row, text, path=path)


def _facts(half: format.Half) -> dict[str, Any]:
    """What a half says; ValueError when its text is not in the one spelling."""
    facts = half.facts()
    if half.text is not None and format.canonical(facts) != half.text:
        raise ValueError("not canonical")
    return facts


def _facts_or_nothing(entry: Entry | None) -> Mapping[str, Any]:
    try:
        return _facts(entry.head) if entry else {}
    except ValueError:
        return {}
