"""Review sheets: indicators at five described levels, veto codes, and their arithmetic.

T = Σ weight × factor of the chosen level, rounded half up to two places; any veto makes it 0
(header of every sheet in content/review_sheets; grading.md §1).
"""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from core.errors import FormInvalid, Message, NotFound
from core.i18n import N_
from core.money import half_up

FOLDER = Path(__file__).resolve().parent.parent / "content" / "review_sheets"
GENERAL = "RS-GENERAL"
LEVELS = (5, 4, 3, 2, 1)
TOTAL = 100


@dataclass(frozen=True)
class Level:
    """One of the five levels and the share of the weight it earns."""

    level: int
    factor: Decimal
    name_zh: str
    name_en: str


@dataclass(frozen=True)
class Choice:
    """A level of one indicator with its own description and its points."""

    level: int
    points: Decimal
    name_zh: str
    name_en: str
    text_zh: str
    text_en: str


@dataclass(frozen=True)
class Indicator:
    """What is looked at, and what evidence is expected."""

    code: str
    weight: int
    name_zh: str
    name_en: str
    evidence_zh: str
    evidence_en: str
    norms: tuple[str, ...]
    choices: tuple[Choice, ...]

    def points(self, level: int) -> Decimal:
        """Points of a level. KeyError for a level that does not exist."""
        return {choice.level: choice.points for choice in self.choices}[level]


@dataclass(frozen=True)
class Veto:
    """A defect so grave that the technical mark is 0."""

    code: str
    name_zh: str
    name_en: str
    legal_basis: str


@dataclass(frozen=True)
class ReviewSheet:
    """One published version of a sheet; `digest` is SHA-256 of the file it was read from."""

    id: str
    version: str
    in_force_from: date
    profession: str
    name_zh: str
    name_en: str
    origin_zh: str
    origin_en: str
    applies_to: tuple[str, ...]
    reviewers: int
    indicators: tuple[Indicator, ...]
    vetoes: tuple[Veto, ...]
    digest: str


@dataclass(frozen=True)
class Mark:
    """A reviewer's finding on one indicator; level 0 means not chosen yet."""

    level: int
    remark: str


@dataclass(frozen=True)
class VetoFinding:
    """A veto code with the page and fact that prove it."""

    code: str
    evidence: str


class IncompleteSheet(FormInvalid):
    """Indicators without level or remark, or a veto without evidence; names every one of them."""

    code = "incomplete-sheet"
    text = N_("审查表还差 %(count)s 处：%(missing)s。请补齐后再提交，已填内容都在。")

    def __init__(self, errors: Mapping[str, Message], missing: Sequence[str]) -> None:
        super().__init__(errors)
        self.params["missing"] = "、".join(missing)


class SheetUnknown(NotFound):
    """No such sheet or version is published."""

    code = "sheet-unknown"
    text = N_("没有找到这张审查表。请核对服务事项的审查表编号。")


def parse_sheet(raw: bytes) -> ReviewSheet:
    """Read one sheet. ValueError unless the weights total 100 and codes are unique."""
    data = tomllib.loads(raw.decode("utf-8"))
    levels = tuple(_level(entry) for entry in data["levels"])
    head = data["sheet"]
    sheet = ReviewSheet(
        id=head["id"],
        version=head["version"],
        in_force_from=head.get("in_force_from", date.min),
        profession=head["profession"],
        name_zh=head["name_zh"],
        name_en=head["name_en"],
        origin_zh=head["origin_zh"],
        origin_en=head["origin_en"],
        applies_to=tuple(head["applies_to"]),
        reviewers=int(head.get("reviewers", 1)),
        indicators=tuple(_indicator(entry, levels) for entry in data["indicators"]),
        vetoes=tuple(_veto(entry) for entry in data["veto"]),
        digest=hashlib.sha256(raw).hexdigest(),
    )
    _check_sheet(sheet)
    return sheet


def _level(entry: Mapping[str, Any]) -> Level:
    return Level(entry["level"], Decimal(str(entry["factor"])), entry["name_zh"], entry["name_en"])


