"""Registration and the directory as people see them."""

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest

from agencies import services
from agencies.queries import filings
from agencies.queries.directory import DirectoryFilter, Order, cursor_key, listing
from agencies.rules import CreditGrade, Profession
from core import clock
from core import db as sql
from core.identity import Identity, Role
from tests.factories import agencies as make
from tests.factories import core as people

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db")]
Browse = Any
ORGANIZATION = {
    "name_zh": "新泰试办测绘有限公司",
    "region_code": "370982",
    "region_zh": "山东省泰安市新泰市",
    "address": "新泰市府前街 1 号",
    "legal_representative": "欧阳甲",
    "contact_name": "王乙",
    "contact_phone": "0538-1234567",
    "controller": "欧阳甲",
    "staff_total": "12",
}
QUALIFICATION = {
    "profession": "surveying",
    "kind_zh": "测绘资质证书",
    "number": "演示资字-1",
    "grade": "second",
    "scope_zh": "工程测量",
    "issuer": "山东省自然资源厅",
    "expires_on": "2030-06-30",
    "items": ["XT-SV-01", "XT-SV-02"],
}
PERSON = {
    "name": "诸葛丙",
    "certificate_kind": "注册测绘师",
    "certificate_no": "演示执业-页面",
    "insured_months": "6",
}
INDEPENDENCE = {
    "separations": ["personnel", "finance", "premises", "function"],
    "none_declared": "on",
    "signed_by": "欧阳甲",
}
COMMITMENTS = {
    "items-0-item": "XT-SV-01",
    "items-0-days": "10",
    "items-0-fee_basis": "按面积计价",
    "items-0-reference_price": "24600.00",
    "items-1-item": "XT-SV-02",
    "items-1-days": "12",
    "items-1-fee_basis": "按界址点计价",
    "honest": "on",
}


def scan(body: bytes = make.PDF, name: str = "证书.pdf") -> dict[str, Any]:
    return {"scan": (name, body, "application/pdf")}


async def applicant() -> tuple[Identity, str]:
    organization = await people.organization("新泰试办测绘有限公司")
    uscc = await sql.value("select uscc from core_organization where id = $1", organization)
    return await people.member(Role.AGENCY, organization), uscc


async def opened(browse: Browse) -> tuple[Any, str, int, Identity, str]:
    """A browser with a filing just opened, and its address."""
    member, uscc = await applicant()
    browser = await browse(member)
    answer = await browser.submit("/agency/filings", {"kind": "registration"})
    assert answer.status_code == 303, answer.text
    address = answer.headers["location"]
    return browser, address, int(address.rsplit("/", 1)[1]), member, uscc


def sentences(answer: httpx.Response) -> str:
    return re.sub(r"<[^>]+>", " ", answer.text)


async def test_register_from_the_first_step_to_the_receipt(browse: Browse) -> None:
    browser, address, filing_id, member, uscc = await opened(browse)
    assert "未开始" in (await browser.get(address)).text
    assert "地形图测绘（1:500）" in (await browser.get(f"{address}/qualifications/new")).text
    for path, data, files in (
        ("organization", ORGANIZATION | {"uscc": uscc.lower()}, None),
        ("qualifications", QUALIFICATION, scan()),
        ("practitioners", PERSON, None),
        ("independence", INDEPENDENCE, None),
        ("commitments", COMMITMENTS, None),
    ):
        assert (await browser.get(f"{address}/{path}")).status_code == 200
        version = (await filings.filing(filing_id, member)).version
        answer = await browser.submit(f"{address}/{path}", data | {"version": str(version)}, files)
        assert answer.status_code == 303, sentences(answer)
    page = await browser.get(address)
    assert "5 / 5 步已完成" in page.text
    assert "检查并提交" in page.text
    check = await browser.get(f"{address}/check")
    assert "欧阳甲" in check.text
    answer = await browser.submit(f"{address}/submit", {})
    assert answer.status_code == 303, sentences(answer)
    receipt = await browser.get(answer.headers["location"])
    assert "XT-SL-" in receipt.text
    assert "2 个工作日内形式核对" in receipt.text

    desk = await browse(Role.REGISTRAR)
    assert "新泰试办测绘有限公司" in (await desk.get("/filings")).text
    page = await desk.get(f"/filings/{filing_id}")
    assert "5 / 5 项相符" in page.text
    answer = await desk.submit(f"/filings/{filing_id}/accept", {})
    assert answer.status_code == 303, sentences(answer)
    public = await browse()
    assert "新泰试办测绘有限公司" in (await public.get("/public-notices")).text
    notice = await public.get(f"/public-notices/{filing_id}")
    assert notice.status_code == 200
    assert "欧阳甲" not in notice.text
    with clock.at(clock.now() + timedelta(days=20)):
        assert await services.record_due_filings() == 1
    receipt = await browser.get(f"{address}/receipt")
    assert "XT-BA-" in receipt.text
    assert "根指纹" in receipt.text
    assert "新泰试办测绘有限公司" in (await public.get("/agencies")).text


