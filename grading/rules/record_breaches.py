"""Which item of the scheme an event of the record points to, and how it is put to the agency. A person decides."""

from datetime import timedelta

from contracts.rules.breaches import RecordBreach, RecordedBreach

ITEMS: dict[RecordBreach, str] = {
    RecordBreach.CONTRACT_LATE: "CP-0201",
    RecordBreach.CORRECTION_LATE: "CP-0201",
    RecordBreach.OVERRUN: "CP-0204",
    RecordBreach.RETURNED_TWICE: "CP-0503",
}
"""Scheme XT-2026.1: late filing; overrun of more than half; the same result returned twice."""

LOOK_BACK = timedelta(days=30)
"""What is older is not brought up by the clock any more (platform rule); an officer still may."""


def facts_of(one: RecordedBreach, day: str) -> str:
    """What the record says, in one Chinese sentence; what it cannot know is named for whoever decides."""
    first, second = one.figures
    match one.kind:
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
