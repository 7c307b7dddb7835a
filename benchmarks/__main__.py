"""`make bench`: measure everything, print it, and write it into `benchmarks/README.md`."""

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

import click

README = Path(__file__).parent / "README.md"
PARTS = ("figures", "market", "money")
"""The product as a whole; the market under load; money that cannot go astray. Each has its place in the README and may be measured alone."""


@click.command()
@click.option("--scale", default="xintai", show_default=True, help="of the demo market")
@click.option("--months", default=18, show_default=True, help="of the demo market")
@click.option("--rounds", default=8, show_default=True, help="rounds of A B B A")
@click.option("--seconds", default=1.0, show_default=True, help="length of a block of requests")
@click.option("--part", type=click.Choice([*PARTS, "all"]), default="all", show_default=True)
@click.option("--write/--no-write", default=True, help="write the figures into the README")
def main(scale: str, months: int, rounds: int, seconds: float, part: str, write: bool) -> None:
    """Measure, on 127.0.0.1 only, in a folder and a cluster of its own."""
    folder = Path(tempfile.mkdtemp(prefix="xinshi-bench-"))
    folder.chmod(0o711)  # as root PostgreSQL runs under another account, and must get here
    os.environ["XINSHI_DATA"] = str(folder / "data")
    os.environ["XINSHI_STRIPE_DOUBLE"] = "off"
    for name in [name for name in os.environ if name.startswith(("XINSHI_KEY_", "XINSHI_DATABASE_"))]:
        del os.environ[name]
    try:
        for name in PARTS if part == "all" else (part,):
            figures = MEASURES[name](folder, scale, months, rounds, seconds)
            click.echo(figures)
            if write:
                README.write_text(placed(README.read_text("utf-8"), name, figures), "utf-8")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def marks(part: str) -> tuple[str, str]:
    """Between what the figures of a part stand in the README."""
    return f"<!-- {part}: begin -->", f"<!-- {part}: end -->"


def placed(text: str, part: str, figures: str) -> str:
    """The README with new figures in the place of the old ones."""
    begin, end = marks(part)
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{figures}{end}{rest.partition(end)[2]}"


def _whole(folder: Path, scale: str, months: int, rounds: int, seconds: float) -> str:
    """Import late: the data folder above must be set before anything of ours reads it."""
    from benchmarks import bids, pages, playing, starting
    from benchmarks.figures import Figures
    from benchmarks.ground import cluster, fresh_database
    from core.postgres import Cluster
    from portal.demo import build

    async def with_database(running: Cluster) -> Figures:
        async with fresh_database(running, "lists") as urls:
            await build(seed=7, months=1, scale="register", progress=False)
            _say("lists")
            lists = await pages.measure(urls, folder, rounds=rounds, seconds=seconds)
            _say("sealed bids")
            sealed = await bids.measure(urls, rounds=rounds)
            version = await _version()
        async with fresh_database(running, "market") as urls:
            _say("demo market")
            played = await playing.measure(urls, scale=scale, months=months)
        return Figures(version, lists, sealed, start, played)

    _say("start-up")
    start = starting.measure(folder)
    with cluster(folder) as running:
        return asyncio.run(with_database(running)).as_markdown()


def _market(folder: Path, _scale: str, _months: int, rounds: int, _seconds: float) -> str:
    from benchmarks import board, live, rush, signals
    from benchmarks.figures import Chapter, chapters_as_markdown
    from benchmarks.ground import cluster, fresh_database
    from portal.demo import build

    async def with_database() -> str:
        async with fresh_database(running, "load") as urls:
            await build(seed=7, months=1, scale="register", progress=False)
            _say("five thousand bids in the last minute")
            chapters: list[Chapter] = [await rush.measure(urls)]
            _say("a live opening")
            chapters.append(await live.measure(urls, folder, rounds=rounds))
            _say("a search of 200,000 notices")
            chapters.append(await board.measure(urls, rounds=rounds))
            version = await _version()
        _say("signals over a million bids")
        chapters.append(await signals.measure(folder))
        return chapters_as_markdown(version, chapters)

    with cluster(folder) as running:
        return asyncio.run(with_database())


def _money(folder: Path, _scale: str, _months: int, rounds: int, _seconds: float) -> str:
    from benchmarks import statement, storm, webhooks
    from benchmarks.figures import Chapter, chapters_as_markdown
    from benchmarks.ground import cluster, fresh_database
    from portal.demo import build

    async def with_database() -> str:
        async with fresh_database(running, "money") as urls:
            await build(seed=7, months=1, scale="register", progress=False)
            _say("a statement of 100,000 entries")
            chapters: list[Chapter] = [await statement.measure(urls, rounds=rounds)]
            _say("events of Stripe, and 100,000 payments compared")
            chapters.append(await webhooks.measure(urls, rounds=rounds))
            version = await _version()
        async with fresh_database(running, "storm") as urls:
            await build(seed=7, months=1, scale="register", progress=False)
            _say("ten thousand events of Stripe in a storm")
            chapters.append(await storm.measure(urls.owner_url))
        return chapters_as_markdown(version, chapters)

    with cluster(folder) as running:
        return asyncio.run(with_database())


async def _version() -> str:
    from core import db

    return str(await db.value("show server_version")).partition(" ")[0]


MEASURES = {"figures": _whole, "market": _market, "money": _money}


def _say(what: str) -> None:
    click.echo(f"measuring: {what} …", err=True)


if __name__ == "__main__":
    main()
