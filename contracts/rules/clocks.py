"""Time limits as data: how many working days each side has (content/clocks_*.toml)."""

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

CONTENT = Path(__file__).resolve().parent.parent / "content"


@dataclass(frozen=True)
class Clocks:
    """Working days allowed for each step, under one version of the rules."""

    id: str
    in_force_from: date
    confirm: int
    file: int
    accept: int
    correct: int
    review: int
    comment: int
    answer: int
    evaluate: int
    pay: int
    reminders: tuple[int, ...]


def parse_clocks(text: str) -> Clocks:
    """Read one version. KeyError or ValueError when the file is not complete."""
    raw: dict[str, Any] = tomllib.loads(text)
    steps = ("confirm", "file", "accept", "correct", "review", "comment", "answer", "evaluate", "pay")
    days = {step: int(raw[step]["days"]) for step in steps}
    if min(days.values()) < 1:
        raise ValueError("a time limit is at least one working day")
    return Clocks(
        id=raw["id"],
        in_force_from=raw["in_force_from"],
        reminders=tuple(raw["evaluate"]["reminders"]),
        **days,
    )


@cache
def all_clocks() -> tuple[Clocks, ...]:
    """Every version that ships with the product, oldest first."""
    found = [parse_clocks(path.read_text("utf-8")) for path in CONTENT.glob("clocks_*.toml")]
    return tuple(sorted(found, key=lambda clocks: clocks.in_force_from))


def clocks_on(day: date) -> Clocks:
    """The version in force on `day`; the oldest one for days before any."""
    found = all_clocks()
    in_force = [clocks for clocks in found if clocks.in_force_from <= day]
    return in_force[-1] if in_force else found[0]
