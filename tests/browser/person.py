"""Somebody at a browser, for journeys: opens pages, fills forms, and looks at every page at both widths."""

import os
import re
from typing import ClassVar

from playwright.sync_api import Locator, Page

from tests.browser.cast import PASSWORD
from tests.browser.conftest import DESKTOP, PHONE, OpenPage, accessible, no_sideways_scroll

TICK = "box => { if (!box.checked) box.click() }"  # the visible control is the label around it
PICTURES = os.environ.get("XINSHI_PICTURES")


class Person:
    """Somebody at a browser: opens pages, fills forms, and complains about what is not right."""

    seen: ClassVar[set[tuple[str, str]]] = set()

    def __init__(self, visit: OpenPage, login: str | None = None) -> None:
        self.page: Page = visit(DESKTOP).page
        if login:
            self.go("/sign-in")
            self.send("/sign-in", login=login, password=PASSWORD)

    def becomes(self, cookie: dict[str, str] | None) -> "Person":
        """Somebody else sits down at the same browser, signed in with a session or not."""
        self.page.context.clear_cookies()
        if cookie:
            self.page.context.add_cookies([cookie])  # type: ignore[list-item]
        return self

    def go(self, path: str) -> "Person":
        """Open a page and look at it at both widths."""
        self.page.goto(path)
        self.look()
        return self

    def look(self) -> None:
        """What every page must satisfy; one with the same address and the same parts is looked at once."""
        heads = self.page.locator("main h2").all_inner_texts()
        face = (re.sub(r"\d+", "N", self.page.url), re.sub(r"\d+", "N", "|".join(heads)))
        if face in self.seen:
            return
        self.seen.add(face)
        accessible(self.page)
        self.page.set_viewport_size(PHONE)
        no_sideways_scroll(self.page)
        self._picture("phone")
        self.page.set_viewport_size(DESKTOP)
        no_sideways_scroll(self.page)
        self._picture("desktop")

    def _picture(self, size: str) -> None:
        if PICTURES:
            name = self.page.url.partition("//")[2].partition("/")[2].replace("/", "-").partition("?")[0]
            self.page.screenshot(path=f"{PICTURES}/{name or 'home'}-{len(self.seen)}-{size}.png", full_page=True)

    def send(self, action: str, press: str | None = None, **fields: object) -> str:
        """Fill the form that posts to `action` and press its button; returns the address that follows."""
        form = self.page.locator(f'main form[method="post"][action$="{action}"]').first
        form.evaluate(
            "f => { for (let d = f.closest('details'); d; d = d.parentElement.closest('details')) d.open = true;"
            " f.querySelectorAll('details').forEach(d => d.open = true) }"
        )
        for name, value in fields.items():
            fill(form, name.replace("__", "-"), value)
        (
            form.get_by_role("button", name=press, exact=True) if press else form.locator("button[type=submit]").last
        ).click()
        self.page.wait_for_load_state()
        faults = self.page.locator(".x-errors")
        assert faults.count() == 0, f"{action}: {faults.inner_text()}"
        self.look()
        return self.page.url

    def sees(self, text: str) -> None:
        """The page says so."""
        assert text in self.page.locator("main").inner_text(), f"{self.page.url} does not say {text}"

    def number(self, pattern: str) -> int:
        """The number after `pattern` in an address of this page, or in its own."""
        found = re.search(pattern + r"(\d+)", self.page.url) or re.search(pattern + r"(\d+)", self.page.content())
        assert found, f"{pattern} is not on {self.page.url}"
        return int(found[1])


def fill(form: Locator, name: str, value: object) -> None:
    """One field, whatever kind it is."""
    fields = form.locator(f'[name="{name}"]')
    kind = fields.first.evaluate("e => e.tagName === 'INPUT' ? e.type : e.tagName")
    if kind == "SELECT":
        fields.first.select_option(str(value))
    elif kind == "radio":
        form.locator(f'[name="{name}"][value="{value}"]').evaluate(TICK)
    elif kind == "checkbox":
        wanted = value if isinstance(value, list) else None
        for box in fields.all():
            if wanted is None or box.get_attribute("value") in wanted:
                box.evaluate(TICK)
    elif kind == "file":
        fields.first.set_input_files(str(value))
    else:
        fields.first.fill(str(value))
