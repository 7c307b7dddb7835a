"""The measuring itself is sound; what it measures is no business of a test."""

from pathlib import Path

import pytest

from benchmarks import signals
from benchmarks.__main__ import MEASURES, PARTS, README, marks, placed
from benchmarks.turns import compare, interval


@pytest.mark.anyio
async def test_a_ratio_is_speed_and_the_control_compares_us_with_ourselves() -> None:
    async def ours() -> float:
        return 0.004

    async def peer() -> float:
        return 0.002

    ratio = await compare(ours, peer, rounds=5)
    assert (ratio.median, ratio.low, ratio.high, ratio.control) == (0.5, 0.5, 0.5, 1.0)
    assert (ratio.ours_ms, ratio.peer_ms) == (4.0, 2.0)
    assert ratio.sound


@pytest.mark.anyio
async def test_a_noisy_sitting_says_so() -> None:
    pace = iter([1.0, 1.0] * 3 + [1.0, 1.3] * 50)

    async def ours() -> float:
        return next(pace)

    async def peer() -> float:
        return 1.0

    assert not (await compare(ours, peer, rounds=4)).sound


def test_the_interval_holds_the_median_and_is_the_same_every_time() -> None:
    values = [0.5, 0.6, 0.7, 0.8, 0.9]
    low, high = interval(values)
    assert low <= 0.7 <= high
    assert interval(values) == (low, high)


def test_the_readme_has_a_place_for_the_figures_of_each_part() -> None:
    text = README.read_text("utf-8")
    assert set(MEASURES) == set(PARTS)
    for part in PARTS:
        begin, end = marks(part)
        assert text.index(begin) < text.index(end)
        new = placed(text, part, "| new |\n")
        assert f"{begin}\n| new |\n{end}" in new
        assert new.partition(begin)[0] == text.partition(begin)[0]
        assert new.rpartition(end)[2] == text.rpartition(end)[2]


def test_pandas_and_duckdb_find_the_same_signals(tmp_path: Path) -> None:
    """The peer is a peer only while it computes the same; every signal of the set finds something."""
    signals.write(tmp_path, 9000, 45_000)
    mine = signals.ours(signals.load_frames(tmp_path), signals.CODES)
    theirs = signals.peer(signals.load_tables(tmp_path), signals.CODES)
    signals.same(mine, theirs)
    theirs["R018"].pop()
    with pytest.raises(AssertionError, match="R018"):
        signals.same(mine, theirs)
