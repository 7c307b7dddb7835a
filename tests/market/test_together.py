"""Basket and sheet: explanations, direct and proposal-preferred notices, and a clear refusal at every line and row."""

import secrets
from typing import Any

import pytest

from agencies.rules import CreditGrade, Profession
from core import db as base
from core.identity import Identity, Role
from market import services
from market.queries.flags import flags_of
from market.queries.panels import seats_of
from market.rules.guide import Handling
from market.rules.notices import NoticeState, SelectionMethod
from tests.conftest import Browse
from tests.factories import core as make
from tests.factories.agencies import MadeAgency, make_agency, make_grade
from tests.factories.market import make_project
from tests.market.test_guide_pages import HEAD, basket_form, batch_form, site, upload, workbook
from tests.market.test_methods_services import panel_of

pytestmark = pytest.mark.anyio
LOCAL = "测绘资质乙级以上；限本地企业参加"
WHY = "汛期需要一小时内到达现场抢测。"
REASON = "原控制网由该机构布设，延续使用可以避免重复测量。"


async def filled() -> tuple[int, Identity]:
    """A project with two items in its basket."""
    project_id, client = await make_project()
    handling = dict.fromkeys(("XT-SV-01", "XT-CN-01"), Handling.BASKET)
    await services.handle_items(client, project_id=project_id, handling=handling)
    return project_id, client


async def notices_of(client: Identity) -> list[Any]:
    return list(
        await base.rows(
            """select n.id, n.method, n.state, n.direct_agency, n.direct_reason, i.code from market_notice n
                 join market_service_item i on i.id = n.item where n.client = $1 order by n.id""",
            client.organization_id,
        )
    )


def criteria(members: list[Identity]) -> dict[str, Any]:
    questions = {"criteria-0-text": "技术路线", "criteria-0-weight": "40", "criteria-1-text": "人员"}
    accounts = [str(one.account_id) for one in members]
    return questions | {"criteria-1-weight": "30", "price_weight": "30", "members": accounts, "chair": accounts[0]}


# --- the basket -------------------------------------------------------------------------------


async def test_a_basket_explains_what_the_rules_noticed(db: None, browse: Browse) -> None:
    project_id, client = await filled()
    browser = await browse(client)
    form = await basket_form() | {"lines-0-requirements": LOCAL}
    refused = await browser.submit(f"/projects/{project_id}/basket", form)
    assert refused.status_code == 422
    assert "有条件可能过严" in refused.text
    assert 'name="lines-0-conditions_reason"' in refused.text
    assert await notices_of(client) == []
    said = await browser.submit(f"/projects/{project_id}/basket", form | {"lines-0-conditions_reason": WHY})
    assert said.status_code == 303
    first, second = await notices_of(client)
    assert [flag.words for flag in await flags_of(first["id"])] == [WHY]
    assert await flags_of(second["id"]) == []


async def test_a_basket_posts_a_direct_offer_beside_an_open_call(db: None, browse: Browse) -> None:
    project_id, client = await filled()
    agency = await make_agency(professions=(Profession.SURVEYING,))
    browser = await browse(client)
    page = await browser.get(f"/projects/{project_id}/basket")
    assert agency.name_zh in page.text
    form = await basket_form() | {"fund_source": "public", "lines-0-method": "direct", "lines-1-fund_source": "own"}
    missing = await browser.submit(f"/projects/{project_id}/basket", form)
    assert missing.status_code == 422
    assert "f-lines-0-agency_id" in missing.text
    form |= {"lines-0-agency_id": str(agency.agency_id)}
    silent = await browser.submit(f"/projects/{project_id}/basket", form)
    assert "须公开理由" in silent.text
    dear = await browser.submit(
        f"/projects/{project_id}/basket", form | {"lines-0-reason": REASON, "lines-0-ceiling": "50000.01"}
    )
    assert "直接选取不得超过" in dear.text
    done = await browser.submit(f"/projects/{project_id}/basket", form | {"lines-0-reason": REASON})
    assert done.status_code == 303, done.text
    direct, open_call = await notices_of(client)
    assert (direct["method"], direct["direct_agency"], direct["direct_reason"]) == ("direct", agency.agency_id, REASON)
    assert open_call["method"] == "lowest-price"
    assert {direct["state"], open_call["state"]} == {NoticeState.PUBLISHED.value}


