"""An outage never costs a bidder: when it moves a deadline, and to what moment.

The rule, as published (edition XT-SEL-2026.1, table `outage`; every e-procurement law has one): if nothing could be
handed in during 10 minutes or more, all pauses together, of the last 4 hours before a deadline, or at the deadline
itself, the deadline moves to the later of

- the old deadline plus the time lost in those 4 hours, and
- 4 hours after handing in became possible again,

rounded up to the next full quarter of an hour. Sealed bids stay valid. The same outage never counts twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from core.errors import Conflict, NotFound
from core.i18n import N_
from market.rules.editions import OutageRule

QUARTER = timedelta(minutes=15)
TRAIL_TITLES = {"outage.logged": N_("登记系统中断"), "notice.extended": N_("因系统中断顺延截止时间")}
OPEN_ACTS = ("outage.logged", "notice.extended")


class OutageGone(NotFound):
    """No such outage."""

    code = "outage-not-found"
    text = N_("没有找到这次中断的公告。请从中断公告列表重新进入。")


@dataclass(frozen=True)
class Down:
    """A stretch in which nothing could be handed in; `until_at` is None while it lasts. UTC."""

    since_at: datetime
    until_at: datetime | None


class HeldByOutage(Conflict):
    """Nothing may be opened before it is clear whether an outage moves the deadline."""

    code = "held-by-outage"
    text = N_("系统刚刚中断过，正在核对截止时间是否顺延，开启要等一会儿。请过一分钟再交出份额。")


class Held(Enum):
    """Why a notice whose deadline has come is not opened and not (yet) extended either."""

    NOT_OVER = "not-over"


@dataclass(frozen=True)
class Moved:
    """A deadline that moves: to when, how much was lost, and until when outages are thereby settled."""

    new_deadline: datetime
    lost: timedelta
    counted_until: datetime


def extension(
    deadline: datetime, downs: Iterable[Down], rule: OutageRule, counted_until: datetime | None = None
) -> Moved | Held | None:
    """What the outages do to a deadline: move it, hold the opening until they are over, or nothing.

    `downs` may overlap and come in any order. Outages, or their parts, up to `counted_until` moved it before.
    """
    opens = deadline - timedelta(hours=rule.window_hours)
    counted = [down for down in merged(downs, counted_until) if _touches(down, opens, deadline)]
    lost = sum((_within(down, opens, deadline) for down in counted), timedelta())
    at_deadline = any(down.until_at is None or down.until_at > deadline for down in counted)
    if not at_deadline and lost < timedelta(minutes=rule.least_minutes):
        return None
    ends = [down.until_at for down in counted]
    back = max((end for end in ends if end is not None), default=deadline)
    if None in ends:
        return Held.NOT_OVER
    return Moved(quarter_up(max(deadline + lost, back + timedelta(hours=rule.reopen_hours))), lost, back)


def merged(downs: Iterable[Down], counted_until: datetime | None = None) -> list[Down]:
    """The stretches in order, overlapping ones as one, without what lies before `counted_until`."""
    found: list[Down] = []
    for down in sorted(downs, key=lambda one: one.since_at):
        fresh = _after(down, counted_until)
        if fresh is None:
            continue
        last = found[-1] if found else None
        if last is None or (last.until_at is not None and last.until_at < fresh.since_at):
            found.append(fresh)
        else:
            found[-1] = Down(last.since_at, _later(last.until_at, fresh.until_at))
    return found


def quarter_up(moment: datetime) -> datetime:
    """The full quarter of an hour at or after a moment."""
    past = timedelta(minutes=moment.minute % 15, seconds=moment.second, microseconds=moment.microsecond)
    return moment + (QUARTER - past) if past else moment


def _after(down: Down, moment: datetime | None) -> Down | None:
    if moment is None:
        return down
    if down.until_at is not None and down.until_at <= moment:
        return None
    return Down(max(down.since_at, moment), down.until_at)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return None if one is None or other is None else max(one, other)


def _touches(down: Down, opens: datetime, deadline: datetime) -> bool:
    return down.since_at <= deadline and (down.until_at is None or down.until_at > opens)


def _within(down: Down, opens: datetime, deadline: datetime) -> timedelta:
    end = deadline if down.until_at is None else min(down.until_at, deadline)
    return max(end - max(down.since_at, opens), timedelta())
