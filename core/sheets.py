"""Reading sheets (XLSX, CSV). Nothing in a file is computed, followed or unpacked without a limit."""

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

MOST_EMPTY = 1000
ENCODINGS = ("utf-8-sig", "gb18030")
"""Chinese spreadsheets and banks write either."""


class SheetBroken(ValueError):
    """Neither a workbook nor a table of text."""


class SheetTooBig(ValueError):
    """It would unpack to more than a sheet of the allowed size can hold."""


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, as text; `formula` when it would have to be computed."""

    text: str = ""
    formula: bool = False


@dataclass(frozen=True)
class Limits:
    """How much of a file is read: filled rows, columns, bytes after unpacking, parts of the archive.

    `day_suffix` is put behind a date that has no time of its own.
    """

    rows: int
    columns: int = 30
    unpacked: int = 20 * 1024 * 1024
    parts: int = 200
    day_suffix: str = ""


Cells = list[tuple[int, list[Cell]]]


def read_cells(body: bytes, *, workbook: bool, limits: Limits) -> Cells:
    """The filled rows of the first sheet with their row numbers, `limits.rows` at most. Blocking: call it in a thread.

    Dates come as `2026-11-20` or `2026-11-20 17:00`. Raises `SheetBroken`, `SheetTooBig`.
    """
    rows = _workbook(body, limits) if workbook else _csv(body, limits)
    found: Cells = []
    empty = 0
    for number, row in rows:
        if not any(cell.text.strip() or cell.formula for cell in row):
            empty += 1
            if empty > MOST_EMPTY:
                break
            continue
        found.append((number, row))
        if len(found) >= limits.rows:
            break
    return found


def _csv(body: bytes, limits: Limits) -> Iterator[tuple[int, list[Cell]]]:
    for encoding in ENCODINGS:
        try:
            text = body.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise SheetBroken
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text), strict=True), 1):
            yield number, [Cell(value, value.lstrip().startswith("=")) for value in row[: limits.columns]]
    except csv.Error as error:
        raise SheetBroken from error


def _workbook(body: bytes, limits: Limits) -> Iterator[tuple[int, list[Cell]]]:
    import openpyxl

    _check_archive(body, limits)
    try:
        book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=False, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        for number, row in enumerate(sheet.iter_rows(max_col=limits.columns), 1):
            yield number, [_cell(cell, limits.day_suffix) for cell in row]
    except SheetTooBig:
        raise
    except Exception as error:  # openpyxl raises whatever a broken file makes it stumble over
        raise SheetBroken from error


def _check_archive(body: bytes, limits: Limits) -> None:
    """Refuse what unpacks to too much before anything is unpacked, and entities, which could grow without end."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            parts = archive.infolist()
            if len(parts) > limits.parts or sum(part.file_size for part in parts) > limits.unpacked:
                raise SheetTooBig
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    _check_part(archive, part, limits)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise SheetBroken from error


def _check_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo, limits: Limits) -> None:
    read = 0
    with archive.open(part) as source:
        while block := source.read(1 << 20):
            read += len(block)
            if read > limits.unpacked:
                raise SheetTooBig
            if b"<!DOCTYPE" in block or b"<!ENTITY" in block:
                raise SheetBroken


def _cell(cell: Any, day_suffix: str) -> Cell:
    value = cell.value
    if cell.data_type == "f" or (isinstance(value, str) and value.startswith("=")):
        return Cell(str(value or "="), formula=True)
    return Cell(_text(value, day_suffix))


def _text(value: Any, day_suffix: str) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value)
        case datetime() if value.time() == time():
            return f"{value:%Y-%m-%d}{day_suffix}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case date():
            return f"{value:%Y-%m-%d}{day_suffix}"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def safe_text(value: str) -> str:
    """A text for a cell that a spreadsheet must not take for a formula."""
    return f"'{value}" if value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value
