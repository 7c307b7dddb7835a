"""Questions, amendments and bonds over HTTP: pages, forms, and the JSON twins."""

import secrets
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core import clock
from core.errors import FormInvalid
from core.identity import Role
from market import services
from market.queries.flags import flags_of
from market.queries.questions import clarifications
from market.rules.notices import FundSource, SelectionMethod
from market.services.flags import Explanations
from tests.conftest import Browse
from tests.factories import core as make
from tests.factories.market import MadeNotice, bid, make_notice, make_project, make_selected, make_surveyors
from tests.market.test_amend import amendment_of

pytestmark = pytest.mark.anyio


async def _filled(made: MadeNotice, **changes: str) -> dict[str, str]:
    row = await made.row()
    until = clock.shanghai(row.deadline + timedelta(days=4))
    form = {
        "version": str(row.version),
        "reason": "业主补充要求",
        "scale": "1:500 地形图，约 6 公顷",
        "requirements": row.requirements,
        "payment_terms": row.payment_terms,
        "ceiling": "31000.00",
        "days_limit": str(row.days_limit),
        "deadline": f"{until:%Y-%m-%dT%H:%M}",
    }
    return form | changes


async def test_a_client_amends_and_everybody_reads_the_difference(db: None, browse: Browse) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    await bid(agency, made)
    owner = await browse(made.client)
    assert "修改公告" in (await owner.get(f"/notices/{made.notice_id}")).text
    form = await owner.get(f"/notices/{made.notice_id}/amend")
    assert "为了不泄露谁报了价" in form.text
    refused = await owner.submit(f"/notices/{made.notice_id}/amend", await _filled(made, reason=""))
    assert refused.status_code == 422
    assert "约 6 公顷" in refused.text, "what was typed is kept"
    done = await owner.submit(f"/notices/{made.notice_id}/amend", await _filled(made))
    assert done.status_code == 303

    public = await browse()
    history = (await public.get(f"/notices/{made.notice_id}/amendments")).text
    for words in ("第 1 次修改", "业主补充要求", "30,000.00 元", "31,000.00 元", "约 6 公顷"):
        assert words in history
    english = (await (await browse(lang="en")).get(f"/notices/{made.notice_id}/amendments")).text
    assert "Amendment 1" in english

    bidder = await browse(agency.member)
    assert "待确认" in (await bidder.get("/my/bids")).text
    mine = (await bidder.get(f"/notices/{made.notice_id}/bids/mine")).text
    assert "确认原报价仍然有效" in mine
    stale = {"amendment": "0", "amount": "20000", "days": "8", "proposal": "方案", "honest": "on"}
    assert (await bidder.submit(f"/notices/{made.notice_id}/bids/replace", stale)).status_code == 409
    assert (await bidder.submit(f"/notices/{made.notice_id}/bids/confirm")).status_code == 303
    assert "确认原报价仍然有效" not in (await bidder.get(f"/notices/{made.notice_id}/bids/mine")).text


async def test_a_foreign_notice_cannot_be_amended(db: None, browse: Browse) -> None:
    made, foreign = await make_notice(), await make_notice()
    stranger = await browse(foreign.client)
    assert (await stranger.get(f"/notices/{made.notice_id}/amend")).status_code == 404
    assert (await stranger.submit(f"/notices/{made.notice_id}/amend", await _filled(made))).status_code == 404
    (agency,) = await make_surveyors(1)
    assert (await (await browse(agency.member)).get(f"/notices/{made.notice_id}/amend")).status_code == 403


