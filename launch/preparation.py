"""What a database needs before it can serve: its schema, its default content, and in a demo a market."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import click

from core import keys, settings
from core.instance import connected, open_database
from core.postgres import Urls, roles
from core.settings import CHECKOUT, CannotStart, Demo, Settings, speak

if TYPE_CHECKING:
    from portal.demo import DemoReport

SEED, MONTHS = 7, 18
"""The demo market a newcomer gets; the same as `xinshi demo` without options."""

PREPARED_BY = (
    "core",
    "agencies",
    "payments",
    "market",
    "contracts",
    "grading",
    "app.py",
    "piccolo_conf.py",
    "requirements.lock",
)
"""What migrations and default content are made of."""

_UNREACHABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ClientConfigurationError,
)

FILLED_BY_ACTS = ("files", "mail", "trail")
"""Folders of the data folder that belong to the content of the database."""


@contextmanager
def ready_database(configuration: Settings) -> Iterator[Urls]:
    """A running database with schema, default content and, where nobody has been yet, the demo market."""
    if configuration.production:
        keys.check_production_keys()
    with open_database(configuration) as urls:
        settings.use(replace(configuration, database_url=urls.url, database_owner_url=urls.owner_url))
        if unfinished_demo(configuration.data).exists():
            begin_again(configuration, urls)
        migrate_now(urls)
        if not configuration.production and configuration.demo is not Demo.NONE:
            fill_demo(configuration, urls)
        yield urls


def migrate_now(urls: Urls, *, always: bool = False) -> None:
    """Migrate and load default content, unless exactly this code has done so; a start is a second faster for it.

    The mark is the database's comment: it is gone when the database is. Raises `CannotStart` when the database
    cannot be reached.
    """
    code = code_digest()
    if not always and _ask(urls.owner_url, _MARK) == code:
        return
    from app import fill_content
    from core.db import ENGINE
    from core.migrations import migrate

    asyncio.run(migrate(urls.owner_url, fill_content))
    ENGINE.configure(urls.url)  # from here on as the application, which cannot touch the trail
    with suppress(asyncpg.InsufficientPrivilegeError):
        _ask(urls.owner_url, _SET_MARK.format(code=code))


_MARK = "select shobj_description(oid, 'pg_database') from pg_database where datname = current_database()"
_SET_MARK = "do $mark$ begin execute format('comment on database %I is %L', current_database(), '{code}'); end $mark$"


def _ask(url: str, query: str) -> object:
    """The first value of one statement; raises `CannotStart` when the database cannot be reached."""

    async def ask() -> object:
        link = await asyncpg.connect(url)
        try:
            return await link.fetchval(query)
        finally:
            await link.close()

    try:
        return asyncio.run(ask())
    except (OSError, *_UNREACHABLE) as error:
        raise CannotStart(
            f"连接不上数据库（{error}）：请检查 XINSHI_DATABASE_URL 和 XINSHI_DATABASE_OWNER_URL。",
            f"The database cannot be reached ({error}): check XINSHI_DATABASE_URL and XINSHI_DATABASE_OWNER_URL.",
        ) from error


def code_digest() -> str:
    """A digest of what could change the schema or the default content: every file of ours that is not a page."""
    seen = sha256()
    for package in PREPARED_BY:
        root = CHECKOUT / package
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if path.is_file() and path.suffix != ".pyc":
                known = path.stat()
                seen.update(f"{path.relative_to(CHECKOUT)} {known.st_size} {known.st_mtime_ns}\n".encode())
    return seen.hexdigest()


def unfinished_demo(data: Path) -> Path:
    """A file that exists from the demo's first act to its last; the database then holds nothing else."""
    return data / "demo.unfinished"


def fill_demo(configuration: Settings, urls: Urls) -> None:
    """Play the demo market into an empty database; one that somebody has used is left alone."""
    if _ask(urls.url, "select 1 from core_organization where id > 1 limit 1"):
        return
    click.echo(speak("数据库是空的，正在生成演示市场……", "Empty database: playing the demo market ..."))
    play_demo(configuration, urls, seed=SEED, months=MONTHS, scale=configuration.demo)


def play_demo(
    configuration: Settings, urls: Urls, *, seed: int, months: int, scale: str, progress: bool = True
) -> "DemoReport":
    """Play a market; until it is finished a mark says so, because half a market is worth nothing.

    Commits are not waited for: what a crash could lose is played again.
    """
    from portal.demo import build

    quick = f"{urls.url}{'&' if '?' in urls.url else '?'}synchronous_commit=off"
    unfinished = unfinished_demo(configuration.data)
    unfinished.touch()
    try:
        owner_url = urls.owner_url if configuration.stripe_double else ""
        play = partial(build, seed=seed, months=months, scale=scale, progress=progress, owner_url=owner_url)
        report = asyncio.run(connected(quick, play))
    except CannotStart:  # refused before the first act
        unfinished.unlink()
        raise
    unfinished.unlink()
    return report


def begin_again(configuration: Settings, urls: Urls) -> None:
    """An interrupted demo leaves half a market; make the database as empty as it was before."""
    if configuration.database_url:
        raise CannotStart(
            "上次生成演示市场时被中断：请清空 XINSHI_DATABASE_URL 所指的数据库，"
            f"并删除 {unfinished_demo(configuration.data)}。",
            "The demo market was interrupted: empty the database of XINSHI_DATABASE_URL "
            f"and delete {unfinished_demo(configuration.data)}.",
        )
    roles.recreate_database(urls.owner_url)
    for name in FILLED_BY_ACTS:
        shutil.rmtree(configuration.data / name, ignore_errors=True)
    unfinished_demo(configuration.data).unlink()
