"""Selection: the notice's method over the frozen entrants, in a transaction of its own.

Idempotent: woken too early, too late or twice, it does what is due or nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core import clock, db, mail
from core.db import transaction
from core.keys import secret
from market import sealing
from market.queries.notices import NoticeRow
from market.rules.draw import DrawInputs
from market.rules.notices import NoticeAct, SelectionMethod, is_due
from market.rules.reasons import Reason, from_json
from market.rules.selection import Entrant, Selection, SelectionFacts, select
from market.services.awards import Chosen, announce
from market.services.cases import fail, letter, lock_notice


async def select_winner(notice_id: int) -> bool:
    """Apply the notice's method to the frozen entrants. False when there is nothing to select."""
    async with transaction():
        notice = await lock_notice(notice_id)
        if not is_due(notice.clock, NoticeAct.SELECT, clock.now()):
            return False
        entrants = await _entrants(notice_id)
        selection = select(await _facts(notice, entrants))
        if selection.winner is None:
            await fail(notice, selection.failure or Reason("nobody-left"))
            await _tell_failed(notice)
            return True
        await _keep(notice, selection)
        winner = selection.winner
        await announce(notice, Chosen.of(winner))
        await _tell_others(notice, winner.entrant.agency_id)
    return True


async def _facts(notice: NoticeRow, entrants: tuple[Entrant, ...]) -> SelectionFacts:
    draw = None
    if notice.method is not SelectionMethod.DIRECT:
        draw = await _draw_inputs(notice)
    public = notice.fund_source.public_money
    return SelectionFacts(notice.method, entrants, notice.law.entrants(public=public), draw)


async def _draw_inputs(notice: NoticeRow) -> DrawInputs:
    row = await db.row(
        """select s.draw_secret, s.draw_commitment, o.envelopes_digest
             from market_seal s join market_opening o on o.notice = s.notice
            where s.notice = $1""",
        notice.id,
    )
    hidden = sealing.unwrap(secret("seal"), row["draw_secret"]).hex()
    return DrawInputs(notice.number or "", hidden, row["draw_commitment"], row["envelopes_digest"])


async def _entrants(notice_id: int) -> tuple[Entrant, ...]:
    found = await db.rows(
        """select b.id as bid_id, b.agency as agency_id, a.uscc, b.amount, b.days, b.received_at,
                  b.grade, b.score
             from market_bid b join agencies_agency a on a.id = b.agency
            where b.notice = $1 and b.state = 'entered' order by a.uscc""",
        notice_id,
    )
    return tuple(Entrant(**dict(record)) for record in found)


async def _keep(notice: NoticeRow, selection: Selection) -> None:
    await db.execute_many(
        "update market_bid set place = $2, reasons = $3 where id = $1",
        [(ranked.entrant.bid_id, ranked.place, [ranked.reason.as_json()]) for ranked in selection.ranking],
    )
    await db.execute(
        "update market_opening set draw = $2, draw_decided = $3 where notice = $1",
        notice.id,
        selection.draw.as_json() if selection.draw else None,
        selection.draw_decided,
    )


async def _tell_failed(notice: NoticeRow) -> None:
    for bid in await _told(notice.id):
        await mail.send(
            to_organization=bid["organization"],
            message="market/selection_failed",
            context=letter(notice) | {"reasons": _sentences(bid["reasons"])},
        )


async def _tell_others(notice: NoticeRow, winner_id: int) -> None:
    """Losers and set-aside bidders learn why, in the same words as the result page."""
    for bid in await _told(notice.id):
        if bid["agency"] != winner_id:
            await mail.send(
                to_organization=bid["organization"],
                message="market/not_selected",
                context=letter(notice) | {"reasons": _sentences(bid["reasons"])},
            )


def _sentences(stored: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [from_json(each).as_letter() for each in stored]


async def _told(notice_id: int) -> Sequence[Any]:
    return await db.rows(
        """select b.agency, a.organization, b.reasons from market_bid b
             join agencies_agency a on a.id = b.agency where b.notice = $1 order by b.id""",
        notice_id,
    )
