"""`make bench`: measure everything, print it, and write it into `benchmarks/README.md`."""

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

import click

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


@click.command()
@click.option("--scale", default="xintai", show_default=True, help="of the demo market")
@click.option("--months", default=18, show_default=True, help="of the demo market")
@click.option("--rounds", default=8, show_default=True, help="rounds of A B B A")
@click.option("--seconds", default=1.0, show_default=True, help="length of a block of requests")
@click.option("--write/--no-write", default=True, help="write the figures into the README")
def main(scale: str, months: int, rounds: int, seconds: float, write: bool) -> None:
    """Measure, on 127.0.0.1 only, in a folder and a cluster of its own."""
    folder = Path(tempfile.mkdtemp(prefix="xinshi-bench-"))
    folder.chmod(0o711)  # as root PostgreSQL runs under another account, and must get here
    os.environ["XINSHI_DATA"] = str(folder / "data")
    for name in [name for name in os.environ if name.startswith(("XINSHI_KEY_", "XINSHI_DATABASE_"))]:
        del os.environ[name]
    try:
        figures = _measure(folder, scale, months, rounds, seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    click.echo(figures)
    if write:
        before, _, rest = README.read_text("utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        README.write_text(f"{before}{BEGIN}\n{figures}{END}{after}", "utf-8")


def _measure(folder: Path, scale: str, months: int, rounds: int, seconds: float) -> str:
    """Import late: the data folder above must be set before anything of ours reads it."""
    from benchmarks import bids, board, live, pages, playing, rush, starting, statement, webhooks
    from benchmarks.figures import Chapter, Figures
    from benchmarks.ground import cluster, fresh_database
    from core import db
    from core.postgres import Cluster
    from portal.demo import build

    async def with_database(running: Cluster) -> Figures:
        async with fresh_database(running, "lists") as urls:
            await build(seed=7, months=1, scale="register", progress=False)
            _say("lists")
            lists = await pages.measure(urls, folder, rounds=rounds, seconds=seconds)
            _say("sealed bids")
            sealed = await bids.measure(urls, rounds=rounds)
            _say("five thousand bids in the last minute")
            chapters: list[Chapter] = [await rush.measure(urls)]
            _say("a live opening")
            chapters.append(await live.measure(urls, folder, rounds=rounds))
            _say("a search of 200,000 notices")
            chapters.append(await board.measure(urls, rounds=rounds))
            _say("events of Stripe, and 100,000 payments compared")
            chapters.append(await webhooks.measure(urls, rounds=rounds))
            _say("a statement of 100,000 entries")
            chapters.append(await statement.measure(urls, rounds=rounds))
            version = str(await db.value("show server_version")).partition(" ")[0]
        async with fresh_database(running, "market") as urls:
            _say("demo market")
            played = await playing.measure(urls, scale=scale, months=months)
        return Figures(version, lists, sealed, start, played, chapters)

    _say("start-up")
    start = starting.measure(folder)
    with cluster(folder) as running:
        return asyncio.run(with_database(running)).as_markdown()


def _say(what: str) -> None:
    click.echo(f"measuring: {what} …", err=True)


if __name__ == "__main__":
    main()
