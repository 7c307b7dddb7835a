"""`xinshi demo`: play a demo market into an empty database."""

import asyncio

import click

from core.instance import connected, database
from core.settings import speak
from portal.demo.build import DemoReport, build
from portal.demo.people import sign_ins
from portal.demo.roster import SCALES


@click.command()
@click.option("--seed", default=7, show_default=True, help="same seed, same market")
@click.option("--months", default=18, show_default=True, type=click.IntRange(1, 36), help="how long it plays")
@click.option("--scale", default="xintai", show_default=True, type=click.Choice(list(SCALES)))
@click.option("--quiet", is_flag=True, help="no progress bar")
def cli(seed: int, months: int, scale: str, quiet: bool) -> None:
    """Play a demo market into an empty database."""
    from launch.preparation import migrate_now

    with database() as urls:
        migrate_now(urls)
        url = f"{urls.url}{'&' if '?' in urls.url else '?'}synchronous_commit=off"
        report = asyncio.run(connected(url, lambda: build(seed=seed, months=months, scale=scale, progress=not quiet)))
    _tell(report)


def _tell(report: DemoReport) -> None:
    grades = "  ".join(f"{grade} {count}" for grade, count in report.grades.items())
    click.echo(
        speak(
            f"{report.agencies} 家机构，{report.notices} 份公告，{report.bids} 份报价，{report.contracts} 份合同，"
            f"{report.reviews} 件审查；等级 {grades}；留痕 {report.entries} 条。",
            f"{report.agencies} agencies, {report.notices} notices, {report.bids} bids, {report.contracts} contracts, "
            f"{report.reviews} reviews; grades {grades}; {report.entries} trail entries.",
        )
    )
    click.echo(speak(f"指纹 {report.digest}", f"digest {report.digest}"))
    for one in sign_ins():
        click.echo(f"  {one.login:<12} {one.password}  {one.organization}")
