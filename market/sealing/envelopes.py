"""Envelopes: sealed boxes of eight lengths, opened all together with the notice's private key."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nacl.exceptions import CryptoError
from nacl.public import Box, PrivateKey, PublicKey, SealedBox

from market.rules.bids import Attachment, Offer
from market.sealing.source import random_bytes

ALGORITHM = "x25519-xsalsa20poly1305-sealedbox"
SIZE_CLASSES = tuple(1024 << step for step in (0, 3, 6, 8, 10, 11, 12, 13))
"""Lengths of the padded plaintext in bytes: 1, 8, 64, 256 KiB and 1, 2, 4, 8 MiB. The proposal of an ordinary
bid fits the first or second, so that a length tells next to nothing."""


class EnvelopeDamaged(Exception):
    """An envelope that does not open, or not to what was sealed."""


@dataclass(frozen=True)
class Content:
    """What lies in an envelope. `origin` holds keyed fingerprints of where it was sent from."""

    notice_id: int
    agency_id: int
    organization_id: int
    account_id: int
    offer: Offer
    origin: Mapping[str, str] = field(default_factory=dict)


def seal(public_key: bytes, content: Content) -> bytes:
    """The envelope. ValueError when the content is larger than the largest size class."""
    return sealed_box(PublicKey(public_key), _padded(_encode(content)))


def sealed_box(recipient: PublicKey, plain: bytes) -> bytes:
    """A sealed box as libsodium makes it, with the sender's passing key drawn from our own source."""
    passing = PrivateKey(random_bytes(PrivateKey.SIZE))
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


def opener(private_key: bytes) -> Opener:
    """Called by the opening only, with the key that was unwrapped or put together from shares."""
    return Opener(SealedBox(PrivateKey(private_key)))


def _encode(content: Content) -> bytes:
    """Version 2: length of the facts (4 bytes), the facts as JSON, then the files one after the other."""
    offer = content.offer
    facts = {
        "v": 2,
        "notice": content.notice_id,
        "agency": content.agency_id,
        "organization": content.organization_id,
        "account": content.account_id,
        "amount": str(offer.amount),
        "days": offer.days,
        "proposal": offer.proposal,
        "staff": offer.staff,
        "contribution": offer.contribution,
        "files": [{"name": one.name, "size": len(one.body)} for one in offer.attachments],
        "origin": dict(content.origin),
        "salt": random_bytes(32).hex(),
    }
    head = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()
    return b"".join((len(head).to_bytes(4, "big"), head, *(one.body for one in offer.attachments)))


def _decode(plain: bytes) -> Content:
    if plain[:1] == b"{":  # version 1: the facts alone
        return _content(json.loads(plain), ())
    end = 4 + int.from_bytes(plain[:4], "big")
    facts = json.loads(plain[4:end])
    files = []
    for one in facts["files"]:
        body = plain[end : end + one["size"]]
        if len(body) != one["size"]:
            raise ValueError("a file is cut short")
        files.append(Attachment(one["name"], body))
        end += one["size"]
    return _content(facts, tuple(files))


def _content(facts: Mapping[str, Any], files: tuple[Attachment, ...]) -> Content:
    offer = Offer(
        Decimal(facts["amount"]),
        facts["days"],
        facts["proposal"],
        staff=tuple(facts.get("staff", ())),
        contribution=facts.get("contribution", ""),
        attachments=files,
    )
    who = (facts["notice"], facts["agency"], facts["organization"], facts["account"])
    return Content(*who, offer, facts.get("origin", {}))


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
