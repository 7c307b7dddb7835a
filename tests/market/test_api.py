"""The JSON twins: the whole way of a commission by programs, and refusals as problem documents."""

import secrets
from datetime import timedelta
from typing import Any

import httpx
import pytest

from core import clock
from core.identity import Role
from market import services
from tests.conftest import Browse
from tests.factories.market import (
    bid,
    make_notice,
    make_project,
    make_selected,
    make_surveyors,
    soonest,
)

pytestmark = pytest.mark.anyio
V1 = "/api/v1"


def key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(8)}


def problem(reply: httpx.Response) -> tuple[int, str]:
    assert reply.headers["content-type"].startswith("application/problem+json")
    return reply.status_code, reply.json()["code"]


async def notice_body(**changes: Any) -> dict[str, Any]:
    deadline = await soonest() + timedelta(hours=1)
    return {
        "item_code": "XT-SV-01",
        "method": "lowest-price",
        "fund_source": "own",
        "scale": "约 2 公顷",
        "requirements": "测绘资质",
        "payment_terms": "成果备案后付清",
        "ceiling": "28800.00",
        "days_limit": 6,
        "deadline": deadline.isoformat(),
    } | changes


async def test_a_commission_from_project_to_award_by_programs(db: None, api: Browse) -> None:
    client = await api(Role.CLIENT)
    body = {
        "title": "青石峡加油站",
        "location": "东都镇",
        "description": "加油岛 4 座",
        "investment": 8600000,
        "fund_source": "own",
    }
    project = await client.post(f"{V1}/projects", json=body, headers=key())
    assert project.status_code == 201, project.text
    project_id = project.json()["id"]
    draft = await client.post(f"{V1}/notices", json=await notice_body(project_id=project_id), headers=key())
    assert draft.status_code == 201, draft.text
    notice_id = draft.json()["id"]
    published = await client.post(f"{V1}/notices/{notice_id}/publication", json={"version": 1}, headers=key())
    assert published.json()["number"].startswith("XT-GG-")
    (agency,) = await make_surveyors(1)
    bidder = await api(agency.member)
    offer = {"amount": "24600.00", "days": 5, "proposal": "方案", "honest": True}
    once = key()
    receipt = await bidder.post(f"{V1}/notices/{notice_id}/bids", json=offer, headers=once)
    assert receipt.status_code == 201, receipt.text
    again = await bidder.post(f"{V1}/notices/{notice_id}/bids", json=offer, headers=once)
    assert again.json() == receipt.json()
    other = await bidder.post(f"{V1}/notices/{notice_id}/bids", json=offer | {"amount": "1"}, headers=once)
    assert problem(other) == (409, "once-mismatch")
    mine = await bidder.get(f"{V1}/notices/{notice_id}/bids/mine")
    assert mine.json()["digest"] == receipt.json()["digest"]
    assert mine.json()["amount"] is None
    replaced = await bidder.put(f"{V1}/notices/{notice_id}/bids/mine", json=offer, headers=key())
    assert replaced.json()["digest"] != receipt.json()["digest"]
    with clock.at(await soonest() + timedelta(hours=2)):
        assert await services.sweep_notices() >= 1
        reader = await api()
        result = await reader.get(f"{V1}/notices/{notice_id}/result")
    assert result.json()["award"]["amount"] == "24600.00"
    assert result.json()["bids"][0]["reasons"][0]["code"] == "chosen-lowest"


async def test_reads_are_public_and_paged(db: None, api: Browse) -> None:
    made, _agencies = await make_selected(("20000.00", "21000.00"))
    await make_notice(made.client, project_id=made.project_id)
    reader = await api()
    items = (await reader.get(f"{V1}/service-items", params={"q": "地形图"})).json()["items"]
    assert "XT-SV-01" in [item["code"] for item in items]
    guide = (await reader.get(f"{V1}/service-items/XT-SV-01")).json()["guide"]
    assert guide["legal_basis"]
    seen: list[int] = []
    cursor: str | None = None
    while True:
        params = {"limit": "1"} | ({"cursor": cursor} if cursor else {})
        page = (await reader.get(f"{V1}/notices", params=params)).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) >= 2
    project = (await reader.get(f"{V1}/projects/{made.project_id}")).json()
    assert len(project["notices"]) == 2
    awards = (await reader.get(f"{V1}/awards")).json()["items"]
    assert made.notice_id in [award["notice_id"] for award in awards]
    one = await reader.get(f"{V1}/awards/{awards[0]['id']}")
    assert one.json() == awards[0]
    assert (await reader.get(f"{V1}/projects")).json()["items"][0]["id"] == made.project_id


async def test_refusals_are_problem_documents(db: None, api: Browse) -> None:
    project_id, owner = await make_project()
    client = await api(owner)
    body = await notice_body(project_id=project_id, ceiling="1.005", method="coin", scale="")
    reply = await client.post(f"{V1}/notices", json=body, headers=key())
    assert problem(reply) == (422, "form-invalid")
    assert set(reply.json()["errors"]) == {"ceiling", "method", "scale"}
    without = await client.post(f"{V1}/notices", json=body)
    assert problem(without) == (400, "idempotency-key-missing")
    stranger = await api(Role.CLIENT)
    good = await notice_body(project_id=project_id)
    reply = await stranger.post(f"{V1}/notices", json=good, headers=key())
    assert problem(reply) == (404, "project-not-found")
    reader = await api()
    assert problem(await reader.get(f"{V1}/notices/987654")) == (404, "notice-not-found")
    reply = await reader.post(f"{V1}/notices", json=good, headers=key())
    assert reply.status_code == 401


async def test_sealed_things_stay_sealed(db: None, api: Browse) -> None:
    made = await make_notice()
    first, second = await make_surveyors(2)
    await bid(first, made, "23456.78")
    rival = await api(second.member)
    assert problem(await rival.get(f"{V1}/notices/{made.notice_id}/bids/mine"))[0] == 404
    assert problem(await rival.get(f"{V1}/notices/{made.notice_id}/result"))[0] == 404
    shown = (await rival.get(f"{V1}/notices/{made.notice_id}")).text
    assert "23456" not in shown
    assert first.uscc not in shown
    reply = await rival.request("DELETE", f"{V1}/notices/{made.notice_id}/bids/mine", headers=key())
    assert problem(reply) == (404, "bid-not-found")


async def test_a_direct_offer_is_answered_by_program(db: None, api: Browse) -> None:
    from market.rules.notices import SelectionMethod

    (chosen,) = await make_surveyors(1)
    direct = {"method": SelectionMethod.DIRECT, "agency_id": chosen.agency_id}
    accepted, declined = await make_notice(**direct), await make_notice(**direct)
    program = await api(chosen.member)
    yes = await program.post(f"{V1}/notices/{accepted.notice_id}/acceptance", headers=key())
    assert yes.status_code == 201, yes.text
    no = await program.post(
        f"{V1}/notices/{declined.notice_id}/refusal", json={"reason": "近期人手已满"}, headers=key()
    )
    assert no.status_code == 201, no.text
    owner = await api(declined.client)
    again = await owner.post(
        f"{V1}/notices/{declined.notice_id}/reposts",
        json={"deadline": (await soonest()).isoformat()},
        headers=key(),
    )
    assert again.status_code == 201, again.text
