"""The ground of a draw: frozen at the opening, completed by the public value from outside."""

from typing import Any

from core import clock, db, jobs, trail
from core.db import transaction
from core.identity import Identity, Permission
from core.keys import secret
from market import sealing
from market.queries.notices import NoticeRow, seal_of
from market.rules.draw import (
    FORMAT,
    Checkpoint,
    DrawInputs,
    Envelope,
    Ground,
    Outside,
    contributions_digest,
    lots_digest,
)
from market.rules.methods import NoOutsideValue
from market.rules.notices import NoticeAct, NoticeGone, NoticeState, Phase, SelectionMethod
from market.rules.selection import Entrant, SelectionFacts, lots_of
from market.services.cases import JOBS, lock_notice
from market.tables import DrawGround


async def freeze_ground(notice: NoticeRow) -> dict[str, Any]:
    """Freeze envelopes, contributions, lots, checkpoint and factors; what of it goes on the trail.

    Called by the opening, inside its transaction and before the draw's secret is read. Nothing for format 1.
    """
    seal = await seal_of(notice.id)
    if seal is None or seal.draw_format != FORMAT:
        return {}
    envelopes = await _envelopes(notice.id)
    lots = tuple(lots_of(method_facts(notice, await entrants_of(notice.id))).items())
    checkpoint = await _checkpoint_before(notice)
    factors = [str(each) for each in notice.law.average.factors] if _averages(notice) else []
    await DrawGround.insert(
        DrawGround(
            notice=notice.id,
            frozen_at=clock.now(),
            checkpoint_size=checkpoint.size,
            checkpoint_root=checkpoint.root,
            envelopes=[[each.digest, each.contribution] for each in envelopes],
            lots=dict(lots),
            factors=factors,
        )
    )
    return {
        "contributions_sha256": contributions_digest(envelopes),
        "lots": [count for _, count in lots],
        "lots_sha256": lots_digest(lots),
        "checkpoint": vars(checkpoint),
        "factors": factors,
    }


def _averages(notice: NoticeRow) -> bool:
    return notice.method is SelectionMethod.AVERAGE_PRICE


async def _envelopes(notice_id: int) -> tuple[Envelope, ...]:
    found = await db.rows(
        """select digest, coalesce(contribution, '') as contribution from market_bid
            where notice = $1 and state in ('entered', 'set-aside') order by digest collate "C" """,
        notice_id,
    )
    return tuple(Envelope(**dict(record)) for record in found)


async def _checkpoint_before(notice: NoticeRow) -> Checkpoint:
    row = await db.row(
        "select size, root from core_trail_checkpoint where published_at <= $1 order by size desc limit 1",
        notice.deadline,
    )
    return Checkpoint(row["size"], row["root"].hex()) if row and row["size"] else Checkpoint()


async def entrants_of(notice_id: int) -> tuple[Entrant, ...]:
    """The qualified entrants as the opening stored them, by credit code."""
    found = await db.rows(
        """select b.id as bid_id, b.agency as agency_id, a.uscc, b.amount, b.days, b.received_at,
                  b.grade, b.score
             from market_bid b join agencies_agency a on a.id = b.agency
            where b.notice = $1 and b.state = 'entered' order by a.uscc collate "C" """,
        notice_id,
    )
    return tuple(Entrant(**dict(record)) for record in found)


def method_facts(notice: NoticeRow, entrants: tuple[Entrant, ...], draw: DrawInputs | None = None) -> SelectionFacts:
    """The notice's method with the figures of its edition, over these entrants."""
    law = notice.law
    return SelectionFacts(
        notice.method,
        entrants,
        law.entrants(public=notice.fund_source.public_money),
        draw,
        law.average,
        law.credit,
        law.proposal,
        notice.short_list,
        grade_lots={grade: rule.lots for grade, rule in law.grades.items()},
    )


async def frozen_lots(notice_id: int) -> dict[str, int]:
    """The lots as frozen at the opening; empty for format 1."""
    found: dict[str, int] | None = await db.value("select lots from market_draw_ground where notice = $1", notice_id)
    return found or {}


async def draw_inputs(notice: NoticeRow) -> DrawInputs:
    """Everything the draw stands on; the one place where its secret is read."""
    row = await db.row(
        """select s.draw_secret, s.draw_format, s.draw_commitment, o.envelopes_digest,
                  g.checkpoint_size, g.checkpoint_root, g.envelopes, g.factors
             from market_seal s join market_opening o on o.notice = s.notice
             left join market_draw_ground g on g.notice = s.notice
            where s.notice = $1""",
        notice.id,
    )
    hidden = sealing.unwrap(secret("seal"), row["draw_secret"]).hex()
    ground = Ground()
    if row["draw_format"] == FORMAT:
        ground = Ground(
            tuple(Envelope(*pair) for pair in row["envelopes"]),
            Checkpoint(row["checkpoint_size"], row["checkpoint_root"]),
            Outside(notice.outside_source, notice.outside_value),
            tuple(row["factors"]),
        )
    fixed = (notice.number or "", hidden, row["draw_commitment"], row["envelopes_digest"])
    return DrawInputs(*fixed, ground, row["draw_format"])


async def record_outside_value(actor: Identity, *, notice_id: int, value: str, where: str) -> int:
    """Record the public value that the notice named, after its deadline; the draw waited for it.

    By the notice's client or a market supervisor; once. `where` says where it was read, for everybody to check.
    Returns the notice's id. Raises `NoticeGone` for strangers, `NoOutsideValue`.
    """
    async with transaction():
        notice = await lock_notice(notice_id)
        own = actor.organization_id == notice.client_id and actor.may(Permission.POST_NOTICE)
        if notice.state is NoticeState.DRAFT or not (own or actor.may(Permission.WATCH_MARKET)):
            raise NoticeGone
        if not notice.clock.awaits_outside or notice.phase not in {Phase.OPENING, Phase.SELECTING}:
            raise NoOutsideValue
        await db.execute(
            "update market_notice set outside_value = $2, version = version + 1 where id = $1", notice_id, value
        )
        public = {"source": notice.outside_source, "value": value, "where": where}
        await trail.record(actor, "draw.value_recorded", notice.subject, after=public, threads=notice.threads)
        if notice.state is NoticeState.OPENED:
            await jobs.defer(JOBS[NoticeAct.SELECT], {"notice_id": notice_id}, at=clock.now())
    return notice_id
