"""Sealing: bids are encrypted when they arrive, to a key that nobody may use before the deadline.

Each notice has its own X25519 key pair. Bids are sealed boxes to the public half; the private half is
stored encrypted by the platform's key, which lives outside the database (`core.keys`). A reader of the
database or of a backup therefore sees neither price nor content, and, because the bidder's mark is a
keyed hash, not who has bid. Every envelope has one of eight lengths.

Threat model: whoever holds both the database and the platform key can open early. Splitting the key
among custodians replaces `wrap_private_key`/`unwrap_private_key` and nothing else.
"""

import hashlib
import hmac
import json
import random
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nacl.exceptions import CryptoError
from nacl.public import Box, PrivateKey, PublicKey, SealedBox
from nacl.secret import SecretBox

from core import settings
from market.rules.bids import Offer

ALGORITHM = "x25519-xsalsa20poly1305-sealedbox"
WRAPPING = "xsalsa20poly1305-secretbox"
SIZE_CLASSES = tuple(1024 << step for step in range(8))
"""Lengths of the padded plaintext in bytes: 1 KiB to 128 KiB."""


_bytes: ContextVar[Callable[[int], bytes]] = ContextVar("sealing-bytes", default=secrets.token_bytes)


@contextmanager
def randomness_from(generator: random.Random) -> Iterator[None]:
    """Let a seeded generator supply keys, secrets and salts, so that the same demo seed draws the same lots.

    Raises RuntimeError in production: there, secrets come from the operating system and from nowhere else.
    """
    if settings.load().production:
        raise RuntimeError("bids are never sealed with predictable keys in production")
    token = _bytes.set(generator.randbytes)
    try:
        yield
    finally:
        _bytes.reset(token)


class EnvelopeDamaged(Exception):
    """An envelope that does not open, or not to what was sealed."""


@dataclass(frozen=True)
class Content:
    """What lies in an envelope."""

    notice_id: int
    agency_id: int
    organization_id: int
    account_id: int
    offer: Offer


@dataclass(frozen=True)
class KeyPair:
    """The key pair of one notice, the private half already wrapped."""

    public: bytes
    wrapped_private: bytes


def new_key_pair(platform_key: bytes) -> KeyPair:
    """A fresh pair for one notice."""
    private = PrivateKey(_bytes.get()(PrivateKey.SIZE))
    return KeyPair(bytes(private.public_key), wrap(platform_key, bytes(private)))


def new_secret() -> str:
    """32 random bytes as hex, for a draw."""
    return _bytes.get()(32).hex()


def wrap(platform_key: bytes, plain: bytes) -> bytes:
    """Encrypt by the platform's key, for storage in the database."""
    return bytes(SecretBox(_derived(platform_key, "wrap")).encrypt(plain))


def unwrap(platform_key: bytes, wrapped: bytes) -> bytes:
    """The inverse of `wrap`. CryptoError with another key."""
    return SecretBox(_derived(platform_key, "wrap")).decrypt(wrapped)


def bidder_tag(platform_key: bytes, notice_id: int, agency_id: int) -> str:
    """The mark by which a bidder's row is found again; tells nothing without the platform's key."""
    name = f"{notice_id}|{agency_id}".encode()
    return hmac.new(_derived(platform_key, "tag"), name, hashlib.sha256).hexdigest()


def seal(public_key: bytes, content: Content) -> bytes:
    """The envelope. ValueError when the content is larger than the largest size class."""
    return _sealed(PublicKey(public_key), _padded(_encode(content)))


def _sealed(recipient: PublicKey, plain: bytes) -> bytes:
    """A sealed box as libsodium makes it, with the sender's passing key drawn from our own source."""
    passing = PrivateKey(_bytes.get()(PrivateKey.SIZE))
    mark = bytes(passing.public_key) + bytes(recipient)
    nonce = hashlib.blake2b(mark, digest_size=Box.NONCE_SIZE).digest()
    return bytes(passing.public_key) + Box(passing, recipient).encrypt(plain, nonce).ciphertext


def digest(envelope: bytes) -> str:
    """The fingerprint that the receipt, the trail and the result page show."""
    return hashlib.sha256(envelope).hexdigest()


@dataclass(frozen=True)
class Opener:
    """Opens the envelopes of one notice."""

    box: SealedBox[PrivateKey]

    def open(self, envelope: bytes, expected_digest: str) -> Content:
        """The content, or `EnvelopeDamaged` when the envelope is not what the receipt named."""
        if digest(envelope) != expected_digest:
            raise EnvelopeDamaged
        try:
            return _decode(_unpadded(self.box.decrypt(envelope)))
        except (CryptoError, ValueError, KeyError) as error:
            raise EnvelopeDamaged from error


def opener(platform_key: bytes, wrapped_private: bytes) -> Opener:
    """The one way to a private key; called by the opening only."""
    return Opener(SealedBox(PrivateKey(unwrap(platform_key, wrapped_private))))


def _derived(platform_key: bytes, purpose: str) -> bytes:
    return hmac.new(platform_key, purpose.encode(), hashlib.sha256).digest()


def _encode(content: Content) -> bytes:
    facts = {
        "v": 1,
        "notice": content.notice_id,
        "agency": content.agency_id,
        "organization": content.organization_id,
        "account": content.account_id,
        "amount": str(content.offer.amount),
        "days": content.offer.days,
        "proposal": content.offer.proposal,
        "salt": _bytes.get()(32).hex(),
    }
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()


def _decode(plain: bytes) -> Content:
    facts: Mapping[str, Any] = json.loads(plain)
    offer = Offer(Decimal(facts["amount"]), facts["days"], facts["proposal"])
    return Content(facts["notice"], facts["agency"], facts["organization"], facts["account"], offer)


def _padded(plain: bytes) -> bytes:
    length = len(plain) + 4
    size = next((size for size in SIZE_CLASSES if size >= length), None)
    if size is None:
        raise ValueError("larger than the largest envelope")
    return (len(plain).to_bytes(4, "big") + plain).ljust(size, b"\0")


def _unpadded(padded: bytes) -> bytes:
    length = int.from_bytes(padded[:4], "big")
    if length > len(padded) - 4:
        raise ValueError("wrong length")
    return padded[4 : 4 + length]
