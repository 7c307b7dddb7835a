"""`xinshi grade`: prepare a run and replay published grades, from a terminal."""

import sys
from datetime import date, datetime

import click

from core import i18n
from core.errors import DomainError
from core.identity import SYSTEM
from core.instance import run as with_database
from core.settings import speak
from grading import services
from grading.services.replaying import ReplayReceipt
from grading.services.runs import RunReceipt

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group("grade")
def cli() -> None:
    """Credit grades: prepare a run, replay what was published."""
    i18n.set_language(speak("zh_Hans", "en"))


@cli.command("run")
@click.option("--as-of", type=_DAY, required=True, help="The day of the grades; not in the future.")
def run_command(as_of: datetime) -> None:
    """Grade every agency on a day and send the drafts out for comment. A person signs them later."""

    async def prepare() -> RunReceipt:
        return await services.prepare_run(actor=SYSTEM, as_of=as_of.date())

    try:
        receipt = with_database(prepare)
    except DomainError as refused:
        raise click.ClickException(refused.message()) from refused
    click.echo(
        speak(
            f"批次 {receipt.run_id}：{receipt.reports} 份草案，征求意见到 {receipt.comment_until:%Y-%m-%d %H:%M} UTC。",
            f"Run {receipt.run_id}: {receipt.reports} drafts, comments until {receipt.comment_until:%Y-%m-%d %H:%M} UTC.",
        )
    )


@cli.command()
@click.option("--from", "since", type=_DAY, help="First day of evaluation; default: the first grade.")
@click.option("--to", "until", type=_DAY, help="Last day of evaluation; default: the last grade.")
@click.option("--check", is_flag=True, help="Exit code 1 unless every grade comes out as published.")
def replay(since: datetime | None, until: datetime | None, check: bool) -> None:
    """Compute every published grade again from its stored evidence and compare digests and figures."""
    receipt = with_database(lambda: _replayed(since, until))
    click.echo(
        speak(
            f"重算 {receipt.reports} 个等级、{receipt.certificates} 份证书，{len(receipt.drifts)} 处不一致。",
            f"{receipt.reports} grades and {receipt.certificates} certificates computed again,"
            f" {len(receipt.drifts)} differences.",
        )
    )
    for drift in receipt.drifts:
        click.echo(f"  {drift.number}  {drift.as_of}  {drift.what}", err=True)
    if check and not receipt.sound:
        sys.exit(1)


async def _replayed(since: datetime | None, until: datetime | None) -> ReplayReceipt:
    if not sys.stderr.isatty():
        return await services.replay_check(_day(since), _day(until))
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(speak("重算", "Replaying"), total=None)
        return await services.replay_check(_day(since), _day(until), progress=lambda n: bar.update(task, advance=n))


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
