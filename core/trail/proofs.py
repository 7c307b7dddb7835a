"""One entry's proof as a file: what it shows of the entry, and checking it with nothing but a public key."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.trail import tlog
from core.trail.format import Entry, Half, canonical
from core.trail.merkle import HASH_SIZE, leaf_hash, verify_inclusion

PROOF_FORMAT = "xinshi-trail-proof/1"


@dataclass(frozen=True)
class ProvedEntry:
    """What a proof file proves: the halves it shows, their place, and the head that covers it."""

    entry: Entry
    leaf_index: int
    checkpoint: tlog.SignedCheckpoint


def disclosure(entry: Entry) -> dict[str, str]:
    """An entry as others get it: the halves one shows as text, the others as digests."""
    shown: dict[str, str] = {}
    for name, half in (("head", entry.head), ("body", entry.body)):
        shown |= {name: half.text} if half.text is not None else {f"{name}_digest": half.digest}
    return shown


def disclosed(facts: Mapping[str, Any]) -> Entry:
    """The inverse of `disclosure`; `tlog.Malformed` when it is none."""
    try:
        return Entry(_half(facts, "head"), _half(facts, "body"))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise tlog.Malformed("no entry of a trail") from None


def _half(facts: Mapping[str, Any], name: str) -> Half:
    if name in facts:
        return Half.of(facts[name])
    digest = facts[f"{name}_digest"]
    if bytes.fromhex(digest).hex() != digest or len(digest) != 2 * HASH_SIZE:
        raise ValueError("not a digest")
    return Half(digest)


def shown_part(entry: Entry) -> bytes:
    """The `extra` line of a proof file: from it the verifier computes the leaf."""
    return canonical({"format": PROOF_FORMAT} | disclosure(entry)).encode()


def check_proof(text: str, keys: Sequence[tlog.VerifierKey]) -> ProvedEntry:
    """Check a proof file offline. `tlog.Malformed` says why it does not prove what it claims."""
    proof = tlog.Proof.parse(text)
    checkpoint = tlog.open_checkpoint(proof.checkpoint, keys)
    entry = _entry_of(proof.extra)
    head = checkpoint.head
    if not verify_inclusion(leaf_hash(entry.leaf()), proof.index, head.size, proof.path, head.root):
        raise tlog.Malformed("the entry is not in the tree of this checkpoint")
    return ProvedEntry(entry, proof.index, checkpoint)


def _entry_of(data: bytes) -> Entry:
    try:
        facts = json.loads(data)
    except ValueError:
        facts = None
    if not isinstance(facts, dict) or facts.get("format") != PROOF_FORMAT:
        raise tlog.Malformed("the proof does not show an entry of a trail")
    return disclosed(facts)
