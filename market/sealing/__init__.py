"""Sealing: bids are encrypted when they arrive, to a key that nobody may use before the deadline.

Each notice has its own X25519 key pair. Bids are sealed boxes to the public half. Of the private half there
are two kinds of custody, by the edition of the selection rules:

* platform: it is stored encrypted by the platform's key, which lives outside the database (`core.keys`). A
  reader of the database or of a backup sees neither price nor content, and, because the bidder's mark is a
  keyed hash, not who has bid. Whoever holds database *and* platform key could open early.
* joint (public money): it is split among client, market supervisor and platform escrow and then forgotten;
  any two shares open (`shares`). The whole server, keys included, holds one share and cannot open.

What remains: a server that somebody has changed can read a bid while it arrives, and the key while a notice
is being published. Every envelope has one of eight lengths.
"""

from market.sealing.envelopes import ALGORITHM, SIZE_CLASSES, Content, EnvelopeDamaged, Opener, digest, opener, seal
from market.sealing.keys import (
    SHARED,
    WRAPPING,
    KeyPair,
    bidder_tag,
    new_key_pair,
    new_secret,
    origin_mark,
    public_of,
    unwrap,
    wrap,
)
from market.sealing.shares import (
    CustodianPair,
    Holder,
    Share,
    WrongKey,
    combine,
    key_text,
    new_custodian_key,
    parse_key,
    seal_share,
    split,
    unseal_share,
)
from market.sealing.source import randomness_from

__all__ = [
    "ALGORITHM",
    "SHARED",
    "SIZE_CLASSES",
    "WRAPPING",
    "Content",
    "CustodianPair",
    "EnvelopeDamaged",
    "Holder",
    "KeyPair",
    "Opener",
    "Share",
    "WrongKey",
    "bidder_tag",
    "combine",
    "digest",
    "key_text",
    "new_custodian_key",
    "new_key_pair",
    "new_secret",
    "opener",
    "origin_mark",
    "parse_key",
    "public_of",
    "randomness_from",
    "seal",
    "seal_share",
    "split",
    "unseal_share",
    "unwrap",
    "wrap",
]
