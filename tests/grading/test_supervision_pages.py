"""The pages of supervision in both languages, and the acts over HTTP and JSON."""

import html
import re
from datetime import UTC, date, datetime

import pytest

from agencies.rules import CreditGrade, Profession
from agencies.rules.persons import Flag
from agencies.services import flag_person
from core import clock, db
from core.identity import Role
from grading import services
from grading.services import Imposition
from tests.factories import core as make
from tests.factories.agencies import MadeAgency, make_agency, make_grade
from tests.factories.contracts import pdf

pytestmark = pytest.mark.anyio

DAY = datetime(2027, 11, 15, 1, tzinfo=UTC)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
DATA = re.compile(r"新泰测试\S*|演示\S*|某\S*|赵某|注册测绘师|孙甲乙|信市\S*|系统|新泰市\S*|中文|简体|繁體")


@pytest.fixture
async def later(db: None):
    with clock.at(DAY):
        yield


async def barred(made: MadeAgency) -> int:
    with clock.at(datetime(2026, 11, 2, 1, tzinfo=UTC)):
        decision = Imposition(
            made.agency_id,
            Profession.SURVEYING,
            "DD-02",
            "演示〔2026〕7 号",
            "某局",
            "某某",
            date(2026, 11, 2),
            date(2027, 11, 2),
        )
        return (
            await services.impose_direct_d(actor=await make.member(Role.GRADING_OFFICER), decision=decision)
        ).direct_d_id


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<script.*?</script>|<[^>]+>", " ", page, flags=re.S)).split())


async def test_what_a_grade_means_for_everybody_and_for_the_agency(later, browse):
    made = await make_agency()
    await make_grade(made.agency_id, CreditGrade.C)
    page = words((await (await browse()).get("/grading/consequences")).text)
    for sentence in (
        "免收",
        "价款的 5%",
        "可参加，直接选取除外",
        "《中华人民共和国招标投标法实施条例》第五十八条",
        "平台规则",
    ):
        assert sentence in page
    mine = words((await (await browse(made.member)).get("/my-grade")).text)
    for sentence in ("，上限 2 件", "价款的 10%", "现在不能容缺申报", "2 名审查员，深度审查 100%"):
        assert sentence in mine
    assert (await (await browse(Role.CLIENT)).get("/my-grade")).status_code == 403
    assert (await (await browse(await make.member(Role.AGENCY))).get("/my-grade")).status_code == 404


async def test_the_way_back_by_forms(later, browse):
    made = await make_agency()
    ground = await barred(made)
    agency, checker = await browse(made.member), await browse(Role.GRADING_OFFICER)
    assert "申请退出 D 级" in words((await agency.get("/my-grade")).text)
    url = f"/direct-d/{ground}/way-back"
    refused = await agency.submit(url, {"corrected": "已收回报告"})
    assert refused.status_code == 422
    assert "已收回报告" in refused.text
    assert "请至少附一份证明材料" in refused.text
    data = {"corrected": "已收回报告", "obligations": "罚款已缴", "confirmation": "某局确认", "committed": "on"}
    filed = await agency.submit(url, data, files={"proofs": ("证明.pdf", pdf("Proof"), "application/pdf")})
    assert filed.status_code == 303, filed.text
    page = filed.headers["location"].partition("?")[0]
    assert (await (await browse(await make.member(Role.AGENCY))).get(page)).status_code == 404
    assert "核对材料" in words((await checker.get("/desk")).text)
    assert (await checker.submit(f"{page}/check", {"verdict": "yes", "reasons": ""})).status_code == 303
    same = await checker.submit(f"{page}/decision", {"verdict": "yes", "reasons": "好"})
    assert same.status_code == 409
    decider = await browse(Role.GRADING_OFFICER)
    done = await decider.submit(f"{page}/decision", {"verdict": "yes", "reasons": "整改属实"})
    assert done.status_code == 303
    assert "已同意退出 D 级" in words((await agency.get(page)).text)
    (proof,) = await db.rows("select id from grading_way_back_file")
    assert (await agency.get(f"{page}/files/{proof['id']}")).status_code == 200
    assert (await agency.get(f"{page}/files/999999")).status_code == 404


