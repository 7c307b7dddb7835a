"""The live opening: what is shown when, and a stream that many may watch."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from litestar import Litestar

from core import clock
from market import services
from market.broadcast import Hub, Key, Piece, event
from market.rules.editions import Custody
from market.rules.live import Snapshot, Step, Watched, snapshot
from market.rules.notices import NoticeState, SelectionMethod
from tests.conftest import Browse
from tests.factories.market import bid, make_notice, make_surveyors, open_and_select

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
KEY: Key = (1, "zh_Hans")


@pytest.fixture(autouse=True)
def taken_over(web_app: Litestar) -> Iterator[None]:
    async def take(_award_id: int) -> None:
        return None

    before = services.AWARDED._takers
    services.AWARDED.supply(take)
    yield
    services.AWARDED.supply(*before)


def seen(**changes: Any) -> Watched:
    sound: dict[str, Any] = {
        "notice_id": 1,
        "state": NoticeState.PUBLISHED,
        "method": SelectionMethod.RANDOM_DRAW,
        "deadline": NOON,
        "custody": Custody.JOINT,
        "shares": 0,
        "shares_needed": 2,
        "received": None,
        "qualified": None,
        "drawn": False,
        "agency_zh": None,
        "agency_en": None,
        "amount": None,
    }
    return Watched(**sound | changes)


def standings(shot: Snapshot) -> list[str]:
    return [f"{stage.step} {stage.standing}" for stage in shot.stages]


def test_the_steps_follow_each_other() -> None:
    before, after = NOON - timedelta(seconds=1), NOON
    rest = ["opened next", "qualified next", "draw next", "result next"]
    assert standings(snapshot(seen(), before)) == ["deadline now", "keys next", *rest]
    assert standings(snapshot(seen(shares=1), after)) == ["deadline done", "keys now", *rest]
    opened = snapshot(seen(state=NoticeState.OPENED, shares=2, received=3, qualified=2), after)
    assert standings(opened)[2:] == ["opened done", "qualified done", "draw now", "result next"]
    done = {"shares": 2, "received": 3, "qualified": 2, "drawn": True, "agency_zh": "甲", "amount": "1.00"}
    assert all(one.endswith("done") for one in standings(snapshot(seen(state=NoticeState.SELECTED, **done), after)))


def test_nothing_is_counted_before_the_deadline() -> None:
    early = snapshot(seen(shares=1), NOON - timedelta(seconds=1))
    assert all(not stage.facts for stage in early.stages)
    assert Step.KEYS not in {stage.step for stage in snapshot(seen(custody=Custody.PLATFORM), NOON).stages}


def test_an_identity_changes_with_what_is_shown_and_only_then() -> None:
    first, again = snapshot(seen(), NOON), snapshot(seen(), NOON + timedelta(hours=1))
    assert first.id == again.id
    assert first.id != snapshot(seen(shares=1), NOON).id


class Wire:
    """One watcher's connection."""

    def __init__(self, *, stuck: bool = False) -> None:
        self.sent: list[bytes] = []
        self.start: dict[str, Any] = {}
        self.ended = False
        self._gone = asyncio.Event()
        self._news = asyncio.Event()
        self._stuck = stuck

    async def receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.start = message
            return
        if self._stuck and self.sent:
            await asyncio.Event().wait()
        self.sent.append(message["body"])
        self._news.set()
        if not message["more_body"]:
            self.ended = True
            self._gone.set()

    def leave(self) -> None:
        self._gone.set()

    async def until(self, text: str) -> None:
        while text not in b"".join(self.sent).decode():
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), 20)


class Stage:
    """What the hub looks at."""

    def __init__(self) -> None:
        self.piece = Piece("a", event("a", "stage", "one"))
        self.looks = 0

    async def look(self, keys: Any) -> Mapping[Key, Piece]:
        self.looks += 1
        return {key: self.piece for key in keys if key[0] == 1}

    def moves(self, name: str, text: str) -> None:
        self.piece = Piece(name, event(name, "stage", text))


async def watching(hub: Hub, wire: Wire, seen_id: str = "") -> "asyncio.Task[None]":
    channel = await hub.channel(KEY)
    assert channel is not None
    task = asyncio.create_task(hub.watch(channel, seen_id, wire.send, wire.receive))
    await wire.until("retry:")
    return task


