"""Sealed bids: submit, replace, withdraw. Nothing here tells anybody else that it happened.

No mail, no job and no readable trail entry is written: a letter to the bidder would name it in the
outbox. The receipt is shown at once and can be looked up again by the bidder's own session.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import anyio.to_thread

from agencies import queries as agencies
from agencies.rules import Profession
from core import clock, db, files, trail
from core.db import transaction
from core.errors import FormInvalid, StaleForm
from core.files import FileUse
from core.forms import Upload
from core.identity import Identity, Permission
from core.keys import secret
from core.states import advance
from market import sealing
from market.queries.amendments import ceiling_under
from market.queries.awards import open_jobs
from market.queries.notices import NoticeRow
from market.queries.recusal import agency_client_ties
from market.rules.amendments import NotBehind, PriceMoved, can_only_be_replaced
from market.rules.bids import (
    MOST_ATTACHED,
    TRANSITIONS,
    AlreadyBid,
    BidAct,
    BidState,
    NoBid,
    Offer,
    attachment_errors,
    offer_errors,
    receipt_number,
    staff_errors,
)
from market.rules.eligibility import NotEligible, eligibility
from market.rules.notices import BidClosed, NoticeState, Phase, SelectionMethod
from market.rules.reasons import Reason
from market.services.cases import share_notice
from market.services.notices import deadline_passed


@dataclass(frozen=True)
class BidReceipt:
    """What the bidder holds in hand: enough to prove what arrived when, nothing about its content."""

    notice_id: int
    notice_number: str
    number: str
    received_at: datetime
    digest: str
    algorithm: str
    entry_id: int


BID_FILE = FileUse("bid", MOST_ATTACHED, (files.PDF, files.DOCX, files.XLSX, files.PNG, files.JPEG))
"""A file of a bid. It goes into the envelope; the bytes lie nowhere else before the opening."""


async def submit_bid(
    actor: Identity,
    *,
    notice_id: int,
    offer: Offer,
    origin: Mapping[str, str] | None = None,
    amendment: int | None = None,
) -> BidReceipt:
    """Seal and keep an offer. The database's unique constraint judges a second bid.

    `origin` are keyed fingerprints of address and browser (`origin_of`); they are sealed with the rest.

    Raises `NotEligible` (all reasons), `FormInvalid` (price or days outside the terms),
    `DeadlinePassed` (also when the clock passes it before COMMIT), `AlreadyBid`, `BidClosed`;
    `StaleForm` when the notice was amended since the form (`amendment`) was shown.
    """
    actor.require(Permission.SUBMIT_BID)
    async with transaction():
        notice, agency_id = await _entry(actor, notice_id, offer, amendment)
        envelope = await _envelope(actor, notice, agency_id, offer, origin)
        digest = sealing.digest(envelope)
        now = clock.now()
        stored = await db.value(
            """insert into market_bid (notice, bidder_tag, state, digest, algorithm, envelope,
                   received_at, reasons, amendment)
               values ($1, $2, 'sealed', $3, $4, $5, $6, '[]', $7)
               on conflict (notice, bidder_tag) do nothing returning id""",
            notice_id,
            sealing.bidder_tag(secret("seal"), notice_id, agency_id),
            digest,
            sealing.ALGORITHM,
            envelope,
            now,
            notice.amendment,
        )
        if stored is None:
            raise AlreadyBid
        entry = await _record(actor, "envelope.sealed", digest)
    return _receipt(notice, digest, now, entry)


async def replace_bid(
    actor: Identity,
    *,
    notice_id: int,
    offer: Offer,
    origin: Mapping[str, str] | None = None,
    amendment: int | None = None,
) -> BidReceipt:
    """Put a new envelope in the place of the old one (also after a withdrawal).

    The old one is kept closed for good. Raises as `submit_bid`, and `NoBid`.
    """
    actor.require(Permission.SUBMIT_BID)
    async with transaction():
        notice, agency_id = await _entry(actor, notice_id, offer, amendment)
        bid = await _own_bid(notice_id, agency_id)
        state = advance(TRANSITIONS, BidState(bid["state"]), BidAct.REPLACE)
        envelope = await _envelope(actor, notice, agency_id, offer, origin)
        digest = sealing.digest(envelope)
        now = clock.now()
        await db.execute(
            """with old as (
                   insert into market_superseded_envelope
                       (bid, digest, algorithm, envelope, received_at, superseded_at)
                   select id, digest, algorithm, envelope, received_at, $6
                     from market_bid where id = $1)
               update market_bid set state = $2, digest = $3, algorithm = $4, envelope = $5,
                      received_at = $6, withdrawn_at = null, amendment = $7 where id = $1""",
            bid["id"],
            state.value,
            digest,
            sealing.ALGORITHM,
            envelope,
            now,
            notice.amendment,
        )
        entry = await _record(actor, "envelope.replaced", digest, before={"digest": bid["digest"]})
    return _receipt(notice, digest, now, entry)


async def withdraw_bid(actor: Identity, *, notice_id: int) -> BidReceipt:
    """Take a bid back before the deadline; its envelope will not be opened.

    Raises `NoBid`, `DeadlinePassed`, `NotAllowedNow` when already withdrawn.
    """
    actor.require(Permission.SUBMIT_BID)
    async with transaction():
        notice = await _collecting(notice_id)
        agency = await agencies.agency_of(actor.organization_id)
        if agency is None:
            raise NoBid
        bid = await _own_bid(notice_id, agency.agency_id)
        state = advance(TRANSITIONS, BidState(bid["state"]), BidAct.WITHDRAW)
        now = clock.now()
        await db.execute(
            "update market_bid set state = $2, withdrawn_at = $3 where id = $1",
            bid["id"],
            state.value,
            now,
        )
        entry = await _record(actor, "envelope.withdrawn", bid["digest"])
    return _receipt(notice, bid["digest"], now, entry)


async def confirm_bid(actor: Identity, *, notice_id: int) -> BidReceipt:
    """Say that a bid stands after an amendment: the same envelope, now for the notice as it reads.

    Without it (or a replacement) the bid stays closed for good. Raises `NoBid`, `DeadlinePassed`, `NotBehind`,
    and `PriceMoved` when a fixed price changed, which no old envelope can meet.
    """
    actor.require(Permission.SUBMIT_BID)
    async with transaction():
        notice = await _collecting(notice_id)
        agency = await agencies.agency_of(actor.organization_id)
        if agency is None:
            raise NoBid
        bid = await _own_bid(notice_id, agency.agency_id)
        if bid["state"] != BidState.SEALED or bid["amendment"] >= notice.amendment:
            raise NotBehind
        bid_for = await ceiling_under(notice, bid["amendment"])
        if can_only_be_replaced(notice.method, bid_for, notice.ceiling):
            raise PriceMoved
        await db.execute("update market_bid set amendment = $2 where id = $1", bid["id"], notice.amendment)
        entry = await _record(actor, "envelope.confirmed", bid["digest"])
    return _receipt(notice, bid["digest"], clock.now(), entry)


async def _entry(actor: Identity, notice_id: int, offer: Offer, amendment: int | None) -> tuple[NoticeRow, int]:
    """Everything that must hold before an envelope is accepted; the notice and the agency."""
    notice = await _collecting(notice_id)
    if amendment is not None and amendment != notice.amendment:
        raise StaleForm
    agency_id = await _eligible_agency(actor, notice)
    errors = offer_errors(offer, notice.terms) | attachment_errors(offer)
    if offer.staff:
        own = await agencies.staff_of(agency_id)
        errors |= staff_errors(offer, [person.certificate_no for person in own])
    for attached in offer.attachments:
        files.check(Upload(attached.name, attached.body), BID_FILE)
    if errors:
        raise FormInvalid(errors)
    return notice, agency_id


async def _collecting(notice_id: int) -> NoticeRow:
    """A notice that takes bids now, and still does when the transaction commits."""
    notice = await share_notice(notice_id)
    if notice.state is not NoticeState.PUBLISHED or notice.method is SelectionMethod.DIRECT:
        if notice.published_at and clock.now() >= notice.deadline:
            raise deadline_passed(notice, clock.now())
        raise BidClosed
    late = deadline_passed(notice, clock.now())
    if notice.phase is Phase.OPENING:
        raise late
    db.refuse_after(notice.deadline, late)
    return notice


async def _eligible_agency(actor: Identity, notice: NoticeRow) -> int:
    agency = await agencies.agency_of(actor.organization_id)
    if agency is None:
        raise NotEligible((Reason("not-recorded"),))
    today = clock.today()
    standing = await agencies.standing(agency.agency_id, Profession(notice.profession), today)
    limited = notice.law.grades[standing.grade.value].open_jobs is not None
    jobs = await open_jobs([agency.agency_id]) if limited else {}
    reasons = eligibility(
        standing,
        notice.call,
        on=today,
        open_jobs=jobs.get(agency.agency_id, 0),
        edition=notice.law,
        ties=await agency_client_ties(notice, standing, today),
    )
    if reasons:
        raise NotEligible(reasons)
    return agency.agency_id


async def _own_bid(notice_id: int, agency_id: int) -> Any:
    tag = sealing.bidder_tag(secret("seal"), notice_id, agency_id)
    bid = await db.row(
        "select id, state, digest, amendment from market_bid where notice = $1 and bidder_tag = $2 for update",
        notice_id,
        tag,
    )
    if bid is None:
        raise NoBid
    return bid


async def _envelope(
    actor: Identity, notice: NoticeRow, agency_id: int, offer: Offer, origin: Mapping[str, str] | None
) -> bytes:
    if notice.public_key is None:
        raise BidClosed
    who = (notice.id, agency_id, actor.organization_id, actor.account_id)
    whole = replace(offer, contribution=offer.contribution or sealing.new_secret())
    content = sealing.Content(*who, whole, origin or {})
    if not offer.attachments:
        return sealing.seal(notice.public_key, content)
    return await anyio.to_thread.run_sync(sealing.seal, notice.public_key, content)


def origin_of(address: str, browser: str) -> dict[str, str]:
    """Keyed fingerprints of where a bid came from: the same sender is seen to be the same, nothing more."""
    key = secret("seal")
    given = {"address": address, "browser": browser}
    return {kind: sealing.origin_mark(key, kind, value) for kind, value in given.items() if value}


def envelope_subject(digest: str) -> str:
    """The name of an envelope on the trail; its notice is not said until the opening."""
    return f"envelope:{digest[:40]}"


def veil_of(digest: str) -> trail.Veil:
    """What hides the bidder on the trail; only the holder of the platform's key can make it again."""
    salt = hmac.new(secret("seal"), f"veil|{digest}".encode(), hashlib.sha256).digest()
    return trail.Veil(salt[:16])


async def _record(actor: Identity, act: str, digest: str, before: dict[str, str] | None = None) -> int:
    return await trail.record(
        actor,
        act,
        envelope_subject(digest),
        before=before,
        after={"digest": digest, "algorithm": sealing.ALGORITHM},
        veil=veil_of(digest),
    )


def _receipt(notice: NoticeRow, digest: str, now: datetime, entry: int) -> BidReceipt:
    return BidReceipt(
        notice.id,
        notice.number or "",
        receipt_number(digest),
        now,
        digest,
        sealing.ALGORITHM,
        entry,
    )
