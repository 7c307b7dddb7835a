"""`xinshi payments`: prove the ledger, examine and reconcile Stripe, from a terminal."""

import sys

import click

from core import i18n
from core.i18n import translate
from core.instance import run as with_database
from core.settings import speak
from payments import queries
from payments.cli import stripe as stripe_cli
from payments.rules.audit import CHECK_TITLES, Check


@click.group("payments")
def cli() -> None:
    """Payments: prove the ledger, name what does not fit; examine Stripe and compare its books with ours."""
    i18n.set_language(speak("zh_Hans", "en"))


for _command in (stripe_cli.doctor_command, stripe_cli.reconcile_command, stripe_cli.double_command):
    cli.add_command(_command)


@cli.command()
def audit() -> None:
    """Prove that the ledger balances, was written once, agrees with the payables and with the trail.

    Exit code 0: everything fits; 1: what does not is named, one line each.
    """
    report = with_database(queries.audit)
    click.echo(
        speak(
            "核对 %(payables)s 笔款项、%(postings)s 笔记账、%(entries)s 条分录。",
            "%(payables)s %(payables|payable|payables)s, %(postings)s %(postings|posting|postings)s,"
            " %(entries)s %(entries|entry|entries)s checked.",
            payables=report.payables,
            postings=report.postings,
            entries=report.entries,
        )
    )
    for check in Check:
        wrong = [finding for finding in report.findings if finding.check is check]
        click.echo(f"  {'✗' if wrong else '✓'} {translate(CHECK_TITLES[check])}")
        for finding in wrong:
            click.echo(f"      {finding.where}: {finding.what}", err=True)
    if not report.sound:
        sys.exit(1)
