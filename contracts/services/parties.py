"""Whose contract it is: rows are locked only for somebody they belong to; foreign means absent."""

from typing import Any

from contracts.rules.filing import Side, Terms
from core import db
from core.errors import NotFound
from core.identity import Identity, Role

_LOCK = (
    "select * from contracts_contract where id = $1"
    " and ($2::bigint is null or client = $2 or agency_organization = $2) for update"
)


async def lock_contract(actor: Identity, contract_id: int) -> Any:
    """The locked contract row for one of its parties (or the system); `NotFound` for others."""
    organization = None if actor.role is Role.SYSTEM else actor.organization_id
    row = await db.row(_LOCK, contract_id, organization)
    if row is None:
        raise NotFound
    return row


def side_of(actor: Identity, contract: Any) -> Side:
    """Which party the actor speaks for; `NotFound` when the role does not fit the organisation."""
    if actor.role is Role.CLIENT and contract["client"] == actor.organization_id:
        return Side.CLIENT
    if actor.role is Role.AGENCY and contract["agency_organization"] == actor.organization_id:
        return Side.AGENCY
    raise NotFound


def require_side(actor: Identity, contract: Any, side: Side) -> None:
    """`NotFound` unless the actor speaks for that party."""
    if side_of(actor, contract) is not side:
        raise NotFound


def threads(contract: Any) -> tuple[str, ...]:
    """The timelines on which everything about a contract stands."""
    return (
        f"contract:{contract['id']}",
        f"project:{contract['project']}",
        f"notice:{contract['notice']}",
        f"agency:{contract['agency']}",
    )


def terms_payload(terms: Terms) -> dict[str, Any]:
    """Terms as they stand in the trail."""
    return {
        "amount": terms.amount,
        "days": terms.days,
        "scope": terms.scope,
        "milestones": [[step.name, step.percent, step.days] for step in terms.milestones],
    }


def other_organization(actor: Identity, contract: Any) -> int:
    """The organisation on the other side, for mail."""
    both = {contract["client"], contract["agency_organization"]}
    return int(next(iter(both - {actor.organization_id}), contract["client"]))
