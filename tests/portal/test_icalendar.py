"""The calendar file, sign by sign."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from core.clock import SHANGHAI
from portal.rules.icalendar import LONGEST_LINE, Event, calendar, escaped, folded

NOON = datetime(2026, 12, 1, 12, tzinfo=SHANGHAI)


@given(st.text())
def test_folding_keeps_every_sign_and_the_limit(text: str) -> None:
    line = escaped(text).replace("\n", "")
    cut = folded(line)
    assert cut.replace("\r\n ", "") == line or "\r\n " in line
    assert all(len(piece.encode()) <= LONGEST_LINE for piece in cut.split("\r\n"))


def test_a_file_as_calendars_read_it() -> None:
    event = Event("a@b", NOON, "投标；截止,\n“甲”" * 12, r"a\b;c", "https://x/1")
    raw = calendar("期限", [event], NOON.astimezone(UTC))
    text = raw.decode()
    assert raw.endswith(b"END:VCALENDAR\r\n")
    assert "\n" not in text.replace("\r\n", "")
    assert "DTSTART:20261201T040000Z\r\n" in text
    assert r"DESCRIPTION:a\\b\;c" in text
    assert r"\,\n" in text.replace("\r\n ", "")
