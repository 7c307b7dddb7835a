"""Signals and cases on the database, and their pages."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core import clock, db, trail
from core.errors import Forbidden, NotAllowedNow
from core.forms import Upload
from core.identity import Identity, Role
from core.trail import registry
from market import services
from market.queries import signal_cases as cases
from market.queries import signals
from market.queries.signal_frames import persons
from market.queries.signals import SignalFilter
from market.rules.notices import FundSource, SelectionMethod
from market.rules.signal_cases import (
    CaseGone,
    CaseResult,
    CaseState,
    NobodyNamed,
    ReplyOver,
    ReplyRunning,
    SameOfficer,
)
from market.rules.signal_list import DEFINITIONS
from market.rules.signals import SignalState, SignalUnknown
from market.services.signal_cases import CaseDecision, decide_case, open_case, reply_case, withdraw_case
from market.services.signals import note_signal
from tests.conftest import Browse
from tests.factories import core as make
from tests.factories.agencies import PDF, MadeAgency, make_agency
from tests.factories.market import (
    MadeNotice,
    bid,
    make_notice,
    make_project,
    make_selected,
    make_surveyors,
    notice_draft,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db", "web_app")]
EVERYTHING = SignalFilter(state="all", handled="all", background=True)
WHY = "文件出自同一人之手，陈述没有说明原因。"


async def watcher() -> Identity:
    return await make.member(Role.MARKET_SUPERVISOR)


async def same_file_in(made: MadeNotice, agencies: list[MadeAgency], author: str = "王工") -> None:
    """What the opening would have unpacked: one and the same file in everybody's envelope."""
    for one in agencies:
        stored = await db.value(
            "insert into core_stored_file (sha256, size, media_type, name, use, scan_state, organization, account,"
            " created_at) values ($1, 9, 'application/pdf', '方案.pdf', 'bid', 'unscanned', $2, $3, $4) returning id",
            "ab" * 32,
            one.organization_id,
            one.member.account_id,
            clock.now(),
        )
        number = await db.value(
            "select id from market_bid where notice = $1 and agency = $2", made.notice_id, one.agency_id
        )
        await db.execute(
            "insert into market_bid_attachment (bid, file, author) values ($1, $2, $3)", number, stored, author
        )


async def marked() -> tuple[MadeNotice, list[MadeAgency]]:
    """An opened notice whose two bids share a file, and its signals computed."""
    made, agencies = await make_selected(("24600.00", "26000.00"))
    await same_file_in(made, agencies)
    await services.compute_notice_signals(made.notice_id)
    return made, agencies


async def by_code(code: str) -> signals.SignalRow:
    rows = await signals.signals(replace(EVERYTHING, code=code), limit=10)
    assert len(rows) == 1
    return rows[0]


async def opened() -> tuple[int, Identity, MadeNotice, list[MadeAgency]]:
    """A case against both bidders."""
    made, agencies = await marked()
    officer = await watcher()
    ids = [(await by_code(code)).id for code in ("mixed-files", "same-author")]
    receipt = await open_case(
        officer, signal_ids=ids, parties=[one.organization_id for one in agencies], question="文件为何相同？"
    )
    return receipt.case_id, officer, made, agencies


# ---- computing
async def test_before_the_opening_nothing_is_computed() -> None:
    made = await make_notice()
    for agency in await make_surveyors(2):
        await bid(agency, made, "24600.00")
    await db.execute("update market_bid set origin = $2 where notice = $1", made.notice_id, {"address": "x"})
    done = await services.compute_notice_signals(made.notice_id)
    assert done.found == 0
    assert (await services.compute_signals()).found == 0


async def test_a_signal_found_again_keeps_its_row_and_one_that_vanishes_stays() -> None:
    made, _ = await marked()
    first = await by_code("mixed-files")
    assert first.notices[0]["id"] == made.notice_id
    with clock.at(clock.now() + timedelta(hours=1)):
        again = await services.compute_signals()
        assert again.fresh == 0
        same = await by_code("mixed-files")
        assert same.id == first.id
        assert same.first_found_at == first.first_found_at < same.last_found_at
    await db.execute("delete from market_bid_attachment")
    gone = await services.compute_signals()
    assert gone.gone == 2
    after = await by_code("mixed-files")
    assert after.state is SignalState.GONE
    assert after.gone_at is not None


