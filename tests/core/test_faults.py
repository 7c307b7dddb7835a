"""While the database is away: one sentence, the form kept, and the same key for the second attempt."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from urllib.parse import urlsplit

import asyncpg
import pytest

from core import db
from core.identity import Role
from tests.conftest import Browse
from tests.factories import core as make

pytestmark = pytest.mark.anyio
FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@asynccontextmanager
async def database_away(owner_url: str) -> AsyncIterator[None]:
    """Nobody gets in, and whoever was in is thrown out."""
    name = urlsplit(owner_url).path.strip("/")
    link = await asyncpg.connect(owner_url.replace(f"/{name}", "/postgres", 1))
    await link.execute(f'alter database "{name}" allow_connections false')
    await link.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
    try:
        yield
    finally:
        await link.execute(f'alter database "{name}" allow_connections true')
        await link.close()


def hidden(page: str) -> dict[str, str]:
    """The form that the page would send again (the last one on it)."""
    form = page[page.rindex('<form method="post" action="/account') :]
    return {name: unescape(value) for name, value in FIELD.findall(form)}


async def test_a_form_survives_an_outage_and_is_carried_out_once(committed_db: str, browse: Browse) -> None:
    browser = await browse(Role.CLIENT)
    first = browser.guard() | {"label": "财务系统“对接”<1>"}
    async with database_away(committed_db):
        answer = await browser.post("/account/tokens", data=first)
        assert answer.status_code == 503
        assert "没有丢失" in answer.text
    kept = hidden(answer.text)
    assert kept == first
    again = await browser.post("/account/tokens", data=kept)
    assert again.status_code == 200
    assert await db.value("select label from core_api_token") == first["label"]


async def test_reading_during_an_outage_is_refused_with_a_sentence(
    committed_db: str, browse: Browse, api: Browse
) -> None:
    browser, program = await browse(Role.CLIENT), await api(Role.CLIENT)
    async with database_away(committed_db):
        page = await browser.get("/account")
        answer = await program.get("/api/v1/me")
    assert (page.status_code, answer.status_code) == (503, 503)
    assert "系统暂时" in page.text
    assert answer.json()["code"] == "unavailable"


async def test_the_pool_recovers_by_itself(committed_db: str, browse: Browse) -> None:
    identity = await make.member(Role.CLIENT)
    browser = await browse(identity)
    async with database_away(committed_db):
        assert (await browser.get("/account")).status_code == 503
    assert (await browser.get("/account")).status_code == 200