async def test_an_inspection_plan_by_forms_and_in_public(later, browse):
    for letter in "ABCD":
        await make_grade((await make_agency()).agency_id, CreditGrade(letter))
    officer, public = await browse(Role.GRADING_OFFICER), await browse()
    made = await officer.submit("/inspections", {"outside_source": "双色球第 2027130 期"})
    assert made.status_code == 303
    page = made.headers["location"].partition("?")[0]
    assert (await public.get(f"{page}/draw.json")).status_code == 404
    frozen = (await public.get(f"{page}/list.json")).json()
    assert len(frozen["candidates"]) == 4
    assert (await officer.submit(f"{page}/draw", {"value": "", "where": ""})).status_code == 422
    assert (await officer.submit(f"{page}/draw", {"value": "1 2 3", "where": "公报"})).status_code == 303
    file = (await public.get(f"{page}/draw.json")).json()
    assert (file["outside"]["value"], file["commitment"]) == ("1 2 3", frozen["commitment"])
    shown = words((await public.get(page)).text)
    assert "抽中的机构与检查结果" in shown
    assert "记录结果" not in shown
    number = await db.value("select id from grading_inspection order by place limit 1")
    form = f"/inspections/records/{number}"
    found = {"visited_on": "2027-11-15", "inspectors": "甲、乙", "facts": "看了档案", "outcome": "finding"}
    refused = await officer.submit(form, found)
    assert refused.status_code == 422
    assert "请选择记分条目" in refused.text
    assert (await officer.submit(form, found | {"outcome": "clean"})).status_code == 303
    after = words((await public.get(page)).text)
    assert "未发现问题" in after
    assert "看了档案" not in after, "facts are for the agency and the officers"
    assert (await public.get(form)).status_code in {302, 303, 401, 403}


