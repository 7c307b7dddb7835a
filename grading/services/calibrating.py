"""Once a quarter: learn the table of corrections from all marks, publish it, freeze it."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from itertools import chain

import anyio

from core import clock, db, trail
from core.db import transaction
from core.identity import SYSTEM, Identity, Permission
from core.workdays import calendar
from grading.queries.schemes import rulebook_on
from grading.rules.calibration import load_calibration
from grading.rules.corrections import corrected_cases, overruled
from grading.rules.errors import CalibrationExists, DayAhead
from grading.rules.learning import NotEnoughMarks, learn, quarter_code
from grading.services.gathering import changes_of, window_cases


@dataclass(frozen=True)
class CalibrationReceipt:
    """That a table was published; the counts stand in the trail entry too."""

    code: str
    digest: str
    marks: int
    reviewers: int
    unlinked: int
    entry_id: int


async def publish_calibration(*, actor: Identity, as_of: date) -> CalibrationReceipt:
    """Learn the quarter's table from the marks final by `as_of`, publish and freeze it (grading.md §2).

    Upheld objections count: what they set aside teaches nothing, a replaced mark says nothing about its reviewer.
    Runs prepared from that day on use it; grades already drafted keep theirs. Raises `CalibrationExists` for the
    same quarter, `NotEnoughMarks` and `DayAhead`.
    """
    actor.require(Permission.RUN_GRADING)
    if as_of > clock.today():
        raise DayAhead(after="—", today=str(clock.today()))
    code = quarter_code(as_of)
    rules = await rulebook_on(as_of)
    cases = await window_cases(as_of, rules.scheme.estimator.max_age_months)
    changes = await changes_of(sorted({agency for agency, _ in cases}))
    held = {key: corrected_cases(given, changes.get(key[0], ())) for key, given in cases.items()}
    wrong = overruled(chain.from_iterable(changes.values()))
    learnt = await anyio.to_thread.run_sync(partial(learn, held, rules.scheme, as_of, code, wrong))
    table = load_calibration(learnt.text)
    async with transaction():
        row = await db.value(
            "insert into grading_calibration (code, digest, source, frozen_on, published_at)"
            " values ($1, $2, $3, $4, $5) on conflict do nothing returning id",
            *(code, table.digest, learnt.text, as_of, clock.now()),
        )
        if row is None:
            raise CalibrationExists(code=code)
        entry = await trail.record(
            actor,
            "calibration.published",
            f"calibration:{code}",
            after={
                "digest": table.digest,
                "marks": learnt.marks,
                "reviewers": learnt.reviewers,
                "unlinked": learnt.unlinked,
                "components": learnt.components,
            },
        )
    return CalibrationReceipt(code, table.digest, learnt.marks, learnt.reviewers, learnt.unlinked, entry)


async def calibrate_if_due() -> CalibrationReceipt | None:
    """The quarter's table by the clock: on or after the quarter's first working day, once."""
    today = clock.today()
    first = date(today.year, 3 * ((today.month - 1) // 3) + 1, 1)
    if (await calendar()).add(first - timedelta(days=1), 1) > today:
        return None
    if await db.value("select 1 from grading_calibration where code = $1", quarter_code(today)):
        return None
    try:
        return await publish_calibration(actor=SYSTEM, as_of=today)
    except (NotEnoughMarks, CalibrationExists):
        return None
