"""Content that comes with the product: the catalogue, the departments, the selection rules.

Files, not code: a person may correct them. Editions and items are versioned; see README.md here.
"""

import csv
import hashlib
import json
import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from market.rules.editions import Edition, edition_on, parse_edition
from market.rules.guide import Rulebook, parse_questions, parse_types
from market.rules.recusal import Duty

HERE = Path(__file__).resolve().parent


@cache
def editions() -> tuple[Edition, ...]:
    """All editions of the selection rules."""
    source = (HERE / "selection_rules.toml").read_text(encoding="utf-8")
    return tuple(parse_edition(raw, digest_of(raw)) for raw in tomllib.loads(source)["edition"])


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256 over the content itself, so that a newer edition beside it changes nothing."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def edition_in_force(on: date) -> Edition:
    """The edition that covers a day."""
    return edition_on(editions(), on)


def edition(edition_id: str) -> Edition:
    """An edition by its name: a case finishes under the one it began with."""
    return next(each for each in editions() if each.id == edition_id)


@cache
def departments() -> Mapping[str, Mapping[str, str]]:
    """The authorities by code, with names and roles in both languages."""
    return {row["code"]: row for row in _rows("departments.csv")}


@cache
def incompatible_duties() -> tuple[Duty, ...]:
    """Pairs of items that one agency, or related ones, must not both hold on the same project."""
    return tuple(Duty(**row) for row in _rows("incompatible_duties.csv"))


def service_items() -> list[dict[str, str]]:
    """The catalogue as written: one row per item, 60 columns."""
    return _rows("service_items.csv")


@cache
def rulebook() -> Rulebook:
    """The project guide: kinds of project, questions, and which answers need which items."""
    types, questions = _rows("project_types.csv"), _rows("wizard_questions.csv")
    digest = digest_of({"types": types, "questions": questions})
    return Rulebook(parse_types(types), parse_questions(questions), digest)


def _rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


@cache
def provisions() -> tuple[Mapping[str, str], ...]:
    """Provisions an objection may name; only those whose text was read."""
    source = (HERE / "provisions.toml").read_text(encoding="utf-8")
    return tuple(each for each in tomllib.loads(source)["provision"] if each["verified"] == "yes")
