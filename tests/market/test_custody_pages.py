"""The pages of custodians: a key shown once, a share handed over, and nothing secret sent back."""

import re

import pytest

from core import clock
from core.identity import Role
from market import sealing
from market.rules.notices import FundSource
from tests.conftest import Browse
from tests.factories.market import bid, client_key, make_notice, make_surveyors

pytestmark = pytest.mark.anyio
KEY = re.compile(r"XINSHI-KEY-1(?:-[A-Z2-7]+)+")


async def test_a_key_is_made_here_and_shown_once(db: None, browse: Browse) -> None:
    browser = await browse(Role.CLIENT)
    assert "还没有登记密钥" in (await browser.get("/my/opening-key")).text
    reply = await browser.submit("/my/opening-key")
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-store"
    found = KEY.search(reply.text)
    assert found is not None
    public = sealing.public_of(sealing.parse_key(found[0])).hex()
    again = await browser.get("/my/opening-key")
    assert public in again.text
    assert not KEY.search(again.text.replace("XINSHI-KEY-1 ", ""))


async def test_the_public_half_of_a_key_made_elsewhere_is_enough(db: None, browse: Browse) -> None:
    browser = await browse(Role.MARKET_SUPERVISOR)
    pair = sealing.new_custodian_key()
    wrong = await browser.submit("/my/opening-key/public", {"public_key": "zz"})
    assert wrong.status_code == 422
    assert "64 位十六进制" in wrong.text
    reply = await browser.submit("/my/opening-key/public", {"public_key": pair.public.hex()})
    assert reply.status_code == 303
    assert pair.public.hex() in (await browser.get("/my/opening-key")).text


async def test_the_last_share_needed_opens_and_a_wrong_one_is_not_sent_back(db: None, browse: Browse) -> None:
    made = await make_notice(fund_source=FundSource.PUBLIC)
    for agency in await make_surveyors(3):
        await bid(agency, made)
    browser = await browse(made.client)
    address = f"/notices/{made.notice_id}/share"
    early = await browser.submit(address, {"secret_key": client_key(made.client)})
    assert early.status_code == 409
    assert "不能提前交出" in early.text
    with clock.at(made.deadline):
        browser = await browse(made.client)  # signed in again: days have passed
        page = await browser.get(f"/notices/{made.notice_id}")
        assert "密封箱里有 3 份报价" in page.text
        assert address in page.text
        wrong = sealing.new_custodian_key().text
        refused = await browser.submit(address, {"secret_key": wrong})
        assert refused.status_code == 422
        assert "与业主持有的份额不符" in refused.text
        assert wrong not in refused.text
        done = await browser.submit(address, {"secret_key": client_key(made.client)})
        assert done.status_code == 303
        assert done.headers["location"] == f"/notices/{made.notice_id}"


async def test_whoever_keeps_no_share_does_not_find_the_page(db: None, browse: Browse) -> None:
    made = await make_notice(fund_source=FundSource.PUBLIC)
    stranger = await browse(Role.CLIENT)
    assert (await stranger.get(f"/notices/{made.notice_id}/share")).status_code == 404
    agency = await browse(Role.AGENCY)
    assert (await agency.get("/my/opening-key")).status_code == 403


async def test_programs_do_the_same(db: None, api: Browse) -> None:
    made = await make_notice(fund_source=FundSource.PUBLIC)
    program = await api(made.client)
    listed = (await program.get(f"/api/v1/notices/{made.notice_id}/shares")).json()
    assert [share["holder"] for share in listed["items"]] == ["client", "supervisor", "escrow"]
    body = {"public_key": sealing.new_custodian_key().public.hex()}
    headers = {"idempotency-key": "one"}
    first = await program.post("/api/v1/opening-keys", json=body, headers=headers)
    second = await program.post("/api/v1/opening-keys", json=body, headers=headers)
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    early = await program.post(
        f"/api/v1/notices/{made.notice_id}/shares",
        json={"secret_key": client_key(made.client)},
        headers={"idempotency-key": "two"},
    )
    assert early.json()["code"] == "too-early-to-open"


async def test_a_bid_with_staff_and_files_by_form(db: None, browse: Browse) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    browser = await browse(agency.member)
    page = await browser.get(f"/notices/{made.notice_id}/bid")
    staff = re.findall(r'name="staff"[^>]*value="([^"]+)"', page.text)
    answers = {
        "amount": "24600",
        "days": "8",
        "proposal": "方案",
        "honest": "on",
        "staff": staff,
        "contribution": "春风",
    }
    files = {"sealed_files": ("方案.pdf", b"%PDF-1.4 x", "application/pdf")}
    wrong = await browser.submit(
        f"/notices/{made.notice_id}/bids", answers, files={"sealed_files": ("方案.pdf", b"MZ", "application/pdf")}
    )
    assert wrong.status_code == 422
    assert "方案.pdf" in wrong.text
    strange = await browser.submit(f"/notices/{made.notice_id}/bids", answers | {"staff": ["SOMEBODY-ELSE"]})
    assert strange.status_code == 422
    assert "备案在册" in strange.text
    reply = await browser.submit(f"/notices/{made.notice_id}/bids", answers, files=files)
    assert reply.status_code == 303
