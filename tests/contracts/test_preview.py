"""Pages shown to a reviewer: readable, and without the agency's names."""

import struct
import zlib

import pytest

from contracts import preview
from core.errors import NotFound
from tests.factories.contracts import pdf

pytestmark = pytest.mark.anyio
NAME = "Xintai Test 1 Co., Ltd."


def pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and raw RGB lines of a PNG."""
    width, height = struct.unpack(">II", png[16:24])
    place, data = 8, b""
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        if png[place + 4 : place + 8] == b"IDAT":
            data += png[place + 8 : place + 8 + length]
        place += 12 + length
    return width, height, zlib.decompress(data)


def ink(png: bytes) -> int:
    """How many pixels have exactly the colour of the mask."""
    return pixels(png)[2].count(bytes((43, 43, 43)))


async def test_names_are_blacked_out_also_across_spaces_and_case() -> None:
    body = pdf(f"Report of {NAME} 2026")
    plain = await preview.page_png(body, 1, [])
    masked = await preview.page_png(body, 1, ["XINTAI  test 1 co., ltd.", ""])
    assert pixels(plain)[:2] == (1100, 1557)
    assert ink(plain) < 200
    assert ink(masked) > 5000
    assert await preview.page_png(body, 1, ["Another Agency"]) == plain


async def test_pages_are_counted_and_missing_ones_absent() -> None:
    assert await preview.count_pages(pdf("x")) == 1
    assert await preview.count_pages(b"%PDF-1.7 broken") == 0
    for body, page in ((pdf("x"), 0), (pdf("x"), 2), (b"%PDF-1.7 broken", 1)):
        with pytest.raises(NotFound):
            await preview.page_png(body, page, [])