async def test_a_notice_outside_the_window_is_not_judged_anew() -> None:
    await marked()
    with clock.at(clock.now() + timedelta(days=500)):
        await services.compute_signals()
    assert (await by_code("mixed-files")).state is SignalState.FOUND


async def test_every_column_of_the_opening_is_read() -> None:
    made, agencies = await make_selected(("24600.00", "26000.00"))
    await db.execute(
        "update market_bid set origin = $2, staff = $3, account = $4 where notice = $1",
        made.notice_id,
        {"address": "aa", "browser": "bb"},
        [{"name": "赵六"}, "钱七"],
        agencies[0].member.account_id,
    )
    await services.compute_notice_signals(made.notice_id)
    found = {row.code for row in await signals.signals(EVERYTHING, limit=50)}
    assert {"same-submitter", "same-staff", "same-account", "R003"} <= found
    assert persons([{"id": 7}, " 甲 ", {}, ""]) == ["7", "甲"]
    assert persons(None) == []


async def split_in_two(second_ceiling: str, **changes: object) -> tuple[int, int]:
    """Two direct purchases of public money, the second a month after the first."""
    agency, client = await make_agency(), await make.member(Role.CLIENT)
    numbers = []
    for days, ceiling, place in ((0, "30000.00", {}), (30, second_ceiling, changes)):
        project_id, _ = await make_project(client, **place)
        draft = await notice_draft(
            method=SelectionMethod.DIRECT,
            fund_source=FundSource.PUBLIC,
            ceiling=Decimal(ceiling),
            agency_id=agency.agency_id,
            reason="原控制网由该机构布设，延续使用可以避免重复测量。",
        )
        said = services.Explanations(split="第二块用地上月才批复。", conditions="")
        with clock.at(clock.now() + timedelta(days=days)):
            draft = replace(draft, deadline=draft.deadline + timedelta(days=days))
            made = await services.draft_notice(client, project_id=project_id, draft=draft)
            await services.publish_notice(client, notice_id=made.notice_id, version=1, explanations=said)
        numbers.append(made.notice_id)
    return numbers[0], numbers[1]


async def test_split_purchases_are_a_signal_like_the_others(browse: Browse) -> None:
    """Fires where two purchases together pass the limit, is silent below it and elsewhere, ends with the window."""
    await split_in_two("20000.00")
    await split_in_two("30000.00", location="新泰市汶南镇")
    with clock.at(clock.now() + timedelta(days=31)):
        await services.compute_signals()
    assert await signals.signals(replace(EVERYTHING, code="split-purchase"), limit=9) == []

    first, second = await split_in_two("30000.00")
    with clock.at(clock.now() + timedelta(days=31)):
        await services.compute_signals()
        row = await by_code("split-purchase")
    assert [one["id"] for one in row.notices] == [first, second]
    assert len(row.clients) == 1
    assert "60,000.00" in row.text
    page = await (await browse(Role.MARKET_SUPERVISOR)).get(f"/supervision/signals/{row.id}")
    assert "单次都没有超过限额" in page.text
    with clock.at(clock.now() + timedelta(days=500)):
        await services.compute_signals()
    assert (await by_code("split-purchase")).last_found_at == row.last_found_at, "outside the window nobody looks"


async def test_the_list_says_what_cannot_happen_here(browse: Browse) -> None:
    page = await (await browse(Role.MARKET_SUPERVISOR)).get("/supervision/signals")
    for one in DEFINITIONS.values():
        assert one.title in page.text
    assert [one.code for one in DEFINITIONS.values() if one.never] == ["R030"]
    assert DEFINITIONS["R030"].never in page.text


async def test_the_trail_names_nobody_while_nothing_is_decided() -> None:
    case_id, _, made, agencies = await opened()
    assert not [e for e in await _entries(f"notice:{made.notice_id}") if e.startswith("signal")]
    assert not [e for e in await _entries(f"agency:{agencies[0].agency_id}") if e.startswith("signal")]
    assert await _entries(f"signal-case:{case_id}") == ["signal-case.opened"]
    assert registry.openness("signal-case.opened", "market_supervisor") is trail.Openness.PROOF


