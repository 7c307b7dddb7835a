"""Complaints and what comes of them: findings with points, a decision of an authority, some still open."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from core import clock
from core.clock import shanghai
from grading import services
from grading.rules.months import add_months
from grading.services import FindingDraft, Imposition
from portal.demo.market import DemoMarket
from portal.demo.stage import Process


@dataclass(frozen=True)
class Complaint:
    """A complaint against an agency, `days` before the market ends; `upheld` None: nobody has decided yet."""

    agency: str
    days: int
    code: str
    facts: str
    reply: str = ""
    upheld: bool | None = True


COMPLAINTS = (
    Complaint("AG-SV-01", 300, "CP-0203", "委托方投诉后第八个工作日才答复。", "因联系人出差，已改为两人值守。"),
    Complaint("AG-SV-04", 240, "CP-0204", "一件成果超出约定时限六成，未提前告知委托方。"),
    Complaint("AG-EV-09", 200, "CP-0501", "中选公示后以人员不足为由放弃，没有提供证明。", "确因两名编制人员同时离职。"),
    Complaint("AG-EV-11", 160, "CP-0502", "合同之外另收“资料整理费”三千元，有转账记录。", "已于被投诉当日退还。"),
    Complaint("AG-EV-11", 105, "CP-0504", "成果签字人员与合同约定的项目负责人不一致，没有办理变更。"),
    Complaint("AG-SF-03", 90, "CP-0205", "投诉人称看不到收费依据。", "收费依据一直公示，附截图。", upheld=False),
    Complaint("AG-SF-04", 70, "CP-0202", "两名人员离职满一个月仍未更新人员名单。"),
    Complaint("AG-SV-02", 12, "CP-0203", "投诉五个工作日内未答复。", "已电话答复，未留书面记录。", upheld=None),
    Complaint("AG-EV-06", 3, "CP-0204", "验收监测报告超出约定时限五成以上。", upheld=None),
)
REASONS = {
    True: "证据充分，机构的说明不足以否定事实，予以认定。",
    False: "经核对公示记录，投诉所称事实不成立，不予认定。",
}
SOURCE = "来信投诉，经核对合同、成果记录和双方材料"


@dataclass(frozen=True)
class Ruling:
    """A decision that makes the grade D by itself, `days` before the market ends."""

    agency: str
    days: int
    code: str
    authority: str
    facts: str


RULINGS = (
    Ruling(
        "AG-EV-10",
        110,
        "DD-01",
        "泰安市生态环境局（演示）",
        "验收监测报告所附采样记录经查未实际采样，决定书认定报告弄虚作假。",
    ),
)
TERM_MONTHS = 12


def cases(market: DemoMarket) -> Iterator[tuple[Process, date]]:
    """Every case that falls into the market, with its day."""
    last, first = shanghai(market.ends_at).date(), shanghai(market.begins_at).date() + timedelta(days=45)
    here = {one.key for one in market.roster.agencies}
    plan: list[tuple[Process, Complaint | Ruling]] = [
        *((is_complained_of(market, one), one) for one in COMPLAINTS if one.agency in here),
        *((is_ruled_against(market, one), one) for one in RULINGS if one.agency in here),
    ]
    for process, one in plan:
        day = last - timedelta(days=one.days)
        if day >= first:
            yield process, market.diary.workday(day)


async def is_complained_of(market: DemoMarket, complaint: Complaint) -> Process:
    """The registrar puts a finding to the agency, it replies or not, an officer decides."""
    stream, diary = market.chance("complaint", complaint), market.diary
    player = market.people.players[complaint.agency]
    if not player.agency_id:
        return
    today = shanghai(clock.now()).date()
    draft = FindingDraft(
        agency_id=player.agency_id,
        profession=player.agency.profession,
        code=complaint.code,
        event="",
        found_on=today - timedelta(days=stream.randint(3, 12)),
        facts=complaint.facts,
        source=SOURCE,
    )
    receipt = await services.propose_conduct(actor=market.people.registrar, draft=draft)
    if complaint.reply:
        yield diary.later(clock.now(), 2, stream)
        await services.reply_conduct(actor=player.identity, finding_id=receipt.finding_id, text=complaint.reply)
    if complaint.upheld is None:
        return
    yield diary.later(clock.now(), 7, stream)
    await services.decide_conduct(
        actor=market.people.officer,
        finding_id=receipt.finding_id,
        upheld=complaint.upheld,
        reasons=REASONS[complaint.upheld],
    )


async def is_ruled_against(market: DemoMarket, ruling: Ruling) -> Process:
    """An authority's decision arrives; the grade is D the same day."""
    player = market.people.players[ruling.agency]
    if not player.agency_id:
        return
    today = shanghai(clock.now()).date()
    decision = Imposition(
        agency_id=player.agency_id,
        profession=player.agency.profession,
        code=ruling.code,
        document_no=f"泰环罚演〔{today.year}〕7号",
        authority=ruling.authority,
        facts=ruling.facts,
        starts_on=today,
        ends_on=add_months(today, TERM_MONTHS),
    )
    yield market.diary.later(clock.now(), 0, market.chance("ruling", ruling.agency))
    await services.impose_direct_d(actor=market.people.officer, decision=decision)
