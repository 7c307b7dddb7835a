"""What would move a grade, and where it lies among its profession."""

from dataclasses import dataclass
from typing import Any

import anyio

from core import clock, db
from core.i18n import _
from grading.queries.reports import ReportView
from grading.queries.schemes import rulebook_on
from grading.rules.outlook import Outlook, outlook

WIDTH = 5
LOWEST = 50
TOP = 100
MOST_KEPT = 500
_kept: dict[tuple[str, str, str], Outlook] = {}
"""Outlooks by what they were computed from: a second of work, the same for every reader."""
_BINS = """
select greatest($3, least($4, (floor(r.score / 5) * 5)::int)) as low, count(*) as number,
       count(*) filter (where r.score > $2) as better
from grading_report r where r.profession = $1 and r.state = 'published' and r.quality <> 'N' group by 1
"""


@dataclass(frozen=True)
class Spread:
    """The published scores of a profession in steps of five points; `rank` is None when not rated."""

    rated: int
    unrated: int
    rank: int | None
    chart: dict[str, Any]


async def ahead_of(view: ReportView) -> Outlook | None:
    """What would move the grade, for those who see its cases; None for everybody else and for old grades."""
    if not view.full or view.superseded:
        return None
    rules = await rulebook_on(clock.today())
    key = (view.outcome_digest, rules.scheme.digest, rules.calibration.digest)
    if key not in _kept:
        made = await anyio.to_thread.run_sync(outlook, view.evidence, view.outcome, rules.scheme, rules.calibration)
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        _kept[key] = made
    return _kept[key]


async def spread(view: ReportView) -> Spread:
    """Where the published score lies among all of the profession; counts only, no names."""
    rows = await db.rows(_BINS, view.profession.value, view.outcome.score, LOWEST - WIDTH, TOP - WIDTH)
    unrated = await db.value(
        "select count(*) from grading_report where profession = $1 and state = 'published' and quality = 'N'",
        view.profession.value,
    )
    counts = {row["low"]: row["number"] for row in rows}
    lows = list(range(LOWEST - WIDTH, TOP, WIDTH))
    own = min(TOP - WIDTH, max(LOWEST - WIDTH, int(view.outcome.score) // WIDTH * WIDTH))
    mine = _("本机构")
    below = _("%(n)s 以下") % {"n": LOWEST}
    return Spread(
        rated=sum(counts.values()),
        unrated=unrated,
        rank=sum(row["better"] for row in rows) + 1 if view.rated else None,
        chart={
            "labels": [below if low < LOWEST else f"{low}–{low + WIDTH}" for low in lows],
            "counts": [counts.get(low, 0) for low in lows],
            "own": lows.index(own) if view.rated else -1,
            "mine": f"{counts.get(own, 0)}\n{mine}",
        },
    )
