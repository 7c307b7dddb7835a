"""The C2SP formats: what the specifications print must come out, and every altered byte must be refused."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.trail import merkle, tlog
from core.trail.tiles import TileStore, bundle, is_tile_path, tile_path, unbundle

NOW = datetime(2026, 11, 20, 6, 32, 7, tzinfo=UTC)
LOG = tlog.Signer("market.example/trail", tlog.ED25519, bytes(range(32)))
TIMING = tlog.Signer("market.example/trail", tlog.COSIGNATURE, bytes(range(1, 33)))
KEYS = (LOG.verifier, TIMING.verifier)
HEAD = tlog.Checkpoint("market.example/trail", 5, merkle.leaf_hash(b"root"))
NOTE = tlog.sign_checkpoint(HEAD, (LOG, TIMING), NOW)

# The example of c2sp.org/signed-note.
PUBLIC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
PUBLIC_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)


def test_the_key_of_the_specification_is_read_and_written() -> None:
    assert str(tlog.VerifierKey.parse(PUBLIC_KEY)) == PUBLIC_KEY


def test_the_note_of_the_specification_verifies_and_is_then_found_to_be_no_checkpoint() -> None:
    key = tlog.VerifierKey.parse(PUBLIC_KEY)
    with pytest.raises(tlog.Malformed, match="not a checkpoint"):
        tlog.open_checkpoint(PUBLIC_NOTE, [key])
    with pytest.raises(tlog.Malformed, match="wrong signature"):
        tlog.open_checkpoint(PUBLIC_NOTE.replace("an example", "a example"), [key])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com/foo",
        PUBLIC_KEY.replace("530d903a", "530d903b"),
        PUBLIC_KEY[:-4],
        PUBLIC_KEY.replace("+Ae", "+Be"),
        PUBLIC_KEY.replace("example.com/foo", "example.com foo"),
    ],
)
def test_a_damaged_key_is_refused(text: str) -> None:
    with pytest.raises(tlog.Malformed):
        tlog.VerifierKey.parse(text)


def test_a_checkpoint_says_origin_size_root_and_time() -> None:
    opened = tlog.open_checkpoint(NOTE, KEYS)
    assert opened.head == HEAD
    assert opened.signed_at == NOW
    assert NOTE.splitlines()[:2] == ["market.example/trail", "5"]


def test_without_the_timing_key_the_checkpoint_holds_but_has_no_time() -> None:
    assert tlog.open_checkpoint(NOTE, [LOG.verifier]).signed_at is None


def test_a_stranger_s_signature_is_not_enough() -> None:
    stranger = tlog.Signer("market.example/trail", tlog.ED25519, bytes(32))
    with pytest.raises(tlog.Malformed, match="not signed"):
        tlog.open_checkpoint(tlog.sign_checkpoint(HEAD, [stranger], NOW), KEYS)
    with pytest.raises(tlog.Malformed, match="not signed"):
        tlog.open_checkpoint(tlog.sign_checkpoint(HEAD, [TIMING], NOW), KEYS)


@settings(max_examples=300)
@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(1, 255))
def test_no_byte_of_a_checkpoint_can_be_changed(place: int, change: int) -> None:
    data = bytearray(NOTE.encode())
    data[place] ^= change
    try:
        opened = tlog.open_checkpoint(data.decode(), KEYS)
    except (tlog.Malformed, UnicodeDecodeError):
        return
    # A change in one signature line can only turn it into a stranger's; what is signed stays.
    assert opened.head == HEAD


@pytest.mark.parametrize("size", ["01", "-1", "+1", " 1", "1.0", "", "９"])
def test_sizes_are_plain_decimal(size: str) -> None:
    with pytest.raises(tlog.Malformed):
        tlog.parse_checkpoint(f"origin\n{size}\n{'A' * 43}=\n")


def test_a_proof_file_is_read_as_written() -> None:
    proof = tlog.Proof(b"extra words", 3, (merkle.EMPTY_ROOT, merkle.leaf_hash(b"x")), NOTE)
    assert tlog.Proof.parse(proof.text()) == proof
    bare = tlog.Proof(b"", 0, (), NOTE)
    assert tlog.Proof.parse(bare.text()) == bare
    assert "extra" not in bare.text()


@pytest.mark.parametrize(
    ("old", "new"),
    [("@v1", "@v2"), ("index 3", "index 03"), ("index 3", "place 3"), ("\n\n", "\n"), ("47DEQ", "47DE")],
)
def test_a_damaged_proof_file_is_refused(old: str, new: str) -> None:
    text = tlog.Proof(b"", 3, (merkle.EMPTY_ROOT,), NOTE).text()
    assert old in text
    with pytest.raises(tlog.Malformed):
        tlog.Proof.parse(text.replace(old, new))


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ((0, 0), "tile/0/000"),
        ((0, 273, 112), "tile/0/273.p/112"),
        ((2, 1234067), "tile/2/x001/x234/067"),
        (("entries", 1000, 1), "tile/entries/x001/000.p/1"),
    ],
)
def test_tile_paths(arguments: tuple[int | str, ...], path: str) -> None:
    assert tile_path(*arguments) == path  # type: ignore[arg-type]
    assert is_tile_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/../checkpoint",
        "tile/64/000",
        "tile/0/0000",
        "tile/0/000.p/256",
        "tile/0/000.p/0",
        "tile/0/000\n",
        "/tile/0/000",
    ],
)
def test_no_other_path_is_taken_for_a_tile(path: str) -> None:
    assert not is_tile_path(path)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_give_back_their_entries(leaves: list[bytes]) -> None:
    assert unbundle(bundle(leaves)) == leaves


def test_a_bundle_cut_off_is_refused() -> None:
    with pytest.raises(ValueError, match="cut off"):
        unbundle(bundle([b"abc"])[:-1])
    with pytest.raises(ValueError, match="cut off"):
        unbundle(b"\x00")


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = TileStore(tmp_path)
    store.write("checkpoint", b"old")

    def no_space(*_: object) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError, match="no space"):
        store.write("checkpoint", b"new")
    assert store.read("checkpoint") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]
