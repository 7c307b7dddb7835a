"""Collecting the evidence of many agencies at once: a handful of queries, whatever their number."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import chain
from typing import Any

import agencies.queries as register
from agencies.queries import AgencyRow
from agencies.rules import CreditGrade, Profession, Standing
from contracts.queries import CaseEvidence, case_evidence
from core import clock, db
from grading.queries.inspections import orders_on
from grading.queries.records import GROUNDS, ground_of_row
from grading.queries.schemes import Rulebook
from grading.queries.supervision import predecessors
from grading.rules.conduct import ZEROS_D, complaint_counts, zero_terms
from grading.rules.corrections import Change, CorrectionKind, corrected
from grading.rules.ends import end_of, finding_record
from grading.rules.evidence import (
    Case,
    DirectGround,
    Evidence,
    Finding,
    PastGrade,
    Previous,
    Stars,
    in_order,
)
from grading.rules.months import add_months
from grading.rules.scheme import Scheme, TermRules, load_scheme

Key = tuple[int, Profession]

_FINDINGS = """
select f.id, f.agency, f.profession, f.code, f.points, f.event, f.decided_on, f.number, f.complaint, s.source,
  case when f.ended_on <= $2 then f.ended_on end as ended_on
from grading_conduct f join grading_scheme s on s.id = f.scheme
where f.state in ('upheld', 'repaired') and f.agency = any($1::bigint[]) and f.decided_on <= $2
"""
_PAST = """
select agency, profession, as_of, result, quality, band, score, sd
from grading_report
where state in ('published', 'superseded') and agency = any($1::bigint[]) and as_of <= $2
  and not exists (select 1 from grading_replacement x where x.report = grading_report.id)
