"""The evidence of one grade: everything the grade is computed from, and nothing else.

`Evidence` is what is stored with a report, hashed, and replayed. Reviewers appear under a stable
alias, so that the evidence can be shown, downloaded and recomputed without naming a person.
"""

import json
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from hashlib import sha256
from typing import Any

from agencies.rules import CreditGrade, Profession

SCHEMA = "xt-grade-evidence/1"
OVERRULED = "*"
"""Ends the alias of a reviewer whose mark officers or a panel have replaced: `R-0007*` was there, the mark is not its own."""


@dataclass(frozen=True, slots=True)
class Stars:
    """What the client of one closed contract said: a level of 0 to 100."""

    level: Decimal
    given_on: date


@dataclass(frozen=True, slots=True)
class Case:
    """One finally reviewed deliverable: `technical` is the mean of `marks`, all marks 0 to 100."""

    deliverable_id: int
    title: str
    client_id: int
    reviewers: tuple[str, ...]
    marks: tuple[Decimal, ...]
    technical: Decimal
    vetoed: bool
    punctuality: Decimal
    filings: Decimal
    finalised_on: date
    difficulty: str
    related: bool
    stars: Stars | None = None

    @property
    def set_by_officers(self) -> bool:
        """Whether an upheld objection replaced the technical mark: then it is no reviewer's mark."""
        return any(alias.endswith(OVERRULED) for alias in self.reviewers)

    @property
    def seen_by(self) -> tuple[str, ...]:
        """Who reviewed the result, also where the mark was replaced later."""
        return tuple(alias.removesuffix(OVERRULED) for alias in self.reviewers)


@dataclass(frozen=True, slots=True)
class Finding:
    """One upheld conduct finding; it lapses by date, or earlier on `ended_on` (repair)."""

    id: int
    code: str
    points: int
    event: str
    decided_on: date
    document_no: str
    ended_on: date | None = None


@dataclass(frozen=True, slots=True)
class DirectGround:
    """A decision that makes the grade D from `start` up to but not including `until`."""

    code: str
    document_no: str
    start: date
    until: date


@dataclass(frozen=True, slots=True)
class Bonus:
    """A documented bonus of the scheme, in points."""

    code: str
    value: Decimal
    document_no: str


@dataclass(frozen=True, slots=True)
class Previous:
    """What the last published report said, as far as the next one depends on it."""

    as_of: date
    band: CreditGrade
    result: CreditGrade
    score: Decimal
    sd: Decimal


@dataclass(frozen=True, slots=True)
class PastGrade:
    """A grade that was published for this agency and profession."""

    as_of: date
    result: CreditGrade


@dataclass(frozen=True, slots=True)
class Evidence:
    """All inputs of one grade on `as_of`."""

    agency_id: int
    profession: Profession
    as_of: date
    scheme_digest: str
    calibration_digest: str
    registered_on: date
    certificate_until: date | None
    certificate_valid: bool
    cases: tuple[Case, ...] = ()
    findings: tuple[Finding, ...] = ()
    grounds: tuple[DirectGround, ...] = ()
    bonuses: tuple[Bonus, ...] = ()
    rectification_open: bool = False
    upheld_complaints: int = 0
    rated_before: bool = False
    previous: Previous | None = None
    history: tuple[PastGrade, ...] = ()
    schema: str = SCHEMA


def in_order(evidence: Evidence) -> Evidence:
    """The same evidence with every list in its canonical order: row order never matters."""
    return replace(
        evidence,
        cases=tuple(sorted(evidence.cases, key=lambda c: (c.finalised_on, c.deliverable_id))),
        findings=tuple(sorted(evidence.findings, key=lambda f: (f.decided_on, f.id))),
        grounds=tuple(sorted(evidence.grounds, key=lambda g: (g.start, g.code, g.document_no))),
        bonuses=tuple(sorted(evidence.bonuses, key=lambda b: (b.code, b.document_no))),
        history=tuple(sorted(evidence.history, key=lambda h: h.as_of)),
    )


_AS_IT_IS = frozenset({str, int, float, bool, type(None)})


LATER = {"later": True}
"""Metadata of a field that older records do not have: while it is None it is left out, so that their digests hold."""


@cache
def _field_names(kind: Hashable) -> tuple[tuple[str, bool], ...]:
    """The fields of a dataclass type and whether each came later; empty for anything else."""
    return tuple((one.name, one.metadata == LATER) for one in fields(kind)) if is_dataclass(kind) else ()


def plain(value: Any) -> Any:
    """A dataclass as JSON-able data: decimals and dates as text, so that a digest is stable."""
    kind: Any = type(value)
    if kind in _AS_IT_IS:
        return value
    if names := _field_names(kind):
        return {name: plain(one) for name, later in names if (one := getattr(value, name)) is not None or not later}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Decimal | date):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(plain(one) for one in value)
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [plain(one) for one in value]
    return value


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON (sorted keys, no spaces, UTF-8) of `plain(value)`."""
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()
