"""Saved searches: save, stop, match new notices, write letters. All searches are matched by one query."""

import hmac
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

from core import clock, db, keys, mail, settings, trail
from core.db import transaction
from core.identity import SYSTEM, Identity
from market.rules.catalogue import query_shingles
from market.rules.searches import MOST_SEARCHES, Frequency, SearchDraft, SearchGone, TooManySearches

LATE = timedelta(days=2)
"""How far back a digest looks for notices whose own job was lost."""


async def save_search(actor: Identity, *, draft: SearchDraft) -> int:
    """Save a search for the actor's own account; its id. `TooManySearches`."""
    async with transaction():
        await db.execute("select id from core_account where id = $1 for update", actor.account_id)
        running = await db.value(
            "select count(*) from market_saved_search where account = $1 and ended_at is null", actor.account_id
        )
        if running >= MOST_SEARCHES:
            raise TooManySearches(most=MOST_SEARCHES)
        search_id: int = await db.value(
            """insert into market_saved_search (account, name, query, shingles, item, profession, method, fund,
                   frequency, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id""",
            actor.account_id,
            draft.name,
            draft.query,
            query_shingles(draft.query),
            draft.item,
            draft.profession,
            draft.method,
            draft.fund,
            draft.frequency.value,
            clock.now(),
        )
        await trail.record(actor, "search.saved", f"search:{search_id}")
    return search_id


async def end_search(actor: Identity, *, search_id: int) -> None:
    """Stop one of the actor's own searches; `SearchGone`."""
    async with transaction():
        await _end(search_id, actor.account_id, actor)


async def unsubscribe(*, search_id: int, token: str) -> None:
    """Stop a search by the link of one of its letters; nobody need sign in. `SearchGone` for a wrong link."""
    account_id = await db.value("select account from market_saved_search where id = $1", search_id)
    if account_id is None or not hmac.compare_digest(token.encode(), token_of(search_id, account_id).encode()):
        raise SearchGone
    async with transaction():
        await _end(search_id, account_id, SYSTEM, again=True)


def token_of(search_id: int, account_id: int) -> str:
    """What proves that somebody holds a letter of this search."""
    text = f"unsubscribe:{search_id}:{account_id}".encode()
    return hmac.digest(keys.secret("session"), text, "sha256").hex()[:40]


async def _end(search_id: int, account_id: int, actor: Identity, *, again: bool = False) -> None:
    ended = await db.execute(
        "update market_saved_search set ended_at = $3 where id = $1 and account = $2 and ended_at is null",
        search_id,
        account_id,
        clock.now(),
    )
    if ended:
        await trail.record(actor, "search.ended", f"search:{search_id}")
    elif not again:
        raise SearchGone


# Every running search against the wanted notices; a hit is written once, whoever asks again.
_MATCH = """
insert into market_search_hit (search, notice, found_at)
select s.id, n.id, $3
  from market_notice n
  join market_service_item i on i.id = n.item
  join market_saved_search s
    on s.ended_at is null and s.created_at <= n.published_at
   and (s.item = '' or s.item = i.code) and (s.profession = '' or s.profession = i.profession)
   and (s.method = '' or s.method = n.method) and (s.fund = '' or s.fund = n.fund_source)
   and s.shingles <@ n.shingles
 where n.state <> 'draft' and (n.id = $1 or n.published_at > $2)
on conflict (search, notice) do nothing
"""
_UNTOLD = """
select h.id as hit, s.id as search, s.account, s.name, n.id as notice_id, n.number, p.title as project,
       i.name_zh as item_zh, i.name_en as item_en, n.deadline
  from market_search_hit h
  join market_saved_search s on s.id = h.search and s.ended_at is null and s.frequency = $1
  join market_notice n on n.id = h.notice
  join market_project p on p.id = n.project
  join market_service_item i on i.id = n.item
 where h.told_at is null and ($2::bigint is null or h.notice = $2)
 order by s.id, n.id for update of h skip locked
"""


async def tell_searchers(notice_id: int) -> int:
    """A notice was published: note which searches it matches, and write at once to who wants that; how many."""
    async with transaction():
        await db.execute(_MATCH, notice_id, None, clock.now())
        return await _write(Frequency.IMMEDIATELY, notice_id)


async def send_digests() -> int:
    """One letter per search with everything new since the last one; also what a lost job left untold."""
    async with transaction():
        now = clock.now()
        await db.execute(_MATCH, None, now - LATE, now)
        return await _write(Frequency.IMMEDIATELY, None) + await _write(Frequency.DAILY, None)


async def _write(frequency: Frequency, notice_id: int | None) -> int:
    untold = await db.rows(_UNTOLD, frequency.value, notice_id)
    letters = [_letter(list(rows)) for _search, rows in groupby(untold, key=lambda row: row["search"])]
    await mail.send_each(message="market/search_hits", letters=letters)
    await db.execute(
        "update market_search_hit set told_at = $2 where id = any($1)", [row["hit"] for row in untold], clock.now()
    )
    return len(letters)


def _letter(rows: Sequence[Any]) -> tuple[int, Mapping[str, Any]]:
    first = rows[0]
    account: int = first["account"]
    stop = f"/searches/{first['search']}/stop/{token_of(first['search'], account)}"
    notices = [
        {
            "id": row["notice_id"],
            "number": row["number"] or "",
            "project": row["project"],
            "item_zh": row["item_zh"],
            "item_en": row["item_en"],
            "deadline": f"{clock.shanghai(row['deadline']):%Y-%m-%d %H:%M}",
        }
        for row in rows
    ]
    unsubscribe_at = settings.load().address + stop
    return account, {"name": first["name"], "notices": notices, "stop": stop, "unsubscribe": unsubscribe_at}
