"""The contract itself: drafted, edited, confirmed by both, filed, suspended, completed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from agencies import queries as agencies
from agencies.rules import Profession
from contracts.rules import filing as rules
from contracts.rules.clocks import clocks_on
from contracts.rules.filing import ContractAct, ContractState, MilestoneTerms, Offer, Side, Terms
from contracts.services.parties import (
    lock_contract,
    other_organization,
    require_side,
    side_of,
    terms_payload,
    threads,
)
from core import clock, db, mail, serials, trail
from core.db import transaction
from core.errors import Rejected, StaleForm
from core.i18n import N_
from core.identity import SYSTEM, Identity, Permission
from core.states import advance
from core.workdays import calendar
from market import queries as market
from market.queries import AwardRow
from market.services import complete_commission, release_bid_bond


class SuspensionWithoutReason(Rejected):
    """Days taken off the agency's clock need a reason."""

    code = "suspension-without-reason"
    text = N_("中止履行须写明委托方一侧的原因。")


@dataclass(frozen=True)
class ContractReceipt:
    """What an act on a contract leaves behind; `number` and `late` once it is filed."""

    contract_id: int
    version: int
    state: ContractState
    at: datetime
    entry_id: int
    number: str | None = None
    late: bool = False


async def draft_from_award(award_id: int) -> int:
    """Draft the contract of an award; repeats the bid, starts the clock of ten working days.

    Handed to `market.services.AWARDED`. `PartyUnknown` when the award's agency is not on record;
    an award that already has its contract gives the same contract again.
    """
    async with transaction():
        known: int | None = await db.value("select id from contracts_contract where award = $1", award_id)
        return known if known is not None else await _draft(award_id)


async def _draft(award_id: int) -> int:
    award = await market.award(award_id)
    now = clock.now()
    standing = await agencies.standing(award.agency_id, Profession(award.profession), clock.today())
    if standing.organization_id != award.agency_organization_id:
        raise rules.PartyUnknown
    offer = Offer(award.amount, award.days, _work(award))
    terms = rules.default_terms(offer, award.item_name_zh)
    due = (await calendar()).due_at(now, clocks_on(clock.today()).confirm)
    related = award.client_id in standing.related_organizations
    contract = await _insert(award, offer, terms, due, related)
    await _write_milestones(contract["id"], terms)
    await trail.record(
        SYSTEM,
        "contract.drafted",
        f"contract:{contract['id']}",
        after=terms_payload(terms) | {"award": award_id},
        threads=threads(contract),
    )
    for organization in (award.client_id, award.agency_organization_id):
        await _tell(organization, "contracts/contract_drafted", contract)
    return int(contract["id"])


def _work(award: AwardRow) -> str:
    """What was asked and promised: extent, requirements, the agency's proposal."""
    parts = (award.scale, award.conditions, award.proposal)
    return "\n".join(part.strip() for part in parts if part.strip())


async def _insert(award: AwardRow, offer: Offer, terms: Terms, due: datetime, related: bool) -> Any:
    now = clock.now()
    return await db.row(
        "insert into contracts_contract (award, notice, project, client, agency,"
        " agency_organization, notice_no, item_code, item_name_zh, item_name_en, profession, title,"
        " review_sheet, fund_source, related_parties, bid_amount, bid_days, bid_conditions, amount,"
        " days, scope, version, state, awarded_at, drafted_at, confirm_due_at, filed_late)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,"
        " $16, $17, $19, 1, 'draft', $20, $20, $21, false) returning *",
        award.award_id,
        award.notice_id,
        award.project_id,
        award.client_id,
        award.agency_id,
        award.agency_organization_id,
        award.notice_no,
        award.item_code,
        award.item_name_zh,
        award.item_name_en,
        award.profession,
        award.project_title,
        award.review_sheet or "none",
        award.fund_source.value,
        related,
        offer.amount,
        offer.days,
        offer.conditions,
        terms.scope,
        now,
        due,
    )


async def _write_milestones(contract_id: int, terms: Terms) -> None:
    steps = terms.milestones
    await db.execute(
        "insert into contracts_milestone (contract, place, name, percent, days, amount, state)"
        " select $1, place, name, percent, days, amount, 'planned' from"
        " unnest($2::smallint[], $3::text[], $4::numeric[], $5::int[], $6::numeric[])"
        " as step (place, name, percent, days, amount)",
        contract_id,
        list(range(1, len(steps) + 1)),
        [step.name for step in steps],
        [step.percent for step in steps],
        [step.days for step in steps],
        list(rules.milestone_amounts(terms)),
    )


