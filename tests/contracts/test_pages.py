"""The pages of contracts over HTTP: what people see, and what a refused form leaves standing."""

from decimal import Decimal

import pytest
from httpx import Response

from contracts import queries, services
from core import clock, db
from core.identity import Role
from tests.conftest import Browse
from tests.factories import contracts as given
from tests.factories import core as make

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db")]


def shown(response: Response, status: int = 200) -> str:
    assert response.status_code == status, response.text[:2000]
    return response.text


def terms_form(version: int, amount: str = "24600.00", *shares: str) -> dict[str, str]:
    shares = shares or ("100",)
    form = {"version": str(version), "amount": amount, "days": "8", "scope": "1:500 地形图"}
    for place, share in enumerate(shares):
        form |= {
            f"milestones-{place}-name": f"节点 {place + 1}",
            f"milestones-{place}-percent": share,
            f"milestones-{place}-days": "8" if place == len(shares) - 1 else "4",
        }
    return form


# ---- contract
async def test_both_sides_confirm_and_file_on_the_page(browse: Browse) -> None:
    made = await given.make_draft()
    url = f"/contracts/{made.contract_id}"
    client, seller = await browse(made.client), await browse(made.seller)
    page = shown(await client.get(url))
    assert "确认第 1 稿" in page
    assert "与中选报价对照" in page
    await client.submit(f"{url}/confirmation", {"version": "1"})
    assert "等对方确认" in shown(await client.get(url))
    answer = await seller.submit(f"{url}/confirmation", {"version": "1"})
    assert (answer.status_code, answer.headers["location"]) == (303, url)
    assert "请备案" in shown(await seller.get(url))
    await seller.submit(f"{url}/filing")
    page = shown(await seller.get(url))
    assert "XT-HT-" in page
    assert "回执" in page


async def test_a_contract_above_the_bid_keeps_the_form_as_typed(browse: Browse) -> None:
    made = await given.make_draft()
    client = await browse(made.client)
    answer = await client.submit(f"/contracts/{made.contract_id}/terms", terms_form(1, "30000.00", "40", "60"))
    page = shown(answer, 422)
    assert "高于中选报价" in page
    assert 'value="30000.00"' in page
    assert 'value="节点 2"' in page
    assert await given.version_of(made.contract_id) == 1


async def test_milestones_off_100_are_refused_in_the_reader_s_language(browse: Browse) -> None:
    made = await given.make_draft()
    client = await browse(made.client, lang="en")
    answer = await client.submit(f"/contracts/{made.contract_id}/terms", terms_form(1, "24600.00", "40", "50"))
    page = shown(answer, 422)
    assert "90%" in page
    assert "exactly 100%" in page


@pytest.mark.parametrize("percent", ["-5", "33.333", "abc", "NaN", ""])
async def test_odd_percentages_are_refused(browse: Browse, percent: str) -> None:
    made = await given.make_draft()
    client = await browse(made.client)
    answer = await client.submit(f"/contracts/{made.contract_id}/terms", terms_form(1, "24600.00", percent))
    shown(answer, 422)
    assert await given.version_of(made.contract_id) == 1


async def test_a_stale_form_is_refused_with_what_was_typed(browse: Browse) -> None:
    made = await given.make_draft()
    client, seller = await browse(made.client), await browse(made.seller)
    assert (await seller.submit(f"/contracts/{made.contract_id}/terms", terms_form(1, "24000.00"))).status_code == 303
    answer = await client.submit(f"/contracts/{made.contract_id}/terms", terms_form(1, "23000.00"))
    page = shown(answer, 409)
    assert "已被他人修改" in page
    assert 'value="23000.00"' in page
    assert 'name="version" value="2"' in page
    confirm = await client.submit(f"/contracts/{made.contract_id}/confirmation", {"version": "1"})
    shown(confirm, 409)


async def test_a_replayed_form_has_one_effect_and_the_same_receipt(browse: Browse) -> None:
    made = await given.make_draft()
    await given.sign(made)
    client = await browse(made.client)
    guard = client.guard()
    first = await client.post(f"/contracts/{made.contract_id}/filing", data=guard)
    second = await client.post(f"/contracts/{made.contract_id}/filing", data=guard)
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    assert await db.value("select count(*) from core_trail_entry where act = 'contract.filed'") == 1


