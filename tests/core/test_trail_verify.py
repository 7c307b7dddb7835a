"""Checking the trail: what is whole passes; each attack is found, and the first broken entry is named."""

import shutil
from pathlib import Path

import pytest

from core import clock, db, keys, trail
from core.trail import faults, format, merkle, queries
from core.trail.format import Entry, Half, Veil
from core.trail.verify import check_database
from tests.factories.trail import CLIENT, act, acts, first, head_now, said, tamper

pytestmark = pytest.mark.anyio

ENTRY_AT = "(select entry from core_trail_leaf where leaf_index = {})"


# -- whole -------------------------------------------------------------------------------------


async def test_a_whole_trail_passes(published: str) -> None:
    await act(personal={"name": "王建国"})
    waiting = await check_database()
    assert (waiting.entries, waiting.heads, waiting.waiting, waiting.sound) == (10, 2, 1, True)
    await trail.publish()
    verdict = await check_database(remembered=[await head_now()])
    assert (verdict.entries, verdict.heads, verdict.waiting, verdict.persons) == (11, 3, 0, 1)
    assert verdict.sound
    assert verdict.files


async def test_an_empty_trail_passes(log: str) -> None:
    assert (await check_database()).sound
    await trail.publish()
    assert (await check_database()).sound


async def test_a_long_trail_passes(log: str) -> None:
    for count in (255, 1, 300, 600):
        await acts(count)
        await trail.publish()
    verdict = await check_database()
    assert (verdict.entries, verdict.sound) == (1156, True)


async def test_a_lawful_deletion_leaves_the_trail_whole(published: str) -> None:
    entry_id = await act(personal={"name": "王建国"})
    await trail.publish()
    await db.execute("delete from core_trail_person where entry = $1", entry_id)
    verdict = await check_database()
    assert (verdict.sound, verdict.persons, verdict.deleted_persons) == (True, 0, 1)


