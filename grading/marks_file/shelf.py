"""The marks of a file on disk, in parts that fit in memory, each holding whole agencies in canonical order.

Rows go to parts by a stable hash of the agency's id while the file is read. Then every part is sorted by agency,
day, reviewer and mark and stored column by column. Ids are numbered in sorted order, so the order of rows in the
file changes nothing, not even the last bit.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from zlib import crc32

import numpy as np

from grading.estimator.marks import Block, Codes, Ints, Reals, owners
from grading.marks_file.reading import Batch, Reader

SMALL = 48 << 20
PARTS = 64
ROW = np.dtype(
    [
        ("agency", "<i4"),
        ("reviewer", "<i4"),
        ("difficulty", "<i4"),
        ("client", "<i4"),
        ("day", "<i4"),
        ("mark", "<f8"),
        ("stars", "<f8"),
        ("case", "<u8"),
    ]
)


@dataclass(frozen=True, slots=True)
class Part:
    """All rows of some agencies, sorted; `agency` holds the agencies, `starts` their row bounds."""

    agency: Codes
    starts: Ints
    rows: np.ndarray[Any, Any]

    @property
    def owner(self) -> Ints:
        """Agency of each row, counted from 0 within the part."""
        return owners(self.starts)

    def column(self, name: str) -> np.ndarray[Any, Any]:
        """One column, contiguous."""
        return np.ascontiguousarray(self.rows[name])


class Shelf:
    """Parts in a folder; open it with `with`, fill it, then go over it as often as needed."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self.parts = 1 if size <= SMALL else PARTS
        self._files: list[IO[bytes]] = []
        self._closing = ExitStack()
        self._part_of: list[int] = []

    def __enter__(self) -> "Shelf":
        self._files = [self._closing.enter_context((self.folder / f"{n}.rows").open("wb")) for n in range(self.parts)]
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def put(self, batch: Batch, reader: Reader) -> None:
        """Hand the rows to their parts."""
        rows = np.empty(len(batch.agency), ROW)
        for name in ROW.names or ():
            rows[name] = getattr(batch, name)
        if self.parts == 1:
            self._files[0].write(rows.tobytes())
            return
        for name in list(reader.agencies.codes)[len(self._part_of) :]:
            self._part_of.append(crc32(name.encode()) % self.parts)
        part = np.array(self._part_of, np.int32)[batch.agency]
        order = np.argsort(part, kind="stable")
        bounds = np.searchsorted(part[order], np.arange(self.parts + 1))
        for n, file in enumerate(self._files):
            file.write(rows[order[bounds[n] : bounds[n + 1]]].tobytes())

    def sort(self, reader: Reader) -> Iterator[int]:
        """Number ids in sorted order and sort every part; yields the rows done with."""
        self._closing.close()
        ranks = {
            "agency": reader.agencies.ranks()[0],
            "reviewer": reader.reviewers.ranks()[0],
            "difficulty": reader.difficulties.ranks()[0],
            "client": reader.clients.ranks()[0],
        }
        for n in range(self.parts):
            rows = np.fromfile(self.folder / f"{n}.rows", ROW)
            for name, rank in ranks.items():
                rows[name] = rank[rows[name]]
            keys = ("case", "client", "difficulty", "mark", "reviewer", "day", "agency")
            rows = rows[np.lexsort([rows[name] for name in keys])]
            rows.tofile(self.folder / f"{n}.rows")
            yield len(rows)

    def part(self, n: int) -> Part:
        """Read one sorted part."""
        rows = np.fromfile(self.folder / f"{n}.rows", ROW)
        agency, first = np.unique(rows["agency"], return_index=True)
        return Part(agency, np.append(first, len(rows)).astype(np.int64), rows)


@dataclass(frozen=True, slots=True)
class Lessons:
    """What calibration goes over: the marks of the window, stored narrowly beside the parts."""

    folder: Path
    parts: int

    def keep(self, n: int, starts: Ints, reviewer: Codes, difficulty: Codes, mark: Reals) -> None:
        """Store one part's marks."""
        with (self.folder / f"{n}.lessons").open("wb") as file:
            for column in (starts, reviewer, difficulty, mark):
                np.save(file, column, allow_pickle=False)

    def __call__(self) -> Iterator[Block]:
        """Every part as a block, read anew."""
        for n in range(self.parts):
            with (self.folder / f"{n}.lessons").open("rb") as file:
                yield Block(*(np.load(file, allow_pickle=False) for _ in range(4)))
