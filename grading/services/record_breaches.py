"""The sweep that puts to the agency what the record shows by itself. It proposes; a person decides."""

from agencies.rules import Profession
from contracts.queries.breaches import recorded_breaches
from contracts.rules.breaches import RecordedBreach
from core import clock, db
from core.db import transaction
from core.identity import SYSTEM
from grading.queries.schemes import rulebook_on
from grading.rules.record_breaches import ITEMS, LOOK_BACK, facts_of
from grading.services.conduct import FindingDraft, ProposalReceipt, propose
from grading.services.wording import local

SOURCE = "系统时钟与合同、成果记录"


async def sweep_record() -> int:
    """Propose every event of the last 30 days that was not proposed before; how many (scheme XT-2026.1, CP-0201 …).

    An event is taken once, by the unique constraint, and not at all where a person has brought it up already.
    """
    scheme = (await rulebook_on(clock.today())).scheme
    made = [
        await _propose(one) for one in await recorded_breaches(LOOK_BACK) if scheme.item(ITEMS[one.kind]) is not None
    ]
    return sum(one is not None for one in made)


async def _propose(one: RecordedBreach) -> ProposalReceipt | None:
    async with transaction():
        await db.execute("select pg_advisory_xact_lock(hashtext('conduct-swept'), hashtext($1))", one.event)
        if await db.value(
            "select exists (select 1 from grading_conduct_swept where event = $1)"
            " or exists (select 1 from grading_conduct where event = $1 and agency = $2)",
            one.event,
            one.agency_id,
        ):
            return None
        draft = FindingDraft(
            one.agency_id,
            Profession(one.profession),
            ITEMS[one.kind],
            one.event,
            clock.shanghai(one.at).date(),
            facts_of(one, local(one.at)),
            SOURCE,
        )
        receipt = await propose(SYSTEM, draft)
        await db.execute(
            "insert into grading_conduct_swept (event, conduct, swept_at) values ($1, $2, $3)",
            one.event,
            receipt.finding_id,
            clock.now(),
        )
    return receipt
