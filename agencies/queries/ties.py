"""Who stands behind an agency and who worked for it: what the rules of recusal ask of the register.

Names and certificate numbers of persons leave this floor only inside `Ties`, for comparison; no page shows them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from agencies.rules.independence import RelationKind
from core import db

TIES = """
select a.id, a.organization, a.name_zh, a.name_en, a.uscc, a.controller,
  array(select p.certificate_no from agencies_practitioner p
        where p.agency = a.id and p.recorded_on <= $3 and (p.ended_on is null or p.ended_on >= $2)) as staff,
  (select jsonb_object_agg(x.certificate_no, x.last) from (
     select p.certificate_no, max(p.ended_on) as last from agencies_practitioner p
      where p.agency = a.id and p.ended_on <= $3 group by p.certificate_no) x) as former_staff,
  (select jsonb_agg(jsonb_build_object('kind', f.kind, 'target', f.target, 'left_on', f.left_on))
     from agencies_affiliation f where f.agency = a.id and f.bars and f.target_kind <> 'department'
      and f.recorded_on <= $3 and (f.ended_on is null or f.ended_on > $3)) as declared
from agencies_agency a where a.id = any($1::bigint[]) or a.organization = $4 order by a.id
"""


@dataclass(frozen=True)
class DeclaredTie:
    """A declared relation to an organisation, by credit code. `left_on` ends an earlier employment."""

    kind: RelationKind
    target: str
    left_on: date | None


@dataclass(frozen=True)
class Ties:
    """What binds an agency to others. `staff` are certificate numbers of everybody on its register at some
    time since the day asked for; `former_staff` tells when somebody left."""

    agency_id: int
    organization_id: int
    name_zh: str
    name_en: str
    uscc: str
    controller: str
    staff: frozenset[str]
    former_staff: dict[str, date]
    declared: tuple[DeclaredTie, ...]


async def ties(agency_ids: Iterable[int], *, since: date, on: date, organization_id: int = 0) -> dict[int, Ties]:
    """Ties by agency id on day `on`, and those of the agency that `organization_id` is on record as, if any.

    Staff counts who was on the register between `since` and `on`. One query; unknown ids are left out.
    """
    found = await db.rows(TIES, list(agency_ids), since, on, organization_id)
    return {row["id"]: _ties(row) for row in found}


def _ties(row: Any) -> Ties:
    return Ties(
        agency_id=row["id"],
        organization_id=row["organization"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        uscc=row["uscc"],
        controller=row["controller"],
        staff=frozenset(row["staff"]),
        former_staff={number: date.fromisoformat(last) for number, last in (row["former_staff"] or {}).items()},
        declared=tuple(
            DeclaredTie(
                RelationKind(one["kind"]),
                one["target"],
                date.fromisoformat(one["left_on"]) if one["left_on"] else None,
            )
            for one in (row["declared"] or ())
        ),
    )
