"""Reading and writing sheets (XLSX, CSV). Nothing in a file is computed, followed or unpacked without a limit."""

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from core import files
from core.forms import Upload
from core.i18n import _, language
from market.rules.batch import (
    COLUMNS,
    MOST_BYTES,
    MOST_COLUMNS,
    MOST_PARTS,
    MOST_ROWS,
    MOST_UNPACKED,
    Cell,
    SheetEmpty,
    SheetTooLarge,
    SheetUnreadable,
)

CSV = files.FileType(".csv", "text/csv", lambda body: b"\x00" not in body)
SHEET = files.FileUse("batch", MOST_BYTES, (files.XLSX, CSV))
ROWS_READ = MOST_ROWS + 2
"""The head, the rows that are allowed, and one more that tells that there are too many."""
MOST_EMPTY = 1000

Cells = list[tuple[int, list[Cell]]]


def read_cells(upload: Upload) -> Cells:
    """The cells of the first sheet with their row numbers. Blocking: call it in a thread.

    Raises `FileEmpty`, `FileTooLarge`, `FileMislabelled`, `SheetUnreadable`, `SheetTooLarge`.
    """
    if not upload.body.strip():
        raise SheetEmpty
    kind = files.check(upload, SHEET)
    rows = _csv(upload.body) if kind is CSV else _workbook(upload.body)
    found: Cells = []
    empty = 0
    for number, row in rows:
        if not any(cell.text.strip() or cell.formula for cell in row):
            empty += 1
            if empty > MOST_EMPTY:
                break
            continue
        found.append((number, row))
        if len(found) >= ROWS_READ:
            break
    return found


def _csv(body: bytes) -> Iterator[tuple[int, list[Cell]]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = body.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise SheetUnreadable
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text), strict=True), 1):
            yield number, [Cell(value, value.lstrip().startswith("=")) for value in row[:MOST_COLUMNS]]
    except csv.Error as error:
        raise SheetUnreadable from error


def _workbook(body: bytes) -> Iterator[tuple[int, list[Cell]]]:
    import openpyxl

    _check_archive(body)
    try:
        book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=False, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        for number, row in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS), 1):
            yield number, [_cell(cell) for cell in row]
    except SheetTooLarge:
        raise
    except Exception as error:  # openpyxl raises whatever a broken file makes it stumble over
        raise SheetUnreadable from error


def _check_archive(body: bytes) -> None:
    """Refuse what unpacks to too much before anything is unpacked, and entities, which could grow without end."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            parts = archive.infolist()
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
                raise SheetTooLarge
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    _check_part(archive, part)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise SheetUnreadable from error


def _check_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    read = 0
    with archive.open(part) as source:
        while block := source.read(1 << 20):
            read += len(block)
            if read > MOST_UNPACKED:
                raise SheetTooLarge
            if b"<!DOCTYPE" in block or b"<!ENTITY" in block:
                raise SheetUnreadable


def _cell(cell: Any) -> Cell:
    value = cell.value
    if cell.data_type == "f" or (isinstance(value, str) and value.startswith("=")):
        return Cell(str(value or "="), formula=True)
    return Cell(_text(value))


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value)
        case datetime() if value.time() == time():
            return f"{value:%Y-%m-%d} 17:00"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case date():
            return f"{value:%Y-%m-%d} 17:00"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def template() -> bytes:
    """The empty sheet with its head and one example, heads in the reader's language. Blocking."""
    import openpyxl
    from openpyxl.styles import Font

    book = openpyxl.Workbook()
    sheet = book.active
    english = language() == "en"
    sheet.title = "Sites" if english else _("站点")
    sheet.append([column.en if english else column.zh for column in COLUMNS])
    sheet.append([column.example for column in COLUMNS])
    for number, column in enumerate(COLUMNS, 1):
        head = sheet.cell(1, number)
        head.font = Font(bold=column.required)
        sheet.column_dimensions[head.column_letter].width = 24
        sheet.cell(2, number).number_format = "@"
    sheet.freeze_panes = "A2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