async def test_guessed_ids_and_other_organisations_look_absent(browse: Browse) -> None:
    made = await given.make_filed()
    filed = await given.deliver(made)
    stranger = await browse(Role.CLIENT)
    other_agency = await browse(Role.AGENCY)
    milestone = (await given.milestones(made))[0]
    absent = shown(await stranger.get("/contracts/99999999"), 404)
    assert "没有找到" in absent
    for path in (f"/contracts/{made.contract_id}", f"/deliverables/{filed.deliverable_id}"):
        for browser in (stranger, other_agency):
            assert "没有找到" in shown(await browser.get(path), 404)
    accept = await stranger.submit(f"/deliverables/{filed.deliverable_id}/acceptance", {"version": "1"})
    shown(accept, 404)
    form = await other_agency.get(f"/contracts/{made.contract_id}/milestones/{milestone}/result")
    shown(form, 404)
    nobody = await browse(None)
    assert (await nobody.get(f"/contracts/{made.contract_id}")).status_code in {302, 303, 401}


async def test_a_role_without_the_permission_is_told_so(browse: Browse) -> None:
    made = await given.make_filed()
    seller = await browse(made.seller)
    answer = await seller.submit(f"/contracts/{made.contract_id}/suspension", {"reason": "x"})
    shown(answer, 403)


# ---- results
async def test_a_result_is_filed_read_returned_and_accepted(browse: Browse) -> None:
    await given.make_reviewers(3)
    made = await given.make_filed()
    seller, client = await browse(made.seller), await browse(made.client)
    url = f"/contracts/{made.contract_id}/milestones/{(await given.milestones(made))[0]}/result"
    form = shown(await seller.get(url))
    assert "签字人员" in form
    data = {"version": "0", "title": "地形图成果", "signers": str((await given.signers(made))[0])}
    files = [("files", ("报告.pdf", given.pdf("Report"), "application/pdf"))]
    answer = await seller.submit(url, data, files=files)
    assert answer.status_code == 303, answer.text[:2000]
    detail = answer.headers["location"]
    page = shown(await client.get(detail))
    assert "验收第 1 版" in page
    assert "报告.pdf" in page
    file_url = page.split('href="' + detail + "/files/")[1].split('"')[0]
    download = await client.get(f"{detail}/files/{file_url}")
    assert download.content.startswith(b"%PDF")
    assert download.headers["x-content-type-options"] == "nosniff"
    await client.submit(f"{detail}/return", {"version": "1", "reason": "缺少控制点成果表"})
    assert "缺少控制点成果表" in shown(await seller.get(url))
    again = await seller.submit(url, data | {"version": "1"}, files=[("files", ("更正.pdf", given.pdf(), "x"))])
    assert again.status_code == 303, again.text[:2000]
    await client.submit(f"{detail}/acceptance", {"version": "2"})
    assert "这件成果的分" in shown(await client.get(detail))


async def test_a_bad_file_is_refused_and_the_rest_of_the_form_kept(browse: Browse) -> None:
    made = await given.make_filed()
    seller = await browse(made.seller)
    url = f"/contracts/{made.contract_id}/milestones/{(await given.milestones(made))[0]}/result"
    data = {"version": "0", "title": "我的成果名称", "signers": str((await given.signers(made))[0])}
    for name, body in (("空.pdf", b""), ("假.pdf", b"MZ not a pdf"), ("图.svg", b"<svg/>")):
        page = shown(await seller.submit(url, data, files=[("files", (name, body, "x"))]), 422)
        assert "我的成果名称" in page
        assert name.split(".", maxsplit=1)[0] in page
    missing = shown(await seller.submit(url, {"version": "0", "title": "", "signers": "abc"}), 422)
    assert "请至少选择一个成果文件" in missing


# ---- reviews
async def test_the_sheet_masks_the_agency_and_keeps_a_draft(browse: Browse) -> None:
    made = await given.make_review()
    assignment_id, reviewer = (await made.seats())[0]
    browser = await browse(reviewer)
    url = f"/reviews/assignments/{assignment_id}"
    queue = shown(await browser.get("/reviews"))
    page = shown(await browser.get(url))
    agency = made.contract.agency
    for text in (queue, page):
        for secret in (agency.name_zh, agency.uscc, "XT-CG-", "XT-HT-", made.contract.client.organization_name):
            assert secret not in text
    assert "最小二乘" not in page
    draft = {"version": "1", "level-ENG-01": "4", "remark-ENG-01": "第 2 页"}
    assert (await browser.submit(f"{url}/draft", draft)).status_code == 303
    page = shown(await browser.get(url))
    assert "第 2 页" in page
    assert "15.30" in page


