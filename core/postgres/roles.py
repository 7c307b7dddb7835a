"""Roles, databases and default privileges: what the application may do with the owner's tables."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import asyncpg

from core.postgres import faults

T = TypeVar("T")
OWNER = "xinshi_owner"
APP = "xinshi_app"

_DEFAULTS = (
    "alter default privileges grant select, insert, update, delete on tables to %I",
    "alter default privileges grant usage, select on sequences to %I",
)
"""Every table made by the role that runs these; the trail's migration takes update and delete away again."""


def establish(owner_url: str, database: str, app_password: str, data: Path) -> None:
    """Create the application's role and database unless they exist; `owner_url` names another database.

    Also proves that the cluster can be read; raises `CannotStart` when it cannot.
    """
    try:
        finish(_establish(owner_url, database, app_password))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise faults.broken(data, str(error)) from error


def create_database(owner_url: str, name: str, template: str | None) -> None:
    """Create a database, copied from `template` (which nobody may be connected to)."""
    finish(_each(owner_url, ("create database %I owner %I template %I", name, OWNER, template or "template1")))


def drop_database(owner_url: str, name: str) -> None:
    """Drop a database if it exists, disconnecting whoever uses it."""
    finish(_each(owner_url, ("drop database if exists %I with (force)", name)))


def recreate_database(owner_url: str) -> None:
    """Drop the database that `owner_url` names and create it again, empty."""
    name = unquote(urlsplit(owner_url).path[1:])
    drop = ("drop database %I with (force)", name)
    create = ("create database %I owner %I template template1", name, OWNER)
    finish(_each(owner_url, drop, create, database="postgres"))


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Await `work` from code that is not asynchronous, even when a loop runs around it."""
    with ThreadPoolExecutor(max_workers=1) as beside:
        return beside.submit(asyncio.run, work).result()


async def _establish(owner_url: str, database: str, app_password: str) -> None:
    link = await asyncpg.connect(owner_url)
    try:
        if await link.fetchval("select 1 from pg_database where datname = $1", database):
            return
        if not await link.fetchval("select 1 from pg_roles where rolname = $1", APP):
            await _say(link, "create role %I login password %L", APP, app_password)
    finally:
        await link.close()
    await _each(owner_url, *((text, APP) for text in _DEFAULTS), database="template1")
    await _each(owner_url, ("create database %I owner %I template template1", database, OWNER))


async def _each(owner_url: str, *statements: tuple[str, ...], database: str | None = None) -> None:
    link = await asyncpg.connect(owner_url, **({"database": database} if database else {}))
    try:
        for text, *names in statements:
            await _say(link, text, *names)
    finally:
        await link.close()


async def _say(link: Any, text: str, *names: str) -> None:
    """Run a statement that takes no parameters; the server itself quotes the names (`%I`) and texts (`%L`)."""
    given = ", ".join(f"${number}::text" for number in range(2, len(names) + 2))
    await link.execute(await link.fetchval(f"select format($1, {given})", text, *names))
