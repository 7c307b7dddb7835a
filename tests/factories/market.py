"""Projects, notices, sealed bids and awards for tests, made through the real services."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from agencies.rules import Profession
from core import clock
from core.identity import Identity, Role
from core.workdays import calendar
from market import content, sealing, services
from market.queries.awards import award_of
from market.queries.notices import NoticeRow, notice
from market.rules.bids import Offer
from market.rules.editions import Custody
from market.rules.notices import FundSource, NoticeDraft, SelectionMethod, earliest_deadline
from market.services.projects import ProjectDraft
from tests.factories import core as make
from tests.factories.agencies import MadeAgency, make_agency

SURVEY = "XT-SV-01"


@dataclass(frozen=True)
class MadeNotice:
    """A published notice and its client."""

    notice_id: int
    project_id: int
    client: Identity
    deadline: datetime

    async def row(self) -> NoticeRow:
        """The notice as it now stands."""
        return await notice(self.notice_id, self.client)


def project_draft(**changes: object) -> ProjectDraft:
    """A sound project."""
    sound = ProjectDraft(
        title="年产 3 万吨环保型水性涂料生产项目",
        location="新泰市经济开发区",
        description="甲类车间 2 座、原料罐区 1 处。",
        investment=Decimal("120000000.00"),
        fund_source=FundSource.OWN,
    )
    return replace(sound, **changes)  # type: ignore[arg-type]


async def make_project(client: Identity | None = None, **changes: object) -> tuple[int, Identity]:
    """A project on file; its id and somebody who acts for its client."""
    client = client or await make.member(Role.CLIENT)
    receipt = await services.describe_project(client, draft=project_draft(**changes))
    return receipt.project_id, client


async def soonest(fund: FundSource = FundSource.OWN) -> datetime:
    """The earliest deadline a notice published now may have."""
    law = content.edition_in_force(clock.today())
    return earliest_deadline(clock.now(), fund, law, await calendar())


async def notice_draft(**changes: object) -> NoticeDraft:
    """A sound draft with the earliest deadline."""
    fund = changes.get("fund_source", FundSource.OWN)
    assert isinstance(fund, FundSource)
    sound = NoticeDraft(
        item_code=SURVEY,
        method=SelectionMethod.LOWEST_PRICE,
        fund_source=fund,
        scale="1:500 地形图，约 5 公顷",
        requirements="测绘资质乙级以上，含工程测量",
        payment_terms="成果备案后 10 日内付清",
        ceiling=Decimal("30000.00"),
        days_limit=10,
        deadline=await soonest(fund),
    )
    return replace(sound, **changes)  # type: ignore[arg-type]


SUPERVISOR_KEY = sealing.new_custodian_key()
_client_keys: dict[int, sealing.CustodianPair] = {}


async def make_custodians(client: Identity) -> Identity:
    """Custodian keys for a client and for a market supervisor; the supervisor."""
    pair = _client_keys[client.organization_id] = sealing.new_custodian_key()
    await services.register_custodian_key(client, public_key=pair.public)
    supervisor = await make.member(Role.MARKET_SUPERVISOR)
    global SUPERVISOR_KEY  # noqa: PLW0603 - the key of the newest supervisor counts
    SUPERVISOR_KEY = sealing.new_custodian_key()
    await services.register_custodian_key(supervisor, public_key=SUPERVISOR_KEY.public)
    return supervisor


def client_key(client: Identity) -> str:
    """The custodian key of a client, as it keeps it."""
    return _client_keys[client.organization_id].text


async def make_notice(
    client: Identity | None = None, *, project_id: int | None = None, **changes: object
) -> MadeNotice:
    """A published notice."""
    if project_id is None:
        project_id, client = await make_project(client)
    assert client is not None
    draft = await notice_draft(**changes)
    law = content.edition_in_force(clock.today())
    sealed = draft.method is not SelectionMethod.DIRECT
    if sealed and law.custody_of(public=draft.fund_source.public_money) is Custody.JOINT:
        await make_custodians(client)
    written = await services.draft_notice(client, project_id=project_id, draft=draft)
    await services.publish_notice(client, notice_id=written.notice_id, version=1)
    return MadeNotice(written.notice_id, project_id, client, draft.deadline)


async def make_surveyors(count: int) -> list[MadeAgency]:
    """Agencies on record for surveying."""
    return [await make_agency(professions=(Profession.SURVEYING,)) for _ in range(count)]


async def bid(agency: MadeAgency, made: MadeNotice, amount: str = "24600.00", days: int = 8) -> services.BidReceipt:
    """A sealed bid."""
    offer = Offer(Decimal(amount), days, f"{agency.name_zh}的实施方案")
    return await services.submit_bid(agency.member, notice_id=made.notice_id, offer=offer)


async def open_and_select(made: MadeNotice) -> None:
    """What the clock does at the deadline."""
    with clock.at(made.deadline):
        if not await services.open_bids(made.notice_id):
            await services.release_share(made.client, notice_id=made.notice_id, key=client_key(made.client))
        await services.select_winner(made.notice_id)


async def make_selected(
    prices: Sequence[str] = ("24600.00", "26000.00"),
    *,
    client: Identity | None = None,
    **changes: object,
) -> tuple[MadeNotice, list[MadeAgency]]:
    """A notice whose result is on display, and its bidders in the order of `prices`."""
    made = await make_notice(client, **changes)
    agencies = await make_surveyors(len(prices))
    for agency, price in zip(agencies, prices, strict=True):
        await bid(agency, made, price)
    await open_and_select(made)
    return made, agencies


async def make_award(
    prices: Sequence[str] = ("24600.00", "26000.00"),
    *,
    client: Identity | None = None,
    **changes: object,
) -> tuple[int, MadeNotice, list[MadeAgency]]:
    """A confirmed award: its id, the notice, and the bidders in the order of `prices`."""
    made, agencies = await make_selected(prices, client=client, **changes)
    row = await made.row()
    assert row.display_until is not None
    with clock.at(row.display_until + timedelta(seconds=1)):
        await services.confirm_award(made.notice_id)
    award = await award_of(made.notice_id)
    assert award is not None
    return award.award_id, made, agencies
