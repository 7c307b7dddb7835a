"""Where keys, secrets and salts come from: the operating system, or a seeded play."""

import random
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from core import settings

_bytes: ContextVar[Callable[[int], bytes]] = ContextVar("sealing-bytes", default=secrets.token_bytes)


def random_bytes(count: int) -> bytes:
    """`count` fresh random bytes."""
    return _bytes.get()(count)


@contextmanager
def randomness_from(generator: random.Random) -> Iterator[None]:
    """Let a seeded generator supply keys, secrets and salts, so that the same demo seed draws the same lots.

    Raises RuntimeError in production: there, secrets come from the operating system and from nowhere else.
    """
    if settings.load().production:
        raise RuntimeError("bids are never sealed with predictable keys in production")
    token = _bytes.set(generator.randbytes)
    try:
        yield
    finally:
        _bytes.reset(token)
