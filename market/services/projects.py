"""A client describes what it builds."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core import clock, db, trail
from core.db import transaction
from core.errors import StaleForm
from core.identity import Identity, Permission
from core.serials import next_number
from market.queries.projects import own_project
from market.rules.notices import FundSource


@dataclass(frozen=True)
class ProjectDraft:
    """What the client writes. `investment` in yuan."""

    title: str
    location: str
    description: str
    investment: Decimal
    fund_source: FundSource


@dataclass(frozen=True)
class ProjectReceipt:
    """That a project is on file."""

    project_id: int
    number: str


async def describe_project(actor: Identity, *, draft: ProjectDraft) -> ProjectReceipt:
    """Put a project on file. Raises `Forbidden` for anybody but a client."""
    actor.require(Permission.MANAGE_PROJECT)
    async with transaction():
        number = await next_number("XM", clock.today())
        project_id: int = await db.value(
            """insert into market_project (number, client, title, location, description,
                   investment, fund_source, version, created_by, created_at)
               values ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9) returning id""",
            number,
            actor.organization_id,
            draft.title,
            draft.location,
            draft.description,
            draft.investment,
            draft.fund_source.value,
            actor.account_id,
            clock.now(),
        )
        subject = f"project:{project_id}"
        await trail.record(actor, "project.described", subject, after=_facts(draft, number))
    return ProjectReceipt(project_id, number)


async def revise_project(actor: Identity, *, project_id: int, version: int, draft: ProjectDraft) -> ProjectReceipt:
    """Correct a project. `StaleForm` when somebody changed it since `version` was read."""
    actor.require(Permission.MANAGE_PROJECT)
    async with transaction():
        old = await own_project(project_id, actor)
        touched = await db.execute(
            """update market_project set title = $4, location = $5, description = $6,
                   investment = $7, fund_source = $8, version = version + 1
                where id = $1 and client = $2 and version = $3""",
            project_id,
            actor.organization_id,
            version,
            draft.title,
            draft.location,
            draft.description,
            draft.investment,
            draft.fund_source.value,
        )
        if not touched:
            raise StaleForm
        before = ProjectDraft(old.title, old.location, old.description, old.investment, old.fund_source)
        await trail.record(
            actor,
            "project.revised",
            f"project:{project_id}",
            before=_facts(before, old.number),
            after=_facts(draft, old.number),
        )
    return ProjectReceipt(project_id, old.number)


def _facts(draft: ProjectDraft, number: str) -> dict[str, Any]:
    return {
        "number": number,
        "title": draft.title,
        "location": draft.location,
        "investment": draft.investment,
        "fund_source": draft.fund_source.value,
        "description": draft.description,
    }
