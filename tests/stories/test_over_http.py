"""The same journey seen from outside: forms for the agency, programs for everybody else, pages for the public."""

import secrets
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from contracts.queries.contracts import possible_signers
from core import clock, trail
from core.identity import Identity, Role
from market import services as market
from portal.demo import papers
from tests.conftest import Browse
from tests.factories import core as make
from tests.stories.people import Time, experts, opens_account, time_begins, uscc_of

pytestmark = pytest.mark.anyio

MONDAY = datetime(2026, 3, 2, 9, tzinfo=clock.SHANGHAI)
V1 = "/api/v1"
NAME = "新泰衡尺演示测绘有限公司"


class Program:
    """A program with a bearer token: every call is made once, and must succeed."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def does(self, path: str, body: dict[str, Any] | None = None, **kwargs: Any) -> dict[str, Any]:
        """POST, as JSON unless files are sent; the receipt."""
        once = {"Idempotency-Key": secrets.token_hex(8)}
        if "files" not in kwargs:
            kwargs["json"] = body or {}
        answer = await self.client.post(V1 + path, headers=once, **kwargs)
        assert answer.status_code in {200, 201}, f"{path}: {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    async def reads(self, path: str) -> dict[str, Any]:
        """GET; what it says."""
        answer = await self.client.get(V1 + path)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        found: dict[str, Any] = answer.json()
        return found


async def test_a_commission_over_http(committed_db: str, browse: Browse, api: Browse) -> None:
    with time_begins(MONDAY) as time:
        officer, registrar = await make.member(Role.GRADING_OFFICER), await make.member(Role.REGISTRAR)
        reviewers = await experts(officer, 3)
        owner = await opens_account("新泰檐下演示置业有限公司", "Demo Estate", Role.CLIENT)
        member = await opens_account(NAME, "Hengchi Demo Survey", Role.AGENCY)

        await registers_by_forms(time, browse, member, registrar)
        client, agency = Program(await api(owner)), Program(await api(member))
        notice_id = await posts_and_awards(time, client, agency)
        contract_id = await settles(client, agency)
        deliverable = await delivers(time, client, agency, contract_id, member)
        for reviewer in reviewers.values():
            await marks_what_it_was_given(Program(await api(reviewer)))
        await agency.does(f"/reviews/{deliverable['review_id']}/waivers")
        await pays(client, agency, deliverable["payable_id"])
        await everybody_can_read_it(time, browse, officer, api, notice_id)


async def registers_by_forms(time: Time, browse: Browse, member: Identity, registrar: Identity) -> None:
    """Five steps, each a form that works without JavaScript; then the registrar's button."""
    browser = await browse(member)
    opened = await browser.submit("/agency/filings", {"kind": "registration"})
    address = opened.headers["location"]
    scan = {"scan": ("证书.pdf", papers.paper("测绘资质证书", [NAME]), "application/pdf")}
    steps: dict[str, dict[str, Any]] = {
        "organization": ORGANIZATION | {"uscc": await uscc_of(member)},
        "qualifications": QUALIFICATION,
        "practitioners": PERSON,
        "independence": INDEPENDENCE,
        "commitments": COMMITMENTS,
    }
    for path, data in steps.items():
        files = scan if path == "qualifications" else None
        saved = await browser.submit(f"{address}/{path}", data, files)
        assert saved.status_code == 303, f"{path}: {saved.text}"
    assert (await browser.submit(f"{address}/submit", {})).status_code == 303

    desk = await browse(registrar)
    filing = address.rpartition("/")[2]
    assert (await desk.submit(f"/filings/{filing}/accept", {})).status_code == 303
    await time.passes(workdays=6)
    assert (await desk_again(browse, registrar, filing)).status_code == 303


async def desk_again(browse: Browse, registrar: Identity, filing: str) -> httpx.Response:
    """A session does not outlive a working day: sign in again, then record."""
    return await (await browse(registrar)).submit(f"/filings/{filing}/record", {})


async def posts_and_awards(time: Time, client: Program, agency: Program) -> int:
    """Project, notice, one sealed bid, the clock, the award."""
    project = await client.does("/projects", PROJECT)
    deadline = await time.at_five(workdays=4)
    body = NOTICE | {"project_id": project["id"], "deadline": deadline.isoformat()}
    draft = await client.does("/notices", body)
    await client.does(f"/notices/{draft['id']}/publication", {"version": 1})
    offer = {"amount": "21800.00", "days": 12, "proposal": "两级检查", "honest": True}
    receipt = await agency.does(f"/notices/{draft['id']}/bids", offer)
    assert receipt["number"].startswith("BJ-")
    mine = await agency.reads(f"/notices/{draft['id']}/bids/mine")
    assert mine["amount"] is None, "not even the bidder can read it back before the opening"

    time.goes_to(deadline)
    await market.sweep_notices()
    result = await client.reads(f"/notices/{draft['id']}/result")
    assert result["award"]["amount"] == "21800.00"
    await time.passes(workdays=4)
    await market.sweep_notices()
    number: int = draft["id"]
    return number


