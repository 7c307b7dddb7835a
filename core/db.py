"""The one database: a safe engine, an explicit transaction, and plain SQL reads.

Piccolo's own transaction leaks its connection and its context variable when COMMIT fails: the next
block in the task is then taken for a nested one and is not rolled back, and a pool of three hangs at
the fourth request. `SafeTransaction` resets the variable first and releases in every case.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Literal

import asyncpg
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction

from core import clock
from core.errors import DomainError, Unavailable

ACQUIRE_SECONDS = 5.0
STATEMENTS = 1000
"""Prepared statements kept per connection: more than the product has, or they push each other out."""
UNAVAILABLE = (
    asyncpg.exceptions.CannotConnectNowError,
    asyncpg.exceptions.PostgresConnectionError,
    asyncpg.exceptions.AdminShutdownError,
    asyncpg.exceptions.CrashShutdownError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.ObjectNotInPrerequisiteStateError,  # the database is closed to connections
    asyncpg.exceptions.ReadOnlySQLTransactionError,
    asyncpg.InternalClientError,
    asyncpg.InterfaceError,
    ConnectionError,
    TimeoutError,
)
"""What asyncpg raises while the server restarts, is full, or is gone (seen under faults)."""


class SafeTransaction(PostgresTransaction):
    """A transaction that always gives its connection back.

    Nested blocks join the outer one. Below a `rehearsal` (tests) the outermost block of the product
    becomes a savepoint, so that a refused act leaves nothing behind there either.
    """

    __slots__ = ("_checks", "_isolation", "_readonly", "_rehearsal", "_savepoint")

    engine: "SafeEngine"

    def __init__(
        self,
        engine: "SafeEngine",
        allow_nested: bool = True,
        *,
        isolation: str | None = None,
        readonly: bool = False,
        rehearsal: bool = False,
    ) -> None:
        super().__init__(engine, allow_nested=allow_nested)
        self._isolation = isolation
        self._readonly = readonly
        self._rehearsal = rehearsal
        self._savepoint = False
        self._checks: list[Callable[[], None]] = []

    async def __aenter__(self) -> "SafeTransaction":
        parent: SafeTransaction | None = self._parent  # type: ignore[assignment]
        if parent is not None and not parent._rehearsal:
            return parent
        if parent is not None:
            self._savepoint = True
            self.connection = parent.connection
            self._parent = None
        else:
            self.connection = await self.engine.acquire()
        try:
            self.transaction = self._begin()
            await self.transaction.start()
        except BaseException:
            await self._give_back(broken=True)
            raise
        self.context = self.engine.current_transaction.set(self)
        return self

    def _begin(self) -> Any:
        if self._savepoint:
            return self.connection.transaction()
        return self.connection.transaction(isolation=self._isolation, readonly=self._readonly)

    def refuse_after(self, moment: datetime, error: DomainError) -> None:
        """Raise `error` instead of committing when the clock has reached `moment` by then."""

        def check() -> None:
            if clock.now() >= moment:
                raise error

        self._checks.append(check)

    async def __aexit__(self, exception_type: Any, exception: Any, traceback: Any) -> Literal[False]:
        if self._parent is not None:
            return False
        self.engine.current_transaction.reset(self.context)
        broken = True
        try:
            await self._finish(failed=exception is not None)
            broken = False
        except DomainError:
            broken = False
            raise
        finally:
            await self._give_back(broken)
        return False

    async def _finish(self, *, failed: bool) -> None:
        if self._rolled_back or self._committed:
            return
        if failed:
            await self._roll_back_quietly()
            return
        try:
            for check in self._checks:
                check()
        except DomainError:
            await self.transaction.rollback()
            raise
        await self.transaction.commit()

    async def _roll_back_quietly(self) -> None:
        """The first error is the one to tell; a lost connection has rolled back by itself."""
        if self.connection.is_closed():
            return
        await self.transaction.rollback()

    async def _give_back(self, broken: bool) -> None:
        if self._savepoint:
            return
        if broken or self.connection.is_in_transaction():
            self.connection.terminate()
        await asyncio.shield(self.engine.release(self.connection))


class SafeEngine(PostgresEngine):
    """Piccolo's engine with `SafeTransaction`, a bounded wait for a connection and JSON as objects."""

    __slots__ = ("configured",)

    def __init__(self) -> None:
        super().__init__(config={})
        self.configured = False

    async def check_version(self) -> None:
        """Piccolo would connect at import; the supervisor and the tests know the version already."""

    def configure(self, url: str) -> None:
        """Say which database: a `postgresql://` address."""
        self.config = {"dsn": url}
        self.configured = True

    def transaction(self, allow_nested: bool = True, **options: Any) -> SafeTransaction:
        return SafeTransaction(self, allow_nested=allow_nested, **options)

    async def start_connection_pool(self, **kwargs: Any) -> None:
        options = {
            "min_size": 1,
            "max_size": 10,
            "init": _prepare,
            "reset": _keep,
            "statement_cache_size": STATEMENTS,
        } | kwargs
        await super().start_connection_pool(**options)

    async def get_new_connection(self) -> Any:
        connection = await super().get_new_connection()
        await _prepare(connection)
        return connection

    async def acquire(self) -> Any:
        """A connection, or `Unavailable` after five seconds of waiting."""
        if self.pool is None:
            return await self.get_new_connection()
        try:
            return await self.pool.acquire(timeout=ACQUIRE_SECONDS)
        except TimeoutError as error:
            raise Unavailable from error

    async def release(self, connection: Any) -> None:
        """Give a connection back, whatever state it is in."""
        if self.pool is None:
            await connection.close()
        else:
            await self.pool.release(connection)