async def _entries(thread: str) -> list[str]:
    rows = await db.rows("select act from core_trail_entry where threads @> array[$1::text] order by id", thread)
    return [row["act"] for row in rows]


async def test_a_noted_signal_leaves_the_desk() -> None:
    await marked()
    officer = await watcher()
    waiting = [item for item in await cases.waiting_cases(officer, clock.now()) if item.mine]
    assert len(waiting) == 1
    for row in await signals.signals(SignalFilter(), limit=50):
        await note_signal(officer, signal_id=row.id, note="模板由业主提供")
    assert await cases.waiting_cases(officer, clock.now()) == []


# ---- cases
async def test_a_case_gives_three_working_days_and_only_to_those_concerned() -> None:
    case_id, officer, _, agencies = await opened()
    row = await cases.case(case_id, officer)
    assert row.reply_until > clock.now() + timedelta(days=2)
    (one,) = [item for item in await cases.waiting_cases(agencies[0].member, clock.now()) if item.mine]
    assert one.due_at == row.reply_until
    stranger = await make.member(Role.AGENCY)
    for reader in (stranger, None):
        with pytest.raises(CaseGone):
            await cases.case(case_id, reader)
    with pytest.raises(CaseGone):
        await reply_case(stranger, case_id=case_id, text="与我无关")
    signal = await by_code("mixed-files")
    with pytest.raises(NobodyNamed):
        await open_case(officer, signal_ids=[signal.id], parties=[stranger.organization_id], question="？")
    with pytest.raises(SignalUnknown):
        await open_case(officer, signal_ids=[signal.id, 10**9], parties=[1], question="？")
    with pytest.raises(Forbidden):
        await open_case(stranger, signal_ids=[signal.id], parties=[stranger.organization_id], question="？")


async def test_parties_see_the_same_facts_but_not_each_others_words() -> None:
    case_id, officer, _, agencies = await opened()
    first, second = agencies
    upload = Upload("说明.pdf", PDF)
    await reply_case(first.member, case_id=case_id, text="模板由业主提供", uploads=[upload])
    seen = await cases.case(case_id, second.member)
    assert [text for text, _ in seen.sentences] == [text for text, _ in (await cases.case(case_id, officer)).sentences]
    assert all(not party["statements"] for party in seen.parties)
    (said,) = [party["statements"] for party in (await cases.case(case_id, officer)).parties if party["statements"]]
    file_id = said[0]["files"][0]["id"]
    assert await cases.case_file(case_id, file_id, first.member) == file_id
    with pytest.raises(CaseGone):
        await cases.case_file(case_id, file_id, second.member)


async def test_the_second_officer_decides_after_the_replies() -> None:
    case_id, officer, made, agencies = await opened()
    second = await watcher()
    decision = CaseDecision(CaseResult.BREACH, WHY, (agencies[0].organization_id,), "CP-2003")
    with pytest.raises(ReplyRunning):
        await decide_case(second, case_id=case_id, decision=decision)
    for one in agencies:
        await reply_case(one.member, case_id=case_id, text="没有串通。")
    with pytest.raises(SameOfficer):
        await decide_case(officer, case_id=case_id, decision=decision)
    receipt = await decide_case(second, case_id=case_id, decision=decision)
    assert receipt.state is CaseState.DECIDED
    proposed = await db.rows("select agency, code, state, facts, source from grading_conduct")
    assert [(row["agency"], row["code"], row["state"]) for row in proposed] == [
        (agencies[0].agency_id, "CP-2003", "proposed")
    ]
    assert receipt.number == proposed[0]["source"]
    assert WHY in proposed[0]["facts"]
    public = await cases.case(case_id, None)
    assert [party["organization"] for party in public.parties] == [agencies[0].organization_id]
    assert all("王工" not in text for text, _ in public.sentences)
    assert [row.id for row in await cases.breaches(limit=10)] == [case_id]
    assert "signal-case.upheld" in await _entries(f"notice:{made.notice_id}")
    with pytest.raises(NotAllowedNow):
        await reply_case(agencies[0].member, case_id=case_id, text="再补充")


