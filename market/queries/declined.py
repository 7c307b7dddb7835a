"""Awards that their winners gave up before confirmation: a fact of the record, not yet a judgement."""

from datetime import timedelta

from core import clock, db
from market.rules.declined import DeclinedAward


async def declined_awards(within: timedelta) -> list[DeclinedAward]:
    """Those of so much time up to now, oldest first. A direct offer that was not accepted never was an award."""
    now = clock.now()
    found = await db.rows(
        "select w.id, w.agency, i.profession, n.number, p.title, w.ended_at from market_award w"
        " join market_notice n on n.id = w.notice join market_service_item i on i.id = n.item"
        " join market_project p on p.id = n.project"
        " where w.state = 'declined' and w.ended_at > $1 and w.ended_at <= $2 order by w.ended_at, w.id",
        now - within,
        now,
    )
    return [DeclinedAward(*row.values()) for row in found]
