"""A town on market day: one browser at which everybody sits down in turn, and a clock that the journey moves."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from core.clock import SHANGHAI
from core.web import cookies
from tests.browser.conftest import OpenPage, Site
from tests.browser.market_cast import Town
from tests.browser.person import Person

BEGIN = datetime(2026, 3, 2, 10, tzinfo=SHANGHAI)  # a Monday
SAME = "重算结果与公布的完全相同。"
OURS = "main h2, main h3, main th[scope=col], main dt, main legend, main button, main .x-tag, main .x-now-box"
OTHER = "重算结果与公布的不同，请向监督部门反映。"


@dataclass
class Fair:
    """Who acts, and when it is."""

    site: Site
    town: Town
    now: datetime
    visit: OpenPage
    somebody: Person = field(init=False)

    def __post_init__(self) -> None:
        """Open the browser."""
        self.somebody = Person(self.visit)

    def person(self, name: str | None = None) -> Person:
        """Somebody with a session, or a passer-by, sits down."""
        return self.somebody.becomes(self.site.cookie(self.town.sessions[name]) if name else None)

    def in_english(self, path: str, name: str | None = None) -> None:
        """The same page in English: it fits as well, and no word of ours stayed Chinese."""
        reader = self.person(name)
        reading = cookies.Preferences(language="en").encode()
        reader.page.context.add_cookies([{"name": cookies.PREFERENCES, "value": reading, "url": self.site.address}])
        reader.go(path)
        ours = reader.page.locator(OURS).all_inner_texts()
        left = [text for text in ours if re.search("[\u4e00-\u9fff]", text)]
        assert not left, f"{path} is not all English: {left}"

    def passes(self, time: timedelta) -> None:
        """Time goes by, and what it does is done."""
        self.now += time
        self.site.move_to(self.now)

    def until_working_morning(self) -> None:
        """On to ten o'clock of the next Monday: offices are open, and five working days follow."""
        days = 7 - self.now.astimezone(SHANGHAI).weekday()
        morning = (self.now + timedelta(days=days)).astimezone(SHANGHAI).replace(hour=10, minute=0)
        self.passes(morning - self.now)


@pytest.fixture(scope="module")
def town(site: Site) -> Town:
    """Everybody, once for the module."""
    site.move_to(BEGIN)
    return Town(**json.loads(site.run("tests.browser.market_cast", BEGIN.isoformat())))


@pytest.fixture(scope="module")
def hands() -> dict[str, datetime]:
    """Where the clock stood when the last journey ended."""
    return {"clock": BEGIN}


@pytest.fixture
def fair(site: Site, town: Town, hands: dict[str, datetime], visit: OpenPage) -> Iterator[Fair]:
    """The town at the moment where the last journey ended."""
    fair = Fair(site, town, hands["clock"], visit)
    yield fair
    hands["clock"] = fair.now