async def settles(client: Program, agency: Program) -> int:
    """Both sides confirm the draft that repeats the bid; the agency files it."""
    (contract,) = (await agency.reads("/contracts"))["items"]
    for side in (client, agency):
        await side.does(f"/contracts/{contract['id']}/confirmations", {"version": 1})
    filed = await agency.does(f"/contracts/{contract['id']}/filings")
    assert filed["number"].startswith("XT-HT-")
    number: int = contract["id"]
    return number


async def delivers(time: Time, client: Program, agency: Program, contract_id: int, member: Identity) -> dict[str, Any]:
    """A result with its file and its signer; the client accepts it."""
    await time.passes(workdays=8)
    contract = await agency.reads(f"/contracts/{contract_id}")
    milestone = contract["milestones"][0]["id"]
    (signer,) = await possible_signers(member)
    filed = await agency.does(
        f"/contracts/{contract_id}/milestones/{milestone}/results",
        data={"version": "0", "title": "地形图测绘成果", "signers": str(signer.id)},
        files={"files": ("成果.pdf", papers.paper("地形图测绘报告", ["1:500"]), "application/pdf")},
    )
    assert filed["number"].startswith("XT-CG-")
    return await client.does(f"/deliverables/{filed['deliverable_id']}/acceptances", {"version": 1})


async def marks_what_it_was_given(reviewer: Program) -> None:
    """An expert fills in the sheet of every assignment, if the lot gave any."""
    for row in (await reviewer.reads("/assignments"))["items"]:
        sheet = await reviewer.reads(f"/review-sheets/{row['sheet_id']}")
        levels = {one["code"]: {"level": 4, "remark": "第 3 页：符合"} for one in sheet["indicators"]}
        body = {
            "version": row["version"],
            "marks": levels,
            "vetoes": {},
            "summary": "总体良好；已抽查外业观测手簿、检查点记录和计算书，三者一致无误",
        }
        done = await reviewer.does(f"/assignments/{row['id']}/submissions", body)
        assert Decimal(done["points"]) == Decimal("85.00")


async def pays(client: Program, agency: Program, payable_id: int) -> None:
    """A voucher, and the payee's word that the money is there."""
    voucher = {"voucher": ("回单.pdf", papers.paper("银行回单", ["演示"]), "application/pdf")}
    data = {"reference": "YS20260401-001", "paid_on": clock.today().isoformat()}
    await client.does(f"/payables/{payable_id}/voucher", data=data, files=voucher)
    paid = await agency.does(f"/payables/{payable_id}/confirm")
    assert paid["receipt_number"].startswith("XT-SK-")


async def everybody_can_read_it(time: Time, browse: Browse, officer: Identity, api: Browse, notice_id: int) -> None:
    """One result does not make a grade yet; who won, why, and what was filed is public, and in the trail."""
    office = Program(await api(officer))
    run = await office.does("/grade-runs", {"as_of": clock.today().isoformat()})
    time.goes_to(time.now + timedelta(days=14))
    published = await office.does(f"/grade-runs/{run['run_id']}/publication")
    assert [one["result"] for one in published["published"]] == ["N"]

    await trail.publish()
    public = await browse()
    notice = await public.get(f"/notices/{notice_id}/result")
    assert NAME in notice.text
    assert "2.18 万元" in notice.text
    directory = await public.get("/agencies")
    assert NAME in directory.text
    records = await public.get("/contracts/records")
    assert "XT-HT-2026-" in records.text
    checkpoint = await public.get("/trail/checkpoint")
    assert checkpoint.status_code == 200
    english = await browse(lang="en")
    assert "Hengchi Demo Survey" in (await english.get("/agencies")).text


PROJECT = {
    "title": "檐下演示花园",
    "location": "新泰市青云街道",
    "description": "住宅小区一期",
    "investment": "80000000.00",
    "fund_source": "own",
}
NOTICE = {
    "item_code": "XT-SV-01",
    "method": "lowest-price",
    "fund_source": "own",
    "scale": "约 6 公顷",
    "requirements": "一次提交，负责修改至通过。",
    "payment_terms": "验收后十个工作日内付清。",
    "ceiling": "30000.00",
    "days_limit": 15,
}
ORGANIZATION = {
    "name_zh": NAME,
    "name_en": "Hengchi Demo Survey",
    "region_code": "370982",
    "region_zh": "山东省泰安市新泰市",
    "address": "演示路 1 号",
    "legal_representative": "甲演示",
    "contact_name": "乙演示",
    "contact_phone": "0538-0000001",
    "controller": "甲演示",
    "staff_total": "20",
}
QUALIFICATION = {
    "profession": "surveying",
    "kind_zh": "测绘资质证书",
    "number": "演示测资字-1",
    "grade": "first",
    "scope_zh": "工程测量",
    "issuer": "演示发证机关",
    "expires_on": "2035-12-31",
    "items": ["XT-SV-01"],
}
PERSON = {
    "name": "甲演示",
    "certificate_kind": "注册测绘师",
    "certificate_no": "YS-HTTP-001",
    "insured_months": "36",
}
INDEPENDENCE = {
    "separations": ["personnel", "finance", "premises", "function"],
    "none_declared": "on",
    "signed_by": "甲演示",
}
COMMITMENTS = {
    "items-0-item": "XT-SV-01",
    "items-0-days": "10",
    "items-0-fee_basis": "市场调节价",
    "honest": "on",
}
