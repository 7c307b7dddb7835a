"""What changes on the register during a year: an expert changes employer, an agency takes up new trades."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from agencies import services as agencies
from agencies.queries import filings
from agencies.rules import Profession
from agencies.rules.dossier import Commitment, PractitionerDraft, QualificationClass, QualificationDraft
from agencies.rules.filing import NOTICE_WORKDAYS
from core import clock
from portal.demo import papers
from portal.demo.market import DemoMarket
from portal.demo.people import Player
from portal.demo.plays import registration
from portal.demo.plays.habits import accepts
from portal.demo.plays.scene import DIRECT, Scene, day_of, hands_in, posts
from portal.demo.plays.scene import concludes as opens
from portal.demo.stage import Process

FROM, TO, THIRD = "AG-EV-05", "AG-EV-07", "AG-EV-06"
MOVED_DAYS = 115
REPORT = Scene("CL-01", "XT-EV-01", "中试装置环评", "报告书一份", "88000.00", open_wd=24, days=30)

WIDE = "AG-SV-08"
WIDENS_DAYS = 150
NEW_TRADES = (
    (Profession.ENVIRONMENTAL, "环境影响评价编制单位信用平台备案（演示）", "YS-HP-08", ("XT-EV-02",)),
    (Profession.SAFETY, "安全评价机构资质证书（演示）", "YS-AP-08", ("XT-SF-02",)),
)
FIRST_JOBS = (
    Scene("CL-02", "XT-EV-02", "仓储库环评", "报告表一份", "23000.00", DIRECT, agency=WIDE),
    Scene("CL-06", "XT-SF-02", "涂装线安全评价", "验收评价一份", "31000.00", DIRECT, agency=WIDE),
)


def moves(market: DemoMarket) -> Iterator[tuple[Process, date]]:
    """Both, with their days."""
    day = day_of(market, MOVED_DAYS, FROM, TO, THIRD, REPORT.client)
    if day is not None:
        yield _changes_employer(market), day
    day = day_of(market, WIDENS_DAYS, WIDE, *(one.client for one in FIRST_JOBS))
    if day is not None:
        yield _widens(market), day


async def _changes_employer(market: DemoMarket) -> Process:
    """While a notice is open, somebody named in one bid leaves, and stands in another bid three weeks later."""
    old, new, diary = market.people.players[FROM], market.people.players[TO], market.diary
    if not (old.agency_id and new.agency_id):
        return
    stream = market.chance("moves")
    posted = await posts(market, REPORT)
    yield diary.later(clock.now(), 1, stream)
    filing = (await agencies.start_change(actor=old.identity)).filing_id
    staff = (await filings.filing(filing, old.identity)).dossier.practitioners
    person = staff[-1]
    await hands_in(market, posted, FROM, "76500.00", staff=(person.certificate_no,))
    await agencies.remove_practitioner(actor=old.identity, filing_id=filing, line=len(staff) - 1)
    async for moment in _is_recorded(market, old, filing, ()):
        yield moment
    filing = (await agencies.start_change(actor=new.identity)).filing_id
    joined = PractitionerDraft(person.name, person.certificate_kind, person.certificate_no, person.insured_months)
    await agencies.add_practitioner(
        actor=new.identity, filing_id=filing, person=replace(joined, employed_since=clock.today())
    )
    async for moment in _is_recorded(market, new, filing, ()):
        yield moment
    await hands_in(market, posted, TO, "79000.00", staff=(person.certificate_no,))
    await hands_in(market, posted, THIRD, "82000.00")
    yield posted.draft.deadline
    async for moment in opens(market, posted):
        yield moment


async def _is_recorded(market: DemoMarket, player: Player, filing: int, more: tuple[Commitment, ...]) -> Process:
    """Declared and promised anew, submitted, accepted, on notice, and on the register."""
    agency, actor = player.agency, player.identity
    declared, promised = registration.independence(market, agency), registration.commitments(market, agency)
    promised = replace(promised, items=(*promised.items, *more))
    await agencies.save_independence(actor=actor, filing_id=filing, step=declared)
    await agencies.save_commitments(actor=actor, filing_id=filing, step=promised)
    await agencies.submit_filing(actor=actor, filing_id=filing)
    yield market.diary.later(clock.now(), 1, market.chance("moves", filing))
    await agencies.accept_filing(actor=market.people.registrar, filing_id=filing)
    yield market.diary.calendar.due_at(clock.now(), NOTICE_WORKDAYS) + timedelta(hours=10)


async def _widens(market: DemoMarket) -> Process:
    """A large surveyor adds two trades, and two clients try it at once."""
    player = market.people.players[WIDE]
    if not player.agency_id:
        return
    actor = player.identity
    filing = (await agencies.start_change(actor=actor)).filing_id
    for profession, kind, number, items in NEW_TRADES:
        draft = QualificationDraft(
            profession=profession,
            kind_zh=kind,
            number=number,
            grade=QualificationClass.UNGRADED,
            scope_zh="报告表及一般行业",
            issuer="演示发证机关",
            expires_on=date(clock.today().year + 4, 6, 30),
            items=items,
        )
        scan = papers.scan("演示证书", [f"证书编号：{number}", "本证书为演示市场生成，不是真实证书。"])
        await agencies.add_qualification(actor=actor, filing_id=filing, draft=draft, scan=scan)
    more = tuple(_promise(market, code) for *_, items in NEW_TRADES for code in items)
    async for moment in _is_recorded(market, player, filing, more):
        yield moment
    for scene in FIRST_JOBS:
        market.enter(_tries(market, scene), market.diary.later(clock.now(), 4, market.chance("tries", scene.client)))


def _promise(market: DemoMarket, code: str) -> Commitment:
    item = market.items[code]
    return Commitment(code, item.promised_days, "市场调节价，按工作量和难度报价", item.fee_min)


async def _tries(market: DemoMarket, scene: Scene) -> Process:
    posted = await posts(market, scene)
    async for moment in accepts(market, posted):
        yield moment