async def test_a_barred_or_risky_agency_is_refused_at_its_field(db: None, browse: Browse) -> None:
    project_id, client = await filled()
    agency = await make_agency(professions=(Profession.SURVEYING,))
    await make_grade(agency.agency_id, CreditGrade.C, score="65.00")
    browser = await browse(client)
    form = await basket_form() | {"lines-0-method": "direct", "lines-0-agency_id": str(agency.agency_id)}
    form = {name: value for name, value in form.items() if not name.startswith("lines-1")}
    risky = await browser.submit(f"/projects/{project_id}/basket", form)
    assert risky.status_code == 422
    assert "f-lines-0-risk_acknowledged" in risky.text
    read = form | {"lines-0-risk_acknowledged": "on"}
    public = await browser.submit(
        f"/projects/{project_id}/basket", read | {"fund_source": "public", "lines-0-reason": REASON}
    )
    assert "不得直接选取 C 级机构" in public.text
    assert "f-lines-0-agency_id" in public.text
    assert (await browser.submit(f"/projects/{project_id}/basket", read)).status_code == 303


async def test_a_basket_posts_proposal_preferred_notices_with_one_panel(db: None, browse: Browse) -> None:
    project_id, client = await filled()
    members = await panel_of(client)
    browser = await browse(client)
    path = f"/projects/{project_id}/basket"
    form = await basket_form() | {"method": "proposal-preferred"}
    bare = await browser.submit(path, form)
    assert bare.status_code == 422
    assert "请勾选评审小组的成员" in bare.text
    even = await browser.submit(path, form | criteria(members[:2]))
    assert "评审小组至少 3 人" in even.text
    uneven = await browser.submit(path, form | criteria(members) | {"price_weight": "20"})
    assert uneven.status_code == 422
    assert "技术路线" in uneven.text, "what was typed is kept"
    assert 'id="f-criteria"' in uneven.text
    done = await browser.submit(path, form | criteria(members))
    assert done.status_code == 303, done.text
    found = await notices_of(client)
    assert [one["method"] for one in found] == [SelectionMethod.PROPOSAL_PREFERRED.value] * 2
    for one in found:
        seats = await seats_of(one["id"])
        assert [seat.account_id for seat in seats] == [member.account_id for member in members]
        assert [seat.chair for seat in seats] == [True, False, False]


async def test_programs_post_all_six_methods_in_one_basket(db: None, api: Browse) -> None:
    project_id, client = await make_project()
    agency = await make_agency(professions=(Profession.SURVEYING,))
    members = await panel_of(client)
    program = await api(client)
    shared = {name: value for name, value in (await basket_form()).items() if not name.startswith("lines-")}
    line = {"item_code": "XT-SV-01", "scale": "约 5 公顷", "ceiling": "20000", "days_limit": 8}
    lines = [line | {"method": method.value} for method in SelectionMethod]
    lines[0] |= {"agency_id": agency.agency_id}
    lines[1] |= {"requirements": LOCAL}
    body = shared | {
        "lines": lines,
        "criteria": [{"text": "技术路线", "weight": 40}, {"text": "人员", "weight": 30}],
        "price_weight": 30,
        "members": [one.account_id for one in members],
        "chair": members[1].account_id,
    }
    path = f"/api/v1/projects/{project_id}/basket"
    refused = await program.post(path, json=body, headers={"Idempotency-Key": secrets.token_hex(8)})
    assert refused.json()["errors"].keys() == {"lines-1-conditions_reason"}
    lines[1] |= {"conditions_reason": WHY}
    done = await program.post(path, json=body, headers={"Idempotency-Key": secrets.token_hex(8)})
    assert done.status_code == 201, done.text
    found = await notices_of(client)
    assert {one["method"] for one in found} == {method.value for method in SelectionMethod}
    panelled = next(one for one in found if one["method"] == "proposal-preferred")
    assert (await seats_of(panelled["id"]))[0].account_id == members[1].account_id


# --- the sheet --------------------------------------------------------------------------------


async def posted(browser: Any, sent: Any) -> tuple[int, str]:
    """How many rows went out, and the report."""
    assert sent.status_code == 303, sent.text
    address = sent.headers["location"]
    count = await services.post_batch(int(address.rpartition("/")[2]))
    return count, (await browser.get(address)).text


async def test_a_sheet_says_why_a_condition_is_needed(db: None, browse: Browse) -> None:
    client = await make.member(Role.CLIENT)
    browser = await browse(client)
    head = [*HEAD, "机构条件", "条件为什么需要"]
    rows = [head, [*site(1), LOCAL, ""], [*site(2), LOCAL, WHY], [*site(3), "", ""]]
    refused = await upload(browser, workbook(rows))
    assert refused.status_code == 422
    assert "；限本地企业参加”可能过严" in refused.text
    assert "1 行需要修改" in refused.text
    count, report = await posted(browser, await upload(browser, workbook(rows), good_only="on"))
    assert (count, "；限本地企业参加”可能过严" in report) == (2, True)
    explained = [await flags_of(one["id"]) for one in await notices_of(client)]
    assert [{flag.words for flag in flags} for flags in explained] == [{WHY}, set()]
    everywhere = await upload(browser, workbook([HEAD, site(8)]), requirements=LOCAL, conditions_reason=WHY)
    assert (await posted(browser, everywhere))[0] == 1


