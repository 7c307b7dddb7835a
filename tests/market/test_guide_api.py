"""The guide for programs."""

import secrets
from datetime import timedelta
from typing import Any

import pytest

from core import clock
from core.identity import Role
from market import services
from tests.conftest import Browse
from tests.factories.market import make_project, soonest

pytestmark = pytest.mark.anyio
V1 = "/api/v1"


def once() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(8)}


async def test_guide_for_everybody(db: None, api: Browse) -> None:
    program = await api(None)
    types = (await program.get(f"{V1}/guide")).json()["types"]
    assert len(types) == 8
    found = (await program.get(f"{V1}/guide/result", params={"type": "PT-06", "Q06": "yes", "Q11": "form"})).json()
    assert found["course"]["path"][0] == "XT-SV-01"
    assert found["papers"]
    assert (await program.get(f"{V1}/guide/result", params={"type": "x"})).status_code == 404


async def test_plan_basket_and_batch(db: None, api: Browse) -> None:
    project_id, client = await make_project()
    program = await api(client)
    body: dict[str, Any] = {"type": "PT-06", "started_on": "2026-03-02", "answers": {"Q06": "yes"}}
    body["handle"] = {"XT-SV-01": "basket"}
    kept = await program.put(f"{V1}/projects/{project_id}/plan", json=body, headers=once())
    assert kept.status_code == 200, kept.text
    assert (await program.get(f"{V1}/projects/{project_id}/plan")).json()["plan"]["days"] == kept.json()["days"]
    refused = await program.put(
        f"{V1}/projects/{project_id}/items", json={"handle": {"XT-SV-01": "self"}}, headers=once()
    )
    assert refused.json()["code"] == "not-self-prepared"
    deadline = (await soonest() + timedelta(hours=9)).isoformat()
    line = {"item_code": "XT-SV-01", "scale": "5 公顷", "ceiling": "20000", "days_limit": 8}
    shared = {
        "method": "lowest-price",
        "fund_source": "own",
        "deadline": deadline,
        "requirements": "法定资质",
        "payment_terms": "10 日内付清",
    }
    wrong = await program.post(
        f"{V1}/projects/{project_id}/basket", json=shared | {"lines": [line, line | {"ceiling": "?"}]}, headers=once()
    )
    assert list(wrong.json()["errors"]) == ["lines-1-ceiling"]
    sent = await program.post(f"{V1}/projects/{project_id}/basket", json=shared | {"lines": [line]}, headers=once())
    assert sent.status_code == 201, sent.text
    assert len(sent.json()["notices"]) == 1
    head = "site name,location,scale,investment (cny),price (cny),days\n"
    files = {"sheet": ("a.csv", (head + "A,B,C,1000,100,5\n").encode(), "text/csv")}
    data = shared | {"item_code": "XT-EV-02"}
    begun = await program.post(f"{V1}/batches", data=data, files=files, headers=once())
    assert begun.status_code == 201, begun.text
    batch_id = begun.json()["batch_id"]
    await services.post_batch(batch_id)
    report = (await program.get(f"{V1}/batches/{batch_id}")).json()
    assert (report["finished"], report["posted"]) == (True, 1)
    assert (await (await api(Role.CLIENT)).get(f"{V1}/batches/{batch_id}")).status_code == 404
    assert clock.today()
