"""What waits on each desk: for the parties of contracts, for reviewers, for grading officers."""

from datetime import datetime
from typing import Any

from contracts.queries.contracts import CONTRACT_SQL, contract_row
from contracts.queries.deferred import DeferredRow, waiting_promises
from contracts.rules.clocks import Clocks, clocks_on
from contracts.rules.filing import ContractState, Side
from core import clock, db
from core.desk import DeskItem
from core.i18n import _, loc
from core.identity import Identity, Role

MOST = 100


async def desk_items(identity: Identity, now: datetime) -> list[DeskItem]:
    """Everything of this package that waits for the reader, or that the reader waits for."""
    clocks = clocks_on(clock.shanghai(now).date())
    match identity.role:
        case Role.CLIENT:
            return [
                *await _contract_items(identity, Side.CLIENT, clocks),
                *await _acceptance_items(identity, clocks),
                *await _evaluation_items(identity, Side.CLIENT, now, clocks),
            ]
        case Role.AGENCY:
            return [
                *await _contract_items(identity, Side.AGENCY, clocks),
                *await _delivery_items(identity, clocks),
                *[_promise_item(one) for one in await waiting_promises(identity.organization_id)],
                *await _comment_items(identity, clocks),
                *await _evaluation_items(identity, Side.AGENCY, now, clocks),
            ]
        case Role.REVIEWER:
            return await _assignment_items(identity, clocks)
        case Role.GRADING_OFFICER:
            return await _officer_items(now, clocks)
    return []


# ---- contracts to confirm and to file
async def _contract_items(identity: Identity, side: Side, clocks: Clocks) -> list[DeskItem]:
    found = await db.rows(
        CONTRACT_SQL + " where (c.client = $1 or c.agency_organization = $1)"
        " and c.state in ('draft', 'half-confirmed', 'signed') order by c.id limit $2",
        identity.organization_id,
        MOST,
    )
    return [_contract_item(contract_row(record), side, clocks) for record in found]


def _contract_item(row: Any, side: Side, clocks: Clocks) -> DeskItem:
    href = f"/contracts/{row.id}"
    if row.state is ContractState.SIGNED:
        return DeskItem(
            _("合同"), row.title, _("双方已确认，须备案"), href, row.filing_due_at,
            row.signed_at, clocks.file, _("备案"),
        )  # fmt: skip
    mine = row.client_confirmed_at if side is Side.CLIENT else row.agency_confirmed_at
    other = loc(row, "agency_name" if side is Side.CLIENT else "client_name")
    if mine is not None:
        return DeskItem(
            _("合同"), row.title, _("等 %(name)s 确认") % {"name": other}, href,
            row.confirm_due_at, mine, clocks.confirm, _("看进度"), mine=False,
        )  # fmt: skip
    return DeskItem(
        _("合同"), row.title, _("与 %(name)s 的合同第 %(v)s 稿") % {"name": other, "v": row.version},
        href, row.confirm_due_at, row.awarded_at, clocks.confirm, _("核对并确认"),
    )  # fmt: skip


def _promise_item(row: DeferredRow) -> DeskItem:
    return DeskItem(
        _("容缺补交"), row.name, row.title, f"/contracts/{row.contract}", row.due_at,
        row.promised_at, None, _("补交"),
    )  # fmt: skip


# ---- results
async def _acceptance_items(identity: Identity, clocks: Clocks) -> list[DeskItem]:
    found = await db.rows(
        "select d.id, d.number, d.title, d.filed_at, d.due_at, d.state, a.name_zh, a.name_en"
        " from contracts_deliverable d join contracts_contract c on c.id = d.contract"
        " join agencies_agency a on a.id = c.agency"
        " where c.client = $1 and d.state in ('filed', 'returned') order by d.due_at limit $2",
        identity.organization_id,
        MOST,
    )
    return [_acceptance_item(row, clocks) for row in found]


def _acceptance_item(row: Any, clocks: Clocks) -> DeskItem:
    mine = row["state"] == "filed"
    return DeskItem(
        kind=_("成果验收") if mine else _("成果更正"),
        title=row["title"],
        note=f"{row['number']}　{loc(row, 'name')}",
        href=f"/deliverables/{row['id']}",
        due_at=row["due_at"],
        since=row["filed_at"],
        allowed_wd=clocks.accept if mine else clocks.correct,
        button=_("验收") if mine else _("看进度"),
        mine=mine,
    )


_DELIVERY = """
select c.id as contract_id, m.id as milestone_id, m.name as name_zh,
       case when m.name = c.item_name_zh then c.item_name_en else m.name end as name_en, m.days, c.title, c.signed_at, d.id,
       d.number, d.state, d.filed_at, d.due_at, s.returned_at
from contracts_milestone m
join contracts_contract c on c.id = m.contract
left join contracts_deliverable d on d.milestone = m.id
left join contracts_submission s on s.deliverable = d.id and s.version = d.version
where c.agency_organization = $1 and c.state = 'filed' and m.state = 'planned'
  and not exists (select 1 from contracts_milestone earlier
                   left join contracts_deliverable e on e.milestone = earlier.id
                   where earlier.contract = c.id and earlier.place < m.place and e.id is null)
order by m.id limit $2
"""


async def _delivery_items(identity: Identity, clocks: Clocks) -> list[DeskItem]:
    from core.workdays import calendar

    found = await db.rows(_DELIVERY, identity.organization_id, MOST)
    days = await calendar()
    return [_delivery_item(row, days.due_at(row["signed_at"], row["days"]), clocks) for row in found]