async def test_question_and_answer_on_the_notice_page(db: None, browse: Browse) -> None:
    made = await make_notice()
    agency, other = await make_surveyors(2)
    asker = await browse(agency.member)
    path = f"/notices/{made.notice_id}"
    assert "提一个问题" in (await asker.get(path)).text
    short = await asker.submit(f"{path}/questions", {"question": "啊"})
    assert short.status_code == 422
    named = await asker.submit(f"{path}/questions", {"question": f"{agency.name_zh}能做吗"})
    assert named.status_code == 422
    assert (await asker.submit(f"{path}/questions", {"question": "图纸比例是多少？"})).status_code == 303
    assert "只有您看得到这个标记" in (await asker.get(path)).text
    owner = await browse(made.client)
    for reader in (await browse(), await browse(other.member), owner):
        page = (await reader.get(path)).text
        assert "图纸比例是多少？" in page
        assert "等业主答复" in page
        assert agency.name_zh not in page
        assert "只有您看得到这个标记" not in page
    (question,) = (await clarifications(await made.row(), None)).questions
    answer = {"question_id": str(question.id), "answer": ""}
    assert (await owner.submit(f"/questions/{question.id}/answers", answer)).status_code == 422
    answer["answer"] = "1:500"
    assert (await owner.submit(f"/questions/{question.id}/answers", answer)).status_code == 303
    assert "1:500" in (await (await browse()).get(path)).text
    stranger = await browse((await make_notice()).client)
    assert (await stranger.submit(f"/questions/{question.id}/answers", answer)).status_code == 404
    with clock.at(made.deadline - timedelta(minutes=1)):
        late = await (await browse(other.member)).submit(f"{path}/questions", {"question": "还能问吗？"})
        assert late.status_code == 409


async def test_the_notice_page_shows_the_bonds(db: None, browse: Browse) -> None:
    made, (winner, loser) = await make_selected(bid_bond=Decimal("600.00"))
    path = f"/notices/{made.notice_id}"
    page = (await (await browse()).get(path)).text
    assert "600.00 元" in page
    assert "等中选机构缴纳" in page
    assert "看这笔款项" not in page
    assert "看这笔款项" in (await (await browse(winner.member)).get(path)).text
    assert "看这笔款项" not in (await (await browse(loser.member)).get(path)).text
    paying = await browse(winner.member)
    assert "投标保证金" in (await paying.get("/payments")).text


async def test_a_reposted_notice_shows_what_changed(db: None, browse: Browse) -> None:
    made = await make_notice()
    await services.withdraw_notice(made.client, notice_id=made.notice_id, reason="要求写错了")
    again = await services.repost_notice(
        made.client, notice_id=made.notice_id, deadline=made.deadline + timedelta(days=3)
    )
    await services.publish_notice(made.client, notice_id=again.notice_id, version=1)
    page = (await (await browse()).get(f"/notices/{again.notice_id}")).text
    assert "第 2 次发布" in page
    assert "与上一次相比" in page


async def test_json_twins(db: None, api: Browse) -> None:
    made = await make_notice(bid_bond=Decimal("600.00"))
    (agency,) = await make_surveyors(1)
    owner, bidder, public = await api(made.client), await api(agency.member), await api()
    base = f"/api/v1/notices/{made.notice_id}"

    async def does(program: Any, path: str, body: dict[str, Any] | None = None, status: int = 201) -> Any:
        once = {"Idempotency-Key": secrets.token_hex(8)}
        answer = await program.post(path, json=body or {}, headers=once)
        assert answer.status_code == status, answer.text
        return answer.json()

    offer = {"amount": "24000", "days": 8, "proposal": "方案", "honest": True}
    await does(bidder, f"{base}/bids", offer | {"amendment": 0})
    asked = await does(bidder, f"{base}/questions", {"question": "图纸比例是多少？"})
    await does(owner, f"/api/v1/questions/{asked['id']}/answers", {"answer": "1:500"})
    found = (await public.get(f"{base}/questions")).json()
    assert found["items"][0]["answers"][0]["answer"] == "1:500"
    assert found["items"][0]["mine"] is False
    body = await _filled(made)
    await does(owner, f"{base}/amendments", body | {"version": int(body["version"])})
    (amended,) = (await public.get(f"{base}/amendments")).json()["items"]
    assert {"field": "ceiling", "before": "30000.00", "after": "31000.00"} in amended["changes"]
    assert {"field": "bid_bond", "before": "600.00", "after": None} in amended["changes"]
    assert (await bidder.get(f"{base}/bids/mine")).json()["unconfirmed"] is True
    stale = await does(bidder, f"{base}/bids/mine/confirmation")
    assert stale["digest"]
    assert (await bidder.get(f"{base}/bids/mine")).json()["unconfirmed"] is False
    shown = (await public.get(base)).json()
    assert (shown["amendment"], shown["bid_bond"]) == (1, None)
    assert (await public.get(f"{base}/bonds")).json()["items"] == []


LOCAL = "测绘资质乙级以上，含工程测量；限本地企业参加"
WHY = "汛期需要一小时内到达现场抢测。"


