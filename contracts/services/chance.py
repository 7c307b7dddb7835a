"""Where seeds of lots come from: the operating system, or a fixed source for the demo market."""

import random
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


def _from_system() -> str:
    return secrets.token_hex(16)


_source: ContextVar[Callable[[], str]] = ContextVar("contracts_lot_seed", default=_from_system)


def fresh_seed() -> str:
    """A new seed of 128 bits as 32 hex digits; it stands on the trail beside the lot."""
    return _source.get()()


@contextmanager
def seeds_from(generator: random.Random) -> Iterator[None]:
    """Let a seeded generator supply the seeds, so that the same demo seed gives the same market."""
    token = _source.set(lambda: f"{generator.getrandbits(128):032x}")
    try:
        yield
    finally:
        _source.reset(token)
