"""The laboratory over HTTP: the form, the bar, the result, the decision, the public notice, and the JSON twins."""

import io

import openpyxl
import pytest

from core import clock, db
from core.identity import Identity, Role
from core.mail import send_waiting
from grading import services
from grading.controllers.laboratory_charts import flips_chart
from grading.queries.proposals import newest_scheme, proposal
from grading.rules.laboratory import values_of
from grading.services import trying
from tests.factories import core as make
from tests.grading.test_laboratory_services import TODAY, a_past, approved, officer, tried, variant

pytestmark = pytest.mark.anyio

HTMX = {"hx-request": "true"}


@pytest.fixture
async def today(db: None):
    with clock.at(TODAY):
        yield


async def form_of(**typed: str) -> dict[str, str]:
    source = (await newest_scheme())[2]
    numbers = {f"changes-{name}": str(value) for name, value in values_of(source).items()}
    changed = {f"changes-{name.replace('_', '-')}": value for name, value in typed.items()}
    return {**numbers, **changed, "purpose": "优秀线对小机构偏高。"}


async def test_from_the_form_to_the_result_and_the_second_officer(today, browse):
    made = await a_past(("88",) * 9)
    author = await officer()
    browser = await browse(author)
    assert "还没有人试过别的规则" in (await browser.get("/grading/lab")).text
    page = (await browser.get("/grading/lab/new")).text
    assert "原为 90" in page
    assert "各条不良行为的记分" in page
    assert 'name="changes-points:CP-0201"' in page
    reply = await browser.submit("/grading/lab", await form_of(band_a="80", band_b="65"))
    assert reply.status_code == 303
    where = reply.headers["location"]
    page = (await browser.get(where)).text
    assert "试算近 24 个月" in page
    assert "提交审批" not in page
    await browser.submit(f"{where}/replay")
    assert "已排队，马上开始试算" in (await browser.get(where)).text
    await services.run_queued_replays()
    page = (await browser.get(where)).text
    for said in ("等级会变动", "从哪一级到哪一级", "谁会变动", "每年抽查", "同一审查员名下的排序正确率", "↑ 升"):
        assert said in page, said
    assert f"/agencies/{made.agency_id}/grade/surveying" in page
    assert 'data-chart="mix"' in page
    assert "style=" not in page
    assert (await browser.submit(f"{where}/submit")).status_code == 303
    page = (await browser.get(where)).text
    assert "等另一位评级员决定" in page
    refused = await browser.submit(f"{where}/approve", {"reasons": "自己批准。"})
    assert refused.status_code == 403
    assert "须由另一位评级员决定" in refused.text
    second = await browse(await officer())
    assert "规则修改方案" in (await second.get("/desk")).text
    assert "批准并公示" in (await second.get(where)).text
    missing = await second.submit(f"{where}/approve", {"reasons": ""})
    assert missing.status_code == 422
    done = await second.submit(f"{where}/approve", {"reasons": "同意。"})
    assert done.status_code == 303
    assert "2027 年 3 月 1 日" in (await second.get(where)).text or "2027-03-01" in (await second.get(where)).text


async def test_a_refused_form_keeps_every_number_and_names_the_fault(today, browse):
    browser = await browse(await officer())
    typed = await form_of(band_a="200", technical="0.6") | {"changes-points:CP-0201": "3.5"}
    page = await browser.submit("/grading/lab", typed)
    assert page.status_code == 422
    assert 'value="200"' in page.text
    assert 'value="0.6"' in page.text
    assert "A 级起点须为 61 到 99.99 之间的数" in page.text
    assert "之间的整数" in page.text
    assert "<details open>" in page.text
    weights = await browser.submit("/grading/lab", await form_of(technical="0.6"))
    assert weights.status_code == 422
    assert "三项权重之和须为 100%，现为 60 + 15 + 10 = 85%" in weights.text
    assert 'value="0.6"' in weights.text
    same = await browser.submit("/grading/lab", await form_of())
    assert "没有改动任何数值" in same.text
    assert await db.value("select count(*) from grading_proposal") == 0


