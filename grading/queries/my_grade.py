"""What the grades of one agency mean today: measures applied, counted against their limits."""

from dataclasses import dataclass
from decimal import Decimal

from agencies.queries import AgencyCard, FlagRow, agency_card, agency_of, flagged_staff
from agencies.rules import CreditGrade, Profession
from contracts.queries.deferred import open_promises
from contracts.rules.supervision import may_defer
from contracts.rules.supervision import supervision_on as review_rules_on
from core import clock
from core.errors import NotFound
from core.identity import Identity
from grading.queries.conduct import FindingView, findings, points_today
from grading.queries.improvement import Duty, duties
from grading.queries.inheritance import InheritanceView, in_force
from grading.queries.inspections import InspectionRow, inspections_of
from grading.queries.supervision import supervision_on
from grading.queries.way_back import GroundRow, WayBackView, grounds_of, way_backs
from grading.rules.consequences import Measures
from market.queries.awards import open_jobs


@dataclass(frozen=True)
class TradeMeaning:
    """One profession: its grade, what the grade changes, and where the agency stands."""

    profession: Profession
    grade: CreditGrade
    score: Decimal | None
    measures: Measures
    points: int
    open_jobs: int
    plan: Duty | None
    may_defer: bool


@dataclass(frozen=True)
class MyGrade:
    """Everything an agency needs to know about its standing."""

    card: AgencyCard
    trades: tuple[TradeMeaning, ...]
    findings: tuple[FindingView, ...]
    grounds: tuple[GroundRow, ...]
    way_backs: tuple[WayBackView, ...]
    carried: tuple[InheritanceView, ...]
    inspections: tuple[InspectionRow, ...]
    flags: tuple[FlagRow, ...]


async def my_grade(reader: Identity) -> MyGrade:
    """The standing of the reader's own agency; `NotFound` when it is none."""
    agency = await agency_of(reader.organization_id)
    if agency is None:
        raise NotFound
    card = await agency_card(agency.agency_id)
    jobs = (await open_jobs([agency.agency_id])).get(agency.agency_id, 0)
    own = [one for one in await findings(reader) if one.phase.value in {"live", "proposed"}]
    return MyGrade(
        card=card,
        trades=tuple([await _trade(card, Profession(one.profession), jobs) for one in card.cards]),
        findings=tuple(own),
        grounds=tuple(one for one in await grounds_of(agency.agency_id) if one.running),
        way_backs=tuple(await way_backs(reader)),
        carried=tuple(await in_force(agency.agency_id)),
        inspections=tuple(await inspections_of(agency.agency_id, reader)),
        flags=tuple(await flagged_staff(agency.agency_id)),
    )


async def _trade(card: AgencyCard, trade: Profession, jobs: int) -> TradeMeaning:
    shown = next(one for one in card.cards if one.profession == trade.value)
    grade = CreditGrade(shown.grade)
    points = await points_today(card.agency_id, trade)
    waiting = await open_promises(card.agency_id)
    law = review_rules_on(clock.today())
    plans = await duties(card.agency_id, trade)
    return TradeMeaning(
        profession=trade,
        grade=grade,
        score=shown.score,
        measures=(await supervision_on(clock.today())).grades[grade],
        points=points,
        open_jobs=jobs,
        plan=plans[0] if plans else None,
        may_defer=may_defer(grade.value, points=points, open_promises=waiting, law=law),
    )
