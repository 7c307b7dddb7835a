"""Signals as pure functions from frames to a frame of hits; pandas lives here and nowhere else in the market.

`find` runs the definitions of `market.rules.signal_list`. Nothing here knows a database; load it late and run it in a
thread: importing pandas takes longer than answering a page.
"""

from collections.abc import Iterable, Iterator
from importlib import import_module
from inspect import iscoroutinefunction
from typing import Any

from market.rules.signals import LIMITS, Definition, Found, Limits
from market.signals.frames import Frames

__all__ = ["Frames", "find", "finder"]


def finder(definition: Definition) -> Any:
    """The function that a definition names."""
    module, _, name = definition.finder.rpartition(".")
    return getattr(import_module(module), name)


def find(definitions: Iterable[Definition], frames: Frames, limits: Limits = LIMITS) -> list[Found]:
    """Every hit of the definitions that are computed from frames, in a fixed order."""
    found = [hit for one in definitions for hit in _hits(one, frames, limits)]
    return sorted(found, key=lambda hit: (hit.code, hit.subject, hit.key))


def _hits(definition: Definition, frames: Frames, limits: Limits) -> Iterator[Found]:
    function = finder(definition)
    if iscoroutinefunction(function):
        return
    for row in function(frames, limits).to_dict("records"):
        yield Found(
            definition.code,
            row["subject"],
            row["key"],
            tuple(row["notices"]),
            tuple(row["agencies"]),
            tuple(row["clients"]),
            row["params"],
        )
