"""The second start of everything (`xinshi run`) against a bare Litestar app on uvicorn."""

import statistics
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ground import free_port, server

STARTS = 5


@dataclass(frozen=True)
class StartFigure:
    """Seconds until the first answer: first start (creates the database), later starts, the bare app."""

    first: float
    second: float
    bare: float


def measure(folder: Path) -> StartFigure:
    """Start and stop in turns; medians."""
    data = folder / "start"
    first = _ours(data)
    second, bare = [], []
    for _ in range(STARTS):
        second.append(_ours(data))
        bare.append(_bare(folder))
    return StartFigure(first, statistics.median(second), statistics.median(bare))


def _ours(data: Path) -> float:
    port = free_port()
    environment = {
        "XINSHI_DATA": str(data),
        "XINSHI_DEMO": "none",
        "XINSHI_PORT": str(port),
        "XINSHI_DATABASE_URL": "",
        "XINSHI_DATABASE_OWNER_URL": "",
    }
    with server(["-m", "launch", "run"], environment, port) as (_, seconds):
        return seconds


def _bare(folder: Path) -> float:
    port, body = free_port(), folder / "hello"
    body.write_bytes(b"hello")
    environment = {"BENCH_BODY": str(body), "BENCH_MEDIA_TYPE": "text/plain"}
    with server(["-m", "benchmarks.serve", "bare", str(port)], environment, port) as (_, seconds):
        return seconds
