"""What signals are computed from: five frames, and the shape of their answer.

Money is whole cents (int64), so that equal means equal. Moments are UTC. Only what an opening made known is in them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

NOTICES = {
    "notice": "int64",
    "number": "object",
    "client": "int64",
    "item": "object",
    "profession": "object",
    "region": "object",
    "method": "object",
    "published_at": "datetime64[us, UTC]",
    "deadline": "datetime64[us, UTC]",
}
BIDS = {
    "bid": "int64",
    "notice": "int64",
    "agency": "int64",
    "account": "int64",
    "state": "object",
    "cents": "int64",
    "received_at": "datetime64[us, UTC]",
    "address": "object",
    "browser": "object",
}
STAFF = {"notice": "int64", "agency": "int64", "person": "object"}
FILES = {"notice": "int64", "agency": "int64", "sha256": "object", "author": "object"}
AWARDS = {
    "notice": "int64",
    "bid": "int64",
    "agency": "int64",
    "client": "int64",
    "item": "object",
    "profession": "object",
    "region": "object",
    "method": "object",
    "cents": "int64",
}
HIT = ("subject", "key", "notices", "agencies", "clients", "params")


@dataclass(frozen=True)
class Frames:
    """Opened notices, their bids with staff and files, and the awards that stand.

    `bids.state` is `entered` or `set-aside`; `awards.bid` is 0 for a direct award, `bids.account` 0 where unknown.
    """

    notices: pd.DataFrame
    bids: pd.DataFrame
    staff: pd.DataFrame
    files: pd.DataFrame
    awards: pd.DataFrame

    @classmethod
    def of(
        cls,
        notices: Sequence[Mapping[str, Any]] = (),
        bids: Sequence[Mapping[str, Any]] = (),
        staff: Sequence[Mapping[str, Any]] = (),
        files: Sequence[Mapping[str, Any]] = (),
        awards: Sequence[Mapping[str, Any]] = (),
    ) -> "Frames":
        """From rows; missing columns are a KeyError."""
        return cls(
            frame(notices, NOTICES), frame(bids, BIDS), frame(staff, STAFF), frame(files, FILES), frame(awards, AWARDS)
        )


def frame(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """A frame with exactly these columns and kinds, also when it is empty."""
    made = {name: pd.Series([row[name] for row in rows], dtype=_kind(kind)) for name, kind in columns.items()}
    return pd.DataFrame(made)


def _kind(kind: str) -> Any:
    return object if kind == "object" else kind


def hits(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The answer of a signal: one row a hit. Ids come sorted, so that the order of the input does not show."""
    made = [
        {
            "subject": row["subject"],
            "key": str(row.get("key", "")),
            "notices": sorted({int(one) for one in row.get("notices", ())}),
            "agencies": sorted({int(one) for one in row.get("agencies", ())}),
            "clients": sorted({int(one) for one in row.get("clients", ())}),
            "params": dict(row["params"]),
        }
        for row in rows
    ]
    return pd.DataFrame(made, columns=list(HIT))


def of_notices(notices: pd.DataFrame, wanted: "pd.Series[Any] | pd.Index[Any]") -> dict[int, dict[str, Any]]:
    """Number and client of the wanted notices, by notice."""
    rows = notices.loc[notices["notice"].isin(wanted), ["notice", "number", "client"]]
    return {
        int(row["notice"]): {"number": row["number"], "client": int(row["client"])} for row in rows.to_dict("records")
    }


def yuan(cents: float) -> str:
    """Cents as yuan with two decimals."""
    return f"{int(cents) // 100:,}.{int(cents) % 100:02d}"


def percent(share: float) -> str:
    """A share of 1 as percent with one decimal."""
    return f"{100 * share:.1f}"


def fences(values: "pd.Series[Any]") -> tuple[float, float, float, float]:
    """Lower fence, first quartile, third quartile, upper fence (1.5 times the distance of the quartiles)."""
    first, third = float(values.quantile(0.25)), float(values.quantile(0.75))
    reach = 1.5 * (third - first)
    return first - reach, first, third, third + reach