async def test_one_look_serves_everybody_and_resuming_repeats_nothing() -> None:
    stage = Stage()
    hub = Hub(stage.look, every=0.01)
    wires = [Wire() for _ in range(300)]
    tasks = [await watching(hub, wire) for wire in wires]
    back = Wire()
    tasks.append(await watching(hub, back, "a"))
    assert b"one" not in b"".join(back.sent)
    looks = stage.looks
    stage.moves("b", "two")
    await asyncio.gather(*(wire.until("data: two") for wire in [*wires, back]))
    assert stage.looks - looks < 100, "looks do not grow with the watchers"
    assert hub.watching == 301
    for wire in [*wires, back]:
        wire.leave()
    await asyncio.gather(*tasks)
    assert hub.watching == 0
    await hub.close()


async def test_a_slow_watcher_is_dropped_and_the_others_go_on() -> None:
    stage = Stage()
    hub = Hub(stage.look, every=0.01)
    slow, quick = Wire(stuck=True), Wire()
    lost, kept = await watching(hub, slow), await watching(hub, quick)
    stage.moves("b", "two")
    await quick.until("data: two")
    stage.moves("c", "three")
    await asyncio.wait_for(lost, 5)
    await quick.until("data: three")
    assert hub.watching == 1
    quick.leave()
    await kept
    await hub.close()


async def test_comments_keep_the_line_open_and_closing_ends_every_stream() -> None:
    hub = Hub(Stage().look, every=0.01, beat=0.02)
    wire = Wire()
    task = await watching(hub, wire)
    await wire.until("\n: \n\n")
    await hub.close()
    await asyncio.wait_for(task, 5)
    assert wire.ended


async def test_a_full_house_says_so() -> None:
    hub = Hub(Stage().look, most=1, every=0.01)
    wire = Wire()
    task = await watching(hub, wire)
    assert hub.full
    wire.leave()
    await task
    assert not hub.full
    await hub.close()


async def call(app: Litestar, path: str, wire: Wire, **headers: str) -> "asyncio.Task[None]":
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 1),
        "extensions": {},
    }
    return asyncio.create_task(app(scope, wire.receive, wire.send))  # type: ignore[arg-type]


async def test_the_endpoint_streams_what_happens(committed_db: str, web_app: Litestar) -> None:
    made = await make_notice()
    for agency in await make_surveyors(2):
        await bid(agency, made)
    wire = Wire()
    task = await call(web_app, f"/notices/{made.notice_id}/live/events", wire)
    await wire.until("event: stage")
    first = told(wire)
    assert "开启信封" in first["html"]
    assert "2 个" not in first["html"], "no count before the deadline"
    headers = dict(wire.start["headers"])
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert (headers[b"x-accel-buffering"], headers[b"cache-control"]) == (b"no", b"no-store")
    await open_and_select(made)
    await wire.until("开启信封 2 个")
    assert not task.done()
    wire.leave()
    await asyncio.wait_for(task, 5)
    missing = Wire()
    await call(web_app, "/notices/999999/live/events", missing)
    await missing.until("没有找到")
    assert missing.start["status"] == 404


def told(wire: Wire) -> dict[str, Any]:
    text = b"".join(wire.sent).decode()
    found: dict[str, Any] = json.loads(text.partition("data: ")[2].partition("\n")[0])
    return found


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
async def test_the_page_reads_without_a_script(db: None, browse: Browse, lang: str) -> None:
    made = await make_notice()
    public = await browse(lang=lang)
    page = await public.get(f"/notices/{made.notice_id}/live")
    assert page.status_code == 200
    assert "http-equiv" not in page.text
    assert f'href="/notices/{made.notice_id}/live"' in page.text
    for agency in await make_surveyors(2):
        await bid(agency, made)
    assert (await public.get(f"/notices/{made.notice_id}/live")).text.count("x-dot") == page.text.count("x-dot")
    await open_and_select(made)
    with clock.at(made.deadline + timedelta(minutes=1)):
        after = await public.get(f"/notices/{made.notice_id}/live")
    assert f'href="/notices/{made.notice_id}"' in after.text
