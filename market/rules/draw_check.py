"""Checking a draw file: recomputed from its own inputs, then compared field by field. Pure; no database."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from market.rules.draw import (
    FORMAT,
    FORMAT_1,
    FORMATS,
    Checkpoint,
    DrawInputs,
    DrawRecord,
    Envelope,
    Ground,
    Outside,
    draw_order,
    list_digest,
)

HEX = re.compile(r"[0-9a-f]{64}")
FACTOR = re.compile(r"[0-9]+\.[0-9]+")
LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]*")
FIELDS_1 = frozenset(
    [
        "format",
        "hash",
        "notice",
        "secret",
        "commitment",
        "envelopes_sha256",
        "candidates",
        "candidates_sha256",
        "key",
        "picks",
    ]
)
FIELDS_2 = FIELDS_1 | frozenset(
    [
        "envelopes",
        "contributions_sha256",
        "lots",
        "lots_sha256",
        "checkpoint",
        "outside",
        "outside_sha256",
        "factors",
        "factor",
    ]
)


class DrawFileFault(Exception):
    """What is wrong with a draw file, in one English sentence."""


@dataclass(frozen=True)
class TrailFacts:
    """What the trail says: the commitment at publication, the digests at the opening, the outside value."""

    commitment: str | None = None
    opened: Mapping[str, Any] | None = None
    outside_value: str | None = None


def read_draw(text: str) -> Any:
    """A draw file from its text. ValueError when it is no JSON; `DrawFileFault` when a field stands twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise DrawFileFault("a field stands twice")
        return found

    return json.loads(text, object_pairs_hook=once)


def check_draw(file: Any) -> DrawRecord:
    """Recompute a draw file of either format. Raises `DrawFileFault` with the first thing that is not so."""
    _shape(file)
    try:
        record = draw_order(_inputs(file), _candidates(file))
    except ValueError as error:
        raise DrawFileFault(str(error)) from error
    expected = record.as_json()
    for name in sorted(expected, key=list(file).index):
        if _text(expected[name]) != _text(file[name]):
            raise DrawFileFault(f"`{name}` is not what the draw's inputs give")
    return record


def check_against_trail(record: DrawRecord, trail: TrailFacts) -> None:
    """Compare a recomputed draw with what was on the trail before it. Raises `DrawFileFault`."""
    if trail.commitment is None or trail.opened is None:
        raise DrawFileFault("this trail holds no publication and opening of the notice")
    if trail.commitment != record.inputs.commitment:
        raise DrawFileFault("the trail shows another commitment at publication")
    given = record.as_json()
    recorded = (
        ["envelopes_sha256", "candidates_sha256"]
        if record.inputs.format == FORMAT_1
        else (["envelopes_sha256", "contributions_sha256", "candidates_sha256", "lots_sha256", "checkpoint", "factors"])
    )
    for name in recorded:
        if _text(trail.opened.get(name)) != _text(given[name]):
            raise DrawFileFault(f"the trail shows another `{name}` at the opening")
    outside = record.inputs.ground.outside
    if outside.source and trail.outside_value != outside.value:
        raise DrawFileFault("the trail shows another outside value")


def _text(value: Any) -> str:
    """Two values are the same when JSON writes them the same; 1, 1.0 and true are three."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _shape(file: Any) -> None:
    if not isinstance(file, Mapping) or file.get("format") not in FORMATS:
        raise DrawFileFault("this is not a draw file of a known format")
    fields = FIELDS_2 if file["format"] == FORMAT else FIELDS_1
    if set(file) != fields:
        wrong = ", ".join(sorted(set(file) ^ fields))
        raise DrawFileFault(f"fields missing or unknown: {wrong}")
    for name in ("secret", "commitment", "envelopes_sha256", "candidates_sha256"):
        if not _is_hex(file[name]):
            raise DrawFileFault(f"`{name}` is not 64 hex digits in lower case")
    if not isinstance(file["notice"], str) or not _is_code(file["notice"]):
        raise DrawFileFault("`notice` is not a notice number")
    if not isinstance(file["candidates"], list) or not file["candidates"]:
        raise DrawFileFault("`candidates` is not a list with somebody in it")
    if not all(isinstance(code, str) and _is_code(code) for code in file["candidates"]):
        raise DrawFileFault("a candidate is not a credit code")
    if sorted(set(file["candidates"])) != file["candidates"]:
        raise DrawFileFault("`candidates` are not sorted, or one stands twice")


def _is_hex(value: Any) -> bool:
    return isinstance(value, str) and HEX.fullmatch(value) is not None


def _is_code(value: str) -> bool:
    """No character that separates parts or lines: two different inputs never give one key."""
    return re.fullmatch(r"[A-Za-z0-9._-]+", value) is not None


def _inputs(file: Mapping[str, Any]) -> DrawInputs:
    first = (file["notice"], file["secret"], file["commitment"], file["envelopes_sha256"])
    if file["format"] == FORMAT_1:
        return DrawInputs(*first, format=FORMAT_1)
    envelopes = tuple(_envelope(each) for each in _list(file, "envelopes"))
    digests = [each.digest for each in envelopes]
    if sorted(set(digests)) != digests:
        raise DrawFileFault("`envelopes` are not sorted by fingerprint, or one stands twice")
    if list_digest(digests) != file["envelopes_sha256"]:
        raise DrawFileFault("`envelopes_sha256` is not the digest of the envelopes")
    factors = tuple(_list(file, "factors"))
    if not all(isinstance(each, str) and FACTOR.fullmatch(each) for each in factors):
        raise DrawFileFault("a factor is not digits, one point and digits, as text")
    if len(set(factors)) != len(factors):
        raise DrawFileFault("a factor stands twice")
    return DrawInputs(*first, Ground(envelopes, _checkpoint(file["checkpoint"]), _outside(file["outside"]), factors))


def _list(file: Mapping[str, Any], name: str) -> list[Any]:
    if not isinstance(file[name], list):
        raise DrawFileFault(f"`{name}` is not a list")
    found: list[Any] = file[name]
    return found


def _envelope(raw: Any) -> Envelope:
    match raw:
        case {"digest": str() as digest, "contribution": str() as contribution} if len(raw) == 2:
            if _is_hex(digest) and (contribution == "" or _is_hex(contribution)):
                return Envelope(digest, contribution)
    raise DrawFileFault("an envelope is not a fingerprint with a contribution")


def _checkpoint(raw: Any) -> Checkpoint:
    match raw:
        case {"size": int() as size, "root": str() as root} if len(raw) == 2 and not isinstance(size, bool):
            if size >= 0 and (_is_hex(root) if size else root == ""):
                return Checkpoint(size, root)
    raise DrawFileFault("`checkpoint` is not a size with a root")


def _outside(raw: Any) -> Outside:
    match raw:
        case {"source": str() as source, "value": str() as value} if len(raw) == 2:
            if LINE.fullmatch(source + value) and bool(source) == bool(value):
                return Outside(source, value)
    raise DrawFileFault("`outside` is not a source with a value")


def _candidates(file: Mapping[str, Any]) -> Mapping[str, int]:
    if file["format"] == FORMAT_1:
        return dict.fromkeys(file["candidates"], 1)
    lots = _list(file, "lots")
    if len(lots) != len(file["candidates"]) or any(type(count) is not int for count in lots):
        raise DrawFileFault("`lots` is not one whole number per candidate")
    return dict(zip(file["candidates"], lots, strict=True))
