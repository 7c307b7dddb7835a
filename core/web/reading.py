"""Reading a posted form, and holding on to it when it cannot be carried out."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request
from litestar.datastructures import UploadFile

from core import files, keys
from core.forms import Form, Upload

AnyRequest = Request[Any, Any, Any]
KEPT = "_kept"
SEALED = "sealed_"
"""Uploads of fields that begin so are never kept on disk: what is to be sealed must not lie about."""
Fields = Sequence[tuple[str, str]]


async def read_form(request: AnyRequest) -> Form:
    """The posted fields and files; files kept from a refused attempt come back by their token."""
    data = await request.form()
    raw: dict[str, list[str]] = {}
    uploads: dict[str, list[Upload]] = {}
    for name, value in data.multi_items():
        if isinstance(value, UploadFile):
            body = await value.read()
            if value.filename:
                uploads.setdefault(name, []).append(Upload(value.filename, body))
        else:
            raw.setdefault(name, []).append(str(value))
    for name in [key for key in raw if key.startswith(f"{KEPT}-")]:
        field_name = name.removeprefix(f"{KEPT}-")
        if field_name not in uploads:
            kept = [await files.take_back(token) for token in raw[name]]
            uploads[field_name] = [upload for upload in kept if upload is not None]
        del raw[name]
    return Form(raw, uploads)


def is_secret(name: str) -> bool:
    """Whether a field holds something that is never sent back to a page."""
    return "password" in name or "secret" in name


async def kept(form: Form) -> Mapping[str, Sequence[files.Kept]]:
    """The uploads of a form, kept for a second attempt; what the disk cannot take is left out."""
    found: dict[str, list[files.Kept]] = {}
    for name, uploads in form.files.items():
        if name.startswith(SEALED):
            continue
        for upload in uploads:
            try:
                found.setdefault(name, []).append(await files.keep(upload))
            except OSError:
                continue
    return found


async def typed(form: Form) -> Fields:
    """Everything a form carried, as hidden fields for sending it again; passwords are not repeated."""
    fields = [(name, value) for name, values in form.raw.items() if not is_secret(name) for value in values]
    uploads = await kept(form)
    return fields + [(f"{KEPT}-{name}", one.token) for name, many in uploads.items() for one in many]


def content_digest(form: Form) -> bytes:
    """A keyed digest of what was sent, without the guards: a price could be guessed from a plain one."""
    fields = {name: list(found) for name, found in form.raw.items() if not name.startswith("_")}
    sums = {name: [hashlib.sha256(upload.body).hexdigest() for upload in found] for name, found in form.files.items()}
    text = json.dumps([fields, sums], sort_keys=True, ensure_ascii=False)
    return hmac.digest(keys.secret("session"), b"content:" + text.encode(), "sha256")


def body_digest(body: bytes) -> bytes:
    """The same for a body that is no form (JSON), as sent."""
    return hmac.digest(keys.secret("session"), b"body:" + body, "sha256")
