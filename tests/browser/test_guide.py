"""The project guide in a browser: from the first page to the chart, at both widths and in both languages."""

import pytest

from tests.browser.conftest import DESKTOP, PHONE, OpenPage, accessible, no_sideways_scroll, read_in

OIL = (
    "/guide/result?type=PT-05&Q01=yes&Q03=allocated&Q04=yes&Q05=no&Q06=no&Q08=no&Q09=yes&Q10=yes"
    "&Q11=report&Q13=yes&Q14=yes&Q15=large&Q19=yes&Q20=yes&Q21=yes&Q22=yes&Q23=yes"
)


@pytest.mark.parametrize("path", ["/guide", "/guide?type=PT-04", OIL])
@pytest.mark.parametrize("language", ["中文", "English"])
def test_the_guide_is_readable(visit: OpenPage, path: str, language: str) -> None:
    for size in (DESKTOP, PHONE):
        page = visit(size).page
        page.goto(path)
        read_in(page, language)
        accessible(page)
        no_sideways_scroll(page)


def test_from_the_first_page_to_the_chart(visit: OpenPage) -> None:
    page = visit().page
    page.goto("/")
    page.get_by_role("link", name="项目向导：要办哪些、要多久").click()
    page.get_by_role("link", name="普通厂房与小型加工车间").click()
    page.get_by_role("button", name="看清单").click()
    assert page.locator(".x-gantt rect.crit").count() > 1
    assert page.get_by_text("请向").count(), "what nobody should guess names the authority"
