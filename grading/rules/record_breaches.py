"""Which item of the scheme an event of the record points to, and how it is put to the agency. A person decides.

Every item of the scheme that names the platform's own record as evidence is either here, or in `NOT_SHOWN` with the
reason why the record cannot show it: then somebody has to bring it up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from agencies.rules.outdated import Outdated
from contracts.rules.breaches import RecordBreach, RecordedBreach
from core.i18n import N_
from market.rules.declined import DeclinedAward

ITEMS: dict[RecordBreach, str] = {
    RecordBreach.NOT_SIGNED: "CP-0501",
    RecordBreach.CONTRACT_LATE: "CP-0201",
    RecordBreach.CORRECTION_LATE: "CP-0201",
    RecordBreach.OVERRUN: "CP-0204",
    RecordBreach.RETURNED_TWICE: "CP-0503",
}
"""Scheme XT-2026.1: a winner that does not sign drops its award; late filing; overrun of more than half; the same result returned twice."""
OUTDATED_ITEM = "CP-0202"
DECLINED_ITEM = "CP-0501"

SHOWN: Mapping[str, str] = {
    "CP-0201": N_("系统到期自动提出：合同、更正成果逾期"),
    "CP-0202": N_("系统自动提出：证书到期后 10 个工作日内没有更新；人员离职等其他变更系统不掌握，由人提出"),
    "CP-0204": N_("系统自动提出；是否事先告知、有无正当理由由人核对"),
    "CP-0501": N_("系统自动提出：中选后自行放弃，或者委托方已确认、期满仍不签订合同；有无正当理由由人核对"),
    "CP-0503": N_("系统自动提出；退回理由是否成立由人核对"),
    "CP-0505": N_("系统到期自动提出"),
}
"""What the clock proposes by itself, and what it leaves to whoever decides."""
NOT_SHOWN: Mapping[str, str] = {
    "CP-0203": N_("由人提出：平台不受理投诉，没有投诉与答复的记录"),
    "CP-0205": N_("由人提出：平台上每项服务的时限和收费依据不填不能备案，平台外是否公开系统不掌握"),
}
"""Whose evidence is a record that the platform does not keep."""
CAPS: Mapping[str, str] = {
    "CC-01": N_("由技术审查记录算出"),
    "CC-02": N_("由认定的记分算出"),
    "CC-03": N_("随机抽查时责令限期整改的，到确认完成为止"),
    "CC-04": N_("投诉由工作人员作为记分提出并写明，机构可以申辩，认定后才算"),
    "AFTER-D": N_("由 D 级的记录算出"),
}
"""Where each cap at C gets its facts."""
BY_PEOPLE = N_("由人提出，附证据")

LOOK_BACK = timedelta(days=30)
"""What is older is not brought up by the clock any more (platform rule); an officer still may."""


def found_by(code: str) -> str:
    """How misconduct of that item comes up: by the clock, or by people and why (msgid)."""
    return SHOWN.get(code) or NOT_SHOWN.get(code) or BY_PEOPLE


@dataclass(frozen=True)
class Recorded:
    """One event of the record as it is put to the agency; `event` names it once and for all."""

    code: str
    event: str
    agency_id: int
    profession: str | None
    at: datetime
    facts: str


def of_contract(one: RecordedBreach, day: str) -> Recorded:
    """An event of contracts; `day` is its moment as people read it."""
    return Recorded(ITEMS[one.kind], one.event, one.agency_id, one.profession, one.at, facts_of(one, day))


def of_award(one: DeclinedAward, day: str) -> Recorded:
    """An award given up. Why, the agency has said on the notice; whether that is good cause, a person decides."""
    facts = (
        f"选取公告 {one.notice_no}“{one.title}”中选后，于 {day} 自行放弃中选。放弃时说明的理由见公告的办理记录；"
        "是否有正当理由由认定人核对，请申辩时举证。"
    )
    return Recorded(DECLINED_ITEM, f"award-declined:{one.award_id}", one.agency_id, one.profession, one.ended_at, facts)


def of_certificate(one: Outdated, day: str) -> Recorded:
    """A certificate that ran out and was left in the dossier. A person's is named by the end of its number only."""
    whose = f"资质“{one.name}”（{one.number}）" if one.kind == "qualification" else _persons(one)
    facts = (
        f"{whose}有效期至 {one.expires_on}，到 {day} 已满 10 个工作日，档案没有更新，也没有提交变更备案。"
        "已换证或已注销的，请申辩时附证明。"
    )
    event = f"outdated:{one.kind}:{one.record_id}:{one.expires_on}"
    return Recorded(OUTDATED_ITEM, event, one.agency_id, one.profession, one.due_at, facts)


def _persons(one: Outdated) -> str:
    return f"一名从业人员的“{one.name}”（证书编号末四位 {one.number[-4:]}）"


def facts_of(one: RecordedBreach, day: str) -> str:
    """What the record says, in one Chinese sentence; what it cannot know is named for whoever decides."""
    first, second = one.figures
    match one.kind:
        case RecordBreach.NOT_SIGNED:
            return (
                f"选取公告 {one.contract_no}“{one.title}”中选后，委托方已确认合同第 {first} 稿，签订期限到 {day} 届满，"
                "机构没有确认签订。是否有正当理由由认定人核对，请申辩时举证。"
            )
        case RecordBreach.CONTRACT_LATE:
            return f"合同 {one.contract_no}“{one.title}”应于 {day} 前备案，到期时没有备案。"
        case RecordBreach.CORRECTION_LATE:
            return f"合同 {one.contract_no}“{one.title}”的成果退回后，第 {first} 版没有在更正期限内提交（{day}）。"
        case RecordBreach.OVERRUN:
            return (
                f"合同 {one.contract_no}“{one.title}”的成果约定 {second} 个工作日，实际 {first} 个工作日，超过五成"
                "（业主原因的停工不计）。是否事先告知、有无正当理由，系统不掌握，请申辩时说明。"
            )
        case _:
            return (
                f"合同 {one.contract_no}“{one.title}”的同一成果被退回 {first} 次（最近一次 {day}）。"
                "退回理由是否成立由认定人核对。"
            )
