"""The demo market shows every kind of signal, and what does not go smoothly: lose a play, and this fails."""

from datetime import date

import pytest

from core import db
from grading.services import replay_check
from market.queries import signals
from market.queries.signals import SignalFilter
from market.rules.signal_list import DEFINITIONS
from portal.demo import build
from tests.portal.demo_money import check_money

pytestmark = pytest.mark.anyio
LAST = date(2026, 10, 30)
EVERYTHING = SignalFilter(state="all", handled="all", background=True)
PLAYED = (
    "question.asked",
    "question.answered",
    "notice.amended",
    "envelope.confirmed",
    "envelope.replaced",
    "outage.logged",
    "notice.extended",
    "notice.paused",
    "notice.resumed",
)


async def test_the_demo_market_shows_every_signal_and_every_trouble(committed_db: str) -> None:
    await build(seed=7, months=12, scale="xintai", progress=False, until=LAST, owner_url=committed_db)
    found = await signals.signal_counts(EVERYTHING)
    assert set(found) == {code for code, one in DEFINITIONS.items() if not one.never}
    for row in await signals.signals(EVERYTHING, limit=1000):
        assert "%(" not in row.text
        if row.code == "R024":
            assert row.params["fence"] == "0.2", "the limit is that of the edition in force"
    assert {code: number for code, number in found.items() if number > 12 and not DEFINITIONS[code].background} == {}, (
        "a signal that is everywhere tells nothing"
    )

    acts = {row["act"] for row in await db.rows("select distinct act from core_trail_entry")}
    assert acts.issuperset(PLAYED)
    states = await db.rows("select state from market_objection order by id")
    assert [row["state"] for row in states] == ["confirmed", "escalated"]
    moved = await db.row("select n.deadline, n.state, o.received from market_extension x"
                         " join market_notice n on n.id = x.notice join market_opening o on o.notice = n.id")  # fmt: skip
    assert moved["received"] == 3, "the bid that came after the old deadline counts"
    behind = await db.value("select count(*) from market_bid b join market_notice n on n.id = b.notice"
                            " where n.amendment > 0 and b.amendment < n.amendment and b.agency is null")  # fmt: skip
    assert behind == 1, "a bid that nobody confirmed stays closed"
    assert await db.value("select count(*) from core_heartbeat") == 0, "a server that starts begins its own record"
    asked = await db.rows("select justification, outcome, words from market_low_price_check")
    assert asked, "an abnormally low price is justified and decided"
    assert all(row["justification"] and row["outcome"] in ("accepted", "rejected") and row["words"] for row in asked)
    lent = await db.rows(BREACHERS)
    assert lent, "a case is decided"
    assert all(row["organization"] != row["home"] for row in lent), "who borrowed the account had to declare it"
    await check_the_life_of_a_grade()
    await check_money(committed_db)


BREACHERS = """
select distinct p.organization, (select m.organization from core_membership m where m.account = b.account order by m.id limit 1)
  as home
from market_case_party p join market_case_signal c on c.signal_case = p.signal_case
join market_signal s on s.id = c.signal join agencies_agency a on a.organization = p.organization
join market_bid b on b.notice = any(s.notices) and b.agency = a.id
where p.breach
"""
"""Who was found in breach, and whose person handed its bid in."""
LIFE = {
    "select state from grading_objection order by id": ["upheld", "dismissed", "panel", "lodged"],
    "select kind || ' ' || state from grading_request order by id": ["explanation answered", "human asked"],
    "select state from grading_repair order by id": ["granted", "applied"],
    "select state from grading_way_back order by id": ["granted"],
    "select distinct state from contracts_deferred_document where state <> 'promised' order by 1": [
        "lapsed",
        "supplied",
    ],
    "select distinct outcome from grading_inspection where outcome is not null order by 1": ["clean", "corrected"],
    "select count(*) > 0 from grading_improvement": [True],
    "select distinct state from grading_conduct order by 1": ["not-upheld", "proposed", "repaired", "upheld"],
}
"""What the demo must hold of a grade's life, question and answer."""


async def check_the_life_of_a_grade() -> None:
    """Every page about a grade has something on it: contested, asked about, repaired, left, inspected, deferred."""
    for sql, wanted in LIFE.items():
        found = [next(iter(dict(row).values())) for row in await db.rows(sql)]
        assert found == wanted, sql
    replaced = await db.rows("select id from grading_report where state = 'superseded'")
    assert replaced, "an objection that is upheld replaces the report"
    assert await db.value("select count(*) from agencies_person_flag") >= 1
    assert (await replay_check()).sound
