"""The Merkle tree against the public RFC 9162 vectors, and its properties."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.trail import merkle
from core.trail.tiles import TileStore, TileTree, width_at
from tests.factories.trail import tiles_of

VECTORS = json.loads((Path(__file__).parent / "vectors" / "rfc9162.json").read_text("utf-8"))
HASHES = [bytes.fromhex(text) for text in VECTORS["hashes"]]
SIZES = st.integers(1, 700)


def leaves(size: int) -> list[bytes]:
    return [merkle.leaf_hash(str(number).encode()) for number in range(size)]


def nodes_of(hashes: list[bytes]) -> merkle.Nodes:
    def node(height: int, index: int) -> bytes:
        return merkle.fold(hashes[index << height : (index + 1) << height])

    return node


def names(kind: str) -> list[Any]:
    return [pytest.param(case, id=f"{case['name']}") for case in VECTORS[kind]]


def test_the_vectors_are_all_there() -> None:
    assert (len(VECTORS["inclusion"]), len(VECTORS["consistency"])) == (98, 98)
    assert {case["valid"] for case in VECTORS["inclusion"]} == {True, False}
    assert 0 in {case["size"] for case in VECTORS["inclusion"]}


@pytest.mark.parametrize("case", names("inclusion"))
def test_public_inclusion_vector(case: dict[str, Any]) -> None:
    proof = [HASHES[number] for number in case["proof"]]
    found = merkle.verify_inclusion(HASHES[case["leaf"]], case["index"], case["size"], proof, HASHES[case["root"]])
    assert found is case["valid"]


@pytest.mark.parametrize("case", names("consistency"))
def test_public_consistency_vector(case: dict[str, Any]) -> None:
    proof = [HASHES[number] for number in case["proof"]]
    found = merkle.verify_consistency(
        case["first"], case["second"], HASHES[case["first_root"]], HASHES[case["second_root"]], proof
    )
    assert found is case["valid"]


def test_empty_tree_has_the_hash_of_nothing_as_root() -> None:
    assert merkle.Growing().root() == merkle.EMPTY_ROOT == hashlib.sha256(b"").digest()
    assert merkle.root(nodes_of([]), 0) == merkle.EMPTY_ROOT


def test_nothing_can_be_proved_about_an_empty_tree() -> None:
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion_proof(nodes_of([]), 0, 0)
    with pytest.raises(ValueError, match="no consistency"):
        merkle.consistency_proof(nodes_of(leaves(3)), 0, 3)


@given(SIZES)
def test_growing_leaf_by_leaf_leads_to_the_root_of_the_recursion(size: int) -> None:
    hashes = leaves(size)
    grown = merkle.Growing()
    for leaf in hashes:
        grown.append(leaf)
    assert grown.root() == merkle.root(nodes_of(hashes), size)


@given(SIZES, st.data())
def test_every_inclusion_proof_holds_and_for_one_leaf_only(size: int, data: st.DataObject) -> None:
    hashes = leaves(size)
    index = data.draw(st.integers(0, size - 1))
    root = merkle.root(nodes_of(hashes), size)
    proof = merkle.inclusion_proof(nodes_of(hashes), index, size)
    assert merkle.verify_inclusion(hashes[index], index, size, proof, root)
    other = data.draw(st.integers(0, size - 1).filter(lambda n: n != index) if size > 1 else st.just(1))
    assert not merkle.verify_inclusion(hashes[index], other, size, proof, root)


@given(SIZES, st.data())
def test_every_consistency_proof_holds_and_no_bit_of_it_is_idle(size: int, data: st.DataObject) -> None:
    hashes = leaves(size)
    first = data.draw(st.integers(1, size))
    old, new = (merkle.root(nodes_of(hashes), n) for n in (first, size))
    proof = merkle.consistency_proof(nodes_of(hashes), first, size)
    assert merkle.verify_consistency(first, size, old, new, proof)
    for place, part in enumerate(proof):
        broken = [*proof[:place], bytes([part[0] ^ 1]) + part[1:], *proof[place + 1 :]]
        assert not merkle.verify_consistency(first, size, old, new, broken)


@given(st.integers(0, 70_000))
def test_tiles_of_a_size_hold_every_hash_of_each_level_once(size: int) -> None:
    per_level: dict[int, int] = {}
    for level, index, width in tiles_of(size):
        assert width == width_at(level, index, size) > 0
        per_level[level] = per_level.get(level, 0) + width
    assert per_level == {level: size >> (8 * level) for level in per_level}


def test_seventy_thousand_leaves_need_the_tiles_that_the_format_names() -> None:
    found = list(tiles_of(70_000))
    assert len([tile for tile in found if tile[0] == 0]) == 274
    assert (0, 273, 112) in found
    assert [tile for tile in found if tile[0] > 0] == [(1, 0, 256), (1, 1, 17), (2, 0, 1)]


@pytest.mark.parametrize("steps", [(1,), (255, 1, 1), (256, 256), (300, 700, 3), (65_536, 5)])
def test_a_tree_resumed_from_its_tiles_is_the_same_tree(tmp_path: Path, steps: tuple[int, ...]) -> None:
    store = TileStore(tmp_path)
    hashes = leaves(sum(steps))
    tree = TileTree()
    for step in steps:
        for leaf in hashes[tree.size : tree.size + step]:
            tree.append(leaf)
        store.write_tiles([*tree.take_filled(), *tree.partials()])
        tree = TileTree.resume(store, tree.size)
        assert tree.tree.root() == merkle.root(nodes_of(hashes), tree.size)


def test_proofs_read_from_tiles_equal_proofs_from_the_leaves(tmp_path: Path) -> None:
    store, tree, hashes = TileStore(tmp_path), TileTree(), leaves(1_000)
    for leaf in hashes:
        tree.append(leaf)
    store.write_tiles([*tree.take_filled(), *tree.partials()])
    for index in (0, 255, 256, 767, 768, 999):
        assert merkle.inclusion_proof(store.nodes(1_000), index, 1_000) == merkle.inclusion_proof(
            nodes_of(hashes), index, 1_000
        )
    assert merkle.consistency_proof(store.nodes(1_000), 300, 1_000) == merkle.consistency_proof(
        nodes_of(hashes), 300, 1_000
    )
