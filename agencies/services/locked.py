"""What every act on a filing shares: lock, advance, stamp, receipt."""

from dataclasses import dataclass
from typing import Any

from agencies.queries.filings import COLUMNS, FilingRow, filing_row
from agencies.rules.filing import FilingNotFound, FilingState
from core import db
from core.errors import StaleForm
from core.identity import Identity

STAMPS = frozenset(
    {
        "draft",
        "defects",
        "returns",
        "submitted_at",
        "check_due_at",
        "returned_at",
        "noticed_at",
        "notice_until",
        "closed_at",
        "number",
        "receipt_number",
        "receipt_entry",
    }
)


@dataclass(frozen=True)
class FilingReceipt:
    """What an act on a filing leaves in the hand: the state reached and the trail entry."""

    filing_id: int
    state: FilingState
    version: int
    number: str | None
    entry_id: int
    receipt_number: str | None = None
    agency_id: int | None = None


async def own_locked(filing_id: int, actor: Identity, version: int | None = None) -> FilingRow:
    """The filing of the actor's own organisation, locked. `FilingNotFound`; `StaleForm` when the form was
    made from another version."""
    row = await db.row(
        COLUMNS + " where f.id = $1 and f.organization = $2 for update of f", filing_id, actor.organization_id
    )
    if row is None:
        raise FilingNotFound
    found = filing_row(row)
    if version is not None and version != found.version:
        raise StaleForm
    return found


async def any_locked(filing_id: int) -> FilingRow:
    """Any submitted filing, locked, for registrars and the clock; `FilingNotFound`."""
    row = await db.row(COLUMNS + " where f.id = $1 and f.state <> 'draft' for update of f", filing_id)
    if row is None:
        raise FilingNotFound
    return filing_row(row)


async def stamp(filing: FilingRow, state: FilingState, **facts: Any) -> int:
    """Write the new state with its dated facts; the new version."""
    unknown = set(facts) - STAMPS
    if unknown:
        raise ValueError(f"not a fact of a filing: {sorted(unknown)}")
    names = list(facts)
    places = "".join(f", {name} = ${place}" for place, name in enumerate(names, start=3))
    version: int = await db.value(
        f"update agencies_filing set state = $2, version = version + 1{places} where id = $1 returning version",  # noqa: S608  names come from STAMPS
        filing.id,
        state.value,
        *facts.values(),
    )
    return version


def threads_of(filing_id: int, organization_id: int) -> list[str]:
    """The threads of the trail in which a filing appears."""
    return [f"filing:{filing_id}", f"organization:{organization_id}"]
