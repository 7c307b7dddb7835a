"""Exports, proof files and the command: the trail checked away from its database."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from core import trail
from core.errors import NotFound
from core.trail import faults, proofs, queries, registry, sequencer, tlog
from core.trail.cli import _tell, cli
from core.trail.export import NothingPublished, export
from core.trail.faults import Verdict
from core.trail.format import Veil
from core.trail.registry import Openness
from core.trail.verify import check_export, export_keys
from tests.factories.trail import CLIENT, act, files_in, first, head_now, said, stored

pytestmark = pytest.mark.anyio


@pytest.fixture
def open_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._openness, "notice.published", Openness.FACT)


async def test_an_export_is_checked_without_the_database(published: str, tmp_path: Path, open_notices: None) -> None:
    await act(1, personal={"name": "王建国"}, after={"ceiling": 5})
    await trail.publish()
    file = tmp_path / "log.jsonl"
    assert await export(file, full=False) == 11
    text = file.read_text("utf-8")
    assert "王建国" not in text
    assert "ceiling" not in text
    verdict = check_export(file, export_keys(file), remembered=[await head_now()])
    assert (verdict.sound, verdict.entries, verdict.heads, verdict.withheld) == (True, 11, 3, 11)


async def test_a_full_export_holds_everything(published: str, tmp_path: Path) -> None:
    await act(1, personal={"name": "王建国"}, after={"ceiling": 5})
    await trail.publish()
    file = tmp_path / "log.jsonl"
    await export(file, full=True)
    verdict = check_export(file, export_keys(file))
    assert (verdict.sound, verdict.withheld, verdict.persons) == (True, 0, 1)
    assert '\\"ceiling\\":5' in file.read_text("utf-8")


async def test_a_reveal_is_checked_where_the_veiled_entry_is_withheld(
    published: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry._openness, "notice.published", Openness.FULL)
    veil, facts = Veil.fresh(), trail.actor_facts(CLIENT)
    await act(1, veil=veil)
    await act(2, note={"reveals": [veil.reveal(facts)]})
    await trail.publish()
    file = tmp_path / "log.jsonl"
    await export(file, full=False)
    assert check_export(file, export_keys(file)).sound
    await act(3, note={"reveals": [veil.reveal(facts) | {"actor": facts | {"organization": 4}}]})
    await trail.publish()
    await export(file, full=False)
    assert said(first(check_export(file, export_keys(file)))) == faults.REVEAL_FALSE


async def test_nothing_is_exported_before_the_first_checkpoint(log: str, tmp_path: Path) -> None:
    with pytest.raises(NothingPublished):
        await export(tmp_path / "log.jsonl", full=False)
    assert not files_in(tmp_path)


def altered(lines: list[str], how: str) -> list[str]:
    place = next(number for number, line in enumerate(lines) if '"index":4' in line)
    match how:
        case "edit":
            return [*lines[:place], lines[place].replace("notice:4", "notice:5"), *lines[place + 1 :]]
        case "delete":
            return [*lines[:place], *lines[place + 1 :]]
        case "reorder":
            swapped = [
                lines[place + 1].replace('"index":5', '"index":4'),
                lines[place].replace('"index":4', '"index":5'),
            ]
            return [*lines[:place], *swapped, *lines[place + 2 :]]
        case "cut":
            return lines[:-1]
        case _:
            return [line.replace(":", ": ") for line in lines]


@pytest.mark.parametrize("how", ["edit", "delete", "reorder", "cut"])
async def test_an_altered_export_is_found(published: str, tmp_path: Path, how: str) -> None:
    file = tmp_path / "log.jsonl"
    await export(file, full=True)
    trusted = export_keys(file)
    file.write_text("\n".join(altered(file.read_text("utf-8").splitlines(), how)) + "\n", "utf-8")
    assert not check_export(file, trusted).sound


async def test_another_file_is_not_taken_for_an_export(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    for text in ("not json\n", "[]\n", '{"format":"other"}\n', ""):
        file.write_text(text, "utf-8")
        with pytest.raises(tlog.Malformed):
            check_export(file, ())


async def proof_of(leaf_index: int) -> str:
    item = (await queries.feed(leaf_index - 1, 1))[0]
    view = await queries.entry_view(item.entry_id, None)
    return queries.proof_file(view, await sequencer.last_head()).text()


async def test_a_proof_file_proves_offline_what_it_shows(published: str, open_notices: None) -> None:
    text, trusted = await proof_of(4), await sequencer.verifier_keys()
    proved = proofs.check_proof(text, trusted)
    assert proved.leaf_index == 4
    assert proved.entry.head.facts()["subject"] == "notice:4"
    assert proved.entry.body.text is None
    assert proved.checkpoint.head.size == 10


async def test_any_changed_character_of_a_proof_is_noticed(published: str, open_notices: None) -> None:
    text, trusted = await proof_of(4), await sequencer.verifier_keys()
    shown = proofs.check_proof(text, trusted)
    for place in range(len(text)):
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        try:
            proved = proofs.check_proof(changed, trusted)
        except tlog.Malformed:
            continue
        # Only the names of signatures we do not need may change without harm.
        assert (proved.entry, proved.leaf_index, proved.checkpoint.head) == (
            shown.entry,
            shown.leaf_index,
            shown.checkpoint.head,
        )


async def test_an_entry_that_waits_has_no_proof_yet(published: str) -> None:
    view = await queries.entry_view(await act(), None)
    with pytest.raises(NotFound):
        queries.proof_file(view, await sequencer.last_head())


# -- the command -------------------------------------------------------------------------------


async def test_the_command_checks_proofs_and_exports_offline(
    published: str, folder: Path, tmp_path: Path, open_notices: None
) -> None:
    proof, dump, kept = tmp_path / "4.tlog-proof", tmp_path / "log.jsonl", tmp_path / "kept"
    proof.write_text(await proof_of(4), "utf-8")
    await export(dump, full=True)
    shutil.copy(folder / "checkpoint", kept)
    for file in (proof, dump):
        good = CliRunner().invoke(cli, ["verify", str(file), "--against", str(kept)], env={"LANG": "en_US.UTF-8"})
        assert good.exit_code == 0, good.output
    dump.write_text(dump.read_text("utf-8").replace("notice:4", "notice:5"), "utf-8")
    proof.write_text(proof.read_text("utf-8").replace("index 4", "index 5"), "utf-8")
    broken = CliRunner().invoke(cli, ["verify", str(dump)], env={"LANG": "en_US.UTF-8"})
    assert broken.exit_code == 1
    refused = CliRunner().invoke(cli, ["verify", str(proof)], env={"LANG": "en_US.UTF-8"})
    assert refused.exit_code == 1
    assert "not in the tree" in refused.output


async def test_the_command_needs_a_key_where_there_is_none(published: str, folder: Path, tmp_path: Path) -> None:
    proof = tmp_path / "4.tlog-proof"
    proof.write_text(await proof_of(4), "utf-8")
    key = (folder / "key").read_text("utf-8").splitlines()[0]
    shutil.rmtree(folder)
    missing = CliRunner().invoke(cli, ["verify", str(proof)])
    assert missing.exit_code == 1
    assert CliRunner().invoke(cli, ["verify", str(proof), "--key", key]).exit_code == 0
    assert CliRunner().invoke(cli, ["verify", str(proof), "--key", key[:-4]]).exit_code == 1


async def test_the_published_payload_is_two_canonical_lines(published: str) -> None:
    entry = await stored((await queries.feed(-1, 1))[0].entry_id)
    for half in (entry.head, entry.body):
        assert json.dumps(json.loads(half.text or ""), ensure_ascii=False, separators=(",", ":")) == half.text


@pytest.mark.parametrize(("count", "said"), [(1, "1 entry and 1 checkpoint"), (2, "2 entries and 2 checkpoints")])
def test_the_verdict_agrees_with_its_numbers(count: int, said: str, monkeypatch, capsys) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    _tell(Verdict(entries=count, heads=count, waiting=count))
    told = capsys.readouterr().out
    assert said in told
    assert ("1 entry waits for its place" in told) == (count == 1)