async def read_terms(contract: Any) -> Terms:
    """The terms of a contract row as agreed so far."""
    steps = await db.rows(
        "select name, percent, days from contracts_milestone where contract = $1 order by place",
        contract["id"],
    )
    return Terms(
        contract["amount"],
        contract["days"],
        contract["scope"],
        tuple(MilestoneTerms(step["name"], step["percent"], step["days"]) for step in steps),
    )


async def edit_contract(*, actor: Identity, contract_id: int, version: int, terms: Terms) -> ContractReceipt:
    """Change the terms; either side may until both have confirmed, and every confirmation lapses.

    `StaleForm` when the other side has changed the draft meanwhile; `FormInvalid` for terms above
    the bid or milestones that do not total 100 %.
    """
    actor.require(Permission.MAKE_CONTRACT)
    async with transaction():
        contract = await lock_contract(actor, contract_id)
        side_of(actor, contract)
        _check_version(contract, version)
        state = advance(rules.TRANSITIONS, ContractState(contract["state"]), ContractAct.EDIT)
        rules.check_terms(terms, _offer(contract))
        before = await read_terms(contract)
        await _write_terms(contract_id, terms, version + 1, state)
        entry = await trail.record(
            actor,
            "contract.edited",
            f"contract:{contract_id}",
            before=terms_payload(before),
            after=terms_payload(terms) | {"version": version + 1},
            threads=threads(contract),
        )
        await _tell(other_organization(actor, contract), "contracts/contract_edited", contract)
    return ContractReceipt(contract_id, version + 1, state, clock.now(), entry)


def _check_version(contract: Any, version: int) -> None:
    if contract["version"] != version:
        raise StaleForm


def _offer(contract: Any) -> Offer:
    return Offer(contract["bid_amount"], contract["bid_days"], contract["bid_conditions"])


async def _write_terms(contract_id: int, terms: Terms, version: int, state: ContractState) -> None:
    await db.execute(
        "update contracts_contract set amount = $2, days = $3, scope = $4, version = $5,"
        " state = $6, client_confirmed_at = null, agency_confirmed_at = null where id = $1",
        contract_id,
        terms.amount,
        terms.days,
        terms.scope,
        version,
        state.value,
    )
    await db.execute("delete from contracts_milestone where contract = $1", contract_id)
    await _write_milestones(contract_id, terms)


async def confirm_contract(*, actor: Identity, contract_id: int, version: int) -> ContractReceipt:
    """Agree to the terms as they stand; the second side's confirmation signs the contract.

    `StaleForm` when the draft has changed since it was read, `AlreadyConfirmed` for the same side
    twice, `QualificationExpired`, `ItemNotCovered` or `ProfessionNotRecorded` on the day of signing.
    """
    actor.require(Permission.MAKE_CONTRACT)
    now = clock.now()
    async with transaction():
        contract = await lock_contract(actor, contract_id)
        side = side_of(actor, contract)
        _check_version(contract, version)
        act = _confirmation(side, contract)
        state = advance(rules.TRANSITIONS, ContractState(contract["state"]), act)
        signed = act is ContractAct.CONFIRM_SECOND
        due = await _sign(contract) if signed else None
        await db.execute(
            f"update contracts_contract set {side.value}_confirmed_at = $2, state = $3,"  # noqa: S608  enum
            " signed_at = $4, filing_due_at = $5 where id = $1",
            contract_id,
            now,
            state.value,
            now if signed else None,
            due,
        )
        entry = await trail.record(
            actor,
            "contract.signed" if signed else "contract.confirmed",
            f"contract:{contract_id}",
            after={"version": version, "side": side.value},
            threads=threads(contract),
        )
        message = "contracts/contract_signed" if signed else "contracts/contract_confirmed"
        await _tell(other_organization(actor, contract), message, contract)
    return ContractReceipt(contract_id, version, state, now, entry)


def _confirmation(side: Side, contract: Any) -> ContractAct:
    if ContractState(contract["state"]) not in {
        ContractState.DRAFT,
        ContractState.HALF_CONFIRMED,
    }:
        return ContractAct.CONFIRM_SECOND
    confirmed = {one: contract[f"{one.value}_confirmed_at"] for one in Side}
    return rules.check_confirmation(side, confirmed, contract["version"])


async def _sign(contract: Any) -> datetime:
    """The day of the contract: the agency must be qualified; gives the deadline for filing."""
    on = clock.today()
    standing = await agencies.standing(contract["agency"], Profession(contract["profession"]), on)
    rules.check_may_sign(
        recorded=standing.recorded and standing.profession_recorded,
        valid_until=standing.qualification_valid_until,
        on=on,
        covered=contract["item_code"] in standing.items,
    )
    return (await calendar()).due_at(clock.now(), clocks_on(on).file)


