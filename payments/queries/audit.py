"""The audit of the books: every promise of the ledger read back from the database, each thing that does not fit named."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from core import db
from core.db import transaction
from core.trail.format import Entry
from payments.rules import BONDS, PayableState, Position
from payments.rules.audit import Audited, Check, Finding, differences
from payments.rules.ledger import PLATFORM, posting_digest

CHUNK = 5000
TABLES = ("payments_account", "payments_posting", "payments_entry")
TRIGGERS = (*(f"{table}_once" for table in TABLES), "payments_posting_balances", "payments_entry_balances")


@dataclass(frozen=True)
class AuditReport:
    """What was looked at and what does not fit."""

    payables: int
    postings: int
    entries: int
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether everything fits."""
        return not self.findings


async def audit() -> AuditReport:
    """Check the whole ledger against itself, the payables and the trail, on one snapshot."""
    async with transaction(isolation="repeatable_read", readonly=True):
        findings = [
            *await _balance(),
            *await _written_once(),
            *await _trail(),
            *await _escrow(),
            *await _bonds(),
            *await _bank(),
        ]
        async for row in _payables():
            findings += differences(row)
        counts = await db.row(
            "select (select count(*) from payments_payable) as payables,"
            " (select count(*) from payments_posting) as postings, (select count(*) from payments_entry) as entries"
        )
    return AuditReport(**dict(counts), findings=tuple(findings))


async def _balance() -> list[Finding]:
    found = await db.rows(
        "select s.key, a.currency, sum(e.amount)::text as rest from payments_posting s"
        " join payments_entry e on e.posting = s.id join payments_account a on a.id = e.account"
        " group by s.id, a.currency having sum(e.amount) <> 0 order by s.id limit 100"
    )
    empty = await db.rows(
        "select key from payments_posting s where (select count(*) from payments_entry e where e.posting = s.id) < 2"
        " order by id limit 100"
    )
    return [
        *(Finding(Check.BALANCE, row["key"], f"{row['rest']} {row['currency']} fen left over") for row in found),
        *(Finding(Check.BALANCE, row["key"], "fewer than two lines") for row in empty),
    ]


async def _written_once() -> list[Finding]:
    """The triggers are in force, the application has no right to rewrite, and nobody has rewritten (as far as PostgreSQL
    counted; the digests on the trail find a rewriting that reset the counters)."""
    active = {
        row["tgname"]
        for row in await db.rows(
            "select tgname from pg_trigger where tgname = any($1::text[]) and tgenabled in ('O', 'A')", TRIGGERS
        )
    }
    missing = [
        Finding(Check.WRITTEN_ONCE, name, "trigger missing or disabled") for name in TRIGGERS if name not in active
    ]
    rights = await db.rows(
        "select t.name, r.verb from unnest($1::text[]) t(name), unnest(array['update', 'delete', 'truncate']) r(verb)"
        " where exists (select from pg_roles where rolname = 'xinshi_app') and has_table_privilege('xinshi_app', t.name, r.verb)",
        TABLES,
    )
    touched = await db.rows(
        "select relname, n_tup_upd + n_tup_del as n from pg_stat_user_tables"
        " where relname = any($1::text[]) and n_tup_upd + n_tup_del > 0",
        TABLES,
    )
    return [
        *missing,
        *(Finding(Check.WRITTEN_ONCE, row["name"], f"xinshi_app may {row['verb']}") for row in rights),
        *(Finding(Check.WRITTEN_ONCE, row["relname"], f"{row['n']} rows were changed or deleted") for row in touched),
    ]


POSTINGS = """
select s.id, s.kind, s.key, s.trail_entry, t.subject = 'payable:' || s.payable as same, t.id is not null as known,
  array_agg(a.organization order by e.id) as organizations, array_agg(a.kind order by e.id) as accounts,
  array_agg(a.currency order by e.id) as currencies, array_agg(e.amount order by e.id) as amounts
from payments_posting s join payments_entry e on e.posting = s.id join payments_account a on a.id = e.account
left join core_trail_entry t on t.id = s.trail_entry
where s.id > $1 group by s.id, t.id order by s.id limit $2
"""


