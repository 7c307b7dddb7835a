"""The pages, as people see them: visible words, who may enter, refused forms kept as typed."""

import hashlib
import html
import json
import re
from datetime import UTC, datetime, timedelta

import pypdfium2
import pytest

from agencies.rules import Profession
from core import clock, db
from core.identity import SYSTEM, Role
from grading import services
from grading.queries.certificates import certificates_of
from grading.queries.runs import run_reports
from tests.factories import core as make
from tests.factories import grading as g
from tests.factories.agencies import MadeAgency, make_agency

pytestmark = pytest.mark.anyio

DAY = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
SIGN_DAY = DAY + timedelta(days=8)
SURVEYING = Profession.SURVEYING
LANGUAGES = ("zh_Hans", "en")


@pytest.fixture
async def on_a_monday(db: None):
    with clock.at(DAY):
        yield


async def made_with_results(marks: tuple[str, ...] = ("88", "82", "90", "79", "85", "91", "84", "86")) -> MadeAgency:
    made = await make_agency()
    field = await g.make_field()
    for n, mark in enumerate(marks):
        await g.make_result(made.agency_id, field, mark, days_ago=20 + 10 * n)
    return made


async def published() -> MadeAgency:
    made = await made_with_results()
    receipt = await services.prepare_run(actor=SYSTEM, as_of=DAY.date())
    with clock.at(SIGN_DAY):
        await services.publish_run(actor=await make.member(Role.GRADING_OFFICER), run_id=receipt.run_id)
    return made


def words(page: str) -> str:
    """Visible text, without tags and doubled spaces."""
    return " ".join(html.unescape(re.sub(r"<script.*?</script>|<[^>]+>", " ", page, flags=re.S)).split())


def effects(page: str) -> list[float]:
    """The figures in the column of effects, the total last."""
    table = page[page.index("x-explain") : page.index("</tfoot>")]
    found = re.findall(r'x-num(?: x-pm(?: neg)?)?">([+−]?[\d.]+)</b>', table)
    return [float(f.replace("−", "-").replace("+", "")) for f in found]


async def test_the_explanation_adds_up_on_the_page(on_a_monday, browse):
    made = await published()
    address = f"/agencies/{made.agency_id}/grade/surveying"
    page = (await (await browse(made.member)).get(address)).text
    figures = effects(page)
    assert len(figures) == 10  # the field level, eight results, the total
    assert round(sum(figures[:-1]), 2) == figures[-1]
    for sentence in ("行业基准", "离 A 级还差什么", "没有有效的不良行为记分", "下载，自己重算", "什么会改变等级"):
        assert sentence in words(page)


async def test_everybody_else_sees_the_sums_and_no_single_case(on_a_monday, browse):
    made = await published()
    address = f"/agencies/{made.agency_id}/grade/surveying"
    mine = (await (await browse(made.member)).get(address)).text
    assert "第 " in mine
    assert "severity#R-" in mine
    clients = await db.rows("select name_zh from core_organization o join contracts_contract c on c.client = o.id")
    for reader in (None, Role.CLIENT, await make_agency()):
        page = (await (await browse(reader.member if isinstance(reader, MadeAgency) else reader)).get(address)).text
        main = page[page.index("<main") : page.index("</main>")]
        figures = effects(page)
        assert len(figures) == 3  # the field level, the year's results, the total
        assert round(sum(figures[:-1]), 2) == figures[-1] == effects(mine)[-1]
        assert "severity#R-" not in main
        assert "什么会改变等级" not in main
        assert not [row["name_zh"] for row in clients if row["name_zh"] in main]
        assert "在 1 家中由高到低第 1" in words(main)
    officer = (await (await browse(Role.GRADING_OFFICER)).get(address)).text
    assert len(effects(officer)) == 10


