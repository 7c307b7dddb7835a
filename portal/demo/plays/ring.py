"""A few notices whose bids look as if they had been written at one desk, so that the supervisor has something to see.

The product accuses nobody: whether there is more to it than chance, a case with a right of reply has to show.
"""

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from xml.sax.saxutils import escape

from core import accounts, clock
from core.db import transaction
from core.identity import Role
from market import services
from market.rules.bids import Attachment, Offer
from market.rules.eligibility import NotEligible
from market.rules.notices import NoticeDraft, SelectionMethod
from market.services.projects import ProjectDraft
from portal.demo import words
from portal.demo.market import DemoMarket
from portal.demo.people import Player
from portal.demo.stage import Process

ITEM, TRADE, CLIENT = "XT-SV-01", "surveying", "CL-03"
LONG_AGO = (75, 60, 45, 30)


@dataclass(frozen=True)
class Pattern:
    """What the prices of one notice are, and what else the bids share."""

    prices: tuple[str, ...]
    one_desk: bool = False


PATTERNS = (
    Pattern(("20000.00", "20040.00", "20085.00", "20090.00"), one_desk=True),
    Pattern(("18000.00", "18500.00", "19000.00", "19500.00")),
    Pattern(("21000.00", "21000.00", "23800.00")),
    Pattern(("12600.00", "21800.00", "22600.00", "23500.00")),
)
"""Alike prices from one desk; equal steps; two the same; one far below the rest."""


def rings(market: DemoMarket) -> Iterator[tuple[Process, date]]:
    """Each pattern on its day, where the market is old and large enough."""
    last = clock.shanghai(market.ends_at).date()
    if CLIENT not in {one.key for one in market.roster.clients}:
        return
    for days, pattern in zip(LONG_AGO, PATTERNS, strict=True):
        day = market.diary.workday(last - timedelta(days=days))
        if day > clock.shanghai(market.begins_at).date() + timedelta(days=45):
            yield _notice_of(market, pattern), day


async def _notice_of(market: DemoMarket, pattern: Pattern) -> Process:
    buyer = market.people.buyers[CLIENT]
    bidders = [one for one in market.people.recorded(TRADE) if ITEM in one.agency.items][: len(pattern.prices)]
    if len(bidders) < len(pattern.prices):
        return
    title = f"{buyer.client.name_zh}厂区地形图更新"
    project = await services.describe_project(
        buyer.identity,
        draft=ProjectDraft(title, "新泰市", title, Decimal("3000000.00"), buyer.client.fund_source),
    )
    day = market.diary.calendar.add(clock.shanghai(clock.now()).date(), 5)
    deadline = market.diary.at(day, 15)
    draft = NoticeDraft(
        item_code=ITEM,
        method=SelectionMethod.LOWEST_PRICE,
        fund_source=buyer.client.fund_source,
        scale="1:500 地形图，约 6 公顷",
        requirements=words.REQUIREMENTS[0],
        payment_terms=words.PAYMENT_TERMS[0],
        ceiling=Decimal("26000.00"),
        days_limit=20,
        deadline=deadline,
    )
    receipt = await services.draft_notice(buyer.identity, project_id=project.project_id, draft=draft)
    explained = services.Explanations(split=words.SPLIT_WORDS, conditions=words.CONDITION_WORDS)
    await services.publish_notice(
        buyer.identity, notice_id=receipt.notice_id, version=receipt.version, explanations=explained
    )
    yield deadline - timedelta(hours=3)
    await _bid_all(receipt.notice_id, bidders, pattern)
    yield deadline
    await services.open_bids(receipt.notice_id)
    await services.select_winner(receipt.notice_id)


async def _bid_all(notice_id: int, bidders: Sequence[Player], pattern: Pattern) -> None:
    """Four agencies; from one desk, the same file, its author, address and account come with all or some of them."""
    shared = Attachment("技术方案.docx", _document("演示作者甲"))
    for number, (player, price) in enumerate(zip(bidders, pattern.prices, strict=True)):
        offer = Offer(Decimal(price), 15, words.PROPOSALS[number % 3])
        actor, origin = player.identity, services.origin_of(f"192.0.2.{10 + number}", "Firefox")
        if pattern.one_desk:
            origin = services.origin_of("192.0.2.7", "Firefox")
            files = (shared,) if number < 2 else (Attachment("方案.docx", _document("演示作者甲", str(number))),)
            offer = replace(offer, attachments=files)
            if number == 1:
                actor = replace(actor, account_id=await _also_for(bidders[0], player))
        try:
            await services.submit_bid(actor, notice_id=notice_id, offer=offer, origin=origin)
        except NotEligible:
            continue


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
