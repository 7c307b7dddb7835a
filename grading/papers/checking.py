"""Is this file one of our certificates, unaltered? For files that strangers upload.

Authenticate first, parse afterwards: the signature is checked over the raw bytes with our own key. Only bytes that we
have signed reach a PDF parser, so a hostile file never does.
"""

import io
import re
import threading
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, ClassVar

import anyio
from asn1crypto import cms, x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from core.errors import DomainError, Rejected
from core.files import MEGABYTE, PDF, FileUse
from core.i18n import N_
from grading.papers.signing import signer_certificate, signing_key

CERTIFICATE_FILE = FileUse("certificate", 2 * MEGABYTE, (PDF,))
SECONDS = 5.0
AT_ONCE = 2
LONGEST_SIGNATURE = 64 * 1024
_RANGE = re.compile(rb"/ByteRange\s{0,8}\[\s{0,8}(\d{1,9})\s{1,8}(\d{1,9})\s{1,8}(\d{1,9})\s{1,8}(\d{1,9})\s{0,8}\]")
_REASON = re.compile(r"([A-Z0-9-]{6,40}) ([0-9a-f]{64})")
_seats = threading.BoundedSemaphore(AT_ONCE)


class Seal(StrEnum):
    """What the signature says about the file."""

    INTACT = "intact"
    APPENDED = "appended"
    ALTERED = "altered"
    FOREIGN = "foreign"
    UNSIGNED = "unsigned"


@dataclass(frozen=True)
class Checked:
    """The verdict; number, fingerprint and time of signing only where they are authentic."""

    seal: Seal
    number: str | None = None
    digest: str | None = None
    signed_at: datetime | None = None


class CheckerBusy(DomainError):
    """Two files are being checked already."""

    status: ClassVar[int] = 503
    code: ClassVar[str] = "checker-busy"
    text: ClassVar[str] = N_("正在核验的文件较多，请稍候一分钟再上传，或先按编号查验。")


class CheckTooLong(Rejected):
    """A certificate of ours is checked in a fraction of a second."""

    code: ClassVar[str] = "check-too-long"
    text: ClassVar[str] = N_("这个文件在规定时间内核验不完，不像本平台签发的证书。请按编号查验。")


async def check_upload(body: bytes) -> Checked:
    """Check a file in a thread, at most two at once, each for five seconds. `CheckerBusy`, `CheckTooLong`.

    A thread that hangs keeps its seat, so that hostile files cannot pile up threads.
    """
    if not _seats.acquire(blocking=False):
        raise CheckerBusy
    found: Checked | None = None
    with anyio.move_on_after(SECONDS):
        found = await anyio.to_thread.run_sync(_seated, body, abandon_on_cancel=True)
    if found is None:
        raise CheckTooLong
    return found


def _seated(body: bytes) -> Checked:
    try:
        return check_pdf(body)
    finally:
        _seats.release()


def check_pdf(body: bytes) -> Checked:
    """The verdict on a file: raw bytes first, the parser only for what we have signed."""
    spot = _RANGE.search(body)
    if spot is None:
        return Checked(Seal.UNSIGNED)
    start, before, after, rest = (int(number) for number in spot.groups())
    end = after + rest
    if start != 0 or not 0 < before < after <= end <= len(body) or after - before > LONGEST_SIGNATURE:
        return Checked(Seal.UNSIGNED)
    verdict = _verdict(body[before:after], sha256(body[:before] + body[after:end]).digest())
    if verdict is not None:
        return Checked(verdict)
    whole = end == len(body)
    return _read(body[:end], Seal.INTACT if whole else Seal.APPENDED)


def _verdict(field: bytes, digest: bytes) -> Seal | None:
    """What is wrong with the signature; None when it is ours and over these bytes."""
    try:
        raw = bytes.fromhex(field.strip(b"<>").decode("ascii"))
        content = cms.ContentInfo.load(raw, strict=False)
        info = content["content"]["signer_infos"][0]
        attributes = info["signed_attrs"]
        signature = info["signature"].native
        claimed = next(one["values"][0].native for one in attributes if one["type"].native == "message_digest")
        covered = attributes.untag().dump()
        carried = [one.chosen.dump() for one in content["content"]["certificates"]]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, StopIteration):
        return Seal.UNSIGNED
    try:
        signing_key().public_key().verify(signature, covered, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, TypeError, ValueError):
        return Seal.FOREIGN
    if claimed != digest:
        return Seal.ALTERED
    try:
        encoded = content.dump(force=True)  # slow, so only for what carries our signature
    except (ValueError, TypeError):
        return Seal.ALTERED
    exact = field == b"<" + encoded.hex().upper().encode().ljust(2 * len(raw), b"0") + b">"
    exact = exact and set(carried) == {_own_der()}
    return None if exact else Seal.ALTERED


def _read(ours: bytes, seal: Seal) -> Checked:
    """Bytes that we have signed: the full PAdES check, and what the signature's reason says."""
    try:
        embedded = PdfFileReader(io.BytesIO(ours)).embedded_signatures[0]
        sound = validate_pdf_signature(embedded, _trust()).bottom_line
        said = _REASON.fullmatch(str(embedded.sig_object.get("/Reason", "")))
    except (PdfError, ValueError, TypeError, KeyError, IndexError, AttributeError):
        return Checked(Seal.ALTERED)  # something beside the signed attributes was touched
    if not sound or said is None:
        return Checked(Seal.ALTERED)
    return Checked(seal, said[1], said[2], embedded.self_reported_timestamp)


def _own_der() -> bytes:
    return signer_certificate().public_bytes(serialization.Encoding.DER)


def _trust() -> Any:
    return ValidationContext(trust_roots=[x509.Certificate.load(_own_der())], allow_fetching=False)
