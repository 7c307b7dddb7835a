"""The guide for visitors, the plan, the basket and batches, over HTTP."""

import io
from datetime import datetime, timedelta
from typing import Any

import openpyxl
import pytest

from core import clock, db
from core.identity import Role
from market import services, sheets
from market.queries.guide import handling_of, project_course
from market.rules.guide import Handling
from tests.conftest import Browse
from tests.factories import core as make
from tests.factories.market import make_project, soonest

pytestmark = pytest.mark.anyio
OIL = "/guide/result?type=PT-05&Q01=yes&Q03=allocated&Q05=no&Q06=no&Q07=no&Q08=no&Q09=yes&Q10=yes&Q11=report&Q13=yes"
OIL += "&Q14=yes&Q15=large&Q19=yes&Q20=yes&Q21=yes&Q22=yes&Q23=yes"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def local(moment: datetime) -> str:
    return f"{clock.shanghai(moment):%Y-%m-%dT%H:%M}"


async def plan(client: Any, project_id: int, **handling: Handling) -> services.PlanReceipt:
    answers = {"Q06": "yes", "Q11": "form", "Q05": "no", "Q04": "no"}
    named = {f"XT-{code.replace('_', '-')}": each for code, each in handling.items()}
    return await services.keep_plan(
        client, project_id=project_id, project_type="PT-06", answers=answers, started_on=clock.today(), handling=named
    )


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
async def test_a_visitor_gets_its_list_and_nothing_is_stored(db_: None, browse: Browse, lang: str) -> None:
    visitor = await browse(None, lang=lang)
    for address in ["/guide", "/guide?type=PT-04", "/guide?type=PT-06&Q11=<x>", "/guide/result?type=PT-02&Q04=maybe"]:
        assert (await visitor.get(address)).status_code == 200, address
    page = (await visitor.get(OIL)).text
    assert "68" in page
    assert "19" in page
    assert "测绘法" in page
    assert (await visitor.get("/guide/result?type=PT-99")).status_code == 404
    assert (await visitor.get("/guide/result")).status_code == 404
    assert (await visitor.get("/projects/1/plan")).status_code in {303, 401}


async def test_only_relevant_questions_are_shown(db_: None, browse: Browse) -> None:
    page = (await (await browse(None)).get("/guide?type=PT-04")).text
    assert 'name="Q10"' in page
    assert 'name="Q13"' not in page


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
async def test_a_client_keeps_the_plan_and_sees_it_on_the_project(db_: None, browse: Browse, lang: str) -> None:
    project_id, client = await make_project()
    browser = await browse(client, lang=lang)
    assert (await browser.get(f"/projects/{project_id}")).status_code == 200
    assert f'value="{project_id}" selected' in (await browser.get(OIL + f"&project={project_id}")).text
    form = {"type": "PT-06", "Q11": "form", "Q06": "yes", "project_id": project_id, "started_on": "2026-03-02"}
    sent = await browser.submit("/guide/plan", form | {"handle-XT-SV-01": "have", "handle-XT-CN-01": "basket"})
    assert sent.headers["location"] == f"/projects/{project_id}/plan"
    assert await handling_of(project_id) == {"XT-SV-01": Handling.HAVE, "XT-CN-01": Handling.BASKET}
    for address in [f"/projects/{project_id}", f"/projects/{project_id}/plan", f"/projects/{project_id}/basket"]:
        page = await browser.get(address)
        assert page.status_code == 200, address
    entry = await entry_of("plan.kept")
    assert entry["subject"] == f"project:{project_id}"


async def entry_of(act: str) -> Any:
    return await db.row("select subject from core_trail_entry where act = $1 order by id desc limit 1", act)


async def test_a_bad_date_gives_the_form_back(db_: None, browse: Browse) -> None:
    project_id, client = await make_project()
    browser = await browse(client)
    sent = await browser.submit("/guide/plan", {"type": "PT-06", "project_id": project_id, "started_on": "tomorrow"})
    assert sent.status_code == 422
    assert 'value="tomorrow"' in sent.text


