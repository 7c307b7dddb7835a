"""`xinshi grade`: prepare a run, replay published grades, and grade a file of marks, from a terminal."""

import json
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from math import isfinite
from pathlib import Path

import click

from agencies.rules import Profession
from core import i18n
from core.errors import DomainError
from core.identity import SYSTEM
from core.instance import run as with_database
from core.settings import speak
from grading import services
from grading.queries.as_seen import AsSeen, as_seen
from grading.rules.evidence import plain
from grading.services.calibrating import CalibrationReceipt
from grading.services.replaying import ReplayReceipt
from grading.services.runs import RunReceipt

EARLIEST = 1970
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
            "批次 %(run)s：%(n)s 份草案，征求意见到 %(until)s UTC。",
            "Run %(run)s: %(n)s %(n|draft|drafts)s, comments until %(until)s UTC.",
            run=receipt.run_id,
            n=receipt.reports,
            until=f"{receipt.comment_until:%Y-%m-%d %H:%M}",
        )
    )


@cli.command()
@click.option("--as-of", type=_DAY, required=True, help="The last day whose marks teach; not in the future.")
def calibrate(as_of: datetime) -> None:
    """Learn the quarter's table of reviewers' severity and project difficulty, publish and freeze it."""

    async def publish() -> CalibrationReceipt:
        return await services.publish_calibration(actor=SYSTEM, as_of=as_of.date())

    try:
        receipt = with_database(publish)
    except DomainError as refused:
        raise click.ClickException(refused.message()) from refused
    click.echo(
        speak(
            "修正表 %(code)s 已公布：%(marks)s 个评分，%(n)s 位专家，其中 %(apart)s 位无可比评分，不作修正。",
            "Table %(code)s published: %(marks)s %(marks|mark|marks)s, %(n)s %(n|reviewer|reviewers)s,"
            " %(apart)s of them cannot be compared and %(apart|is|are)s not corrected.",
            code=receipt.code,
            marks=receipt.marks,
            n=receipt.reviewers,
            apart=receipt.unlinked,
        )
    )


