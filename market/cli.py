"""`xinshi draw` and `xinshi custody`: check a draw file, make a custodian's key. Both work without a database."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from core import i18n
from core.settings import speak
from core.trail.proofs import disclosed
from market import sealing
from market.rules.draw import DrawRecord
from market.rules.draw_check import DrawFileFault, TrailFacts, check_against_trail, check_draw, read_draw

_EXISTING = click.Path(path_type=Path, dir_okay=False, exists=True)
NOT_SO, UNREADABLE = 1, 2
PLAN_ANNOUNCED, PLAN_DRAWN = "inspection-plan.announced", "inspection-plan.drawn"
"""A plan of random inspections is drawn in the same format; list and commitment are frozen in one act."""
PUBLISHED = ("notice.published", PLAN_ANNOUNCED)


@click.group("draw")
def draw() -> None:
    """Draws: verify a downloaded draw file."""
    i18n.set_language(speak("zh_Hans", "en"))


@draw.command()
@click.argument("file", type=_EXISTING)
@click.option("--trail", type=_EXISTING, help="A trail export: compares what was recorded before the draw.")
def verify(file: Path, trail: Path | None) -> None:
    """Recompute the draw in FILE (either format). Exit code 0: true, 1: not true, 2: not readable.

    With --trail the commitment at publication, the frozen digests of the opening and the outside value are compared
    with an export of the trail (`xinshi trail verify` checks the export itself).
    """
    try:
        record = check_draw(read_draw(file.read_text("utf-8")))
        if trail is not None:
            check_against_trail(record, trail_facts(trail, record.inputs.notice_number))
    except (ValueError, OSError) as error:
        click.echo(speak(f"读不出这个文件：{error}", f"This file cannot be read: {error}"), err=True)
        sys.exit(UNREADABLE)
    except DrawFileFault as fault:
        click.echo(speak(f"不成立：{fault}。", f"Not true: {fault}."), err=True)
        sys.exit(NOT_SO)
    click.echo(_sentence(record, trail is not None))
    for place, code in enumerate(record.order, start=1):
        click.echo(f"{place:4d}  {code}")


def _sentence(record: DrawRecord, compared: bool) -> str:
    notice, count = record.inputs.notice_number, len(record.order)
    factor = record.factor.candidate if record.factor else None
    zh = f"成立：公告 {notice} 的抽取（{record.inputs.format}）重算一致，共抽 {count} 家"
    en = f"True: the draw of notice {notice} ({record.inputs.format}) recomputes exactly, {count} drawn"
    if factor:
        zh, en = f"{zh}，系数 {factor}", f"{en}, factor {factor}"
    if compared:
        zh, en = f"{zh}；与留痕记录一致", f"{en}; it agrees with the trail"
    else:
        zh, en = f"{zh}；未对照留痕（用 --trail）", f"{en}; not compared with the trail (use --trail)"
    return speak(f"{zh}。", f"{en}.")


def trail_facts(export: Path, notice: str) -> TrailFacts:
    """What an export of the trail says about a notice's draw. ValueError when a line is not JSON."""
    found: dict[str, Mapping[str, Any]] = {}
    subject = None
    for line in export.read_text("utf-8").splitlines():
        act, about, after = _entry(json.loads(line))
        if act in PUBLISHED and after.get("number") == notice:
            subject = about
            found[act] = after
        elif act is not None and about is not None and about == subject:
            found[act] = after
    if plan := found.get(PLAN_ANNOUNCED):
        return TrailFacts(plan.get("draw_commitment"), plan, found.get(PLAN_DRAWN, {}).get("value"))
    return TrailFacts(
        found.get("notice.published", {}).get("draw_commitment"),
        found.get("notice.opened"),
        found.get("draw.value_recorded", {}).get("value"),
    )


def _entry(line: Mapping[str, Any]) -> tuple[str | None, str | None, Mapping[str, Any]]:
    try:
        entry = disclosed(line)
        head, body = entry.head.facts(), entry.body.facts()
    except (KeyError, TypeError, ValueError, AttributeError):
        return None, None, {}
    return head.get("act"), head.get("subject") or body.get("subject"), body.get("after") or {}


@click.group(name="custody")
def custody() -> None:
    """Keys of those who keep shares of opening keys."""


@custody.command(name="new-key")
def new_key() -> None:
    """Make a custodian key: keep the first line safe, register the second on the site. Needs no network."""
    pair = sealing.new_custodian_key()
    click.echo(pair.text)
    click.echo(pair.public.hex())


@custody.command(name="public")
@click.argument("key")
def public(key: str) -> None:
    """Print the public half of a custodian key, to compare it with the one on record."""
    try:
        click.echo(sealing.public_of(sealing.parse_key(key)).hex())
    except sealing.WrongKey:
        raise click.ClickException("this is not a whole custodian key (XINSHI-KEY-1-…)") from None
