"""`xinshi trail verify`: the whole database, or an export of it, against everything that was published."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core import db, settings
from core.db import transaction
from core.errors import Message
from core.trail import faults, format, proofs, sequencer, tlog
from core.trail.faults import Fault, Verdict
from core.trail.format import Entry, Half, Person
from core.trail.logcheck import KnownHead, LogCheck, Row, open_heads
from core.trail.merkle import leaf_hash
from core.trail.tiles import TileStore

EXPORT_FORMAT = "xinshi-trail-export/1"
BATCH = 1000
Progress = Callable[[int, int], None]

_ROWS = """
select l.leaf_index, l.leaf_hash, e.id, e.payload, p.salt, p.content,
       e.act, e.subject, e.recorded_at, e.threads, e.account_id, e.organization_id, e.role
from core_trail_leaf l
left join core_trail_entry e on e.id = l.entry
left join core_trail_person p on p.entry = e.id
where l.leaf_index > $1 order by l.leaf_index limit $2
"""
_COLUMNS = ("act", "subject", "recorded_at", "threads", "account_id", "organization_id", "role")
_HEADS = "select note, size, root from core_trail_checkpoint order by size"
# Waiting entries lie at or above the watermark of the last placed one; below it none can be waiting.
_WAITING = """
with placed as (
    select e.xact from core_trail_leaf l join core_trail_entry e on e.id = l.entry
    order by l.leaf_index desc limit 1
)
select e.id, e.act, e.subject, coalesce(e.xact < (select xact from placed), false) as outside
from core_trail_entry e
where not exists (select from core_trail_leaf l where l.entry = e.id)
order by e.id
"""


async def check_database(
    *,
    keys: Sequence[tlog.VerifierKey] = (),
    remembered: Sequence[KnownHead] = (),
    progress: Progress = lambda _done, _total: None,
) -> Verdict:
    """Check every entry, the tree, all published heads and the files, in one snapshot of the database.

    `remembered` are checkpoints somebody kept from elsewhere: with them a cut tail or a fork shows even
    when everything here was rewritten and signed anew.
    """
    verdict = Verdict()
    async with transaction(isolation="repeatable_read", readonly=True):
        keys = keys or await sequencer.verifier_keys()
        files, published = _files(keys, verdict)
        notes = [tuple(row.values()) for row in await db.rows(_HEADS)]
        heads = open_heads(notes, keys, verdict)
        check = LogCheck(
            verdict,
            _with(heads, published),
            remembered=remembered,
            files=files,
            published=published.size if published else 0,
            may_play=not settings.load().production,
        )
        await _walk(check, progress)
        await _check_waiting(verdict)
    return check.finish()


def _files(keys: Sequence[tlog.VerifierKey], verdict: Verdict) -> tuple[TileStore | None, KnownHead | None]:
    """The published files and the head they were published under, when they are here."""
    store = sequencer.store()
    note = store.read(sequencer.CHECKPOINT)
    if note is None:
        return None, None
    try:
        opened = tlog.open_checkpoint(note.decode(), keys)
    except (tlog.Malformed, UnicodeDecodeError) as error:
        params = {"size": "?", "reason": str(error)}
        verdict.add(Fault(Message(faults.HEAD_SIGNATURE, params)))
        return None, None
    return store, KnownHead(opened.head.size, opened.head.root, opened.signed_at)


def _with(heads: list[KnownHead], extra: KnownHead | None) -> list[KnownHead]:
    """The registered heads, and the published one even where its registration was removed."""
    if extra is None or extra in heads:
        return heads
    return sorted([*heads, extra], key=lambda head: head.size)


async def _walk(check: LogCheck, progress: Progress) -> None:
    total, here = await sequencer.log_size(), -1
    while rows := await db.rows(_ROWS, here, BATCH):
        for row in rows:
            check.add(_row(row))
        here = rows[-1]["leaf_index"]
        progress(here + 1, total)


def _row(row: Any) -> Row:
    columns = {name: row[name] for name in _COLUMNS} if row["id"] is not None else {}
    person = None
    if row["salt"] is not None:
        person = Person(row["salt"], format.canonical(row["content"]))
    return Row(row["leaf_index"], row["leaf_hash"], _entry(row["payload"]), row["id"], columns, person)


def _entry(payload: bytes | None) -> Entry | None:
    """The stored entry; one that cannot even be split is kept as a head, so that its hash differs."""
    if payload is None:
        return None
    try:
        return Entry.parse(payload)
    except ValueError:
        return Entry(Half.of(payload.hex()), Half.of(""))


async def _check_waiting(verdict: Verdict) -> None:
    for row in await db.rows(_WAITING):
        if row["outside"]:
            fault = Fault(Message(faults.OUTSIDE), None, row["id"], row["act"], row["subject"])
            verdict.add(fault)
        else:
            verdict.waiting += 1


# -- an export -------------------------------------------------------------------------------


def export_keys(path: Path) -> tuple[tlog.VerifierKey, ...]:
    """The keys an export names itself: only as good as the way the export came."""
    first = _first_line(path)
    return tuple(map(tlog.VerifierKey.parse, first["keys"]))


def check_export(
    path: Path,
    keys: Sequence[tlog.VerifierKey],
    *,
    remembered: Sequence[KnownHead] = (),
    progress: Progress = lambda _done, _total: None,
) -> Verdict:
    """Check an export file by itself. `tlog.Malformed` when it is not one."""
    verdict = Verdict()
    first, notes = _first_line(path), []
    for line in _lines(path):
        if "checkpoint" in line:
            head = tlog.parse_checkpoint(line["checkpoint"].partition("\n\n")[0] + "\n")
            notes.append((line["checkpoint"], head.size, head.root))
    check = LogCheck(verdict, open_heads(notes, keys, verdict), remembered=remembered)
    for line in _lines(path):
        if "index" in line:
            check.add(_exported_row(line))
            if not line["index"] % BATCH:
                progress(line["index"], first["size"])
    return check.finish()


def _first_line(path: Path) -> Mapping[str, Any]:
    for line in _lines(path):
        return line
    raise tlog.Malformed("the file is empty")


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file):
            try:
                facts = json.loads(line)
            except ValueError:
                facts = None
            if not isinstance(facts, dict) or (not number and facts.get("format") != EXPORT_FORMAT):
                raise tlog.Malformed(f"line {number + 1} is not of an export of a trail")
            yield facts


def _exported_row(line: Mapping[str, Any]) -> Row:
    entry = proofs.disclosed(line)
    person = line.get("person")
    return Row(
        line["index"],
        leaf_hash(entry.leaf()),
        entry,
        line.get("id"),
        person=Person(bytes.fromhex(person["salt"]), person["content"]) if person else None,
    )
