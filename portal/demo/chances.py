"""Chance from one seed: a stream of its own for every purpose, so that one more throw here moves nothing there."""

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Chances:
    """All the chance of a market."""

    seed: int

    def of(self, *purpose: object) -> random.Random:
        """The stream of a purpose, for instance `of("bid", notice, agency)`; the same whenever asked for."""
        return random.Random("|".join(map(str, (self.seed, *purpose))))  # noqa: S311  a play, not a secret


def weighted(stream: random.Random, choices: Sequence[tuple[str, float]]) -> str:
    """One of the names, by weight."""
    names, weights = zip(*choices, strict=True)
    return str(stream.choices(names, weights)[0])


def clamp(value: float, low: float, high: float) -> float:
    """`value`, but not outside the limits."""
    return max(low, min(high, value))
