"""The commands, and the packages' own commands loaded when they are called."""

import sys
from importlib import import_module
from typing import NoReturn

import click

from core.settings import CHECKOUT, CannotStart, speak

PACKAGED = {
    "trail": ("core.trail.cli", "the trail: verify it, prove an entry, export it"),
    "demo": ("portal.demo.cli", "play the demo market into an empty database"),
    "custody": ("market.cli:custody", "keys of those who keep shares of opening keys"),
    "draw": ("market.cli:draw", "draws: verify a downloaded draw file"),
    "payments": ("payments.cli", "payments: prove the ledger, examine Stripe, compare its books with ours"),
    "grade": ("grading.cli", "credit grades: run, publish, replay"),
}
"""Commands that live in their package, each as `cli` or the group named: name -> (module, what the list of commands says)."""


class Commands(click.Group):
    """A group that imports a package's command only when that command runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name, ours and the packages'."""
        return sorted({*super().list_commands(ctx), *PACKAGED})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in PACKAGED:
            return super().get_command(ctx, cmd_name)
        module, _, group = PACKAGED[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), group or "cli")
        import_module("app").wire()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing anything."""
        ours = {name: command.get_short_help_str(90) for name, command in self.commands.items() if not command.hidden}
        listed = ours | {name: text for name, (_, text) in PACKAGED.items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(listed.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Xinshi 信市: an open market for intermediary services with a credit grade people can check."""


@cli.command()
def run() -> None:
    """Start everything: database, demo market when empty, worker, server."""
    from launch.server import run_everything

    run_everything()


@cli.command()
def setup() -> None:
    """Fetch the front-end libraries by lock file and copy what is served."""
    from launch.frontend import fetch

    fetch()


@cli.command()
def migrate() -> None:
    """Bring the database up to date, with its default content."""
    from core.instance import database
    from launch.preparation import migrate_now

    with database() as urls:
        migrate_now(urls, always=True)


@cli.command()
@click.option("--parent", type=int, hidden=True, help="end when this process ends")
def worker(parent: int | None) -> None:
    """Do what time and queues ask for: openings, mails, checkpoints, sweeps."""
    from launch.worker import work

    work(parent)


@cli.command()
def database() -> None:
    """Print the running server's database address (the owner's), for psql and pg_dump."""
    from core import instance, settings

    configuration = settings.load()
    server = instance.running(configuration.data)
    url = server.owner_url if server else configuration.database_owner_url or configuration.database_url
    if not url:
        raise CannotStart(
            "没有正在运行的信市：请先 xinshi run。", "No Xinshi is running here: start one with xinshi run."
        )
    click.echo(url)


@cli.command()
def key() -> None:
    """Print a new secret key for XINSHI_KEY_…."""
    from core.keys import fresh

    click.echo(fresh())


@cli.command()
def version() -> None:
    """Print the version."""
    import tomllib

    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    click.echo(f"xinshi {project['version']}")


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command; what keeps it from starting is one sentence on stderr and exit code 1."""
    try:
        code = cli.main(arguments, prog_name="xinshi", standalone_mode=False)
    except CannotStart as problem:
        click.echo(f"信市 Xinshi：{problem.sentence()}", err=True)
        sys.exit(1)
    except click.ClickException as problem:
        problem.show()
        sys.exit(problem.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo(speak("已中断。", "Interrupted."), err=True)
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)
