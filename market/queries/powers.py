"""What this reader can do with a notice now; pages ask here and decide nothing themselves."""

from dataclasses import dataclass, replace

from agencies import queries as agencies
from agencies.rules import Profession, Standing
from core import clock
from core.identity import Identity, Permission
from market.queries.awards import award_of, open_jobs
from market.queries.bids import MyBid, my_bid
from market.queries.notices import NoticeRow
from market.queries.recusal import agency_client_ties, client_ties
from market.rules.bids import BidState
from market.rules.eligibility import eligibility
from market.rules.notices import REPOSTABLE, NoticeState, Phase, SelectionMethod
from market.rules.reasons import Reason
from market.rules.recusal import NO_TIES, RECUSAL_CODES


@dataclass(frozen=True)
class Powers:
    """Each is True only when the act would be accepted now, as far as can be known before it."""

    owner: bool = False
    edit: bool = False
    withdraw: bool = False
    cancel: bool = False
    repost: bool = False
    bid: bool = False
    replace: bool = False
    answer: bool = False
    amend: bool = False
    ask: bool = False
    confirm: bool = False
    pick: bool = False
    value: bool = False
    panel: bool = False
    decline: bool = False
    mine: MyBid | None = None
    obstacles: tuple[Reason, ...] = ()


async def powers(row: NoticeRow, identity: Identity | None) -> Powers:
    """What the reader may do with this notice."""
    if identity is None:
        return Powers()
    if identity.organization_id == row.client_id and identity.may(Permission.POST_NOTICE):
        return _owner(row)
    if identity.may(Permission.SUBMIT_BID):
        return replace(await _bidder(row, identity), decline=await _may_decline(row, identity))
    if identity.may(Permission.WATCH_MARKET):
        return Powers(value=awaits_value(row))
    return Powers()


def awaits_value(row: NoticeRow) -> bool:
    """Whether the draw waits for the public value that the notice named."""
    return row.clock.awaits_outside and row.phase in {Phase.OPENING, Phase.SELECTING}


async def _may_decline(row: NoticeRow, identity: Identity) -> bool:
    """Whether the reader's own award is still to be confirmed."""
    if row.phase not in {Phase.ON_DISPLAY, Phase.CONFIRMING, Phase.PAUSED}:
        return False
    award = await award_of(row.id)
    return award is not None and award.agency_organization_id == identity.organization_id


def _owner(row: NoticeRow) -> Powers:
    return Powers(
        owner=True,
        edit=row.phase is Phase.DRAFT,
        withdraw=row.phase in {Phase.COLLECTING, Phase.OFFERED},
        amend=row.phase is Phase.COLLECTING,
        cancel=row.state is NoticeState.SELECTED,
        repost=row.state in REPOSTABLE,
        pick=row.phase is Phase.SHORTLISTED,
        value=awaits_value(row),
        panel=row.method is SelectionMethod.PROPOSAL_PREFERRED
        and row.phase in {Phase.DRAFT, Phase.COLLECTING, Phase.ASSESSING},
    )


async def _bidder(row: NoticeRow, identity: Identity) -> Powers:
    if row.phase is Phase.OFFERED:
        return Powers(answer=row.direct_organization_id == identity.organization_id)
    mine = await my_bid(identity, row.id)
    if row.phase is not Phase.COLLECTING:
        return Powers(mine=mine)
    ask = row.questions_until is not None and clock.now() < row.questions_until
    if mine is not None:
        replaceable = mine.state in {BidState.SEALED, BidState.WITHDRAWN}
        return Powers(mine=mine, replace=replaceable, confirm=mine.unconfirmed, ask=ask)
    obstacles = await obstacles_for(row, identity.organization_id)
    return Powers(bid=not obstacles, obstacles=obstacles, ask=ask)


async def obstacles_for(row: NoticeRow, organization_id: int) -> tuple[Reason, ...]:
    """Why an organisation may not bid here today; empty when it may."""
    agency = await agencies.agency_of(organization_id)
    if agency is None:
        return (Reason("not-recorded"),)
    today = clock.today()
    standing = await agencies.standing(agency.agency_id, Profession(row.profession), today)
    jobs = await open_jobs([agency.agency_id])
    count = jobs.get(agency.agency_id, 0)
    ties = await agency_client_ties(row, standing, today)
    return eligibility(standing, row.call, on=today, open_jobs=count, edition=row.law, ties=ties)


async def recused(row: NoticeRow) -> list[Standing]:
    """Recorded agencies of the profession that must recuse themselves from this notice."""
    profession = Profession(row.profession)
    recorded = await agencies.recorded_agencies(profession)
    standings = await agencies.standings([one.agency_id for one in recorded], profession, clock.today())
    ties = await client_ties(row, standings.values(), clock.today())
    return [
        standing
        for standing in standings.values()
        if RECUSAL_CODES
        & {
            reason.code
            for reason in eligibility(
                standing,
                row.call,
                on=clock.today(),
                open_jobs=0,
                edition=row.law,
                ties=ties.get(standing.agency_id, NO_TIES),
            )
        }
    ]
