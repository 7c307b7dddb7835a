"""What this reader can do with a notice now; pages ask here and decide nothing themselves."""

from dataclasses import dataclass

from agencies import queries as agencies
from agencies.rules import Profession, Standing
from core import clock
from core.identity import Identity, Permission
from market.queries.awards import open_jobs
from market.queries.bids import MyBid, my_bid
from market.queries.notices import NoticeRow
from market.queries.recusal import agency_client_ties, client_ties
from market.rules.bids import BidState
from market.rules.eligibility import eligibility
from market.rules.notices import REPOSTABLE, Phase
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
    mine: MyBid | None = None
    obstacles: tuple[Reason, ...] = ()


async def powers(row: NoticeRow, identity: Identity | None) -> Powers:
    """What the reader may do with this notice."""
    if identity is None:
        return Powers()
    if identity.organization_id == row.client_id and identity.may(Permission.POST_NOTICE):
        return _owner(row)
    if identity.may(Permission.SUBMIT_BID):
        return await _bidder(row, identity)
    return Powers()


def _owner(row: NoticeRow) -> Powers:
    return Powers(
        owner=True,
        edit=row.phase is Phase.DRAFT,
        withdraw=row.phase in {Phase.COLLECTING, Phase.OFFERED},
        cancel=row.phase in {Phase.ON_DISPLAY, Phase.CONFIRMING},
        repost=row.state in REPOSTABLE,
    )


async def _bidder(row: NoticeRow, identity: Identity) -> Powers:
    if row.phase is Phase.OFFERED:
        return Powers(answer=row.direct_organization_id == identity.organization_id)
    mine = await my_bid(identity, row.id)
    if row.phase is not Phase.COLLECTING:
        return Powers(mine=mine)
    if mine is not None:
        return Powers(mine=mine, replace=mine.state in {BidState.SEALED, BidState.WITHDRAWN})
    obstacles = await obstacles_for(row, identity.organization_id)
    return Powers(bid=not obstacles, obstacles=obstacles)


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
