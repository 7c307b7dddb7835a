"""At once when a review becomes final: what the agency's evidence says now. The grade itself waits for a person."""

from agencies.rules import Profession
from core import clock, db, trail
from core.identity import SYSTEM
from grading.queries.schemes import rulebook_on
from grading.rules.errors import AgencyUnknown
from grading.rules.replay import grade
from grading.services.runs import one_subject


async def review_final(agency_id: int, profession: str, deliverable_id: int) -> None:
    """A result has its final mark (handed to `contracts.services.REVIEWED`): measure its agency again.

    Runs in the transaction that makes the review final, with the scheme and table in force, for this agency and
    profession alone. An alarm that begins to sound goes on the trail: it orders an early check, it never grades.
    """
    today, trade = clock.today(), Profession(profession)
    rules = await rulebook_on(today)
    try:
        subject = await one_subject(agency_id, trade, today, rules)
    except AgencyUnknown:  # no longer on record in this profession: nothing to measure
        return
    found = grade(subject.evidence, rules.scheme, rules.calibration)
    sounded = await db.value(
        "select alarm from grading_live where agency = $1 and profession = $2", agency_id, trade.value
    )
    await db.execute(
        """insert into grading_live (agency, profession, as_of, deliverable, results, score, low, high, band, alarm, computed_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
           on conflict (agency, profession) do update set as_of = excluded.as_of, deliverable = excluded.deliverable,
             results = excluded.results, score = excluded.score, low = excluded.low, high = excluded.high,
             band = excluded.band, alarm = excluded.alarm, computed_at = excluded.computed_at""",
        *(agency_id, trade.value, today, deliverable_id, len(subject.evidence.cases)),
        *(found.score, found.low, found.high, found.band.value, found.alarm, clock.now()),
    )
    if found.alarm and not sounded:
        await trail.record(
            SYSTEM,
            "grade.alarmed",
            f"agency:{agency_id}",
            after={
                "profession": trade.value,
                "deliverable": deliverable_id,
                "low": found.alarm_low,
                "high": found.alarm_high,
                "score": found.score,
            },
        )