async def _trail() -> list[Finding]:
    """Every posting is on the trail with its digest, and every digest of the trail is still a posting."""
    promised = await _promised()
    findings = []
    last = 0
    while chunk := await db.rows(POSTINGS, last, CHUNK):
        last = chunk[-1]["id"]
        for row in chunk:
            if not row["known"] or not row["same"]:
                findings.append(
                    Finding(Check.TRAIL, row["key"], f"trail entry {row['trail_entry']} is not this payable's")
                )
                continue
            lines = zip(row["organizations"], row["accounts"], row["currencies"], row["amounts"], strict=True)
            digest = posting_digest(row["kind"], row["key"], lines)
            if digest in promised[row["trail_entry"]]:
                promised[row["trail_entry"]].discard(digest)
            else:
                findings.append(Finding(Check.TRAIL, row["key"], "not the posting that the trail recorded"))
    lost = [(entry, digest) for entry, digests in promised.items() for digest in sorted(digests)]
    return findings + [
        Finding(Check.TRAIL, f"trail:{entry}", f"posting {digest[:16]}… is gone") for entry, digest in lost
    ]


async def _promised() -> Mapping[int, set[str]]:
    """The digests that the trail keeps, by entry."""
    promised: dict[int, set[str]] = defaultdict(set)
    last = 0
    while chunk := await db.rows(
        "select id, payload from core_trail_entry where id > $1 and subject like 'payable:%' order by id limit $2",
        last,
        CHUNK,
    ):
        last = chunk[-1]["id"]
        for row in chunk:
            note = json.loads(Entry.parse(row["payload"]).body.text or "{}").get("note") or {}
            if note.get("ledger"):
                promised[row["id"]] = set(note["ledger"])
    return promised


PAYABLES = """
select p.id, p.number, p.kind, p.amount, p.currency, p.captured, p.refunded, p.paid_out, p.state,
  p.settled_at is not null as settled,
  exists (select from payments_forfeit f where f.payable = p.id and f.undone_at is null) as forfeited, x.sides, x.accounts, x.amounts
from payments_payable p left join lateral (
  select array_agg(g.side) as sides, array_agg(g.kind) as accounts, array_agg(g.amount) as amounts from (
    select case a.organization when p.payer then 'payer' when p.payee then 'payee' end as side, a.kind,
      sum(e.amount)::bigint as amount
    from payments_posting s join payments_entry e on e.posting = s.id join payments_account a on a.id = e.account
    where s.payable = p.id and a.organization in (p.payer, p.payee) and s.kind not like 'unapplied%'
      and a.kind not in ('provider', 'custody', 'fees', 'exchange', 'disputed')
    group by 1, 2) g) x on true
where p.id > $1 order by p.id limit $2
"""


async def _payables() -> AsyncIterator[Audited]:
    last = 0
    while chunk := await db.rows(PAYABLES, last, CHUNK):
        last = chunk[-1]["id"]
        for row in chunk:
            yield _audited(row)


def _audited(row: Any) -> Audited:
    places = zip(row["sides"] or (), row["accounts"] or (), strict=True)
    position = Position(
        PayableState(row["state"]), row["amount"], row["captured"], row["refunded"], row["paid_out"], row["currency"]
    )
    sums = dict(zip(places, row["amounts"] or (), strict=True))
    return Audited(row["number"], position, row["settled"], row["kind"] in BONDS, sums, row["forfeited"])


