"""The sweep that puts to the agency what the record shows by itself. It proposes; a person decides."""

from agencies.queries.outdated import outdated_certificates
from agencies.rules import Profession
from contracts.queries.breaches import recorded_breaches
from core import clock, db
from core.db import transaction
from core.identity import SYSTEM
from grading.queries.schemes import rulebook_on
from grading.rules.record_breaches import LOOK_BACK, Recorded, of_award, of_certificate, of_contract
from grading.services.conduct import FindingDraft, ProposalReceipt, propose
from grading.services.wording import local
from market.queries.declined import declined_awards

SOURCE = "系统时钟与机构档案、选取、合同、成果记录"


async def sweep_record() -> int:
    """Propose every event of the last 30 days that was not proposed before; how many (scheme XT-2026.1, CP-0201 …).

    An event is taken once, by the unique constraint, and not at all where a person has brought it up already.
    """
    scheme = (await rulebook_on(clock.today())).scheme
    found = [
        *(of_contract(one, local(one.at)) for one in await recorded_breaches(LOOK_BACK)),
        *(of_award(one, local(one.ended_at)) for one in await declined_awards(LOOK_BACK)),
        *(of_certificate(one, local(one.due_at)) for one in await outdated_certificates(LOOK_BACK)),
    ]
    made = [await _propose(one) for one in found if scheme.item(one.code) is not None]
    return sum(one is not None for one in made)


async def _propose(one: Recorded) -> ProposalReceipt | None:
    async with transaction():
        await db.execute("select pg_advisory_xact_lock(hashtext('conduct-swept'), hashtext($1))", one.event)
        if await db.value(
            "select exists (select 1 from grading_conduct_swept where event = $1)"
            " or exists (select 1 from grading_conduct where event = $1 and agency = $2)",
            one.event,
            one.agency_id,
        ):
            return None
        trade = Profession(one.profession) if one.profession else None
        day = clock.shanghai(one.at).date()
        receipt = await propose(SYSTEM, FindingDraft(one.agency_id, trade, one.code, one.event, day, one.facts, SOURCE))
        await db.execute(
            "insert into grading_conduct_swept (event, conduct, swept_at) values ($1, $2, $3)",
            one.event,
            receipt.finding_id,
            clock.now(),
        )
    return receipt
