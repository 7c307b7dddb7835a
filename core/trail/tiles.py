"""The tree as C2SP tiles: 256 hashes a file, eight levels of the tree each.

`TileTree` grows a tree and says which tiles it fills; `TileStore` keeps tiles and entry bundles as files.
"""

import os
import re
import secrets
import shutil
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core.trail import merkle

HEIGHT = 8
WIDTH = 1 << HEIGHT
ENTRIES = "entries"
_PATH = re.compile(
    r"tile/(?:[0-9]|[1-5][0-9]|6[0-3]|entries)/(?:x[0-9]{3}/)*[0-9]{3}"
    r"(?:\.p/(?:[1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5]))?"
)


class MissingTile(LookupError):
    """A tile that should be there is not (the folder was lost or never written)."""


@dataclass(frozen=True, slots=True)
class Tile:
    """Up to 256 consecutive hashes of one level."""

    level: int
    index: int
    hashes: tuple[bytes, ...]

    @property
    def path(self) -> str:
        """Where the tile lies, relative to the log's folder or address."""
        return tile_path(self.level, self.index, len(self.hashes))


def tile_path(level: int | str, index: int, width: int = WIDTH) -> str:
    """`tile/<L>/<N>[.p/<W>]`, for instance `tile/0/x001/234.p/17`."""
    digits = f"{index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{level}/{name}" + (f".p/{width}" if width < WIDTH else "")


def is_tile_path(path: str) -> bool:
    """Whether `path` is a tile path as the format writes it; nothing else is ever served or opened."""
    return _PATH.fullmatch(path) is not None


def width_at(level: int, index: int, size: int) -> int:
    """How many hashes tile `index` of `level` holds in a tree of `size` leaves."""
    return max(0, min(WIDTH, (size >> (HEIGHT * level)) - index * WIDTH))


@dataclass(slots=True)
class TileTree:
    """A growing tree that hands out each tile when it is full."""

    tree: merkle.Growing = field(default_factory=merkle.Growing)
    levels: list[list[bytes]] = field(default_factory=list)
    filled: list[Tile] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self.tree.size

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash; full tiles appear in `filled`."""
        index = self.tree.size
        closed = self.tree.append(leaf)
        for level, node in enumerate(closed[::HEIGHT]):
            self._add(level, index, node)

    def _add(self, level: int, leaf_index: int, node: bytes) -> None:
        if level == len(self.levels):
            self.levels.append([])
        row = self.levels[level]
        row.append(node)
        if len(row) == WIDTH:
            self.filled.append(Tile(level, leaf_index >> (HEIGHT * (level + 1)), tuple(row)))
            row.clear()

    def take_filled(self) -> list[Tile]:
        """The tiles filled since the last call."""
        taken, self.filled = self.filled, []
        return taken

    def partials(self) -> list[Tile]:
        """The unfinished tile of every level that has one."""
        return [
            Tile(level, self.size >> (HEIGHT * (level + 1)), tuple(row)) for level, row in enumerate(self.levels) if row
        ]

    @classmethod
    def resume(cls, store: "TileStore", size: int) -> "TileTree":
        """The tree of `size` leaves from the tiles on its right edge; `MissingTile` when one is gone."""
        grown = cls()
        level = 0
        while count := size >> (HEIGHT * level):
            width = count % WIDTH
            grown.levels.append(store.hashes(level, count // WIDTH, width) if width else [])
            level += 1
        peaks = [peak for row in reversed(grown.levels) for peak in _peaks(row)]
        grown.tree = merkle.Growing(size, peaks)
        return grown


def _peaks(hashes: list[bytes]) -> Iterator[bytes]:
    """Roots of the complete subtrees over a row of sibling hashes, largest first."""
    start = 0
    for bit in reversed(range(HEIGHT)):
        if len(hashes) & (1 << bit):
            yield merkle.fold(hashes[start : start + (1 << bit)])
            start += 1 << bit


@dataclass(frozen=True, slots=True)
class TileStore:
    """Tiles, bundles and the checkpoint as files; each appears whole or not at all."""

    folder: Path

    def read(self, path: str) -> bytes | None:
        """The bytes of a published file, or None."""
        try:
            return (self.folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def hashes(self, level: int, index: int, width: int) -> list[bytes]:
        """The first `width` hashes of a tile, from the full tile where there is one."""
        for path in (tile_path(level, index), tile_path(level, index, width)):
            data = self.read(path)
            if data is not None and len(data) >= width * merkle.HASH_SIZE:
                return cut(data)[:width]
        raise MissingTile(tile_path(level, index, width))

    def nodes(self, size: int) -> merkle.Nodes:
        """The tree of `size` published leaves, for proofs; reads each tile once."""
        known: dict[tuple[int, int], list[bytes]] = {}

        def node(height: int, index: int) -> bytes:
            level, inner = divmod(height, HEIGHT)
            tile, offset = divmod(index << inner, WIDTH)
            if (level, tile) not in known:
                known[level, tile] = self.hashes(level, tile, width_at(level, tile, size))
            return merkle.fold(known[level, tile][offset : offset + (1 << inner)])

        return node

    def write(self, path: str, data: bytes) -> None:
        """Write a file completely before it gets its name, and see it on the disk."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)

    def write_tiles(self, tiles: Iterable[Tile]) -> None:
        """Write tiles; the partial forms of a tile go when it is full."""
        for tile in tiles:
            self.write(tile.path, b"".join(tile.hashes))
            if len(tile.hashes) == WIDTH:
                self.drop_partials(tile.level, tile.index)

    def drop_partials(self, level: int | str, index: int) -> None:
        """Remove the unfinished forms of a tile that is now full."""
        shutil.rmtree(self.folder / f"{tile_path(level, index)}.p", ignore_errors=True)


def cut(data: bytes) -> list[bytes]:
    """A tile's bytes as hashes."""
    return [data[i : i + merkle.HASH_SIZE] for i in range(0, len(data), merkle.HASH_SIZE)]


def bundle(leaves: Iterable[bytes]) -> bytes:
    """Entry bundle: every leaf with its length before it, two bytes big-endian."""
    return b"".join(struct.pack(">H", len(leaf)) + leaf for leaf in leaves)


def unbundle(data: bytes) -> list[bytes]:
    """The leaves of an entry bundle; ValueError when it is cut off."""
    leaves = []
    here = 0
    while here < len(data):
        if here + 2 > len(data):
            raise ValueError("bundle cut off")
        (length,) = struct.unpack_from(">H", data, here)
        here += 2 + length
        if here > len(data):
            raise ValueError("bundle cut off")
        leaves.append(data[here - length : here])
    return leaves
