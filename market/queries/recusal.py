"""What the register and the market know of ties to a notice: to its client, its project, among its entrants."""

from collections.abc import Iterable
from datetime import date

from agencies import queries as agencies
from agencies.queries import Ties
from agencies.rules import RelationKind, Standing, same_controller
from core import clock, db
from market import content
from market.queries.notices import NoticeRow
from market.rules.recusal import BINDING, ClientTies, EntrantTies, HeldDuty

HELD_SQL = """
select w.agency, i.code, i.name_zh, i.name_en, a.name_zh as holder, a.name_en as holder_en
  from market_award w
  join market_notice n on n.id = w.notice
  join market_service_item i on i.id = n.item
  join agencies_agency a on a.id = w.agency
 where n.project = $1 and n.id <> $2
   and (w.state = 'confirmed' or (w.state = 'announced' and ($3::bigint is null or w.id < $3)))
 order by w.id
"""


async def client_ties(
    notice: NoticeRow, standings: Iterable[Standing], on: date, *, award_id: int | None = None
) -> dict[int, ClientTies]:
    """Ties of each agency to the notice's client and project on day `on`, by agency id; two queries.

    `award_id` is the award about to be confirmed: of awards still on display only earlier ones count then,
    so that two that exclude each other do not both fall.
    """
    everybody = list(standings)
    ids = [one.agency_id for one in everybody]
    found = await agencies.ties(ids, since=_since(notice, on), on=on, organization_id=notice.client_id)
    client = next((one for one in found.values() if one.organization_id == notice.client_id), None)
    uscc = await db.value("select uscc from core_organization where id = $1", notice.client_id)
    held = await db.rows(HELD_SQL, notice.project_id, notice.id, award_id)
    return {
        one.agency_id: _client_ties(
            notice,
            uscc,
            found[one.agency_id],
            client,
            tuple(
                HeldDuty(row["code"], row["name_zh"], row["holder"], row["name_en"], row["holder_en"])
                for row in held
                if row["agency"] == one.agency_id or row["agency"] in one.related_agencies
            ),
        )
        for one in everybody
        if one.agency_id in found
    }


def _since(notice: NoticeRow, on: date) -> date:
    return clock.shanghai(notice.published_at).date() if notice.published_at else on


def _client_ties(
    notice: NoticeRow, uscc: str, mine: Ties, client: Ties | None, held: tuple[HeldDuty, ...]
) -> ClientTies:
    jobs = [one for one in mine.declared if one.kind is RelationKind.FORMER_EMPLOYER and one.target == uscc]
    left = [one.left_on for one in jobs if one.left_on is not None]
    other = client if client is not None and client.agency_id != mine.agency_id else None
    controlled = same_controller(mine.controller, notice.client_name_zh) or same_controller(mine.controller, uscc)
    if other is not None:
        controlled = controlled or same_controller(mine.controller, other.controller)
        left += [day for number, day in other.former_staff.items() if number in mine.staff]
    return ClientTies(
        same_controller=controlled,
        shared_staff=bool(other and mine.staff & other.staff),
        left_client_on=max(left, default=None),
        employed_by_client=any(one.left_on is None for one in jobs),
        held=held,
        duties=content.incompatible_duties(),
    )


async def entrant_ties(notice: NoticeRow, agency_ids: Iterable[int], on: date) -> list[EntrantTies]:
    """What could bind the entrants of a notice to each other; one query."""
    wanted = list(agency_ids)
    found = await agencies.ties(wanted, since=_since(notice, on), on=on)
    return [
        EntrantTies(
            agency_id=one.agency_id,
            uscc=one.uscc,
            name_zh=one.name_zh,
            controller=one.controller,
            staff=one.staff,
            name_en=one.name_en,
            related=frozenset(tie.target for tie in one.declared if tie.kind in BINDING),
        )
        for one in found.values()
    ]


async def agency_client_ties(notice: NoticeRow, standing: Standing, on: date) -> ClientTies:
    """The same for one agency."""
    return (await client_ties(notice, [standing], on))[standing.agency_id]
