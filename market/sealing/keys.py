"""The key pair of a notice, and what the platform's own key wraps."""

import hashlib
import hmac
from dataclasses import dataclass

from nacl.public import PrivateKey
from nacl.secret import SecretBox

from market.sealing.source import random_bytes

WRAPPING = "xsalsa20poly1305-secretbox"
SHARED = "shamir-gf256-2-of-3"


@dataclass(frozen=True)
class KeyPair:
    """The key pair of one notice. `private` lives in memory only until it is wrapped or split."""

    public: bytes
    private: bytes


def new_key_pair() -> KeyPair:
    """A fresh X25519 pair."""
    private = PrivateKey(random_bytes(PrivateKey.SIZE))
    return KeyPair(bytes(private.public_key), bytes(private))


def public_of(private: bytes) -> bytes:
    """The public half of a private key; ValueError for anything that is not 32 bytes."""
    if len(private) != PrivateKey.SIZE:
        raise ValueError("not a private key")
    return bytes(PrivateKey(private).public_key)


def new_secret() -> str:
    """32 random bytes as hex, for a draw."""
    return random_bytes(32).hex()


def wrap(platform_key: bytes, plain: bytes) -> bytes:
    """Encrypt by the platform's key, for storage in the database."""
    return bytes(SecretBox(_derived(platform_key, "wrap")).encrypt(plain, random_bytes(SecretBox.NONCE_SIZE)))


def unwrap(platform_key: bytes, wrapped: bytes) -> bytes:
    """The inverse of `wrap`. CryptoError with another key."""
    return SecretBox(_derived(platform_key, "wrap")).decrypt(wrapped)


def bidder_tag(platform_key: bytes, notice_id: int, agency_id: int) -> str:
    """The mark by which a bidder's row is found again; tells nothing without the platform's key."""
    return _keyed(platform_key, "tag", f"{notice_id}|{agency_id}")


def origin_mark(platform_key: bytes, kind: str, value: str) -> str:
    """A fingerprint of an address or a browser: equal ones can be seen to be equal, and nothing else."""
    return _keyed(platform_key, f"origin-{kind}", value)[:32]


def _keyed(platform_key: bytes, purpose: str, value: str) -> str:
    return hmac.new(_derived(platform_key, purpose), value.encode(), hashlib.sha256).hexdigest()


def _derived(platform_key: bytes, purpose: str) -> bytes:
    return hmac.new(platform_key, purpose.encode(), hashlib.sha256).digest()