async def test_a_missing_indicator_is_named_and_the_sheet_kept(browse: Browse) -> None:
    made = await given.make_review()
    assignment_id, reviewer = (await made.seats())[0]
    browser = await browse(reviewer)
    sheet = await given.sheet_of(assignment_id)
    data = {"version": "1", "summary": "总体良好；已抽查外业观测手簿、检查点记录和计算书，三者一致无误"}
    for one in sheet.indicators[1:]:
        data |= {f"level-{one.code}": "4", f"remark-{one.code}": "见第 9 页"}
    page = shown(await browser.submit(f"/reviews/assignments/{assignment_id}/submission", data), 422)
    assert "ENG-01" in page
    assert "请选定一个等次" in page
    assert "见第 9 页" in page
    assert "总体良好" in page


async def test_pages_of_the_result_are_pictures_without_the_agency_s_name(browse: Browse) -> None:
    made = await given.make_review()
    assignment_id, reviewer = (await made.seats())[0]
    browser = await browse(reviewer)
    url = f"/reviews/assignments/{assignment_id}/files/1"
    picture = await browser.get(f"{url}/pages/1")
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    assert (await browser.get(f"{url}/pages/9")).status_code == 404
    download = await browser.get(url)
    assert "XT-SC-" in download.headers["content-disposition"]
    assert made.contract.agency.name_zh not in download.headers["content-disposition"]
    stranger = await browse(Role.REVIEWER)
    for path in (url, f"{url}/pages/1", f"/reviews/assignments/{assignment_id}"):
        assert (await stranger.get(path)).status_code == 404


async def test_somebody_with_an_interest_is_told_to_step_back(browse: Browse) -> None:
    made = await given.make_review()
    assignment_id, reviewer = (await made.seats())[0]
    browser = await browse(reviewer)
    declared = await browser.submit(
        "/reviews/interests", {"uscc": made.contract.agency.uscc, "kind": "former-employer"}
    )
    assert declared.status_code == 303, declared.text[:2000]
    assert "曾任职单位" in shown(await browser.get("/reviews/interests"))
    sheet = await given.sheet_of(assignment_id)
    data = {"version": "1"}
    for one in sheet.indicators:
        data |= {f"level-{one.code}": "4", f"remark-{one.code}": "见第 9 页"}
    page = shown(await browser.submit(f"/reviews/assignments/{assignment_id}/submission", data), 422)
    assert "申请回避" in page
    assert "见第 9 页" in page
    gone = await browser.submit(f"/reviews/assignments/{assignment_id}/recusal", {"reason": "曾在该单位任职"})
    assert gone.headers["location"] == "/reviews"


async def test_the_result_with_comment_and_answer(browse: Browse) -> None:
    made = await given.make_review()
    await given.mark(made)
    seller = await browse(made.contract.seller)
    officer = await browse(Role.GRADING_OFFICER)
    url = f"/reviews/{made.review_id}"
    page = shown(await seller.get(url))
    assert "85.00" in page
    assert "抽签记录" not in page
    empty = shown(await seller.submit(f"{url}/comment", {"comment": " "}), 422)
    assert "请填写这一项" in empty
    await seller.submit(f"{url}/comment", {"comment": "第 5 项的检核记录在附件二。"})
    page = shown(await officer.get(url))
    assert "抽签记录" in page
    assert "第 5 项的检核记录" in page
    await officer.submit(f"{url}/closing", {"answer": "已核对。"})
    assert "审查结果已定" in shown(await seller.get(url))
    assert "XT-SC-" in shown(await officer.get("/reviews?stage=final"))


async def test_an_officer_registers_reviewers(browse: Browse) -> None:
    officer = await browse(Role.GRADING_OFFICER)
    reviewer = await make.member(Role.REVIEWER)
    login = await db.value("select login from core_account where id = $1", reviewer.account_id)
    wrong = {"login": login, "region": "37"}
    assert "请至少选择一个专业" in shown(await officer.submit("/reviews/reviewers", wrong), 422)
    right = {"login": login, "region": "370982", "professions": "surveying"}
    assert (await officer.submit("/reviews/reviewers", right)).status_code == 303
    assert "R-" in shown(await officer.get("/reviews/reviewers"))


# ---- evaluation
async def test_the_client_evaluates_once_and_extremes_need_words(browse: Browse) -> None:
    made = await given.make_filed()
    await given.accept(made)
    client, seller = await browse(made.client), await browse(made.seller)
    url = f"/contracts/{made.contract_id}/evaluation"
    stars = {"quality": "5", "time": "4", "conduct": "4", "charging": "4", "again": "yes"}
    page = shown(await client.submit(url, stars), 422)
    assert "须写明事实" in page
    missing = shown(await client.submit(url, {"quality": "9"}), 422)
    assert "不能大于 5" in missing
    done = await client.submit(url, stars | {"narrative": "比约定早三天提交，图件完整。"})
    assert done.status_code == 303
    again = await client.submit(url, stars | {"narrative": "比约定早三天提交，图件完整。"})
    shown(again, 409)
    detail = f"/contracts/{made.contract_id}"
    assert "比约定早三天" not in shown(await seller.get(detail))
    await seller.submit(f"{detail}/statement", {"statement": "资料齐全，配合良好。"})
    assert "比约定早三天" in shown(await seller.get(detail))
    assert "资料齐全" in shown(await client.get(detail))


