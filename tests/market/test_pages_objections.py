"""Objections over HTTP: the forms, the JSON twins, what the public sees."""

from datetime import timedelta

import pytest

from core import clock
from core.identity import Role
from market.queries.objections import objection
from market.rules.notices import Phase
from market.rules.objections import ObjectionState
from tests.conftest import Browse
from tests.factories import core as make
from tests.factories.market import make_notice, make_selected, make_surveyors
from tests.factories.objections import WORDS, lodge

pytestmark = pytest.mark.anyio
FORM = {
    "facts": "中选机构在开启当日的资质证书已经过期，不具备承担本事项的条件。",
    "wish": "请更正结果",
    "provision": "eligibility",
    "evidence_words": "",
    "honest": "on",
}


async def test_from_the_form_to_the_decision(db: None, browse: Browse) -> None:
    made, agencies = await make_selected(("24600.00", "26000.00"))
    office = await make.organization()
    with clock.at(made.deadline + timedelta(hours=2)):
        first, second = [await browse(await make.member(Role.MARKET_SUPERVISOR, office)) for _ in range(2)]
        objector, client, public = await browse(agencies[1].member), await browse(made.client), await browse()
        page = await objector.get(f"/notices/{made.notice_id}")
        assert "提出异议" in page.text
        assert "提出异议" not in (await public.get(f"/notices/{made.notice_id}")).text
        assert (await objector.get(f"/notices/{made.notice_id}/objections/new")).status_code == 200
        url = f"/notices/{made.notice_id}/objections"
        refused = await objector.submit(url, FORM)
        assert refused.status_code == 422
        assert "请上传证据" in refused.text
        assert FORM["facts"] in refused.text
        wrong = await objector.submit(url, FORM, files={"evidence": ("证据.pdf", b"no pdf", "application/pdf")})
        assert wrong.status_code == 422
        lodged = await objector.submit(url, FORM, files={"evidence": ("证据.pdf", b"%PDF-1.7 x", "application/pdf")})
        assert lodged.status_code == 303, lodged.text
        where = lodged.headers["location"]
        objection_id = int(where.rsplit("/", 1)[1])
        evidence = f"{where}/evidence/"
        assert evidence in (await client.get(where)).text
        assert evidence not in (await public.get(where)).text
        assert evidence not in (await (await browse(agencies[0].member)).get(where)).text
        notice = (await public.get(f"/notices/{made.notice_id}")).text
        assert "公示期停止计算" in notice
        assert "现在由" in notice
        answered = await client.submit(f"{where}/answer", {"remedy": "reject", "words": WORDS})
        assert answered.status_code == 303
        assert (await objector.submit(f"{where}/escalation", {"words": WORDS})).status_code == 303
        assert where in (await first.get("/desk")).text
        assert (await client.submit(f"{where}/acceptance")).status_code == 403
        assert (await first.submit(f"{where}/acceptance")).status_code == 303
        same = await first.submit(f"{where}/decision", {"decision": "confirm", "words": WORDS})
        assert same.status_code == 409
        assert WORDS in same.text
        assert "签署决定" in (await second.get(where)).text
        assert (await second.submit(f"{where}/decision", {"decision": "confirm", "words": WORDS})).status_code == 303
        late = await second.submit(f"{where}/decision", {"decision": "void", "words": WORDS})
        assert late.status_code == 409
        assert "已经办结" in late.text
        assert "行政复议" in (await public.get(where)).text
        listed = await public.get("/objections")
        assert where in listed.text
    assert (await objection(objection_id)).state is ObjectionState.CONFIRMED


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
async def test_pages_render_in_both_languages(db: None, browse: Browse, lang: str) -> None:
    browser = await browse(lang=lang)
    assert (await browser.get("/objections")).status_code == 200
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    objector = await browse(agency.member, lang=lang)
    assert (await objector.get(f"/notices/{made.notice_id}/objections/new")).status_code == 200
    objection_id = await lodge(agency.member, made)
    for reader in (browser, objector, await browse(made.client, lang=lang), await browse(Role.MARKET_SUPERVISOR)):
        for url in (f"/objections/{objection_id}", f"/notices/{made.notice_id}", "/objections?show=open"):
            assert (await reader.get(url)).status_code == 200
    assert (await browser.get("/objections/999999")).status_code == 404


async def test_the_json_twins_do_the_same(db: None, api: Browse) -> None:
    made, agencies = await make_selected(("24600.00", "26000.00"))
    body = FORM | {"honest": True, "evidence_words": "证书编号可查"}
    with clock.at(made.deadline + timedelta(hours=2)):
        objector, client = await api(agencies[1].member), await api(made.client)
        url = f"/api/v1/notices/{made.notice_id}/objections"
        lodged = await objector.post(url, json=body, headers={"Idempotency-Key": "a"})
        assert lodged.status_code == 201, lodged.text
        one = f"/api/v1/notice-objections/{lodged.json()['id']}"
        again = await objector.post(url, json=body, headers={"Idempotency-Key": "b"})
        assert again.status_code == 409
        assert again.json()["code"] == "objection-already-lodged"
        assert (await made.row()).phase is Phase.PAUSED
        answer = {"remedy": "refer", "words": WORDS}
        done = await client.post(f"{one}/answer", json=answer, headers={"Idempotency-Key": "c"})
        assert done.status_code == 201
        shown = (await (await api()).get(one)).json()
        assert shown["state"] == "escalated"
        assert [step["act"] for step in shown["steps"]] == ["lodge", "refer"]
        officer, other = [await api(Role.MARKET_SUPERVISOR) for _ in range(2)]
        took = await officer.post(f"{one}/acceptance", json={}, headers={"Idempotency-Key": "d"})
        assert took.status_code == 201
        correct = {"decision": "correct", "words": WORDS, "aside": [], "back": []}
        refused = await other.post(f"{one}/decision", json=correct, headers={"Idempotency-Key": "e"})
        assert refused.json()["code"] == "objection-cannot-correct"
        void = {"decision": "void", "words": WORDS}
        assert (await other.post(f"{one}/decision", json=void, headers={"Idempotency-Key": "f"})).status_code == 201
        assert (await (await api()).get("/api/v1/notice-objections")).json()["items"][0]["state"] == "voided"
