"""Drawing the certificate. Slow work (tens of milliseconds): call `certificate_pdf` off the event loop."""

import base64
import io
import re
from functools import cache
from pathlib import Path

import segno
import typst

from agencies.rules import GRADE_TITLES, PROFESSION_TITLES
from core.i18n import speaking, translate
from core.trail.sequencer import PublishedHead
from grading.papers.signing import signed
from grading.queries.certificates import CertificateView

HERE = Path(__file__).parent
STATIC = HERE.parent.parent / "static"
FONTS = STATIC / "vendor"
FONT = FONTS / "noto-sans-sc.ttf"
LANGUAGES = ("zh_Hans", "en")


def certificate_pdf(shown: CertificateView, head: PublishedHead, address: str) -> bytes:
    """The certificate as PDF/A-2b, signed by the platform, with a QR code to `address` and the newest checkpoint.

    User text goes in as input values only. The vendored font makes every machine draw the same
    page; without it the system's fonts are used.
    """
    drawn: bytes = typst.compile(
        str(HERE / "certificate.typ"),
        format="pdf",
        pdf_standards="a-2b",
        font_paths=[str(FONTS)],
        ignore_system_fonts=FONT.exists(),
        sys_inputs=_inputs(shown, head, address),
    )
    return signed(drawn, number=shown.number, digest=shown.digest, address=address)


def _inputs(shown: CertificateView, head: PublishedHead, address: str) -> dict[str, str]:
    day = shown.issued_on
    return {
        "title_zh": "中介服务机构信用等级证书",
        "title_en": "Certificate of Credit Grade for Intermediary Services",
        "number": shown.number,
        "year": str(day.year),
        "month": str(day.month),
        "day": str(day.day),
        "name_zh": shown.name_zh,
        "name_en": shown.name_en,
        "uscc": shown.uscc,
        "profession": _both(PROFESSION_TITLES[shown.profession]),
        "grade": shown.grade.value,
        "grade_text": _both(GRADE_TITLES[shown.grade]),
        "score": f"{shown.score:.2f}" if shown.rated else "—",
        "as_of": shown.as_of.isoformat(),
        "issued_on": shown.issued_on.isoformat(),
        "valid_until": f"{shown.valid_until.isoformat()}，等级变动即被取代 or until the grade changes",
        "scheme": shown.scheme,
        "publication": shown.publication_no,
        "digest": shown.digest,
        "address": address,
        "checkpoint_origin": head.origin,
        "checkpoint_size": str(head.size),
        "checkpoint_root": base64.b64encode(head.root).decode(),
        "qr": qr_svg(address),
        "seal": _seal(),
    }


def _both(text: str) -> str:
    """A term in both languages."""
    said = []
    for code in LANGUAGES:
        with speaking(code):
            said.append(translate(text))
    return "　".join(dict.fromkeys(said))


def qr_svg(address: str) -> str:
    """A QR code for an address as SVG text, error correction M."""
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(out, kind="svg", border=2, xmldecl=False, svgns=True)
    return out.getvalue().decode()


def qr_path(address: str) -> tuple[int, str]:
    """The same code for a page: its width in modules, and a path of strokes one module wide."""
    matrix = segno.make(address, error="m", micro=False).matrix
    runs = ((y, run) for y, line in enumerate(matrix) for run in re.finditer(b"\x01+", bytes(line)))
    return len(matrix), "".join(f"M{run.start()} {y}.5h{len(run[0])}" for y, run in runs)


@cache
def _seal() -> str:
    drawn = (STATIC / "seal.svg").read_text("utf-8")
    return drawn.replace('viewBox="-18 0 80 80"', 'viewBox="0 0 44 80"')
