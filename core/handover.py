"""How a low floor hands something up without importing up (house rule: record downward, hand over upward)."""

from collections.abc import Awaitable, Callable
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Handover(Generic[P]):
    """A named moment at which higher floors take over; `app.wire()` supplies the takers.

    Takers run one after the other in the caller's transaction, so all of it happens or none.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._takers: list[Callable[P, Awaitable[object]]] = []

    def supply(self, *takers: Callable[P, Awaitable[object]]) -> None:
        """Name everybody who takes over; replaces what was supplied before."""
        self._takers = list(takers)

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call every taker; a market that nobody wired up is a programming error."""
        if not self._takers:
            raise RuntimeError(f"nobody takes over from {self.name}; see app.wire()")
        for taker in self._takers:
            await taker(*args, **kwargs)


class Inquiry(Generic[P, T]):
    """A question a low floor asks of a higher one; `app.wire()` names who answers.

    Unlike a handover nothing depends on it: where nobody answers, the asker goes by what it knows itself.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._source: Callable[P, Awaitable[T]] | None = None

    def supply(self, source: Callable[P, Awaitable[T]] | None) -> None:
        """Name who answers; None unplugs it."""
        self._source = source

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T | None:
        """The answer, or None while nobody gives any."""
        return None if self._source is None else await self._source(*args, **kwargs)
