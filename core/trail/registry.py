"""What the packages say about their acts: the title people read, and how much the public may see."""

from collections.abc import Iterable, Mapping
from enum import IntEnum

from core.i18n import translate
from core.trail.format import VEILED, Entry


class Openness(IntEnum):
    """How much of an entry is shown to everybody. An act nobody declared shows its proof only."""

    PROOF = 0
    FACT = 1
    FULL = 2


_titles: dict[str, str] = {}
_openness: dict[str, Openness] = {}


def name_acts(*titles: Mapping[str, str]) -> None:
    """Take over the packages' `TRAIL_TITLES`: act -> Chinese msgid. ValueError if two name the same act."""
    for part in titles:
        twice = _titles.keys() & part.keys()
        if any(_titles[act] != part[act] for act in twice):
            raise ValueError(f"acts named twice: {sorted(twice)}")
        _titles.update(part)


def open_acts(openness: Openness, *acts: Iterable[str]) -> None:
    """Declare acts whose entries may be shown to everybody, their facts alone or in full."""
    for part in acts:
        _openness.update(dict.fromkeys(part, openness))


def title(act: str) -> str:
    """What the act is called, in the reader's language; the bare name where nobody gave one."""
    return translate(_titles[act]) if act in _titles else act


def openness(act: str, role: str) -> Openness:
    """How much of an entry is shown to everybody: as declared, and nothing while its actor is veiled."""
    return Openness.PROOF if role == VEILED else _openness.get(act, Openness.PROOF)


def shown(entry: Entry, allowed: Openness) -> Entry:
    """An entry with only the halves that are shown."""
    head = entry.head if allowed >= Openness.FACT else entry.head.closed()
    body = entry.body if allowed >= Openness.FULL else entry.body.closed()
    return Entry(head, body)