async def test_amended_conditions_are_held_against_the_item_again(db: None, browse: Browse, api: Browse) -> None:
    """An over-restrictive condition cannot get in by way of an amendment without a public explanation."""
    made = await make_notice()
    address = f"/notices/{made.notice_id}/amend"
    owner = await browse(made.client)
    refused = await owner.submit(address, await _filled(made, requirements=LOCAL))
    assert refused.status_code == 422
    for words in ("限本地企业参加", "甲级或乙级", "不改的，说明为什么需要", "约 6 公顷"):
        assert words in refused.text
    assert (await made.row()).amendment == 0
    assert await flags_of(made.notice_id) == []
    said = await owner.submit(address, await _filled(made, requirements=LOCAL, conditions_reason=WHY))
    assert said.status_code == 303
    (flag,) = await flags_of(made.notice_id)
    assert (flag.code, flag.facts["clause"], flag.words) == ("locality", "限本地企业参加", WHY)
    public = (await (await browse()).get(f"/notices/{made.notice_id}")).text
    assert WHY in public
    more = LOCAL + "；成立三年以上"
    program = await api(made.client)
    body = await _filled(made, requirements=more, scale="约 7 公顷") | {"version": (await made.row()).version}
    path = f"/api/v1/notices/{made.notice_id}/amendments"
    problem = await program.post(path, json=body, headers={"Idempotency-Key": secrets.token_hex(8)})
    assert problem.json()["errors"].keys() == {"conditions_reason"}
    other = "本项目历史资料只有成立较早的单位参与过。"
    told = await program.post(
        path, json=body | {"conditions_reason": other}, headers={"Idempotency-Key": secrets.token_hex(8)}
    )
    assert told.status_code == 201, told.text
    assert [(one.code, one.words) for one in await flags_of(made.notice_id)] == [("locality", WHY), ("years", other)]
    public = (await (await browse()).get(f"/notices/{made.notice_id}")).text
    assert WHY in public
    assert other in public


async def test_a_clause_explained_before_needs_no_second_explanation(db: None, browse: Browse) -> None:
    made = await make_notice()
    owner = await browse(made.client)
    form = await _filled(made, requirements=LOCAL, conditions_reason=WHY)
    assert (await owner.submit(f"/notices/{made.notice_id}/amend", form)).status_code == 303
    form = await _filled(made, requirements=LOCAL + "；外业人员持证", scale="约 8 公顷")
    assert (await owner.submit(f"/notices/{made.notice_id}/amend", form)).status_code == 303
    assert len(await flags_of(made.notice_id)) == 1


async def test_a_price_raised_over_the_limit_of_split_purchases_is_explained(db: None) -> None:
    client = await make.member(Role.CLIENT)
    project_id, _client = await make_project(client)
    public: dict[str, Any] = {"fund_source": FundSource.PUBLIC, "method": SelectionMethod.RANDOM_DRAW}
    await make_notice(client, project_id=project_id, ceiling=Decimal("200000.00"), **public)
    made = await make_notice(client, project_id=project_id, ceiling=Decimal("90000.00"), **public)
    row = await made.row()
    asked = await amendment_of(row, ceiling=Decimal("150000.00"))
    change = {"notice_id": made.notice_id, "version": row.version, "amendment": asked, "reason": "业主补充要求"}
    with pytest.raises(FormInvalid) as refused:
        await services.amend_notice(client, **change)  # type: ignore[arg-type]
    assert set(refused.value.errors) == {"split_reason"}
    words = Explanations(split="第二块用地上月才批复，无法与第一块合并。")
    await services.amend_notice(client, explanations=words, **change)  # type: ignore[arg-type]
    assert [flag.kind for flag in await flags_of(made.notice_id)] == ["split"]


async def test_a_program_that_read_an_older_version_is_told(db: None, api: Browse, browse: Browse) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    owner = await browse(made.client)
    assert (await owner.submit(f"/notices/{made.notice_id}/amend", await _filled(made))).status_code == 303
    offer = {"amount": "20000", "days": 8, "proposal": "方案", "honest": True}
    program = await api(agency.member)
    path = f"/api/v1/notices/{made.notice_id}/bids"
    stale = await program.post(path, json=offer | {"amendment": 0}, headers={"Idempotency-Key": "older-version-1"})
    assert stale.status_code == 409
    fresh = await program.post(path, json=offer | {"amendment": 1}, headers={"Idempotency-Key": "newer-version-1"})
    assert fresh.status_code == 201