async def test_every_fault_stands_at_its_field_and_what_was_typed_is_kept(browse: Browse) -> None:
    browser, address, filing_id, member, _uscc = await opened(browse)
    bad = ORGANIZATION | {"uscc": "91370982MAXTA10198", "region_code": "3709", "staff_total": "零"}
    answer = await browser.submit(f"{address}/organization", bad)
    assert answer.status_code == 422
    assert "校验位不符" in answer.text
    assert "6 位行政区划码" in answer.text
    assert "请填写整数" in answer.text
    assert 'value="91370982MAXTA10198"' in answer.text
    assert 'value="新泰市府前街 1 号"' in answer.text
    assert (await filings.filing(filing_id, member)).dossier.organization is None


@pytest.mark.parametrize(
    ("body", "name", "sentence"),
    [
        (b"", "证书.pdf", "0 字节"),
        (b"MZ not a pdf", "证书.pdf", "与扩展名不符"),
        (b"%PDF-1.7" + b"0" * (10 * 1024 * 1024), "证书.pdf", "超过 10 MB"),
    ],
)
async def test_bad_scans_are_refused_at_their_field(browse: Browse, body: bytes, name: str, sentence: str) -> None:
    browser, address, filing_id, member, _uscc = await opened(browse)
    answer = await browser.submit(f"{address}/qualifications", QUALIFICATION, scan(body, name))
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="演示资字-1"' in answer.text
    assert (await filings.filing(filing_id, member)).dossier.qualifications == ()


async def test_an_expired_certificate_and_missing_parts_are_listed_at_once(browse: Browse) -> None:
    browser, address, filing_id, member, uscc = await opened(browse)
    await browser.submit(f"{address}/organization", ORGANIZATION | {"uscc": uscc})
    await browser.submit(f"{address}/qualifications", QUALIFICATION | {"expires_on": "2020-01-01"}, scan())
    answer = await browser.submit(f"{address}/submit", {})
    assert answer.status_code == 422
    text = sentences(answer)
    assert "已于 2020-01-01 到期" in text
    assert "至少填写一名持证从业人员" in text
    assert "还没有作出独立性声明" in text
    assert (await filings.filing(filing_id, member)).state.value == "draft"


async def test_relations_are_declared_in_rows(browse: Browse) -> None:
    browser, address, filing_id, member, _uscc = await opened(browse)
    row = {"relations-0-kind": "former_official", "relations-0-department": "D-STHJ"}
    contradiction = await browser.submit(f"{address}/independence", INDEPENDENCE | row)
    assert contradiction.status_code == 422
    assert "请去掉其中一个" in contradiction.text
    answer = await browser.submit(
        f"{address}/independence", {k: v for k, v in INDEPENDENCE.items() if k != "none_declared"} | row
    )
    assert answer.status_code == 303, sentences(answer)
    found = (await filings.filing(filing_id, member)).dossier.independence
    assert found is not None
    assert [one.target for one in found.relations] == ["D-STHJ"]
    assert "D-STHJ" in (await browser.get(f"{address}/independence")).text


