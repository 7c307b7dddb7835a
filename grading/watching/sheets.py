"""A figure as a file for spreadsheets. Blocking: call it in a thread."""

import io
from collections.abc import Sequence
from typing import Any

import pandas as pd

STARTS = ("=", "+", "-", "@", "\t", "\r")


def safe(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(STARTS) else value


def table(names: Sequence[str], labels: Sequence[str], rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """The columns shown, under their labels, in the order of the page."""
    return pd.DataFrame([[safe(row[name]) for name in names] for row in rows], columns=list(labels))


def csv(frame: pd.DataFrame) -> bytes:
    """UTF-8 with a mark, so that spreadsheets read Chinese."""
    text: str = frame.to_csv(index=False)
    return text.encode("utf-8-sig")


def xlsx(frame: pd.DataFrame, name: str) -> bytes:
    """One sheet with a frozen head."""
    out = io.BytesIO()
    frame.to_excel(out, index=False, sheet_name=name[:31], freeze_panes=(1, 0), engine="openpyxl")
    return out.getvalue()