async def test_the_bar_moves_by_htmx_and_ends_with_the_result(today, browse):
    await a_past()
    author = await officer()
    made = await services.draft_scheme(actor=author, variant=await variant(band_a="85"))
    asked = await services.start_replay(actor=author, proposal_id=made.proposal_id)
    browser, where = await browse(author), f"/grading/lab/{made.proposal_id}"
    dead = await trying._begin(asked.replay_id)
    assert dead is not None
    await trying._save(dead, 1, 2)
    reply = await browser.get(where, headers=HTMX)
    part = reply.text
    assert "hx-refresh" not in reply.headers
    assert "<html" not in part
    assert 'hx-trigger="every 2s"' in part
    assert 'max="2" value="1"' in part
    await services.run_replay(replay_id=asked.replay_id)
    reply = await browser.get(where, headers=HTMX)
    part = reply.text
    assert reply.headers["hx-refresh"] == "true", "so that the next step shows"
    assert "hx-trigger" not in part
    assert "从哪一级到哪一级" in part


async def test_who_would_move_is_a_file(today, browse):
    made = await a_past(("88",) * 9)
    proposal_id = await tried(await officer(), band_a="80", band_b="65")
    browser = await browse(await make.member(Role.MARKET_SUPERVISOR))
    text = (await browser.get(f"/grading/lab/{proposal_id}/grades/movers.csv")).content.decode("utf-8-sig")
    assert text.splitlines()[0].startswith("机构,专业,现行等级,新规则下的等级")
    name = await db.value("select name_zh from agencies_agency where id = $1", made.agency_id)
    assert f"{name},工程测绘,B,A" in text or f"{name}" in text.splitlines()[1]
    body = (await browser.get(f"/grading/lab/{proposal_id}/grades/all.xlsx")).content
    sheet = openpyxl.load_workbook(io.BytesIO(body)).active
    assert sheet is not None
    assert [cell.value for cell in sheet[2]][2:4] == ["B", "A"]
    assert (await browser.get(f"/grading/lab/{proposal_id}/grades/movers.exe")).status_code == 404


def test_a_month_of_one_decision_is_no_month_of_the_chart():
    """A direct D between two evaluations: all of one grade changed, and the line jumped to 100 %."""
    months = [
        {"month": "2026-09", "steps": 20, "today": 1, "variant": 2},
        {"month": "2026-10", "steps": 1, "today": 1, "variant": 1},
        {"month": "2026-11", "steps": 0, "today": 0, "variant": 0},
    ]
    assert flips_chart({"by_month": months})["x"] == ["2026-09"]
    assert flips_chart({"by_month": months[1:]})["x"] == ["2026-10"]
    assert flips_chart({"by_month": months[2:]}) is None


async def test_supervisors_read_and_others_stay_out(today, browse):
    await a_past()
    proposal_id = await tried(await officer(), band_a="85")
    where = f"/grading/lab/{proposal_id}"
    supervisor = await browse(await make.member(Role.MARKET_SUPERVISOR))
    assert (await supervisor.get(where)).status_code == 200
    assert "提交审批" not in (await supervisor.get(where)).text
    assert (await supervisor.get("/grading/lab/new")).status_code == 403
    assert (await supervisor.submit(f"{where}/submit")).status_code == 403
    for role in (Role.AGENCY, Role.CLIENT, Role.REVIEWER):
        outsider = await browse(await make.member(role))
        assert (await outsider.get(where)).status_code == 403
        assert (await outsider.get("/grading/lab")).status_code == 403


async def test_the_public_reads_an_approved_change_and_nothing_before(today, browse):
    made = await a_past(("88",) * 9)
    anybody = await browse(None)
    draft = await proposal(await tried(await officer(), band_a="79"))
    assert (await anybody.get(f"/grading/changes/{draft.number}")).status_code == 404
    number = (await proposal(await approved(band_a="80", band_b="65"))).scheme_code
    assert number == "XT-2026.2"
    await services.run_queued_replays()
    page = (await anybody.get(f"/grading/changes/{number}")).text
    for said in (
        "规则修改公示",
        "A 级起点",
        "90 分",
        "80 分",
        "为什么改",
        "公示至",
        "影子运行至",
        "会改变多少",
        "两套规则对照",
    ):
        assert said in page, said
    assert "贵机构" not in page
    assert "测试员" not in page, "no person is named in public"
    assert number in (await anybody.get("/grading/changes")).text
    assert "现正公示" in (await anybody.get("/grading/method")).text
    assert (await anybody.get(f"/grading/schemes/{number}")).text.startswith("#")
    mine = await browse(made.member)
    page = (await mine.get(f"/grading/changes/{number}")).text
    assert "贵机构在新规则下" in page
    own = f"/agencies/{made.agency_id}/grade/surveying"
    assert "专业的等级将是 A" in (await mine.get(own)).text
    assert "专业的等级将是 A" in (await mine.get("/my-grade")).text
    assert "专业的等级将是" not in (await anybody.get(own)).text


