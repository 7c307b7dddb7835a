"""Secret keys: 32 bytes each, from the environment or from a file that only we can read.

Outside production a missing key is made on first use under `<data>/keys/`; in production it is an error,
because a key that appears by itself is a key nobody has backed up.
"""

import base64
import binascii
import contextlib
import os
import secrets
from functools import cache
from pathlib import Path

from core import settings

LENGTH = 32

KEYS = {
    "session": "binds form guards to sign-ins",
    "seal": "opens sealed bids after the deadline",
    "trail": "signs the checkpoints of the trail",
    "certificate": "signs certificates of credit grades",
}
"""The keys Xinshi uses; production checks each of them at start."""


@cache
def secret(name: str) -> bytes:
    """The key of that name, 32 bytes, the same in every process of this installation.

    Raises `CannotStart` when it is malformed, or missing in production.
    """
    variable = f"XINSHI_KEY_{name.upper().replace('-', '_')}"
    text = os.environ.get(variable, "").strip()
    if text:
        return _decode(variable, text)
    configuration = settings.load()
    path = configuration.data / "keys" / name
    if path.exists():
        return _decode(str(path), path.read_text("ascii"))
    if configuration.production:
        raise settings.missing(variable, f"or the file {path}")
    return _create(path)


def check_production_keys() -> None:
    """Read every key once, so that a missing one stops the start and not the first act that needs it."""
    for name in KEYS:
        secret(name)


def fresh() -> str:
    """A new key as text, ready for `XINSHI_KEY_…` or a key file."""
    return base64.b64encode(secrets.token_bytes(LENGTH)).decode("ascii")


def _decode(source: str, text: str) -> bytes:
    try:
        value = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        value = b""
    if len(value) == LENGTH:
        return value
    raise settings.CannotStart(
        f"密钥 {source} 格式不对：应为 {LENGTH} 字节的 base64 文本，可用 xinshi key 生成。",
        f"Key {source} is malformed: {LENGTH} bytes in base64 are expected, `xinshi key` makes one.",
    )


def _create(path: Path) -> bytes:
    """Write a new key completely before it gets its name; a rival process that was faster wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(fresh())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    return _decode(str(path), path.read_text("ascii"))
