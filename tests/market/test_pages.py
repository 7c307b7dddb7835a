"""Pages as people see them: who sees what, forms that keep what was typed, forms sent twice."""

from datetime import datetime, timedelta

import pytest

from core import clock, db
from core.identity import Role
from market import services
from market.rules.notices import NoticeState, SelectionMethod
from tests.conftest import Browse
from tests.factories import core as make
from tests.factories.market import (
    bid,
    make_award,
    make_notice,
    make_project,
    make_selected,
    make_surveyors,
    notice_draft,
    open_and_select,
    soonest,
)

pytestmark = pytest.mark.anyio


def local(moment: datetime) -> str:
    return f"{clock.shanghai(moment):%Y-%m-%dT%H:%M}"


@pytest.fixture(autouse=True)
def taken_over(web_app: object) -> object:
    async def take(_award_id: int) -> None:
        return None

    before = services.AWARDED._takers
    services.AWARDED.supply(take)
    yield None
    services.AWARDED.supply(*before)


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
async def test_every_page_renders_in_both_languages(db: None, browse: Browse, lang: str) -> None:
    _award, made, agencies = await make_award()
    live = await make_notice(made.client, project_id=made.project_id)
    await bid(agencies[0], live)
    project_id, _client = await make_project(made.client)
    draft = await services.draft_notice(made.client, project_id=project_id, draft=await notice_draft())
    public = [
        "/items",
        "/items?q=测绘&profession=surveying",
        "/items?q=nothing-like-this",
        "/items/XT-SV-01",
        "/items/XT-OT-03",
        "/notices",
        "/notices?phase=collecting&method=lowest-price&q=涂料",
        "/notices?phase=nonsense",
        f"/notices/{live.notice_id}",
        f"/notices/{made.notice_id}",
        f"/notices/{made.notice_id}/result",
        f"/notices/{made.notice_id}/draw.json",
        f"/projects/{made.project_id}",
        "/awards",
    ]
    own = [
        "/my/projects",
        "/projects/new",
        f"/projects/{made.project_id}/edit",
        f"/projects/{made.project_id}/notices/new",
        f"/projects/{made.project_id}/notices/new?item=XT-SV-01",
        f"/notices/{draft.notice_id}",
        f"/notices/{draft.notice_id}/edit",
        f"/notices/{draft.notice_id}/check",
        f"/notices/{live.notice_id}",
        f"/notices/{made.notice_id}",
    ]
    theirs = [
        "/my/bids",
        f"/notices/{live.notice_id}",
        f"/notices/{live.notice_id}/bid",
        f"/notices/{live.notice_id}/bids/mine",
        f"/notices/{made.notice_id}/bids/mine",
    ]
    for reader, addresses in ((None, public), (made.client, own), (agencies[0].member, theirs)):
        browser = await browse(reader, lang=lang)
        for address in addresses:
            reply = await browser.get(address)
            assert reply.status_code == 200, (address, reply.text[-2000:])


async def test_a_client_goes_from_project_to_published_notice(db: None, browse: Browse) -> None:
    client = await make.member(Role.CLIENT)
    browser = await browse(client)
    reply = await browser.submit(
        "/projects/new",
        {
            "title": "青石峡加油站新建项目",
            "location": "新泰市东都镇",
            "description": "加油岛 4 座",
            "investment": "8600000.00",
            "fund_source": "own",
        },
    )
    assert reply.status_code == 303
    page = await browser.get(reply.headers["location"])
    assert "青石峡加油站新建项目" in page.text
    new = reply.headers["location"] + "/notices/new"
    answers = await answers_for(new)
    checked = await browser.submit(new, answers)
    assert checked.status_code == 303, checked.text
    check = await browser.get(checked.headers["location"])
    assert "28,800" in check.text or "2.88 万元" in check.text
    notice_url = checked.headers["location"].removesuffix("/check")
    published = await browser.submit(f"{notice_url}/publish", {"version": "1"})
    assert published.status_code == 303
    board = await (await browse()).get("/notices?q=青石峡")
    assert "青石峡加油站新建项目" in board.text


async def answers_for(_address: str, **changes: str) -> dict[str, str]:
    return {
        "item_code": "XT-SV-01",
        "method": "lowest-price",
        "fund_source": "own",
        "scale": "约 2 公顷",
        "requirements": "测绘资质",
        "payment_terms": "成果备案后付清",
        "ceiling": "28800.00",
        "floor": "",
        "days_limit": "6",
        "deadline": local(await soonest() + timedelta(hours=1)),
    } | changes


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("ceiling", "28800.005", "最多两位小数"),
        ("ceiling", "-5", "不能小于"),
        ("ceiling", "很多", "请填写金额"),
        ("ceiling", "", "请填写这一项"),
        ("floor", "30000", "不高于最高限价"),
        ("days_limit", "六天", "请填写整数"),
        ("deadline", "2020-01-01T10:00", "已经过去"),
        ("deadline", "明天", "格式"),
        ("method", "auction", "选择"),
        ("fund_source", "gift", "选择"),
        ("scale", "", "请填写这一项"),
    ],
)
async def test_a_refused_notice_keeps_what_was_typed(
    db: None, browse: Browse, field: str, value: str, says: str
) -> None:
    project_id, client = await make_project()
    browser = await browse(client)
    address = f"/projects/{project_id}/notices/new"
    answers = await answers_for(address, **{field: value, "requirements": "独一无二的条件"})
    reply = await browser.submit(address, answers)
    assert reply.status_code == 422
    assert says in reply.text
    assert "独一无二的条件" in reply.text
    assert await count_notices(project_id) == 0


