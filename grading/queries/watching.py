"""Reads the frames that watching and signals are computed from, and computes them in a thread."""

from collections.abc import Callable
from datetime import date, timedelta
from math import sqrt
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from agencies.rules.control import NOBODY, plain_name
from contracts.queries import case_evidence
from contracts.queries.watching import evaluation_requests, expert_marks, signed_contracts
from core import clock, db
from core.money import half_up
from grading.queries.schemes import Rulebook, rulebook_on
from grading.rules.case_mark import combine
from grading.rules.months import add_months

if TYPE_CHECKING:
    from grading.watching.figures import Figure
    from grading.watching.frames import Frames

T = TypeVar("T")
WINDOW_MONTHS = 36
_GRADES = """
select r.id as report, r.agency, r.profession, r.as_of, n.kind = 'monthly' as monthly, r.result, r.quality <> 'N' as rated, r.firm,
       r.comment <> '' or exists (select 1 from grading_objection o where o.report = r.id and o.lodged_at <= $3)
         as contested, r.score, r.sd, a.region_code as region, a.staff_total as staff
from grading_report r
join grading_run n on n.id = r.run
join agencies_agency a on a.id = r.agency
where r.state in ('published', 'superseded') and r.as_of >= $1 and r.as_of <= $2 order by r.as_of, r.id
"""
_APPEALS = """
select o.id as objection, (o.lodged_at at time zone 'Asia/Shanghai')::date as lodged,
       case when o.closed_at <= $2 then (o.closed_at at time zone 'Asia/Shanghai')::date end as closed,
       coalesce(o.contested_at <= $2, false) as panel, o.state in ('upheld', 'upheld-on-review') as won,
       o.state = 'withdrawn' as withdrawn
from grading_objection o where o.lodged_at > $1 and o.lodged_at <= $2 order by o.id
"""
_CONTROLLERS = "select organization, controller from agencies_agency"
_STAFF = """
select distinct a.organization, p.certificate_no as value
from agencies_practitioner p join agencies_agency a on a.id = p.agency
where p.recorded_on <= $2 and (p.ended_on is null or p.ended_on >= $1)
"""
_ACCOUNTS = """
select distinct organization, account from core_membership
where role in ('client', 'agency', 'reviewer') and created_at <= $2 and (ended_at is null or ended_at >= $1)
"""
_DEVICES = """
select distinct a.organization, b.origin->>'address' as value
from market_bid b join agencies_agency a on a.id = b.agency
where b.origin->>'address' is not null and b.received_at >= $1 and b.received_at <= $2
"""


def alias(reviewer_id: int) -> str:
    """How the evidence of a grade and the table of severities name a reviewer."""
    return f"R-{reviewer_id:04d}"


async def frames(until: date | None = None) -> "Frames":
    """Everything of the last 36 months that watching looks at, as known at the end of `until`."""
    day = until or clock.today()
    since = add_months(day, -WINDOW_MONTHS) + timedelta(days=1)
    start, end = clock.end_of_day(since - timedelta(days=1)), clock.end_of_day(day)
    rules = await rulebook_on(day)
    read = {
        "marks": [
            {**row, "mark": float(row["mark"]), "alias": alias(row["reviewer"])}
            for row in await expert_marks(since, day)
        ],
        "cases": await _cases(since, day, rules),
        "grades": [
            {**row, "score": float(row["score"]), "sd": float(row["sd"])}
            for row in await db.rows(_GRADES, since, day, end)
        ],
        "stars": [
            {**row, "level": float("nan") if row["level"] is None else float(row["level"])}
            for row in await evaluation_requests(since, day)
        ],
        "deals": [dict(row) for row in await signed_contracts(since, day)],
        "appeals": [dict(row) for row in await db.rows(_APPEALS, start, end)],
        "ties": await _ties(since, day),
    }
    return await anyio.to_thread.run_sync(_frames, day, read, sqrt(rules.calibration.error_variance))


def _frames(day: date, read: dict[str, list[Any]], error_sd: float) -> "Frames":
    from grading.watching.frames import Frames

    return Frames.of(day, **read, error_sd=error_sd)


async def _cases(since: date, until: date, rules: Rulebook) -> list[dict[str, Any]]:
    """Case marks as the table in force corrects them; vetoed results stay out of the figures."""
    corrections = rules.calibration.corrections(rules.scheme)
    rows = []
    for one in await case_evidence(since=since, until=until):
        if one.vetoed:
            continue
        added = corrections.reviewer(tuple(alias(reviewer) for reviewer in one.reviewer_ids))
        technical = half_up(one.technical + added + corrections.project(one.difficulty))
        value = combine(technical, one.punctuality, one.filings, rules.scheme.weights)
        rows.append(
            {
                "deliverable": one.deliverable_id,
                "agency": one.agency_id,
                "profession": one.profession,
                "client": one.client_id,
                "contract": one.contract_id,
                "value": float(value),
                "stars": float(one.stars.score) if one.stars else float("nan"),
                "day": clock.shanghai(one.finalised_at).date(),
            }
        )
    return rows


async def _ties(since: date, until: date) -> list[dict[str, Any]]:
    """What organisations have in common. No name and no address leaves this function: values are only compared."""
    rows = []
    for row in await db.rows(_CONTROLLERS):
        name = plain_name(row["controller"])
        if name not in NOBODY:
            rows.append({"kind": "controller", "value": name, "organization": row["organization"]})
    start, end = clock.end_of_day(since - timedelta(days=1)), clock.end_of_day(until)
    for kind, sql, bounds in (("staff", _STAFF, (since, until)), ("device", _DEVICES, (start, end))):
        rows += [
            {"kind": kind, "value": row["value"], "organization": row["organization"]}
            for row in await db.rows(sql, *bounds)
        ]
    rows += [
        {"kind": "account", "value": str(row["account"]), "organization": row["organization"]}
        for row in await db.rows(_ACCOUNTS, start, end)
    ]
    return rows


async def in_thread(compute: Callable[["Frames"], T], until: date | None = None) -> T:
    """Read the frames and compute with them, away from the event loop."""
    read = await frames(until)
    return await anyio.to_thread.run_sync(compute, read)


_FINGERPRINT = """
select (select max(id) from grading_report where state in ('published', 'superseded')),
       (select count(*) from contracts_review where state = 'final'),
       (select count(*) from contracts_evaluation where client_filed_at is not null),
       (select max(id) from grading_calibration), (select max(id) from grading_scheme),
       (select count(*) from grading_report where comment <> ''),
       (select count(*) from grading_objection), (select count(*) from grading_objection where closed_at is not null),
       current_database()
"""
_REGIONS = (
    "select distinct on (region_code) region_code, region_zh, region_en from agencies_agency order by region_code, id"
)
_kept: dict[tuple[Any, ...], dict[str, "Figure"]] = {}


async def figures(until: date | None = None) -> dict[str, "Figure"]:
    """All figures by code. Computed anew only when a grade, a review or an evaluation has come in since."""
    from grading.watching.figures import compute

    day = until or clock.today()
    key = (day, *await db.row(_FINGERPRINT))
    if key not in _kept:
        made = await in_thread(compute, day)
        _kept.clear()
        _kept[key] = made
    return _kept[key]


async def region_names() -> dict[str, tuple[str, str]]:
    """The regions of agencies by code, in Chinese and English."""
    return {
        row["region_code"]: (row["region_zh"], row["region_en"] or row["region_zh"]) for row in await db.rows(_REGIONS)
    }
