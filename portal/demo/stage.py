"""The stage: many processes, one simulated clock, one order.

A process is an async generator that acts through the services and yields the moment at which it goes
on. The stage always continues the process whose moment comes first (ties: who was there first), so the
same seed plays the same market, and it stops at the end of the play: whatever is under way then stays
open, which is why every desk has something to do.
"""

import heapq
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import datetime

from core import clock

Process = AsyncGenerator[datetime, None]


@dataclass
class Stage:
    """Who waits for which moment."""

    until: datetime
    _waiting: list[tuple[datetime, int, Process]] = field(default_factory=list)
    _entered: int = 0

    def enter(self, process: Process, at: datetime) -> None:
        """Let a process begin at a moment."""
        self._entered += 1
        heapq.heappush(self._waiting, (at, self._entered, process))

    async def play(self, tell: Callable[[datetime], None]) -> None:
        """Play until the end; `tell` hears the moment before every step."""
        while self._waiting and self._waiting[0][0] <= self.until:
            moment, place, process = heapq.heappop(self._waiting)
            tell(moment)
            with clock.at(moment):
                later = await anext(process, None)
            if later is not None:
                heapq.heappush(self._waiting, (max(later, moment), place, process))
        for _, _, process in self._waiting:
            await process.aclose()
        self._waiting.clear()