async def test_a_stale_form_is_told_and_kept(browse: Browse) -> None:
    browser, address, _filing_id, _member, uscc = await opened(browse)
    await browser.submit(f"{address}/organization", ORGANIZATION | {"uscc": uscc, "version": "1"})
    answer = await browser.submit(
        f"{address}/organization", ORGANIZATION | {"uscc": uscc, "version": "1", "address": "新地址 9 号"}
    )
    assert answer.status_code == 409
    assert "已被他人修改" in answer.text
    assert "新地址 9 号" in answer.text


async def test_the_same_form_sent_twice_counts_once(browse: Browse) -> None:
    browser, address, filing_id, member, _uscc = await opened(browse)
    guard = browser.guard()
    first = await browser.submit(f"{address}/practitioners", PERSON | guard)
    second = await browser.submit(f"{address}/practitioners", PERSON | guard)
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    assert len((await filings.filing(filing_id, member)).dossier.practitioners) == 1


async def test_foreign_and_guessed_numbers_look_alike(browse: Browse) -> None:
    _browser, address, filing_id, _member, _uscc = await opened(browse)
    stranger = await browse(Role.AGENCY)
    foreign = await stranger.get(address)
    absent = await stranger.get("/agency/filings/999999")
    assert foreign.status_code == absent.status_code == 404
    assert sentences(foreign).count("没有找到这件备案") == sentences(absent).count("没有找到这件备案") == 1
    for path, data in (("organization", ORGANIZATION), ("submit", {}), ("withdraw", {})):
        assert (await stranger.submit(f"{address}/{path}", data)).status_code in {404, 422}
    assert (await stranger.submit(f"/filings/{filing_id}/accept", {})).status_code == 403
    assert (await stranger.get("/agencies/999999")).status_code == 404
    visitor = await browse()
    assert (await visitor.get(f"/filings/{filing_id}")).status_code == 303
    for beyond in ("/agencies/99999999999999999999", "/public-notices/99999999999999999999"):
        assert (await visitor.get(beyond)).status_code == 404


async def test_scans_are_for_the_own_organisation_and_registrars(browse: Browse) -> None:
    made = await make.make_agency()
    row = await filings.filing(made.filing_id, made.member)
    held = row.dossier.qualifications[0].scan
    assert held is not None
    path = f"/filings/{made.filing_id}/scans/{held.file_id}"
    assert (await (await browse(made.member)).get(path)).content.startswith(b"%PDF")
    assert (await (await browse(Role.REGISTRAR)).get(path)).status_code == 200
    assert (await (await browse(Role.AGENCY)).get(path)).status_code == 404
    other = f"/filings/{made.filing_id}/scans/{held.file_id + 1000}"
    assert (await (await browse(made.member)).get(other)).status_code == 404


async def test_returned_with_a_list_that_the_applicant_sees_whole(browse: Browse) -> None:
    member, uscc = await applicant()
    filing_id = (await services.start_registration(actor=member)).filing_id
    await make.fill(member, filing_id, uscc=uscc)
    await services.submit_filing(actor=member, filing_id=filing_id)
    desk = await browse(Role.REGISTRAR)
    empty = await desk.submit(f"/filings/{filing_id}/return", {})
    assert empty.status_code == 422
    assert "退回须一次写明全部问题" in empty.text
    answer = await desk.submit(
        f"/filings/{filing_id}/return",
        {"defect_qualifications": "扫描件看不清", "defect_practitioners": "缺注册测绘师"},
    )
    assert answer.status_code == 303, sentences(answer)
    page = await (await browse(member)).get(f"/agency/filings/{filing_id}")
    assert "扫描件看不清" in page.text
    assert "缺注册测绘师" in page.text


