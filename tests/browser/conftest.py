"""A real Chromium against the real server. Without one these tests are skipped, unless they are required."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from core.web import cookies
from tests import conftest as suite

ROOT = Path(__file__).resolve().parent.parent.parent
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 780}
SERIOUS = {"serious", "critical"}


def chromium() -> str | None:
    """Where a Chromium is, if there is one."""
    named = os.environ.get("XINSHI_CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip with a reason where no Chromium is installed; never where the browser is required."""
    here = Path(__file__).parent
    required = os.environ.get("XINSHI_BROWSER_TESTS") == "required"
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if chromium() is None and not required:
                item.add_marker(pytest.mark.skip(reason="no Chromium on this machine: install one to run it"))


@dataclass
class Site:
    """The running server, its database and its clock."""

    address: str
    database_url: str
    clock_file: Path
    data: Path

    def run(self, module: str, *arguments: str) -> str:
        """What `python -m module` prints on the same database and with the same keys."""
        environment = os.environ | {
            "XINSHI_DATABASE_URL": self.database_url,
            "XINSHI_DATA": str(self.data),
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", module, *arguments]
        done = subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=120, stdout=subprocess.PIPE)
        return done.stdout.decode()

    def cookie(self, session: str) -> dict[str, str]:
        """What a browser holds that is signed in with this session."""
        return {"name": cookies.SESSION, "value": session, "url": self.address}

    def move_to(self, moment: datetime) -> None:
        """Set the clock and wait until everything that time does has been done."""
        text = moment.isoformat()
        self.clock_file.write_text(text, "utf-8")
        done = self.clock_file.with_suffix(".done")
        for _ in range(600):
            if done.exists() and done.read_text("utf-8") == text:
                return
            time.sleep(0.05)
        raise TimeoutError("the server did not follow the clock")


@dataclass
class Watched:
    """A page and whatever it complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def site(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server on a fresh database of its own."""
    url, owner_url = pytestconfig.stash[suite._URLS]
    name = f"xinshi_browser_{secrets.token_hex(4)}"
    _admin(owner_url, f'create database "{name}" template "{suite.TEMPLATE}"')
    folder = tmp_path_factory.mktemp("browser")
    clock_file = folder / "clock"
    clock_file.write_text("", "utf-8")
    port = _free_port()
    database_url = suite._other_database(url, name)
    environment = os.environ | {
        "XINSHI_DATABASE_URL": database_url,
        "XINSHI_DATABASE_OWNER_URL": suite._other_database(owner_url, name),
        "XINSHI_STRIPE_DOUBLE": "on",
        "XINSHI_DATA": str(folder / "data"),
        "XINSHI_PORT": str(port),
        "PYTHONPATH": str(ROOT),
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.server", str(port), str(clock_file)],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    site = Site(f"http://127.0.0.1:{port}", database_url, clock_file, folder / "data")
    try:
        _wait(site.address, process, folder / "log")
        yield site
    finally:
        process.terminate()
        process.wait(20)
        _admin(owner_url, f'drop database if exists "{name}" with (force)')


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(log.read_text("utf-8"))
        try:
            httpx.get(f"{address}/sign-in", timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(log.read_text("utf-8"))


def _admin(owner_url: str, sql: str) -> None:
    import asyncio

    async def run() -> None:
        link = await asyncpg.connect(suite._other_database(owner_url, "postgres"))
        await link.execute(sql)
        await link.close()

    import threading

    thread = threading.Thread(target=lambda: asyncio.run(run()))  # Playwright owns this thread's loop
    thread.start()
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the module."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


OpenPage = Callable[..., Watched]


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[OpenPage]:
    """`visit(size=DESKTOP)` opens a fresh browser window that notes every complaint."""
    contexts: list[BrowserContext] = []
    watched: list[Watched] = []

    def start(size: dict[str, int] = DESKTOP, **options: Any) -> Watched:
        context = browser.new_context(viewport=size, base_url=site.address, locale="zh-CN", **options)
        context.set_default_timeout(30_000)
        contexts.append(context)
        window = Watched(context.new_page())
        window.page.on("console", lambda message: _note(window, message))
        window.page.on("pageerror", lambda error: window.complaints.append(f"script: {error}"))
        watched.append(window)
        return window

    yield start
    for context in contexts:
        context.close()
    complaints = [text for window in watched for text in window.complaints]
    assert not complaints, "\n".join(complaints)


def _note(window: Watched, message: ConsoleMessage) -> None:
    expected = "the server responded with a status of 4" in message.text
    if message.type == "error" and not expected:
        window.complaints.append(f"{window.page.url}: {message.text}")


def read_in(page: Page, language: str) -> None:
    """Press `中文` or `English`, unless the page is in that language, and wait until the page that follows stands."""
    button = page.get_by_role("button", name=language)
    if button.count():
        with page.expect_navigation(wait_until="load"):
            button.first.click()


def accessible(page: Page) -> None:
    """Fail for any serious violation of WCAG 2.2 A and AA on the page as it stands."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate(
        "async () => (await axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa',"
        " 'wcag22aa']})).violations.map(v => ({id: v.id, impact: v.impact,"
        " where: v.nodes.map(n => n.html.slice(0, 160))}))"
    )
    grave = [violation for violation in found if violation["impact"] in SERIOUS]
    assert not grave, f"{page.url}: {grave}"


WIDE = """() => [...document.querySelectorAll('body *')]
    .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .slice(0, 5).map(e => e.outerHTML.slice(0, 160))"""


def no_sideways_scroll(page: Page) -> None:
    """The page fits its window."""
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0, f"{page.url} is {width} px too wide at {page.viewport_size}: {page.evaluate(WIDE)}"
