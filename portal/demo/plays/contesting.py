"""What an agency may do about its grade: ask a person, object, have it re-reviewed, repair, find the way back from D."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from contracts import services as contracts
from core import clock, db
from core.clock import shanghai
from core.identity import Identity
from grading import services
from grading.queries.objections import seats_of
from grading.rules.asked import AskedKind
from grading.rules.corrections import Change, CorrectionKind
from grading.rules.months import add_months
from grading.rules.objections import Verdict
from grading.rules.way_back import WayBackDraft
from grading.services import Imposition, Objecting, RepairDraft
from grading.stored import evidence_of
from portal.demo import papers
from portal.demo.market import DemoMarket
from portal.demo.people import Player
from portal.demo.stage import Process

FACTS = Objecting(
    "审查意见把相邻项目的三处缺陷记到了我单位成果上，缺陷所在图幅不在本合同范围内，见合同附图与成果目录。",
    "改正该件技术审查分，并重新计算等级。",
    (papers.scan("合同附图与成果目录", ["图幅清单与合同范围对照"]),),
)
UPHELD = "经与合同附图和成果目录逐条核对，三处缺陷不属于本合同范围，技术审查分应予改正，等级随之重算。"
REJECTED = "经核对，缺陷所在图幅在本合同范围内，两名审查员的记录一致，技术审查分维持不变。"
CONTESTED = "首次处理没有回应我单位提交的合同附图，请由未经手的人员重新核对图幅范围。"
DISMISSED = "复评组逐页核对合同附图与审查记录，缺陷确在合同范围之内，维持首次处理结果。"
DISSENT = "附图边界标注确有歧义，其中一处缺陷宜不计入；但不影响等级结论，仅作说明。"
CORRECTION = Decimal(12)
WHY = "与上期相比等级没有变化，但得分下降了两分多，请说明主要是哪几件成果、哪一项校正的作用。"
HUMAN = "本期有一件成果由两名审查员评分相差十五分，请评级员人工复核后再签发。"
BECAUSE = "得分下降主要来自本季度完成的一件成果；严宽校正使该件上调，时间权重使早期高分的作用减小，详见解释页逐件列示。"
CORRECTED = "已退还另立名目收取的费用，修订收费公示，并对经办人员作了培训；附退款凭证和新的收费公示。"
OBLIGATIONS = "应履行的退费义务已全部履行，没有罚款。"
CONFIRMED_BY = "新泰市中介服务监管中心（演示）"
GRANTED = "已满最短公示期，整改证明与退款凭证核对属实，准予修复。"
PROOF = papers.scan("整改证明", ["整改报告、凭证与新的公示页"])
COMMITTED = "已重建采样与签发的双人复核制度，全部采样记录改为现场影像留痕；附制度文件和抽查记录。"
LEFT_D = "期限届满前材料核对齐全，整改经原决定单位确认，同意自期限届满之日起退出 D 级。"


@dataclass(frozen=True)
class Dispute:
    """An objection `days` before the market ends, and how far it gets by then."""

    days: int
    until: str
    profession: str


PATIENCE = 8
"""Working days that a dispute waits for a grade to be published."""
DISPUTES = (
    Dispute(168, "upheld", "surveying"),
    Dispute(140, "dismissed", "environmental"),
    Dispute(21, "panel", "environmental"),
    Dispute(2, "lodged", "environmental"),
)
QUESTIONS = ((77, AskedKind.EXPLANATION, "AG-EV-01"), (2, AskedKind.HUMAN, "AG-EV-03"))
REPAIRS = (("AG-EV-11", "CP-0502", 50, True), ("AG-EV-09", "CP-0501", 1, False))
"""Whose finding is to be repaired, how many days before the end it is asked for, and whether it is granted by then."""
BARRED, BARRED_DAYS, BEFORE_DAYS, BACK_DAYS = "AG-EV-08", 308, 65, 24
"""A decision of an authority that reached the platform `BEFORE_DAYS` late, so that its term ends within the market."""


def contests(market: DemoMarket) -> Iterator[tuple[Process, date]]:
    """Everything that falls into the market, with its day."""
    last, first = shanghai(market.ends_at).date(), shanghai(market.begins_at).date() + timedelta(days=45)
    here = {one.key for one in market.roster.agencies}
    plan: list[tuple[Callable[[], Process], int]] = [
        *((lambda one=one: is_disputed(market, one), one.days) for one in DISPUTES),
        *((lambda k=kind, a=key: asks(market, k, a), days) for days, kind, key in QUESTIONS if key in here),
        *((lambda a=a, c=c, g=g: is_repaired(market, a, c, granted=g), n) for a, c, n, g in REPAIRS if a in here),
    ]
    if BARRED in here:
        plan += [(lambda: is_barred(market), BARRED_DAYS), (lambda: comes_back(market), BACK_DAYS)]
    for process, days in plan:
        day = last - timedelta(days=days)
        if day >= first:
            yield process(), market.diary.workday(day)


# ---- a question
async def asks(market: DemoMarket, kind: AskedKind, key: str) -> Process:
    """An agency asks for an explanation, answered two days later, or for a person to look at a draft."""
    player, stream = market.people.players[key], market.chance("asks", key, kind)
    draft = kind is AskedKind.HUMAN
    states = ["draft", "comment"] if draft else ["published"]
    report = await db.value(
        "select max(id) from grading_report where agency = $1 and state = any($2::text[])", player.agency_id, states
    )
    if report is None:
        return
    words = HUMAN if draft else WHY
    asked = await services.ask(actor=player.identity, report_id=report, kind=kind, question=words)
    if draft:
        return
    yield market.diary.later(clock.now(), 2, stream)
    await services.answer_asked(actor=market.people.officer, request_id=asked.request_id, answer=BECAUSE)


# ---- an objection
_LOWEST = """
select r.id, r.agency, r.evidence from grading_report r
where r.state = 'published' and r.profession = $1 and r.published_at > $2 and r.result <> 'D'
  and jsonb_array_length(r.evidence::jsonb->'cases') >= $3
  and not exists (select 1 from grading_objection j where j.agency = r.agency)
