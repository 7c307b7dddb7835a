"""The signature under a certificate: ours and intact, or said what is wrong; strangers' files do no harm."""

import random
from datetime import UTC, datetime, timedelta

import pypdfium2
import pytest
import typst

from core import clock, keys
from core.identity import SYSTEM, Role
from grading import services
from grading.papers import checking, signing
from grading.papers.checking import Checked, CheckerBusy, Seal, check_pdf, check_upload
from grading.queries.certificates import certificates_of
from tests.factories import core as make
from tests.factories import grading as g
from tests.factories.agencies import make_agency
from tests.grading.life import SURVEYING
from tests.grading.test_archival import archival_faults

pytestmark = pytest.mark.anyio
NUMBER, DIGEST = "XT-DJ-2026-000213", "a" * 64


@pytest.fixture(scope="module")
def genuine() -> bytes:
    pdf = typst.compile("信用等级证书".encode(), format="pdf", pdf_standards="a-2b")
    return signing.signed(pdf, number=NUMBER, digest=DIGEST, address="http://127.0.0.1/verify")


def test_a_genuine_file_says_its_number_and_fingerprint(genuine: bytes) -> None:
    found = check_pdf(genuine)
    assert (found.seal, found.number, found.digest) == (Seal.INTACT, NUMBER, DIGEST)
    assert pypdfium2.PdfDocument(genuine)


def test_no_flipped_bit_anywhere_passes(genuine: bytes) -> None:
    chance = random.Random(2026)
    for _ in range(150):
        place = chance.randrange(len(genuine))
        altered = bytearray(genuine)
        altered[place] ^= 1 << chance.randrange(8)
        assert check_pdf(bytes(altered)).seal is not Seal.INTACT, place


def test_what_is_appended_unsigned_or_cut_is_said(genuine: bytes) -> None:
    assert check_pdf(genuine + b"\n%more").seal is Seal.APPENDED
    assert check_pdf(b"%PDF-1.7\n%%EOF").seal is Seal.UNSIGNED
    assert check_pdf(genuine[:-10]).seal is Seal.UNSIGNED
    assert check_pdf(b"%PDF-1.7 /ByteRange [0 9 99999 1]").seal is Seal.UNSIGNED
    assert check_pdf(b"%PDF-1.7 /ByteRange [0 5 12 30] " + b"<zz>" * 9).seal in {Seal.UNSIGNED, Seal.FOREIGN}


def test_another_platforms_signature_is_foreign(genuine: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = keys.secret
    monkeypatch.setattr(keys, "secret", lambda name: ours(name)[::-1])
    assert check_pdf(genuine).seal is Seal.FOREIGN


def test_the_signers_certificate_is_the_platforms_own_and_stable() -> None:
    first, again = signing.signer_certificate(), signing.signer_certificate()
    assert first == again
    assert first.subject == first.issuer
    assert "self-signed" in signing.NAME
    assert signing.signer_pem().startswith(b"-----BEGIN CERTIFICATE-----")


async def test_only_two_files_are_checked_at_once(genuine: bytes) -> None:
    assert (await check_upload(genuine)).seal is Seal.INTACT
    seats = [checking._seats.acquire(blocking=False) for _ in range(2)]
    try:
        with pytest.raises(CheckerBusy):
            await check_upload(genuine)
    finally:
        for _ in seats:
            checking._seats.release()
    assert isinstance(await check_upload(genuine), Checked)


async def test_an_uploaded_certificate_shows_its_state_today(db, browse, api):
    day = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
    with clock.at(day):
        made = await make_agency()
        field = await g.make_field()
        for n in range(8):
            await g.make_result(made.agency_id, field, "85", days_ago=20 + 10 * n)
        run = await services.prepare_run(actor=SYSTEM, as_of=day.date())
    with clock.at(day + timedelta(days=8)):
        signer = await make.member(Role.GRADING_OFFICER)
        await services.publish_run(actor=signer, run_id=run.run_id)
        (line,) = await certificates_of(made.agency_id, SURVEYING)
        reader = await browse()
        pdf = (await reader.get(f"/verify/{line.number}/pdf")).content
        assert (await check_upload(pdf)).number == line.number
        assert archival_faults(pdf) == []

        async def shown(body: bytes) -> str:
            page = await reader.submit("/verify/file", files={"sealed_file": ("cert.pdf", body, "application/pdf")})
            return page.text

        assert "文件真实，证书有效" in await shown(pdf)
        assert "签署之后被追加过内容" in await shown(pdf + b"%")
        assert "没有可核验的签名" in await shown(b"%PDF-1.7\n%%EOF")
        assert "内容与扩展名不符" in await shown(b"no pdf")
        answer = await (await api()).post("/api/v1/certificates/check", files={"file": ("c.pdf", pdf)})
        assert (answer.json()["seal"], answer.json()["holds"]) == ("intact", True)
        await services.revoke_certificate(actor=signer, number=line.number, document_no="撤〔2026〕1 号", reason="误发")
        revoked = await shown(pdf)
        assert "文件真实，但证书现已不再有效" in revoked
        assert "已撤销" in revoked
        answer = await (await api()).post("/api/v1/certificates/check", files={"file": ("c.pdf", pdf)})
        assert (answer.json()["state"], answer.json()["holds"]) == ("revoked", False)