async def _prepare(connection: Any) -> None:
    """Objects in, objects out: jsonb arrives decoded; text that is already JSON passes unchanged."""
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind, schema="pg_catalog", encoder=_encode_json, decoder=json.loads, format="text"
        )


def _encode_json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


async def _keep(_connection: Any) -> None:
    """No reset on release (1.4 to 1.8 times faster): nothing here leaves SET, LISTEN or locks behind."""


ENGINE = SafeEngine()


def transaction(*, isolation: str | None = None, readonly: bool = False) -> SafeTransaction:
    """One act, one transaction; inside another one it simply joins."""
    return ENGINE.transaction(isolation=isolation, readonly=readonly)


def current() -> SafeTransaction:
    """The running transaction; RuntimeError outside of one."""
    running: SafeTransaction | None = ENGINE.current_transaction.get()  # type: ignore[assignment]
    if running is None:
        raise RuntimeError("this act needs a transaction around it")
    return running


def refuse_after(moment: datetime, error: DomainError) -> None:
    """Judge a deadline by the clock at commit: see `SafeTransaction.refuse_after`."""
    current().refuse_after(moment, error)


@asynccontextmanager
async def connection() -> AsyncIterator[Any]:
    """The running transaction's connection, or one of the pool for a single read."""
    running = ENGINE.current_transaction.get()
    if running is not None:
        yield running.connection
        return
    fresh = await ENGINE.acquire()
    try:
        yield fresh
    finally:
        await asyncio.shield(ENGINE.release(fresh))


async def rows(sql: str, *args: Any) -> list[Any]:
    """Every row of a `$1`-style query as asyncpg records."""
    async with connection() as link:
        found: list[Any] = await link.fetch(sql, *args)
        return found


async def row(sql: str, *args: Any) -> Any:
    """The first row, or None."""
    async with connection() as link:
        return await link.fetchrow(sql, *args)


async def value(sql: str, *args: Any) -> Any:
    """The first column of the first row, or None."""
    async with connection() as link:
        return await link.fetchval(sql, *args)


async def execute(sql: str, *args: Any) -> int:
    """Run a statement; the number of rows it touched."""
    async with connection() as link:
        status: str = await link.execute(sql, *args)
    count = status.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0


async def execute_many(sql: str, argument_rows: Sequence[Sequence[Any]]) -> None:
    """Run one statement for many rows of arguments."""
    async with connection() as link:
        await link.executemany(sql, argument_rows)
