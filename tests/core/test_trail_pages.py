"""The trail's pages, its static log and its API, as a visitor meets them."""

import pytest

from core import trail
from core.db import transaction
from core.identity import Role
from core.trail import merkle, proofs, queries, registry, sequencer, tlog
from core.trail.format import Entry, Half, Veil
from core.trail.registry import Openness
from core.trail.tiles import unbundle
from tests.conftest import Browse
from tests.factories import core as make
from tests.factories.trail import act, acts

pytestmark = pytest.mark.anyio

NOTICE = "notice.published"


@pytest.fixture
def open_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._openness, NOTICE, Openness.FACT)
    monkeypatch.setitem(registry._titles, NOTICE, "公告发布")


async def test_the_home_page_shows_head_and_entries(log: str, browse: Browse, open_notices: None) -> None:
    visitor = await browse()
    assert "还没有签发检查点" in (await visitor.get("/trail")).text
    await acts(3)
    first = await trail.publish()
    await act(77)
    await act(88, veil=Veil.fresh())
    head = await trail.publish()
    page = await visitor.get("/trail")
    assert page.status_code == 200
    assert head.root_hex in page.text
    assert "notice:77" in page.text
    assert "notice:88" not in page.text
    assert "内容不公开" in page.text
    assert f"from={first.size}" in page.text


async def test_the_entry_page_draws_every_step(log: str, browse: Browse, open_notices: None) -> None:
    ids = await acts(5)
    visitor = await browse()
    waiting = await visitor.get(f"/trail/entries/{ids[2]}")
    assert "正等待进入日志" in waiting.text
    assert (await visitor.get(f"/trail/entries/{ids[2]}/proof")).status_code == 404
    head = await trail.publish()
    page = await visitor.get(f"/trail/entries/{ids[2]}")
    view = await queries.entry_view(ids[2], None)
    for step in queries.inclusion(view, head):
        assert step.sibling.hex() in page.text
    assert head.root_hex in page.text
    assert view.leaf_hash.hex() in page.text


async def test_protected_content_is_for_the_parties(log: str, browse: Browse, open_notices: None) -> None:
    mine = await make.member(Role.CLIENT)
    async with transaction():  # words: a number of a few digits stands in one digest or another by chance
        entry_id = await trail.record(mine, NOTICE, "notice:1", after={"ceiling": "八万八千元"})
        quiet = await trail.record(mine, "bid.submitted", "notice:2", after={"price": "四千七百元"})
    await trail.publish()
    for somebody in (None, Role.AGENCY):
        visitor = await browse(somebody)
        for path in (f"/trail/entries/{entry_id}", f"/trail/entries/{quiet}"):
            assert "八万八千元" not in (await visitor.get(path)).text
            assert "八万八千元" not in (await visitor.get(f"{path}/proof")).text
            assert "四千七百元" not in (await visitor.get(f"/api/v1{path}")).text
        assert "notice:2" not in (await visitor.get(f"/trail/entries/{quiet}")).text
        assert "notice:2" not in (await visitor.get("/api/v1/trail/entries?limit=500")).text
    for reader in (mine, Role.ADMINISTRATOR):
        assert "八万八千元" in (await (await browse(reader)).get(f"/trail/entries/{entry_id}")).text


async def test_numbers_that_lead_nowhere(log: str, browse: Browse) -> None:
    visitor = await browse()
    entry_id = await act()
    await trail.publish()
    found = await visitor.get(f"/trail/entries?entry=%20{entry_id}")
    assert found.headers["location"] == f"/trail/entries/{entry_id}"
    for path in (
        "/trail/entries/999999",
        "/trail/entries/99999999999999999999",
        "/trail/entries?entry=abc",
        "/trail/entries?entry=9999999999999999999999",
        "/trail/consistency",
        "/trail/consistency?from=2&to=1",
        "/trail/consistency?from=1&to=99",
        "/trail/consistency?from=x&to=-1",
        "/api/v1/trail/consistency?first=0&second=1",
        "/api/v1/trail/entries/0",
        "/trail/tile/0/999",
        "/trail/tile/..%2fcheckpoint",
        "/trail/tile/entries/%2e%2e/000",
    ):
        answer = await visitor.get(path, follow_redirects=True)
        assert answer.status_code == 404, path


