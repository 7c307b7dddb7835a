"""The public agency list against a bare handler that returns the same bytes."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.ground import HOST, cpu_seconds, fetch, free_port, hammer, server
from benchmarks.turns import Ratio, compare
from core.postgres import Urls

LISTS = {
    "agencies as JSON, 50 rows": ("/api/v1/agencies?limit=50", "application/json"),
    "agencies as a page, 20 rows": ("/agencies", "text/html; charset=utf-8"),
}


@dataclass(frozen=True)
class PageFigure:
    """One list: its size, the comparison, and processor milliseconds of our server per request."""

    name: str
    size: int
    ratio: Ratio
    cpu_ms: float | None


async def measure(urls: Urls, folder: Path, *, rounds: int, seconds: float) -> list[PageFigure]:
    """Every list of `LISTS`."""
    port = free_port()
    ours = {"XINSHI_DATABASE_URL": urls.url, "XINSHI_DATABASE_OWNER_URL": urls.owner_url, "XINSHI_PORT": str(port)}
    found = []
    with server(["-m", "benchmarks.serve", "product", str(port)], ours, port) as (pid, _):
        for name, (path, media_type) in LISTS.items():
            body = await fetch(port, path)
            kept = folder / "body"
            kept.write_bytes(body)
            peer, bare = free_port(), {"BENCH_BODY": str(kept), "BENCH_MEDIA_TYPE": media_type}
            with server(["-m", "benchmarks.serve", "bare", str(peer)], bare, peer):
                ours_block = partial(hammer, port, path, seconds=seconds)
                ratio = await compare(ours_block, partial(hammer, peer, path, seconds=seconds), rounds=rounds)
            found.append(PageFigure(name, len(body), ratio, await _cpu_per_request(pid, port, path, seconds)))
    return found


async def _cpu_per_request(pid: int, port: int, path: str, seconds: float) -> float | None:
    before = cpu_seconds(pid)
    each = await hammer(port, path, seconds=seconds)
    after = cpu_seconds(pid)
    if before is None or after is None:
        return None
    return 1000 * (after - before) * each / seconds


__all__ = ["HOST", "LISTS", "PageFigure", "measure"]
