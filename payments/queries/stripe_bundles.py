"""Reads on bundles that are paid online: seen whole by their payer, and by whoever watches payments."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core import db
from core.identity import Identity, Permission
from payments.queries.payables import COLUMNS, PayableRow, payable_row
from payments.queries.stripe import ATTEMPT, AttemptRow, attempt_row
from payments.rules.stripe_bundle import BundleNotFound


@dataclass(frozen=True)
class PartRow:
    """One payable of a bundle and the attempt at it."""

    payable: PayableRow
    attempt: AttemptRow


@dataclass(frozen=True)
class BundleRow:
    """Several payables that are paid on one page of Stripe; `amount` in yuan."""

    id: int
    number: str
    payer_id: int
    amount: Decimal
    created_at: datetime
    parts: tuple[PartRow, ...]

    @property
    def attempt(self) -> AttemptRow:
        """The first attempt, whose key the page has: it says how the page stands."""
        return min((part.attempt for part in self.parts), key=lambda attempt: attempt.id)

    @property
    def excess(self) -> Decimal:
        """Yuan of what goes back because it had been paid otherwise."""
        return sum((part.attempt.yuan for part in self.parts if part.attempt.excess), Decimal(0))

    def is_payer(self, identity: Identity) -> bool:
        """Whether `identity` may pay it or give it up."""
        return identity.organization_id == self.payer_id and identity.may(Permission.PAY)


async def bundle(bundle_id: int, identity: Identity) -> BundleRow:
    """A bundle of one's own organisation that is paid online, or any for whoever watches payments; `BundleNotFound`."""
    found = await db.row(
        "select id, number, payer as payer_id, amount, created_at from payments_bundle where id = $1 and (payer = $2 or $3)",
        bundle_id,
        identity.organization_id,
        identity.may(Permission.WATCH_PAYMENTS),
    )
    attempts = [] if found is None else await db.rows(ATTEMPT + " where a.bundle = $1 order by a.payable", bundle_id)
    if not attempts:
        raise BundleNotFound
    rows = await db.rows(COLUMNS + " where p.id = any($1::bigint[])", [one["payable"] for one in attempts])
    payables = {row["id"]: payable_row(row) for row in rows}
    parts = tuple(PartRow(payables[one["payable"]], attempt_row(one)) for one in attempts)
    return BundleRow(**dict(found), parts=parts)