async def test_successors_and_persons_by_forms(later, browse):
    old, new = await make_agency(controller="孙甲乙"), await make_agency(controller="孙甲乙")
    first, second, successor = (
        await browse(Role.GRADING_OFFICER),
        await browse(Role.GRADING_OFFICER),
        await browse(new.member),
    )
    made = await first.submit(
        "/inheritance/new", {"predecessor": old.agency_id, "successor": new.agency_id, "facts": "同一控制人"}
    )
    assert made.status_code == 303, made.text
    page = made.headers["location"].partition("?")[0]
    assert (await (await browse()).get(page)).status_code == 404
    assert "申辩意见" in words((await successor.get(page)).text)
    assert (await successor.submit(f"{page}/reply", {"text": "不是"})).status_code == 303
    assert (await first.submit(f"{page}/decision", {"verdict": "yes", "reasons": "是"})).status_code == 409
    assert (await second.submit(f"{page}/decision", {"verdict": "yes", "reasons": "是"})).status_code == 303
    assert "认定承继，生效中" in words((await (await browse()).get(page)).text)
    assert "同一实际控制人" not in words((await (await browse()).get(page)).text), "ties are not for the public"
    assert (await second.submit(f"{page}/clearing", {"clearing": "已独立"})).status_code == 303
    certificate = await db.value("select certificate_no from agencies_practitioner where agency = $1", new.agency_id)
    data = {
        "certificate_no": certificate,
        "document_no": "演示 3 号",
        "authority": "某局",
        "facts": "某某",
        "starts_on": "2027-11-15",
        "ends_on": "2032-11-15",
        "bars": "on",
    }
    assert (await first.submit("/conduct/persons", data)).status_code == 303
    assert certificate in (await first.get("/conduct/persons")).text
    assert "禁业，不能签字" in words((await successor.get("/my-grade")).text)
    assert (await successor.get("/conduct/persons")).status_code == 403


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
async def test_every_page_in_both_languages(later, browse, lang):
    made, other = await make_agency(controller="孙甲乙"), await make_agency(controller="孙甲乙")
    ground = await barred(made)
    somebody = await make.member(Role.GRADING_OFFICER)
    certificate = await db.value("select certificate_no from agencies_practitioner where agency = $1", made.agency_id)
    await flag_person(
        actor=somebody,
        flag=Flag(certificate, "演示 3 号", "某局", "某某", False, date(2027, 11, 1), date(2030, 11, 1)),
    )
    await services.suggest_successors()
    pair = await db.value("select id from grading_inheritance where successor = $1", other.agency_id)
    plan = await services.announce_plan(actor=somebody, outside_source="lottery")
    await services.draw_plan(actor=somebody, plan_id=plan.plan_id, value="1", where="gazette")
    inspection = await db.value("select id from grading_inspection limit 1")
    officer, agency, public = (
        await browse(somebody, lang=lang),
        await browse(made.member, lang=lang),
        await browse(lang=lang),
    )
    pages = [
        *((public, one) for one in ("/grading/consequences", "/inspections", f"/inspections/{plan.plan_id}")),
        *((agency, one) for one in ("/my-grade", f"/direct-d/{ground}/way-back", "/inheritance", "/desk")),
        *((officer, one) for one in ("/way-back", "/inheritance", f"/inheritance/{pair}", "/inheritance/new")),
        *((officer, one) for one in ("/conduct/persons", f"/inspections/records/{inspection}", "/conduct", "/desk")),
    ]
    for reader, address in pages:
        answer = await reader.get(address)
        assert answer.status_code == 200, address
        if lang == "en" and address not in {
            "/my-grade",
            "/inheritance/new",
            "/desk",
            "/grading/consequences",
            "/conduct",
        }:
            main = words(answer.text[answer.text.index("<main") : answer.text.index("</main")])
            left = CHINESE.findall(DATA.sub("", main))
            assert len(left) < 12, (address, "".join(left)[:200])


async def test_the_json_twins(later, api):
    made = await make_agency()
    await make_grade(made.agency_id, CreditGrade.B)
    public, officer, agency = await api(), await api(Role.GRADING_OFFICER), await api(made.member)
    measures = (await public.get("/api/v1/grade-consequences")).json()
    assert measures["grades"]["A"]["bond_percent"] == 0
    assert measures["measures"][0]["basis"]
    assert (await agency.get("/api/v1/my-grade")).json()["professions"][0]["grade"] == "B"
    key = {"Idempotency-Key": "k1"}
    announced = await officer.post("/api/v1/inspection-plans", json={"outside_source": "x"}, headers=key)
    assert announced.status_code == 201, announced.text
    url = f"/api/v1/inspection-plans/{announced.json()['plan_id']}"
    again = await officer.post("/api/v1/inspection-plans", json={"outside_source": "x"}, headers=key)
    assert again.json() == announced.json(), "the same key is the same act"
    drawn = await officer.post(f"{url}/draw", json={"value": "1", "where": "2"}, headers={"Idempotency-Key": "k2"})
    assert drawn.status_code == 201
    (row,) = (await public.get(url)).json()["inspections"]
    assert "organization_id" not in row
    body = {"visited_on": "2027-11-15", "inspectors": "a, b", "facts": "c", "outcome": "clean"}
    done = await officer.post(
        f"/api/v1/inspections/{row['inspection_id']}/result", json=body, headers={"Idempotency-Key": "k3"}
    )
    assert done.status_code == 201, done.text
    assert (await agency.get("/api/v1/person-flags")).status_code == 403
    assert (await officer.get("/api/v1/person-flags")).json()["items"] == []
    assert (await agency.get("/api/v1/inheritances")).json()["items"] == []
    assert (await agency.get("/api/v1/way-backs")).json()["items"] == []