order by r.score nulls last, r.id limit 1
"""


async def is_disputed(market: DemoMarket, dispute: Dispute) -> Process:
    """The weakest agency of the month does not accept its lowest mark; the last one came back from D only just now."""
    people, diary, stream = market.people, market.diary, market.chance("dispute", dispute.days)
    least = 0 if dispute.until == "lodged" else 3
    for _ in range(PATIENCE):
        found = await db.row(_LOWEST, dispute.profession, clock.now() - timedelta(days=17), least)
        if found is not None:
            break
        yield diary.later(clock.now(), 1, stream)
    else:
        return
    player = people.player_of(found["agency"])
    lodged = await services.lodge_objection(actor=player.identity, report_id=found["id"], draft=FACTS)
    if dispute.until == "lodged":
        return
    yield (now := diary.later(clock.now(), 2, stream))
    upheld = dispute.until == "upheld"
    await services.decide_objection(
        actor=people.second_officer,
        objection_id=lodged.objection_id,
        verdict=Verdict.UPHOLD if upheld else Verdict.REJECT,
        reasons=UPHELD if upheld else REJECTED,
        changes=[_correction(found)] if upheld else (),
    )
    if upheld:
        return
    yield (now := diary.later(now, 3, stream))
    await people.another_officer()  # in a small trade nearly every expert has marked the agency before
    with contracts.seeds_from(market.chance("panel", dispute.days)):
        await services.contest(actor=player.identity, objection_id=lodged.objection_id, words=CONTESTED)
    seats = [people.whoever(one.account_id) for one in await seats_of(lodged.objection_id)]
    yield (now := diary.later(now, 5, stream))
    await services.propose(actor=seats[0], objection_id=lodged.objection_id, verdict=Verdict.REJECT, reasons=DISMISSED)
    if dispute.until == "panel":
        return
    for place, seat in enumerate(seats[1:]):
        yield (now := diary.later(now, 1, stream))
        words = "" if place else DISSENT
        await services.vote(actor=seat, objection_id=lodged.objection_id, number=1, agrees=bool(place), words=words)


def _correction(report: Any) -> Change:
    worst = min(evidence_of(report["evidence"]).cases, key=lambda one: (one.technical, one.deliverable_id))
    return Change(CorrectionKind.TECHNICAL, worst.deliverable_id, min(worst.technical + CORRECTION, Decimal(100)))


# ---- a repair
async def is_repaired(market: DemoMarket, key: str, code: str, *, granted: bool) -> Process:
    """A finding whose minimum display is over: corrected, shown, promised; decided within nine working days."""
    player, diary, stream = market.people.players[key], market.diary, market.chance("repair", key)
    finding = await db.value(
        "select max(id) from grading_conduct where agency = $1 and code = $2 and state = 'upheld'"
        " and ended_on is null and decided_on < $3",
        player.agency_id,
        code,
        add_months(clock.today(), -3),
    )
    if finding is None:
        return
    wish = RepairDraft(CORRECTED, OBLIGATIONS, CONFIRMED_BY, True, (PROOF,), finding_id=finding)
    applied = await services.apply_repair(actor=player.identity, draft=wish)
    if not granted:
        return
    yield (now := diary.later(clock.now(), 1, stream))
    await services.accept_repair(actor=market.people.officer, repair_id=applied.repair_id)
    yield diary.later(now, 4, stream)
    await services.decide_repair(
        actor=market.people.officer, repair_id=applied.repair_id, granted=True, reasons=GRANTED
    )


# ---- the way back from D
async def is_barred(market: DemoMarket) -> Process:
    """A decision that was made two months earlier reaches the platform."""
    player = _recorded(market.people.players.get(BARRED))
    if player is None:
        return
    yield market.diary.later(clock.now(), 0, market.chance("barred", BARRED))
    since = clock.today() - timedelta(days=BEFORE_DAYS)
    decision = Imposition(
        agency_id=player.agency_id,
        profession=player.agency.profession,
        code="DD-01",
        document_no=f"淄环罚演〔{since.year}〕3号",
        authority="淄博市生态环境局（演示）",
        facts="验收监测报告所附采样记录经查为补造，决定书认定报告弄虚作假。",
        starts_on=since,
        ends_on=add_months(since, 12),
    )
    await services.impose_direct_d(actor=market.people.officer, decision=decision)


async def comes_back(market: DemoMarket) -> Process:
    """A month before the term ends the agency shows what it put right; two officers look, then the D is lifted."""
    player, diary, stream = _recorded(market.people.players.get(BARRED)), market.diary, market.chance("back", BARRED)
    ground = await db.value("select max(id) from grading_direct_d where agency = $1", player and player.agency_id)
    if player is None or ground is None:
        return
    draft = WayBackDraft(COMMITTED, OBLIGATIONS, "淄博市生态环境局（演示）已复查确认", True)
    filed = await services.file_way_back(actor=player.identity, direct_d_id=ground, draft=draft, proofs=(PROOF,))
    yield (now := diary.later(clock.now(), 1, stream))
    await services.check_way_back(
        actor=market.people.second_officer, way_back_id=filed.way_back_id, complete=True, note=""
    )
    yield (now := diary.later(now, 3, stream))
    third: Identity = await market.people.another_officer()
    done = await services.decide_way_back(actor=third, way_back_id=filed.way_back_id, granted=True, reasons=LEFT_D)
    if done.effective_on is not None and done.effective_on > clock.today():
        yield max(diary.at(diary.workday(done.effective_on), 10), now)
        await services.lift_due(actor=third)


def _recorded(player: Player | None) -> Player | None:
    return player if player is not None and player.agency_id else None
