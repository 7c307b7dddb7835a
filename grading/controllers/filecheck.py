"""What page and API do with an uploaded certificate: check the bytes, then look its number up."""

from dataclasses import dataclass
from datetime import datetime

from core import files
from core.errors import FormInvalid, Message
from core.forms import Form
from grading.papers.checking import CERTIFICATE_FILE, Seal, check_upload
from grading.queries.certificates import CertificateView, certificate
from grading.rules.errors import CertificateAbsent


@dataclass(frozen=True)
class FileCheck:
    """The seal of a file, and the certificate behind it as it stands today; `holds` only when everything agrees."""

    seal: Seal
    signed_at: datetime | None
    shown: CertificateView | None
    same: bool

    @property
    def holds(self) -> bool:
        """Whether the file may be relied on today."""
        return self.seal is Seal.INTACT and self.same and self.shown is not None and self.shown.valid


async def check_file(form: Form, name: str) -> FileCheck:
    """Check an upload. `FormInvalid` for no file, a wrong type or size; `CheckerBusy`, `CheckTooLong`."""
    upload = form.upload(name)
    form.finish()
    assert upload is not None
    try:
        files.check(upload, CERTIFICATE_FILE)
    except (files.FileEmpty, files.FileTooLarge, files.FileMislabelled) as fault:
        raise FormInvalid({name: Message(fault.text, fault.params)}) from fault
    found = await check_upload(upload.body)
    if found.number is None:
        return FileCheck(found.seal, None, None, same=False)
    try:
        shown = await certificate(found.number)
    except CertificateAbsent:
        return FileCheck(found.seal, found.signed_at, None, same=False)
    return FileCheck(found.seal, found.signed_at, shown, same=shown.digest == found.digest)