async def test_without_a_breach_nothing_becomes_public_and_nobody_gets_points() -> None:
    case_id, _, made, _agencies = await opened()
    second = await watcher()
    row = await cases.case(case_id, second)
    with clock.at(row.reply_until):
        await decide_case(second, case_id=case_id, decision=CaseDecision(CaseResult.INSUFFICIENT, WHY))
    with pytest.raises(CaseGone):
        await cases.case(case_id, None)
    assert await cases.breaches(limit=10) == []
    assert await db.value("select count(*) from grading_conduct") == 0
    assert not [act for act in await _entries(f"notice:{made.notice_id}") if act.startswith("signal")]


async def test_the_reply_ends_with_its_time_and_a_mistake_can_be_withdrawn() -> None:
    case_id, officer, _, agencies = await opened()
    row = await cases.case(case_id, officer)
    with clock.at(row.reply_until), pytest.raises(ReplyOver):
        await reply_case(agencies[0].member, case_id=case_id, text="迟到的陈述")
    await withdraw_case(officer, case_id=case_id, reasons="选错了线索")
    assert (await cases.case(case_id, agencies[0].member)).state is CaseState.WITHDRAWN


async def test_the_decision_covers_facts_and_replies() -> None:
    case_id, _, _, agencies = await opened()
    second = await watcher()
    for one in agencies:
        await reply_case(one.member, case_id=case_id, text=f"{one.name_zh}的陈述")
    await decide_case(second, case_id=case_id, decision=CaseDecision(CaseResult.NO_BREACH, WHY))
    sealed = await db.value("select digest from market_signal_case where id = $1", case_id)
    row = await db.row("select * from market_signal_case where id = $1", case_id)
    parties = await services.signal_cases._parties(case_id)
    decision = CaseDecision(CaseResult.NO_BREACH, WHY)
    signed = services.signal_cases.signed
    assert sealed == services.signal_cases.digest(signed(row, parties, decision, second))
    parties[0] = dict(parties[0]) | {"statements": []}
    assert sealed != services.signal_cases.digest(signed(row, parties, decision, second))


# ---- pages
async def test_a_case_goes_through_its_pages(browse: Browse) -> None:
    made, agencies = await marked()
    officer, second = await browse(Role.MARKET_SUPERVISOR), await browse(Role.MARKET_SUPERVISOR)
    page = await officer.get("/supervision/signals")
    signal = await by_code("mixed-files")
    number = (await made.row()).number or ""
    assert signal.title in page.text
    assert number in page.text
    assert "不是指控" in page.text
    assert (await officer.get(f"/supervision/signals/{signal.id}")).status_code == 200
    assert agencies[0].name_zh in (await officer.get(f"/supervision/cases/new?signal={signal.id}")).text

    refused = await officer.submit("/supervision/cases", {"signal": str(signal.id), "question": "文件为何相同？"})
    assert refused.status_code == 422
    assert "文件为何相同？" in refused.text
    party = [str(one.organization_id) for one in agencies]
    sent = await officer.submit(
        "/supervision/cases", {"signal": str(signal.id), "party": party, "question": "文件为何相同？"}
    )
    address = sent.headers["location"]
    bidder = await browse(agencies[0].member)
    assert "提交陈述" in (await bidder.get(address)).text
    assert "核查" in (await bidder.get("/desk")).text
    file = {"files": ("说明.pdf", PDF, "application/pdf")}
    replied = await bidder.submit(f"{address}/statements", {"text": "模板由业主提供"}, files=file)
    assert replied.status_code == 303
    other = await browse(agencies[1].member)
    assert "模板由业主提供" not in (await other.get(address)).text
    await other.submit(f"{address}/statements", {"text": "同上"})
    assert "作出决定" not in (await officer.get(address)).text
    form = {"result": "breach", "breacher": party[:1], "conduct_code": "CP-2003", "reasons": WHY}
    assert (await second.submit(f"{address}/decision", form | {"breacher": []})).status_code == 422
    assert (await second.submit(f"{address}/decision", form)).status_code == 303
    public = await browse()
    assert WHY in (await public.get(address)).text
    assert agencies[0].name_zh in (await public.get("/supervision/breaches")).text


