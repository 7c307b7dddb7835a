"""The Merkle tree of RFC 9162 §2.1: hashes, proofs and their verification. Pure.

Roots and proofs read the tree through a `Nodes` function, so that they work on tiles, on a list in
memory, or on anything else that knows the hashes of complete subtrees.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Nodes = Callable[[int, int], bytes]
"""(height, index) -> hash of the complete subtree over leaves [index * 2**height, (index + 1) * 2**height)."""


def leaf_hash(data: bytes) -> bytes:
    """Hash of one entry (RFC 9162 §2.1.1)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node (RFC 9162 §2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """Root over a power-of-two number of sibling hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def split(width: int) -> int:
    """The largest power of two below `width` (RFC 9162: k)."""
    return 1 << ((width - 1).bit_length() - 1)


def span(nodes: Nodes, start: int, end: int) -> bytes:
    """Root over the leaves [start, end), which must be a range that the recursion of the RFC visits."""
    width = end - start
    if width & (width - 1) == 0:
        height = width.bit_length() - 1
        return nodes(height, start >> height)
    middle = start + split(width)
    return node_hash(span(nodes, start, middle), span(nodes, middle, end))


def root(nodes: Nodes, size: int) -> bytes:
    """Root of the tree over the first `size` leaves."""
    return span(nodes, 0, size) if size else EMPTY_ROOT


def inclusion_proof(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """Audit path of leaf `index` in the tree of `size` leaves, sibling of the leaf first (§2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            path.append(span(nodes, middle, end))
            end = middle
        else:
            path.append(span(nodes, start, middle))
            start = middle
    return path[::-1]


def consistency_proof(nodes: Nodes, first: int, second: int) -> list[bytes]:
    """Proof that the tree of `second` leaves continues the tree of `first` leaves (§2.1.4.1)."""
    if not 0 < first <= second:
        raise ValueError(f"no consistency proof from {first} to {second}")
    path = []
    start, end, known = 0, second, True
    while end != first:
        middle = start + split(end - start)
        if first <= middle:
            path.append(span(nodes, middle, end))
            end = middle
        else:
            path.append(span(nodes, start, middle))
            start, known = middle, False
    if not known:
        path.append(span(nodes, start, end))
    return path[::-1]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an audit path: the sibling, the side it stands on, and the hash it leads to."""

    sibling: bytes
    left: bool
    result: bytes


def climb(leaf: bytes, index: int, size: int, proof: Iterable[bytes]) -> list[Step]:
    """Every step from the leaf hash to the root (§2.1.3.2); ValueError when the path has a wrong length."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    node, last, here = index, size - 1, leaf
    steps = []
    for sibling in proof:
        if last == 0:
            raise ValueError("proof too long")
        left = bool(node & 1) or node == last
        here = node_hash(sibling, here) if left else node_hash(here, sibling)
        steps.append(Step(sibling, left, here))
        while left and not node & 1 and node:
            node, last = node >> 1, last >> 1
        node, last = node >> 1, last >> 1
    if last:
        raise ValueError("proof too short")
    return steps


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows that the leaf hash stands at `index` of the tree with this size and root."""
    if not _are_hashes(leaf, root, *proof):
        return False
    try:
        steps = climb(leaf, index, size, proof)
    except ValueError:
        return False
    return (steps[-1].result if steps else leaf) == root


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the second tree only appended to the first (§2.1.4.2).

    From an empty tree nothing can be shown, so a size of 0 is refused.
    """
    if first == second > 0:
        return not proof and first_root == second_root
    if not 0 < first < second or not _are_hashes(first_root, second_root, *proof):
        return False
    path = list(proof) if first & (first - 1) else [first_root, *proof]
    return bool(path) and _roots_of(path, first, second) == (first_root, second_root)


def _roots_of(path: Sequence[bytes], first: int, second: int) -> tuple[bytes, bytes] | None:
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return (old, new) if last == 0 else None


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_SIZE for value in values)


@dataclass(slots=True)
class Growing:
    """A tree that only grows: it keeps the peaks (roots of its complete subtrees), highest first."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    def append(self, leaf: bytes) -> list[bytes]:
        """Add a leaf hash; returns the complete subtrees this closed: element h has height h."""
        closed = [leaf]
        for _ in range(trailing_ones(self.size)):
            closed.append(node_hash(self.peaks.pop(), closed[-1]))
        self.peaks.append(closed[-1])
        self.size += 1
        return closed

    def root(self) -> bytes:
        """Root over everything appended so far."""
        if not self.peaks:
            return EMPTY_ROOT
        *others, here = self.peaks
        for peak in reversed(others):
            here = node_hash(peak, here)
        return here


def trailing_ones(number: int) -> int:
    """How many subtrees the next leaf closes in a tree of `number` leaves."""
    return (~number & (number + 1)).bit_length() - 1
