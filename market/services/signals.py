"""Computing signals: every night over a window, and right after an opening for the one notice.

Idempotent: a signal found again keeps its row and its first moment. One that is no longer found is marked, never
deleted, and found again it is simply in force once more. Nothing is blocked by a signal.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from inspect import iscoroutinefunction
from typing import Any

import anyio

from agencies.queries import region_names
from core import clock, db, trail
from core.db import transaction
from core.identity import SYSTEM, Identity, Permission
from market import content
from market.queries.signal_frames import frames
from market.rules.signal_list import DEFINITIONS
from market.rules.signals import Definition, Found, SignalGone

UPSERT = """
insert into market_signal (signature, code, subject, params, notices, agencies, clients, state, first_found_at,
                           last_found_at, note)
select f.signature, f.code, f.subject, f.params, f.notices, f.agencies, f.clients, 'found', $2, $2, ''
  from jsonb_to_recordset($1::jsonb) as f(signature text, code text, subject text, params jsonb, notices bigint[],
                                          agencies bigint[], clients bigint[])
on conflict (signature) do update set params = excluded.params, notices = excluded.notices,
   agencies = excluded.agencies, clients = excluded.clients, state = 'found', gone_at = null,
   last_found_at = excluded.last_found_at
returning (xmax = 0) as fresh
"""
GONE = """
update market_signal set state = 'gone', gone_at = $2
 where state = 'found' and not (signature = any($1)) and code = any($3)
   and (subject not like 'notice:%' or notices && $4::bigint[])
"""
BATCH = 5000


@dataclass(frozen=True)
class Computed:
    """What a computation did."""

    found: int
    fresh: int
    gone: int


def signature(found: Found) -> str:
    """What makes a hit the same hit tomorrow: code, subject, and what tells hits on one subject apart."""
    text = json.dumps([found.code, found.subject, found.key], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


async def compute_signals() -> Computed:
    """All signals in force over the openings and awards of the window that the edition in force sets."""
    today = clock.today()
    definitions = [one for one in DEFINITIONS.values() if one.in_force(today)]
    return await _compute(definitions, None)


async def compute_notice_signals(notice_id: int) -> Computed:
    """The signals that need one opened notice only."""
    today = clock.today()
    definitions = [one for one in DEFINITIONS.values() if one.per_notice and one.in_force(today)]
    return await _compute(definitions, notice_id)


async def _compute(definitions: Sequence[Definition], notice_id: int | None) -> Computed:
    from market import signals

    limits = content.edition_in_force(clock.today()).signals
    since = None if notice_id else clock.now() - timedelta(days=limits.window_days)
    read = await frames(notice_id=notice_id, since=since)
    found = await anyio.to_thread.run_sync(signals.find, definitions, read, limits)
    for one in definitions:
        function = signals.finder(one)
        if iscoroutinefunction(function):
            found += await function(limits)
    found = await named(found)
    return await _store(found, definitions, [int(one) for one in read.notices["notice"]], nightly=notice_id is None)


async def named(found: Sequence[Found]) -> list[Found]:
    """The same with items and regions by name, as they are called today, beside which the English stands."""
    items = {
        row["code"]: (row["name_zh"], row["name_en"] or row["name_zh"])
        for row in await db.rows(
            "select distinct on (code) code, name_zh, name_en from market_service_item order by code, id desc"
        )
    }
    names = {"item": items, "region": await region_names()}
    return [replace(one, params=_spelled(one.params, names)) for one in found]


def _spelled(params: Mapping[str, Any], names: Mapping[str, Mapping[str, tuple[str, str]]]) -> dict[str, Any]:
    spelled = dict(params)
    for name, known in names.items():
        if params.get(name) in known:
            spelled[name], spelled[f"{name}_en"] = known[params[name]]
    return spelled


async def _store(
    found: Sequence[Found], definitions: Sequence[Definition], looked_at: list[int], *, nightly: bool
) -> Computed:
    """Keep what was found, mark what was looked for and not found. Notices outside the window are not judged."""
    now, codes = clock.now(), [one.code for one in definitions]
    found = list({signature(one): one for one in found}.values())
    signatures = [signature(one) for one in found]
    async with transaction():
        fresh = 0
        for start in range(0, len(found), BATCH):
            rows = await db.rows(UPSERT, _rows(found[start : start + BATCH]), now)
            fresh += sum(row["fresh"] for row in rows)
        gone = await db.execute(GONE, signatures, now, codes, looked_at)
        done = Computed(len(found), fresh, gone)
        if nightly or fresh or gone:
            listed = hashlib.sha256("\n".join(sorted(signatures)).encode()).hexdigest()
            await trail.record(
                SYSTEM,
                "signals.computed",
                f"signal-run:{now:%Y%m%d}",
                after={"found": done.found, "fresh": done.fresh, "gone": done.gone, "signatures_sha256": listed},
            )
    return done


def _rows(found: Iterable[Found]) -> str:
    return json.dumps(
        [
            {
                "signature": signature(one),
                "code": one.code,
                "subject": one.subject,
                "params": dict(one.params),
                "notices": list(one.notices),
                "agencies": list(one.agencies),
                "clients": list(one.clients),
            }
            for one in found
        ],
        ensure_ascii=False,
    )


async def note_signal(actor: Identity, *, signal_id: int, note: str) -> int:
    """A supervisor has looked at a signal and opens no case, with the reason; `SignalGone`."""
    actor.require(Permission.WATCH_MARKET)
    async with transaction():
        known = await db.value("select id from market_signal where id = $1 for update", signal_id)
        if known is None:
            raise SignalGone
        await db.execute(
            "update market_signal set noted_at = $2, note = $3 where id = $1", signal_id, clock.now(), note
        )
        await trail.record(actor, "signal.noted", f"signal:{signal_id}", personal={"note": note})
    return signal_id
