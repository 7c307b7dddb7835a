"""What the credit grade changes in the market: bonds, tickets of a random draw, the order of the directory."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from agencies.queries import directory
from agencies.queries.directory import DirectoryFilter
from agencies.rules import CreditGrade, Profession
from app import wire
from core import clock
from core import db as sql
from market import content, services
from market.rules.bonds import performance_due
from market.rules.draw import FORMAT_1, DrawInputs
from market.rules.notices import SelectionMethod
from market.rules.selection import Entrant, SelectionFacts, lots_of
from tests.factories.agencies import make_agency, make_grade
from tests.factories.market import bid, make_notice, open_and_select

LAW, OLD = content.edition("XT-SEL-2026.1"), content.edition("XT-SEL-2024.1")
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("grade", "due"), [("A", "0.00"), ("B", "1230.00"), ("C", "2460.00"), ("D", "2460.00"), ("N", "1230.00")]
)
def test_the_grade_relieves_the_performance_bond(grade: str, due: str) -> None:
    assert performance_due(Decimal(5000), Decimal(24600), LAW, grade) == Decimal(due)
    assert performance_due(Decimal(1000), Decimal(24600), LAW, grade) == min(Decimal(1000), Decimal(due))
    assert performance_due(Decimal(5000), Decimal(24600), OLD, grade) == Decimal(5000) or OLD.bond.performance_most == 0


def entrants(grades: str) -> tuple[Entrant, ...]:
    return tuple(
        Entrant(n, n, f"91370982MAXT20{n:04d}", Decimal(100), 5, NOON, grade, None) for n, grade in enumerate(grades)
    )


def tickets(grades: str, draw: DrawInputs | None = None) -> list[int]:
    facts = SelectionFacts(
        SelectionMethod.RANDOM_DRAW,
        entrants(grades),
        1,
        draw,
        grade_lots={grade: rule.lots for grade, rule in LAW.grades.items()},
    )
    return list(lots_of(facts).values())


def test_a_better_grade_holds_more_tickets_and_equal_grades_the_same_chance() -> None:
    assert tickets("ABCN") == [3, 2, 1, 2]
    assert tickets("BBN") == [1, 1, 1], "in lowest terms: what is drawn among equals is as before"
    assert tickets("AA") == [1, 1]
    assert tickets("AB", DrawInputs("X", "0" * 64, "", "", format=FORMAT_1)) == [1, 1]


@pytest.mark.anyio
async def test_the_directory_puts_a_first_on_equal_terms_over_pages(db: None) -> None:
    made = [await make_agency() for _ in range(5)]
    for one, grade in zip(made, "BABCA", strict=True):
        await make_grade(one.agency_id, CreditGrade(grade))
    seen, after = [], None
    wanted = DirectoryFilter(profession=Profession.SURVEYING)
    while rows := await directory.listing(wanted, clock.today(), limit=2, after=after):
        seen += rows
        after = directory.cursor_key(rows[-1])
    grades = [row.grade for row in seen if row.agency_id in {one.agency_id for one in made}]
    assert grades[:2] == ["A", "A"]
    assert len({(row.agency_id, row.profession) for row in seen}) == len(seen)


@pytest.mark.anyio
async def test_an_a_agency_is_asked_for_no_performance_bond_and_the_trail_says_so(db: None) -> None:
    wire()
    made = await make_notice(performance_bond=Decimal("1500.00"))
    agency = await make_agency()
    await make_grade(agency.agency_id, CreditGrade.A, score="93.00")
    await bid(agency, made, "20000.00")
    await open_and_select(made)
    row = await made.row()
    assert row.display_until is not None
    with clock.at(row.display_until + timedelta(seconds=1)):
        await services.confirm_award(made.notice_id)
    assert await sql.value("select count(*) from market_bond") == 0
    (entry,) = await sql.rows("select payload from core_trail_entry where act = 'bond.relieved'")
    assert '"due":"0.00"' in str(entry["payload"]).replace(" ", "")