# ---- public
async def test_public_records_show_dates_hashes_and_the_final_mark_only(browse: Browse) -> None:
    made = await given.make_review()
    nobody = await browse(None)
    result = await db.row("select number from contracts_deliverable where id = $1", made.deliverable_id)
    record = f"/deliverables/records/{result['number']}"
    await given.mark(made)
    assert "85.00" not in shown(await nobody.get(record))
    await services.waive_comment(actor=made.contract.seller, review_id=made.review_id)
    assert "85.00" in shown(await nobody.get(record))
    contract = await queries.contract(made.contract.contract_id, made.contract.client)
    page = shown(await nobody.get(f"/contracts/records/{contract.row.number}"))
    assert made.contract.agency.name_zh in page
    assert "工作内容" not in page
    assert str(contract.row.number) in shown(await nobody.get("/contracts/records"))
    shown(await nobody.get("/contracts/records/XT-HT-2026-999999"), 404)
    assert "RS-GENERAL" in shown(await nobody.get("/review-sheets"))
    assert "V-GEN-01" in shown(await nobody.get("/review-sheets/RS-GENERAL"))
    shown(await nobody.get("/review-sheets/RS-XX"), 404)


# ---- every page in both languages, and every desk line leads somewhere
PAGES = {
    "client": (
        "/contracts",
        "/contracts/{contract}",
        "/deliverables/{deliverable}",
        "/contracts/{contract}/evaluation",
    ),
    "seller": (
        "/contracts",
        "/contracts/{contract}",
        "/deliverables/{deliverable}",
        "/reviews/{review}",
        "/contracts/{contract}/statement",
    ),
    "reviewer": ("/reviews", "/reviews/assignments/{assignment}", "/reviews/interests"),
    "officer": ("/contracts", "/reviews", "/reviews/{review}", "/reviews/reviewers", "/contracts/{contract}"),
}


async def test_english_pages_speak_english(browse: Browse) -> None:
    made = await given.make_review()
    assignment_id, reviewer = (await made.seats())[0]
    people = {
        "client": made.contract.client,
        "seller": made.contract.seller,
        "reviewer": reviewer,
        "officer": await make.member(Role.GRADING_OFFICER),
    }
    await given.mark(made)
    ids = {
        "contract": made.contract.contract_id,
        "deliverable": made.deliverable_id,
        "review": made.review_id,
        "assignment": assignment_id,
    }
    for who, paths in PAGES.items():
        browser = await browse(people[who], lang="en")
        for path in paths:
            page = shown(await browser.get(path.format(**ids)))
            main = page[page.index("<main") : page.index("</main>")]
            assert ">" in main
            for chinese in ("审查", "合同", "成果", "机构", "提交"):
                for line in main.splitlines():
                    visible = line.replace("成果报告", "").replace(made.contract.agency.name_zh, "")
                    if made.contract.client.organization_name not in visible and "x-pre" not in visible:
                        assert chinese not in visible or "节点" in visible, (path, line[:300])


async def test_every_desk_line_leads_to_a_page_of_its_reader(browse: Browse) -> None:
    made = await given.make_review()
    draft, signed = await given.make_draft(), await given.make_draft()
    await given.sign(signed)
    waiting = await given.make_filed()
    returned = await given.make_filed()
    filed = await given.deliver(returned)
    await services.return_deliverable(
        actor=returned.client, deliverable_id=filed.deliverable_id, version=1, reason="改"
    )
    people = [(await made.seats())[0][1], made.contract.client, made.contract.seller]
    for one in (draft, signed, waiting, returned):
        people += [one.client, one.seller]
    found = 0
    for person in people:
        browser = await browse(person)
        for item in await queries.desk_items(person, clock.now()):
            found += 1
            shown(await browser.get(item.href))
    assert found >= 10


async def test_the_amounts_on_the_page_add_up(browse: Browse) -> None:
    made = await given.make_filed("24600.01", "33.33", "33.33", "33.34")
    view = await queries.contract(made.contract_id, made.client)
    assert sum(m.amount for m in view.milestones) == Decimal("24600.01")
    page = shown(await (await browse(made.client)).get(f"/contracts/{made.contract_id}"))
    assert "8,201.64" in page
