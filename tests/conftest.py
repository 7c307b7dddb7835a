"""A real PostgreSQL for every test: one cluster, one migrated template, one database per worker.

`db` rolls everything back; `committed_db` is a fresh database of its own for what only a COMMIT shows.
"""

import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

_SCRATCH = tempfile.mkdtemp(prefix="xinshi-tests-")
os.environ["XINSHI_DATA"] = f"{_SCRATCH}/data"
os.environ["XINSHI_STRIPE_DOUBLE"] = "off"
for _name in [name for name in os.environ if name.startswith("XINSHI_KEY_")]:
    del os.environ[_name]

import asyncio  # noqa: E402  the environment above must be set before anything reads it
import shutil  # noqa: E402

import asyncpg  # noqa: E402
import httpx  # noqa: E402
import hypothesis  # noqa: E402
import pytest  # noqa: E402
from litestar import Litestar  # noqa: E402

import app as product  # noqa: E402
from core import i18n, migrations  # noqa: E402
from core.db import ENGINE  # noqa: E402
from core.identity import Identity, Role  # noqa: E402
from core.postgres import Cluster  # noqa: E402
from core.web import cookies  # noqa: E402
from tests.factories import core as make  # noqa: E402

TEMPLATE = "xinshi_template"

# No test has a time limit: a busy machine must not make a true property false.
hypothesis.settings.register_profile("house", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("house")
_URLS = pytest.StashKey[tuple[str, str]]()
_CLUSTER = pytest.StashKey[Cluster]()


def pytest_configure(config: pytest.Config) -> None:
    """The controller starts the cluster; workers are told where it is."""
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        config.stash[_URLS] = (worker["url"], worker["owner_url"])
    elif not config.option.collectonly:
        cluster = Cluster(Path(_SCRATCH) / "cluster", throwaway=True, pg_bin=_pg_bin())
        cluster.start()
        config.stash[_CLUSTER] = cluster
        cluster.create_database(TEMPLATE)
        urls = cluster.urls(TEMPLATE)
        asyncio.run(migrations.migrate(urls.owner_url, product.fill_content))
        config.stash[_URLS] = (urls.url, urls.owner_url)


def _pg_bin() -> Path | None:
    given = os.environ.get("XINSHI_PG_BIN")
    return Path(given) if given else None


def pytest_configure_node(node: Any) -> None:
    """xdist: hand the addresses to a worker."""
    node.workerinput["url"], node.workerinput["owner_url"] = node.config.stash[_URLS]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing running and nothing behind."""
    cluster = config.stash.get(_CLUSTER, None)
    if cluster is not None:
        cluster.stop()
    shutil.rmtree(_SCRATCH, ignore_errors=True)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop kind, one loop for the whole session."""
    return "asyncio"


def _other_database(url: str, name: str) -> str:
    return url.replace(f"/{TEMPLATE}", f"/{name}", 1)


async def _clone(owner_url: str, name: str) -> None:
    link = await asyncpg.connect(_other_database(owner_url, "postgres"))
    try:
        await link.execute(f'create database "{name}" template "{TEMPLATE}"')
    finally:
        await link.close()


async def _drop(owner_url: str, name: str) -> None:
    link = await asyncpg.connect(_other_database(owner_url, "postgres"))
    try:
        await link.execute(f'drop database if exists "{name}" with (force)')
    finally:
        await link.close()


@pytest.fixture(scope="session")
async def worker_database(pytestconfig: pytest.Config) -> AsyncIterator[str]:
    """This worker's own database; the address for the application's role."""
    url, owner_url = pytestconfig.stash[_URLS]
    name = f"xinshi_{secrets.token_hex(4)}"
    await _clone(owner_url, name)
    address = _other_database(url, name)
    ENGINE.configure(address)
    await ENGINE.start_connection_pool(min_size=1, max_size=10)
    yield address
    await ENGINE.close_connection_pool()
    await _drop(owner_url, name)


@pytest.fixture
async def db(worker_database: str) -> AsyncIterator[None]:
    """The database inside one transaction that is rolled back; acts become savepoints in it."""
    async with ENGINE.transaction(rehearsal=True) as rehearsal:
        yield
        await rehearsal.rollback()


@asynccontextmanager
async def fresh_database(config: pytest.Config) -> AsyncIterator[str]:
    """A migrated database of its own, in force for the block; the owner's address."""
    url, owner_url = config.stash[_URLS]
    name = f"xinshi_{secrets.token_hex(4)}"
    await _clone(owner_url, name)
    pool, settings = ENGINE.pool, ENGINE.config
    ENGINE.pool = None
    ENGINE.configure(_other_database(url, name))
    await ENGINE.start_connection_pool(min_size=1, max_size=10)
    yield _other_database(owner_url, name)
    await ENGINE.close_connection_pool()
    ENGINE.pool, ENGINE.config = pool, settings
    await _drop(owner_url, name)


@pytest.fixture
async def committed_db(worker_database: str, pytestconfig: pytest.Config) -> AsyncIterator[str]:
    """A fresh database where commits are real; yields the owner's address."""
    async with fresh_database(pytestconfig) as owner_url:
        yield owner_url


@pytest.fixture(scope="session")
def web_app() -> Litestar:
    """The whole product, wired as in life."""
    return product.create_app()


class Browser(httpx.AsyncClient):
    """A browser signed in as somebody: `get`, and `submit` as a form of ours would."""

    def guard(self) -> dict[str, str]:
        """The hidden fields of a fresh form."""
        seed = self.cookies.get(cookies.name(cookies.SESSION)) or self.cookies.get(cookies.name(cookies.VISITOR), "")
        return {"_csrf": cookies.mac("csrf", seed), "_once": secrets.token_urlsafe(16)}

    async def submit(
        self, url: str, data: dict[str, Any] | None = None, files: Any = None, **kwargs: Any
    ) -> httpx.Response:
        """Post a form with fresh guards; pass `_once` yourself to send one twice."""
        return await self.post(url, data=self.guard() | (data or {}), files=files, **kwargs)


Browse = Callable[..., Awaitable[Browser]]


@pytest.fixture
async def browse(web_app: Litestar) -> AsyncIterator[Browse]:
    """`await browse(identity_or_role_or_None, lang="zh_Hans")` opens a browser."""
    opened: list[Browser] = []

    async def start(somebody: Identity | Role | None = None, *, lang: str = "zh_Hans") -> Browser:
        transport = httpx.ASGITransport(app=web_app, raise_app_exceptions=False)
        browser = Browser(transport=transport, base_url="http://127.0.0.1:8000")
        opened.append(browser)
        if isinstance(somebody, Role):
            somebody = await make.member(somebody)
        if somebody is not None:
            token = await make.session_token(somebody)
            browser.cookies.set(cookies.name(cookies.SESSION), token)
        else:
            browser.cookies.set(cookies.name(cookies.VISITOR), secrets.token_urlsafe(16))
        reading = cookies.Preferences(language=lang)
        browser.cookies.set(cookies.name(cookies.PREFERENCES), reading.encode())
        return browser

    yield start
    for browser in opened:
        await browser.aclose()
    i18n.set_language(i18n.DEFAULT)  # requests run in the context of the tests, which all share one


@pytest.fixture
async def api(web_app: Litestar) -> AsyncIterator[Browse]:
    """`await api(identity)` is a program with a bearer token; add `Idempotency-Key` yourself."""
    opened: list[httpx.AsyncClient] = []

    async def start(somebody: Identity | Role | None = None) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=web_app, raise_app_exceptions=False)
        program = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")
        opened.append(program)
        if isinstance(somebody, Role):
            somebody = await make.member(somebody)
        if somebody is not None:
            token = await make.bearer_token(somebody)
            program.headers["authorization"] = f"Bearer {token}"
        return program

    yield start
    for program in opened:
        await program.aclose()
    i18n.set_language(i18n.DEFAULT)
