"""What every act on a review starts and ends with: lock it, know its contract, leave a receipt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from contracts.rules.reviews import AssignmentState, Finding, ReviewState
from contracts.rules.sheets import Mark, VetoFinding
from core import clock, db
from core.errors import NotFound
from core.identity import Identity


@dataclass(frozen=True)
class SheetFilled:
    """A review sheet as filled in so far."""

    marks: Mapping[str, Mark]
    vetoes: Sequence[VetoFinding]
    summary: str = ""


@dataclass(frozen=True)
class ReviewReceipt:
    """What an act on a review or assignment leaves behind."""

    review_id: int
    number: str
    state: ReviewState
    at: datetime
    entry_id: int | None
    version: int = 0
    points: Decimal | None = None


async def lock_review(review_id: int | None) -> Any:
    row = await db.row("select * from contracts_review where id = $1 for update", review_id)
    if row is None:
        raise NotFound
    return row


_ASSIGNMENT = (
    "select a.* from contracts_assignment a join contracts_reviewer r on r.id = a.reviewer"
    " where a.id = $1 and r.account = $2 for update of a"
)


async def lock_assignment(actor: Identity, assignment_id: int) -> tuple[Any, Any]:
    """Review first, then assignment; `NotFound` for anybody but the reviewer who was drawn."""
    review_id = await db.value("select review from contracts_assignment where id = $1", assignment_id)
    review = await lock_review(review_id)
    assignment = await db.row(_ASSIGNMENT, assignment_id, actor.account_id)
    if assignment is None:
        raise NotFound
    return review, assignment


async def findings(review_id: int) -> list[tuple[AssignmentState, Finding]]:
    found = await db.rows(
        "select state, points, vetoes from contracts_assignment"
        " where review = $1 and state in ('assigned', 'submitted') order by seat",
        review_id,
    )
    return [(AssignmentState(row["state"]), Finding(row["points"], bool(row["vetoes"]))) for row in found]


async def contract_of(review: Any) -> Any:
    return await db.row(
        "select c.id, c.project, c.agency, c.profession, c.client, c.agency_organization, d.id as deliverable"
        " from contracts_deliverable d join contracts_contract c on c.id = d.contract"
        " where d.id = $1",
        review["deliverable"],
    )


def threads(contract: Any) -> tuple[str, ...]:
    return (
        f"deliverable:{contract['deliverable']}",
        f"contract:{contract['id']}",
        f"project:{contract['project']}",
        f"agency:{contract['agency']}",
    )


def receipt(
    review: Any,
    entry: int | None,
    version: int = 0,
    points: Decimal | None = None,
    state: ReviewState | None = None,
) -> ReviewReceipt:
    return ReviewReceipt(
        review["id"],
        review["number"],
        state or ReviewState(review["state"]),
        clock.now(),
        entry,
        version,
        points,
    )
