"""What every test of contracts needs: an award drafts a contract, a settled payable marks it paid."""

from collections.abc import Iterator

import pytest

from contracts import services
from contracts.queries import COMPONENTS, LIVE_POINTS
from market.services import AWARDED
from payments.services import SETTLED


async def _nobody(*_: object) -> None:
    """Grading stands above contracts and has its own tests."""


@pytest.fixture(autouse=True)
def _wired() -> Iterator[None]:
    before = [(point, list(point._takers)) for point in (AWARDED, SETTLED, services.REVIEWED)]
    AWARDED.supply(services.draft_from_award)
    SETTLED.supply(services.milestone_paid)
    services.REVIEWED.supply(_nobody)
    asked = [(point, point._source) for point in (COMPONENTS, LIVE_POINTS)]
    for point, _source in asked:
        point.supply(None)
    yield
    for point, source in asked:
        point.supply(source)  # type: ignore[arg-type]
    for point, takers in before:
        point.supply(*takers)