async def _escrow() -> list[Finding]:
    """Nobody's escrow is below zero, and the platform owes exactly what it keeps for others."""
    below = await db.rows(
        "select o.name_zh, a.currency, sum(e.amount)::text as n from payments_entry e"
        " join payments_account a on a.id = e.account join core_organization o on o.id = a.organization"
        " where a.kind in ('escrow', 'unapplied') group by a.id, o.name_zh having sum(e.amount) < 0"
    )
    kept = await db.rows(
        "select a.currency, sum(e.amount)::text as n from payments_entry e join payments_account a on a.id = e.account"
        " where a.kind in ('escrow', 'unapplied', 'custody') group by a.currency having sum(e.amount) <> 0"
    )
    return [
        *(Finding(Check.ESCROW, row["name_zh"], f"{row['n']} {row['currency']} fen") for row in below),
        *(Finding(Check.ESCROW, row["currency"], f"kept for others and owed differ by {row['n']} fen") for row in kept),
    ]


async def _bonds() -> list[Finding]:
    """What an organisation holds in bonds is the sum of the bonds that were paid to it by bank, neither released nor forfeited."""
    found = await db.rows(
        "with held as (select a.organization, -sum(e.amount) as n from payments_entry e"
        " join payments_account a on a.id = e.account where a.kind = 'bonds-held' group by 1),"
        " open as (select payee as organization, sum(amount * 100) as n from payments_payable"
        " p where kind = any($1::text[]) and state = 'confirmed' and captured = 0 and not exists"
        " (select from payments_forfeit f where f.payable = p.id and f.undone_at is null) group by 1)"
        " select o.name_zh, coalesce(held.n, 0)::bigint as held, coalesce(open.n, 0)::bigint as open"
        " from held full join open using (organization) join core_organization o on o.id = organization"
        " where coalesce(held.n, 0) <> coalesce(open.n, 0)",
        sorted(BONDS),
    )
    return [
        *(
            Finding(Check.BONDS, row["name_zh"], f"ledger {row['held']} fen, open bonds {row['open']} fen")
            for row in found
        ),
        *await _forfeits(),
    ]


FORFEITS = """
select p.number, f.amount is null as never, f.amount::text as forfeited, p.paid_out::text as paid_out,
  p.released_at is not null as released
from payments_payable p left join payments_forfeit f on f.payable = p.id and f.undone_at is null
where p.kind = any($1::text[]) and (p.paid_out > coalesce(f.amount, 0) or (f.id is not null and p.released_at is not null))
order by p.id limit 100
"""


async def _forfeits() -> list[Finding]:
    """No bond was paid out to whoever kept it beyond what was forfeited, and none was both forfeited and released."""
    found = await db.rows(FORFEITS, sorted(BONDS))
    return [
        Finding(Check.BONDS, row["number"], "released and forfeited")
        if row["released"] and not row["never"]
        else Finding(Check.BONDS, row["number"], f"paid out {row['paid_out']}, forfeited {row['forfeited'] or '0.00'}")
        for row in found
    ]


BANK = """
with booked as (
  select s.payable, -sum(e.amount) as n from payments_posting s join payments_entry e on e.posting = s.id
  join payments_account a on a.id = e.account join payments_payable p on p.id = s.payable
  where a.organization = $1 and a.kind = 'outside' and s.kind in ('paid-out', 'payout-reversed') and p.payee <> $1
  group by 1),
made as (
  select payable, sum(case when back then -amount else amount end) * 100 as n from payments_bank_payout group by 1)
select p.number, coalesce(booked.n, 0)::bigint as booked, coalesce(made.n, 0)::bigint as made
from booked full join made using (payable) join payments_payable p on p.id = payable
where coalesce(booked.n, 0) <> coalesce(made.n, 0) order by p.id limit 100
"""


async def _bank() -> list[Finding]:
    """What left the platform's own bank account for payees is what the vouchers say."""
    found = await db.rows(BANK, PLATFORM)
    return [
        Finding(Check.BANK, row["number"], f"ledger {row['booked']} fen, vouchers {row['made']} fen") for row in found
    ]
