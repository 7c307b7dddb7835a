"""The JSON twins: the same services, refusals as problem documents, one effect per key."""

import pytest

from core import db
from core.identity import Role
from tests.conftest import Browse
from tests.factories import contracts as given

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db")]


def key(name: str) -> dict[str, str]:
    return {"Idempotency-Key": name}


async def test_a_contract_is_edited_confirmed_and_filed(api: Browse) -> None:
    made = await given.make_draft()
    client, seller = await api(made.client), await api(made.seller)
    url = f"/api/v1/contracts/{made.contract_id}"
    body = {
        "version": 1,
        "amount": "24000.00",
        "days": 8,
        "scope": "1:500 地形图",
        "milestones": [
            {"name": "外业", "percent": 40, "days": 4},
            {"name": "成果", "percent": "60", "days": 8},
        ],
    }
    edited = await client.post(f"{url}/terms", json=body, headers=key("terms"))
    assert edited.status_code == 201, edited.text
    assert edited.json()["version"] == 2
    for program, name in ((client, "a"), (seller, "b")):
        answer = await program.post(f"{url}/confirmations", json={"version": 2}, headers=key(name))
        assert answer.status_code == 201, answer.text
    first = await seller.post(f"{url}/filings", json={}, headers=key("file"))
    again = await seller.post(f"{url}/filings", json={}, headers=key("file"))
    assert first.json() == again.json()
    assert first.json()["number"].startswith("XT-HT-")
    shown = (await client.get(url)).json()
    assert shown["state"] == "filed"
    assert [step["percent"] for step in shown["milestones"]] == ["40.00", "60.00"]
    records = (await (await api(None)).get("/api/v1/contract-records?limit=1")).json()
    assert records["items"][0]["number"] == shown["number"]
    assert "scope" not in records["items"][0]


async def test_refusals_are_problem_documents(api: Browse) -> None:
    made = await given.make_draft()
    client, stranger = await api(made.client), await api(Role.CLIENT)
    url = f"/api/v1/contracts/{made.contract_id}"
    body = {"version": 1, "amount": "99999.00", "days": 8, "scope": "x", "milestones": []}
    refused = await client.post(f"{url}/terms", json=body, headers=key("x"))
    assert refused.status_code == 422
    assert refused.headers["content-type"].startswith("application/problem+json")
    assert set(refused.json()["errors"]) == {"amount", "milestones"}
    stale = await client.post(f"{url}/confirmations", json={"version": 7}, headers=key("y"))
    assert (stale.status_code, stale.json()["code"]) == (409, "stale-form")
    foreign = await stranger.get(url)
    absent = await stranger.get("/api/v1/contracts/999999")
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json() == absent.json()
    assert (await (await api(None)).get(url)).status_code == 401


async def test_a_review_through_the_api(api: Browse) -> None:
    made = await given.make_review()
    assignment_id, reviewer = (await made.seats())[0]
    program, seller = await api(reviewer), await api(made.contract.seller)
    url = f"/api/v1/assignments/{assignment_id}"
    shown = (await program.get(url)).json()
    assert made.contract.agency.name_zh not in str(shown)
    sheet = await given.sheet_of(assignment_id)
    marks = {one.code: {"level": 4, "remark": "第 3 页"} for one in sheet.indicators}
    partial = dict(list(marks.items())[1:])
    refused = await program.post(f"{url}/submissions", json={"version": 1, "marks": partial}, headers=key("a"))
    assert (refused.status_code, refused.json()["code"]) == (422, "incomplete-sheet")
    for number, (seat, person) in enumerate(await made.seats()):
        done = await (await api(person)).post(
            f"/api/v1/assignments/{seat}/submissions",
            json={
                "version": 1,
                "marks": marks,
                "summary": "总体良好；已抽查外业观测手簿、检查点记录和计算书，三者一致无误",
            },
            headers=key(f"b{number}"),
        )
        assert done.status_code == 201, done.text
        assert done.json()["points"] == "85.00"
    review = (await seller.get(f"/api/v1/reviews/{made.review_id}")).json()
    assert review["technical"] == "85.00"
    assert review["findings"][0]["code"] == ""
    final = await seller.post(f"/api/v1/reviews/{made.review_id}/waivers", json={}, headers=key("c"))
    assert final.json()["state"] == "final"


async def test_lists_are_paged(api: Browse) -> None:
    made = await given.make_filed()
    officer = await api(Role.GRADING_OFFICER)
    await given.make_filed()
    first = (await officer.get("/api/v1/contracts?limit=1")).json()
    second = (await officer.get(f"/api/v1/contracts?limit=1&cursor={first['next']}")).json()
    assert len(first["items"]) == len(second["items"]) == 1
    assert second["items"][0]["id"] == made.contract_id
    assert second["next"] is None
    assert await db.value("select count(*) from contracts_contract") == 2
    assert len((await officer.get("/api/v1/review-sheets")).json()["items"]) == 7