async def test_the_api_keeps_the_same_silence(on_a_monday, api):
    made = await published()
    address = f"/api/v1/agencies/{made.agency_id}/grades/surveying"
    mine = (await (await api(made.member)).get(address)).json()
    other = (await (await api(Role.CLIENT)).get(address)).json()
    assert len(mine["evidence"]["cases"]) == len(mine["outcome"]["explanation"]["cases"]) == 8
    assert (other["evidence"]["cases"], other["outcome"]["explanation"]["cases"], other["results"]) == ([], [], 8)
    assert other["outcome"]["score"] == mine["outcome"]["score"]
    assert "R-" not in json.dumps(other["outcome"])
    assert (await (await api(made.member)).get(f"{address}/outlook")).json()["target"] == "A"
    assert (await (await api(Role.CLIENT)).get(f"{address}/outlook")).status_code == 404


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_public_pages_in_both_languages(on_a_monday, browse, lang):
    made = await published()
    (line,) = await certificates_of(made.agency_id, SURVEYING)
    reader = await browse(lang=lang)
    for address in (
        "/grades",
        "/grades?profession=surveying",
        "/grading/method",
        "/verify",
        f"/verify/{line.number}",
        f"/agencies/{made.agency_id}/grade/surveying",
    ):
        answer = await reader.get(address)
        assert answer.status_code == 200, address
        if lang == "en":
            assert not chinese_labels(answer.text), address


def chinese_labels(page: str) -> list[str]:
    """Headings, table heads, labels, buttons and terms that are left in Chinese; data may be Chinese."""
    main = page[page.index("<main") : page.index("</main>")]
    parts = re.findall(r'<(h2|h3|th scope="col"[^>]*|label[^>]*|button[^>]*|dt)>(.*?)</', main, flags=re.S)
    texts = [re.sub("<[^>]+>", "", text) for _tag, text in parts]
    return [text for text in texts if re.search("[\u4e00-\u9fff]", text)]


async def test_htmx_gets_the_fragment_only(on_a_monday, browse):
    made = await published()
    reader = await browse()
    fragment = await reader.get(f"/agencies/{made.agency_id}/grade/surveying", headers={"HX-Request": "true"})
    assert "<html" not in fragment.text
    assert "分是怎么来的" in words(fragment.text)


async def test_an_agency_that_was_never_graded_says_so(on_a_monday, browse):
    made = await make_agency()
    page = await (await browse()).get(f"/agencies/{made.agency_id}/grade/surveying")
    assert "证据不足" in words(page.text)
    assert (await (await browse()).get(f"/agencies/{made.agency_id}/grade/nonsense")).status_code == 404
    assert (await (await browse()).get("/agencies/999999/grade/surveying")).status_code == 404


