"""Every public page, both languages, both widths: readable, accessible, without a complaint."""

import pytest

from tests.browser.conftest import DESKTOP, PHONE, OpenPage, accessible, no_sideways_scroll, read_in

PAGES = ["/", "/sign-in", "/register", "/schema", "/no-such-page", "/rules/fairness"]


@pytest.mark.parametrize("path", PAGES)
def test_a_public_page(visit: OpenPage, path: str) -> None:
    for size in (DESKTOP, PHONE):
        page = visit(size).page
        page.goto(path)
        accessible(page)
        no_sideways_scroll(page)


def test_language_theme_and_large_type_are_one_switch_each(visit: OpenPage) -> None:
    page = visit().page
    page.goto("/sign-in")
    read_in(page, "English")
    assert page.locator("html").get_attribute("lang") == "en"
    accessible(page)
    no_sideways_scroll(page)
