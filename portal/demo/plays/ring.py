"""A few notices whose bids look as if they had been written at one desk, so that the supervisor has something to see.

The product accuses nobody: whether there is more to it than chance, a case with a right of reply has to show (`inquiry`).
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from xml.sax.saxutils import escape

from core import accounts
from core.db import transaction
from core.identity import Role
from market import sealing, services
from market.rules.bids import Attachment, Offer
from market.rules.eligibility import NotEligible
from portal.demo import words
from portal.demo.market import DemoMarket
from portal.demo.people import Player
from portal.demo.plays.inquiry import inquiry_at, is_looked_into
from portal.demo.plays.scene import Scene, concludes, day_of, posts
from portal.demo.stage import Process

TRADE = "surveying"
SITE = Scene("CL-03", "XT-SV-01", "厂区地形图更新", "1:500 地形图，约 6 公顷", "26000.00")
KEY = hashlib.sha256(b"xinshi demo origins").digest()
LONG_AGO = (100, 75, 60, 45, 30)


@dataclass(frozen=True)
class Pattern:
    """What the prices of one notice are, and what else the bids share."""

    prices: tuple[str, ...]
    one_desk: bool = False


PATTERNS = (
    Pattern(("22000.00", "22030.00", "25400.00")),
    Pattern(("20000.00", "20040.00", "20085.00", "20090.00"), one_desk=True),
    Pattern(("18000.00", "18500.00", "19000.00", "19500.00")),
    Pattern(("21000.00", "21000.00", "23800.00")),
    Pattern(("15800.00", "22600.00", "22900.00", "23500.00")),
)
"""A runner-up right behind; alike prices from one desk; equal steps; two the same; one so far below the rest that it has to be justified."""


def rings(market: DemoMarket) -> Iterator[tuple[Process, date]]:
    """Each pattern on its day, where the market is old and large enough."""
    for days, pattern in zip(LONG_AGO, PATTERNS, strict=True):
        day = day_of(market, days, SITE.client)
        if day is not None:
            yield _notice_of(market, pattern), day


async def _notice_of(market: DemoMarket, pattern: Pattern) -> Process:
    bidders = [one for one in market.people.recorded(TRADE) if SITE.item in one.agency.items][: len(pattern.prices)]
    if len(bidders) < len(pattern.prices):
        return
    posted = await posts(market, SITE)
    yield posted.draft.deadline - timedelta(hours=3)
    await _bid_all(posted.notice_id, bidders, pattern)
    yield posted.draft.deadline
    async for moment in concludes(market, posted):
        yield moment
    if pattern.one_desk:
        market.enter(is_looked_into(market, posted.notice_id, *bidders[:2]), inquiry_at(market))


async def _bid_all(notice_id: int, bidders: Sequence[Player], pattern: Pattern) -> None:
    """Four agencies; from one desk, the same file, its author, address and account come with all or some of them."""
    shared = Attachment("技术方案.docx", _document("演示作者甲"))
    for number, (player, price) in enumerate(zip(bidders, pattern.prices, strict=True)):
        offer = Offer(Decimal(price), 15, words.PROPOSALS[number % 3])
        actor, origin = player.identity, _origin(f"192.0.2.{10 + number}")
        if pattern.one_desk:
            origin = _origin("192.0.2.7")
            files = (shared,) if number < 2 else (Attachment("方案.docx", _document("演示作者甲", str(number))),)
            offer = replace(offer, attachments=files)
            if number == 1:
                actor = replace(actor, account_id=await _also_for(bidders[0], player))
        try:
            await services.submit_bid(actor, notice_id=notice_id, offer=offer, origin=origin)
        except NotEligible:
            continue


def _origin(address: str) -> dict[str, str]:
    """As `services.origin_of`, by a key of the play: with an installation's, no two builds would draw the same lots."""
    given = {"address": address, "browser": "Firefox"}
    return {kind: sealing.origin_mark(KEY, kind, value) for kind, value in given.items()}


async def _also_for(first: Player, second: Player) -> int:
    """The person who acts for the first agency acts for the second as well."""
    async with transaction():
        await accounts.add_membership(
            account_id=first.identity.account_id,
            organization_id=second.identity.organization_id,
            role=Role.AGENCY,
        )
    return first.identity.account_id


def _document(author: str, text: str = "") -> bytes:
    """The properties of a Word file, and nothing a reader would want."""
    core = (
        '<?xml version="1.0" encoding="UTF-8"?><cp:coreProperties'
        ' xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:creator>{escape(author)}</dc:creator><dc:title>{escape(text)}</dc:title></cp:coreProperties>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("docProps/core.xml", (2026, 1, 1, 0, 0, 0)), core)
    return out.getvalue()
