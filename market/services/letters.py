"""Letters of the later steps: to whom, and what they may not give away.

Nobody may learn who asked or who follows a notice with a bid in mind, and a letter in the outbox names its reader. So an
answer is told to *every* agency on record that offers the item, the asker among them, and to whoever has a saved search
that found the notice; never to the asker alone.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from agencies import queries as agencies
from core import clock, db, mail
from market.queries.notices import NoticeRow
from market.services.cases import letter


async def tell_answered(notice: NoticeRow, *, number: int, text: str, supplement: bool) -> None:
    """A question was answered, or the answer supplemented: all who may bid, and all who follow the notice."""
    found = await db.rows(
        """select m.account from core_membership m where m.organization = any($1) and m.ended_at is null
           union
           select s.account from market_search_hit h join market_saved_search s on s.id = h.search
            where h.notice = $2 and s.ended_at is null
           order by 1""",
        await agencies.offering(notice.item_code),
        notice.id,
    )
    told = letter(notice) | {
        "n": number,
        "answer": text,
        "supplement": supplement,
        "deadline": _moment(notice.deadline),
    }
    await mail.send_each(message="market/question_answered", letters=[(row["account"], told) for row in found])


async def tell_named(notice: NoticeRow, accounts: Sequence[int]) -> None:
    """Somebody was named to the panel; while it assesses, the letter says until when the scores are due."""
    told = letter(notice) | {"until": _moment(notice.decide_by) if notice.decide_by else ""}
    await mail.send_each(message="market/panel_named", letters=[(account, told) for account in accounts])


async def tell_scores_due(notice: NoticeRow, until: datetime) -> None:
    """The bids are open: every member of the panel is to declare its ties and to score until `until`."""
    seats = await db.rows(
        "select account from market_panel_seat where notice = $1 and ended_at is null order by number", notice.id
    )
    told = letter(notice) | {"until": _moment(until)}
    await mail.send_each(message="market/scores_due", letters=[(seat["account"], told) for seat in seats])


async def tell_short_list(notice: NoticeRow, *, count: int, until: datetime) -> None:
    """The short list is drawn: its owner picks until `until`, else the first drawn wins."""
    told: dict[str, Any] = letter(notice) | {"count": count, "until": _moment(until)}
    await mail.send(to_organization=notice.client_id, message="market/short_list_ready", context=told)


def _moment(at: datetime) -> str:
    return f"{clock.shanghai(at):%Y-%m-%d %H:%M}"
