"""The JSON twins: same services, same refusals, once means once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core import clock, db
from core.identity import SYSTEM, Role
from grading import services
from tests.factories import core as make
from tests.factories import grading as g
from tests.factories.agencies import MadeAgency, make_agency

pytestmark = pytest.mark.anyio

DAY = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
SIGN_DAY = DAY + timedelta(days=8)


@pytest.fixture
async def on_a_monday(db: None):
    with clock.at(DAY):
        yield


async def made_with_results() -> MadeAgency:
    made = await make_agency()
    field = await g.make_field()
    for n in range(8):
        await g.make_result(made.agency_id, field, "85", days_ago=20 + 10 * n)
    return made


def key(text: str) -> dict[str, str]:
    return {"Idempotency-Key": text}


async def test_a_run_from_preparation_to_certificate(on_a_monday, api):
    made = await made_with_results()
    officer = await api(Role.GRADING_OFFICER)
    prepared = await officer.post("/api/v1/grade-runs", json={"as_of": "2026-11-02"}, headers=key("run"))
    assert (prepared.status_code, prepared.json()["reports"]) == (201, 1)
    run = (await officer.get(f"/api/v1/grade-runs/{prepared.json()['run_id']}")).json()
    (line,) = run["reports"]
    anybody, agency = await api(), await api(made.member)
    assert (await anybody.get(f"/api/v1/grade-reports/{line['report_id']}")).status_code == 404
    draft = (await agency.get(f"/api/v1/grade-reports/{line['report_id']}")).json()
    assert draft["outcome"]["score"] == "86.55"
    comment = await agency.post(
        f"/api/v1/grade-reports/{line['report_id']}/comment", json={"text": "请核对"}, headers=key("c")
    )
    assert comment.status_code == 201
    with clock.at(SIGN_DAY):
        signer = await api(Role.GRADING_OFFICER)
        refused = await signer.post(
            f"/api/v1/grade-reports/{line['report_id']}/publication", json={}, headers=key("p1")
        )
        assert (refused.status_code, refused.json()["code"]) == (422, "answer-missing")
        done = await signer.post(
            f"/api/v1/grade-reports/{line['report_id']}/publication", json={"text": "无误"}, headers=key("p2")
        )
        assert done.status_code == 201
        number = done.json()["certificate_no"]
        certificate = (await anybody.get(f"/api/v1/certificates/{number}")).json()
    assert (certificate["valid"], certificate["grade"]) == (True, "B")
    shown = (await anybody.get(f"/api/v1/agencies/{made.agency_id}/grades/surveying")).json()
    table = shown["outcome"]["explanation"]
    effects = [Decimal(row["effect"]) for row in shown["years"] + table["extras"]]
    assert Decimal(table["base"]) + sum(effects) == Decimal(table["total"])
    assert "测试员" not in str(shown)


async def test_the_same_key_prepares_one_run(on_a_monday, api):
    await make_agency()
    officer = await api(Role.GRADING_OFFICER)
    first = await officer.post("/api/v1/grade-runs", json={"as_of": "2026-11-02"}, headers=key("same"))
    second = await officer.post("/api/v1/grade-runs", json={"as_of": "2026-11-02"}, headers=key("same"))
    assert first.json() == second.json()
    assert await db.value("select count(*) from grading_run") == 1


async def test_lists_are_paged(on_a_monday, api):
    for _ in range(3):
        await make_agency()
    receipt = await services.prepare_run(actor=SYSTEM, as_of=DAY.date())
    with clock.at(SIGN_DAY):
        await services.publish_run(actor=await make.member(Role.GRADING_OFFICER), run_id=receipt.run_id)
    anybody = await api()
    first = (await anybody.get("/api/v1/grades?limit=2")).json()
    second = (await anybody.get(f"/api/v1/grades?limit=2&cursor={first['next']}")).json()
    assert (len(first["items"]), len(second["items"]), second["next"]) == (2, 1, None)
    assert (await anybody.get("/api/v1/grades?profession=nonsense")).status_code == 400


async def test_conduct_and_direct_d_over_the_api(on_a_monday, api):
    made = await make_agency()
    registrar, officer, agency, anybody = (
        await api(Role.REGISTRAR),
        await api(Role.GRADING_OFFICER),
        await api(made.member),
        await api(),
    )
    body = {
        "agency_id": made.agency_id,
        "profession": "surveying",
        "code": "CP-0501",
        "found_on": "2026-10-30",
        "facts": "中选后放弃",
        "source": "中选记录",
    }
    wrong = await registrar.post("/api/v1/conduct-points", json=body | {"facts": ""}, headers=key("0"))
    assert (wrong.status_code, list(wrong.json()["errors"])) == (422, ["facts"])
    proposed = (await registrar.post("/api/v1/conduct-points", json=body, headers=key("1"))).json()
    address = f"/api/v1/conduct-points/{proposed['finding_id']}"
    assert (await anybody.get(f"/api/v1/agencies/{made.agency_id}/conduct-points")).json()["items"] == []
    assert (await agency.post(f"{address}/reply", json={"text": "不实"}, headers=key("2"))).status_code == 201
    decision = {"verdict": "uphold", "reasons": "证据充分"}
    assert (await agency.post(f"{address}/decision", json=decision, headers=key("3"))).status_code == 403
    assert (await officer.post(f"{address}/decision", json=decision, headers=key("4"))).status_code == 201
    (live,) = (await anybody.get(f"/api/v1/agencies/{made.agency_id}/conduct-points")).json()["items"]
    assert (live["points"], "reply" in live) == (5, False)
    direct = body | {"code": "DD-02", "document_no": "演示〔2026〕1 号", "authority": "演示机关"}
    direct |= {"starts_on": "2026-11-02", "ends_on": "2027-11-02"}
    imposed = await officer.post(
        "/api/v1/direct-d",
        json={name: direct[name] for name in direct if name not in ("found_on", "source")},
        headers=key("5"),
    )
    assert imposed.json()["publications"][0]["result"] == "D"


async def test_files_of_a_finding_over_the_api(on_a_monday, api):
    made = await make_agency()
    registrar, agency, stranger = await api(Role.REGISTRAR), await api(made.member), await api(Role.AGENCY)
    body = {
        "agency_id": str(made.agency_id),
        "code": "CP-0501",
        "found_on": "2026-10-30",
        "facts": "中选后放弃",
        "source": "中选记录",
    }
    proof = {"evidence": ("放弃函.pdf", b"%PDF-1.7 x", "application/pdf")}
    sent = await registrar.post("/api/v1/conduct-points/with-files", data=body, files=proof, headers=key("1"))
    assert sent.status_code == 201, sent.text
    address = f"/api/v1/conduct-points/{sent.json()['finding_id']}"
    answer = {"evidence": ("申辩.pdf", b"%PDF-1.7 y", "application/pdf")}
    sent = await agency.post(f"{address}/reply-with-files", data={"text": "不实"}, files=answer, headers=key("2"))
    assert sent.status_code == 201, sent.text
    listed = (await agency.get(f"{address}/files")).json()["items"]
    assert [(one["side"], one["name"]) for one in listed] == [("evidence", "放弃函.pdf"), ("reply", "申辩.pdf")]
    assert (await agency.get(f"{address}/files/{listed[0]['id']}")).content == b"%PDF-1.7 x"
    assert (await stranger.get(f"{address}/files")).status_code == 404
    assert (await stranger.get(f"{address}/files/{listed[0]['id']}")).status_code == 404


async def test_the_scheme_in_force_is_public(on_a_monday, api):
    body = (await (await api()).get("/api/v1/grading-scheme")).json()
    assert body["scheme"]["id"] == "XT-2026.1"
    assert body["scheme"]["digest"] == g.scheme().digest


@pytest.mark.parametrize("role", [None, Role.CLIENT, Role.AGENCY, Role.REVIEWER])
async def test_officers_reads_and_acts_are_closed(on_a_monday, api, role):
    somebody = await api(role)
    assert (await somebody.get("/api/v1/grade-runs")).status_code in (401, 403)
    answer = await somebody.post("/api/v1/grade-runs", json={"as_of": "2026-11-02"}, headers=key("x"))
    assert answer.status_code in (401, 403)