async def count_notices(project_id: int) -> int:
    return int(await db.value("select count(*) from market_notice where project = $1", project_id))


@pytest.mark.parametrize(
    ("amount", "says"),
    [
        ("24600.001", "最多两位小数"),
        ("-1", "不能小于"),
        ("两万", "请填写金额"),
        ("30000.01", "高于最高限价"),
        ("", "请填写这一项"),
    ],
)
async def test_a_refused_bid_keeps_what_was_typed(db: None, browse: Browse, amount: str, says: str) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    browser = await browse(agency.member)
    offer = {"amount": amount, "days": "8", "proposal": "独一无二的方案", "honest": "on"}
    reply = await browser.submit(f"/notices/{made.notice_id}/bids", offer)
    assert reply.status_code == 422
    assert says in reply.text
    assert "独一无二的方案" in reply.text
    mine = await browser.get(f"/notices/{made.notice_id}/bids/mine")
    assert mine.status_code == 404


async def test_a_bid_form_sent_twice_is_one_bid(db: None, browse: Browse) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    browser = await browse(agency.member)
    offer = {"amount": "24600", "days": "8", "proposal": "方案", "honest": "on"} | browser.guard()
    first = await browser.submit(f"/notices/{made.notice_id}/bids", offer)
    again = await browser.submit(f"/notices/{made.notice_id}/bids", offer)
    assert (first.status_code, again.status_code) == (303, 303)
    assert first.headers["location"] == again.headers["location"]
    fresh = await browser.submit(f"/notices/{made.notice_id}/bids", offer | {"_once": "another"})
    assert fresh.status_code == 409
    assert "没有收入第二份" in fresh.text
    changed = await browser.submit(f"/notices/{made.notice_id}/bids", offer | {"amount": "1"})
    assert changed.status_code == 409


async def test_the_receipt_can_be_checked_on_another_device(db: None, browse: Browse) -> None:
    import hashlib

    made = await make_notice()
    (agency,) = await make_surveyors(1)
    receipt = await bid(agency, made)
    browser = await browse(await make.member(Role.AGENCY, agency.organization_id))
    page = await browser.get(f"/notices/{made.notice_id}/bids/mine")
    assert receipt.number in page.text
    assert receipt.digest in page.text
    envelope = await browser.get(f"/notices/{made.notice_id}/bids/mine/envelope")
    assert hashlib.sha256(envelope.content).hexdigest() == receipt.digest


async def test_before_the_opening_no_page_tells_how_many_or_who(db: None, browse: Browse) -> None:
    made = await make_notice()
    agencies = await make_surveyors(2)
    receipts = [await bid(agency, made, "23456.78") for agency in agencies]
    readers = [None, made.client, agencies[1].member]
    readers += [await make.member(role) for role in (Role.ADMINISTRATOR, Role.REGISTRAR)]
    for reader in readers:
        browser = await browse(reader)
        for address in (f"/notices/{made.notice_id}", f"/projects/{made.project_id}", "/notices"):
            text = (await browser.get(address)).text
            assert agencies[0].name_zh not in text
            assert receipts[0].digest[:16] not in text
            assert "23456" not in text
            assert "收到密封报价" not in text
        for address in ("result", "draw.json"):
            reply = await browser.get(f"/notices/{made.notice_id}/{address}")
            assert reply.status_code == 404


async def test_foreign_things_look_absent(db: None, browse: Browse) -> None:
    project_id, client = await make_project()
    draft = await services.draft_notice(client, project_id=project_id, draft=await notice_draft())
    stranger = await browse(Role.CLIENT)
    for address in (
        f"/projects/{project_id}",
        f"/projects/{project_id}/edit",
        f"/projects/{project_id}/notices/new",
        f"/notices/{draft.notice_id}",
        f"/notices/{draft.notice_id}/edit",
        f"/notices/{draft.notice_id}/check",
    ):
        foreign = await stranger.get(address)
        absent = await stranger.get(
            address.replace(str(project_id), "9" * 9).replace(f"/{draft.notice_id}", "/" + "9" * 9)
        )
        assert foreign.status_code == absent.status_code == 404, address
    agency = await browse(Role.AGENCY)
    assert (await agency.get("/my/projects")).status_code == 403
    visitor = await browse()
    assert (await visitor.get("/my/projects")).status_code in {303, 401}


