"""`xinshi demo`: play a demo market into an empty database."""

import click

from core import i18n, settings
from core.instance import database, running
from core.settings import speak
from portal.demo.build import DemoReport
from portal.demo.people import sign_ins
from portal.demo.roster import SCALES


@click.command()
@click.option("--seed", default=7, show_default=True, help="same seed, same market")
@click.option("--months", default=18, show_default=True, type=click.IntRange(1, 36), help="how long it plays")
@click.option("--scale", default="xintai", show_default=True, type=click.Choice(list(SCALES)))
@click.option("--quiet", is_flag=True, help="no progress bar")
def cli(seed: int, months: int, scale: str, quiet: bool) -> None:
    """Play a demo market into an empty database; same seed, same market."""
    from launch import preparation

    configuration = settings.load()
    with database() as urls:
        if preparation.unfinished_demo(configuration.data).exists() and not running(configuration.data):
            preparation.begin_again(configuration, urls)
        preparation.migrate_now(urls)
        report = preparation.play_demo(configuration, urls, seed=seed, months=months, scale=scale, progress=not quiet)
    _tell(report)


def _tell(report: DemoReport) -> None:
    """What was played, and who the reader may be in it."""
    i18n.set_language(speak("zh_Hans", "en"))
    grades = "  ".join(f"{grade} {count}" for grade, count in report.grades.items())
    click.echo(
        speak(
            f"{report.agencies} 家机构，{report.clients} 家委托方，{report.notices} 份公告，{report.bids} 份报价，"
            f"{report.contracts} 份合同，{report.reviews} 件审查；等级 {grades}；留痕 {report.entries} 条。",
            f"agencies {report.agencies}, clients {report.clients}, notices {report.notices}, bids {report.bids}, "
            f"contracts {report.contracts}, reviews {report.reviews}; grades {grades}; trail {report.entries}.",
        )
    )
    click.echo(speak(f"市场指纹 {report.digest}", f"Fingerprint of the market {report.digest}"))
    for one in sign_ins():
        click.echo(f"  {one.title}：{one.login}  {one.password}")
