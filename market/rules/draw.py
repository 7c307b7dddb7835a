"""A draw that anyone can recompute; `docs/draw-format.md` defines both formats byte by byte.

Format `xinshi-draw-2`, in words:
1. When the notice is published, the market fixes a secret of 32 bytes and publishes its SHA-256.
2. At the opening everything else that the draw depends on is frozen, hashed and recorded *before* the secret
   is read: the envelopes with the bidders' own random contributions, the qualified entrants with their lots,
   the trail's last checkpoint before the deadline, and the factors that may be drawn.
3. Where the notice names a public value from outside, the draw waits until it is recorded.
4. key = all of this, joined by vertical bars. For pick number i = 0, 1, …: h = SHA-256(i ‖ key ‖ i) with i as
   two bytes, read as a big integer; ticket = h mod (lots left); the entrant who holds that ticket is taken out
   of the list with all its lots.

Format `xinshi-draw-1` (notices under XT-SEL-2024.1) knows secret, envelopes and entrants only, one lot each.
Step 4 is the method of RFC 3797 with a modern hash; with MD5 and one lot each the same function reproduces
the vectors of that RFC (tests).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

FORMAT_1 = "xinshi-draw-1"
FORMAT = "xinshi-draw-2"
FORMATS = (FORMAT_1, FORMAT)
MOST_PICKS = 65_536
"""The number of a pick is two bytes."""


@dataclass(frozen=True)
class Envelope:
    """An envelope that was opened: its fingerprint, and the 64 hex digits its bidder put in ("" when none)."""

    digest: str
    contribution: str = ""


@dataclass(frozen=True)
class Checkpoint:
    """The trail's last published head before the deadline: number of entries and root (hex); 0 and "" if none."""

    size: int = 0
    root: str = ""


@dataclass(frozen=True)
class Outside:
    """A public value from outside that the notice named: where it is read, and what was read. "" when none."""

    source: str = ""
    value: str = ""


@dataclass(frozen=True)
class Ground:
    """What is frozen at the opening besides the list of entrants (format 2)."""

    envelopes: tuple[Envelope, ...] = ()
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    outside: Outside = field(default_factory=Outside)
    factors: tuple[str, ...] = ()


@dataclass(frozen=True)
class DrawInputs:
    """Everything a draw depends on besides the entrants; all of it is public once the draw is done."""

    notice_number: str
    secret: str
    commitment: str
    envelopes_digest: str
    ground: Ground = field(default_factory=Ground)
    format: str = FORMAT


@dataclass(frozen=True)
class Pick:
    """One pick: the hash, how many lots were left, and which ticket it hit."""

    digest: str
    left: int
    index: int
    candidate: str


@dataclass(frozen=True)
class DrawRecord:
    """The whole draw, enough to recompute it without us."""

    inputs: DrawInputs
    lots: tuple[tuple[str, int], ...]
    candidates_digest: str
    key: str
    picks: tuple[Pick, ...]
    factor: Pick | None = None

    @property
    def candidates(self) -> tuple[str, ...]:
        """The entrants' credit codes, sorted."""
        return tuple(code for code, _ in self.lots)

    @property
    def order(self) -> tuple[str, ...]:
        """The candidates as drawn."""
        return tuple(pick.candidate for pick in self.picks)

    def as_json(self) -> dict[str, Any]:
        """The downloadable file (`docs/draw-format.md`)."""
        inputs = self.inputs
        opening = {
            "format": inputs.format,
            "hash": "sha256",
            "notice": inputs.notice_number,
            "secret": inputs.secret,
            "commitment": inputs.commitment,
            "envelopes_sha256": inputs.envelopes_digest,
            "candidates": list(self.candidates),
            "candidates_sha256": self.candidates_digest,
            "key": self.key,
            "picks": [vars(pick) for pick in self.picks],
        }
        return opening if inputs.format == FORMAT_1 else opening | self._second()

    def _second(self) -> dict[str, Any]:
        ground = self.inputs.ground
        return {
            "envelopes": [vars(each) for each in ground.envelopes],
            "contributions_sha256": contributions_digest(ground.envelopes),
            "lots": [count for _, count in self.lots],
            "lots_sha256": lots_digest(self.lots),
            "checkpoint": vars(ground.checkpoint),
            "outside": vars(ground.outside),
            "outside_sha256": outside_digest(ground.outside),
            "factors": list(ground.factors),
            "factor": vars(self.factor) if self.factor else None,
        }


