"""Files are believed by their bytes, and lie under their hash."""

import pytest

from core import files, settings
from core.errors import NotFound
from core.forms import Upload
from core.identity import Role
from tests.factories import core as make

PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF"


@pytest.mark.parametrize(
    ("upload", "fault"),
    [
        (Upload("空.pdf", b""), files.FileEmpty),
        (Upload("照片.pdf", b"\xff\xd8\xff\xe0rest"), files.FileMislabelled),
        (Upload("程序.exe", b"MZ\x90"), files.FileMislabelled),
        (Upload("报告.html", b"<script>alert(1)</script>"), files.FileMislabelled),
        (Upload("巨大.pdf", b"%PDF-" + b"0" * (10 * files.MEGABYTE)), files.FileTooLarge),
    ],
)
def test_what_is_refused(upload: Upload, fault: type[Exception]) -> None:
    with pytest.raises(fault):
        files.check(upload, files.SCAN)


def test_what_is_accepted() -> None:
    assert files.check(Upload("资质证书.PDF", PDF), files.SCAN).media_type == "application/pdf"
    assert files.check(Upload("扫描.jpeg", b"\xff\xd8\xff\xe0"), files.SCAN).media_type == "image/jpeg"


@pytest.mark.anyio
async def test_the_same_bytes_are_stored_once_and_read_back_checked(db: None) -> None:
    actor = await make.member(Role.AGENCY)
    one = await files.store(Upload("甲.pdf", PDF), use=files.SCAN, actor=actor)
    two = await files.store(Upload("..\\..\\乙.pdf", PDF), use=files.SCAN, actor=actor)
    assert one.sha256 == two.sha256
    assert two.name == "乙.pdf"
    assert await files.read(one.id) == PDF
    path = settings.load().data / "files" / one.sha256[:2] / one.sha256
    path.write_bytes(PDF + b" ")
    with pytest.raises(OSError, match="does not match"):
        await files.read(one.id)
    path.write_bytes(PDF)
    with pytest.raises(NotFound):
        await files.find(10**9)


@pytest.mark.anyio
async def test_a_download_is_never_rendered_in_our_origin(db: None) -> None:
    actor = await make.member(Role.AGENCY)
    stored = await files.store(Upload("勘测定界图.pdf", PDF), use=files.SCAN, actor=actor)
    response = await files.response(stored.id)
    assert response.headers["content-disposition"].startswith("attachment;")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]


@pytest.mark.anyio
async def test_an_upload_of_a_refused_form_is_kept_and_cannot_be_forged() -> None:
    kept = await files.keep(Upload("凭证.pdf", PDF))
    assert await files.take_back(kept.token) == Upload("凭证.pdf", PDF)
    claim, _, seal = kept.token.partition(".")
    assert await files.take_back(f"{claim[:-2]}00.{seal}") is None
    assert await files.take_back("nonsense") is None