async def test_a_stale_draft_is_refused_and_kept(db: None, browse: Browse) -> None:
    project_id, client = await make_project()
    draft = await services.draft_notice(client, project_id=project_id, draft=await notice_draft())
    browser = await browse(client)
    address = f"/notices/{draft.notice_id}/edit"
    answers = await answers_for(address, version="1", requirements="第一个人改的")
    assert (await browser.submit(address, answers)).status_code == 303
    late = answers | {"requirements": "第二个人改的"}
    reply = await browser.submit(address, late)
    assert reply.status_code == 409
    assert "第二个人改的" in reply.text


async def test_a_late_bid_is_told_both_moments(db: None, browse: Browse) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    browser = await browse(agency.member)
    offer = {"amount": "24600", "days": "8", "proposal": "迟到的方案", "honest": "on"}
    with clock.at(made.deadline + timedelta(seconds=3)):
        browser = await browse(agency.member)
        reply = await browser.submit(f"/notices/{made.notice_id}/bids", offer)
    assert reply.status_code == 409
    assert f"{clock.shanghai(made.deadline):%H:%M:%S}" in reply.text
    assert "迟到的方案" in reply.text


async def test_who_may_not_take_part_reads_why_before_writing(db: None, browse: Browse) -> None:
    made = await make_notice()
    browser = await browse(Role.AGENCY)
    page = await browser.get(f"/notices/{made.notice_id}")
    assert "尚未完成从业备案" in page.text
    assert "提交密封报价" not in page.text


async def test_a_chosen_agency_answers_on_the_page(db: None, browse: Browse) -> None:
    chosen, other = await make_surveyors(2)
    made = await make_notice(method=SelectionMethod.DIRECT, agency_id=chosen.agency_id)
    elsewhere = await browse(other.member)
    assert "接受约定的价格" not in (await elsewhere.get(f"/notices/{made.notice_id}")).text
    assert (await elsewhere.submit(f"/notices/{made.notice_id}/accept")).status_code == 404
    browser = await browse(chosen.member)
    assert "接受约定的价格" in (await browser.get(f"/notices/{made.notice_id}")).text
    assert (await browser.submit(f"/notices/{made.notice_id}/accept")).status_code == 303
    assert (await made.row()).state is NoticeState.SELECTED


async def test_owner_withdraws_cancels_and_reposts(db: None, browse: Browse) -> None:
    made = await make_notice()
    browser = await browse(made.client)
    short = await browser.submit(f"/notices/{made.notice_id}/withdraw", {"reason": "改"})
    assert short.status_code == 422
    reason = {"reason": "规模有较大变化"}
    assert (await browser.submit(f"/notices/{made.notice_id}/withdraw", reason)).status_code == 303
    page = await (await browse()).get(f"/notices/{made.notice_id}")
    assert "规模有较大变化" in page.text
    deadline = {"deadline": local(await soonest() + timedelta(hours=2))}
    again = await browser.submit(f"/notices/{made.notice_id}/repost", deadline)
    assert again.headers["location"].endswith("/check")
    shown, _agencies = await make_selected(client=made.client)
    cancelled = await browser.submit(f"/notices/{shown.notice_id}/cancel", reason)
    assert cancelled.status_code == 303


async def test_the_result_tells_every_price_and_reason(db: None, browse: Browse) -> None:
    made, agencies = await make_selected(("20000.00", "20000.00", "25000.00"))
    text = (await (await browse()).get(f"/notices/{made.notice_id}/result")).text
    for agency in agencies:
        assert agency.name_zh in text
    assert "按公告承诺的随机数排在最前" in text
    assert "最低价为 20000.00 元" in text


async def test_the_board_pages_by_cursor(db: None, browse: Browse) -> None:
    project_id, client = await make_project()
    for _ in range(22):
        await make_notice(client, project_id=project_id)
    browser = await browse()
    first = await browser.get("/notices?item=XT-SV-01")
    assert "下一页" in first.text
    import re

    following = re.search(r'href="(\?[^"]*cursor=[^"]+)"', first.text)
    assert following is not None
    second = await browser.get("/notices" + following[1].replace("&amp;", "&"))
    assert second.status_code == 200
    ids = re.findall(r'/notices/(\d+)"', first.text)
    more = re.findall(r'/notices/(\d+)"', second.text)
    assert not set(ids) & set(more)


async def test_desks_say_what_waits(db: None) -> None:
    from market.queries import desk_items

    made = await make_notice()
    (agency,) = await make_surveyors(1)
    await bid(agency, made)
    await services.draft_notice(made.client, project_id=made.project_id, draft=await notice_draft())
    mine = await desk_items(made.client, clock.now())
    assert [item.mine for item in mine] == [False, True] or [item.mine for item in mine] == [True, False]
    theirs = await desk_items(agency.member, clock.now())
    assert [(item.mine, item.due_at) for item in theirs] == [(False, made.deadline)]
    await open_and_select(made)
    assert await desk_items(agency.member, clock.now()) == []
