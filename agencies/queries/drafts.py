"""A dossier as jsonb and back; the one place that knows how a draft is stored."""

from typing import Any

import msgspec

from agencies.rules.dossier import Dossier
from agencies.rules.formal_check import Defect


def to_draft(dossier: Dossier) -> dict[str, Any]:
    """Plain JSON values of a dossier (days and amounts as text)."""
    plain: dict[str, Any] = msgspec.to_builtins(dossier, str_keys=True)
    plain["visited"] = sorted(plain["visited"])
    return plain


def from_draft(draft: dict[str, Any]) -> Dossier:
    """The dossier that `to_draft` wrote; an empty draft is an empty dossier."""
    return msgspec.convert(draft, Dossier)


def to_defects(defects: tuple[Defect, ...]) -> list[dict[str, Any]]:
    """Plain JSON values of a list of defects."""
    plain: list[dict[str, Any]] = msgspec.to_builtins(list(defects))
    return plain


def from_defects(stored: Any) -> tuple[Defect, ...]:
    """The defects that `to_defects` wrote; nothing stored means none."""
    return msgspec.convert(stored or [], tuple[Defect, ...])