def commit_to(secret: str) -> str:
    """The public fingerprint of a secret (hex)."""
    return hashlib.sha256(bytes.fromhex(secret)).hexdigest()


def list_digest(lines: Sequence[str]) -> str:
    """SHA-256 of lines joined by a line feed: of the candidates, or of envelope fingerprints."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def contributions_digest(envelopes: Sequence[Envelope]) -> str:
    """SHA-256 of one line `fingerprint:contribution` per envelope, in the order of the fingerprints."""
    return list_digest([f"{each.digest}:{each.contribution}" for each in envelopes])


def lots_digest(lots: Sequence[tuple[str, int]]) -> str:
    """SHA-256 of one line `credit code:lots` per candidate, in the order of the codes."""
    return list_digest([f"{code}:{count}" for code, count in lots])


def outside_digest(outside: Outside) -> str:
    """SHA-256 of source and value on two lines; "" when the notice named no source."""
    return list_digest([outside.source, outside.value]) if outside.source else ""


def draw_order(inputs: DrawInputs, candidates: Sequence[str] | Mapping[str, int]) -> DrawRecord:
    """Draw all candidates, one after the other, and the factor if there are factors to draw from.

    `candidates` are credit codes, or credit codes with their lots; without a lot nobody is drawn. Raises
    ValueError if the commitment is broken, a lot is negative, or format 1 is asked for what it cannot do.
    """
    if commit_to(inputs.secret) != inputs.commitment:
        raise ValueError("the secret does not match its commitment")
    counted = candidates if isinstance(candidates, Mapping) else dict.fromkeys(candidates, 1)
    lots = tuple(sorted(counted.items()))
    if any(count < 0 for _, count in lots) or len(lots) > MOST_PICKS:
        raise ValueError("lots are whole numbers from 0 on, for at most 65,536 candidates")
    digest = list_digest([code for code, _ in lots])
    if inputs.format == FORMAT_1:
        if any(count != 1 for _, count in lots):
            raise ValueError("format 1 knows no lots")
        parts = [FORMAT_1, inputs.notice_number, inputs.secret, inputs.envelopes_digest, digest]
    else:
        parts = _parts_of_second(inputs, digest, lots)
    key = "|".join(parts)
    return DrawRecord(inputs, lots, digest, key, tuple(pick_weighted(key.encode(), lots)), _factor(inputs, key))


def _parts_of_second(inputs: DrawInputs, digest: str, lots: Sequence[tuple[str, int]]) -> list[str]:
    ground = inputs.ground
    return [
        FORMAT,
        inputs.notice_number,
        inputs.secret,
        inputs.envelopes_digest,
        contributions_digest(ground.envelopes),
        digest,
        lots_digest(lots),
        str(ground.checkpoint.size),
        ground.checkpoint.root,
        outside_digest(ground.outside),
        ",".join(ground.factors),
    ]


def _factor(inputs: DrawInputs, key: str) -> Pick | None:
    """One more pick under a key of its own, so that it tells nothing about the others."""
    factors = inputs.ground.factors
    if inputs.format == FORMAT_1 or not factors:
        return None
    return pick_all(f"{key}|factor".encode(), factors)[0]


def pick_all(key: bytes, candidates: Sequence[str], algorithm: Callable[[bytes], Any] = hashlib.sha256) -> list[Pick]:
    """Strike out one candidate per round, in the way of RFC 3797 section 4."""
    return pick_weighted(key, [(candidate, 1) for candidate in candidates], algorithm)


def pick_weighted(
    key: bytes, lots: Sequence[tuple[str, int]], algorithm: Callable[[bytes], Any] = hashlib.sha256
) -> list[Pick]:
    """The same with several lots for a candidate: whoever holds the ticket leaves with all its lots."""
    left = [(code, count) for code, count in lots if count]
    picks = []
    for round_number in range(len(left)):
        mark = round_number.to_bytes(2, "big")
        digest = algorithm(mark + key + mark).digest()
        ends = list(accumulate(count for _, count in left))
        ticket = int.from_bytes(digest, "big") % ends[-1]
        place = next(position for position, end in enumerate(ends) if ticket < end)
        picks.append(Pick(digest.hex(), ends[-1], ticket, left.pop(place)[0]))
    return picks