@cli.command()
@click.option(
    "--from", "since", type=_DAY, metavar="YYYY-MM-DD", help="First day of evaluation; default: the first grade."
)
@click.option("--to", "until", type=_DAY, metavar="YYYY-MM-DD", help="Last day of evaluation; default: the last grade.")
@click.option("--check", is_flag=True, help="Exit code 1 unless every grade comes out as published.")
def replay(since: datetime | None, until: datetime | None, check: bool) -> None:
    """Compute every published grade again from its stored evidence and compare digests and figures."""
    if since and until and since > until:  # nothing lies between them, and nothing would be proved
        raise click.BadParameter(
            speak("起始日不得晚于截止日。", "The first day must not be after the last."), param_hint="--from"
        )
    receipt = with_database(lambda: _replayed(since, until))
    click.echo(
        speak(
            "重算 %(n)s 个等级、%(papers)s 份证书，%(drifts)s 处不一致。",
            "%(n)s %(n|grade|grades)s and %(papers)s %(papers|certificate|certificates)s computed again,"
            " %(drifts)s %(drifts|difference|differences)s.",
            n=receipt.reports,
            papers=receipt.certificates,
            drifts=len(receipt.drifts),
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


_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_TO = click.Path(dir_okay=False, writable=True, path_type=Path)


@cli.command()
@click.argument("marks", type=_FILE)
@click.option(
    "--as-of", type=_DAY, required=True, metavar="YYYY-MM-DD", help="The day of the scores; later marks are left out."
)
@click.option("--out", type=_TO, required=True, help="Scores and grades, one line an agency (CSV).")
@click.option("--severities", type=_TO, help="Also write the table of reviewers.")
@click.option("--difficulties", type=_TO, help="Also write the table of project classes.")
@click.option("--explain", type=_TO, help="Also write how every score comes about (JSON, one line an agency).")
@click.option("--scheme", type=_FILE, help="Another scheme (TOML) than the one in force.")
@click.option("--frozen-severities", type=_FILE, help="Use this table of reviewers instead of learning one.")
@click.option("--previous", type=_FILE, help="Grades of the last regrade (columns agency, grade): one step at most.")
@click.option(
    "--scale",
    type=(float, float),
    default=(0.0, 100.0),
    metavar="LOW HIGH",
    show_default="0 100",
    help="Lowest and highest mark.",
)
def estimate(
    marks: Path,
    as_of: datetime,
    out: Path,
    severities: Path | None,
    difficulties: Path | None,
    explain: Path | None,
    scheme: Path | None,
    frozen_severities: Path | None,
    previous: Path | None,
    scale: tuple[float, float],
) -> None:
    """Score and grade agencies from a file of marks (CSV or Parquet), without the platform.

    MARKS is a CSV in UTF-8, separated by commas, or a Parquet file with the columns agency, reviewer, difficulty,
    date, mark and optionally client, stars, case, in any order; other columns are left aside. Ids are text, dates
    YYYY-MM-DD, marks numbers on any scale (--scale); difficulty and the optional columns may be empty. Rows of one
    agency with the same case are one mark shared by its reviewers.

    A wrong row is named with its line and reason, the exit code is 1, and nothing is written: all tables or none.

    \b
    xinshi grade estimate marks.csv --as-of 2026-11-01 --out scores.csv --explain why.jsonl
    xinshi grade estimate films.parquet --as-of 2026-11-01 --out scores.csv --scale 1 5
    """
    from grading.marks_file import Options, Outputs, constants_of, estimate_file, write

    if not (scale[0] < scale[1] and isfinite(scale[1] - scale[0])):
        raise click.BadParameter(
            speak("最低分须小于最高分。", "The lowest mark must be below the highest."), param_hint="--scale"
        )
    if as_of.year < EARLIEST:
        raise click.BadParameter(speak("不得早于 1970 年。", "Not before 1970."), param_hint="--as-of")
    outputs = Outputs(out, severities, difficulties, explain)
    try:
        outputs.check([marks, scheme, frozen_severities, previous])
        options = Options(as_of.date(), constants_of(scheme), scale, frozen_severities, previous)
        with _stoppable(), _progress() as progress:
            receipt = estimate_file(marks, options, lambda found: write(found, outputs, options.constants), progress)
    except DomainError as refused:
        raise click.ClickException(refused.message()) from refused
    except OSError as problem:
        where = f"{problem.filename or tempfile.gettempdir()}: {problem.strerror or problem}"
        told = speak(f"没有写出任何结果：{where}", f"Nothing was written: {where}")
        raise click.ClickException(told) from problem
    click.echo(receipt.told(), err=True)


@contextmanager
def _stoppable() -> Iterator[None]:
    """A request to end is an interruption: drafts and the folder of sorted marks are removed first."""

    def end(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


_STAGES = {
    "read": ("读取评分", "Reading marks"),
    "sort": ("按机构整理", "Sorting by agency"),
    "learn": ("学习严宽与难度", "Learning severity and difficulty"),
    "score": ("计算得分", "Scoring"),
}


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int | None], None]]:
    """A bar for each stage on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _stage, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress, TaskID

    with Progress(console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def advance(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(speak(*_STAGES[stage]), total=total)
            bar.update(tasks[stage], advance=done)

        yield advance


@cli.command()
@click.option("--agency", type=int, required=True, help="Id of the agency.")
@click.option("--profession", type=click.Choice([one.value for one in Profession]), required=True)
@click.option("--on", type=_DAY, required=True, help="The day; the end of it in Shanghai counts.")
def seen(agency: int, profession: str, on: datetime) -> None:
    """What did the buyer see that day? Grade, tag and certificate as JSON."""

    async def look() -> AsSeen:
        return await as_seen(agency, Profession(profession), on.date())

    try:
        found = with_database(look)
    except DomainError as refused:
        raise click.ClickException(refused.message()) from refused
    click.echo(json.dumps(plain(found), ensure_ascii=False, indent=1))


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
