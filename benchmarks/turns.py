"""Measuring in turns: A B B A, the median of the ratios, its bootstrap interval, and A against A."""

import random
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

Block = Callable[[], Awaitable[float]]
"""Runs for a while; gives seconds per operation."""

RESAMPLES = 2000
CONTROL_LOW, CONTROL_HIGH = 0.95, 1.05


@dataclass(frozen=True)
class Ratio:
    """Speed of ours as a share of the peer's, with an 80 % interval and the control of ours against ours."""

    median: float
    low: float
    high: float
    control: float
    ours_ms: float
    peer_ms: float

    @property
    def sound(self) -> bool:
        """Whether the control stayed near 1; otherwise the machine was too noisy to believe the sitting."""
        return CONTROL_LOW <= self.control <= CONTROL_HIGH


async def compare(ours: Block, peer: Block, *, rounds: int) -> Ratio:
    """`rounds` rounds of A B B A, each with A A beside it for the control; one round to warm up."""
    await ours()
    await peer()
    ratios: list[float] = []
    controls: list[float] = []
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        first, second, third, fourth = await ours(), await peer(), await peer(), await ours()
        ratios.append((second + third) / (first + fourth))
        controls.append(await ours() / await ours())
        times[0].extend((first, fourth))
        times[1].extend((second, third))
    low, high = interval(ratios)
    return Ratio(
        median=statistics.median(ratios),
        low=low,
        high=high,
        control=statistics.median(controls),
        ours_ms=1000 * statistics.median(times[0]),
        peer_ms=1000 * statistics.median(times[1]),
    )


def interval(values: Sequence[float], share: float = 0.8) -> tuple[float, float]:
    """The bootstrap interval of the median; the same for the same values."""
    stream = random.Random(1)
    medians = sorted(statistics.median(stream.choices(values, k=len(values))) for _ in range(RESAMPLES))
    cut = int(RESAMPLES * (1 - share) / 2)
    return medians[cut], medians[-cut - 1]


def ratio_line(name: str, one: Ratio) -> str:
    """A row of the table of figures."""
    return (
        f"| {name} | {one.ours_ms:.2f} ms | {one.peer_ms:.2f} ms | {one.median:.2f} |"
        f" {one.low:.2f}–{one.high:.2f} | {one.control:.2f} |"
    )
