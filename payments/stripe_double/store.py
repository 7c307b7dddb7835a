"""Where the double remembers: one table of objects, and what must outlive a restart with them.

Every call that changes something is one transaction behind one lock, so that state is easy to reason about.
"""

import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from core import clock
from payments.stripe_double.faults import missing

API_VERSION = "2026-10-28.endive"
PLATFORM = ""
"""The platform's own account in the column `account`."""
LOCK = 0x57A1FE

SCHEMA = """
create schema if not exists stripe_double;
create table if not exists stripe_double.object (
  id text primary key, kind text not null, account text not null, seq bigserial unique,
  created bigint not null, body jsonb not null);
create index if not exists object_kind on stripe_double.object (kind, account, seq);
create index if not exists object_intent on stripe_double.object ((body->>'payment_intent')) where body ? 'payment_intent';
create index if not exists object_source on stripe_double.object ((body->>'source')) where kind = 'balance_transaction';
create index if not exists object_held on stripe_double.object (id)
  where kind = 'payment_intent' and body->>'status' = 'requires_capture';
create index if not exists object_open on stripe_double.object (id)
  where kind = 'checkout.session' and body->>'status' = 'open';
create table if not exists stripe_double.answer (
  key text primary key, request text not null, status integer not null, body jsonb not null);
create table if not exists stripe_double.delivery (
  id bigserial primary key, event text not null, endpoint text not null, due bigint not null,
  attempts integer not null default 0, done boolean not null default false, last_status integer);
create index if not exists delivery_due on stripe_double.delivery (due) where not done;
create table if not exists stripe_double.setting (name text primary key, value jsonb not null);
"""


def fresh(prefix: str) -> str:
    """A new identifier such as `pi_3f…`."""
    return f"{prefix}_{secrets.token_hex(12)}"


def stamp() -> int:
    """Now, in whole seconds as Stripe writes it."""
    return int(clock.now().timestamp())