async def test_objections_are_lodged_by_name_and_decided_in_public(browse: Browse) -> None:
    member, uscc = await applicant()
    filing_id = (await services.start_registration(actor=member)).filing_id
    await make.fill(member, filing_id, uscc=uscc)
    await services.submit_filing(actor=member, filing_id=filing_id)
    await services.accept_filing(actor=await people.member(Role.REGISTRAR), filing_id=filing_id)
    client = await browse(Role.CLIENT)
    short = await client.submit(f"/public-notices/{filing_id}/objections", {"text": "不行"})
    assert short.status_code == 422
    answer = await client.submit(
        f"/public-notices/{filing_id}/objections", {"text": "法定代表人仍在行政机关任职，有任职文件。"}
    )
    assert answer.status_code == 303, sentences(answer)
    desk = await browse(Role.REGISTRAR)
    (objection,) = await filings.objections(filing_id)
    answer = await desk.submit(
        f"/filings/{filing_id}/objections/{objection.id}",
        {"outcome": "dismissed", "reasons": "任职文件已于 2023 年失效，查无此事。"},
    )
    assert answer.status_code == 303, sentences(answer)
    public = await (await browse()).get(f"/public-notices/{filing_id}")
    assert "异议不成立" in public.text
    objector = (await queue_of(filing_id)).organization_zh
    assert objector in (await desk.get(f"/filings/{filing_id}")).text
    assert objector not in public.text
    assert objector not in (await (await browse(member)).get(f"/agency/filings/{filing_id}")).text


async def queue_of(filing_id: int) -> filings.ObjectionRow:
    (objection,) = await filings.objections(filing_id)
    return objection


async def test_the_public_file_shows_papers_promises_and_no_full_names(browse: Browse) -> None:
    soon = make.qualification(expires_on=clock.today() + timedelta(days=20))
    made = await make.make_agency(name_zh="泰安澄怀测绘有限公司", qualifications=(soon,), recorded_days_ago=30)
    await make.make_grade(made.agency_id, CreditGrade.B, score="86.23")
    page = await (await browse()).get(f"/agencies/{made.agency_id}")
    assert page.status_code == 200
    assert "86.23" in page.text
    assert "剩 20 天" in page.text
    assert "诸葛某" in page.text
    assert "诸葛丙" not in page.text
    assert "欧阳甲" not in page.text
    english = await (await browse(lang="en")).get(f"/agencies/{made.agency_id}")
    assert english.status_code == 200
    assert "Credit grade" in english.text or "Grade" in english.text


async def test_the_directory_filters_and_compares(browse: Browse) -> None:
    one = await make.make_agency(name_zh="泰安澄怀测绘有限公司")
    two = await make.make_agency(name_zh="济南砚湖测绘有限公司")
    bad = await make.make_agency(name_zh="临沂云脚印测绘有限公司")
    await make.make_grade(one.agency_id, CreditGrade.A, score="93.10", figures=services.GradeFigures(results=9))
    await make.make_grade(bad.agency_id, CreditGrade.D, score="41.00")
    browser = await browse()
    page = await browser.get("/agencies", params={"profession": "surveying"})
    assert page.status_code == 200
    assert "泰安澄怀" in page.text
    assert "济南砚湖" in page.text
    assert "临沂云脚印" not in page.text
    assert "不接受付费排位" in page.text
    page = await browser.get("/agencies", params={"grade": "D"})
    assert "临沂云脚印" in page.text
    page = await browser.get("/agencies", params={"q": "澄怀"})
    assert "济南砚湖" not in page.text
    page = await browser.get("/agencies", params={"profession": "surveying", "pick": [one.agency_id, two.agency_id]})
    assert "对比 2 家" in page.text
    assert "x-best" not in page.text or "93.10" in page.text


