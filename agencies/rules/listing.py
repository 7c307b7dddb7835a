"""How agencies appear in public: order by lot, names veiled as the law asks, words to search by."""

import hashlib
import re
from datetime import date

_COMPOUND = "欧阳司马上官诸葛东方皇甫尉迟公孙慕容令狐钟离宇文长孙司徒司空夏侯轩辕端木南宫呼延"
COMPOUND_SURNAMES = frozenset(_COMPOUND[i : i + 2] for i in range(0, len(_COMPOUND), 2))
_WORD = re.compile(r"[^\w]+", re.UNICODE)


def veiled_name(name: str) -> str:
    """Surname and 某 (甲某): natural persons are not named in public without need (PIPL)."""
    name = name.strip()
    if not name:
        return ""
    if name[0].isascii():
        return f"{name[0].upper()}."
    return (name[:2] if name[:2] in COMPOUND_SURNAMES else name[0]) + "某"


def lot_seed(day: date) -> str:
    """The public seed of a day's order: the same for everybody, bought by nobody."""
    return hashlib.sha256(f"xinshi agencies {day.isoformat()}".encode()).hexdigest()


def shingles(*texts: str) -> list[str]:
    """Overlapping two-character pieces of words, case-folded; single characters stay single.

    `text[] @> shingles(query)` under a GIN index finds Chinese of two characters where trigram
    indexes scan everything (traps.md B1).
    """
    found: set[str] = set()
    for text in texts:
        for word in _WORD.split(text.casefold()):
            if len(word) == 1:
                found.add(word)
            found.update(word[i : i + 2] for i in range(len(word) - 1))
    return sorted(found)
