"""An agency whose grade fell, and those who answer for grades: for the journeys through objection, conduct and repair.

`python -m tests.browser.grade_cast` prints everybody's session and what the browser needs to know.
"""

import asyncio
import json
import sys
from dataclasses import asdict, dataclass, field

from app import wire
from core import clock, db, settings
from core.db import ENGINE
from core.identity import Role
from tests.browser.market_cast import session
from tests.factories import core as make
from tests.grading.life import SURVEYING, make_fallen, officer


@dataclass
class Office:
    """Sessions by name, the agency, its report in force, a bad result behind it, its certificate; and when it is."""

    sessions: dict[str, str] = field(default_factory=dict)
    agency_id: int = 0
    profession: str = SURVEYING.value
    report_id: int = 0
    bad: list[int] = field(default_factory=list)
    certificate: str = ""
    now: str = ""


async def people() -> Office:
    """Everybody, a day after the second publication."""
    fallen = await make_fallen()
    with clock.at(fallen.now):
        crowd = {
            "agency": fallen.made.member,
            "signer": fallen.signer,
            "officer": await officer(),
            "registrar": await make.member(Role.REGISTRAR),
            "supervisor": await make.member(Role.MARKET_SUPERVISOR),
            "client": await make.member(Role.CLIENT),
        }
        report_id = await fallen.report_id()
        return Office(
            sessions={name: await session(one) for name, one in crowd.items()},
            agency_id=fallen.made.agency_id,
            report_id=report_id,
            bad=fallen.bad,
            certificate=await db.value("select number from grading_certificate where report = $1", report_id),
            now=fallen.now.isoformat(),
        )


async def main() -> None:
    """Make everybody and say who they are."""
    ENGINE.configure(settings.load().database_url)
    await ENGINE.start_connection_pool()
    wire()
    office = await people()
    await ENGINE.close_connection_pool()
    sys.stdout.write(json.dumps(asdict(office)))


if __name__ == "__main__":
    asyncio.run(main())
