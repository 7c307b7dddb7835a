"""Wherever agencies are listed for a client, a contested grade carries its tag, A its badge and C its warning."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from agencies import queries as agencies
from agencies.queries.marks import ContestedGrades
from agencies.rules import CreditGrade
from core import clock, db
from core.identity import Role
from grading import services
from tests.factories import core as make
from tests.grading.life import FACTS, SURVEYING, Fallen, make_fallen

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db")]

TAG, WARNING, BADGE = "等级异议中", "选用须确认风险提示", "优秀机构"


@pytest.fixture
async def fallen(web_app: Any):
    """An agency that has just fallen from B to C, a day after the publication."""
    found = await make_fallen()
    with clock.at(found.now):
        reason = {"code": "chosen-directly", "params": {}}
        await db.execute("update market_award set reason = $1", reason)
        yield found


async def lodge(fallen: Fallen) -> None:
    await services.lodge_objection(actor=fallen.made.member, report_id=await fallen.report_id(), draft=FACTS)


async def pages_with(fallen: Fallen) -> list[str]:
    """Every list and page of the lower packages on which a client meets this agency."""
    contract, notice = await db.value("select max(id) from contracts_contract"), None
    number = await db.value("select max(number) from contracts_contract where number is not null")
    notice = await db.value("select max(notice) from market_award where agency = $1", fallen.made.agency_id)
    assert contract
    assert notice
    found = [
        "/agencies?profession=surveying",
        f"/agencies?profession=surveying&pick={fallen.made.agency_id}",
        "/awards",
        f"/notices/{notice}",
        "/contracts",
        f"/contracts/{contract}",
    ]
    return found + (["/contracts/records", f"/contracts/records/{number}"] if number else [])


async def test_the_tag_stands_wherever_a_client_meets_the_agency(fallen, browse):
    reader = await browse(await make.member(Role.GRADING_OFFICER))
    paths = await pages_with(fallen)
    for path in paths:
        page = await reader.get(path)
        assert page.status_code == 200, path
        assert TAG not in page.text, path
    await lodge(fallen)
    for path in paths:
        page = await reader.get(path)
        assert TAG in page.text, path
        assert "对这个等级提出异议" in page.text, path
    listed = (await reader.get("/agencies?profession=surveying")).text
    assert listed.count(TAG) == 1, "only the one that objected"


async def test_the_tag_goes_when_the_objection_is_closed(fallen, browse):
    await lodge(fallen)
    await db.execute("update grading_objection set closed_at = $1, state = 'withdrawn', due_at = null", clock.now())
    reader = await browse(None)
    assert TAG not in (await reader.get("/agencies?profession=surveying")).text


async def test_c_warns_and_a_has_its_badge(fallen, browse):
    reader = await browse(await make.member(Role.GRADING_OFFICER))
    contract = f"/contracts/{await db.value('select max(id) from contracts_contract')}"
    assert WARNING in (await reader.get(contract)).text
    assert BADGE not in (await reader.get(contract)).text
    await db.execute("update agencies_profession set grade = 'A' where agency = $1", fallen.made.agency_id)
    for path in (contract, "/contracts", "/agencies?profession=surveying"):
        page = (await reader.get(path)).text
        assert BADGE in page, path
        assert WARNING not in page, path


async def test_programs_are_told_too(fallen, api):
    anybody = await api(None)

    async def listed() -> list[bool]:
        found = (await anybody.get("/api/v1/agencies?profession=surveying")).json()["items"]
        return [one["contested"] for one in found if one["id"] == fallen.made.agency_id]

    assert await listed() == [False]
    await lodge(fallen)
    assert await listed() == [True]


async def test_a_whole_list_costs_two_queries(fallen, monkeypatch):
    await lodge(fallen)
    asked: list[str] = []
    ask = db.rows

    async def counted(sql: str, *arguments: Any) -> Any:
        asked.append(sql)
        return await ask(sql, *arguments)

    monkeypatch.setattr(db, "rows", counted)
    pairs = [(fallen.made.agency_id + n, "surveying") for n in range(60)]
    found = await agencies.marks(pairs)
    assert len(asked) == 2
    assert len(found) == 60
    mine = found[fallen.made.agency_id, "surveying"]
    assert (mine.grade, mine.contested is not None) == (CreditGrade.B, True), "the downgrade waits"
    assert found[fallen.made.agency_id + 59, "surveying"].grade is CreditGrade.N
    assert await agencies.marks([]) == {}
    assert len(asked) == 2, "an empty list asks nothing"


async def test_the_port_answers_nothing_while_nobody_supplies_it():
    port = ContestedGrades()
    assert await port.among([(1, SURVEYING)]) == {}

    async def source(pairs: Sequence[Any]) -> dict[Any, agencies.Contested]:
        return {pair: agencies.Contested("XT-YY-1", clock.now() - timedelta(days=1)) for pair in pairs}

    port.supply(source)
    assert set(await port.among([(1, SURVEYING), (2, SURVEYING)])) == {(1, SURVEYING), (2, SURVEYING)}
