"""Shortly before the end some agencies renew a certificate: the registrar has something to check."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from agencies import services as agencies
from core import clock
from core.clock import shanghai
from portal.demo.market import DemoMarket
from portal.demo.plays import registration
from portal.demo.stage import Process

YEARS = 5


@dataclass(frozen=True)
class Renewal:
    """Who renews, how many working days before the end, and whether it is checked by then."""

    agency: str
    workdays: int
    checked: bool


RENEWALS = (
    Renewal("AG-SV-04", 5, checked=True),
    Renewal("AG-SF-04", 1, checked=False),
    Renewal("AG-EV-02", 1, checked=False),
)


def renewals(market: DemoMarket) -> Iterator[tuple[Process, date]]:
    """Every renewal with its day."""
    calendar, day = market.diary.calendar, shanghai(market.ends_at).date()
    for one in RENEWALS:
        if any(agency.key == one.agency for agency in market.roster.agencies):
            began = day
            while calendar.count(began, day) < one.workdays:
                began = date.fromordinal(began.toordinal() - 1)
            yield renews(market, one), began


async def renews(market: DemoMarket, renewal: Renewal) -> Process:
    """A change of what is on record: the certificate with a new last day, and a new declaration."""
    player = market.people.players[renewal.agency]
    if not player.agency_id:
        return
    agency, actor = player.agency, player.identity
    longer = replace(agency, expires_on=agency.expires_on.replace(year=agency.expires_on.year + YEARS, day=28))
    filing = (await agencies.start_change(actor=actor)).filing_id
    await agencies.change_qualification(
        actor=actor,
        filing_id=filing,
        line=0,
        draft=registration.qualification(longer),
        scan=registration.certificate(longer),
    )
    step = registration.independence(market, agency)
    await agencies.save_independence(actor=actor, filing_id=filing, step=step)
    await agencies.save_commitments(actor=actor, filing_id=filing, step=registration.commitments(market, agency))
    await agencies.submit_filing(actor=actor, filing_id=filing)
    if renewal.checked:
        yield market.diary.later(clock.now(), 1, market.chance("renewal", renewal.agency))
        await agencies.accept_filing(actor=market.people.registrar, filing_id=filing)