async def file_contract(*, actor: Identity, contract_id: int) -> ContractReceipt:
    """File the signed contract for the record; gives its number. Late filing stays a recorded fact."""
    actor.require(Permission.MAKE_CONTRACT)
    now = clock.now()
    async with transaction():
        contract = await lock_contract(actor, contract_id)
        side_of(actor, contract)
        state = advance(rules.TRANSITIONS, ContractState(contract["state"]), ContractAct.FILE)
        late = now >= contract["filing_due_at"]
        number = await serials.next_number("HT", clock.today())
        await db.execute(
            "update contracts_contract set state = $2, number = $3, filed_at = $4, filed_late = $5 where id = $1",
            contract_id,
            state.value,
            number,
            now,
            late,
        )
        entry = await trail.record(
            actor,
            "contract.filed",
            f"contract:{contract_id}",
            after={
                "number": number,
                "version": contract["version"],
                "amount": contract["amount"],
                "days": contract["days"],
                "late": late,
            },
            threads=threads(contract),
        )
        await release_bid_bond(contract["award"])
        await _tell(other_organization(actor, contract), "contracts/contract_filed", contract, number=number)
    return ContractReceipt(contract_id, contract["version"], state, now, entry, number, late)


async def suspend_work(*, actor: Identity, contract_id: int, reason: str) -> ContractReceipt:
    """The client stops the work for a reason on its side; these days do not count for punctuality."""
    actor.require(Permission.ACCEPT_DELIVERABLE)
    if not reason.strip():
        raise SuspensionWithoutReason
    async with transaction():
        contract = await lock_contract(actor, contract_id)
        require_side(actor, contract, Side.CLIENT)
        receipt = await _move(actor, contract, ContractAct.SUSPEND, {"reason": reason})
        await db.execute(
            "insert into contracts_suspension (contract, reason, started_on) values ($1, $2, $3)",
            contract_id,
            reason,
            clock.today(),
        )
        await _tell(contract["agency_organization"], "contracts/contract_suspended", contract)
    return receipt


async def resume_work(*, actor: Identity, contract_id: int) -> ContractReceipt:
    """The client lets the work go on; the agency's clock runs again from the next working day."""
    actor.require(Permission.ACCEPT_DELIVERABLE)
    async with transaction():
        contract = await lock_contract(actor, contract_id)
        require_side(actor, contract, Side.CLIENT)
        receipt = await _move(actor, contract, ContractAct.RESUME, {})
        await db.execute(
            "update contracts_suspension set ended_on = $2 where contract = $1 and ended_on is null",
            contract_id,
            clock.today(),
        )
        await _tell(contract["agency_organization"], "contracts/contract_resumed", contract)
    return receipt


_MOVES = {
    ContractAct.SUSPEND: "contract.suspended",
    ContractAct.RESUME: "contract.resumed",
    ContractAct.COMPLETE: "contract.completed",
}


async def _move(actor: Identity, contract: Any, act: ContractAct, after: Mapping[str, Any]) -> ContractReceipt:
    state = advance(rules.TRANSITIONS, ContractState(contract["state"]), act)
    await db.execute(
        "update contracts_contract set state = $2, completed_at = case when $2::varchar = 'completed'"
        " then $3::timestamptz end where id = $1",
        contract["id"],
        state.value,
        clock.now(),
    )
    entry = await trail.record(
        actor,
        _MOVES[act],
        f"contract:{contract['id']}",
        after=dict(after),
        threads=threads(contract),
    )
    return ContractReceipt(contract["id"], contract["version"], state, clock.now(), entry)


_OPEN_ENDS = (
    "select count(*) from contracts_milestone where contract = $1 and state <> 'paid'"
    " union all select count(*) from contracts_evaluation"
    " where contract = $1 and revealed_at is not null"
)


async def complete_when_done(contract_id: int) -> None:
    """Complete a contract whose milestones are all paid and whose evaluation is over."""
    contract = await lock_contract(SYSTEM, contract_id)
    unpaid, revealed = [row[0] for row in await db.rows(_OPEN_ENDS, contract_id)]
    if unpaid == 0 and revealed and contract["state"] == ContractState.FILED:
        await _move(SYSTEM, contract, ContractAct.COMPLETE, {})
        await complete_commission(contract["award"])


async def _tell(organization_id: int, message: str, contract: Any, **more: str | Decimal) -> None:
    context = {"contract_id": contract["id"], "title": contract["title"], **more}
    await mail.send(to_organization=organization_id, message=message, context=context)
