"""What the figures are computed from, and the shape of their answers.

Days are Shanghai days (datetime64 without a zone). Marks are raw technical marks of one reviewer;
case marks are corrected by the table in force. Persons appear by number only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

DAY = "datetime64[us]"
MARKS = {
    "review": "int64",
    "agency": "int64",
    "profession": "object",
    "item": "object",
    "client": "int64",
    "reviewer": "int64",
    "alias": "object",
    "region": "object",
    "mark": "float64",
    "blind": "bool",
    "vetoed": "bool",
    "related": "bool",
    "day": DAY,
}
CASES = {
    "deliverable": "int64",
    "agency": "int64",
    "profession": "object",
    "client": "int64",
    "contract": "int64",
    "value": "float64",
    "stars": "float64",
    "day": DAY,
}
GRADES = {
    "report": "int64",
    "agency": "int64",
    "profession": "object",
    "as_of": DAY,
    "monthly": "bool",
    "result": "object",
    "rated": "bool",
    "firm": "bool",
    "contested": "bool",
    "score": "float64",
    "sd": "float64",
    "region": "object",
    "staff": "int64",
}
STARS = {
    "contract": "int64",
    "agency": "int64",
    "client": "int64",
    "requested": DAY,
    "due": DAY,
    "answered": DAY,
    "level": "float64",
}
APPEALS = {"objection": "int64", "lodged": DAY, "closed": DAY, "panel": "bool", "won": "bool", "withdrawn": "bool"}
"""Objections to published grades; `closed` is empty while open, `panel` says that a re-review was asked for."""
TIES = {"kind": "object", "value": "object", "organization": "int64"}
"""`kind` is controller, staff, device or account; two organisations with one value are tied."""
DEALS = {"contract": "int64", "client": "int64", "agency": "int64", "organization": "int64", "day": DAY}
"""Signed contracts; `organization` is the agency's own."""


@dataclass(frozen=True)
class Frames:
    """Everything the figures and signals look at; `error_sd` is the spread of one case mark, in points."""

    marks: pd.DataFrame
    cases: pd.DataFrame
    grades: pd.DataFrame
    stars: pd.DataFrame
    deals: pd.DataFrame
    ties: pd.DataFrame
    today: pd.Timestamp
    error_sd: float = 6.0
    appeals: pd.DataFrame = field(default_factory=lambda: frame((), APPEALS))

    @classmethod
    def of(
        cls,
        today: Any,
        *,
        marks: Sequence[Mapping[str, Any]] = (),
        cases: Sequence[Mapping[str, Any]] = (),
        grades: Sequence[Mapping[str, Any]] = (),
        stars: Sequence[Mapping[str, Any]] = (),
        deals: Sequence[Mapping[str, Any]] = (),
        ties: Sequence[Mapping[str, Any]] = (),
        appeals: Sequence[Mapping[str, Any]] = (),
        error_sd: float = 6.0,
    ) -> "Frames":
        """From rows; a missing column is a KeyError."""
        return cls(
            frame(marks, MARKS),
            frame(cases, CASES),
            frame(grades, GRADES),
            frame(stars, STARS),
            frame(deals, DEALS),
            frame(ties, TIES),
            pd.Timestamp(today),
            error_sd,
            frame(appeals, APPEALS),
        )


def frame(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """A frame with exactly these columns and kinds, also when it is empty."""
    return pd.DataFrame({name: _column([row[name] for row in rows], kind) for name, kind in columns.items()})


def _column(values: list[Any], kind: Any) -> "pd.Series[Any]":
    if kind == DAY:
        return pd.Series(pd.to_datetime(pd.Series(values, dtype=object)), dtype=DAY)
    if kind == "object":
        return pd.Series(values, dtype=object)
    return pd.Series(values).astype(kind) if values else pd.Series(dtype=kind)


def subjects(marks: pd.DataFrame) -> Any:
    """A number from 0 for each agency *and profession*: reviewers can only be compared inside one."""
    return pd.factorize(pd.MultiIndex.from_frame(marks[["agency", "profession"]]))[0]


def months_before(day: pd.Timestamp, months: int) -> pd.Timestamp:
    """The same day some months earlier."""
    return day - pd.DateOffset(months=months)


def month_of(days: "pd.Series[Any]") -> "pd.Series[Any]":
    """`2026-11` for each day."""
    named: pd.Series[Any] = days.dt.strftime("%Y-%m")
    return named
