"""The demo market against its budget, and its acts against bare commits of the same machine."""

import time
from dataclasses import dataclass

import asyncpg

from core.postgres import Urls
from portal.demo import DemoReport, build

BUDGET_SECONDS = 90.0
COMMITS = 400


@dataclass(frozen=True)
class DemoFigure:
    """Seconds and processor seconds of a build, its trail entries a second, bare commits a second."""

    report: DemoReport
    seconds: float
    cpu: float
    commits: float

    @property
    def entries(self) -> float:
        """Trail entries a second: each act leaves at least one."""
        return self.report.entries / self.seconds


async def measure(urls: Urls, *, scale: str, months: int) -> DemoFigure:
    """One build; there is no point in turns for something that takes a minute."""
    commits = await _commits_a_second(urls.url)
    began, cpu = time.perf_counter(), time.process_time()
    report = await build(seed=7, months=months, scale=scale)
    return DemoFigure(report, time.perf_counter() - began, time.process_time() - cpu, commits)


async def _commits_a_second(url: str) -> float:
    link = await asyncpg.connect(url)
    try:
        await link.execute("create temporary table bench (id serial, words text)")
        began = time.perf_counter()
        for _ in range(COMMITS):
            async with link.transaction():
                await link.execute("insert into bench (words) values ($1)", "x" * 200)
        return COMMITS / (time.perf_counter() - began)
    finally:
        await link.close()
