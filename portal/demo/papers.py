"""Little PDFs with real text: certificates, results, bank vouchers.

Written by hand because a market needs hundreds of them in seconds: one page, one referenced Chinese
font (`STSong-Light` with `UniGB-UTF16-H`, which every reader substitutes), a text layer that can be
searched and compared. Under a tenth of a millisecond each.
"""

from collections.abc import Iterable
from textwrap import wrap

from core.forms import Upload

LINE_LENGTH = 38
_FONT = (
    b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UTF16-H/DescendantFonts[6 0 R]>>",
    b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/DW 1000/FontDescriptor 7 0 R"
    b"/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 2>>>>",
    b"<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]"
    b"/ItalicAngle 0/Ascent 752/Descent -271/CapHeight 737/StemV 58>>",
)


def paper(title: str, lines: Iterable[str]) -> bytes:
    """A one-page PDF with a title and lines of text; long lines are broken."""
    body = b"".join(_line(part) for line in lines for part in wrap(line, LINE_LENGTH) or [""])
    text = b"BT /F1 16 Tf 60 780 Td 22 TL\n" + _line(title) + b"/F1 11 Tf 18 TL T*\n" + body + b"ET"
    return _file(
        (
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
            b"<</Length %d>>stream\n%s\nendstream" % (len(text), text),
            *_FONT,
        )
    )


def _line(text: str) -> bytes:
    return b"<%s> Tj T*\n" % text.encode("utf-16-be").hex().encode()


def _file(objects: Iterable[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, start)
    return bytes(out)


def scan(title: str, lines: Iterable[str]) -> Upload:
    """A paper as somebody uploads it."""
    return Upload(f"{title}.pdf", paper(title, lines))
