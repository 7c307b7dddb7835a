"""Life-cycles: one mapping per kind of case, and the only way through it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from core.errors import NotAllowedNow

S = TypeVar("S", bound=StrEnum)
A = TypeVar("A", bound=StrEnum)


def advance(transitions: Mapping[tuple[S, A], S], state: S, act: A) -> S:
    """The state after `act`, or `NotAllowedNow` when the life-cycle has no such step."""
    try:
        return transitions[state, act]
    except KeyError:
        raise NotAllowedNow(state=str(state), act=str(act)) from None
