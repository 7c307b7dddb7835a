"""A custodian hands its share over; with the last one needed, all envelopes are opened at once."""

from dataclasses import dataclass

from core import clock, db
from core.db import transaction
from core.errors import Message
from core.identity import Identity, Permission
from market import sealing
from market.rules.notices import NoticeAct, is_due
from market.rules.outages import HeldByOutage
from market.sealing import Holder
from market.services import custody
from market.services.cases import lock_notice
from market.services.opening import open_with
from market.services.outages import opening_held


@dataclass(frozen=True)
class ShareReceipt:
    """What a custodian gets for a share, and whether it was the last one needed."""

    notice_id: int
    holder: Holder
    opened: bool


async def release_share(actor: Identity, *, notice_id: int, key: str) -> ShareReceipt:
    """Unseal the actor's share with its custodian key, check it against its published fingerprint, and keep it.

    Raises `TooEarlyToOpen`, `HeldByOutage`, `ShareGone` for anybody who keeps none, `ShareHandedOver`,
    `ShareNotNeeded`, `NotAKey`, `WrongShare`.
    """
    actor.require(Permission.KEEP_OPENING_KEY)
    async with transaction():
        notice = await lock_notice(notice_id)
        row = await db.row(
            """select k.id, k.holder, k.sealed, k.released_at from market_key_share k
                 join market_custodian_key c on c.id = k.custodian_key
                where k.notice = $1 and c.organization = $2 and c.role = $3 for update of k""",
            notice_id,
            actor.organization_id,
            actor.role.value,
        )
        if row is None:
            raise custody.ShareGone
        holder = Holder(row["holder"])
        if clock.now() < notice.deadline:
            raise custody.TooEarlyToOpen(deadline=f"{clock.shanghai(notice.deadline):%Y-%m-%d %H:%M:%S}")
        if row["released_at"] is not None:
            raise custody.ShareHandedOver
        if not is_due(notice.clock, NoticeAct.OPEN, clock.now()):
            raise custody.ShareNotNeeded
        if await opening_held(notice):
            raise HeldByOutage
        share = _unsealed(key, row["sealed"], holder)
        await custody.keep_share(actor, notice, row["id"], holder, share)
        opened = await open_with(notice) and await _is_open(notice_id)
    return ShareReceipt(notice_id, holder, opened)


async def _is_open(notice_id: int) -> bool:
    """An opening that was due may also have failed."""
    opened: bool = await db.value("select exists (select from market_opening where notice = $1)", notice_id)
    return opened


def _unsealed(key: str, sealed: bytes, holder: Holder) -> sealing.Share:
    try:
        private = sealing.parse_key(key)
    except sealing.WrongKey as error:
        raise custody.NotAKey from error
    try:
        return sealing.unseal_share(private, sealed)
    except sealing.WrongKey as error:
        raise custody.WrongShare(holder=Message(custody.HOLDER_NAMES[holder])) from error