async def test_a_foreign_project_is_absent(db_: None, browse: Browse) -> None:
    project_id, client = await make_project()
    await plan(client, project_id, SV_01=Handling.BASKET)
    stranger = await browse(Role.CLIENT)
    for address in [f"/projects/{project_id}/plan", f"/projects/{project_id}/basket"]:
        assert (await stranger.get(address)).status_code == 404, address
    form = {"type": "PT-06", "project_id": project_id, "started_on": "2026-03-02"}
    assert (await stranger.submit("/guide/plan", form)).status_code == 404
    assert (await stranger.submit(f"/projects/{project_id}/plan", {"handle-XT-SV-01": "have"})).status_code == 404


async def test_what_the_law_does_not_allow_is_refused(db_: None, browse: Browse) -> None:
    project_id, client = await make_project()
    browser = await browse(client)
    own = await browser.submit(f"/projects/{project_id}/plan", {"handle-XT-SV-01": "self"})
    assert own.status_code == 422
    assert "不能自行编制" in own.text
    department = await browser.submit(f"/projects/{project_id}/plan", {"handle-XT-OT-03": "basket"})
    assert department.status_code == 422
    assert "由主管部门委托" in department.text
    allowed = await browser.submit(f"/projects/{project_id}/plan", {"handle-XT-WT-01": "self"})
    assert allowed.status_code == 303


async def basket_form(**changes: Any) -> dict[str, Any]:
    form = {
        "fund_source": "own",
        "method": "lowest-price",
        "deadline": local(await soonest() + timedelta(hours=9)),
        "requirements": "本事项法定资质",
        "payment_terms": "审查通过后 10 日内付清",
    }
    for n, code in enumerate(["XT-SV-01", "XT-CN-01"]):
        line = {"item_code": code, "include": "on", "scale": "约 5 公顷", "ceiling": "20000", "days_limit": "8"}
        form |= {f"lines-{n}-{name}": value for name, value in line.items()}
    return form | {name.replace("__", "-"): value for name, value in changes.items()}


async def published(project_id: int) -> int:
    count: int = await db.value("select count(*) from market_notice where project = $1", project_id)
    return count


async def test_a_basket_is_posted_whole(db_: None, browse: Browse) -> None:
    project_id, client = await make_project()
    await plan(client, project_id, SV_01=Handling.BASKET, CN_01=Handling.BASKET)
    browser = await browse(client)
    form = await basket_form()
    form["lines-1-method"] = "random-draw"
    sent = await browser.submit(f"/projects/{project_id}/basket", form)
    assert sent.status_code == 303, sent.text
    methods = await db.rows("select method, state from market_notice where project = $1 order by id", project_id)
    assert [tuple(row) for row in methods] == [("lowest-price", "published"), ("random-draw", "published")]
    assert await handling_of(project_id) == {}
    assert (await entry_of("basket.posted"))["subject"] == f"project:{project_id}"


async def test_one_bad_line_stops_the_whole_basket_and_says_where(db_: None, browse: Browse) -> None:
    project_id, client = await make_project()
    await plan(client, project_id, SV_01=Handling.BASKET, CN_01=Handling.BASKET)
    browser = await browse(client)
    form = await basket_form()
    typed = await browser.submit(f"/projects/{project_id}/basket", form | {"lines-1-ceiling": "viel"})
    assert typed.status_code == 422
    assert 'href="#f-lines-1-ceiling"' in typed.text
    late = form | {"lines-1-deadline": "2020-01-01T10:00", "lines-0-days_limit": "900"}
    judged = await browser.submit(f"/projects/{project_id}/basket", late)
    assert judged.status_code == 422
    assert 'href="#f-lines-1-deadline"' in judged.text
    assert 'href="#f-lines-0-days_limit"' in judged.text
    department = await browser.submit(f"/projects/{project_id}/basket", form | {"lines-1-item_code": "XT-SV-03"})
    assert 'href="#f-lines-1-item_code"' in department.text
    nothing = {name: value for name, value in form.items() if not name.endswith("include")}
    assert (await browser.submit(f"/projects/{project_id}/basket", nothing)).status_code == 422
    assert await published(project_id) == 0
    assert len(await handling_of(project_id)) == 2


