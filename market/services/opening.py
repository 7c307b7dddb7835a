"""Opening: all envelopes together, in a transaction of its own; `selecting` then applies the method.

The opening freezes and records the list of qualified entrants before the secret of the draw is read.
The act is idempotent: woken too early, too late or twice, it does what is due or nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import anyio.to_thread

from agencies import queries as agencies
from agencies.rules import Profession, Standing
from core import clock, db, files, trail
from core.db import transaction
from core.errors import Rejected
from core.forms import Upload
from core.identity import SYSTEM, Identity, Role
from core.keys import secret
from market import sealing
from market.authors import author_of
from market.queries.awards import open_jobs
from market.queries.notices import NoticeRow
from market.queries.recusal import client_ties, entrant_ties
from market.rules.bids import BidState, offer_faults
from market.rules.draw import list_digest
from market.rules.eligibility import eligibility
from market.rules.notices import NoticeAct, is_due
from market.rules.reasons import Reason
from market.rules.recusal import ClientTies, entrant_reasons
from market.services.bids import BID_FILE, veil_of
from market.services.cases import fail, lock_notice, move
from market.services.custody import opening_key
from market.services.custody_limit import end_waiting
from market.services.drawing import freeze_ground
from market.services.outages import may_open
from market.tables import BidAttachment


@dataclass(frozen=True)
class Opened:
    """One envelope after the opening: what was in it, and why it is not counted, if so."""

    bid_id: int
    digest: str
    received_at: datetime
    content: sealing.Content | None
    standing: Standing | None
    faults: tuple[Reason, ...]


async def open_bids(notice_id: int) -> bool:
    """Open every envelope of a notice whose deadline has come. False when it is not (yet) due.

    Fewer envelopes than the rules need: they stay closed for good and the notice fails.
    """
    async with transaction():
        notice = await lock_notice(notice_id)
        if not is_due(notice.clock, NoticeAct.OPEN, clock.now()) or not await may_open(notice):
            return False
        return await open_with(notice)


async def open_with(notice: NoticeRow) -> bool:
    """Open with the key as far as its custodians have handed it over; False while shares are missing, and
    while an outage must be waited out or has just moved the deadline. Shares missing for too long: it fails.

    Inside the caller's transaction, for a notice that is due and locked.
    """
    if not await may_open(notice):
        return False
    bids = await db.rows(
        "select id, bidder_tag, digest, envelope, received_at from market_bid"
        " where notice = $1 and state = 'sealed' and amendment = $2 order by id for update",
        notice.id,
        notice.amendment,
    )
    needed = max(1, notice.law.entrants(public=notice.fund_source.public_money))
    if len(bids) < needed:
        await fail(notice, Reason("too-few", {"count": len(bids), "needed": needed}))
        return True
    private = await opening_key(notice)
    if private is None:
        return await end_waiting(notice)
    await _open(notice, bids, sealing.opener(private), clock.now())
    return True


async def _open(notice: NoticeRow, bids: Sequence[Any], opener: sealing.Opener, now: datetime) -> None:
    opened = await _examine(notice, opener, bids, clock.shanghai(now).date())
    await _store(opened)
    await _store_files(opened)
    ground = await freeze_ground(notice)
    digests = sorted(each.digest for each in opened)
    candidates = sorted(each.standing.uscc for each in opened if each.standing and not each.faults)
    found = {
        "received": len(opened),
        "qualified": len(candidates),
        "envelopes": digests,
        "envelopes_sha256": list_digest(digests),
        "candidates": candidates,
        "candidates_sha256": list_digest(candidates),
        "witnesses": await _witnesses(notice.id),
    } | ground
    await db.execute(
        """insert into market_opening (notice, opened_at, received, qualified, envelopes_digest,
               candidates, candidates_digest, draw_decided)
           values ($1, $2, $3, $4, $5, $6, $7, false)""",
        notice.id,
        now,
        found["received"],
        found["qualified"],
        found["envelopes_sha256"],
        candidates,
        found["candidates_sha256"],
    )
    await move(notice, NoticeAct.OPEN, opened_at=now)
    await trail.record(
        SYSTEM,
        "notice.opened",
        notice.subject,
        after=found,
        threads=notice.threads,
        note={"reveals": [_reveal(each) for each in opened if each.content]},
    )


async def _witnesses(notice_id: int) -> list[dict[str, Any]]:
    """Whose shares opened, in the order in which they were handed over; empty when the platform holds the key."""
    found = await db.rows(
        """select k.holder, c.organization, k.released_at from market_key_share k
             left join market_custodian_key c on c.id = k.custodian_key
            where k.notice = $1 and k.released is not null order by k.released_at, k.number""",
        notice_id,
    )
    return [{"holder": row["holder"], "organization": row["organization"], "at": row["released_at"]} for row in found]


def _reveal(opened: Opened) -> dict[str, Any]:
    """Who had been behind the veil of this envelope's trail entry."""
    assert opened.content is not None
    actor = {
        "account": opened.content.account_id,
        "organization": opened.content.organization_id,
        "role": Role.AGENCY.value,
    }
    return veil_of(opened.digest).reveal(actor)


