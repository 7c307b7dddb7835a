"""Filing the improvement plan that grade C asks for."""

from dataclasses import dataclass
from datetime import datetime

from agencies.queries import agency_of
from agencies.rules import Profession
from core import clock, db, trail
from core.db import transaction
from core.identity import Identity, Permission
from core.serials import next_number
from grading.queries.improvement import duties
from grading.rules.improvement import ImprovementDraft, NoPlanOwed

SERIES = "GJ"


@dataclass(frozen=True)
class ImprovementReceipt:
    """That the plan is on file, in time or late."""

    number: str
    late: bool
    at: datetime
    entry_id: int


async def file_improvement(*, actor: Identity, profession: Profession, draft: ImprovementDraft) -> ImprovementReceipt:
    """File the plan of the actor's own agency for a profession with grade C, once per row of C. Raises `NoPlanOwed`."""
    actor.require(Permission.COMMENT_GRADE)
    agency = await agency_of(actor.organization_id)
    if agency is None:
        raise NoPlanOwed
    async with transaction():
        await db.execute("select 1 from agencies_agency where id = $1 for update", agency.agency_id)
        owed = [one for one in await duties(agency.agency_id, profession) if one.owed]
        if not owed:
            raise NoPlanOwed
        duty, number, now = owed[0], await next_number(SERIES, clock.today()), clock.now()
        plan_id: int = await db.value(
            "insert into grading_improvement (number, report, agency, profession, measures, training, due_at, filed_by,"
            " filed_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id",
            number,
            duty.report_id,
            duty.agency_id,
            profession.value,
            draft.measures,
            draft.training,
            duty.due_at,
            actor.account_id,
            now,
        )
        entry = await trail.record(
            actor,
            "improvement.filed",
            f"improvement:{plan_id}",
            after={"number": number, "profession": profession.value, "due_at": duty.due_at, "late": now > duty.due_at},
            personal={"measures": draft.measures, "training": draft.training},
            threads=[f"agency:{duty.agency_id}"],
        )
    return ImprovementReceipt(number, now > duty.due_at, now, entry)
