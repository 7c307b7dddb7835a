"""A draw that anyone can recompute.

Format `xinshi-draw-1`, in words:
1. When the notice is published, the market fixes a secret of 32 bytes and publishes its SHA-256.
2. At the opening the qualified entrants are listed by credit code, one a line; the list is hashed
   and recorded *before* the secret is read. So are the fingerprints of all envelopes.
3. key = format | notice number | secret (hex) | envelopes' hash | list's hash, as UTF-8.
4. For pick number i = 0, 1, …: h = SHA-256(i ‖ key ‖ i) with i as two bytes, read as a big integer;
   take entrant number h mod (entrants left) from the list and strike it out.
The first pick wins, the others are the substitutes in order. Step 4 is the method of RFC 3797 with a
modern hash; with MD5 the same function reproduces the vectors of that RFC (tests).
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

FORMAT = "xinshi-draw-1"


@dataclass(frozen=True)
class DrawInputs:
    """Everything a draw depends on; all of it is public once the draw is done."""

    notice_number: str
    secret: str
    commitment: str
    envelopes_digest: str


@dataclass(frozen=True)
class Pick:
    """One pick: the hash, how many were left, and which place of the remaining list it hit."""

    digest: str
    left: int
    index: int
    candidate: str


@dataclass(frozen=True)
class DrawRecord:
    """The whole draw, enough to recompute it without us."""

    inputs: DrawInputs
    candidates: tuple[str, ...]
    candidates_digest: str
    key: str
    picks: tuple[Pick, ...]

    @property
    def order(self) -> tuple[str, ...]:
        """The candidates as drawn."""
        return tuple(pick.candidate for pick in self.picks)

    def as_json(self) -> dict[str, Any]:
        """The downloadable file (`docs/draw-format.md`)."""
        return {
            "format": FORMAT,
            "hash": "sha256",
            "notice": self.inputs.notice_number,
            "secret": self.inputs.secret,
            "commitment": self.inputs.commitment,
            "envelopes_sha256": self.inputs.envelopes_digest,
            "candidates": list(self.candidates),
            "candidates_sha256": self.candidates_digest,
            "key": self.key,
            "picks": [vars(pick) for pick in self.picks],
        }


def commit_to(secret: str) -> str:
    """The public fingerprint of a secret (hex)."""
    return hashlib.sha256(bytes.fromhex(secret)).hexdigest()


def list_digest(lines: Sequence[str]) -> str:
    """SHA-256 of lines joined by a newline: of the candidates, or of envelope fingerprints."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def draw_order(inputs: DrawInputs, candidates: Sequence[str]) -> DrawRecord:
    """Draw all candidates, one after the other. Raises ValueError if the commitment is broken."""
    if commit_to(inputs.secret) != inputs.commitment:
        raise ValueError("the secret does not match its commitment")
    frozen = tuple(sorted(candidates))
    digest = list_digest(frozen)
    parts = (FORMAT, inputs.notice_number, inputs.secret, inputs.envelopes_digest, digest)
    key = "|".join(parts)
    return DrawRecord(inputs, frozen, digest, key, tuple(pick_all(key.encode(), frozen)))


def pick_all(key: bytes, candidates: Sequence[str], algorithm: Callable[[bytes], Any] = hashlib.sha256) -> list[Pick]:
    """Strike out one candidate per round, in the way of RFC 3797 section 4."""
    left = list(candidates)
    picks = []
    for round_number in range(len(candidates)):
        mark = round_number.to_bytes(2, "big")
        digest = algorithm(mark + key + mark).digest()
        index = int.from_bytes(digest, "big") % len(left)
        picks.append(Pick(digest.hex(), len(left), index, left.pop(index)))
    return picks