async def test_plan_against_reality_on_the_project_page(db_: None, browse: Browse) -> None:
    project_id, client = await make_project()
    await plan(client, project_id, SV_01=Handling.BASKET, WT_01=Handling.SELF)
    browser = await browse(client)
    await browser.submit(
        f"/projects/{project_id}/basket",
        {name: value for name, value in (await basket_form()).items() if not name.startswith("lines-1")},
    )
    with clock.at(clock.now() + timedelta(days=30)):
        found = await project_course(project_id, client)
        assert found is not None
        by_item = {one.step.item: one for one in found.steps}
        assert by_item["XT-SV-01"].standing.value == "posted"
        assert by_item["XT-SV-01"].behind > 0
        assert by_item["XT-WT-01"].standing.value == "own"
        assert by_item["XT-CN-01"].standing.value == "not-begun"
        again = await browse(client)
        page = (await again.get(f"/projects/{project_id}")).text
        assert "已发公告，晚" in page
        assert "该开始了，还没有发公告，晚" in page
    visitor = (await (await browse(None)).get(f"/projects/{project_id}")).text
    assert "计划与实际" not in visitor, "a client's planning is its own"


# --- batches ----------------------------------------------------------------------------------


HEAD = ["站点名称", "建设地点", "规模与内容", "总投资（元）", "金额（元）", "服务期限（工作日）"]


def site(n: int) -> list[Any]:
    return [f"通信基站 {n:03}", f"新泰市 {n} 号", "45 米单管塔", 280000, 3500, 8]


def workbook(rows: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


async def batch_form(**changes: Any) -> dict[str, Any]:
    form = await basket_form(item_code="XT-EV-02") | changes
    return {name: value for name, value in form.items() if not name.startswith("lines-")}


async def upload(browser: Any, body: bytes, name: str = "sites.xlsx", **changes: Any) -> Any:
    return await browser.submit("/batches", await batch_form(**changes), files={"sheet": (name, body, XLSX)})


async def test_130_sites_become_130_projects_with_a_notice_each(db_: None, browse: Browse) -> None:
    client = await make.member(Role.CLIENT)
    browser = await browse(client)
    sent = await upload(browser, workbook([HEAD, *(site(n) for n in range(130))]))
    assert sent.status_code == 303, sent.text
    address = sent.headers["location"]
    assert "hx-get" in (await browser.get(address)).text, "it looks again by itself"
    batch_id = int(address.rpartition("/")[2])
    assert await services.post_batch(batch_id) == 130
    assert await services.post_batch(batch_id) == 0, "idempotent"
    found = await db.rows(
        "select count(*) as notices, count(distinct project) as projects from market_notice"
        " where client = $1 and state = 'published'",
        client.organization_id,
    )
    assert tuple(found[0]) == (130, 130)
    page = (await browser.get(address)).text
    assert "办完了：发出 130 份公告" in page
    assert "hx-get" not in page
    fragment = (await browser.get(address, headers={"hx-request": "true"})).text
    assert "<html" not in fragment
    assert (await (await browse(Role.CLIENT)).get(address)).status_code == 404


@pytest.fixture
def db_(db: None) -> None:
    """The database under another name: this module reads with `core.db`."""


async def test_a_report_per_row_and_nothing_written(db_: None, browse: Browse) -> None:
    client = await make.member(Role.CLIENT)
    browser = await browse(client)
    bad = [*site(2)[:4], "dear", 8]
    rows = [HEAD, site(1), bad, site(1), [*site(4)[:4], "=1+1", 8], ["", *site(5)[1:]]]
    sent = await upload(browser, workbook(rows))
    assert sent.status_code == 422
    for words in ["第 2 行是同一个站点", "这一格是公式", "请填写金额", "请填写这一项", "只发没有问题的 1 行"]:
        assert words in sent.text, words
    assert await db.value("select count(*) from market_batch") == 0
    assert await db.value("select count(*) from market_project where client = $1", client.organization_id) == 0
    some = await upload(browser, workbook(rows), good_only="on")
    assert some.status_code == 303
    batch_id = int(some.headers["location"].rpartition("/")[2])
    assert await services.post_batch(batch_id) == 1
    page = (await browser.get(some.headers["location"])).text
    assert "发出 1 份公告，没有发出 4 行" in page
    none = await upload(browser, workbook([HEAD, bad]), good_only="on")
    assert none.status_code == 422


async def test_a_row_that_fails_later_is_reported_and_the_rest_goes_on(db_: None, browse: Browse) -> None:
    client = await make.member(Role.CLIENT)
    browser = await browse(client)
    sent = await upload(browser, workbook([[*HEAD, "截止时间"], [*site(1), ""], [*site(2), ""]]))
    batch_id = int(sent.headers["location"].rpartition("/")[2])
    with clock.at(clock.now() + timedelta(days=60)):
        assert await services.post_batch(batch_id) == 0
    assert "截止时间已经过去" in (await browser.get(sent.headers["location"])).text
    assert await db.value("select count(*) from market_project where client = $1", client.organization_id) == 0


def zip_bomb() -> bytes:
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * (30 * 1024 * 1024))
    return out.getvalue()