async def test_a_simulated_clock_is_counted_and_in_production_refused(
    published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with clock.at(clock.real().replace(year=2025)):
        await act()
    await trail.publish()
    verdict = await check_database()
    assert (verdict.sound, verdict.played) == (True, 1)
    monkeypatch.setattr("core.settings.Settings.production", True)
    assert said(first(await check_database())) == faults.PLAYED


async def test_without_the_files_the_database_is_still_checked(published: str, folder: Path) -> None:
    shutil.rmtree(folder)
    verdict = await check_database()
    assert (verdict.sound, verdict.files) == (True, False)
    await tamper(published, f"delete from core_trail_entry where id = {ENTRY_AT.format(3)}")
    assert first(await check_database()).leaf_index == 3


# -- the six attacks ---------------------------------------------------------------------------


async def test_edits_of_the_content_are_found(published: str) -> None:
    edits = [
        "convert_to(replace(convert_from(payload, 'utf8'), 'notice:1', 'notice:5'), 'utf8')",
        "payload || 'x'::bytea",
        "'\\xff'::bytea",
        "''::bytea",
    ]
    for index, payload in enumerate(edits, start=1):
        sql = f"update core_trail_entry set payload = {payload} where id = {ENTRY_AT.format(index)}"
        await tamper(published, sql)
    verdict = await check_database()
    assert [said(fault) for fault in verdict.faults if fault.leaf_index in range(1, 5)] == [faults.CHANGED] * 4
    fault = first(verdict)
    assert (fault.leaf_index, fault.act, fault.subject) == (1, "notice.published", "notice:1")
    assert fault.entry_id == (await queries.feed(0, 1))[0].entry_id


async def test_edits_of_the_columns_are_found(published: str) -> None:
    columns = [
        "act = 'notice.withdrawn'",
        "subject = 'notice:99'",
        "recorded_at = recorded_at - interval '1 microsecond'",
        "threads = threads || 'project:1'::text",
        "account_id = 8",
        "account_id = null",
        "organization_id = 4",
        "role = 'agency'",
        "role = ''",
    ]
    for index, column in enumerate(columns):
        await tamper(published, f"update core_trail_entry set {column} where id = {ENTRY_AT.format(index)}")
    verdict = await check_database()
    assert {said(fault) for fault in verdict.faults} == {faults.COLUMN}
    assert [fault.what.params["column"] for fault in verdict.faults] == [text.split(" ")[0] for text in columns]
    assert [fault.leaf_index for fault in verdict.faults] == list(range(len(columns)))


async def rewrite(owner: str, index: int) -> None:
    """Edit an entry and its leaf hash, so that the two agree again."""
    entry = Entry.parse(
        await db.value(
            "select payload from core_trail_entry e join core_trail_leaf l on l.entry = e.id where leaf_index = $1",
            index,
        )
    )
    facts = entry.head.facts() | {"subject": "notice:77"}
    forged = Entry(Half.of(format.canonical(facts)), entry.body)
    await tamper(
        owner,
        f"update core_trail_entry set subject = 'notice:77', payload = '\\x{forged.payload().hex()}'"
        f" where id = {ENTRY_AT.format(index)}",
        f"update core_trail_leaf set leaf_hash = '\\x{merkle.leaf_hash(forged.leaf()).hex()}'"
        f" where leaf_index = {index}",
    )


async def test_edit_with_the_fingerprint_adapted_is_named_by_the_tiles(published: str) -> None:
    await rewrite(published, 7)
    fault = first(await check_database())
    assert (fault.leaf_index, said(fault)) == (7, faults.TILE)


async def test_edit_with_tiles_removed_too_is_named_by_the_signed_heads(published: str, folder: Path) -> None:
    await rewrite(published, 7)
    shutil.rmtree(folder)
    fault = first(await check_database())
    assert said(fault) == faults.HEAD_ROOT
    assert (fault.what.params["first"], fault.what.params["last"]) == (6, 9)


async def test_deletion_is_found(published: str) -> None:
    await tamper(published, f"delete from core_trail_entry where id = {ENTRY_AT.format(2)}")
    fault = first(await check_database())
    assert (fault.leaf_index, said(fault)) == (2, faults.MISSING)


async def test_deletion_with_its_leaf_is_found(published: str) -> None:
    await tamper(published, "delete from core_trail_leaf where leaf_index = 2")
    fault = first(await check_database())
    assert (fault.leaf_index, said(fault)) == (2, faults.GAP)


async def test_deletion_with_the_rest_moved_up_is_found(published: str) -> None:
    await tamper(
        published,
        "delete from core_trail_leaf where leaf_index = 2",
        "update core_trail_leaf set leaf_index = -leaf_index where leaf_index > 2",
        "update core_trail_leaf set leaf_index = -leaf_index - 1 where leaf_index < 0",
    )
    fault = first(await check_database())
    assert (fault.leaf_index, said(fault)) == (2, faults.TILE)


SWAP = (
    "update core_trail_leaf set leaf_index = -3 where leaf_index = 3",
    "update core_trail_leaf set leaf_index = 3 where leaf_index = 5",
    "update core_trail_leaf set leaf_index = 5 where leaf_index = -3",
)


async def test_reordering_is_found(published: str) -> None:
    await tamper(published, *SWAP)
    fault = first(await check_database())
    assert (fault.leaf_index, said(fault)) == (3, faults.TILE)


async def test_reordering_without_the_files_is_found(published: str, folder: Path) -> None:
    await tamper(published, *SWAP)
    shutil.rmtree(folder)
    assert said(first(await check_database())) == faults.HEAD_ROOT


async def test_backdating_by_a_late_insert_is_found(published: str, monkeypatch: pytest.MonkeyPatch) -> None:
    past = clock.real().replace(year=2025)
    with monkeypatch.context() as patch, clock.at(past):
        patch.setattr("core.clock.real", lambda: past)
        await act(50)
    await trail.publish()
    fault = first(await check_database())
    assert (fault.leaf_index, said(fault), fault.subject) == (10, faults.BEFORE, "notice:50")


async def test_postdating_is_found(published: str, monkeypatch: pytest.MonkeyPatch) -> None:
    future = clock.real().replace(year=2030)
    with monkeypatch.context() as patch:
        patch.setattr("core.clock.real", lambda: future)
        await act(50)
    await trail.publish()
    assert said(first(await check_database())) == faults.AFTER


async def test_an_entry_slipped_in_under_the_watermark_is_found(published: str) -> None:
    await tamper(
        published,
        "insert into core_trail_entry (recorded_at, act, subject, threads, role, payload, xact)"
        " select recorded_at, act, 'notice:66', threads, role, payload, '3'::xid8 from core_trail_entry limit 1",
    )
    await trail.publish()
    fault = first(await check_database())
    assert (said(fault), fault.subject) == (faults.OUTSIDE, "notice:66")


CUT = (
    "create temporary table gone as select entry from core_trail_leaf where leaf_index >= 8",
    "delete from core_trail_leaf where leaf_index >= 8",
    "delete from core_trail_entry where id in (select entry from gone)",
)


async def test_cutting_the_tail_is_found(published: str) -> None:
    await tamper(published, *CUT)
    fault = first(await check_database())
    assert (fault.leaf_index, said(fault)) == (8, faults.CUT)


async def test_cutting_the_tail_with_its_heads_and_files_needs_a_remembered_head(published: str, folder: Path) -> None:
    remembered = await head_now()
    await tamper(published, *CUT, "delete from core_trail_checkpoint where size > 8")
    assert said(first(await check_database())) == faults.CUT
    shutil.rmtree(folder)
    await trail.publish()
    assert (await check_database()).sound
    fault = first(await check_database(remembered=[remembered]))
    assert (said(fault), fault.what.params["size"]) == (faults.CUT, 10)


async def test_a_fork_signed_with_the_true_key_is_found_by_a_remembered_head(published: str, folder: Path) -> None:
    remembered = await head_now()
    await rewrite(published, 7)
    await tamper(published, "delete from core_trail_checkpoint where size > 6")
    shutil.rmtree(folder)
    await trail.publish()
    assert (await check_database()).sound
    fault = first(await check_database(remembered=[remembered]))
    assert (said(fault), fault.what.params["size"]) == (faults.FORK, 10)


async def test_a_head_signed_with_another_key_is_found(published: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keys_before = keys.secret
    monkeypatch.setattr("core.keys.secret", lambda name: keys_before(name)[::-1])
    verdict = await check_database()
    assert {said(fault) for fault in verdict.faults} == {faults.HEAD_SIGNATURE}


@pytest.mark.parametrize(
    "change", ["root = sha256('x')", "note = replace(note, E'\\n6\\n', E'\\n5\\n')", "size = 7", "note = ''"]
)
async def test_a_changed_head_is_found(published: str, change: str) -> None:
    await tamper(published, f"update core_trail_checkpoint set {change} where size = 6")
    assert said(first(await check_database())) in {faults.HEAD_SIGNATURE, faults.HEAD_COLUMNS}


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("tile/0/000.p/10", faults.TILE),
        ("tile/entries/000.p/10", faults.BUNDLE),
        ("checkpoint", faults.HEAD_SIGNATURE),
    ],
)
async def test_a_changed_file_is_found(published: str, folder: Path, file: str, what: str) -> None:
    data = bytearray((folder / file).read_bytes())
    data[40] ^= 1
    (folder / file).write_bytes(data)
    assert said(first(await check_database())) == what


