"""Who a file says has written it: one of the facts by which joint authors of rival bids show themselves.

Reads properties only, of files that anybody may have made: sizes are bounded, nothing is unpacked whole, and
whatever cannot be read simply names nobody.
"""

import io
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pypdfium2  # type: ignore[import-untyped]  # ships no types

LONGEST = 200
MOST_PROPERTIES = 64 * 1024
CORE = "docProps/core.xml"
CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
OFFICE = frozenset({".docx", ".xlsx", ".pptx"})


def author_of(name: str, body: bytes) -> str:
    """The author named in the properties of a PDF or an Office file; empty when none is named."""
    suffix = Path(name).suffix.lower()
    if suffix == ".pdf":
        return _tidy(_of_pdf(body))
    return _tidy(_of_office(body)) if suffix in OFFICE else ""


def _of_pdf(body: bytes) -> str:
    try:
        document = pypdfium2.PdfDocument(body)
    except pypdfium2.PdfiumError:
        return ""
    try:
        return str(document.get_metadata_dict().get("Author", ""))
    finally:
        document.close()


def _of_office(body: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive, archive.open(CORE) as part:
            text = part.read(MOST_PROPERTIES)
    except (zipfile.BadZipFile, KeyError, OSError, RuntimeError, NotImplementedError):
        return ""
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:  # entities could grow without end
        return ""
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - bounded, and without a document type
    except ElementTree.ParseError:
        return ""
    return root.findtext(CREATOR) or ""


def _tidy(author: str) -> str:
    return re.sub(r"\s+", " ", author).strip()[:LONGEST]