def _indicator(entry: Mapping[str, Any], levels: Sequence[Level]) -> Indicator:
    return Indicator(
        code=entry["code"],
        weight=entry["weight"],
        name_zh=entry["name_zh"],
        name_en=entry["name_en"],
        evidence_zh=entry["evidence_zh"],
        evidence_en=entry["evidence_en"],
        norms=tuple(entry["norms"]),
        choices=tuple(_choice(entry, level) for level in levels),
    )


def _choice(entry: Mapping[str, Any], level: Level) -> Choice:
    return Choice(
        level=level.level,
        points=Decimal(entry["weight"]) * level.factor,
        name_zh=level.name_zh,
        name_en=level.name_en,
        text_zh=entry[f"level_{level.level}_zh"],
        text_en=entry[f"level_{level.level}_en"],
    )


def _veto(entry: Mapping[str, Any]) -> Veto:
    return Veto(entry["code"], entry["name_zh"], entry["name_en"], entry["legal_basis"])


def _check_sheet(sheet: ReviewSheet) -> None:
    codes = [indicator.code for indicator in sheet.indicators]
    if sum(indicator.weight for indicator in sheet.indicators) != TOTAL:
        raise ValueError(f"{sheet.id}: weights must total {TOTAL}")
    if len(set(codes)) != len(codes):
        raise ValueError(f"{sheet.id}: indicator codes repeat")
    if any(tuple(c.level for c in i.choices) != LEVELS for i in sheet.indicators):
        raise ValueError(f"{sheet.id}: levels must be 5 to 1")


@cache
def all_sheets() -> tuple[ReviewSheet, ...]:
    """Every published version of every sheet, oldest first."""
    found = [parse_sheet(path.read_bytes()) for path in sorted(FOLDER.glob("*.toml"))]
    return tuple(sorted(found, key=lambda sheet: (sheet.id, sheet.in_force_from)))


def sheet_in_force(sheet_id: str, on: date) -> ReviewSheet:
    """The version of a sheet in force on a day; the general one for items without a sheet."""
    wanted = GENERAL if sheet_id in {"", "none"} else sheet_id
    found = [s for s in all_sheets() if s.id == wanted and s.in_force_from <= on]
    if not found:
        raise SheetUnknown
    return found[-1]


def sheet_version(sheet_id: str, version: str) -> ReviewSheet:
    """Exactly the version under which a review began: a case finishes as it started."""
    for sheet in all_sheets():
        if (sheet.id, sheet.version) == (sheet_id, version):
            return sheet
    raise SheetUnknown


def points(sheet: ReviewSheet, marks: Mapping[str, Mark]) -> Decimal:
    """Σ weight × factor of everything marked so far, before any veto; rounded half up to 0.01."""
    chosen = (
        indicator.points(marks[indicator.code].level)
        for indicator in sheet.indicators
        if indicator.code in marks and marks[indicator.code].level
    )
    return half_up(sum(chosen, Decimal(0)))


def technical(points_before_veto: Decimal, vetoes: Sequence[VetoFinding]) -> Decimal:
    """One reviewer's T: the points, or 0 when a veto code was found."""
    return Decimal("0.00") if vetoes else points_before_veto


def check_complete(sheet: ReviewSheet, marks: Mapping[str, Mark], vetoes: Sequence[VetoFinding]) -> None:
    """Every indicator at a level with a remark, every veto with evidence; else `IncompleteSheet`."""
    errors: dict[str, Message] = {}
    missing: list[str] = []
    for indicator in sheet.indicators:
        found = _mark_problems(indicator, marks.get(indicator.code, Mark(0, "")))
        missing += [indicator.code] if found else []
        errors |= found
    known = {veto.code for veto in sheet.vetoes}
    for finding in vetoes:
        if finding.code not in known or not finding.evidence.strip():
            errors[f"evidence-{finding.code}"] = Message(N_("一票否决须写明页码和事实。"))
            missing.append(finding.code)
    if errors:
        raise IncompleteSheet(errors, missing)


def _mark_problems(indicator: Indicator, mark: Mark) -> dict[str, Message]:
    found: dict[str, Message] = {}
    if mark.level not in LEVELS:
        found[f"level-{indicator.code}"] = Message(N_("请选定一个等次。"))
    if not mark.remark.strip():
        found[f"remark-{indicator.code}"] = Message(N_("请写明依据：页码和事实。"))
    return found