async def test_a_missing_tile_is_named_and_rebuilt(published: str, folder: Path) -> None:
    (folder / "tile/0/000.p/10").unlink()
    assert said(first(await check_database())) == faults.FILE_MISSING
    await trail.publish(rebuild=True)
    assert (await check_database()).sound


async def test_changed_personal_data_are_found(published: str) -> None:
    await act(personal={"name": "王建国"})
    await trail.publish()
    await tamper(published, """update core_trail_person set content = '{"name": "张伟"}'""")
    assert said(first(await check_database())) == faults.PERSON_CHANGED


async def test_personal_data_added_later_are_found(published: str) -> None:
    await tamper(
        published, f"insert into core_trail_person (entry, salt, content) select {ENTRY_AT.format(1)}, 's', '1'"
    )
    fault = first(await check_database())
    assert (fault.leaf_index, said(fault)) == (1, faults.PERSON_ADDED)


async def test_veils_are_lifted_truly_or_the_entry_is_named(published: str) -> None:
    veil, facts = Veil.fresh(), trail.actor_facts(CLIENT)
    await act(1, veil=veil)
    await act(2, note={"reveals": [veil.reveal(facts)]})
    await trail.publish()
    assert (await check_database()).sound
    await act(3, note={"reveals": [veil.reveal(facts | {"organization": 4})]})
    await trail.publish()
    fault = first(await check_database())
    assert (fault.leaf_index, said(fault)) == (12, faults.REVEAL_FALSE)
