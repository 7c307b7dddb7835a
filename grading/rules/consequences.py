"""Classified supervision: what each grade changes, with the basis of every measure (XT-2026.1, consequences.*).

Values come from the rule-set, titles and bases from `content/consequences`. Without a legal instrument a grade changes
rights on the platform only; a market ban executes a numbered decision.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from agencies.rules import CreditGrade

SCHEMA = "xt-consequences/1"
OVERLAP = "staff_overlap_at_least_"


@dataclass(frozen=True, slots=True)
class Measures:
    """Everything one grade changes. `max_open_jobs` None: no limit; shares of 1, the bond in per cent of the price."""

    grade: CreditGrade
    listing_zh: str
    listing_en: str
    public_modes: tuple[str, ...]
    own_modes: tuple[str, ...]
    warning: bool
    max_open_jobs: int | None
    lot_factor: Decimal
    deferred: bool
    deferred_points_below: int
    deep_share: Decimal
    reviewers: int
    panel: bool
    inspection_rate: Decimal
    bond_percent: int
    duty_zh: str
    duty_en: str
    basis: str


@dataclass(frozen=True, slots=True)
class SupervisionRules:
    """What a rule-set says about supervision besides the grade itself. Clocks in working days."""

    scheme_id: str
    grades: Mapping[CreditGrade, Measures]
    accept_wd: int
    decide_wd: int
    reply_wd: int
    staff_overlap: Decimal


@dataclass(frozen=True, slots=True)
class MeasureNote:
    """What one measure is called, where it is applied, and on what basis."""

    code: str
    title_zh: str
    title_en: str
    where_zh: str
    where_en: str
    basis: str
    verified: str


@lru_cache(maxsize=16)
def load_supervision(text: str) -> SupervisionRules:
    """Read what a rule-set says about supervision. KeyError or ValueError when it is not complete."""
    raw: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
    stated = raw["direct_d"]["successor_inherits_if"]
    overlap = next(one for one in stated if one.startswith(OVERLAP))
    return SupervisionRules(
        scheme_id=raw["scheme"]["id"],
        grades={grade: _measures(grade, raw["consequences"][grade.value]) for grade in CreditGrade},
        accept_wd=int(raw["repair"]["accept_within_wd"]),
        decide_wd=int(raw["repair"]["decide_within_wd"]),
        reply_wd=int(raw["conduct"]["right_of_reply_wd"]),
        staff_overlap=Decimal(overlap.removeprefix(OVERLAP)),
    )


def _measures(grade: CreditGrade, raw: Mapping[str, Any]) -> Measures:
    most = int(raw["max_open_jobs"])
    return Measures(
        grade=grade,
        listing_zh=raw["listing_zh"],
        listing_en=raw["listing_en"],
        public_modes=tuple(raw["public_money_modes"]),
        own_modes=tuple(raw["own_money_modes"]),
        warning=raw["warning_required"],
        max_open_jobs=None if most < 0 else most,
        lot_factor=Decimal(raw["lot_factor"]),
        deferred=raw["deferred_documents"],
        deferred_points_below=int(raw["deferred_documents_points_below"]),
        deep_share=Decimal(raw["deep_review_share"]),
        reviewers=int(raw["reviewers"]),
        panel=raw["review_panel"],
        inspection_rate=Decimal(raw["inspection_rate_per_year"]),
        bond_percent=int(raw["deposit_percent_max"]),
        duty_zh=raw["duty_zh"],
        duty_en=raw["duty_en"],
        basis=raw["basis"],
    )


@lru_cache(maxsize=16)
def load_notes(text: str) -> tuple[MeasureNote, ...]:
    """Read titles, places and bases of the measures, in their order. ValueError for another schema."""
    raw = tomllib.loads(text)
    if raw["schema"] != SCHEMA:
        raise ValueError(f"not {SCHEMA}")
    names = ("code", "title_zh", "title_en", "where_zh", "where_en", "basis", "verified")
    return tuple(MeasureNote(*(one[name] for name in names)) for one in raw["measures"])