def _delivery_item(row: Any, due: datetime, clocks: Clocks) -> DeskItem:
    form = f"/contracts/{row['contract_id']}/milestones/{row['milestone_id']}/result"
    if row["state"] == "returned":
        return DeskItem(
            _("成果更正"), row["title"], f"{row['number']}　{loc(row, 'name')}", form, row["due_at"],
            row["returned_at"], clocks.correct, _("提交新版本"),
        )  # fmt: skip
    if row["state"] == "filed":
        return DeskItem(
            _("成果验收"), row["title"], _("等委托方验收"), f"/deliverables/{row['id']}",
            row["due_at"], row["filed_at"], clocks.accept, _("看进度"), mine=False,
        )  # fmt: skip
    return DeskItem(
        _("提交成果"), row["title"], loc(row, "name"), form, due, row["signed_at"], row["days"],
        _("提交成果"),
    )  # fmt: skip


async def _comment_items(identity: Identity, clocks: Clocks) -> list[DeskItem]:
    found = await db.rows(
        "select v.id, v.number, v.due_at, v.shared_at, v.technical, d.title"
        " from contracts_review v join contracts_deliverable d on d.id = v.deliverable"
        " join contracts_contract c on c.id = d.contract"
        " where c.agency_organization = $1 and v.state = 'comment' order by v.due_at limit $2",
        identity.organization_id,
        MOST,
    )
    return [
        DeskItem(
            _("审查结果　提意见"), row["title"],
            _("%(number)s　专家分 %(mark)s") % {"number": row["number"], "mark": row["technical"]},
            f"/reviews/{row['id']}", row["due_at"], row["shared_at"], clocks.comment, _("看结果"),
        )
        for row in found
    ]  # fmt: skip


_EVALUATIONS = {
    Side.CLIENT: """
select c.id, c.title, e.requested_at, e.due_at
from contracts_evaluation e join contracts_contract c on c.id = e.contract
where c.client = $1 and e.due_at > $2 and e.client_filed_at is null order by e.due_at limit $3
""",
    Side.AGENCY: """
select c.id, c.title, e.requested_at, e.due_at
from contracts_evaluation e join contracts_contract c on c.id = e.contract
where c.agency_organization = $1 and e.due_at > $2 and e.statement_filed_at is null
order by e.due_at limit $3
""",
}


async def _evaluation_items(identity: Identity, side: Side, now: datetime, clocks: Clocks) -> list[DeskItem]:
    found = await db.rows(_EVALUATIONS[side], identity.organization_id, now, MOST)
    client = side is Side.CLIENT
    return [
        DeskItem(
            _("评价机构") if client else _("履约陈述"), row["title"],
            _("双方都提交后才互相看到"),
            f"/contracts/{row['id']}/{'evaluation' if client else 'statement'}",
            row["due_at"], row["requested_at"], clocks.evaluate, _("评价") if client else _("陈述"),
        )
        for row in found
    ]  # fmt: skip


# ---- reviewers and officers
async def _assignment_items(identity: Identity, clocks: Clocks) -> list[DeskItem]:
    found = await db.rows(
        "select a.id, a.due_at, a.drawn_at, v.number, v.sheet_id, c.item_name_zh, c.item_name_en"
        " from contracts_assignment a join contracts_reviewer r on r.id = a.reviewer"
        " join contracts_review v on v.id = a.review"
        " join contracts_deliverable d on d.id = v.deliverable"
        " join contracts_contract c on c.id = d.contract"
        " where r.account = $1 and a.state = 'assigned' order by a.due_at limit $2",
        identity.account_id,
        MOST,
    )
    return [
        DeskItem(
            _("技术审查"), loc(row, "item_name"), f"{row['number']}　{row['sheet_id']}",
            f"/reviews/assignments/{row['id']}", row["due_at"], row["drawn_at"], clocks.review,
            _("审查"),
        )
        for row in found
    ]  # fmt: skip


_OFFICER = """
select v.id, v.number, v.commented_at as since, v.due_at, 'answer' as what, c.item_name_zh, c.item_name_en
  from contracts_review v join contracts_deliverable d on d.id = v.deliverable
  join contracts_contract c on c.id = d.contract where v.state = 'answer'
union all
select v.id, v.number, a.drawn_at, a.due_at, 'overdue', c.item_name_zh, c.item_name_en
  from contracts_assignment a join contracts_review v on v.id = a.review
  join contracts_deliverable d on d.id = v.deliverable
  join contracts_contract c on c.id = d.contract where a.state = 'assigned' and a.due_at <= $1
union all
select v.id, v.number, v.opened_at, null, 'empty', c.item_name_zh, c.item_name_en
  from contracts_review v join contracts_deliverable d on d.id = v.deliverable
  join contracts_contract c on c.id = d.contract
 where v.state = 'marking' and v.wanted > (select count(*) from contracts_assignment a
       where a.review = v.id and a.state in ('assigned', 'submitted'))
order by 4 nulls last limit $2
"""


async def _officer_items(now: datetime, clocks: Clocks) -> list[DeskItem]:
    found = await db.rows(_OFFICER, now, MOST)
    words = {
        "answer": (_("答复机构意见"), _("答复"), clocks.answer),
        "overdue": (_("审查逾期"), _("改派"), clocks.review),
        "empty": (_("审查员不足"), _("补抽"), None),
    }
    return [
        DeskItem(
            _("技术审查"), loc(row, "item_name"), f"{row['number']}　{words[row['what']][0]}",
            f"/reviews/{row['id']}", row["due_at"], row["since"], words[row["what"]][2],
            words[row["what"]][1],
        )
        for row in found
    ]  # fmt: skip