async def _examine(notice: NoticeRow, opener: sealing.Opener, bids: Sequence[Any], on: date) -> list[Opened]:
    contents = await anyio.to_thread.run_sync(_contents, opener, notice.id, bids)
    ids = [content.agency_id for content in contents.values() if content]
    standings = await agencies.standings(ids, Profession(notice.profession), on)
    jobs = await open_jobs(ids)
    ties = await client_ties(notice, standings.values(), on)
    bonds = await anyio.to_thread.run_sync(entrant_reasons, await entrant_ties(notice, ids, on))
    judged = [_judge(notice, bid, contents[bid["id"]], standings, jobs, ties, on) for bid in bids]
    return [_bound(one, bonds) for one in judged]


def _bound(one: Opened, bonds: Mapping[int, tuple[Reason, ...]]) -> Opened:
    """Entrants that exclude each other are set aside together."""
    more = bonds.get(one.content.agency_id, ()) if one.content else ()
    return replace(one, faults=(*one.faults, *more))


def _contents(opener: sealing.Opener, notice_id: int, bids: Sequence[Any]) -> dict[int, sealing.Content | None]:
    """Every envelope opened; a thread's work, for a rush makes thousands of them."""
    return {bid["id"]: _content(opener, notice_id, bid) for bid in bids}


def _content(opener: sealing.Opener, notice_id: int, bid: Any) -> sealing.Content | None:
    """The content, or None when the envelope is not what its receipt and mark say it is."""
    try:
        content = opener.open(bid["envelope"], bid["digest"])
    except sealing.EnvelopeDamaged:
        return None
    tag = sealing.bidder_tag(secret("seal"), notice_id, content.agency_id)
    if content.notice_id != notice_id or tag != bid["bidder_tag"]:
        return None
    return content


def _judge(
    notice: NoticeRow,
    bid: Any,
    content: sealing.Content | None,
    standings: dict[int, Standing],
    jobs: dict[int, int],
    ties: dict[int, ClientTies],
    on: date,
) -> Opened:
    standing = standings.get(content.agency_id) if content else None
    faults: tuple[Reason, ...] = (Reason("envelope-damaged"),)
    if content is not None and standing is not None:
        count = jobs.get(content.agency_id, 0)
        faults = (
            *offer_faults(content.offer, notice.terms),
            *eligibility(
                standing,
                notice.call,
                on=on,
                open_jobs=count,
                edition=notice.law,
                ties=ties[content.agency_id],
            ),
        )
    return Opened(bid["id"], bid["digest"], bid["received_at"], content, standing, faults)


async def _store(opened: Sequence[Opened]) -> None:
    await db.execute_many(
        """update market_bid set state = $2, agency = $3, account = $4, amount = $5, days = $6,
               proposal = $7, grade = $8, score = $9, reasons = $10, staff = $11, contribution = $12,
               origin = $13, grade_record = $14 where id = $1""",
        [_columns(each) for each in opened],
    )


def _columns(each: Opened) -> tuple[Any, ...]:
    state = BidState.SET_ASIDE if each.faults else BidState.ENTERED
    reasons = [fault.as_json() for fault in each.faults]
    if each.content is None:
        return (each.bid_id, state.value, None, None, None, None, None, None, None, reasons, None, None, None, None)
    offer = each.content.offer
    standing = each.standing
    return (
        each.bid_id,
        state.value,
        each.content.agency_id,
        each.content.account_id,
        offer.amount,
        offer.days,
        offer.proposal,
        standing.grade.value if standing else None,
        standing.score if standing else None,
        reasons,
        list(offer.staff),
        offer.contribution or None,
        dict(each.content.origin),
        standing.grade_record if standing else None,
    )


async def _store_files(opened: Sequence[Opened]) -> None:
    """The files of every envelope, now in the open: stored under their hash, with the author they name."""
    for each in opened:
        if each.content is None:
            continue
        for attached in each.content.offer.attachments:
            try:
                stored = await files.store(
                    Upload(attached.name, attached.body), use=BID_FILE, actor=_sender(each.content)
                )
            except Rejected:
                continue  # checked when it was sealed; what slipped through must not keep a market from opening
            author = await anyio.to_thread.run_sync(author_of, attached.name, attached.body)
            await BidAttachment.insert(BidAttachment(bid=each.bid_id, file=stored.id, author=author))


def _sender(content: sealing.Content) -> Identity:
    return Identity(content.account_id, "", content.organization_id, "", Role.AGENCY)