async def test_the_evidence_file_recomputes_to_its_digest(on_a_monday, browse):
    made = await published()
    report_id = await db.value("select id from grading_report where agency = $1", made.agency_id)
    for reader in (None, made.member):
        answer = await (await browse(reader)).get(f"/grading/evidence/{report_id}")
        assert answer.status_code == 200
        body = answer.json()
        assert len(body["evidence"]["cases"]) == (8 if body["complete"] else 0)
    assert body["complete"]
    canonical = json.dumps(body["evidence"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(canonical.encode()).hexdigest() == body["evidence_digest"]
    assert "测试员" not in json.dumps(body, ensure_ascii=False)  # reviewers appear under an alias


async def test_the_scheme_file_is_the_published_text(on_a_monday, browse):
    answer = await (await browse()).get("/grading/schemes/XT-2026.1")
    assert hashlib.sha256(answer.content).hexdigest() == g.scheme().digest
    assert (await (await browse()).get("/grading/schemes/NONE")).status_code == 404


async def test_the_whole_life_of_a_draft_through_the_browser(on_a_monday, browse):
    made = await made_with_results()
    officer = await browse(Role.GRADING_OFFICER)
    assert "生成草案" in words((await officer.get("/runs")).text)
    answer = await officer.submit("/runs", {"as_of": "2026-11-02"})
    assert answer.status_code == 303
    run_id = int(answer.headers["location"].rsplit("/", 1)[1])
    (line,) = await run_reports(run_id)
    agency = await browse(made.member)
    page = await agency.get(f"/grading/reports/{line.report_id}")
    assert "核对草案" in words(page.text)
    assert "签发" not in words(page.text[page.text.index("<main") : page.text.index("</main>")]).replace("签发人", "")
    answer = await agency.submit(f"/grading/reports/{line.report_id}/comment", {"text": "第三件请核对准时分"})
    assert answer.status_code == 303
    early = await officer.submit(f"/grading/reports/{line.report_id}/publish", {"text": "已核对"})
    assert (early.status_code, "期满后才能签发" in words(early.text)) == (409, True)
    with clock.at(SIGN_DAY):
        officer = await browse(Role.GRADING_OFFICER)  # sessions do not last a week
        unanswered = await officer.submit(f"/grading/reports/{line.report_id}/publish", {"text": ""})
        assert (unanswered.status_code, "请写明是否采纳" in words(unanswered.text)) == (422, True)
        done = await officer.submit(f"/grading/reports/{line.report_id}/publish", {"text": "记录无误"})
        assert done.status_code == 303
        shown = words((await (await browse()).get(f"/agencies/{made.agency_id}/grade/surveying")).text)
    assert "第三件请核对准时分" in shown
    assert "记录无误" in shown


async def test_a_comment_sent_twice_has_one_effect(on_a_monday, browse):
    made = await made_with_results()
    receipt = await services.prepare_run(actor=SYSTEM, as_of=DAY.date())
    (line,) = await run_reports(receipt.run_id)
    agency = await browse(made.member)
    form = agency.guard() | {"text": "一次"}
    first = await agency.post(f"/grading/reports/{line.report_id}/comment", data=form)
    second = await agency.post(f"/grading/reports/{line.report_id}/comment", data=form)
    assert (first.status_code, second.status_code) == (303, 303)
    assert await db.value("select count(*) from core_trail_entry where act = 'grade.commented'") == 1


async def test_runs_are_signed_from_the_run_page(on_a_monday, browse):
    await made_with_results()
    receipt = await services.prepare_run(actor=SYSTEM, as_of=DAY.date())
    officer = await browse(Role.GRADING_OFFICER)
    assert "机构核对到" in words((await officer.get(f"/runs/{receipt.run_id}")).text)
    early = await officer.submit(f"/runs/{receipt.run_id}/publish")
    assert early.status_code == 409
    with clock.at(SIGN_DAY):
        officer = await browse(Role.GRADING_OFFICER)
        assert "签发 1 份无意见的报告" in words((await officer.get(f"/runs/{receipt.run_id}")).text)
        assert (await officer.submit(f"/runs/{receipt.run_id}/publish")).status_code == 303
        assert "全部签发" in words((await officer.get(f"/runs/{receipt.run_id}")).text)


@pytest.mark.parametrize("role", [None, Role.CLIENT, Role.AGENCY, Role.REVIEWER])
async def test_the_officers_pages_are_closed_to_others(on_a_monday, browse, role):
    somebody = await browse(role)
    for address in ("/runs", "/conduct/new", "/conduct/direct-d"):
        answer = await somebody.get(address)
        assert answer.status_code in (303, 401, 403), address
    assert (await somebody.submit("/runs", {"as_of": "2026-11-02"})).status_code in (303, 401, 403)


async def test_a_run_for_a_day_ahead_keeps_the_form(on_a_monday, browse):
    officer = await browse(Role.GRADING_OFFICER)
    answer = await officer.submit("/runs", {"as_of": "2026-12-24"})
    assert answer.status_code == 422
    assert 'value="2026-12-24"' in answer.text
    assert "日期不能晚于今天" in words(answer.text)


async def test_conduct_from_proposal_to_decision(on_a_monday, browse):
    made = await make_agency()
    first, second, agency = await browse(Role.REGISTRAR), await browse(Role.GRADING_OFFICER), await browse(made.member)
    form = {
        "agency_id": str(made.agency_id),
        "profession": "surveying",
        "code": "CP-0501",
        "found_on": "2026-10-30",
        "facts": "中选后放弃",
        "source": "中选记录",
    }
    refused = await first.submit("/conduct/new", form | {"facts": "", "found_on": "2026-12-30"})
    assert (refused.status_code, "中选记录" in refused.text) == (422, True)
    proposed = await first.submit("/conduct/new", form)
    address = proposed.headers["location"]
    assert (await (await browse()).get(address)).status_code == 404
    assert "提交申辩" in words((await agency.get(address)).text)
    assert (await agency.submit(f"{address}/reply", {"text": "业主违约在先"})).status_code == 303
    assert "业主违约在先" in words((await second.get(address)).text)
    assert (await first.submit(f"{address}/decide", {"verdict": "uphold", "reasons": "x"})).status_code == 403
    undecided = await second.submit(f"{address}/decide", {"reasons": "证据充分"})
    assert (undecided.status_code, "证据充分" in undecided.text) == (422, True)
    assert (await second.submit(f"{address}/decide", {"verdict": "uphold", "reasons": "证据充分"})).status_code == 303
    public = await (await browse()).get(address)
    assert "记分 5 分" in words(public.text)
    assert "业主违约在先" not in words(public.text)  # the reply belongs to the agency and the officers
    assert "无正当理由放弃中选" in words((await agency.get("/conduct")).text)


async def test_a_finding_and_its_reply_carry_files_for_the_parties_only(on_a_monday, browse):
    made = await make_agency()
    recorder, officer, agency = (
        await browse(Role.REGISTRAR),
        await browse(Role.GRADING_OFFICER),
        await browse(made.member),
    )
    form = {
        "agency_id": str(made.agency_id),
        "code": "CP-0501",
        "found_on": "2026-10-30",
        "facts": "中选后放弃",
        "source": "中选记录",
    }
    two = [("evidence", (name, b"%PDF-1.7 " + name.encode(), "application/pdf")) for name in ("放弃函.pdf", "公告.pdf")]
    wrong = [("evidence", ("放弃函.pdf", b"not a pdf", "application/pdf"))]
    assert (await recorder.submit("/conduct/new", form, files=wrong)).status_code == 422
    address = (await recorder.submit("/conduct/new", form, files=two)).headers["location"]
    answer = {"evidence": ("申辩附件.pdf", b"%PDF-1.7 reply", "application/pdf")}
    assert (await agency.submit(f"{address}/reply", {"text": "业主违约在先"}, files=answer)).status_code == 303
    for reader in (recorder, officer, agency):
        shown = (await reader.get(address)).text
        assert all(name in shown for name in ("放弃函.pdf", "公告.pdf", "申辩附件.pdf"))
    links = re.findall(rf'href="({address}/files/[0-9]+)"', (await agency.get(address)).text)
    assert len(links) == 3
    assert (await officer.get(links[2])).content == b"%PDF-1.7 reply"
    assert (await officer.submit(f"{address}/decide", {"verdict": "uphold", "reasons": "证据充分"})).status_code == 303
    stranger, anybody = await browse(Role.AGENCY), await browse()
    for outside in (stranger, anybody):
        page = await outside.get(address)  # the finding is public now, its files are not
        assert page.status_code == 200
        assert "放弃函.pdf" not in page.text
        assert "申辩附件.pdf" not in page.text
    assert (await stranger.get(links[0])).status_code == 404
    assert (await anybody.get(links[0])).status_code in (303, 401)


async def test_a_direct_d_from_the_form_is_published(on_a_monday, browse):
    made = await make_agency()
    officer = await browse(Role.GRADING_OFFICER)
    form = {
        "agency_id": str(made.agency_id),
        "profession": "surveying",
        "code": "DD-02",
        "document_no": "演示测罚〔2026〕7 号",
        "authority": "演示机关",
        "facts": "出借资质",
        "starts_on": "2026-11-02",
        "ends_on": "2027-03-02",
    }
    short = await officer.submit("/conduct/direct-d", form)
    assert (short.status_code, "12 至 36 个月" in words(short.text)) == (422, True)
    done = await officer.submit("/conduct/direct-d", form | {"ends_on": "2027-11-02"})
    assert done.status_code == 303
    page = words((await (await browse()).get(f"/agencies/{made.agency_id}/grade/surveying")).text)
    assert "演示测罚〔2026〕7 号" in page
    assert "D 级（较差）" in page


async def test_a_certificate_is_verified_by_number(on_a_monday, browse):
    made = await published()
    (line,) = await certificates_of(made.agency_id, SURVEYING)
    reader = await browse()
    with clock.at(SIGN_DAY):
        found = await reader.get("/verify", params={"number": f" {line.number.lower()} "})
        assert found.headers["location"] == f"/verify/{line.number}"
        page = words((await reader.get(f"/verify/{line.number}")).text)
        assert "有效" in page
        assert "按留存证据重算，得" in page
    unknown = await reader.get("/verify/XT-DJ-2026-999999")
    assert (unknown.status_code, "查无此号" in words(unknown.text)) == (404, True)


async def test_superseded_and_revoked_certificates_say_so(on_a_monday, browse):
    made = await published()
    (line,) = await certificates_of(made.agency_id, SURVEYING)
    with clock.at(SIGN_DAY):
        officer = await browse(Role.GRADING_OFFICER)
        form = {"document_no": "演示撤字〔2026〕4 号", "reason": "提供虚假材料"}
        assert (await officer.submit(f"/verify/{line.number}/revoke", form)).status_code == 303
        page = words((await (await browse()).get(f"/verify/{line.number}")).text)
        assert "已撤销" in page
        assert "演示撤字〔2026〕4 号" in page


async def test_the_pdf_carries_the_certificate_and_the_checkpoint(on_a_monday, browse):
    made = await published()
    (line,) = await certificates_of(made.agency_id, SURVEYING)
    answer = await (await browse()).get(f"/verify/{line.number}/pdf")
    assert answer.headers["content-type"] == "application/pdf"
    document = pypdfium2.PdfDocument(answer.content)
    text = "".join(document[0].get_textpage().get_text_range().split())
    for part in (made.name_zh, line.number, made.uscc, "B级（良好）", "留痕检查点"):
        assert part.replace(" ", "") in text
    assert len(document) == 1
    assert b"pdfaid:part" in answer.content


async def test_names_cannot_become_instructions_in_the_pdf(on_a_monday, browse):
    made = await published()
    (line,) = await certificates_of(made.agency_id, SURVEYING)
    trick = '#read("/etc/passwd") $x$ *粗* \\ <b>'
    await db.execute("update grading_certificate set name_zh = $2 where number = $1", line.number, trick)
    answer = await (await browse()).get(f"/verify/{line.number}/pdf")
    text = pypdfium2.PdfDocument(answer.content)[0].get_textpage().get_text_range()
    assert '#read("/etc/passwd")' in text


async def test_what_waits_stands_on_the_desk(on_a_monday, browse):
    made = await made_with_results()
    receipt = await services.prepare_run(actor=SYSTEM, as_of=DAY.date())
    agency, officer = await browse(made.member), await browse(Role.GRADING_OFFICER)
    assert "评级草案" in words((await agency.get("/desk")).text)
    assert f"/runs/{receipt.run_id}" in (await officer.get("/desk")).text


async def test_the_next_evaluation_is_never_in_the_past(on_a_monday, browse):
    made = await published()
    page = f"/agencies/{made.agency_id}/grade/surveying"
    with clock.at(SIGN_DAY):
        anybody = await browse()
        assert "下次 2026-12-01" in words((await anybody.get(page)).text)
    with clock.at(datetime(2027, 1, 12, 1, 0, tzinfo=UTC)):  # the runs of December and January were not signed
        assert "下次 2027-02-01" in words((await anybody.get(page)).text)


async def test_the_chart_of_the_place_speaks_the_readers_language(on_a_monday, browse):
    made = await published()
    with clock.at(SIGN_DAY):
        anybody = await browse(lang="en")
        text = (await anybody.get(f"/agencies/{made.agency_id}/grade/surveying")).text
    (drawn,) = re.findall(r'data-chart="hist".*?<script type="application/json">(.*?)</script>', text, re.S)
    assert json.loads(html.unescape(drawn))["mine"].endswith("\nhere")
