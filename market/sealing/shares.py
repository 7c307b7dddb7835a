"""Splitting a notice's opening key: any two of three holders open, one alone learns nothing.

Shamir's scheme, byte by byte over GF(2⁸) with the polynomial of AES (x⁸+x⁴+x³+x+1): a random polynomial of
degree `needed` - 1 whose constant term is the key's byte; share number x (1, 2, 3 …) is its value at x.
Every share is sealed to its holder's own public key, and its fingerprint is public from the start, so that
a wrong share is recognised as such and its holder named.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from market.sealing.envelopes import sealed_box
from market.sealing.keys import new_key_pair
from market.sealing.source import random_bytes

FIELD = 0x11B
KEY_PREFIX = "XINSHI-KEY-1"
CHECK = 4


class Holder(StrEnum):
    """Who keeps a share of an opening key."""

    CLIENT = "client"
    SUPERVISOR = "supervisor"
    ESCROW = "escrow"


@dataclass(frozen=True)
class Share:
    """One share: its number (where the polynomial was evaluated) and 32 bytes."""

    number: int
    value: bytes

    def commitment(self, notice_id: int) -> str:
        """The public fingerprint: SHA-256 over format, notice, number and value."""
        text = f"xinshi-share-1|{notice_id}|{self.number}|{self.value.hex()}"
        return hashlib.sha256(text.encode()).hexdigest()


class WrongKey(Exception):
    """This custodian key does not unseal the share, or is not a key at all."""


def split(secret: bytes, *, needed: int, holders: int) -> list[Share]:
    """`holders` shares of which any `needed` restore `secret`. ValueError for senseless numbers."""
    if not 1 <= needed <= holders < 256:
        raise ValueError("cannot split so")
    polynomials = [(byte, *random_bytes(needed - 1)) for byte in secret]
    return [Share(x, bytes(_value(one, x) for one in polynomials)) for x in range(1, holders + 1)]


def combine(shares: list[Share]) -> bytes:
    """The secret from at least the needed number of distinct shares; fewer or wrong ones give other bytes."""
    points = {share.number: share.value for share in shares}
    if len(points) != len(shares):
        raise ValueError("the same share twice")
    return bytes(_at_zero({x: value[i] for x, value in points.items()}) for i in range(len(shares[0].value)))


def _value(coefficients: tuple[int, ...], x: int) -> int:
    found = 0
    for coefficient in reversed(coefficients):
        found = _times(found, x) ^ coefficient
    return found


def _at_zero(points: Mapping[int, int]) -> int:
    """Lagrange's interpolation at 0; in this field minus is plus (exclusive or)."""
    found = 0
    for x, y in points.items():
        weight = 1
        for other in points:
            if other != x:
                weight = _times(weight, _times(other, _inverse(x ^ other)))
        found ^= _times(y, weight)
    return found


def _times(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 0x100:
            a ^= FIELD
        b >>= 1
    return product


def _inverse(a: int) -> int:
    """a²⁵⁴, because a²⁵⁵ is 1 for everything but 0."""
    if a == 0:
        raise ZeroDivisionError("0 has no inverse")
    found = 1
    for _ in range(254):
        found = _times(found, a)
    return found


@dataclass(frozen=True)
class CustodianPair:
    """A custodian's key: the public half to keep, the text of the private half to hand over once."""

    public: bytes
    text: str


def new_custodian_key() -> CustodianPair:
    """A fresh key for somebody who keeps shares."""
    pair = new_key_pair()
    return CustodianPair(pair.public, key_text(pair.private))


def key_text(private: bytes) -> str:
    """A private key as people store it: prefix, then base32 in groups of eight with a check at the end."""
    body = base64.b32encode(private + hashlib.sha256(private).digest()[:CHECK]).decode().rstrip("=")
    groups = [body[at : at + 8] for at in range(0, len(body), 8)]
    return "-".join((KEY_PREFIX, *groups))


def parse_key(text: str) -> bytes:
    """The private key in a text as pasted or typed; `WrongKey` when its check fails."""
    cleaned = "".join(text.upper().split()).removeprefix(KEY_PREFIX).replace("-", "")
    try:
        raw = base64.b32decode(cleaned + "=" * (-len(cleaned) % 8))
    except ValueError as error:
        raise WrongKey from error
    private, check = raw[:-CHECK], raw[-CHECK:]
    if len(private) != PrivateKey.SIZE or hashlib.sha256(private).digest()[:CHECK] != check:
        raise WrongKey
    return private


def seal_share(recipient: bytes, share: Share) -> bytes:
    """A share for one holder's eyes."""
    return sealed_box(PublicKey(recipient), bytes([share.number]) + share.value)


def unseal_share(private: bytes, sealed: bytes) -> Share:
    """The share; `WrongKey` when the key is another holder's or the box was changed."""
    try:
        plain = SealedBox(PrivateKey(private)).decrypt(sealed)
    except CryptoError as error:
        raise WrongKey from error
    return Share(plain[0], plain[1:])