async def _environmental(**changes: Any) -> MadeAgency:
    return await make_agency(professions=(Profession.ENVIRONMENTAL,), **changes)


async def test_a_sheet_of_direct_offers_is_judged_row_by_row(db: None, browse: Browse) -> None:
    client = await make.member(Role.CLIENT)
    browser = await browse(client)
    good, barred = await _environmental(), await _environmental()
    await make_grade(barred.agency_id, CreditGrade.D, profession=Profession.ENVIRONMENTAL)
    head = [*HEAD, "选定机构的信用代码", "选取理由"]
    rows = [
        head,
        [*site(1), good.uscc.lower(), REASON],
        [*site(2), "", REASON],
        [*site(3), "91370982NOBODY0000", REASON],
    ]
    rows += [[*site(4), good.uscc, "熟悉"], [*site(5), barred.uscc, REASON]]
    public = {"method": "direct", "fund_source": "public"}
    refused = await upload(browser, workbook(rows), **public)
    assert refused.status_code == 422
    for words in ("3 行需要修改", "要写选定机构的统一社会信用代码", "须公开理由"):
        assert words in refused.text
    count, report = await posted(browser, await upload(browser, workbook(rows), good_only="on", **public))
    assert count == 1
    assert "D 级" in report, "what only publishing can judge is reported in the row too"
    (one,) = await notices_of(client)
    assert (one["method"], one["direct_agency"], one["direct_reason"]) == ("direct", good.agency_id, REASON)
    wrong = await upload(browser, workbook(rows[:2]))
    assert "只有直接选取才写选定的机构" in wrong.text


async def test_a_risky_agency_in_a_sheet_needs_the_warning_read(db: None, browse: Browse) -> None:
    client = await make.member(Role.CLIENT)
    browser = await browse(client)
    risky = await _environmental()
    await make_grade(risky.agency_id, CreditGrade.C, score="65.00", profession=Profession.ENVIRONMENTAL)
    sheet = workbook([[*HEAD, "选定机构的信用代码"], [*site(1), risky.uscc]])
    count, report = await posted(browser, await upload(browser, sheet, method="direct"))
    assert (count, "请先阅读风险提示" in report) == (0, True)
    count, _report = await posted(browser, await upload(browser, sheet, method="direct", risk_acknowledged="on"))
    assert count == 1


async def test_a_sheet_of_proposal_preferred_notices_shares_questions_and_panel(db: None, browse: Browse) -> None:
    client = await make.member(Role.CLIENT)
    members = await panel_of(client)
    browser = await browse(client)
    sheet = workbook([HEAD, site(1), site(2)])
    method = {"method": "proposal-preferred"}
    assert "请勾选评审小组的成员" in (await upload(browser, sheet, **method)).text
    uneven = await upload(browser, sheet, **method, **criteria(members) | {"price_weight": "20"})
    assert uneven.status_code == 422
    assert "技术路线" in uneven.text
    assert await base.value("select count(*) from market_batch") == 0
    count, _report = await posted(browser, await upload(browser, sheet, **method, **criteria(members)))
    assert count == 2
    for one in await notices_of(client):
        assert len(await seats_of(one["id"])) == 3


async def test_a_panel_that_cannot_be_is_said_in_every_row(db: None, browse: Browse) -> None:
    client = await make.member(Role.CLIENT)
    stranger = await make.member(Role.CLIENT)
    members = [*(await panel_of(client))[:2], stranger]
    browser = await browse(client)
    sent = await upload(browser, workbook([HEAD, site(1)]), method="proposal-preferred", **criteria(members))
    count, report = await posted(browser, sent)
    assert (count, "所选的人不符合" in report) == (0, True)


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
async def test_the_forms_show_the_new_fields_in_both_languages(db: None, browse: Browse, lang: str) -> None:
    project_id, client = await filled()
    browser = await browse(client, lang=lang)
    basket, batch = await browser.get(f"/projects/{project_id}/basket"), await browser.get("/batches")
    for page in (basket, batch):
        assert page.status_code == 200
        for name in ("criteria-0-text", "price_weight", "members", "chair"):
            assert f'name="{name}"' in page.text, name
        assert 'value="direct"' in page.text
    if lang == "en":
        assert "Why conditions are needed" in batch.text
        assert "Agency credit code" in batch.text
    assert (await batch_form())["method"] == "lowest-price"