@pytest.mark.parametrize(
    "query",
    ["cursor=nonsense", "profession=nothing", "grade=Z", "pick=abc", "region=%27--", "order=price", "q=%00%F0%9F"],
)
async def test_nonsense_in_the_address_is_no_error(browse: Browse, query: str) -> None:
    await make.make_agency()
    assert (await (await browse()).get(f"/agencies?{query}")).status_code == 200


@pytest.mark.parametrize("order", list(Order))
async def test_pages_of_a_list_hold_every_line_once(order: Order) -> None:
    for number in range(5):
        made = await make.make_agency(professions=(Profession.SURVEYING, Profession.SAFETY))
        if number % 2:
            await make.make_grade(made.agency_id, CreditGrade.B, score=f"7{number}.00")
    wanted, seen, after = DirectoryFilter(order=order), [], None
    while True:
        rows = await listing(wanted, clock.today(), limit=3, after=after)
        seen += [(row.agency_id, row.profession) for row in rows]
        if len(rows) < 3:
            break
        after = cursor_key(rows[-1])
    assert len(seen) == len(set(seen)) == 10


async def test_json_twins(api: Any) -> None:
    made = await make.make_agency()
    await make.make_grade(made.agency_id, CreditGrade.A, score="93.10")
    visitor = await api()
    found = (await visitor.get("/api/v1/agencies", params={"limit": 1, "profession": "surveying"})).json()
    assert found["items"][0]["grade"] == "A"
    assert found["items"][0]["score"] == "93.10"
    assert found["next"] is None
    one = (await visitor.get(f"/api/v1/agencies/{made.agency_id}")).json()
    assert one["people"][0]["name"] == "诸葛某"
    grades = await visitor.get(f"/api/v1/agencies/{made.agency_id}/grades", params={"profession": "surveying"})
    assert grades.json()["items"][0]["grade"] == "A"
    assert (await visitor.get("/api/v1/agencies/999999")).status_code == 404


async def test_registering_by_program_with_an_idempotency_key(api: Any) -> None:
    member, uscc = await applicant()
    program = await api(member)
    key = {"Idempotency-Key": "one"}
    first = await program.post("/api/v1/filings", json={"kind": "registration"}, headers=key)
    assert first.status_code == 201, first.text
    again = await program.post("/api/v1/filings", json={"kind": "registration"}, headers=key)
    assert again.json() == first.json()
    filing_id = first.json()["filing"]
    steps = f"/api/v1/filings/{filing_id}/steps"
    bad = await program.post(
        f"{steps}/organization", json={"fields": ORGANIZATION | {"uscc": "1"}}, headers={"Idempotency-Key": "two"}
    )
    assert bad.status_code == 422
    assert bad.headers["content-type"].startswith("application/problem+json")
    assert "uscc" in bad.json()["errors"]
    bodies = {"organization": ORGANIZATION | {"uscc": uscc}, "practitioners": PERSON}
    bodies["independence"] = INDEPENDENCE
    bodies["commitments"] = {
        "items": [
            {"item": "XT-SV-01", "days": 10, "fee_basis": "按面积"},
            {"item": "XT-SV-02", "days": 10, "fee_basis": "按面积"},
        ],
        "honest": True,
    }
    for step, fields in bodies.items():
        answer = await program.post(
            f"{steps}/{step}", json={"fields": fields}, headers={"Idempotency-Key": f"step-{step}"}
        )
        assert answer.status_code == 201, answer.text
    answer = await program.post(
        f"/api/v1/filings/{filing_id}/qualifications",
        data=QUALIFICATION,
        files=scan(),
        headers={"Idempotency-Key": "paper"},
    )
    assert answer.status_code == 201, answer.text
    answer = await program.post(f"/api/v1/filings/{filing_id}/submit", json={}, headers={"Idempotency-Key": "submit"})
    assert answer.status_code == 201, answer.text
    shown = (await program.get(f"/api/v1/filings/{filing_id}")).json()
    assert shown["state"] == "submitted"
    other = await api(Role.AGENCY)
    assert (await other.get(f"/api/v1/filings/{filing_id}")).status_code == 404
