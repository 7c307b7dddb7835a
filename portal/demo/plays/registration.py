"""An agency registers: fills in its dossier over some days, is checked, put on notice, and recorded."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from agencies import services as agencies
from agencies.rules.dossier import (
    Commitment,
    CommitmentsStep,
    IndependenceStep,
    OrganizationStep,
    PractitionerDraft,
    QualificationClass,
    QualificationDraft,
    Step,
)
from agencies.rules.filing import NOTICE_WORKDAYS
from agencies.rules.formal_check import Defect
from agencies.rules.independence import Relation, RelationKind, Separation, TargetKind
from core.clock import shanghai
from core.forms import Upload
from portal.demo import papers, words
from portal.demo.market import DemoMarket
from portal.demo.people import Player
from portal.demo.roster import DemoAgency
from portal.demo.stage import Process

CLASSES = {
    "甲级": QualificationClass.FIRST,
    "乙级": QualificationClass.SECOND,
    "不分级": QualificationClass.UNGRADED,
    "无等级": QualificationClass.NONE,
}
RELATIONS = {
    "former_affiliate": (RelationKind.FORMER_AFFILIATE, TargetKind.DEPARTMENT),
    "former_official": (RelationKind.FORMER_OFFICIAL, TargetKind.DEPARTMENT),
    "shared_controller": (RelationKind.SHARED_CONTROLLER, TargetKind.AGENCY),
    "client_related": (RelationKind.SHAREHOLDING, TargetKind.ORGANIZATION),
}
RETURNED = "缺法定代表人授权委托书扫描件。请在“资质与服务事项”中补传后再提交。"
RETURN_SHARE = 0.15


async def registers(market: DemoMarket, agency: DemoAgency) -> Process:
    """From the first sign-in to the register."""
    stream, diary = market.chance("registration", agency.key), market.diary
    begins = entry_day(market, agency)
    player = await market.people.open_agency(agency)
    actor = player.identity
    filing = (await agencies.start_registration(actor=actor)).filing_id
    await agencies.save_organization(actor=actor, filing_id=filing, step=_organization(market, agency))
    await agencies.add_qualification(
        actor=actor, filing_id=filing, draft=qualification(agency), scan=certificate(agency)
    )
    yield (now := diary.later(begins, 0, stream))
    await agencies.add_practitioners(actor=actor, filing_id=filing, people=_staff(market, agency))
    await agencies.save_independence(actor=actor, filing_id=filing, step=independence(market, agency))
    await agencies.save_commitments(actor=actor, filing_id=filing, step=commitments(market, agency))
    yield (now := diary.later(now, 1, stream))
    await agencies.submit_filing(actor=actor, filing_id=filing)
    yield (now := diary.later(now, 1, stream))
    if stream.random() < RETURN_SHARE:
        defect = Defect(Step.QUALIFICATIONS, "other", RETURNED)
        await agencies.return_filing(actor=market.people.registrar, filing_id=filing, defects=(defect,))
        yield (now := diary.later(now, 1, stream))
        await agencies.submit_filing(actor=actor, filing_id=filing)
        yield (now := diary.later(now, 1, stream))
    await agencies.accept_filing(actor=market.people.registrar, filing_id=filing)
    yield diary.calendar.due_at(now, NOTICE_WORKDAYS)
    receipt = await agencies.record_filing(filing_id=filing)
    assert receipt.agency_id is not None
    await _on_record(market, player, receipt.agency_id, now)


def entry_day(market: DemoMarket, agency: DemoAgency) -> datetime:
    """When it begins: on its own day, or in the first weeks of the market for those who were there before."""
    stream = market.chance("entry", agency.key)
    first = shanghai(market.begins_at).date()
    day = max(agency.registers_on, first + timedelta(days=stream.randrange(8)))
    return market.diary.on(market.diary.workday(day), stream)


async def _on_record(market: DemoMarket, player: Player, agency_id: int, now: datetime) -> None:
    player.agency_id = agency_id
    player.recorded_on = market.diary.calendar.add(shanghai(now).date(), NOTICE_WORKDAYS + 1)
    await market.people.declare_interest(player)


def _organization(market: DemoMarket, agency: DemoAgency) -> OrganizationStep:
    stream = market.chance("people", agency.key)
    return OrganizationStep(
        name_zh=agency.name_zh,
        name_en=agency.name_en,
        uscc=agency.uscc,
        region_code=agency.region_code,
        region_zh=agency.region_zh,
        region_en=agency.region_en,
        address=f"{agency.region_zh}演示路 {stream.randint(1, 199)} 号",
        legal_representative=words.person(stream, 1),
        contact_name=words.person(stream, 2),
        contact_phone=f"0538-0000{stream.randint(100, 999)}",
        controller=_controller(market, agency),
        staff_total=agency.staff_total,
        founded_on=date(stream.randint(2004, 2021), stream.randint(1, 12), stream.randint(1, 28)),
    )


def _controller(market: DemoMarket, agency: DemoAgency) -> str:
    """Who stands behind it; two agencies that declare so share one."""
    keys = {agency.key, agency.relation_target} if agency.relation == "shared_controller" else {agency.key}
    first = min(keys)
    everybody = [one.key for one in market.roster.agencies]
    return words.person(market.chance("controller", *sorted(keys)), 101 + everybody.index(first))


def qualification(agency: DemoAgency) -> QualificationDraft:
    """Its one certificate."""
    return QualificationDraft(
        profession=agency.profession,
        kind_zh=agency.credential_zh[:100],
        kind_en=agency.credential_en,
        number=agency.certificate_no,
        grade=CLASSES[agency.qualification_class],
        scope_zh=agency.scope_zh,
        scope_en=agency.scope_en,
        issuer="演示发证机关",
        expires_on=agency.expires_on,
        items=agency.items,
    )


def certificate(agency: DemoAgency) -> Upload:
    """The scan of the certificate."""
    lines = [
        f"机构名称：{agency.name_zh}",
        f"证书编号：{agency.certificate_no}",
        f"等级：{agency.qualification_class}",
        f"业务范围：{agency.scope_zh}",
        f"有效期至：{agency.expires_on.isoformat()}",
        "本证书为演示市场生成，不是真实证书。",
    ]
    return papers.scan(agency.credential_zh.partition("（")[0], lines)


def _staff(market: DemoMarket, agency: DemoAgency) -> tuple[PractitionerDraft, ...]:
    stream = market.chance("staff", agency.key)
    return tuple(
        PractitionerDraft(
            name=words.person(stream, number),
            certificate_kind="演示执业证书",
            certificate_no=f"YS-{agency.uscc[9:17]}-{number:03d}",
            insured_months=stream.randint(4, 90),
            employed_since=date(stream.randint(2012, 2024), stream.randint(1, 12), 1),
        )
        for number in range(1, agency.staff_certified + 1)
    )


def independence(market: DemoMarket, agency: DemoAgency) -> IndependenceStep:
    """The declaration, with the relation that the roster names."""
    signed_by = words.person(market.chance("people", agency.key), 1)
    step = IndependenceStep(frozenset(Separation), none_declared=True, signed_by=signed_by)
    if agency.relation not in RELATIONS:
        return step
    kind, target_kind = RELATIONS[agency.relation]
    target = market.roster.code_of(agency.relation_target)
    relation = Relation(kind, target_kind, target, agency.relation_note)
    return replace(step, relations=(relation,), none_declared=False)


def commitments(market: DemoMarket, agency: DemoAgency) -> CommitmentsStep:
    """What it promises for every item."""
    stream = market.chance("promises", agency.key)
    promised = []
    for code in agency.items:
        item = market.items[code]
        middle = (item.fee_min + item.fee_max) / 2
        share = Decimal(stream.randint(80, 115)) / 100
        days = max(1, item.promised_days + stream.choice((-1, 0, 0, 1, 2)))
        reference = Decimal(round(middle * share / 100) * 100)
        promised.append(Commitment(code, days, "市场调节价，按工作量和难度报价", reference))
    text = "实行首问负责；成果通过审查前免费修改；收费与公示一致。"
    return CommitmentsStep(tuple(promised), service_text=text, honest=True)
