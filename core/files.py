"""Files: stored under the hash of their bytes, checked before they are believed.

What a name or a browser says about a file counts for nothing; the first bytes decide. Nothing is
scanned for viruses here, and the state says so (`unscanned`) instead of implying otherwise.
"""

import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
from litestar import Response

from core import clock, db, keys, settings
from core.errors import NotFound, Rejected
from core.forms import Upload
from core.i18n import N_
from core.identity import Identity

MEGABYTE = 1024 * 1024
KEEP_SECONDS = 24 * 3600


class FileEmpty(Rejected):
    """Zero bytes."""

    code = "file-empty"
    text = N_("文件“%(name)s”是空的（0 字节）。请检查原文件后重新选择。")


class FileTooLarge(Rejected):
    """Over the limit of its use."""

    code = "file-too-large"
    text = N_("文件“%(name)s”有 %(size)s MB，超过 %(limit)s MB。请压缩或拆分后再上传。")


class FileMislabelled(Rejected):
    """The bytes are not what the name says, or not a type that is accepted here."""

    code = "file-mislabelled"
    text = N_("文件“%(name)s”的内容与扩展名不符，或不是可接受的类型（%(types)s）。请导出为其中一种再上传。")


@dataclass(frozen=True)
class FileType:
    """A kind of file, told by its first bytes."""

    suffix: str
    media_type: str
    is_it: Callable[[bytes], bool]


def _starts(*marks: bytes) -> Callable[[bytes], bool]:
    return lambda body: body.startswith(marks)


PDF = FileType(".pdf", "application/pdf", lambda body: b"%PDF-" in body[:1024])
PNG = FileType(".png", "image/png", _starts(b"\x89PNG\r\n\x1a\n"))
JPEG = FileType(".jpg", "image/jpeg", _starts(b"\xff\xd8\xff"))
ZIP = FileType(".zip", "application/zip", _starts(b"PK\x03\x04"))
DWG = FileType(".dwg", "image/vnd.dwg", _starts(b"AC10"))
XLSX = FileType(
    ".xlsx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    _starts(b"PK\x03\x04"),
)
DOCX = FileType(
    ".docx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    _starts(b"PK\x03\x04"),
)
_ALIASES = {".jpeg": ".jpg"}


@dataclass(frozen=True)
class FileUse:
    """What a file is for: its size limit in bytes and the types accepted."""

    name: str
    max_bytes: int
    types: tuple[FileType, ...]

    @property
    def suffixes(self) -> str:
        """The accepted endings, for people."""
        return "、".join(kind.suffix for kind in self.types)

    @property
    def accept(self) -> str:
        """The accepted endings, for a file field."""
        return ",".join(kind.suffix for kind in self.types)

    @property
    def megabytes(self) -> int:
        """The limit in whole megabytes."""
        return self.max_bytes // MEGABYTE


SCAN = FileUse("scan", 10 * MEGABYTE, (PDF, PNG, JPEG))
"""A scanned paper: certificate, voucher, signed declaration."""


@dataclass(frozen=True)
class StoredFile:
    """A file on record."""

    id: int
    sha256: str
    size: int
    media_type: str
    name: str


@dataclass(frozen=True)
class Kept:
    """An upload kept while its form is corrected."""

    token: str
    name: str


def check(upload: Upload, use: FileUse) -> FileType:
    """The type of an upload; raises what is wrong with it."""
    size = len(upload.body)
    if size == 0:
        raise FileEmpty(name=upload.name)
    if size > use.max_bytes:
        raise FileTooLarge(name=upload.name, size=f"{size / MEGABYTE:.1f}", limit=use.megabytes)
    suffix = Path(upload.name).suffix.lower()
    suffix = _ALIASES.get(suffix, suffix)
    for kind in use.types:
        if kind.suffix == suffix and kind.is_it(upload.body):
            return kind
    raise FileMislabelled(name=upload.name, types=use.suffixes)


