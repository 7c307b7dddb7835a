"""What a database needs before it can serve: its schema, its default content, and in a demo a market."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from core import keys, settings
from core.instance import connected, open_database
from core.postgres import Urls, roles
from core.settings import CannotStart, Demo, Settings, speak

SEED, MONTHS = 7, 18
"""The demo market a newcomer gets; the same as `xinshi demo` without options."""

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
            _begin_again(configuration, urls)
        migrate_now(urls)
        if not configuration.production and configuration.demo is not Demo.NONE:
            fill_demo(configuration, urls)
        yield urls


def migrate_now(urls: Urls) -> None:
    """Run pending migrations as the owner; raises `CannotStart` when the database cannot be reached."""
    import asyncpg

    from app import fill_content
    from core.migrations import migrate

    try:
        asyncio.run(migrate(urls.owner_url, fill_content))
    except (OSError, asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
        raise CannotStart(
            f"连接不上数据库（{error}）：请检查 XINSHI_DATABASE_URL 和 XINSHI_DATABASE_OWNER_URL。",
            f"The database cannot be reached ({error}): check XINSHI_DATABASE_URL and XINSHI_DATABASE_OWNER_URL.",
        ) from error


def unfinished_demo(data: Path) -> Path:
    """A file that exists from the demo's first act to its last; the database then holds nothing else."""
    return data / "demo.unfinished"


def fill_demo(configuration: Settings, urls: Urls) -> None:
    """Play the demo market into an empty database; one that somebody has used is left alone."""
    if not asyncio.run(connected(urls.url, _is_empty)):
        return
    from portal.demo import build

    click.echo(speak("数据库是空的，正在生成演示市场……", "Empty database: playing the demo market ..."))
    unfinished = unfinished_demo(configuration.data)
    unfinished.touch()
    asyncio.run(
        connected(
            f"{urls.url}&synchronous_commit=off", lambda: build(seed=SEED, months=MONTHS, scale=configuration.demo)
        )
    )
    unfinished.unlink()


async def _is_empty() -> bool:
    from core import db

    return not await db.value("select exists (select from core_organization where id > 1)")


def _begin_again(configuration: Settings, urls: Urls) -> None:
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
