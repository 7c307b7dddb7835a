"""`xinshi payments doctor`, `reconcile` and `double`: Stripe from a terminal."""

import sys
from datetime import timedelta

import click

from core import clock, settings
from core.instance import database
from core.instance import run as with_database
from core.settings import CannotStart, speak
from payments.gateway import client, doctor
from payments.gateway.client import StripeAway
from payments.gateway.configuration import WEBHOOK_PATH


@click.command("doctor")
def doctor_command() -> None:
    """Say what is missing before money can come through Stripe. Exit code 1 when something is."""
    findings = with_database(doctor.examine)
    for finding in findings:
        click.echo(f"  {'✓' if finding.ok else '✗'} {finding.render()}")
    if not all(finding.ok for finding in findings):
        sys.exit(1)


@click.command("reconcile")
@click.option("--days", type=click.IntRange(min=1), help="only lines of so many last days")
def reconcile_command(days: int | None) -> None:
    """Compare our books with Stripe's, line by line. Exit code 1 when something is left to explain."""
    from payments.services import stripe

    if client.account() is None:
        raise CannotStart(
            "没有设置 XINSHI_STRIPE_KEY，没有可对的账。", "XINSHI_STRIPE_KEY is not set: nothing to compare."
        )
    since = clock.now() - timedelta(days=days) if days else None
    try:
        report = with_database(lambda: stripe.reconcile(since=since))
    except StripeAway as away:
        raise CannotStart("现在连不上 Stripe，请稍后再试。", "Stripe cannot be reached now: try again later.") from away
    currency = report.currency.upper()
    click.echo(
        speak(
            f"Stripe {report.lines} 笔，一致 {report.matched} 笔；账本余额 {currency} {report.ours / 100:,.2f}，"
            f"Stripe 余额 {report.theirs / 100:,.2f}。",
            f"{report.lines} %(lines|line|lines)s at Stripe, {report.matched} alike; ledger {currency}"
            f" {report.ours / 100:,.2f}, Stripe {report.theirs / 100:,.2f}.",
            lines=report.lines,
        )
    )
    for one in report.differences:
        mark = "✓" if one.get("healed") else "✗"
        click.echo(f"  {mark} {one['what']} {one['line']} {one['source']} {one['amount'] / 100:,.2f}", err=True)
    if not report.clean:
        sys.exit(1)


@click.command("double")
@click.option("--port", type=int, default=12111, show_default=True, help="port on 127.0.0.1")
def double_command(port: int) -> None:
    """Serve the stand-in for Stripe on a port of its own, for tests and demonstrations."""
    import asyncio

    from payments.stripe_double.serving import serve

    with database() as urls:
        address = f"http://127.0.0.1:{port}"
        secret = "whsec_double"  # noqa: S105  of the stand-in
        hook = settings.load().address + WEBHOOK_PATH
        click.echo(f"XINSHI_STRIPE_KEY=sk_test_double\nXINSHI_STRIPE_API={address}")
        click.echo(f"XINSHI_STRIPE_WEBHOOK_SECRETS={secret}")
        click.echo(f"→ {address}/  webhooks → {hook}", err=True)
        asyncio.run(serve(urls.owner_url, port, hook, secret))
