"""`xinshi custody`: a custodian's key, made on a computer of one's own."""

import click

from market import sealing


@click.group(name="custody")
def cli() -> None:
    """Keys of those who keep shares of opening keys."""


@cli.command(name="new-key")
def new_key() -> None:
    """Make a custodian key: keep the first line safe, register the second on the site. Needs no network."""
    pair = sealing.new_custodian_key()
    click.echo(pair.text)
    click.echo(pair.public.hex())


@cli.command(name="public")
@click.argument("key")
def public(key: str) -> None:
    """Print the public half of a custodian key, to compare it with the one on record."""
    try:
        click.echo(sealing.public_of(sealing.parse_key(key)).hex())
    except sealing.WrongKey:
        raise click.ClickException("this is not a whole custodian key (XINSHI-KEY-1-…)") from None
