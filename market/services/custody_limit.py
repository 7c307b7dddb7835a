"""How long an opening waits for its custodians: one reminder, then an end.

Any two shares of three open, and the escrow hands its own over by itself, so no single custodian can keep a market
closed. Should two of them fail, `edition.custody.open_within_wd` ends the waiting: the notice fails with its reason, its
envelopes stay closed for good, and the client may post again. Until the failing is recorded a share still opens.
"""

from collections.abc import Sequence
from typing import Any

from core import clock, db, mail, trail
from core.identity import SYSTEM
from market.queries.custody import last_day_begins, open_until
from market.queries.notices import NoticeRow
from market.rules.reasons import Reason
from market.services.cases import fail, letter


async def end_waiting(notice: NoticeRow) -> bool:
    """Fail a notice whose custodians had their time; remind them once when their last working day begins.

    True when it failed. Inside the caller's transaction, for a notice that is due, locked and not held by an outage.
    """
    missing = await _missing(notice.id)
    until = await open_until(notice)
    if clock.now() < until:
        if clock.now() >= await last_day_begins(notice):
            await _remind(notice, missing)
        return False
    reason = Reason("shares-missing", {"days": notice.law.custody.open_within_wd})
    after = {"until": until, "missing": [row["holder"] for row in missing]}
    await trail.record(SYSTEM, "opening.lapsed", notice.subject, after=after, threads=notice.threads)
    await fail(notice, reason)
    others = [one for one in _keepers(missing) if one != notice.client_id]
    told = letter(notice) | {"reasons": [reason.as_letter()]}
    await mail.send(to_organizations=others, message="market/selection_failed", context=told)
    return True


async def _missing(notice_id: int) -> Sequence[Any]:
    """Who has not handed its share over; a share that is lost counts as well."""
    return await db.rows(
        """select k.holder, c.organization, k.released_at from market_key_share k
             left join market_custodian_key c on c.id = k.custodian_key
            where k.notice = $1 and k.released is null order by k.number""",
        notice_id,
    )


def _keepers(missing: Sequence[Any]) -> list[int]:
    return [row["organization"] for row in missing if row["organization"] is not None]


async def _remind(notice: NoticeRow, missing: Sequence[Any]) -> None:
    act = "shares.reminded"
    if await db.value(
        "select exists (select from core_trail_entry where subject = $1 and act = $2)", notice.subject, act
    ):
        return
    until = await open_until(notice)
    after = {"until": until, "missing": [row["holder"] for row in missing]}
    await trail.record(SYSTEM, act, notice.subject, after=after, threads=notice.threads)
    told = letter(notice) | {"until": f"{clock.shanghai(until):%Y-%m-%d %H:%M}"}
    await mail.send(to_organizations=_keepers(missing), message="market/share_overdue", context=told)
