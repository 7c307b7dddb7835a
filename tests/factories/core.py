"""People and organisations for tests."""

import itertools
import secrets
from datetime import timedelta

from stdnum.cn import uscc as standard

from core import accounts, clock, db, tokens
from core.identity import Identity, Role

_count = itertools.count(1)
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def credit_code() -> str:
    """A fresh valid credit code registered in Xintai, inner organisation code included."""
    serial = f"T{next(_count):07d}"
    body = "91370982" + serial + _inner_check(serial)
    return body + standard.calc_check_digit(body)


def _inner_check(serial: str) -> str:
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    values = [int(sign, 36) for sign in serial]
    rest = 11 - sum(w * v for w, v in zip(weights, values, strict=True)) % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


async def organization(
    name_zh: str | None = None, name_en: str = "", kind: str = "enterprise", uscc: str | None = None
) -> int:
    """An organisation with a credit code of its own."""
    number = next(_count)
    return await accounts.create_organization(
        uscc=uscc or credit_code(),
        name_zh=name_zh or f"新泰测试第{number}实业有限公司",
        name_en=name_en or f"Xintai Test {number} Co., Ltd.",
        region_code="370982",
        kind=kind,
    )


async def member(role: Role, organization_id: int | None = None, name: str = "测试员") -> Identity:
    """Somebody who acts in `role`, for a given or a new organisation."""
    organization_id = organization_id or await organization()
    login = f"user{next(_count)}.{secrets.token_hex(3)}"
    account_id = await accounts.create_account(login=login, name=name, password_hash="x")
    await accounts.add_membership(account_id=account_id, organization_id=organization_id, role=role)
    return await accounts.identity_of(login=login, role=role)


async def session_token(somebody: Identity) -> str:
    """A live session of an existing member."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    await db.execute(
        "insert into core_session (token_hash, account, membership, created_at, seen_at, expires_at,"
        " user_agent) select $1, m.account, m.id, $2, $2, $3, 'test' from core_membership m"
        " where m.account = $4 and m.organization = $5 and m.role = $6",
        accounts.digest(token),
        now,
        now + timedelta(hours=12),
        somebody.account_id,
        somebody.organization_id,
        somebody.role.value,
    )
    return token


async def bearer_token(somebody: Identity) -> str:
    """A live bearer token of an existing member."""
    return (await tokens.make_token(actor=somebody, label="测试")).token