async def test_consistency_is_shown_for_any_two_sizes(log: str, browse: Browse) -> None:
    await acts(7)
    await trail.publish()
    visitor = await browse()
    for first, second in ((1, 7), (3, 6), (7, 7)):
        page = await visitor.get(f"/trail/consistency?from={first}&to={second}")
        assert page.status_code == 200
        assert "只增不改" in page.text
        facts = (await visitor.get(f"/api/v1/trail/consistency?first={first}&second={second}")).json()
        assert merkle.verify_consistency(
            first,
            second,
            bytes.fromhex(facts["first_root"]),
            bytes.fromhex(facts["second_root"]),
            [bytes.fromhex(step) for step in facts["path"]],
        )


async def test_a_stranger_checks_the_log_with_static_files_alone(log: str, browse: Browse) -> None:
    await acts(300)
    await trail.publish()
    visitor = await browse()
    keys = [tlog.VerifierKey.parse(line) for line in (await visitor.get("/trail/key")).text.split()]
    answer = await visitor.get("/trail/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    head = tlog.open_checkpoint(answer.text, keys).head
    leaves = []
    for name in ("000", "001.p/44"):
        tile = await visitor.get(f"/trail/tile/entries/{name}")
        assert tile.headers["content-type"] == "application/octet-stream"
        assert "immutable" in tile.headers["cache-control"]
        leaves += unbundle(tile.content)
    tree = merkle.Growing()
    for leaf in leaves:
        tree.append(merkle.leaf_hash(leaf))
    assert (tree.size, tree.root()) == (head.size, head.root)
    assert (await visitor.get("/trail/tile/0/000")).content == b"".join(map(merkle.leaf_hash, leaves[:256]))


async def test_the_api_gives_heads_entries_and_a_proof_that_holds(log: str, browse: Browse, open_notices: None) -> None:
    for number in range(5):
        await act(number)
        await trail.publish()
    visitor = await browse()
    newest = (await visitor.get("/api/v1/trail")).json()
    assert newest["size"] == 5
    heads, cursor = [], None
    while True:
        found = (await visitor.get("/api/v1/trail/checkpoints", params={"limit": 2, "cursor": cursor or ""})).json()
        heads += [head["size"] for head in found["items"]]
        cursor = found["next"]
        if cursor is None:
            break
    assert heads == [5, 4, 3, 2, 1]
    found = (await visitor.get("/api/v1/trail/entries?limit=3")).json()
    rest = (await visitor.get("/api/v1/trail/entries", params={"cursor": found["next"]})).json()
    assert [entry["index"] for entry in found["items"] + rest["items"]] == [0, 1, 2, 3, 4]
    facts = (await visitor.get(f"/api/v1/trail/entries/{found['items'][1]['id']}")).json()
    entry = Entry(Half.of(facts["head"]), Half(facts["body_digest"]))
    assert merkle.verify_inclusion(
        merkle.leaf_hash(entry.leaf()),
        facts["index"],
        5,
        [bytes.fromhex(step) for step in facts["inclusion"]["path"]],
        bytes.fromhex(newest["root"]),
    )


async def test_the_downloaded_proof_holds(log: str, browse: Browse, open_notices: None) -> None:
    ids = await acts(3)
    await trail.publish()
    answer = await (await browse()).get(f"/trail/entries/{ids[1]}/proof")
    assert f'filename="xinshi-{ids[1]}.tlog-proof"' in answer.headers["content-disposition"]
    proved = proofs.check_proof(answer.text, await sequencer.verifier_keys())
    assert proved.leaf_index == 1


async def test_the_pages_speak_english(log: str, browse: Browse, open_notices: None) -> None:
    ids = await acts(3)
    await trail.publish()
    visitor = await browse(None, lang="en")
    for path, words in (
        ("/trail", "Newest checkpoint"),
        (f"/trail/entries/{ids[0]}", "In the log, unchanged"),
        ("/trail/consistency?from=1&to=3", "Append-only"),
    ):
        assert words in (await visitor.get(path)).text