async def test_the_letter_says_what_from_when_and_where(today, browse, tmp_path, monkeypatch):
    await a_past()
    number = (await proposal(await approved(band_a="80"))).scheme_code
    assert number is not None
    letters: list[str] = []
    from core import mail

    def keep(letter):
        letters.append(f"{letter['Subject']}\n{letter.get_content()}")

    monkeypatch.setattr(mail, "_deliver", keep)
    await send_waiting()
    (text,) = [one for one in letters if number in one]
    for said in (
        "2027-03-01",
        "2026-12-18",
        "A 级起点: 90 分 → 80 分",
        f"/grading/changes/{number}",
        "八成五以上就算优秀",
    ):
        assert said in text, said


async def program(api, somebody: Identity):
    made = await api(somebody)
    count = iter(range(1000))

    async def call(path: str, body: dict | None = None):
        return await made.post(f"/api/v1{path}", json=body or {}, headers={"idempotency-key": f"k{next(count)}"})

    return made, call


async def test_programs_do_the_same(today, api):
    await a_past(("88",) * 9)
    reading, call = await program(api, await officer())
    knobs = (await reading.get("/api/v1/scheme-knobs")).json()
    assert knobs["base"] == "XT-2026.1"
    assert {"name": "band-a", "present": "90"}.items() <= knobs["knobs"][0].items()
    wrong = await call("/scheme-proposals", {"purpose": "试", "changes": {"band-a": "x"}})
    assert wrong.status_code == 422
    assert "changes-band-a" in wrong.json()["errors"]
    made = await call("/scheme-proposals", {"purpose": "试", "changes": {"band-a": "80", "points:CP-0201": "3"}})
    assert made.status_code == 201, made.text
    where = f"/scheme-proposals/{made.json()['proposal_id']}"
    changed = await call(f"{where}/edit", {"purpose": "试", "changes": {"band-a": "80", "band-b": "65"}, "version": 1})
    assert changed.json()["version"] == 2
    assert (await call(f"{where}/replay")).status_code == 202
    await services.run_queued_replays()
    shown = (await reading.get(f"/api/v1{where}")).json()
    assert (shown["replay"]["state"], shown["replay"]["result"]["movers"]) == ("done", 1)
    movers = (await reading.get(f"/api/v1{where}/movers")).json()
    assert [(one["old"], one["new"]) for one in movers["items"]] == [("B", "A")]
    assert (await call(f"{where}/submission")).status_code == 201
    assert (await call(f"{where}/approval", {"reasons": "同意"})).status_code == 403
    _, second = await program(api, await officer())
    done = await second(f"{where}/approval", {"reasons": "同意"})
    assert done.json()["in_force_from"] == "2027-03-01"
    anybody = await api(None)
    public = (await anybody.get("/api/v1/scheme-changes")).json()["items"]
    assert [one["changes"][0]["after"] for one in public] == ["80"]
    assert not {"created_by", "created_name", "decided_by"} & set(public[0])
    assert (await call(f"{where}/withdrawal", {"reasons": "晚了"})).status_code == 409
    other = await call("/scheme-proposals", {"purpose": "再试", "changes": {"band-a": "82"}})
    assert (
        await call(f"/scheme-proposals/{other.json()['proposal_id']}/withdrawal", {"reasons": "不试了"})
    ).status_code == 201


async def test_pages_speak_english(today, browse):
    await a_past(("88",) * 9)
    author = await officer()
    proposal_id = await approved(band_a="80", band_b="65", **{"points:CP-0201": "3"})
    await services.run_queued_replays()
    number = (await proposal(proposal_id)).scheme_code
    await tried(author, band_a="81")
    browser = await browse(author, lang="en")
    for path in ("/grading/lab", "/grading/lab/new", f"/grading/lab/{proposal_id}", f"/grading/changes/{number}"):
        page = await browser.get(path)
        assert page.status_code == 200
        for chinese in ("规则", "试算", "等级", "改动", "施行", "现行"):
            assert chinese not in page.text.replace("八成五以上就算优秀。", ""), (path, chinese)
