"""The one clock. Deadlines are judged by it, in Asia/Shanghai, and stored as UTC.

Services ask `now()`; rules are *given* the moment. Tests and the demo market set it with `at`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def real() -> datetime:
    """What the machine's own clock says, whatever `at` says: for evidence of when, never for deadlines."""
    return datetime.now(UTC)


_source: ContextVar[Callable[[], datetime]] = ContextVar("clock", default=real)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _source.get()()


def is_real() -> bool:
    """Whether nobody has set the clock: only then does the moment of an act testify to anything."""
    return _source.get() is real


def today() -> date:
    """The present day where the market is."""
    return now().astimezone(SHANGHAI).date()


@contextmanager
def at(moment: datetime | Callable[[], datetime]) -> Iterator[None]:
    """Let the clock stand at `moment`, or follow a function, until the block ends."""
    if isinstance(moment, datetime):
        fixed = moment.astimezone(UTC)
        source: Callable[[], datetime] = lambda: fixed  # noqa: E731  a named closure reads worse
    else:
        source = moment
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)


def shanghai(moment: datetime) -> datetime:
    """The same moment as people in the market read it."""
    return moment.astimezone(SHANGHAI)


def parse_local(text: str) -> datetime:
    """`2026-11-20T17:00` typed by a person in Shanghai, as UTC. ValueError if it is no moment."""
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=SHANGHAI)
    return moment.astimezone(UTC)


def end_of_day(day: date) -> datetime:
    """24:00 in Shanghai of `day`, as UTC: the last moment at which a due act is in time."""
    return datetime.combine(day + timedelta(days=1), time(), SHANGHAI).astimezone(UTC)