async def test_pages_are_for_supervisors_and_speak_english(browse: Browse) -> None:
    await marked()
    signal = await by_code("same-author")
    for reader in (await browse(), await browse(Role.AGENCY)):
        for path in ("signals", f"signals/{signal.id}", "signals.csv", "concentration", "cases/new?signal=1"):
            assert (await reader.get(f"/supervision/{path}")).status_code in {303, 401, 403}, path
    officer = await browse(Role.MARKET_SUPERVISOR, lang="en")
    for path in ("signals", f"signals/{signal.id}", "concentration", "cases", f"cases/new?signal={signal.id}"):
        page = await officer.get(f"/supervision/{path}")
        assert page.status_code == 200, path
    assert "They accuse nobody" in (await officer.get("/supervision/signals?background=1&status=all")).text
    table = await officer.get("/supervision/signals.csv?handled=all")
    assert table.content.startswith("\ufeffid,code".encode())
    assert (await officer.get("/supervision/concentration.csv")).headers["content-type"] == "text/csv; charset=utf-8"
    assert (await officer.get("/supervision/cases/new")).status_code == 422


async def test_concentration_has_a_table_beside_every_chart(browse: Browse) -> None:
    owner = await make.member(Role.CLIENT)
    agencies = await make_surveyors(2)
    for turn in range(8):
        made = await make_notice(owner)
        await bid(agencies[turn == 7], made, "24600.00")
        with clock.at(made.deadline):
            await services.open_bids(made.notice_id)
            await services.select_winner(made.notice_id)
    with clock.at(clock.now() + timedelta(days=30)):
        found = await signals.concentration()
        assert [round(row.share, 3) for row in found.shares] == [0.875, 0.125]
        assert found.shares[0].alarm
        assert not found.shares[1].alarm
        done = await services.compute_signals()
        assert done.found
        assert {"share", "repeat-pair"} <= set(await signals.signal_counts(EVERYTHING))
        page = (await (await browse(Role.MARKET_SUPERVISOR)).get("/supervision/concentration")).text
    assert page.count('data-chart="bars"') == 2
    assert page.count("<table") == 3
    assert "87.5%" in page


async def test_the_program_sees_what_the_page_shows(api: Browse) -> None:
    _, agencies = await marked()
    officer, second = await api(Role.MARKET_SUPERVISOR), await api(Role.MARKET_SUPERVISOR)
    listed = (await officer.get("/api/v1/signals?handled=all")).json()["items"]
    signal = next(one for one in listed if one["code"] == "mixed-files")
    assert (await officer.get(f"/api/v1/signals/{signal['id']}")).json()["text"] == signal["text"]
    body = {"signal": [signal["id"]], "party": [agencies[0].organization_id], "question": "文件为何相同？"}
    case = (await officer.post("/api/v1/signal-cases", json=body, headers={"Idempotency-Key": "1"})).json()
    member = await api(agencies[0].member)
    path = f"/api/v1/signal-cases/{case['id']}"
    said = await member.post(f"{path}/statements", data={"text": "模板相同"}, headers={"Idempotency-Key": "2"})
    assert said.status_code == 201
    decision = {"result": "no-breach", "reasons": WHY}
    refused = await officer.post(f"{path}/decision", json=decision, headers={"Idempotency-Key": "3"})
    assert refused.json()["code"] == "case-same-officer"
    decided = await second.post(f"{path}/decision", json=decision, headers={"Idempotency-Key": "4"})
    assert decided.json()["state"] == "decided"
    assert (await member.get(path)).json()["result"] == "no-breach"
    noted = await officer.post(
        f"/api/v1/signals/{signal['id']}/note", json={"note": "看过"}, headers={"Idempotency-Key": "5"}
    )
    assert noted.status_code == 201
    assert (await officer.get("/api/v1/concentration")).json()["shares"][0]["awards"] == 1


async def test_signals_compute_after_the_opening_by_themselves() -> None:
    made, _ = await make_selected()
    jobs = await db.rows("select args from procrastinate_jobs where task_name = 'market.notice_signals'")
    assert {"notice_id": made.notice_id} in [row["args"] for row in jobs]
