"""Signals about the graders: the finders on small frames, the queue on the database and over HTTP."""

import hashlib
import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import AsyncMock

import pytest
from openpyxl import load_workbook

from core import clock, db
from core.errors import Forbidden, NotAllowedNow
from core.identity import Identity, Role
from core.trail import registry
from grading import services
from grading.queries.grader_signals import SignalFilter, grader_signal, grader_signals, waiting_signals
from grading.queries.schemes import rulebook_on
from grading.queries.watching import figures
from grading.rules.grader_signals import (
    DEFINITIONS,
    SIGNALS,
    Found,
    NotAWatcher,
    NotTheAssignee,
    OwnSignal,
    SignalAbsent,
    SignalResult,
    SignalState,
    sentence,
)
from grading.services import assign_signal, compute_grader_signals, decide_signal, reopen_signal
from grading.watching.frames import Frames
from grading.watching.signals import Search, find
from tests.factories import core as make
from tests.factories import grading as g
from tests.factories.agencies import make_agency
from tests.grading.test_pages import chinese_labels, words
from tests.grading.test_watching import TODAY, a_mark

NOW = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
WHY = "看过两份合同和验收记录，属于集团内已申报的委托。"


def deal(n: int, client: int, agency: int, organization: int | None = None, days: int = 60) -> dict[str, Any]:
    return {
        "contract": n,
        "client": client,
        "agency": agency,
        "organization": organization or 1000 + agency,
        "day": TODAY - timedelta(days=days),
    }


def hits(code: str, **frames: Any) -> list[Found]:
    return [one for one in find(Frames.of(TODAY, **frames)) if one.code == code]


# ---- finders
def test_a_client_with_one_agency_only() -> None:
    rows = [deal(n, 1, 7) for n in range(4)] + [deal(10 + n, 2, 7 + n % 2) for n in range(4)]
    (hit,) = hits("one-agency", deals=rows)
    assert (hit.subject, hit.agencies, hit.contracts, hit.params) == (
        "organization:1",
        (7,),
        (0, 1, 2, 3),
        {"deals": 4},
    )
    assert not hits("one-agency", deals=rows[:3])
    assert not hits("one-agency", deals=[one | {"day": date(2023, 1, 1)} for one in rows])


def test_an_agency_that_lives_from_one_client() -> None:
    rows = [deal(n, 1, 7) for n in range(3)] + [deal(10 + n, 2 + n, 7) for n in range(2)]
    (hit,) = hits("one-client", deals=rows)
    assert hit.params == {"deals": 3, "total": 5, "share": "60"}
    assert (hit.clients, hit.contracts) == ((1,), (0, 1, 2))
    assert not hits("one-client", deals=[*rows, deal(20, 9, 7)])


def test_agencies_with_the_same_clients() -> None:
    rows = [deal(10 * agency + client, client, agency) for agency in (7, 8) for client in (1, 2, 3)]
    rows += [deal(100 + client, client, 9) for client in range(4, 40)]
    (hit,) = hits("shared-clients", deals=rows)
    assert (hit.agencies, hit.clients, hit.params["shared"], hit.params["all"]) == ((7, 8), (1, 2, 3), 3, 3)
    assert not hits("shared-clients", deals=rows[:6])  # three clients in all the market: no wonder


def test_a_burst_of_evaluations() -> None:
    def answer(n: int, day: date) -> dict[str, Any]:
        return {"contract": n, "agency": 7, "client": n, "requested": day, "due": day, "answered": day, "level": 100.0}

    close = [answer(n, date(2026, 9, 1) + timedelta(days=n)) for n in range(5)]
    (hit,) = hits("burst", stars=[*close, answer(9, date(2026, 3, 1)), answer(10, date(2026, 5, 1))])
    assert (hit.params, hit.contracts, hit.key) == (
        {"answers": 5, "total": 7, "days": 7},
        (0, 1, 2, 3, 4),
        "2026-09-01",
    )
    spread = [answer(n, date(2026, 6, 1) + timedelta(days=9 * n)) for n in range(9)]
    assert not hits("burst", stars=spread)