order by as_of, published_at, id
"""


@dataclass(frozen=True)
class Subject:
    """One agency in one profession with its evidence on a day."""

    agency: AgencyRow
    profession: Profession
    prior_result: CreditGrade
    evidence: Evidence


async def gather(
    as_of: date, rules: Rulebook, *, agency_id: int | None = None, profession: Profession | None = None
) -> list[Subject]:
    """The evidence on `as_of` of every recorded agency and profession, or of the one asked for."""
    recorded = await register.recorded_agencies(profession)
    chosen = [one for one in recorded if agency_id in (None, one.agency_id) and one.recorded_on <= as_of]
    own = [one.agency_id for one in chosen]
    inherited = await predecessors(own, as_of)
    ids = sorted({*own, *chain.from_iterable(inherited.values())})
    standings = await _standings(chosen, as_of)
    months = rules.scheme.estimator.max_age_months
    cases = dict(await window_cases(as_of, months, agency_id, profession))
    for other in sorted(set(ids) - set(own)) if agency_id is not None else ():
        cases |= await window_cases(as_of, months, other, profession)
    conduct = await _conduct(ids, as_of)
    past = await _past(ids, as_of)
    changes = await changes_of(ids)
    found = [
        _subject(agency, trade, as_of, rules, standings, cases, conduct, past, inherited.get(agency.agency_id, ()))
        for agency in chosen
        for trade in map(Profession, agency.professions)
        if profession in (None, trade) and (trade, agency.agency_id) in standings
    ]
    return [replace(one, evidence=corrected(one.evidence, changes.get(one.agency.agency_id, ()))) for one in found]


async def changes_of(agency_ids: Sequence[int]) -> dict[int, list[Change]]:
    """What upheld objections have corrected in the evidence, by agency, in the order it was decided."""
    found: defaultdict[int, list[Change]] = defaultdict(list)
    for row in await db.rows(
        "select c.agency, c.kind, c.target, c.amount, coalesce(f.complaint, false) as complaint from grading_correction c"
        " left join grading_conduct f on f.id = c.target and c.kind = 'drop-finding'"
        " where c.agency = any($1::bigint[]) order by c.id",
        list(agency_ids),
    ):
        found[row["agency"]].append(Change(CorrectionKind(row["kind"]), row["target"], row["amount"], row["complaint"]))
    return found


async def _standings(agencies: Sequence[AgencyRow], as_of: date) -> dict[tuple[Profession, int], Standing]:
    by_trade: defaultdict[Profession, list[int]] = defaultdict(list)
    for agency in agencies:
        for trade in agency.professions:
            by_trade[Profession(trade)].append(agency.agency_id)
    found = {}
    for trade, ids in by_trade.items():
        for agency_id, standing in (await register.standings(ids, trade, as_of)).items():
            if standing.profession_recorded:
                found[trade, agency_id] = standing
    return found


async def window_cases(
    as_of: date, months: int, agency_id: int | None = None, profession: Profession | None = None
) -> Mapping[Key, list[Case]]:
    """Finally reviewed results of the window; what became final after `as_of` belongs to the next grade."""
    found: defaultdict[Key, list[Case]] = defaultdict(list)
    since = add_months(as_of, -months) + timedelta(days=1)
    for one in await case_evidence(agency_id, profession, since=since, until=as_of):
        found[one.agency_id, Profession(one.profession)].append(_case(one, as_of))
    return found


def _case(one: CaseEvidence, as_of: date) -> Case:
    return Case(
        deliverable_id=one.deliverable_id,
        title=one.title,
        client_id=one.client_id,
        reviewers=tuple(f"R-{reviewer:04d}" for reviewer in one.reviewer_ids),
        marks=one.technical_marks,
        technical=one.technical,
        vetoed=one.vetoed,
        punctuality=one.punctuality,
        filings=one.filings,
        finalised_on=clock.shanghai(one.finalised_at).date(),
        difficulty=one.difficulty,
        related=one.related,
        stars=_stars(one, as_of),
    )


def _stars(one: CaseEvidence, as_of: date) -> Stars | None:
    if one.stars is None:
        return None
    given_on = clock.shanghai(one.stars.filed_at).date()
    return Stars(one.stars.score, given_on) if given_on <= as_of else None


@dataclass(frozen=True)
class _Record:
    findings: Mapping[int, list[Any]]
    grounds: Mapping[int, list[Any]]
    ordered: set[tuple[int, str]]


async def _conduct(ids: Sequence[int], as_of: date) -> _Record:
    findings, grounds = (
        await db.rows(_FINDINGS, ids, as_of),
        await db.rows(GROUNDS + "where d.agency = any($2::bigint[]) and d.starts_on <= $1", as_of, ids),
    )
    return _Record(_by_agency(findings), _by_agency(grounds), await orders_on(ids, as_of))


def _by_agency(rows: Iterable[Any]) -> Mapping[int, list[Any]]:
    grouped: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row["agency"]].append(row)
    return grouped


async def _past(ids: Sequence[int], as_of: date) -> Mapping[Key, list[Any]]:
    grouped: defaultdict[Key, list[Any]] = defaultdict(list)
    for row in await db.rows(_PAST, ids, as_of):
        grouped[row["agency"], Profession(row["profession"])].append(row)
    return grouped


def _subject(
    agency: AgencyRow,
    trade: Profession,
    as_of: date,
    rules: Rulebook,
    standings: Mapping[tuple[Profession, int], Standing],
    cases: Mapping[Key, list[Case]],
    conduct: _Record,
    past: Mapping[Key, list[Any]],
    inherited: Sequence[int] = (),
) -> Subject:
    """Conduct and grade history of those an agency carries on count as its own; their results and marks do not."""
    standing = standings[trade, agency.agency_id]
    key = (agency.agency_id, trade)
    before = past.get(key, [])
    carried = (agency.agency_id, *inherited)
    earlier = [row for one in carried for row in past.get((one, trade), ())]
    terms = rules.scheme.terms
    until = standing.qualification_valid_until
    findings = [
        (_finding(row, rules.scheme), row["complaint"])
        for one in carried
        for row in conduct.findings.get(one, ())
        if _concerns(row, trade)
    ]
    evidence = Evidence(
        agency_id=agency.agency_id,
        profession=trade,
        as_of=as_of,
        scheme_digest=rules.scheme.digest,
        calibration_digest=rules.calibration.digest,
        registered_on=agency.recorded_on,
        certificate_until=until,
        certificate_valid=standing.qualified(as_of),
        cases=tuple(cases.get(key, ())),
        findings=tuple(finding for finding, _ in findings),
        grounds=(
            *(_ground(r, terms) for one in carried for r in conduct.grounds.get(one, ()) if _concerns(r, trade)),
            *(ground for one in inherited for ground in _by_zeros(cases.get((one, trade), ()), rules.scheme)),
        ),
        rectification_open=any((one, trade.value) in conduct.ordered for one in carried),
        upheld_complaints=sum(complaint and complaint_counts(one, as_of) for one, complaint in findings),
        rated_before=any(row["quality"] != CreditGrade.N for row in before),
        previous=previous_of(before[-1]) if before else None,
        history=history_of(earlier, as_of, rules.scheme.gates.no_low_grade_months),
    )
    prior = CreditGrade(before[-1]["result"]) if before else CreditGrade.N
    return Subject(agency, trade, prior, in_order(evidence))


def _concerns(row: Any, trade: Profession) -> bool:
    return row["profession"] in (None, trade.value)


def _finding(row: Any, scheme: Scheme) -> Finding:
    """A finding with its end under its own scheme, stated where `scheme`'s months alone would let it live longer."""
    record = finding_record(row["decided_on"], row["points"], row["ended_on"], load_scheme(row["source"]))
    ends, lapse = end_of(record).on, add_months(row["decided_on"], scheme.conduct.life_months)
    return Finding(
        id=row["id"],
        code=row["code"],
        points=row["points"],
        event=row["event"],
        decided_on=row["decided_on"],
        document_no=row["number"],
        ended_on=ends if ends < lapse else None,
    )


def _ground(row: Any, terms: TermRules) -> DirectGround:
    """A direct D as long as it counts: until the way back or a repair is granted, at the longest 36 months."""
    return DirectGround(row["code"], row["document_no"], row["starts_on"], end_of(ground_of_row(row, terms)).on)


def _by_zeros(cases: Sequence[Case], scheme: Scheme) -> list[DirectGround]:
    """The D that a predecessor earned by two zeroed results, as a ground of whoever carries it on."""
    zeros = [case.finalised_on for case in cases if case.vetoed]
    terms = zero_terms(zeros, scheme.terms, scheme.gates.no_zero_months)
    return [DirectGround(ZEROS_D, "", term.start, term.until) for term in terms]


def previous_of(row: Any) -> Previous:
    """What the next grade takes over from a published report."""
    return Previous(
        as_of=row["as_of"],
        band=CreditGrade(row["band"]),
        result=CreditGrade(row["result"]),
        score=row["score"],
        sd=row["sd"],
    )


def history_of(before: Sequence[Any], as_of: date, months: int) -> tuple[PastGrade, ...]:
    """The grades published in the months before, for the gate that looks at them."""
    since = add_months(as_of, -months)
    return tuple(PastGrade(row["as_of"], CreditGrade(row["result"])) for row in before if row["as_of"] > since)
