"""Deadlines as an iCalendar file (RFC 5545): only what a feed of moments needs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

LONGEST_LINE = 75
"""Octets of a content line without its line break (RFC 5545, 3.1)."""
CRLF = "\r\n"
PRODUCT = "-//Xinshi//Deadlines//ZH"


@dataclass(frozen=True)
class Event:
    """One moment. `uid` is the same whenever the feed is read again, so that a calendar moves it."""

    uid: str
    at: datetime
    summary: str
    description: str
    url: str


def calendar(name: str, events: Iterable[Event], stamp: datetime) -> bytes:
    """The whole file; `stamp` is when it was written. Moments are given in UTC."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{escaped(name)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
    ]
    for event in events:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{event.uid}",
            f"DTSTAMP:{moment(stamp)}",
            f"DTSTART:{moment(event.at)}",
            f"SUMMARY:{escaped(event.summary)}",
            f"DESCRIPTION:{escaped(event.description)}",
            f"URL:{event.url}",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(folded(line) + CRLF for line in lines).encode()


def escaped(text: str) -> str:
    """TEXT as 3.3.11 wants it; control characters have no place in it."""
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")
    return "".join(sign for sign in text if sign >= " " or sign == "\t")


def folded(line: str) -> str:
    """A line cut after at most 75 octets, never inside a character; the rest is indented by one space."""
    pieces, room, piece = [], LONGEST_LINE, ""
    for sign in line:
        size = len(sign.encode())
        if size > room:
            pieces.append(piece)
            piece, room = "", LONGEST_LINE - 1
        piece += sign
        room -= size
    return f"{CRLF} ".join([*pieces, piece])


def moment(value: datetime) -> str:
    """UTC, `20261201T090000Z`."""
    return value.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
