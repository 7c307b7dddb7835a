"""An export: the whole log as one file that anybody can check without us. Format: `docs/trail-format.md` §8."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from core import db
from core.db import transaction
from core.errors import DomainError
from core.i18n import N_
from core.trail import format, proofs, registry, sequencer
from core.trail.format import Entry
from core.trail.verify import BATCH, EXPORT_FORMAT, Progress

_ROWS = """
select l.leaf_index, e.id, e.payload, e.act, e.role, p.salt, p.content
from core_trail_leaf l
join core_trail_entry e on e.id = l.entry
left join core_trail_person p on p.entry = e.id
where l.leaf_index > $1 and l.leaf_index < $2 order by l.leaf_index limit $3
"""


class NothingPublished(DomainError):
    """There is no signed head yet."""

    status = 404
    code = "trail-nothing-published"
    text = N_("还没有签发过检查点。请先运行 xinshi trail publish。")


async def export(path: Path, *, full: bool, progress: Progress = lambda _done, _total: None) -> int:
    """Write the log up to the newest signed head into `path`; returns how many entries.

    As everybody may see it, or in `full`: every half in text and the personal data that still exist.
    The file appears only when it is complete. Raises `NothingPublished`.
    """
    head = await sequencer.last_head()
    if not head.note:
        raise NothingPublished
    keys = await sequencer.verifier_keys()
    first = {"format": EXPORT_FORMAT, "keys": [str(key) for key in keys], "size": head.size}
    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("w", encoding="utf-8") as file:
            async for line in _lines(first, head.size, _shown_in(full), progress):
                file.write(line + "\n")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return head.size


Show = Callable[[Any], dict[str, Any]]


async def _lines(first: dict[str, Any], size: int, show: Show, progress: Progress) -> AsyncIterator[str]:
    yield _line(first)
    async with transaction(isolation="repeatable_read", readonly=True):
        for note in await db.rows("select note from core_trail_checkpoint where size <= $1 order by size", size):
            yield _line({"checkpoint": note["note"]})
        here = -1
        while rows := await db.rows(_ROWS, here, size, BATCH):
            for row in rows:
                yield _line(show(row))
            here = rows[-1]["leaf_index"]
            progress(here + 1, size)


def _line(facts: dict[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"))


def _shown_in(full: bool) -> Show:
    return _everything if full else _public


def _everything(row: Any) -> dict[str, Any]:
    line = {"index": row["leaf_index"], "id": row["id"]} | proofs.disclosure(Entry.parse(row["payload"]))
    if row["salt"] is not None:
        line["person"] = {"salt": row["salt"].hex(), "content": format.canonical(row["content"])}
    return line


def _public(row: Any) -> dict[str, Any]:
    entry = registry.shown(Entry.parse(row["payload"]), registry.openness(row["act"], row["role"]))
    return {"index": row["leaf_index"], "id": row["id"]} | proofs.disclosure(entry)
