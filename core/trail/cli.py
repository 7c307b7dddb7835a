"""`xinshi trail`: check, publish, export and prove, from a terminal."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from core import i18n
from core.errors import DomainError
from core.instance import run
from core.settings import CannotStart, speak
from core.trail import tlog
from core.trail.faults import Fault, Verdict
from core.trail.logcheck import KnownHead
from core.trail.proofs import ProvedEntry

Keys = Sequence[tlog.VerifierKey]
_FILE = click.Path(path_type=Path, dir_okay=False)
_EXISTING = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.group("trail")
def cli() -> None:
    """The trail: verify it, prove an entry, export it."""
    i18n.set_language(speak("zh_Hans", "en"))


@cli.command()
@click.argument("file", type=_EXISTING, required=False)
@click.option("--against", type=_EXISTING, multiple=True, help="A checkpoint you kept: shows a cut tail or a fork.")
@click.option("--key", help="The log's public keys: a file of them, or one as text.")
def verify(file: Path | None, against: tuple[Path, ...], key: str | None) -> None:
    """Check the whole database, or FILE: an export or one proof. Exit code 1 when anything is wrong."""
    with _sentences():
        if file is None:
            _verify_database(against, key)
        elif _first_line(file).startswith(tlog.PROOF_HEADER):
            _verify_proof(file, against, key)
        else:
            _verify_export(file, against, key)


def _verify_database(against: Sequence[Path], key: str | None) -> None:
    from core.trail import sequencer
    from core.trail.verify import check_database

    async def check() -> Verdict:
        keys = _given_keys(key) if key else await sequencer.verifier_keys()
        with _bar() as progress:
            return await check_database(remembered=_remembered(against, keys), keys=keys, progress=progress)

    _tell(run(check))


def _verify_export(file: Path, against: Sequence[Path], key: str | None) -> None:
    from core.trail.verify import check_export, export_keys

    keys = _given_keys(key) if key else _own_keys()
    if not keys:
        keys = export_keys(file)
        click.echo(
            speak("公钥取自导出文件本身，请与公示的公钥核对：", "Keys taken from the export itself, compare them:")
        )
        click.echo("\n".join(map(str, keys)))
    with _bar() as progress:
        verdict = check_export(file, keys, remembered=_remembered(against, keys), progress=progress)
    _tell(verdict)


def _verify_proof(file: Path, against: Sequence[Path], key: str | None) -> None:
    from core.trail.proofs import check_proof

    keys = _given_keys(key) if key else _own_keys()
    if not keys:
        raise CannotStart(
            "请用 --key 给出日志的公钥（在网站的“留痕”页可以取得）。",
            "Give the log's public key with --key (the site's trail page shows it).",
        )
    proved = check_proof(file.read_text("utf-8"), keys)
    head = proved.checkpoint.head
    for known in _remembered(against, keys):
        if known.size == head.size and known.root != head.root:
            raise tlog.Malformed("the checkpoint differs from the one you kept: the log has forked")
    _tell_proof(proved)


@cli.command()
@click.option("--rebuild", is_flag=True, help="Write every tile again from the database.")
def publish(rebuild: bool) -> None:
    """Put waiting entries into the log and sign its head now (the worker does it by itself)."""
    from core.trail import sequencer

    with _sentences():
        head = run(lambda: sequencer.publish(rebuild=rebuild))
        click.echo(head.note, nl=False)


@cli.command()
@click.argument("file", type=_FILE)
@click.option("--full", is_flag=True, help="Everything, personal data included: for the archive, not for others.")
def export(file: Path, full: bool) -> None:
    """Write the log to FILE, so that anybody can check it without us."""
    from core.trail.export import export as write

    with _sentences(), _bar("导出", "Exporting") as progress:
        size = run(lambda: write(file, full=full, progress=progress))
    click.echo(
        speak("已导出 %(n)s 条到 %(file)s。", "%(n)s %(n|entry|entries)s written to %(file)s.", n=size, file=file)
    )


@cli.command()
@click.argument("entry", type=int)
@click.option("--file", type=_FILE, help="Where to write it; default: the terminal.")
@click.option("--full", is_flag=True, help="Show the protected half as well.")
def proof(entry: int, file: Path | None, full: bool) -> None:
    """The proof file of one ENTRY: its place in the signed log, checkable offline."""
    from core.identity import SYSTEM
    from core.trail import queries, sequencer

    async def make() -> str:
        view = await queries.entry_view(entry, SYSTEM if full else None)
        return queries.proof_file(view, await sequencer.last_head()).text()

    with _sentences():
        text = run(make)
        if file is None:
            click.echo(text, nl=False)
        else:
            file.write_text(text, "utf-8")


@cli.command()
def key() -> None:
    """Print the public keys with which anybody can check the log."""
    from core.trail import sequencer

    with _sentences():
        click.echo("\n".join(map(str, run(sequencer.verifier_keys))))


# -- helpers ---------------------------------------------------------------------------------


@contextmanager
def _sentences() -> Iterator[None]:
    """What goes wrong is one sentence and exit code 1."""
    from core.trail.sequencer import TrailBroken

    try:
        yield
    except DomainError as error:
        problem = error.message()
    except tlog.Malformed as error:
        problem = speak(f"核对不通过：{error}", f"Not proved: {error}")
    except TrailBroken as error:
        problem = speak(f"日志与已签发的检查点不符，未签发：{error}", f"The log does not continue: {error}")
    except UnicodeDecodeError:
        problem = speak("这个文件不是文本，无法核对。", "This file is not text and cannot be checked.")
    else:
        return
    click.echo(problem, err=True)
    sys.exit(1)


@contextmanager
def _bar(zh: str = "核对", en: str = "Checking") -> Iterator[Callable[[int, int], None]]:
    with click.progressbar(length=1, file=sys.stderr, label=speak(zh, en)) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        yield progress


def _first_line(file: Path) -> str:
    with file.open("rb") as source:
        return source.readline(200).decode(errors="replace")


def _given_keys(text: str) -> Keys:
    """Keys from `--key`: the name of a file with one on each line, or a key itself."""
    path = Path(text)
    lines = path.read_text("utf-8").split() if path.is_file() else [text]
    return [tlog.VerifierKey.parse(line) for line in lines]


def _own_keys() -> Keys:
    """The keys published by the installation on this machine, if there is one."""
    from core.trail import sequencer

    data = sequencer.store().read(sequencer.KEY)
    return [tlog.VerifierKey.parse(line) for line in data.decode().split()] if data else []


def _remembered(files: Sequence[Path], keys: Keys) -> list[KnownHead]:
    opened = [tlog.open_checkpoint(file.read_text("utf-8"), keys) for file in files]
    return [KnownHead(found.head.size, found.head.root, found.signed_at) for found in opened]


def _tell(verdict: Verdict) -> None:
    """The verdict first, the first broken entry by name, then what was checked."""
    if not verdict.sound:
        _tell_fault(verdict.first, len(verdict.faults))
        sys.exit(1)
    click.echo(
        speak(
            "留痕完好：核对 %(n)s 条记录、%(heads)s 个检查点。",
            "The trail is whole: %(n)s %(n|entry|entries)s and %(heads)s %(heads|checkpoint|checkpoints)s checked.",
            n=verdict.entries,
            heads=verdict.heads,
        )
    )
    for count, zh, en in _remarks(verdict):
        if count:
            click.echo("  " + speak(zh, en, n=count))


def _remarks(verdict: Verdict) -> list[tuple[int, str, str]]:
    return [
        (verdict.waiting, "%(n)s 条等待进入日志", "%(n)s %(n|entry waits for its|entries wait for their)s place"),
        (
            verdict.deleted_persons,
            "%(n)s 条的个人信息不在此处（依法删除或未导出）",
            "personal data of %(n)s %(n|entry|entries)s are not here (deleted or not exported)",
        ),
        (
            verdict.withheld,
            "%(n)s 条只公开指纹，未公开内容",
            "%(n)s %(n|entry shows a digest|entries show digests)s where the content is withheld",
        ),
        (
            verdict.played,
            "%(n)s 条由演示时钟写入",
            "%(n)s %(n|entry was|entries were)s written under a simulated clock",
        ),
    ]


def _tell_fault(fault: Fault, count: int) -> None:
    what = fault.what.render()
    if fault.leaf_index is None and fault.entry_id is None:
        click.echo(speak(f"留痕不完好：{what}。", f"The trail is broken: {what}."), err=True)
    else:
        where = [f"entry {fault.entry_id}" if fault.entry_id is not None else "", fault.act, fault.subject]
        name = speak("，", ", ").join(part for part in where if part)
        place = "—" if fault.leaf_index is None else str(fault.leaf_index)
        click.echo(
            speak(
                f"留痕不完好，第一处在日志第 {place} 条（{name}）：{what}。",
                f"The trail is broken, first at leaf {place} ({name}): {what}.",
            ),
            err=True,
        )
    if count > 1:
        click.echo(speak("共发现 %(n)s 处。", "%(n)s %(n|fault|faults)s in all.", n=count), err=True)


def _tell_proof(proved: ProvedEntry) -> None:
    head = proved.checkpoint.head
    signed = proved.checkpoint.signed_at
    click.echo(
        speak(
            f"证明成立：日志第 {proved.leaf_index} 条，检查点 {head.origin} 大小 {head.size}，签发于 {signed or '—'}。",
            f"Proved: leaf {proved.leaf_index}, checkpoint {head.origin} size {head.size}, signed at {signed or '—'}.",
        )
    )
    for half in (proved.entry.head, proved.entry.body):
        if half.text is not None:
            click.echo(half.text)
