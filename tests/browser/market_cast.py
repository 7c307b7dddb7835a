"""The people of the market's journeys: clients, agencies with a grade, supervisors, experts; and cases to begin from.

`python -m tests.browser.market_cast MOMENT` prints everybody's session and what the browser needs to know.
"""

import asyncio
import json
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from agencies.rules import CreditGrade, Profession
from app import wire
from core import accounts, clock, db, settings
from core.db import ENGINE
from core.identity import Identity, Role
from market import services
from market.rules.bids import Offer
from market.rules.notices import FundSource, SelectionMethod
from tests.factories import core as make
from tests.factories import market as factory
from tests.factories.agencies import make_agency, make_grade

NAMES = ("新泰衡尺山河测绘有限公司", "新泰经纬图舆地理信息技术有限公司", "山东岱下规矩工程测量有限责任公司新泰分公司")
SCORES = ("86.50", "78.20", "72.40")
METHODS = ("direct", "random-draw", "average-price", "credit-preferred", "proposal-preferred")
FOREVER = datetime(2099, 1, 1, tzinfo=UTC)
"""Sessions of journeys outlive every move of the clock."""


@dataclass
class Town:
    """Sessions by name, projects by the journey that posts on them, agencies' ids and names, keys of custodians."""

    sessions: dict[str, str] = field(default_factory=dict)
    projects: dict[str, int] = field(default_factory=dict)
    agencies: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, int] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    contested: int = 0
    watched: int = 0
    deadline: str = ""


async def people() -> Town:
    """Two clients with a project for each journey, three agencies, two supervisors, three experts, two notices with bids."""
    town = Town()
    own = await make.member(Role.CLIENT, await make.organization("新泰驿路灯火加油站有限公司"), "经办人甲")
    public = await make.member(
        Role.CLIENT, await make.organization("新泰市青云湖畔实验学校", kind="public"), "经办人乙"
    )
    supervisor = await factory.make_custodians(public)
    second = await make.member(Role.MARKET_SUPERVISOR, supervisor.organization_id, "监督员乙")
    town.keys = {"public": factory.client_key(public), "supervisor": factory.SUPERVISOR_KEY.text}
    crowd = {"own": own, "public": public, "supervisor": supervisor, "second": second}
    for number, (name, score) in enumerate(zip(NAMES, SCORES, strict=True), 1):
        made = await make_agency(professions=(Profession.SURVEYING,), name_zh=name)
        await make_grade(made.agency_id, CreditGrade.B, score=score)
        crowd[f"agency{number}"] = made.member
        town.agencies[f"agency{number}"], town.names[f"agency{number}"] = made.agency_id, name
    experts = await make.organization("济南市技术审查专家库", kind="public")
    for number in (1, 2, 3):
        crowd[f"expert{number}"] = await make.member(Role.REVIEWER, experts, f"专家{number}号")
    for method in METHODS:
        fund = FundSource.PUBLIC if method == "random-draw" else FundSource.OWN
        project_id, _client = await factory.make_project(
            public if fund is FundSource.PUBLIC else own,
            title=f"{method} 改扩建工程",
            location=f"新泰市翟镇 {method} 路东侧",
            fund_source=fund,
        )
        town.projects[method] = project_id
    for place in ("contested", "watched"):
        made = await three_bids(own, crowd, place)
        setattr(town, place, made.notice_id)
        town.deadline = made.deadline.isoformat()
    for name, somebody in crowd.items():
        town.sessions[name], town.accounts[name] = await session(somebody), somebody.account_id
    return town


async def three_bids(client: Identity, crowd: dict[str, Identity], place: str) -> factory.MadeNotice:
    """A lowest-price notice with three bids under seal; what happens at its deadline time does."""
    project_id, _client = await factory.make_project(
        client, title=f"{place} 油罐区扩建", location=f"新泰市小协镇 {place}"
    )
    made = await factory.make_notice(client, project_id=project_id, method=SelectionMethod.LOWEST_PRICE)
    for number, price in enumerate(("24600.00", "26000.00", "27500.00"), 1):
        offer = Offer(Decimal(price), 8, "两个测量组，三级检查。")
        await services.submit_bid(crowd[f"agency{number}"], notice_id=made.notice_id, offer=offer)
    return made


async def session(somebody: Identity) -> str:
    """A session that no move of the clock ends."""
    token = await make.session_token(somebody)
    digest = accounts.digest(token)
    await db.execute("update core_session set seen_at = $2, expires_at = $2 where token_hash = $1", digest, FOREVER)
    return token


async def main(moment: datetime) -> None:
    """Make everybody at `moment` and say who they are."""
    ENGINE.configure(settings.load().database_url)
    await ENGINE.start_connection_pool()
    wire()
    with clock.at(moment):
        town = await people()
    await ENGINE.close_connection_pool()
    sys.stdout.write(json.dumps(asdict(town)))


if __name__ == "__main__":
    asyncio.run(main(datetime.fromisoformat(sys.argv[1])))
