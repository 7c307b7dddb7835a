"""Bearer tokens: with one, a program speaks for its organisation in its maker's role."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import clock, db, trail
from core.accounts import digest
from core.db import transaction
from core.errors import NotFound
from core.identity import Identity, Permission

TOKEN_DAYS = 365


@dataclass(frozen=True)
class NewToken:
    """A bearer token, shown this once."""

    token_id: int
    token: str
    expires_at: datetime


async def make_token(*, actor: Identity, label: str) -> NewToken:
    """A bearer token that speaks for the actor's organisation in the actor's role."""
    actor.require(Permission.MAKE_TOKEN)
    token = "xs_" + secrets.token_urlsafe(32)
    now = clock.now()
    expires_at = now + timedelta(days=TOKEN_DAYS)
    async with transaction():
        token_id: int | None = await db.value(
            "insert into core_api_token (token_hash, label, account, membership, created_at, expires_at)"
            " select $1, $2, m.account, m.id, $3, $4 from core_membership m"
            " where m.account = $5 and m.organization = $6 and m.role = $7 and m.ended_at is null"
            " returning id",
            digest(token),
            label,
            now,
            expires_at,
            actor.account_id,
            actor.organization_id,
            actor.role.value,
        )
        if token_id is None:
            raise NotFound
        await trail.record(actor, "token.made", f"token:{token_id}", after={"label": label})
    return NewToken(token_id, token, expires_at)


async def tokens(actor: Identity) -> list[dict[str, object]]:
    """The actor's own bearer tokens, without the secrets."""
    found = await db.rows(
        "select t.id, t.label, t.created_at, t.expires_at, t.ended_at from core_api_token t"
        " where t.account = $1 order by t.id desc",
        actor.account_id,
    )
    return [dict(row) for row in found]


async def end_token(*, actor: Identity, token_id: int) -> None:
    """Revoke one of one's own tokens."""
    async with transaction():
        ended = await db.execute(
            "update core_api_token set ended_at = $3 where id = $1 and account = $2 and ended_at is null",
            token_id,
            actor.account_id,
            clock.now(),
        )
        if not ended:
            raise NotFound
        await trail.record(actor, "token.ended", f"token:{token_id}")
