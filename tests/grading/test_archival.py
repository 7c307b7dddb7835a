"""A signed certificate is still what it claims: PDF/A-2b (ISO 19005-2), for those who keep it for years.

Not a full validator: the structure that signing could break, read with pyHanko from the file as it is handed out.
"""

import io
import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import typst
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.status import SignatureCoverageLevel

from agencies.rules import CreditGrade, Profession
from core.trail.sequencer import PublishedHead
from grading.papers import signing
from grading.papers.certificate import certificate_pdf
from grading.queries.certificates import CertificateView
from grading.rules.lifecycle import CertificateState

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
PDFAID = "{http://www.aiim.org/pdfa/ns/id/}"
SCHEMA = "{http://www.aiim.org/pdfa/ns/schema#}"
PRINT, HIDDEN = 0b100, 0b100011
"""Flags of an annotation: it prints; it is not invisible, hidden or without a view (6.3.2)."""
FORBIDDEN = {"/JavaScript", "/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData", "/Hide", "/SetOCGState"}


def archival_faults(body: bytes) -> list[str]:
    """Everything that a signed PDF/A-2b file must have and has not, in words."""
    file = PdfFileReader(io.BytesIO(body))
    trailer, root = file.trailer.flatten(), file.root
    return [
        *_head(body, trailer, root),
        *_claim(root["/Metadata"]),
        *_colours(root),
        *_fonts(file),
        *_form(root),
        *_signature(file, body),
    ]


def _head(body: bytes, trailer: Any, root: Any) -> list[str]:
    faults = []
    first, second = body.split(b"\n", 2)[:2]
    if not first.startswith(b"%PDF-1.") or not second.startswith(b"%") or min(second[1:5]) < 128:
        faults.append("6.1.2: the header")
    if "/ID" not in trailer:
        faults.append("6.1.3: no file identifier")
    if str(root.get("/Version", "/1.7")) > "/1.7":
        faults.append("4: the file calls itself PDF 2.0")
    for extensions in root.get("/Extensions", {}).values():
        listed = extensions if isinstance(extensions, list) else [extensions]
        faults += ["4: an extension of PDF 2.0" for one in listed if one["/BaseVersion"] > "/1.7"]
    if "/Encrypt" in trailer:
        faults.append("6.1.3: encrypted")
    if not body.endswith(b"%%EOF\n") and not body.endswith(b"%%EOF"):
        faults.append("6.1.3: bytes after the end")
    return faults


def _listed(holder: Any, key: str) -> list[Any]:
    """What stands in an array, followed through references; empty without one."""
    return [one.get_object() for one in holder[key]] if key in holder else []


def _held(holder: Any, key: str) -> Any:
    """The dictionary under a key, followed through its reference (`get` would not); empty without one."""
    try:
        return holder[key]
    except KeyError:
        return {}


def _claim(metadata: Any) -> list[str]:
    text = metadata.data.decode()
    parsed = ET.fromstring(text[text.index("<x:xmpmeta") : text.index("<?xpacket end")])
    found = {name: parsed.find(f".//{PDFAID}{name}") for name in ("part", "conformance")}
    said = {name: one.text if one is not None else None for name, one in found.items()}
    faults = [] if said == {"part": "2", "conformance": "B"} else [f"6.6.4: the claim {said}"]
    if "xmlns:pdfaid=" not in text:
        faults.append("6.6.4: the prefix of the claim")
    if any(one.text is None for one in parsed.iter(f"{SCHEMA}namespaceURI")):
        faults.append("6.6.2.3.3: a schema without the text of its namespace")
    return faults


def _colours(root: Any) -> list[str]:
    intents = [one for one in _listed(root, "/OutputIntents") if one["/S"] == "/GTS_PDFA1"]
    if len(intents) != 1:
        return ["6.2.3: no output intent"]
    profile = intents[0]["/DestOutputProfile"].data
    return [] if profile[36:40] == b"acsp" else ["6.2.3: no ICC profile"]


def _fonts(file: PdfFileReader) -> list[str]:
    faults = []
    for page in _listed(file.root["/Pages"], "/Kids"):
        fonts = _held(page["/Resources"], "/Font")
        for name in fonts:
            outer = fonts[name]
            inner = _listed(outer, "/DescendantFonts")[0] if "/DescendantFonts" in outer else outer
            described = _held(inner, "/FontDescriptor")
            if not any(key in described for key in ("/FontFile", "/FontFile2", "/FontFile3")):
                faults.append(f"6.2.11.4: {name} is not embedded")
        if "/AA" in page:
            faults.append("6.5.2: an action of a page")
    return faults


