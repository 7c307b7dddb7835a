"""At publication and at every amendment: what the rules notice is explained, and both become public."""

from dataclasses import dataclass
from typing import Any

from core import clock, db, trail
from core.errors import FormInvalid, Message
from core.i18n import N_
from core.identity import Identity
from market.queries.flags import Warnings, fresh_warnings, warnings_for
from market.queries.notices import NoticeRow

SHORTEST_WORDS = 10


@dataclass(frozen=True)
class Explanations:
    """The client's public words on what was noticed; empty when nothing was."""

    split: str = ""
    conditions: str = ""


async def explain(actor: Identity, notice: NoticeRow, words: Explanations) -> None:
    """Keep what the rules noticed with the client's reasons, inside the publishing transaction.

    `FormInvalid` when something was noticed and not explained in at least ten characters.
    """
    await _explain(actor, notice, await warnings_for(notice), words)


async def explain_amended(actor: Identity, before: NoticeRow, after: NoticeRow, words: Explanations) -> None:
    """The same for what an amendment brings anew: no condition gets in unexplained by way of an amendment."""
    await _explain(actor, after, await fresh_warnings(before, after), words)


async def _explain(actor: Identity, notice: NoticeRow, found: Warnings, words: Explanations) -> None:
    errors = _missing(found, words)
    if errors:
        raise FormInvalid(errors)
    kept = _kept(found, words)
    if not kept:
        return
    now = clock.now()
    await db.execute_many(
        "insert into market_notice_flag (notice, kind, code, facts, words, raised_at) values ($1, $2, $3, $4, $5, $6)",
        [(notice.id, *line, now) for line in kept],
    )
    public = [{"kind": kind, "code": code, "facts": facts, "reason": said} for kind, code, facts, said in kept]
    await trail.record(actor, "notice.flagged", notice.subject, after={"flags": public}, threads=notice.threads)


def _missing(found: Warnings, words: Explanations) -> dict[str, Message]:
    errors = {}
    if found.split is not None and len(words.split.strip()) < SHORTEST_WORDS:
        errors["split_reason"] = Message(
            N_("近期同类公告合计已超过限额，请说明为什么分开采购（至少 %(n)s 个字，会公开）。"), {"n": SHORTEST_WORDS}
        )
    if found.conditions and len(words.conditions.strip()) < SHORTEST_WORDS:
        errors["conditions_reason"] = Message(
            N_("有条件可能过严，请修改，或者说明为什么需要（至少 %(n)s 个字，会公开）。"),
            {"n": SHORTEST_WORDS},
        )
    return errors


def _kept(found: Warnings, words: Explanations) -> list[tuple[str, str, dict[str, Any], str]]:
    lines = [("condition", flag.code, flag.as_json(), words.conditions.strip()) for flag in found.conditions]
    if found.split is not None:
        lines.insert(0, ("split", "split", found.split.as_json(), words.split.strip()))
    return lines
