"""Reads of projects."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core import db
from core.identity import Identity
from market.rules.notices import FundSource, ProjectGone

PROJECT_SQL = """
select p.id, p.number, p.title, p.location, p.description, p.investment, p.fund_source, p.version,
       p.created_at, p.client as client_id, o.name_zh as client_name_zh,
       o.name_en as client_name_en
  from market_project p join core_organization o on o.id = p.client
"""

IS_PUBLIC = "exists (select 1 from market_notice n where n.project = p.id and n.state <> 'draft')"


@dataclass(frozen=True)
class ProjectRow:
    """A project with its client. `investment` in yuan."""

    id: int
    number: str
    title: str
    location: str
    description: str
    investment: Decimal
    fund_source: FundSource
    version: int
    created_at: datetime
    client_id: int
    client_name_zh: str
    client_name_en: str


def project_row(record: Any) -> ProjectRow:
    """From a record of `PROJECT_SQL`."""
    columns = dict(record)
    return ProjectRow(**columns | {"fund_source": FundSource(columns["fund_source"])})


async def project(project_id: int, identity: Identity | None = None) -> ProjectRow:
    """A project: public once it has a published notice, before that its client's own."""
    record = await db.row(
        PROJECT_SQL + f" where p.id = $1 and (p.client = $2 or {IS_PUBLIC})",
        project_id,
        identity.organization_id if identity else None,
    )
    if record is None:
        raise ProjectGone
    return project_row(record)


async def own_project(project_id: int, identity: Identity) -> ProjectRow:
    """A project of the reader's own organisation, or `ProjectGone`."""
    record = await db.row(PROJECT_SQL + " where p.id = $1 and p.client = $2", project_id, identity.organization_id)
    if record is None:
        raise ProjectGone
    return project_row(record)


async def my_projects(identity: Identity, *, limit: int, before: int | None = None) -> list[ProjectRow]:
    """The client's projects, newest first; one more than `limit` tells that more follow."""
    found = await db.rows(
        PROJECT_SQL + " where p.client = $1 and ($2::bigint is null or p.id < $2) order by p.id desc limit $3",
        identity.organization_id,
        before,
        limit + 1,
    )
    return [project_row(record) for record in found]


async def public_projects(*, limit: int, before: int | None = None) -> list[ProjectRow]:
    """Projects that have a published notice, newest first."""
    found = await db.rows(
        PROJECT_SQL + f" where ($1::bigint is null or p.id < $1) and {IS_PUBLIC} order by p.id desc limit $2",
        before,
        limit + 1,
    )
    return [project_row(record) for record in found]
