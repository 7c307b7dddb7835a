"""Reads of batches: a client's own only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import db
from core.errors import Message
from core.identity import Identity
from market.rules.batch import BatchGone, RowState


@dataclass(frozen=True)
class BatchRowView:
    """One site with what became of it. `number` is its row in the file."""

    number: int
    title: str
    state: RowState
    notice_id: int | None
    notice_number: str | None
    project_id: int | None
    faults: Mapping[str, Message]


@dataclass(frozen=True)
class BatchView:
    """A batch with its counts."""

    id: int
    item_code: str
    item_name_zh: str
    item_name_en: str
    file_name: str
    made_at: datetime
    finished_at: datetime | None
    total: int
    posted: int
    refused: int

    @property
    def done(self) -> int:
        """Rows that are settled."""
        return self.posted + self.refused


BATCH_SQL = """
select b.id, b.item_code, i.name_zh as item_name_zh, i.name_en as item_name_en, b.file_name, b.made_at, b.finished_at,
       count(*) as total, count(*) filter (where r.state = 'posted') as posted,
       count(*) filter (where r.state = 'refused') as refused
  from market_batch b join market_batch_row r on r.batch = b.id
  join market_service_item i on i.code = b.item_code and i.superseded_at is null
 where b.client = $1 and ($2::bigint is null or b.id = $2)
 group by b.id, i.id order by b.id desc limit 50
"""


async def batches(identity: Identity) -> list[BatchView]:
    """A client's batches, newest first."""
    return [BatchView(**dict(record)) for record in await db.rows(BATCH_SQL, identity.organization_id, None)]


async def batch(batch_id: int, identity: Identity) -> BatchView:
    """One batch of the reader's own organisation, or `BatchGone`."""
    record = await db.row(BATCH_SQL, identity.organization_id, batch_id)
    if record is None:
        raise BatchGone
    return BatchView(**dict(record))


async def batch_rows(batch_id: int) -> list[BatchRowView]:
    """The rows of a batch in the order of the file, for those who have seen the batch."""
    found = await db.rows(
        """select r.number, r.content, r.state, r.notice as notice_id, r.faults, n.number as notice_number,
                  n.project as project_id
             from market_batch_row r left join market_notice n on n.id = r.notice
            where r.batch = $1 order by r.number""",
        batch_id,
    )
    return [
        BatchRowView(
            record["number"],
            record["content"].get("title", ""),
            RowState(record["state"]),
            record["notice_id"],
            record["notice_number"],
            record["project_id"],
            {name: message(raw) for name, raw in (record["faults"] or {}).items()},
        )
        for record in found
    ]


def message(raw: Mapping[str, Any]) -> Message:
    """A stored fault, said in the reader's language."""
    return Message(raw["text"], raw["params"])


async def waiting_rows(batch_id: int) -> list[int]:
    """The rows that are still to be posted."""
    found = await db.rows(
        "select number from market_batch_row where batch = $1 and state = 'waiting' order by number", batch_id
    )
    return [record["number"] for record in found]


async def unfinished() -> list[int]:
    """Batches that somebody still has to work through."""
    found = await db.rows("select id from market_batch where finished_at is null order by id limit 20")
    return [record["id"] for record in found]
