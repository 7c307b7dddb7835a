"""The second reviewer of a result is one whom nothing linked to the first yet; work stays even, the lot can be checked."""

import pytest
from hypothesis import given as each
from hypothesis import strategies as st

from agencies.rules import CreditGrade, Profession
from agencies.services import GradeFigures
from contracts import services
from contracts.queries import COMPONENTS, LIVE_POINTS, review
from contracts.queries.deferred import points_today
from contracts.rules import reviews as rules
from contracts.rules.reviews import CONNECTED, Candidate
from core import db
from core.identity import Role
from tests.factories import contracts as given
from tests.factories import core as make
from tests.factories.agencies import make_grade

IDS = st.integers(1, 12)
POOLS = st.lists(st.tuples(IDS, st.integers(0, 3)), min_size=1, unique_by=lambda one: one[0])


@each(POOLS, st.one_of(st.none(), IDS), st.dictionaries(IDS, st.integers(0, 3)))
def test_only_the_least_loaded_are_drawn_and_somebody_always(
    loads: list[tuple[int, int]], seated: int | None, component: dict[int, int]
) -> None:
    fair = rules.fair_pool([Candidate(one, "", load) for one, load in loads])
    pool = rules.prefer_joining(fair, seated, component)
    assert pool
    assert set(pool) <= set(fair)
    here = component.get(seated) if seated else None
    joins = [one for one in fair if here is None or component.get(one) != here]
    assert list(pool) == (joins or list(fair))
    assert rules.draw("s", pool) == rules.draw("s", pool)


@pytest.mark.anyio
@pytest.mark.usefixtures("db")
async def test_the_second_seat_joins_two_components() -> None:
    found = list(await given.make_reviewers(6))
    first, *_ = found

    async def components() -> dict[int, int]:
        return {one: 1 if n < 5 else 2 for n, one in enumerate(found)}

    COMPONENTS.supply(components)
    made = await given.make_filed("240000.00")
    receipt = await given.accept(made)
    seats = await db.rows("select * from contracts_assignment where review = $1 order by seat", receipt.review_id)
    linked, by_component = [row["reviewer"] for row in seats], await components()
    assert {by_component[one] for one in linked} == {1, 2}
    lot = seats[1]
    assert rules.draw(lot["lot_seed"], lot["lot_pool"]).picked == lot["reviewer"]
    left = {int(one) for one, why in lot["lot_excluded"].items() if why == CONNECTED}
    assert left == {one for one in found if by_component[one] == by_component[linked[0]]} - {linked[0]}
    assert seats[0]["lot_excluded"] == {}, "the first seat is open to all"
    view = await review(receipt.review_id, await make.member(Role.GRADING_OFFICER))
    assert len(view.findings[1].connected) == len(left)
    assert len(view.findings[1].barred) == 1
    assert first in found


@pytest.mark.anyio
@pytest.mark.usefixtures("db")
async def test_a_blind_second_mark_still_comes_from_another_region_first() -> None:
    here = list(await given.make_reviewers(1))
    away = list(await given.make_reviewers(4, "370911"))

    async def components() -> dict[int, int]:
        return {here[0]: 1, away[0]: 1, away[1]: 1, away[2]: 2, away[3]: 1}

    COMPONENTS.supply(components)
    made = await given.make_filed()
    await db.execute("update contracts_reviewer set active = id = $1", here[0])
    receipt = await given.accept(made)
    await db.execute("update contracts_reviewer set active = true")
    await db.execute("update contracts_review set wanted = 2, doubled = true where id = $1", receipt.review_id)
    await services.draw_again(actor=await make.member(Role.GRADING_OFFICER), review_id=receipt.review_id)
    blind = await db.row("select * from contracts_assignment where review = $1 and blind", receipt.review_id)
    assert blind["reviewer"] == away[2]


@pytest.mark.anyio
@pytest.mark.usefixtures("db")
async def test_points_alive_today_decide_about_deferring_also_when_the_record_is_older() -> None:
    made = await given.make_filed()
    await make_grade(made.agency.agency_id, CreditGrade.B, figures=GradeFigures(points=2))
    trade = Profession.SURVEYING.value
    assert await points_today(made.agency.agency_id, trade) == 2

    async def alive(agency_id: int, profession: Profession) -> int:
        assert (agency_id, profession) == (made.agency.agency_id, Profession.SURVEYING)
        return 5

    LIVE_POINTS.supply(alive)
    assert await points_today(made.agency.agency_id, trade) == 5