class Book:
    """The state inside one transaction."""

    def __init__(self, link: Any, settlement: str) -> None:
        self.link = link
        self.settlement = settlement

    async def put(self, body: dict[str, Any], *, account: str = PLATFORM) -> dict[str, Any]:
        """Write an object, new or changed."""
        await self.link.execute(
            "insert into stripe_double.object (id, kind, account, created, body) values ($1, $2, $3, $4, $5)"
            " on conflict (id) do update set body = excluded.body",
            body["id"],
            body["object"],
            account,
            body.get("created", stamp()),
            body,
        )
        return body

    async def find(self, kind: str, given: str, *, account: str | None = PLATFORM) -> dict[str, Any]:
        """An object of that account (None: whichever); `resource_missing` otherwise."""
        body = await self.link.fetchval(
            "select body from stripe_double.object where id = $1 and kind = $2 and ($3::text is null or account = $3)",
            given,
            kind,
            account,
        )
        if body is None:
            raise missing(kind, given)
        found: dict[str, Any] = body
        return found

    async def look(self, kind: str, account: str, where: Mapping[str, str], limit: int = 1000) -> list[dict[str, Any]]:
        """Objects whose fields equal `where`, oldest first."""
        rows = await self.link.fetch(
            "select body from stripe_double.object where kind = $1 and account = $2 and body @> $3 order by seq limit $4",
            kind,
            account,
            dict(where),
            limit,
        )
        return [row["body"] for row in rows]

    async def page(
        self, kind: str, account: str, where: Mapping[str, Any], given: Mapping[str, Any]
    ) -> tuple[list[dict[str, Any]], bool]:
        """One page of a list, newest first as Stripe gives it, and whether there is more."""
        limit = min(max(int(str(given.get("limit") or 10)), 1), 100)
        created = given.get("created") if isinstance(given.get("created"), dict) else {}
        assert isinstance(created, dict)
        after = await self._seq(kind, given.get("starting_after"))
        before = await self._seq(kind, given.get("ending_before"))
        rows = await self.link.fetch(
            "select body from stripe_double.object where kind = $1 and account = $2 and body @> $3"
            " and ($4::bigint is null or seq < $4) and ($5::bigint is null or seq > $5)"
            " and created >= $6 and created <= $7 order by seq desc limit $8",
            kind,
            account,
            dict(where),
            after,
            before,
            max(int(created.get("gte", 0)), int(created.get("gt", -1)) + 1),
            min(int(created.get("lte", 2**53)), int(created.get("lt", 2**53)) - 1),
            limit + 1,
        )
        found = [row["body"] for row in rows]
        return found[:limit], len(found) > limit

    async def _seq(self, kind: str, given: Any) -> int | None:
        if not given:
            return None
        seq: int | None = await self.link.fetchval("select seq from stripe_double.object where id = $1", str(given))
        if seq is None:
            raise missing(kind, str(given))
        return seq

    async def turn(self) -> int:
        """A number that grows with everything written: moves the rate."""
        return int(await self.link.fetchval("select coalesce(max(seq), 0) from stripe_double.object"))

    async def held(self) -> list[dict[str, Any]]:
        """Every intent that holds money."""
        rows = await self.link.fetch(
            "select body from stripe_double.object where kind = 'payment_intent' and body->>'status' = 'requires_capture'"
        )
        return [row["body"] for row in rows]

    async def balance(self, account: str) -> dict[str, int]:
        """What an account holds by currency: the sum of its balance transactions."""
        rows = await self.link.fetch(
            "select body->>'currency' as currency, sum((body->>'net')::bigint)::bigint as net"
            " from stripe_double.object where kind = 'balance_transaction' and account = $1 group by 1",
            account,
        )
        return {row["currency"]: row["net"] for row in rows}

    async def emit(self, kind: str, body: Mapping[str, Any], *, account: str = PLATFORM) -> dict[str, Any]:
        """Write an event and owe it to every endpoint that wants it."""
        event: dict[str, Any] = {
            "id": fresh("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": stamp(),
            "data": {"object": dict(body)},
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }
        if account:
            event["account"] = account
        await self.put(event, account=account)
        for endpoint in await self.look("webhook_endpoint", PLATFORM, {"status": "enabled"}):
            wanted = endpoint["enabled_events"]
            if "*" in wanted or kind in wanted:
                await self.link.execute(
                    "insert into stripe_double.delivery (event, endpoint, due) values ($1, $2, $3)",
                    event["id"],
                    endpoint["id"],
                    event["created"],
                )
        return event


GRANT = """
do $grant$ begin
  if exists (select from pg_roles where rolname = 'xinshi_app') then
    grant usage on schema stripe_double to xinshi_app;
    grant select, insert, update, delete on all tables in schema stripe_double to xinshi_app;
    grant usage, select on all sequences in schema stripe_double to xinshi_app;
  end if;
end $grant$
"""


class Store:
    """The double's own connections as `url`; `owner_url` is used once, by a role that may create a schema."""

    def __init__(self, url: str, *, owner_url: str = "", settlement: str = "hkd") -> None:
        self.url = url
        self.owner_url = owner_url or url
        self.settlement = settlement
        self.pool: Any = None

    async def open(self) -> None:
        """Connect, and make the schema unless it is there."""
        if self.pool is not None:
            return
        link = await asyncpg.connect(self.owner_url)
        try:
            async with link.transaction():
                await link.execute("select pg_advisory_xact_lock($1)", LOCK)
                await link.execute(SCHEMA)
                await link.execute(GRANT)
        finally:
            await link.close()
        self.pool = await asyncpg.create_pool(self.url, min_size=1, max_size=4, init=_json)

    async def close(self) -> None:
        """Give the connections back."""
        if self.pool is not None:
            await self.pool.close()
            self.pool = None

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Book]:
        """One change at a time."""
        async with self.pool.acquire() as link, link.transaction():
            await link.execute("select pg_advisory_xact_lock($1)", LOCK)
            yield Book(link, self.settlement)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Book]:
        """A look without the lock."""
        async with self.pool.acquire() as link:
            yield Book(link, self.settlement)

    async def setting(self, name: str, otherwise: Any) -> Any:
        """A knob that outlives a restart."""
        async with self.pool.acquire() as link:
            value = await link.fetchval("select value from stripe_double.setting where name = $1", name)
        return otherwise if value is None else value

    async def set(self, name: str, value: Any) -> None:
        """Turn a knob."""
        async with self.pool.acquire() as link:
            await link.execute(
                "insert into stripe_double.setting (name, value) values ($1, $2)"
                " on conflict (name) do update set value = excluded.value",
                name,
                value,
            )


async def _json(link: Any) -> None:
    await link.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads, format="text")
