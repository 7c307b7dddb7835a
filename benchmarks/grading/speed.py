"""How fast: ten million marks of 100,000 agencies, each figure beside the limit it must keep, and beside the plainest
thing one could do with the same marks, their decayed mean, by DuckDB and by Polars on all cores."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import duckdb
import numpy as np
import polars as pl

from grading import estimator as est

AGENCIES, MARKS, REVIEWERS, CLIENTS, CLASSES, BLOCKS = 100_000, 100, 2_000, 5_000, 3, 40


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds by the clock and of our own processor time, beside the limit in seconds."""

    name: str
    clock: float
    processor: float
    limit: float | None = None


def _blocks(seed: int = 1) -> tuple[list[est.Block], list[est.Marks]]:
    dice = np.random.default_rng(seed)
    severity = dice.normal(0, 5, REVIEWERS)
    lessons, marks = [], []
    for _ in range(BLOCKS):
        agencies = AGENCIES // BLOCKS
        n = agencies * MARKS
        starts = np.arange(0, n + 1, MARKS)
        reviewer = dice.integers(0, REVIEWERS, n).astype(np.int32)
        level = np.repeat(dice.normal(76, 8, agencies), MARKS)
        mark = level - severity[reviewer] + dice.normal(0, 6, n)
        lessons.append(est.Block(starts, reviewer, dice.integers(0, CLASSES, n).astype(np.int32), mark))
        age = -np.sort(-dice.uniform(0, 36, (agencies, MARKS)), axis=1).ravel()
        client = dice.integers(0, CLIENTS, n).astype(np.int32)
        even = np.ones(n)
        marks.append(est.Marks(starts, mark + severity[reviewer], age, even, client, np.arange(n), reviewer))
    return lessons, marks


def measure() -> list[Timed]:
    """Severity table of all marks, regrade of all agencies, regrade of the one whose review became final."""
    lessons, marks = _blocks()
    kept = [est.group(block) for block in marks]  # who marked whom does not change between regrades
    field = est.Field(76.0, 64.0, 36.0, est.Motion(36.0, 4.0, 12.0))
    one = est.Marks(*(_first(marks[0])))
    timed = [
        _timed("severity table", 15.0, lambda: est.learn_severity(lambda: lessons, REVIEWERS, CLASSES)),
        _timed("regrade of all agencies", 1.0, lambda: _regrade(marks, kept, field)),
    ]
    rounds = 200
    again = _timed("one new review", 0.05, lambda: [est.weigh(one, field, est.DEFAULTS) for _ in range(rounds)])
    timed += _decayed_means(marks)
    return [*timed, Timed(again.name, again.clock / rounds, again.processor / rounds, again.limit)]


def _decayed_means(marks: list[est.Marks]) -> list[Timed]:
    """Half-life twelve months, one number per agency; the tables are loaded before the clock starts."""
    frame = pl.DataFrame(
        {
            "agency": np.concatenate([block.owner + n * (AGENCIES // BLOCKS) for n, block in enumerate(marks)]),
            "value": np.concatenate([block.value for block in marks]),
            "age": np.concatenate([block.age for block in marks]),
        }
    )
    weight = 0.5 ** (pl.col("age") / 12)
    mean = (pl.col("value") * weight).sum() / weight.sum()
    with duckdb.connect() as link:
        link.register("frame", frame.to_arrow())
        link.execute("create table marks as select * from frame")
        sql = (
            "select agency, sum(value * pow(.5, age / 12)) / sum(pow(.5, age / 12)) as mean from marks group by agency"
        )
        return [
            _timed("decayed mean, DuckDB", None, lambda: link.execute(sql).fetchnumpy()),
            _timed("decayed mean, Polars", None, lambda: frame.lazy().group_by("agency").agg(mean).collect()),
        ]


def _first(marks: est.Marks) -> tuple[np.ndarray, ...]:
    rows = slice(0, MARKS)
    return (
        marks.starts[:2], marks.value[rows], marks.age[rows], marks.consistency[rows], marks.client[rows],
        marks.link_mark[rows], marks.link_reviewer[rows],
    )  # fmt: skip


def _regrade(marks: list[est.Marks], kept: list[est.Groups], field: est.Field) -> None:
    for block, groups in zip(marks, kept, strict=True):
        scored = est.weigh(block, field, est.DEFAULTS, groups=groups)
        est.place(scored.score, scored.sd, est.count(groups), scored.reliability, est.DEFAULTS)


def _timed(name: str, limit: float | None, act: Callable[[], object]) -> Timed:
    clock, processor = time.perf_counter(), time.process_time()
    act()
    return Timed(name, time.perf_counter() - clock, time.process_time() - processor, limit)