async def store(upload: Upload, *, use: FileUse, actor: Identity) -> StoredFile:
    """Check and store a file: bytes first, then the row in the running transaction.

    Bytes without a row are harmless (the same bytes are shared); a row without bytes would not be.
    """
    kind = check(upload, use)
    sha256 = await anyio.to_thread.run_sync(_write, upload.body)
    name = _safe_name(upload.name)
    file_id: int = await db.value(
        "insert into core_stored_file (sha256, size, media_type, name, use, scan_state,"
        " organization, account, created_at)"
        " values ($1, $2, $3, $4, $5, 'unscanned', $6, $7, $8) returning id",
        sha256,
        len(upload.body),
        kind.media_type,
        name,
        use.name,
        actor.organization_id,
        actor.account_id,
        clock.now(),
    )
    return StoredFile(file_id, sha256, len(upload.body), kind.media_type, name)


async def find(file_id: int) -> StoredFile:
    """The record of a file. Whether the reader may see it is decided by the caller's query."""
    row = await db.row("select id, sha256, size, media_type, name from core_stored_file where id = $1", file_id)
    if row is None:
        raise NotFound
    return StoredFile(**dict(row))


async def read(file_id: int) -> bytes:
    """The bytes of a file, checked against their hash."""
    stored = await find(file_id)
    return await anyio.to_thread.run_sync(_read, stored.sha256)


async def response(file_id: int, *, name: str | None = None) -> Response[bytes]:
    """A download: never rendered in our origin, never sniffed."""
    stored = await find(file_id)
    body = await anyio.to_thread.run_sync(_read, stored.sha256)
    shown = quote(name or stored.name)
    return Response(
        body,
        media_type=stored.media_type,
        headers={
            "content-disposition": f"attachment; filename*=UTF-8''{shown}",
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; sandbox",
            "cache-control": "private, no-store",
            "digest": f"sha-256={stored.sha256}",
        },
    )


def _folder() -> Path:
    return settings.load().data / "files"


def _path(sha256: str) -> Path:
    return _folder() / sha256[:2] / sha256


def _write(body: bytes) -> str:
    sha256 = hashlib.sha256(body).hexdigest()
    path = _path(sha256)
    if not path.exists():
        _write_whole(path, body)
    return sha256


def _write_whole(path: Path, body: bytes) -> None:
    """Write beside and rename, so that a file under its hash is always whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with draft.open("wb") as out:
        out.write(body)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)


def _read(sha256: str) -> bytes:
    body = _path(sha256).read_bytes()
    if hashlib.sha256(body).hexdigest() != sha256:
        raise OSError(f"stored file {sha256} does not match its hash")
    return body


def _safe_name(name: str) -> str:
    """The last part of the name, without control characters, ending kept, 200 characters at most."""
    last = name.replace("\\", "/").rpartition("/")[2]
    clean = "".join(sign for sign in last if sign.isprintable()) or "file"
    stem, suffix = Path(clean).stem, Path(clean).suffix
    return stem[: 200 - len(suffix)] + suffix


# ---- uploads of a refused form
async def keep(upload: Upload) -> Kept:
    """Keep an upload for a day, so that a refused form need not be filled with files again."""
    sha256 = await anyio.to_thread.run_sync(_write, upload.body)
    claim = json.dumps([sha256, upload.name, int(time.time())], ensure_ascii=False)
    return Kept(f"{claim.encode().hex()}.{_seal(claim)}", _safe_name(upload.name))


async def take_back(token: str) -> Upload | None:
    """The kept upload behind a token; None when it is too old or not ours."""
    claim_hex, _, seal = token.partition(".")
    try:
        claim = bytes.fromhex(claim_hex).decode()
    except ValueError:
        return None
    if not hmac.compare_digest(seal, _seal(claim)):
        return None
    sha256, name, kept_at = _claim(claim)
    if time.time() - kept_at > KEEP_SECONDS:
        return None
    try:
        return Upload(name, await anyio.to_thread.run_sync(_read, sha256))
    except OSError:
        return None


def _claim(text: str) -> tuple[str, str, int]:
    found: list[Any] = json.loads(text)
    return str(found[0]), str(found[1]), int(found[2])


def _seal(claim: str) -> str:
    return hmac.digest(keys.secret("session"), b"kept:" + claim.encode(), "sha256").hex()