def with_entity() -> bytes:
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/workbook.xml", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>')
    return out.getvalue()


@pytest.mark.parametrize(
    ("body", "name", "words"),
    [
        (workbook([HEAD]), "a.xlsx", "表里没有站点"),
        (workbook([]), "a.xlsx", "表里没有站点"),
        (b"", "a.csv", "表里没有站点"),
        (workbook([["名字", *HEAD[1:]], site(1)]), "a.xlsx", "缺少：站点名称；不认识：名字"),
        (workbook([HEAD, *(site(n) for n in range(10_000))]), "a.xlsx", "超过 500 行"),
        (b"%PDF-1.7", "a.xlsx", "扩展名不符"),
        (b"MZ\x00\x00", "a.csv", "扩展名不符"),
        (b"PK\x03\x04broken", "a.xlsx", "打不开"),
        (zip_bomb(), "a.xlsx", "展开后太大"),
        (with_entity(), "a.xlsx", "打不开"),
        ('站点名称\n"x'.encode(), "a.csv", "打不开"),
        (b"x" * (1024 * 1024 + 1), "a.csv", "超过 1 MB"),
    ],
    ids=["head", "nothing", "zero", "columns", "many", "pdf", "binary", "zip", "bomb", "entity", "quote", "large"],
)
async def test_bad_files_are_refused_in_words(db_: None, browse: Browse, body: bytes, name: str, words: str) -> None:
    sent = await upload(await browse(Role.CLIENT), body, name)
    assert sent.status_code == 422
    assert words in sent.text
    assert await db.value("select count(*) from market_batch") == 0


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
async def test_csv_as_spreadsheets_save_it(db_: None, browse: Browse, encoding: str) -> None:
    text = "\n".join(",".join(str(cell) for cell in row) for row in [HEAD, site(1), site(2)])
    sent = await upload(await browse(Role.CLIENT), text.encode(encoding), "a.csv")
    assert sent.status_code == 303, sent.text
    formula = text + "\n" + ",".join(map(str, [*site(3)[:4], "=A1", 8]))
    refused = await upload(await browse(Role.CLIENT), formula.encode(encoding), "a.csv")
    assert "这一格是公式" in refused.text
    assert ">4<" in refused.text, "its row"


async def test_the_template_is_what_the_reader_takes(db_: None, browse: Browse) -> None:
    browser = await browse(Role.CLIENT)
    body = (await browser.get("/batches/template.xlsx")).content
    from core.forms import Upload

    cells = sheets.read_cells(Upload("a.xlsx", body))
    assert len(cells) == 2
    sent = await upload(browser, body)
    assert sent.status_code == 303, sent.text
    english = await browse(Role.CLIENT, lang="en")
    assert (await upload(english, (await english.get("/batches/template.xlsx")).content)).status_code == 303


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
async def test_batch_pages_in_both_languages(db_: None, browse: Browse, lang: str) -> None:
    browser = await browse(Role.CLIENT, lang=lang)
    sent = await upload(browser, workbook([HEAD, site(1)]))
    assert (await browser.get("/batches")).status_code == 200
    assert (await browser.get(sent.headers["location"])).status_code == 200
    department = await upload(browser, workbook([HEAD, site(1)]), item_code="XT-SV-03")
    assert department.status_code == 422
    direct = await upload(browser, workbook([HEAD, site(1)]), method="direct")
    assert direct.status_code == 422
    assert (await (await browse(Role.AGENCY)).get("/batches")).status_code == 403