def _form(root: Any) -> list[str]:
    form = root["/AcroForm"]
    faults = [f"6.4: {key}" for key in ("/XFA", "/NeedAppearances") if form.get(key)]
    for field in _listed(form, "/Fields"):
        rect = [float(edge) for edge in field["/Rect"]]
        if field["/F"] & HIDDEN or not field["/F"] & PRINT:
            faults.append("6.3.2: flags of the field")
        if rect[0] != rect[2] and "/N" not in field.get("/AP", {}):
            faults.append("6.3.3: a visible field without an appearance")
        if "/AA" in field or "/A" in field:
            faults.append("6.4.1: an action of a field")
    if "/AA" in root or (root.get("/OpenAction", {}) and root["/OpenAction"].get("/S") in FORBIDDEN):
        faults.append("6.5: an action of the document")
    return faults


def _signature(file: PdfFileReader, body: bytes) -> list[str]:
    faults = []
    if len(file.embedded_signatures) != 1:
        return ["6.4.3: not one signature"]
    (one,) = file.embedded_signatures
    if one.evaluate_signature_coverage() is not SignatureCoverageLevel.ENTIRE_FILE:
        faults.append("6.4.3: the signature does not cover the file")
    signed_data = one.signed_data
    if len(signed_data["signer_infos"]) != 1 or not len(signed_data["certificates"]):
        faults.append("6.4.3: signer or certificate")
    digests = {"/DigestLocation", "/DigestMethod", "/DigestValue"}
    if any(digests & set(reference) for reference in _listed(one.sig_object, "/Reference")):
        faults.append("6.1.12: a digest in the reference")
    if set(file.root.get("/Perms", {})) - {"/DocMDP", "/UR3"}:
        faults.append("6.1.12: a permission")
    return faults


@pytest.fixture(scope="module")
def shown() -> CertificateView:
    """A certificate with long names in both scripts."""
    return CertificateView(
        **{
            **dict.fromkeys(CertificateView.__dataclass_fields__, ""),
            "number": "XT-DJ-2026-000213",
            "digest": "a" * 64,
            "name_zh": "新泰市某某工程勘察测绘设计研究院有限责任公司龘",
            "name_en": "Xintai Somewhat Long Institute of Surveying and Mapping Co., Ltd.",
            "uscc": "91370982MA3C000000",
            "profession": Profession.SURVEYING,
            "grade": CreditGrade.A,
            "state": CertificateState.VALID,
            "score": Decimal("92.35"),
            "issued_on": date(2026, 11, 10),
            "valid_until": date(2027, 3, 31),
            "as_of": date(2026, 11, 2),
            "scheme": "XT-2026.1",
            "publication_no": "XT-PJ-2026-000007",
        }
    )


def test_a_signed_certificate_keeps_the_structure_of_pdf_a(shown: CertificateView) -> None:
    head = PublishedHead(12, b"r" * 32, "xinshi.test\n", datetime(2026, 11, 10, tzinfo=UTC))
    body = certificate_pdf(shown, head, "http://127.0.0.1/verify/XT-DJ-2026-000213")
    assert archival_faults(body) == []


def test_signing_only_appends_and_leaves_the_metadata_alone() -> None:
    drawn = typst.compile("信用等级证书".encode(), format="pdf", pdf_standards="a-2b")
    made = signing.signed(drawn, number="XT-DJ-2026-000213", digest="a" * 64, address="http://127.0.0.1/verify")
    assert made.startswith(drawn), "an incremental update"
    assert made.count(b"%%EOF") == drawn.count(b"%%EOF") + 1
    before, after = PdfFileReader(io.BytesIO(drawn)), PdfFileReader(io.BytesIO(made))
    assert after.root["/Metadata"].data == before.root["/Metadata"].data
    assert after.trailer.flatten()["/ID"][0] == before.trailer.flatten()["/ID"][0]
    assert archival_faults(made) == []


def test_what_is_broken_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = typst.compile("信用等级证书".encode(), format="pdf")
    made = signing.signed(plain, number="XT-DJ-2026-000213", digest="a" * 64, address="http://127.0.0.1/verify")
    assert any("6.2.3" in one for one in archival_faults(made)), "no output intent"
    assert any("6.6.4" in one for one in archival_faults(made)), "no claim"
    drawn = typst.compile("信用等级证书".encode(), format="pdf", pdf_standards="a-2b")
    monkeypatch.setattr(signing, "ArchivalUpdate", IncrementalPdfFileWriter)
    made = signing.signed(drawn, number="XT-DJ-2026-000213", digest="a" * 64, address="http://127.0.0.1/verify")
    assert any("6.6" in one for one in archival_faults(made)), "metadata written anew"
    assert any("PDF 2.0" in one for one in archival_faults(made)), "raised for the curve"
