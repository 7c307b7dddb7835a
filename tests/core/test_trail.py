"""Writing the trail, ordering it, publishing it, reading it."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from croniter import croniter  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from core import clock, db, jobs, trail
from core.db import transaction
from core.errors import NotFound
from core.identity import Role
from core.trail import format, merkle, queries, registry, sequencer, tlog
from core.trail import jobs as trail_jobs
from core.trail.format import Entry, Half, Person, Veil
from core.trail.registry import Openness
from core.trail.tiles import MissingTile, tile_path, unbundle
from tests.factories import core as make
from tests.factories.trail import CLIENT, act, acts, files_in, stored, tamper, tiles_of

pytestmark = pytest.mark.anyio

# -- the format --------------------------------------------------------------------------------


def test_one_spelling_of_every_value() -> None:
    value = {
        "b": Decimal("10.50"),
        "a": datetime(2026, 11, 20, 17, 0, tzinfo=clock.SHANGHAI),
        "日": datetime(2026, 11, 20).date(),  # noqa: DTZ001  a plain date is meant
        "role": Role.CLIENT,
        "set": frozenset({"y", "x"}),
        "list": (1, None, True),
        "bytes": b"\x01\xff",
        "score": 86.25,
    }
    assert format.canonical(value) == (
        '{"a":"2026-11-20T09:00:00.000000Z","b":"10.50","bytes":"01ff","list":[1,null,true],'
        '"role":"client","score":"86.25","set":["x","y"],"日":"2026-11-20"}'
    )


@pytest.mark.parametrize("value", [object(), float("nan"), float("inf"), Decimal("NaN"), {None: 1}, {True: 1}])
def test_what_has_no_exact_spelling_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="the trail cannot hold"):
        format.canonical(value)


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        format.canonical(datetime(2026, 1, 1))  # noqa: DTZ001


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_the_spelling_is_a_fixed_point_and_loses_nothing(value: Any) -> None:
    text = format.canonical(value)
    assert json.loads(text) == value
    assert format.canonical(json.loads(text)) == text
    assert "\n" not in text


@given(st.datetimes(timezones=st.just(UTC)))
def test_moments_come_back(moment: datetime) -> None:
    assert format.parse_moment(format.moment(moment)) == moment


def test_the_format_is_what_the_document_says_for_ever() -> None:
    """Figures computed with sha256sum: whoever changes them breaks every proof ever given out."""
    entry = Entry(Half.of('{"act":"notice.published","nonce":"00"}'), Half.of('{"nonce":"01"}'))
    assert entry.leaf().decode() == (
        "xinshi-trail/1\nhash sha256\n"
        "head 1b88955e698c54ed93eb1137b7f5332d68a4ef59206f40cfb24fc32feff76cb6\n"
        "body 2d370f969209a17b76038f8d49e48f36159d68e010dfc04e4ca423768d53cc1e\n"
    )
    assert merkle.leaf_hash(entry.leaf()).hex() == "5d47611a60ae36c620fcc631ce07f77da4cba07def5533bfd4d17e199dbaed30"
    person = Person(bytes(16), '{"name":"王建国"}')
    assert person.digest() == "77d78891e808b8639dbd2e9dee958dbec2f149751dcf7357b078383ef85f509b"
    actor = {"role": "agency", "organization": 3, "account": 7}
    commitment = Veil(bytes(16)).commitment(actor)
    assert commitment == "534a3da60b8e550a87b263a0379f576f038b9c98a7e817f3eaf2cfeba43852fa"


@pytest.mark.parametrize("name", ["published", "Notice.published", "notice published", "notice.published.x", ""])
async def test_acts_have_a_noun_and_a_participle(db: None, name: str) -> None:
    with pytest.raises(ValueError, match=r"noun\.past-participle"):
        async with transaction():
            await trail.record(CLIENT, name, "notice:1")


# -- recording ---------------------------------------------------------------------------------


async def test_an_act_outside_a_transaction_is_refused(log: str) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        await trail.record(CLIENT, "notice.published", "notice:1")


async def test_an_entry_says_who_what_when_before_and_after(db: None) -> None:
    moment = datetime(2026, 3, 2, 1, 2, 3, 456789, tzinfo=UTC)
    with clock.at(moment):
        entry_id = await act(
            12,
            before={"state": "draft"},
            after={"state": "open", "ceiling": Decimal("88000.00")},
            threads=["project:3"],
        )
    entry = await stored(entry_id)
    head, body = entry.head.facts(), entry.body.facts()
    assert (head["act"], head["subject"], head["at"]) == ("notice.published", "notice:12", format.moment(moment))
    assert (head["organization"], head["role"]) == (3, "client")
    assert abs(format.parse_moment(head["written"]) - clock.real()) < timedelta(minutes=1)
    assert body["before"] == {"state": "draft"}
    assert body["after"] == {"state": "open", "ceiling": "88000.00"}
    assert body["threads"] == ["notice:12", "project:3"]
    assert body["account"] == 7


async def test_the_name_of_a_person_is_nowhere_in_the_entry(db: None) -> None:
    entry = await stored(await act(1, personal={"contact": "王建国", "phone": "13800000000"}))
    assert "王建国" not in entry.payload().decode()
    assert "13800000000" not in entry.payload().decode()


async def test_personal_data_can_be_deleted_and_the_digest_stays(db: None) -> None:
    from core import db as database

    entry_id = await act(1, personal={"contact": "王建国", "born": 1980})
    row = await database.row("select salt, content from core_trail_person where entry = $1", entry_id)
    person = Person(row["salt"], format.canonical(row["content"]))
    assert row["content"] == {"contact": "王建国", "born": "1980"}
    assert (await stored(entry_id)).body.facts()["personal"] == person.digest()
    await database.execute("delete from core_trail_person where entry = $1", entry_id)
    assert (await stored(entry_id)).body.facts()["personal"] == person.digest()


async def test_equal_acts_have_unlike_leaves(db: None) -> None:
    first, second = await stored(await act()), await stored(await act())
    assert first.head.digest != second.head.digest
    assert first.body.digest != second.body.digest
    assert set(first.leaf().decode().split()) >= {first.head.digest, first.body.digest}


async def test_a_veiled_entry_does_not_say_who(db: None) -> None:
    from core import db as database

    veil = Veil.fresh()
    entry_id = await act(1, veil=veil)
    row = await database.row("select * from core_trail_entry where id = $1", entry_id)
    assert (row["account_id"], row["organization_id"], row["role"]) == (None, None, "")
    entry = Entry.parse(row["payload"])
    assert not {"organization", "role", "account"} & (entry.head.facts().keys() | entry.body.facts().keys())
    reveal = veil.reveal(trail.actor_facts(CLIENT))
    assert entry.body.facts()["veil"] == reveal["veil"]
    assert format.reveals_truly(reveal)
    assert not format.reveals_truly(reveal | {"actor": reveal["actor"] | {"organization": 4}})


async def test_a_rolled_back_act_leaves_no_entry(log: str) -> None:
    with pytest.raises(LookupError):
        async with transaction():
            await trail.record(CLIENT, "notice.published", "notice:1")
            raise LookupError
    assert await db.value("select count(*) from core_trail_entry") == 0


REWRITING = [
    statement.format(table, column)
    for table, column in (("entry", "act"), ("leaf", "entry"), ("checkpoint", "note"))
    for statement in (
        "update core_trail_{0} set {1} = {1}",
        "delete from core_trail_{0}",
        "truncate core_trail_{0} cascade",
    )
]


async def test_neither_the_application_nor_the_owner_rewrites_the_trail(log: str, folder: Path) -> None:
    await act()
    await trail.publish()
    owner = await asyncpg.connect(log)
    try:
        for sql in REWRITING:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.execute(sql)
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="written once"):
                await owner.execute(sql)
    finally:
        await owner.close()


async def test_personal_data_is_deleted_but_never_rewritten(log: str) -> None:
    await act(1, personal={"name": "王建国"})
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await db.execute("update core_trail_person set content = '[]'::jsonb")
    assert await db.execute("delete from core_trail_person") == 1


# -- order and publication ---------------------------------------------------------------------


async def test_a_fresh_log_publishes_the_empty_tree(log: str, folder: Path) -> None:
    head = await trail.publish()
    assert (head.size, head.root) == (0, merkle.EMPTY_ROOT)
    opened = tlog.open_checkpoint((folder / "checkpoint").read_text("utf-8"), await sequencer.verifier_keys())
    assert opened.head.size == 0
    assert opened.signed_at == head.published_at


async def test_published_files_hold_the_whole_log(log: str, folder: Path) -> None:
    ids = await acts(600)
    head = await trail.publish()
    assert head.size == 600
    paths = {tile_path(level, index, width) for level, index, width in tiles_of(600)}
    bundles = {tile_path("entries", index, width) for level, index, width in tiles_of(600) if level == 0}
    on_disk = files_in(folder)
    assert on_disk == paths | bundles | {"checkpoint", "key"}
    leaves = unbundle((folder / "tile/entries/001").read_bytes())
    assert leaves[0] == (await stored(ids[256])).leaf()
    assert merkle.leaf_hash(leaves[0]) == (folder / "tile/0/001").read_bytes()[:32]


async def test_nothing_new_means_no_new_checkpoint(log: str, folder: Path) -> None:
    await act()
    first = await trail.publish()
    assert await trail.publish() == first
    assert await db.value("select count(*) from core_trail_checkpoint") == 1
    assert await trail.latest_checkpoint() == first


async def test_an_entry_waits_until_everything_that_began_before_it_has_ended(log: str, folder: Path) -> None:
    slow = await asyncpg.connect(log)
    try:
        running = slow.transaction()
        await running.start()
        await slow.execute("select pg_current_xact_id()")
        later = await act(2)
        assert (await trail.publish()).size == 0
        await slow.execute(
            "insert into core_trail_entry (recorded_at, act, subject, threads, role, payload)"
            " select recorded_at, act, 'notice:1', threads, role, payload from core_trail_entry where id = $1",
            later,
        )
        await running.commit()
    finally:
        await slow.close()
    await trail.publish()
    assert [item.subject for item in await queries.feed()] == ["notice:1", "notice:2"]


async def test_transactions_of_other_databases_hold_nothing_up(log: str, folder: Path) -> None:
    elsewhere = await asyncpg.connect(log.replace(urlsplit(log).path, "/postgres", 1))
    try:
        async with elsewhere.transaction():
            await elsewhere.execute("select pg_current_xact_id()")
            await act()
            assert (await trail.publish()).size == 1
    finally:
        await elsewhere.close()


async def test_a_cursor_reader_meets_every_entry_once(log: str, folder: Path) -> None:
    writers, acts_each = 8, 15
    seen: list[int] = []
    done = asyncio.Event()

    async def write(writer: int) -> None:
        for number in range(acts_each):
            async with transaction():
                await trail.record(CLIENT, "notice.published", f"notice:{writer}-{number}")
                await asyncio.sleep(0.004 * ((writer * 7 + number * 3) % 5))

    async def read() -> None:
        cursor, over = -1, False
        while not over:
            over = done.is_set()
            await trail.publish()
            for item in await queries.feed(cursor, 10_000):
                seen.append(item.entry_id)
                cursor = item.leaf_index

    reader = asyncio.create_task(read())
    await asyncio.gather(*(write(number) for number in range(writers)))
    done.set()
    await reader
    written = {row["id"] for row in await db.rows("select id from core_trail_entry")}
    assert len(seen) == len(set(seen)) == writers * acts_each
    assert set(seen) == written


async def test_the_worker_publishes_several_times_a_minute(log: str, folder: Path) -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    runs = croniter(jobs.PERIODIC["trail.publish"], start)
    moments = [runs.get_next(datetime) for _ in range(9)]
    assert max(later - earlier for earlier, later in itertools.pairwise(moments)) <= timedelta(seconds=20)
    await act()
    await trail_jobs.publish()
    assert (await trail.latest_checkpoint()).size == 1


async def test_publishers_do_not_disturb_each_other(log: str, folder: Path) -> None:
    await acts(5)
    heads = await asyncio.gather(*(trail.publish() for _ in range(6)))
    assert {head.size for head in heads} == {5}
    assert len({head.note for head in heads}) == 1


async def test_every_published_head_continues_the_one_before(log: str, folder: Path) -> None:
    heads = []
    for batch in (1, 2, 253, 1, 40):
        await acts(batch)
        heads.append(await trail.publish())
    for old, new in itertools.pairwise(heads):
        proof = queries.consistency(old.size, new.size, heads[-1])
        assert (proof.first_root, proof.second_root) == (old.root, new.root)
        assert proof.holds


async def test_a_lost_folder_is_written_again(log: str, folder: Path) -> None:
    import shutil

    await acts(3)
    head = await trail.publish()
    shutil.rmtree(folder)
    assert await trail.publish() == head
    assert (folder / "checkpoint").read_text("utf-8") == head.note
    await act(4)
    shutil.rmtree(folder)
    assert (await trail.publish()).size == 4
    assert (folder / "tile/0/000.p/4").stat().st_size == 4 * 32


@pytest.mark.parametrize("file", ["checkpoint", "tile/0/000.p/3", "tile/entries/000.p/3"])
async def test_a_crash_before_the_last_file_heals(log: str, folder: Path, file: str) -> None:
    await acts(3)
    await trail.publish()
    whole = (folder / file).read_bytes()
    (folder / file).unlink()
    await trail.publish()
    assert (folder / file).read_bytes() == whole


async def test_a_crash_after_placing_heals(log: str, folder: Path) -> None:
    await act()
    await sequencer._place_batch()
    assert await db.value("select count(*) from core_trail_checkpoint") == 0
    assert (await trail.publish()).size == 1


async def test_entries_restored_from_another_server_s_dump_are_placed_too(log: str, folder: Path) -> None:
    await act(1)
    await trail.publish()
    owner = await asyncpg.connect(log)
    try:
        await owner.execute(
            "insert into core_trail_entry (recorded_at, act, subject, threads, role, payload, xact)"
            " select recorded_at, act, 'notice:2', threads, role, payload, '900000000'::xid8"
            " from core_trail_entry"
        )
    finally:
        await owner.close()
    assert (await trail.publish()).size == 2
    await act(3)
    assert (await trail.publish()).size == 3
    assert [item.subject for item in await queries.feed()] == ["notice:1", "notice:2", "notice:3"]


CUT_THE_LAST = """
with leaf as (delete from core_trail_leaf where leaf_index = 2 returning entry)
delete from core_trail_entry where id in (select entry from leaf)
"""


async def test_a_leaf_that_was_removed_is_placed_again_as_it_was(log: str, folder: Path) -> None:
    await acts(3)
    head = await trail.publish()
    await tamper(log, "delete from core_trail_leaf where leaf_index = 2")
    assert await trail.publish() == head


@pytest.mark.parametrize("lose_files", [False, True])
async def test_a_head_that_does_not_continue_the_last_one_is_never_signed(
    log: str, folder: Path, lose_files: bool
) -> None:
    import shutil

    await acts(3)
    await trail.publish()
    await tamper(log, CUT_THE_LAST)
    if lose_files:
        shutil.rmtree(folder)
    with pytest.raises(sequencer.TrailBroken):
        await trail.publish(rebuild=lose_files)
    assert await db.value("select count(*) from core_trail_checkpoint") == 1


async def test_changed_leaves_are_not_built_into_new_tiles(log: str, folder: Path) -> None:
    await acts(3)
    await trail.publish()
    before = (folder / "tile/0/000.p/3").read_bytes()
    await tamper(log, "update core_trail_leaf set leaf_hash = sha256('x') where leaf_index = 1")
    with pytest.raises(sequencer.TrailBroken, match="no longer lead"):
        await trail.publish(rebuild=True)
    assert (folder / "tile/0/000.p/3").read_bytes() == before


# -- reading -----------------------------------------------------------------------------------


@pytest.fixture
def acts_declared() -> Iterator[None]:
    """Titles and openness of two acts, taken back afterwards."""
    titles, openness = dict(registry._titles), dict(registry._openness)
    trail.name_acts({"notice.published": "公告发布", "bid.submitted": "报价提交"})
    trail.open_acts(Openness.FACT, ["notice.published"])
    yield
    registry._titles, registry._openness = titles, openness


async def test_one_act_has_one_title(acts_declared: None) -> None:
    with pytest.raises(ValueError, match="named twice"):
        trail.name_acts({"notice.published": "另一个名字"})


async def test_the_timeline_is_in_order_and_keeps_sealed_entries_out(db: None, acts_declared: None) -> None:
    client = await make.member(Role.CLIENT)
    start = datetime(2026, 3, 2, tzinfo=UTC)
    for day, (number, veil) in enumerate([(1, None), (1, Veil.fresh()), (2, None), (1, None)]):
        with clock.at(start + timedelta(days=day)):
            async with transaction():
                await trail.record(client, "notice.published", f"notice:{number}", threads=["project:9"], veil=veil)
    found = await queries.timeline("notice:1")
    assert [(entry.at - start).days for entry in found] == [0, 3]
    assert {entry.title for entry in found} == {"公告发布"}
    assert {entry.actor_name for entry in found} == {client.organization_name}
    assert len(await queries.timeline("project:9")) == 3
    assert [entry.at for entry in await queries.timeline("project:9", limit=1)] == [found[-1].at]


async def test_everybody_sees_what_was_declared_and_the_parties_everything(db: None, acts_declared: None) -> None:
    mine, other = await make.member(Role.CLIENT), await make.member(Role.CLIENT)
    officer = await make.member(Role.ADMINISTRATOR)
    async with transaction():
        entry_id = await trail.record(mine, "notice.published", "notice:1", after={"ceiling": 5})
        quiet = await trail.record(mine, "bid.submitted", "notice:1")
        sealed = await trail.record(mine, "notice.published", "notice:1", veil=Veil.fresh())
    public = await queries.entry_view(entry_id, None)
    assert (public.title, public.subject, public.body_text) == ("公告发布", "notice:1", None)
    assert (await queries.entry_view(entry_id, other)).body_text is None
    for reader in (mine, officer):
        assert '"ceiling":5' in ((await queries.entry_view(entry_id, reader)).body_text or "")
    assert (await queries.entry_view(quiet, None)).head_text is None
    for anybody in (None, mine, officer):
        view = await queries.entry_view(sealed, anybody)
        assert (view.head_text, view.act, view.subject, view.at) == (None, None, None, None)
    with pytest.raises(NotFound):
        await queries.entry_view(entry_id + 1000, None)


async def test_the_proof_of_an_entry_leads_to_the_signed_root(log: str, folder: Path) -> None:
    ids = await acts(5)
    head = await trail.publish()
    view = await queries.entry_view(ids[3], None)
    steps = queries.inclusion(view, head)
    assert steps[-1].result == head.root
    later = await act(9)
    with pytest.raises(NotFound):
        queries.inclusion(await queries.entry_view(later, None), head)


async def test_missing_tiles_are_said_not_crashed_on(log: str, folder: Path) -> None:
    ids = await acts(3)
    head = await trail.publish()
    (folder / "tile/0/000.p/3").unlink()
    with pytest.raises(queries.TreeUnavailable):
        queries.inclusion(await queries.entry_view(ids[0], None), head)
    with pytest.raises(MissingTile):
        sequencer.store().hashes(0, 0, 3)
