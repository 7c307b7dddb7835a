"""Reference lists: departments (ours) and service items (handed in by the floor that keeps them)."""

import csv
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

DEPARTMENTS_FILE = Path(__file__).resolve().parent.parent / "departments.csv"


@dataclass(frozen=True)
class Department:
    """An authority that decides on projects; `level` is county, city or province."""

    code: str
    name_zh: str
    name_en: str
    level: str
    role_zh: str
    role_en: str
    supervised_professions: frozenset[str]
    items_served: frozenset[str]
    reuse_items: frozenset[str]


@cache
def departments() -> tuple[Department, ...]:
    """The 28 authorities of the reference data, in its order."""
    with DEPARTMENTS_FILE.open(encoding="utf-8", newline="") as source:
        return tuple(_department(line) for line in csv.DictReader(source))


def _department(line: dict[str, str]) -> Department:
    return Department(
        code=line["code"],
        name_zh=line["name_zh"],
        name_en=line["name_en"],
        level=line["level"],
        role_zh=line["role_zh"],
        role_en=line["role_en"],
        supervised_professions=_parts(line["supervised_professions"]),
        items_served=_parts(line["items_served"]),
        reuse_items=_parts(line["reuse_items"]),
    )


def _parts(cell: str) -> frozenset[str]:
    return frozenset(part for part in cell.split(";") if part)


def department(code: str) -> Department | None:
    """The authority with that code, or None."""
    return next((one for one in departments() if one.code == code), None)


class ItemLike(Protocol):
    """What this floor needs to know of a service item."""

    @property
    def code(self) -> str: ...
    @property
    def profession(self) -> str: ...
    @property
    def name_zh(self) -> str: ...
    @property
    def name_en(self) -> str: ...


@dataclass(frozen=True)
class ItemLabel:
    """A service item by code, with its profession and names."""

    code: str
    profession: str
    name_zh: str
    name_en: str


class ItemCatalogue:
    """The service items, kept one floor higher and supplied from there in `app.wire()`."""

    def __init__(self) -> None:
        self._source: Callable[[], Awaitable[Sequence[ItemLike]]] | None = None

    def supply(self, source: Callable[[], Awaitable[Sequence[ItemLike]]] | None) -> None:
        """Name the query that lists the items; None unplugs it."""
        self._source = source

    async def labels(self) -> dict[str, ItemLabel]:
        """Every item by code; empty while nobody supplies a catalogue."""
        if self._source is None:
            return {}
        return {
            str(one.code): ItemLabel(str(one.code), str(one.profession), str(one.name_zh), str(one.name_en))
            for one in await self._source()
        }


ITEM_CATALOGUE = ItemCatalogue()
