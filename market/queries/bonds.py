"""Reads of bonds: what a notice asks, and where the money of each award stands."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core import db
from core.identity import Identity
from market.queries.notices import NoticeRow
from market.rules.bonds import (
    BOND_TITLES,
    RELEASES,
    RETURN_KIND,
    BondKind,
    BondState,
    Release,
    Standing,
    bond_key,
    bond_state,
)
from payments import queries as payables


@dataclass(frozen=True)
class BondRow:
    """A bond of one award. `payable_id` and `return_id` only for the two parties."""

    kind: BondKind
    agency_name_zh: str
    agency_name_en: str
    amount: Decimal
    state: BondState
    released_at: datetime | None
    release_reason: str
    payable_id: int | None
    return_id: int | None

    @property
    def title(self) -> str:
        """What kind of bond (msgid)."""
        return BOND_TITLES[self.kind]

    @property
    def why(self) -> str:
        """Why it is no longer needed (msgid); empty while it is."""
        return RELEASES[Release(self.release_reason)] if self.release_reason else ""


async def bonds_of(row: NoticeRow, identity: Identity | None) -> list[BondRow]:
    """The bonds of every award of a notice, oldest first; the amounts and states are public as the awards are."""
    found = await db.rows(
        """select b.award, b.kind, b.round, b.amount, b.released_at, b.release_reason, a.organization,
                  a.name_zh, a.name_en
             from market_bond b join market_award w on w.id = b.award
             join agencies_agency a on a.id = w.agency
            where w.notice = $1 order by b.id""",
        row.id,
    )
    keys = [bond_key(one["award"], one["round"]) for one in found]
    owed = {kind: await payables.payables_for(kind.value, keys) for kind in BondKind} if found else {}
    back_keys = [f"{one['kind']}:{key}" for one, key in zip(found, keys, strict=True)]
    back = await payables.payables_for(RETURN_KIND, back_keys) if found else {}
    rows = []
    for one, key, back_key in zip(found, keys, back_keys, strict=True):
        kind = BondKind(one["kind"])
        paying, returning = owed[kind].get(key), back.get(back_key)
        party = identity is not None and identity.organization_id in {row.client_id, one["organization"]}
        forfeited = paying is not None and paying.forfeited_at is not None
        standing = Standing(
            paying.state.value if paying else None,
            returning.state.value if returning else None,
            one["released_at"],
            forfeited,
        )
        rows.append(
            BondRow(
                kind,
                one["name_zh"],
                one["name_en"],
                one["amount"],
                bond_state(standing),
                one["released_at"],
                "" if forfeited else one["release_reason"],
                paying.id if paying and party else None,
                returning.id if returning and party else None,
            )
        )
    return rows
