"""Reading and writing sheets (XLSX, CSV). Nothing in a file is computed, followed or unpacked without a limit."""

import io

from core import files, sheets
from core.forms import Upload
from core.i18n import _, language
from market.rules.batch import (
    COLUMNS,
    MOST_BYTES,
    MOST_COLUMNS,
    MOST_PARTS,
    MOST_ROWS,
    MOST_UNPACKED,
    SheetEmpty,
    SheetTooLarge,
    SheetUnreadable,
)

CSV = files.FileType(".csv", "text/csv", lambda body: b"\x00" not in body)
SHEET = files.FileUse("batch", MOST_BYTES, (files.XLSX, CSV))
LIMITS = sheets.Limits(
    rows=MOST_ROWS + 2, columns=MOST_COLUMNS, unpacked=MOST_UNPACKED, parts=MOST_PARTS, day_suffix=" 17:00"
)
"""The head, the rows that are allowed, and one more that tells that there are too many."""


def read_cells(upload: Upload) -> sheets.Cells:
    """The cells of the first sheet with their row numbers. Blocking: call it in a thread.

    Raises `FileEmpty`, `FileTooLarge`, `FileMislabelled`, `SheetUnreadable`, `SheetTooLarge`.
    """
    if not upload.body.strip():
        raise SheetEmpty
    kind = files.check(upload, SHEET)
    try:
        return sheets.read_cells(upload.body, workbook=kind is not CSV, limits=LIMITS)
    except sheets.SheetTooBig as error:
        raise SheetTooLarge from error
    except sheets.SheetBroken as error:
        raise SheetUnreadable from error


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
