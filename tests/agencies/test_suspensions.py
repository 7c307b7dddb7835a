"""An agency is suspended and resumed: by form and by program, with reason, letter, words in public, and no second time."""

from typing import Any

import pytest

from agencies import queries
from agencies.rules import Profession
from core import clock, mail
from core import db as sql
from core.identity import Role
from core.trail.queries import timeline
from tests.conftest import Browse
from tests.factories import agencies as make
from tests.factories import core as people

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db")]
REASON = "涉嫌出具虚假测绘报告，正在核查"
NOTHING_FOUND = "核查完毕，没有发现虚假报告"


async def letters() -> list[str]:
    """What waits to be sent, oldest first."""
    return [row["message"] for row in await sql.rows("select message from core_mail order by id")]


async def test_the_supervisor_suspends_on_the_page_and_everybody_reads_why(browse: Browse) -> None:
    made = await make.make_agency(name_zh="泰安澄怀测绘有限公司")
    supervisor = await browse(Role.MARKET_SUPERVISOR)
    page = await supervisor.get(f"/agencies/{made.agency_id}")
    assert "确认暂停" in page.text
    short = await supervisor.submit(f"/agencies/{made.agency_id}/suspend", {"reason": "可疑"})
    assert short.status_code == 422
    assert "至少 10 个字" in short.text
    assert "可疑" in short.text, "what was typed is kept"
    done = await supervisor.submit(f"/agencies/{made.agency_id}/suspend", {"reason": REASON})
    assert done.status_code == 303, done.text
    again = await supervisor.submit(f"/agencies/{made.agency_id}/suspend", {"reason": REASON})
    assert again.status_code == 409
    assert "不必重复办理" in again.text

    visitor = await browse()
    public = await visitor.get(f"/agencies/{made.agency_id}")
    assert REASON in public.text
    assert "不是处罚" in public.text
    assert "确认恢复" not in public.text
    assert "行政复议" not in public.text
    listed = await visitor.get("/agencies", params={"profession": "surveying", "pick": made.agency_id})
    assert listed.text.count("暂停业务中，不能参加选取") == 2, "in the list and in the comparison"
    english = await (await browse(lang="en")).get(f"/agencies/{made.agency_id}")
    assert "Suspended since" in english.text
    mine = await (await browse(made.member)).get(f"/agencies/{made.agency_id}")
    assert "行政复议" in mine.text
    (item,) = [one for one in await queries.desk_items(made.member, clock.now()) if one.kind == "暂停业务"]
    assert REASON in item.note
    standing = await queries.standing(made.agency_id, Profession.SURVEYING, clock.today())
    assert standing.suspended
    assert not standing.recorded


async def test_the_letter_says_why_and_how_to_object(browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await make.make_agency()
    officer = await people.member(Role.MARKET_SUPERVISOR)
    supervisor = await browse(officer)
    await supervisor.submit(f"/agencies/{made.agency_id}/suspend", {"reason": REASON})
    await supervisor.submit(f"/agencies/{made.agency_id}/resume", {"reason": NOTHING_FOUND})
    assert (await letters())[-2:] == ["agencies/suspended", "agencies/resumed"]
    row = await sql.row(
        "select m.*, a.email, a.login, a.name, a.language from core_mail m join core_account a on a.id = m.account"
        " where m.message = 'agencies/suspended'"
    )
    text = mail._letter(row).get_content()
    assert REASON in text
    assert "60 日内依法申请行政复议" in text
    assert officer.organization_name in text


async def test_resuming_ends_it_and_stays_on_the_page(browse: Browse) -> None:
    made = await make.make_agency()
    supervisor = await browse(Role.MARKET_SUPERVISOR)
    early = await supervisor.submit(f"/agencies/{made.agency_id}/resume", {"reason": NOTHING_FOUND})
    assert early.status_code == 409
    await supervisor.submit(f"/agencies/{made.agency_id}/suspend", {"reason": REASON})
    assert "确认恢复" in (await supervisor.get(f"/agencies/{made.agency_id}")).text
    done = await supervisor.submit(f"/agencies/{made.agency_id}/resume", {"reason": NOTHING_FOUND})
    assert done.status_code == 303, done.text
    page = await (await browse()).get(f"/agencies/{made.agency_id}")
    assert "曾被暂停" in page.text
    assert NOTHING_FOUND in page.text
    assert "起暂停业务" not in page.text
    assert "暂停业务中" not in (await (await browse()).get("/agencies?profession=surveying")).text
    acts = [entry.act for entry in await timeline(f"agency:{made.agency_id}")]
    assert acts[-2:] == ["agency.suspended", "agency.resumed"]


@pytest.mark.parametrize("role", [Role.CLIENT, Role.AGENCY, Role.REGISTRAR, Role.ADMINISTRATOR])
async def test_nobody_else_may(browse: Browse, api: Any, role: Role) -> None:
    made = await make.make_agency()
    other = await browse(role)
    assert "确认暂停" not in (await other.get(f"/agencies/{made.agency_id}")).text
    for act in ("suspend", "resume"):
        refused = await other.submit(f"/agencies/{made.agency_id}/{act}", {"reason": REASON})
        assert refused.status_code == 403
        twin = await (await api(role)).post(
            f"/api/v1/agencies/{made.agency_id}/{act}", json={"reason": REASON}, headers={"Idempotency-Key": act}
        )
        assert twin.status_code == 403
    assert await queries.suspensions(made.agency_id) == []


async def test_the_same_by_program(api: Any) -> None:
    made = await make.make_agency()
    program = await api(Role.MARKET_SUPERVISOR)
    where = f"/api/v1/agencies/{made.agency_id}"
    short = await program.post(f"{where}/suspend", json={"reason": "可疑"}, headers={"Idempotency-Key": "a"})
    assert short.status_code == 422
    assert "reason" in short.json()["errors"]
    key = {"Idempotency-Key": "b"}
    done = await program.post(f"{where}/suspend", json={"reason": REASON}, headers=key)
    assert done.status_code == 201, done.text
    assert (await program.post(f"{where}/suspend", json={"reason": REASON}, headers=key)).json() == done.json()
    visitor = await api()
    (stop,) = (await visitor.get(where)).json()["suspensions"]
    assert stop["reason"] == REASON
    assert stop["lifted_at"] is None
    (line,) = (await visitor.get("/api/v1/agencies")).json()["items"]
    assert line["suspended"] is True
    done = await program.post(f"{where}/resume", json={"reason": NOTHING_FOUND}, headers={"Idempotency-Key": "c"})
    assert done.status_code == 201, done.text
    (stop,) = (await visitor.get(where)).json()["suspensions"]
    assert stop["lift_reason"] == NOTHING_FOUND
    missing = await program.post(
        "/api/v1/agencies/999999/suspend", json={"reason": REASON}, headers={"Idempotency-Key": "d"}
    )
    assert missing.status_code == 404
