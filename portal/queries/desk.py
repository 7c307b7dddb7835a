"""Everybody's desk, gathered from the packages."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import agencies.queries
import contracts.queries
import grading.queries
import market.queries
import payments.queries
from core.desk import DeskItem
from core.identity import Identity

Source = Callable[[Identity, datetime], Awaitable[list[DeskItem]]]

SOURCES: tuple[Source, ...] = (
    agencies.queries.desk_items,
    market.queries.desk_items,
    contracts.queries.desk_items,
    payments.queries.desk_items,
    grading.queries.desk_items,
)


async def waiting(identity: Identity, now: datetime) -> list[DeskItem]:
    """Everything that waits for this person, and what they wait for at others."""
    return [item for source in SOURCES for item in await source(identity, now)]
