"""The later steps of a selection by programs: pick, outside value, giving up, and the panel's whole work."""

import secrets
from datetime import timedelta
from typing import Any

import httpx
import pytest

from core import clock
from core.identity import Role
from market import services
from market.queries.awards import award_of
from market.queries.notices import opened_bids
from market.rules.notices import NoticeState, SelectionMethod
from tests.conftest import Browse
from tests.factories import core as make
from tests.factories.market import (
    MadeNotice,
    bid,
    make_notice,
    make_project,
    make_selected,
    make_surveyors,
    notice_draft,
    open_and_select,
)
from tests.market.test_methods_services import CRITERIA, assessing, panel_of, short_listed

pytestmark = pytest.mark.anyio
V1 = "/api/v1"


async def post(program: httpx.AsyncClient, path: str, body: Any = None) -> httpx.Response:
    return await program.post(V1 + path, json=body, headers={"Idempotency-Key": secrets.token_hex(8)})


def refusal(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["code"]


async def test_the_owner_picks_from_the_short_list(db: None, api: Browse) -> None:
    made, agencies = await short_listed()
    listed = [one.agency_id for one in await opened_bids(made.notice_id) if one.shortlisted]
    out = next(one.agency_id for one in agencies if one.agency_id not in listed)
    path = f"/notices/{made.notice_id}/pick"
    with clock.at(made.deadline + timedelta(minutes=5)):
        owner, stranger = await api(made.client), await api(Role.CLIENT)
        body = {"agency_id": listed[1], "reason": "最合适的机构"}
        assert refusal(await post(await api(), path, body)) == (401, "sign-in-required")
        assert (await post(stranger, path, body)).status_code == 404
        assert (await post(await api(agencies[0].member), path, body)).status_code == 403
        refused = await post(owner, path, body | {"agency_id": out})
        assert refusal(refused) == (404, "not-short-listed")
        assert (await post(owner, path, {"agency_id": listed[1]})).json()["errors"].keys() == {"reason"}
        reply = await post(owner, path, body)
        assert (reply.status_code, reply.json()["id"]) == (201, made.notice_id)
    won = await award_of(made.notice_id)
    assert won is not None
    assert won.agency_id == listed[1]


async def test_the_outside_value_is_recorded_once_and_the_draw_goes_on(db: None, api: Browse) -> None:
    made = await make_notice(method=SelectionMethod.RANDOM_DRAW, outside_source="彩票第 138 期")
    agency, other = await make_surveyors(2)
    for each in (agency, other):
        await bid(each, made, "30000.00")
    await open_and_select(made)
    path = f"/notices/{made.notice_id}/outside-value"
    body = {"value": "07 11", "where": "报纸"}
    with clock.at(made.deadline + timedelta(hours=1)):
        assert (await post(await api(agency.member), path, body)).status_code == 404
        owner = await api(made.client)
        assert (await post(owner, path, {"value": "07 11"})).json()["errors"].keys() == {"where"}
        reply = await post(owner, path, body)
        assert (reply.status_code, reply.json()) == (201, {"id": made.notice_id})
        assert refusal(await post(owner, path, body)) == (422, "no-outside-value")
        assert await services.select_winner(made.notice_id)


async def test_the_winner_gives_up(db: None, api: Browse) -> None:
    made, (first, second) = await make_selected(("20000.00", "21000.00"))
    path = f"/notices/{made.notice_id}/award/refusal"
    with clock.at(made.deadline + timedelta(hours=1)):
        assert (
            refusal(await post(await api(second.member), path, {"reason": "我们人手不够"}))[1] == "no-award-to-decline"
        )
        assert (await post(await api(made.client), path, {"reason": "我们人手不够"})).status_code == 403
        reply = await post(await api(first.member), path, {"reason": "我们人手不够"})
        assert (reply.status_code, reply.json()) == (201, {"id": made.notice_id})
    won = await award_of(made.notice_id)
    assert won is not None
    assert won.agency_id == second.agency_id


async def test_a_panel_is_named_and_only_by_the_owner(db: None, api: Browse) -> None:
    project_id, client = await make_project()
    draft = await notice_draft(method=SelectionMethod.PROPOSAL_PREFERRED, criteria=CRITERIA)
    written = await services.draft_notice(client, project_id=project_id, draft=draft)
    accounts = [one.account_id for one in await panel_of(client)]
    path = f"/notices/{written.notice_id}/panel"
    body = {"members": accounts, "chair": accounts[0]}
    assert (await post(await api(Role.CLIENT), path, body)).status_code == 404
    owner = await api(client)
    assert refusal(await post(owner, path, body | {"members": accounts[:2]})) == (422, "panel-incomplete")
    assert "chair" in (await post(owner, path, body | {"chair": 999999})).json()["errors"]
    reply = await post(owner, path, body)
    assert (reply.status_code, reply.json()["id"]) == (201, written.notice_id)


async def _score(program: httpx.AsyncClient, made: MadeNotice, *points: tuple[str, int, int]) -> httpx.Response:
    marks = [
        {"proposal": name, "question": code, "points": value}
        for name, first, second in points
        for code, value in (("q1", first), ("q2", second))
    ]
    return await post(program, f"/notices/{made.notice_id}/assessment/scores", {"scores": marks, "submit": True})


async def test_a_panel_does_its_whole_work_by_programs(db: None, api: Browse) -> None:
    made, members, agencies = await assessing()
    path = f"/notices/{made.notice_id}/assessment"
    with clock.at(made.deadline + timedelta(hours=1)):
        chair, second, third = [await api(member) for member in members]
        for outsider in (await api(agencies[0].member), await api(Role.MARKET_SUPERVISOR)):
            assert (await outsider.get(V1 + path)).status_code == 403
        assert (await (await api(Role.REVIEWER)).get(V1 + path)).status_code in {403, 404}
        assert refusal(await _score(second, made, ("甲", 20, 20), ("乙", 30, 25)))[1] == "tie-undeclared"
        for program in (chair, second, third):
            assert (await post(program, f"{path}/declaration", {})).status_code == 201
        shown = (await second.get(V1 + path)).json()
        assert (shown["seat"], shown["declared"], shown["submitted"]) == (2, True, False)
        assert [one["proposal"] for one in shown["proposals"]] == ["甲", "乙"]
        assert not any(agency.name_zh in str(shown["proposals"]) for agency in agencies)
        assert (await _score(second, made, ("甲", 41, 20), ("乙", 30, 25))).status_code == 422
        for program, first in ((second, 20), (third, 24), (chair, 35)):
            assert (await _score(program, made, ("甲", first, 20), ("乙", 30, 25))).status_code == 201
        assert refusal(await _score(second, made, ("甲", 21, 20), ("乙", 30, 25)))[1] == "scores-submitted"
        assert refusal(await post(second, f"{path}/signature", {}))[1] == "not-the-chair"
        assert refusal(await post(chair, f"{path}/signature", {}))[1] == "scores-missing"
        agreed = {"proposal": "甲", "question": "q1", "points": 25, "reason": "重新核对了方案"}
        assert (await chair.get(V1 + path)).json()["apart"] == [{"proposal": "甲", "question": "q1"}]
        assert (await post(second, f"{path}/consensus", agreed)).status_code >= 400
        assert (await post(chair, f"{path}/consensus", agreed)).status_code == 201
        assert (await post(chair, f"{path}/signature", {})).status_code == 201
    assert (await made.row()).state is NoticeState.SELECTED


async def test_a_tied_member_leaves_and_is_replaced(db: None, api: Browse) -> None:
    made, (_chair, second, _third), _agencies = await assessing()
    with clock.at(made.deadline + timedelta(hours=1)):
        path = f"/notices/{made.notice_id}"
        new = await make.member(Role.REVIEWER)
        owner = await api(made.client)
        assert (await post(owner, f"{path}/panel/members", {"account": new.account_id})).status_code == 409
        said = await post(await api(second), f"{path}/assessment/recusal", {"reason": "我在其中一家任职"})
        assert said.status_code == 201
        assert (await post(owner, f"{path}/panel/members", {"account": new.account_id})).status_code == 201
        assert (await (await api(new)).get(f"{V1}{path}/assessment")).json()["seat"] == 4
