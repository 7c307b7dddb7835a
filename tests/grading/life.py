"""An agency whose grade has fallen from B to C, for the tests of what it may do about that."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from agencies.queries import standing
from agencies.rules import CreditGrade, Profession
from core import clock
from core.identity import Identity, Role
from grading import services
from grading.queries.reports import standing_explanation
from grading.services import Objecting
from tests.factories import core as make
from tests.factories import grading as g
from tests.factories.agencies import MadeAgency, make_agency

SURVEYING = Profession.SURVEYING
FIRST = datetime(2026, 9, 1, 1, 0, tzinfo=UTC)
SECOND = datetime(2026, 10, 8, 1, 0, tzinfo=UTC)
FACTS = Objecting("第三件成果的审查分把别的项目的缺陷算到了我们头上，图号对不上。", "改正该件审查分。")
REASONS = "经核对，缺陷清单中的图号属于另一项目，原审查分有误。"


@dataclass(frozen=True)
class Fallen:
    """The agency, the bad results that lowered it, who signed, and a day after the second publication."""

    made: MadeAgency
    bad: list[int]
    signer: Identity
    now: datetime

    async def report_id(self) -> int:
        """The report in force."""
        view = await standing_explanation(self.made.agency_id, SURVEYING)
        assert view is not None
        return view.report_id

    async def on_record(self) -> CreditGrade:
        """What the market goes by today."""
        return (await standing(self.made.agency_id, SURVEYING, clock.today())).grade


async def officer() -> Identity:
    """A grading officer who had no part in anything."""
    return await make.member(Role.GRADING_OFFICER)


async def graded(when: datetime, signer: Identity) -> datetime:
    """A monthly run on a day, signed when the comment period is over; the moment of signing."""
    with clock.at(when):
        run = await services.prepare_run(actor=signer, as_of=clock.today())
    signed = run.comment_until + timedelta(hours=1)
    with clock.at(signed):
        await services.publish_run(actor=signer, run_id=run.run_id)
    return signed


async def make_fallen() -> Fallen:
    """Rated B in September; eight bad results bring it to C in October."""
    signer = await officer()
    with clock.at(FIRST):
        made = await make_agency()
        field = await g.make_field()
        for n in range(8):
            await g.make_result(made.agency_id, field, "68", days_ago=20 + 10 * n)
    await graded(FIRST, signer)
    with clock.at(SECOND):
        field = await g.make_field()
        bad = [await g.make_result(made.agency_id, field, "40", days_ago=3 + n) for n in range(8)]
    at = await graded(SECOND, signer)
    return Fallen(made, bad, signer, at + timedelta(days=1))
