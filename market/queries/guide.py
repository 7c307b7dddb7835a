"""Reads of the project guide: what a project needs, the plan a client keeps, and how it goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from core import clock, db
from core.identity import Identity
from core.workdays import calendar
from market import content
from market.queries.catalogue import GUIDE_SQL, Guide, ItemRow
from market.queries.projects import own_project
from market.rules import guide as rules
from market.rules.catalogue import listed
from market.rules.guide import Course, Handling, Need, ProjectType, Question, Selection
from market.rules.reality import Facts, StepNow, compare


@dataclass(frozen=True)
class Answered:
    """A question with the answer it was given, and whether that answer is the default."""

    question: Question
    value: str
    assumed: bool


@dataclass(frozen=True)
class GuideResult:
    """What a project needs: items, order, working days, fees in yuan, papers."""

    project_type: ProjectType
    answers: tuple[Answered, ...]
    selection: Selection
    course: Course
    guides: Mapping[str, Guide]

    @property
    def needs(self) -> Mapping[str, Need]:
        """Why, by item."""
        return {each.item: each for each in self.selection.items}

    @cached_property
    def postable(self) -> list[Guide]:
        """The items that the owner orders, in the order of the course."""
        return [self.guides[step.item] for step in self.course.steps if self.guides[step.item].item.postable]

    @cached_property
    def fees(self) -> tuple[Decimal, Decimal]:
        """Reference fees of what the owner orders; what a department pays costs the owner nothing."""
        return rules.fees((each.item.fee_min, each.item.fee_max) for each in self.postable)

    @property
    def papers(self) -> list[tuple[str, list[ItemRow]]]:
        """Every paper once, in the reader's language, with the items that ask for it."""
        wanted = {step.item: self.guides[step.item].items("materials") for step in self.course.steps}
        return [(name, [self.guides[code].item for code in by]) for name, by in rules.papers(wanted)]

    @property
    def query(self) -> dict[str, str]:
        """The answers as they stand in an address."""
        given = {each.question.code: each.value for each in self.answers if not each.assumed}
        return {"type": self.project_type.code} | given


async def catalogue_guides() -> dict[str, Guide]:
    """The guides of the whole catalogue in force, by code: one query."""
    found = {}
    for record in await db.rows(GUIDE_SQL + " order by stage, code"):
        columns = dict(record)
        facts = columns.pop("guide")
        found[columns["code"]] = Guide(ItemRow(**columns), facts)
    return found


async def guide_result(type_code: str, answers: Mapping[str, str]) -> GuideResult:
    """What a project of this type needs under these answers; stores nothing. `ProjectTypeGone`."""
    book = content.rulebook()
    project_type = book.type(type_code)
    selection = rules.select(book, project_type, answers)
    guides = await catalogue_guides()
    days = {code: guides[code].item.promised_days for code in selection.codes if code in guides}
    before = {code: listed(each.facts["predecessors"]) for code, each in guides.items()}
    answered = tuple(
        Answered(each, selection.assumed.get(each.code, each.read(answers.get(each.code))), _is_assumed(each, answers))
        for each in book.relevant(project_type)
    )
    return GuideResult(project_type, answered, selection, rules.course(days, before), guides)


def _is_assumed(question: Question, answers: Mapping[str, str]) -> bool:
    return question.read(answers.get(question.code)) == rules.UNKNOWN


# --- the plan of a project --------------------------------------------------------------------


@dataclass(frozen=True)
class PlanRow:
    """The plan a client keeps. `items` carry code, item id, days and predecessors as they were when kept."""

    id: int
    project_id: int
    project_type: str
    answers: Mapping[str, str]
    items: list[dict[str, Any]]
    digest: str
    started_on: date
    version: int
    kept_at: datetime

    def course(self, have: frozenset[str] = frozenset()) -> Course:
        """The course of the plan; what is there already takes no time."""
        days = {each["code"]: 0 if each["code"] in have else each["days"] for each in self.items}
        return rules.course(days, {each["code"]: each["before"] for each in self.items})


@dataclass(frozen=True)
class ProjectCourse:
    """A plan beside what happened, with the items' names."""

    plan: PlanRow
    course: Course
    steps: list[StepNow]
    items: Mapping[str, ItemRow]
    handling: Mapping[str, Handling]
    today: int
    provisional: bool

    @property
    def late(self) -> int:
        """How many steps are behind."""
        return sum(step.late for step in self.steps)


async def plan_of(project_id: int, identity: Identity) -> PlanRow | None:
    """The plan of an own project, or None. A client's planning is its own until it posts a notice."""
    record = await db.row(
        """select g.id, g.project as project_id, g.project_type, g.answers, g.items, g.digest, g.started_on,
                  g.version, g.kept_at
             from market_project_plan g join market_project p on p.id = g.project
            where g.project = $1 and p.client = $2""",
        project_id,
        identity.organization_id,
    )
    return PlanRow(**dict(record)) if record else None


async def handling_of(project_id: int) -> dict[str, Handling]:
    """What the client does about each item, for those who have seen that the project is theirs."""
    found = await db.rows("select item_code, handling from market_project_item where project = $1", project_id)
    return {record["item_code"]: Handling(record["handling"]) for record in found}


async def project_facts(project_id: int) -> dict[str, Facts]:
    """What happened about each item of a project: its latest published notice that was not taken back."""
    found = await db.rows(
        """select distinct on (i.code) i.code, n.published_at, n.awarded_at, w.completed_at
             from market_notice n join market_service_item i on i.id = n.item
             left join market_award w on w.notice = n.id and w.state = 'confirmed'
            where n.project = $1 and n.state in ('published', 'opened', 'shortlisted', 'assessing', 'selected',
                                                 'awarded')
            order by i.code, n.id desc""",
        project_id,
    )
    return {
        record["code"]: Facts(_day(record["published_at"]), _day(record["awarded_at"]), _day(record["completed_at"]))
        for record in found
    }


def _day(moment: datetime | None) -> date | None:
    return clock.shanghai(moment).date() if moment else None


async def project_course(project_id: int, identity: Identity | None) -> ProjectCourse | None:
    """The plan of an own project beside what happened by today; None without a plan or for others."""
    plan = await plan_of(project_id, identity) if identity else None
    if plan is None:
        return None
    handling = await handling_of(project_id)
    have = frozenset(code for code, each in handling.items() if each is Handling.HAVE)
    course = plan.course(have)
    days = await calendar()
    items = await _items([each["item"] for each in plan.items])
    ordered = frozenset(code for code, item in items.items() if not item.postable)
    facts = await project_facts(project_id)
    today = clock.today()
    steps = compare(course, plan.started_on, facts, handling, ordered, calendar=days, today=today)
    last = days.add(plan.started_on, course.days)
    passed = max(0, days.count(plan.started_on, today))
    return ProjectCourse(plan, course, steps, items, handling, passed, days.is_provisional(last))


async def _items(ids: list[int]) -> dict[str, ItemRow]:
    sql = GUIDE_SQL.replace(", guide from", " from").replace("where superseded_at is null", "where id = any($1)")
    return {record["code"]: ItemRow(**dict(record)) for record in await db.rows(sql, ids)}


async def basket(project_id: int, identity: Identity) -> list[ItemRow]:
    """The items in the basket of an own project that may be posted; `ProjectGone` for others."""
    await own_project(project_id, identity)
    handling = await handling_of(project_id)
    wanted = [code for code, each in handling.items() if each is Handling.BASKET]
    guides = await catalogue_guides()
    return [each.item for code, each in guides.items() if code in wanted]