def test_stars_that_stray_from_expert_marks() -> None:
    rows = [
        {
            "deliverable": n,
            "agency": n % 10,
            "profession": "surveying",
            "client": n,
            "contract": n,
            "value": 60.0 + n % 30,
            "stars": 60.0 + n % 30 + (30 if n % 10 == 3 else 0) + n % 3,
            "day": TODAY,
        }
        for n in range(100)
    ]
    found = hits("stars-above-experts", cases=rows)
    assert [(one.agencies, one.params["side"], one.key) for one in found] == [((3,), "above", "above")]
    assert not hits("stars-above-experts", cases=rows[:2])


def test_a_reviewer_who_favours_one_agency() -> None:
    rows = [a_mark(review=n, agency=n % 6, reviewer=n // 6 % 4, mark=75.0 + n % 6 + (n * 7) % 3) for n in range(144)]
    assert not hits("pair-residual", marks=rows)
    favoured = [row | {"mark": row["mark"] + 12} if (row["agency"], row["reviewer"]) == (2, 1) else row for row in rows]
    found = {(one.reviewers, one.agencies): one for one in hits("pair-residual", marks=favoured)}
    hit = found[(1,), (2,)]
    assert hit.params["side"] == "above"
    assert 8 < float(hit.params["gap"]) < 16
    assert len(hit.reviews) == 6


def test_marks_that_never_vary() -> None:
    rows = [a_mark(review=n, agency=n, reviewer=1, mark=82.0 + n % 2 / 10) for n in range(12)]
    rows += [a_mark(review=100 + n, agency=n, reviewer=2 + n % 2, mark=70.0 + n) for n in range(24)]
    (hit,) = hits("low-spread", marks=rows)
    assert (hit.reviewers, hit.params["sd"]) == ((1,), "0.1")
    assert not hits("low-spread", marks=rows[:9] + rows[12:])


def test_marks_just_above_a_cut() -> None:
    rows = [a_mark(review=n, mark=70.0 + n % 2) for n in range(10)]
    (hit,) = hits("above-cut", marks=rows)
    assert (hit.params["near"], hit.params["above"], len(hit.reviews)) == (10, 10, 10)


def test_ties_between_client_and_agency_and_between_agencies() -> None:
    rows = [deal(1, 50, 7, 1007), deal(2, 51, 8, 1008), deal(3, 52, 9, 1009)]
    ties = [
        {"kind": "account", "value": "5", "organization": 50},
        {"kind": "account", "value": "5", "organization": 1007},
        {"kind": "controller", "value": "甲", "organization": 1008},
        {"kind": "controller", "value": "甲", "organization": 1009},
        {"kind": "device", "value": "x", "organization": 1007},
        {"kind": "device", "value": "x", "organization": 1008},
    ]
    (client,) = hits("tied-client", deals=rows, ties=ties)
    assert (client.clients, client.agencies, client.params["ties"]) == ((50,), (7,), ["account"])
    (pair,) = hits("tied-agencies", deals=rows, ties=ties)  # one address alone is no signal
    assert (pair.agencies, pair.params) == ((8, 9), {"count": 2, "ties": ["controller"]})
    crowd = [{"kind": "account", "value": "5", "organization": n} for n in (*range(30), 50, 1007)]
    assert not hits("tied-client", deals=rows, ties=crowd)  # shared by everybody: says nothing


def test_two_that_commission_each_other() -> None:
    rows = [deal(1, 1008, 7, 1007), deal(2, 1007, 8, 1008), deal(3, 1007, 8, 1008), deal(4, 60, 8, 1008)]
    (hit,) = hits("reciprocal", deals=rows)
    assert (hit.agencies, hit.contracts) == ((7, 8), (1, 2, 3))
    assert (hit.params["there"], hit.params["back"]) == (2, 1)


def test_every_definition_has_a_finder_and_nothing_is_found_in_nothing() -> None:
    assert all(hasattr(Search, one.finder) for one in SIGNALS)
    assert find(Frames.of(TODAY)) == []
    assert "deals" not in sentence("one-agency", {"deals": 4}).render()
    assert "gone" in sentence("gone", {"x": 1}).render()


# ---- the queue


async def dependent() -> tuple[int, int]:
    """An agency five of whose results come from one client, with the signals computed; (signal, client)."""
    made, field = await make_agency(), await g.make_field(clients=1)
    for n in range(5):
        await g.make_result(made.agency_id, field, "85", days_ago=20 + 9 * n)
    await db.execute("update contracts_contract set signed_at = filed_at")
    await compute_grader_signals()
    (row,) = await grader_signals(SignalFilter(code="one-client"))
    return row.id, field.clients[0]


async def watcher(role: Role = Role.MARKET_SUPERVISOR) -> Identity:
    return await make.member(role)


@pytest.mark.anyio
@pytest.mark.usefixtures("db", "web_app")
class TestQueue:
    async def test_found_again_it_keeps_its_row_and_vanished_it_stays(self) -> None:
        with clock.at(NOW):
            signal_id, _client = await dependent()
            first = await grader_signal(signal_id)
            assert (first.found, first.state, len(first.contracts)) == (True, SignalState.NEW, 5)
        with clock.at(NOW + timedelta(days=1)):
            done = await compute_grader_signals()
            assert done.fresh == 0
            again = await grader_signal(signal_id)
            assert again.first_found_at == first.first_found_at < again.last_found_at
            await db.execute("update contracts_contract set signed_at = null")
            assert (await compute_grader_signals()).gone >= 1
            assert not (await grader_signal(signal_id)).found
            assert not await grader_signals(SignalFilter())

    async def test_assigned_decided_and_opened_again(self) -> None:
        with clock.at(NOW):
            signal_id, _client = await dependent()
            first, second = await watcher(), await watcher(Role.GRADING_OFFICER)
            with pytest.raises(NotAllowedNow):
                await decide_signal(actor=first, signal_id=signal_id, result=SignalResult.HARMLESS, reasons=WHY)
            receipt = await assign_signal(actor=first, signal_id=signal_id, account_id=second.account_id)
            assert f"{receipt.due_at:%Y-%m-%d}" == "2026-11-09"  # five working days from Monday the second
            with pytest.raises(NotTheAssignee):
                await decide_signal(actor=first, signal_id=signal_id, result=SignalResult.HARMLESS, reasons=WHY)
            (item,) = [one for one in await waiting_signals(second) if one.due_at]
            assert item.href.endswith(f"/{signal_id}")
            await decide_signal(actor=second, signal_id=signal_id, result=SignalResult.OBSERVE, reasons=WHY)
            row = await grader_signal(signal_id)
            assert (row.state, row.result, row.reasons) == (SignalState.DECIDED, SignalResult.OBSERVE, WHY)
            await compute_grader_signals()
            assert (await grader_signal(signal_id)).state is SignalState.DECIDED
            await reopen_signal(actor=first, signal_id=signal_id, reasons=WHY)
            assert (await grader_signal(signal_id)).state is SignalState.NEW
            acts = await db.rows(
                "select act from core_trail_entry where threads @> array[$1::text] order by id",
                f"grader-signal:{signal_id}",
            )
            assert [row["act"].rpartition(".")[2] for row in acts] == ["assigned", "decided", "reopened"]

    async def test_a_signal_moves_no_grade_and_is_open_to_nobody(self) -> None:
        with clock.at(NOW):
            await dependent()
            assert await db.value("select count(*) from grading_report") == 0
        assert registry.openness("grader-signal.decided", "agency").name != "FULL"

    async def test_who_may_be_given_a_signal(self) -> None:
        with clock.at(NOW):
            signal_id, client = await dependent()
            officer = await watcher()
            outsider = await make.member(Role.CLIENT)
            with pytest.raises(NotAWatcher):
                await assign_signal(actor=officer, signal_id=signal_id, account_id=outsider.account_id)
            inside = await make.member(Role.MARKET_SUPERVISOR, client)
            with pytest.raises(OwnSignal):
                await assign_signal(actor=officer, signal_id=signal_id, account_id=inside.account_id)
            with pytest.raises(Forbidden):
                await assign_signal(actor=outsider, signal_id=signal_id, account_id=officer.account_id)
            with pytest.raises(SignalAbsent):
                await assign_signal(actor=officer, signal_id=10**9, account_id=officer.account_id)

    @pytest.mark.parametrize("role", [None, Role.CLIENT, Role.AGENCY, Role.REVIEWER, Role.REGISTRAR])
    async def test_the_pages_are_closed_to_others(self, browse: Any, role: Role | None) -> None:
        somebody = await browse(role)
        for address in ("/grading/watch", "/grading/watch/psi.csv", "/grading/signals", "/grading/signals/1"):
            assert (await somebody.get(address)).status_code in (303, 401, 403), address

    @pytest.mark.parametrize("lang", ["zh_Hans", "en"])
    async def test_through_the_browser(self, browse: Any, lang: str) -> None:
        with clock.at(NOW):
            signal_id, _client = await dependent()
            officer = await watcher()
            reader = await browse(officer, lang=lang)
            assert f"/grading/signals/{signal_id}" in (await reader.get("/grading/signals")).text
            address = f"/grading/signals/{signal_id}"
            done = await reader.submit(f"{address}/assign", {"account_id": str(officer.account_id)})
            assert done.status_code == 303
            refused = await reader.submit(f"{address}/decide", {"result": "harmless", "reasons": "好"})
            assert (refused.status_code, "checked" in refused.text) == (422, True)
            assert (await reader.submit(f"{address}/decide", {"result": "refer", "reasons": WHY})).status_code == 303
            page = await reader.get(address)
            assert WHY in page.text
            if lang == "en":
                assert not chinese_labels(page.text)
                for other in ("/grading/signals?status=all", "/grading/watch"):
                    assert not chinese_labels((await reader.get(other)).text)

    async def test_the_same_through_the_api(self, api: Any) -> None:
        with clock.at(NOW):
            signal_id, _client = await dependent()
            officer = await watcher()
            program = await api(officer)
            key = iter(range(99))
            listed = (await program.get("/api/v1/grader-signals")).json()
            assert signal_id in [one["id"] for one in listed["items"]]
            body = {"account_id": officer.account_id}
            assert (
                await program.post(
                    f"/api/v1/grader-signals/{signal_id}/assignment",
                    json=body,
                    headers={"Idempotency-Key": f"k{next(key)}"},
                )
            ).status_code == 201
            decided = await program.post(
                f"/api/v1/grader-signals/{signal_id}/decision",
                json={"result": "talk", "reasons": WHY},
                headers={"Idempotency-Key": f"k{next(key)}"},
            )
            assert decided.json()["state"] == "decided"
            shown = (await program.get(f"/api/v1/grader-signals/{signal_id}")).json()
            assert (shown["result"], shown["definition"]["code"]) == ("talk", "one-client")
            assert DEFINITIONS[shown["code"]]
            again = await program.post(
                f"/api/v1/grader-signals/{signal_id}/reopening",
                json={"reasons": WHY},
                headers={"Idempotency-Key": f"k{next(key)}"},
            )
            assert again.json()["state"] == "new"

    async def test_figures_as_page_file_and_json(self, browse: Any, api: Any) -> None:
        with clock.at(NOW):
            await dependent()
            reader, program = await browse(Role.MARKET_SUPERVISOR), await api(Role.GRADING_OFFICER)
            page = await reader.get("/grading/watch")
            assert "件成果中双审" in words(page.text)
            assert page.text.count("以表格查看") >= 3
            sheet = await reader.get("/grading/watch/overlap.csv")
            assert sheet.content.startswith("\ufeff专业,".encode())
            assert sheet.headers["content-type"] == "text/csv; charset=utf-8"
            book = await reader.get("/grading/watch/overlap.xlsx")
            assert book.content[:2] == b"PK"
            assert (await reader.get("/grading/watch/overlap.exe")).status_code == 404
            assert (await reader.get("/grading/watch/nothing.csv")).status_code == 404
            made = (await program.get("/api/v1/grading-watch")).json()["figures"]
            assert {one["code"]: one["verdict"] for one in made}["overlap"] == "watch"

    async def test_a_market_without_a_mark_has_pages_and_no_pictures(self, browse: Any) -> None:
        with clock.at(NOW):
            for lang in ("zh_Hans", "en"):
                reader = await browse(Role.GRADING_OFFICER, lang=lang)
                for address in ("/grading/watch", "/grading/signals", "/grading/lab", "/grading/lab/new"):
                    answer = await reader.get(address)
                    assert answer.status_code == 200, address
                    assert "data-chart" not in answer.text
                said = words((await reader.get("/grading/watch")).text)
                assert ("数据还不够" if lang == "zh_Hans" else "Too little data") in said
                sheet = await reader.get("/grading/watch/severity.csv")
                assert sheet.status_code == 200

    async def test_the_workbook_holds_numbers_under_the_labels_of_the_page(self, browse: Any) -> None:
        with clock.at(NOW):
            await dependent()
            book = await (await browse(Role.MARKET_SUPERVISOR)).get("/grading/watch/overlap.xlsx")
            head, row = load_workbook(io.BytesIO(book.content)).active.iter_rows(values_only=True)
            assert head[:2] == ("专业", "审查员数")
            assert all(isinstance(one, int | float) for one in row[1:])

    async def test_everybody_may_read_severities_but_no_names(self, browse: Any) -> None:
        with clock.at(NOW):
            await dependent()
            page = await (await browse()).get("/grading/severity")
            assert "R-" in page.text
            assert "测试员" not in page.text

    async def test_groups_overlap_and_every_frozen_table_are_public(self, browse: Any) -> None:
        """A digest that stands on every grade is worth nothing while its text cannot be had."""
        with clock.at(NOW):
            await dependent()
            reader = await browse()
            page = (await reader.get("/grading/severity")).text
            for said in ("谁和谁比得上", "全部连通", "外地审查员背靠背再审", "编号带 * 的"):
                assert said in page
            known = (await rulebook_on(NOW.date())).calibration
            assert f'href="/grading/tables/{known.id}"' in page
            text = await reader.get(f"/grading/tables/{known.id}")
            assert hashlib.sha256(text.content).hexdigest() == known.digest
            assert (await reader.get("/grading/tables/XT-CAL-1999Q1")).status_code == 404

    async def test_whose_marks_scatter_stands_beside_how_strict_they_are(self, browse: Any, monkeypatch: Any) -> None:
        with clock.at(NOW):
            await dependent()
            rules = await rulebook_on(NOW.date())
            aliases = [row["alias"] for row in (await figures())["severity"].rows]
            told = replace(rules, calibration=replace(rules.calibration, consistency={aliases[0]: Decimal("9.00")}))
            monkeypatch.setattr("grading.controllers.watching.rulebook_on", AsyncMock(return_value=told))
            reader = await browse()
            before = (await reader.get("/grading/severity")).text
            assert "× 2.00" in before  # within the scheme's limit
            assert before.count("× 1.00") == len(aliases) - 1
            monkeypatch.undo()
            assert "一致性是这位审查员" not in (await reader.get("/grading/severity")).text


def test_services_are_at_the_door() -> None:
    assert services.compute_grader_signals is compute_grader_signals
