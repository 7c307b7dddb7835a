"""Pages of a result as pictures, with names blacked out: what a reviewer looks at.

The masking works on the text of the page; names inside scanned pictures cannot be found this way, and
the review page says so.
"""

import re
import struct
import threading
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import anyio
import pypdfium2  # type: ignore[import-untyped]  # ships no types

from core.errors import NotFound

WIDTH = 1100
LARGEST_SIDE = 3000
INK = (43, 43, 43, 255)
_PDFIUM = threading.Lock()
"""PDFium is not thread-safe: one page at a time."""


async def count_pages(body: bytes) -> int:
    """Pages of a PDF; 0 when it cannot be read."""
    return await anyio.to_thread.run_sync(_count, body)


async def page_png(body: bytes, page: int, phrases: Sequence[str]) -> bytes:
    """Page `page` (from 1) as PNG with every phrase blacked out; `NotFound` when there is none."""
    return await anyio.to_thread.run_sync(partial(_render, body, page, tuple(phrases)))


def _count(body: bytes) -> int:
    with _PDFIUM:
        try:
            return len(pypdfium2.PdfDocument(body))
        except pypdfium2.PdfiumError:
            return 0


def _render(body: bytes, number: int, phrases: Sequence[str]) -> bytes:
    with _PDFIUM:
        try:
            document = pypdfium2.PdfDocument(body)
        except pypdfium2.PdfiumError:
            raise NotFound from None
        if not 1 <= number <= len(document):
            raise NotFound
        page = document[number - 1]
        width, height = page.get_size()
        scale = min(WIDTH / width, LARGEST_SIDE / max(width, height))
        bitmap = page.render(scale=scale, rev_byteorder=True)
        for left, bottom, right, top in _found(page.get_textpage(), phrases):
            bitmap.fill_rect(
                INK,
                int(left * scale) - 1,
                int((height - top) * scale) - 1,
                int((right - left) * scale) + 3,
                int((top - bottom) * scale) + 3,
            )
        return _png(bitmap.to_numpy())


def _found(text: Any, phrases: Sequence[str]) -> Iterator[tuple[float, float, float, float]]:
    """The boxes of every phrase on a page, also where a line break runs through it."""
    words = text.get_text_range()
    for phrase in filter(None, phrases):
        loose = r"\s*".join(re.escape(sign) for sign in phrase if not sign.isspace())
        for hit in re.finditer(loose, words, re.IGNORECASE):
            for place in range(hit.start(), hit.end()):
                yield text.get_charbox(place, loose=True)


def _png(pixels: Any) -> bytes:
    """An RGB picture as PNG; level 1, because it is looked at once."""
    height, width = pixels.shape[:2]
    lines = b"".join(b"\0" + row.tobytes() for row in pixels[:, :, :3])
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
