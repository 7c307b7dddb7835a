"""The C2SP formats: signed notes, checkpoints, timestamped cosignatures, tiles and proofs. Pure.

c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature (Ed25519), tlog-tiles, tlog-proof@v1.
"""

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.trail.merkle import HASH_SIZE

ED25519 = 0x01
COSIGNATURE = 0x04
PROOF_HEADER = "c2sp.org/tlog-proof@v1"
MAX_SIGNATURES = 64
_KEY_SIZE = 32
_ID_SIZE = 4
_TIME_SIZE = 8
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_NAME = re.compile(r"[^\s+]+")


class Malformed(ValueError):
    """A text that is not what the format says, or whose signature does not hold."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name and kind: `<name>+<key id>+<base64>` (a *vkey*)."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """Four bytes that tell which key made a signature line."""
        text = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(text).digest()[:_ID_SIZE]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_b64(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read a vkey; `Malformed` when it is none or its key id does not match."""
        parts = text.strip().split("+", 2)
        if len(parts) != len(("name", "id", "key")) or not _NAME.fullmatch(parts[0]):
            raise Malformed("not a verifier key")
        material = _unb64(parts[2])
        if len(material) != 1 + _KEY_SIZE or material[0] not in {ED25519, COSIGNATURE}:
            raise Malformed("unknown kind of key")
        key = cls(parts[0], material[0], material[1:])
        if key.id.hex() != parts[1]:
            raise Malformed("key id does not match the key")
        return key


@dataclass(frozen=True, slots=True)
class Signer:
    """A private Ed25519 key that signs notes under a name, either plainly or with the time."""

    name: str
    kind: int
    seed: bytes

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key()
        return VerifierKey(self.name, self.kind, public.public_bytes_raw())

    def line(self, text: str, at: datetime) -> str:
        """The signature line for a note text; only a cosignature carries the time."""
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        if self.kind == ED25519:
            signature = key.sign(text.encode())
        else:
            seconds = int(at.timestamp())
            signature = struct.pack(">Q", seconds) + key.sign(_timed(text, seconds))
        return f"— {self.name} {_b64(self.verifier.id + signature)}\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: its name, how many entries, and the root over all of them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note text of the checkpoint."""
        return f"{self.origin}\n{self.size}\n{_b64(self.root)}\n"


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint whose signature was verified; `signed_at` is None without a cosignature we know."""

    head: Checkpoint
    note: str
    signed_at: datetime | None


def sign_checkpoint(head: Checkpoint, signers: Iterable[Signer], at: datetime) -> str:
    """The signed note of a checkpoint."""
    text = head.text()
    return text + "\n" + "".join(signer.line(text, at) for signer in signers)


def open_checkpoint(note: str, keys: Sequence[VerifierKey]) -> SignedCheckpoint:
    """Verify a signed checkpoint with the keys one trusts.

    `Malformed` when it is no checkpoint, a signature of a known key is wrong, or the log's own
    signature is missing.
    """
    text, signatures = _split_note(note)
    log_signed, signed_at = False, None
    for name, blob in signatures:
        for key in keys:
            if (key.name, key.id) != (name, blob[:_ID_SIZE]):
                continue
            moment = _verify(key, text, blob[_ID_SIZE:])
            log_signed = log_signed or key.kind == ED25519
            signed_at = moment or signed_at
    if not log_signed:
        raise Malformed("not signed by a known key of the log")
    return SignedCheckpoint(parse_checkpoint(text), note, signed_at)


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the note text of a checkpoint, without looking at signatures."""
    lines = text.split("\n")
    if len(lines) < len(("origin", "size", "root", "end")) or lines[-1] or not all(lines[:-1]):
        raise Malformed("not a checkpoint")
    if not _NUMBER.fullmatch(lines[1]):
        raise Malformed("the size is not a number")
    return Checkpoint(lines[0], int(lines[1]), _hash(lines[2]))


def _split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    if any(ord(sign) < ord(" ") and sign != "\n" for sign in note):
        raise Malformed("control characters in a note")
    text, gap, block = note.rpartition("\n\n")
    if not gap or not block.endswith("\n"):
        raise Malformed("not a signed note")
    lines = block.split("\n")[:-1]
    if len(lines) > MAX_SIGNATURES:
        raise Malformed("too many signatures")
    return text + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    parts = line.split(" ")
    if len(parts) != len(("—", "name", "blob")) or parts[0] != "—" or not _NAME.fullmatch(parts[1]):
        raise Malformed("not a signature line")
    blob = _unb64(parts[2])
    if len(blob) <= _ID_SIZE:
        raise Malformed("signature too short")
    return parts[1], blob


def _verify(key: VerifierKey, text: str, signature: bytes) -> datetime | None:
    """Check one signature; returns its time when it is a cosignature."""
    message, moment = text.encode(), None
    if key.kind == COSIGNATURE:
        if len(signature) < _TIME_SIZE:
            raise Malformed("cosignature too short")
        (seconds,) = struct.unpack(">Q", signature[:_TIME_SIZE])
        message, signature = _timed(text, seconds), signature[_TIME_SIZE:]
        moment = _moment(seconds)
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except InvalidSignature:
        raise Malformed(f"wrong signature of {key.name}") from None
    return moment


def _moment(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise Malformed("no such time") from None


def _timed(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


@dataclass(frozen=True, slots=True)
class Proof:
    """An entry's place in a checkpointed tree, as one file that can be checked offline."""

    extra: bytes
    index: int
    path: tuple[bytes, ...]
    checkpoint: str

    def text(self) -> str:
        """The file in the tlog-proof@v1 format."""
        lines = [PROOF_HEADER, *([f"extra {_b64(self.extra)}"] if self.extra else []), f"index {self.index}"]
        return "\n".join([*lines, *map(_b64, self.path)]) + "\n\n" + self.checkpoint

    @classmethod
    def parse(cls, text: str) -> "Proof":
        """Read a proof file; `Malformed` when it is none."""
        head, gap, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if not gap or lines.pop(0) != PROOF_HEADER or not lines:
            raise Malformed("not a tlog-proof file")
        extra = _unb64(lines.pop(0).removeprefix("extra ")) if lines[0].startswith("extra ") else b""
        index = lines.pop(0) if lines else ""
        if not index.startswith("index ") or not _NUMBER.fullmatch(index.removeprefix("index ")):
            raise Malformed("no index in the proof")
        return cls(extra, int(index.removeprefix("index ")), tuple(map(_hash, lines)), checkpoint)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _unb64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = None
    # A second spelling of the same bytes would make two different files of one statement.
    if data is None or _b64(data) != text:
        raise Malformed("not base64")
    return data


def _hash(text: str) -> bytes:
    data = _unb64(text)
    if len(data) != HASH_SIZE:
        raise Malformed("not a hash")
    return data
