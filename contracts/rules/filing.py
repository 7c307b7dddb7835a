"""The contract: its terms, who confirms them, and when it counts as filed.

Sources: domain.md 1.4 rows 43–46; a contract must not depart from the essential terms of the bid.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from core.errors import Conflict, FormInvalid, Message, Rejected
from core.i18n import N_
from core.money import half_up

WHOLE = Decimal(100)
MOST_MILESTONES = 10


class Side(StrEnum):
    """The two parties of a contract."""

    CLIENT = "client"
    AGENCY = "agency"


class ContractState(StrEnum):
    """Where a contract stands. Lateness is a fact beside it, not a state."""

    DRAFT = "draft"
    HALF_CONFIRMED = "half-confirmed"
    SIGNED = "signed"
    FILED = "filed"
    SUSPENDED = "suspended"
    COMPLETED = "completed"


class ContractAct(StrEnum):
    """What moves a contract on."""

    EDIT = "edit"
    CONFIRM_FIRST = "confirm-first"
    CONFIRM_SECOND = "confirm-second"
    FILE = "file"
    SUSPEND = "suspend"
    RESUME = "resume"
    COMPLETE = "complete"


TRANSITIONS: Mapping[tuple[ContractState, ContractAct], ContractState] = {
    (ContractState.DRAFT, ContractAct.EDIT): ContractState.DRAFT,
    (ContractState.HALF_CONFIRMED, ContractAct.EDIT): ContractState.DRAFT,
    (ContractState.DRAFT, ContractAct.CONFIRM_FIRST): ContractState.HALF_CONFIRMED,
    (ContractState.HALF_CONFIRMED, ContractAct.CONFIRM_SECOND): ContractState.SIGNED,
    (ContractState.SIGNED, ContractAct.FILE): ContractState.FILED,
    (ContractState.FILED, ContractAct.SUSPEND): ContractState.SUSPENDED,
    (ContractState.SUSPENDED, ContractAct.RESUME): ContractState.FILED,
    (ContractState.FILED, ContractAct.COMPLETE): ContractState.COMPLETED,
}

CONTRACT_STATES: dict[ContractState, str] = {
    ContractState.DRAFT: N_("起草中"),
    ContractState.HALF_CONFIRMED: N_("一方已确认"),
    ContractState.SIGNED: N_("已签订，待备案"),
    ContractState.FILED: N_("已备案，履行中"),
    ContractState.SUSPENDED: N_("因委托方原因中止"),
    ContractState.COMPLETED: N_("已完成"),
}


class QualificationExpired(Rejected):
    """On the day of signing the agency may not do this work (domain.md row 20)."""

    code = "qualification-expired"
    text = N_("中介机构的资质已于 %(valid_until)s 到期，合同不能签订。请机构先在机构档案中更新资质。")


class ItemNotCovered(Rejected):
    """No certificate in force on the day of the contract covers the service item."""

    code = "item-not-covered"
    text = N_("中介机构在 %(on)s 没有覆盖本事项的有效资质，合同不能签订。请机构先在机构档案中更新资质。")


class ProfessionNotRecorded(Rejected):
    """The party is not a recorded agency of this profession: an unknown party cannot sign."""

    code = "profession-not-recorded"
    text = N_("合同一方没有本专业的有效备案，不能签订合同。请先完成机构备案。")


class PartyUnknown(Rejected):
    """A contract is made between the client and the agency of the award, nobody else."""

    code = "party-unknown"
    text = N_("合同双方必须是中选结果中的委托方和中介机构。请从中选结果进入合同。")


class AlreadyConfirmed(Conflict):
    """The same side confirms the same version once."""

    code = "already-confirmed"
    text = N_("您这一方已经确认了第 %(version)s 稿，现在等对方确认。")


@dataclass(frozen=True)
class MilestoneTerms:
    """A step of the work: its share of the fee in per cent, due `days` working days after signing."""

    name: str
    percent: Decimal
    days: int


@dataclass(frozen=True)
class Terms:
    """What both sides agree on: fee in yuan, working days, scope, milestones."""

    amount: Decimal
    days: int
    scope: str
    milestones: tuple[MilestoneTerms, ...]


@dataclass(frozen=True)
class Offer:
    """What was bid and awarded: fee in yuan, working days, conditions."""

    amount: Decimal
    days: int
    conditions: str


@dataclass(frozen=True)
class Difference:
    """One line of the comparison of bid and contract."""

    name: str
    bid: str
    contract: str
    changed: bool


def default_terms(offer: Offer, item_name: str) -> Terms:
    """The first draft repeats the bid: one milestone with the whole fee."""
    milestone = MilestoneTerms(name=item_name, percent=WHOLE, days=offer.days)
    return Terms(offer.amount, offer.days, offer.conditions or item_name, (milestone,))


def check_terms(terms: Terms, offer: Offer) -> None:
    """Refuse terms that break a rule, all defects at once (`FormInvalid`).

    A fee above the bid departs from an essential term; milestones must total exactly 100 %.
    """
    problems = _problems(terms, offer)
    if problems:
        raise FormInvalid(problems)


def _problems(terms: Terms, offer: Offer) -> dict[str, Message]:
    found = _milestone_problems(terms)
    if terms.amount > offer.amount:
        found["amount"] = Message(
            N_("合同金额 %(amount)s 元高于中选报价 %(bid)s 元。请改为不高于中选报价的金额。"),
            {"amount": terms.amount, "bid": offer.amount},
        )
    if terms.amount <= 0:
        found["amount"] = Message(N_("合同金额必须大于 0。"))
    if terms.days < 1:
        found["days"] = Message(N_("服务期限至少 1 个工作日。"))
    if not terms.scope.strip():
        found["scope"] = Message(N_("请写明工作内容。"))
    return found


def _milestone_problems(terms: Terms) -> dict[str, Message]:
    steps = terms.milestones
    total = sum((step.percent for step in steps), Decimal(0))
    found: dict[str, Message] = {}
    if not 1 <= len(steps) <= MOST_MILESTONES:
        found["milestones"] = Message(N_("请设 1 至 %(most)s 个节点。"), {"most": MOST_MILESTONES})
    elif total != WHOLE:
        found["milestones"] = Message(
            N_("各节点付款比例合计为 %(total)s%%，必须正好是 100%%。请调整比例。"),
            {"total": plain(total)},
        )
    for place, step in enumerate(steps):
        found |= _step_problems(place, step, steps[:place], terms.days)
    if steps and "milestones" not in found and steps[-1].days != terms.days:
        found[f"milestones-{len(steps) - 1}-days"] = Message(
            N_("最后一个节点的期限必须等于服务期限 %(days)s 个工作日。"), {"days": terms.days}
        )
    return found


def _step_problems(place: int, step: MilestoneTerms, before: Sequence[MilestoneTerms], days: int) -> dict[str, Message]:
    found: dict[str, Message] = {}
    if not step.name.strip():
        found[f"milestones-{place}-name"] = Message(N_("请写明节点名称。"))
    if step.percent <= 0:
        found[f"milestones-{place}-percent"] = Message(N_("节点比例必须大于 0。"))
    earliest = before[-1].days if before else 1
    if not earliest <= step.days <= max(days, 1):
        found[f"milestones-{place}-days"] = Message(
            N_("节点期限应在 %(earliest)s 至 %(latest)s 个工作日之间，并且不早于前一个节点。"),
            {"earliest": earliest, "latest": days},
        )
    return found


def milestone_amounts(terms: Terms) -> tuple[Decimal, ...]:
    """The fee of each milestone in yuan; rounded cumulatively, so that they add up exactly."""
    amounts, paid, share = [], Decimal(0), Decimal(0)
    for step in terms.milestones:
        share += step.percent
        upto = half_up(terms.amount * share / WHOLE)
        amounts.append(upto - paid)
        paid = upto
    return tuple(amounts)


def differences(terms: Terms, offer: Offer) -> tuple[Difference, ...]:
    """Bid and contract side by side, changed or not (domain.md row 44)."""
    pairs = (
        (N_("金额（元）"), f"{offer.amount:,.2f}", f"{terms.amount:,.2f}"),
        (N_("服务期限（个工作日）"), str(offer.days), str(terms.days)),
        (N_("工作内容与条件"), offer.conditions, terms.scope),
    )
    return tuple(
        Difference(name, bid, contract, bid.strip() != contract.strip() and bool(bid.strip()))
        for name, bid, contract in pairs
    )


def check_confirmation(side: Side, confirmed: Mapping[Side, datetime | None], version: int) -> ContractAct:
    """Which confirmation this is; `AlreadyConfirmed` when the side has confirmed this version."""
    if confirmed[side] is not None:
        raise AlreadyConfirmed(version=version)
    other = Side.AGENCY if side is Side.CLIENT else Side.CLIENT
    return ContractAct.CONFIRM_FIRST if confirmed[other] is None else ContractAct.CONFIRM_SECOND


def check_may_sign(*, recorded: bool, valid_until: date | None, on: date, covered: bool = True) -> None:
    """On the day of signing the agency is recorded for the profession and its certificate is valid.

    `covered`: a certificate in force on that day covers the very service item of the contract.
    """
    if not recorded:
        raise ProfessionNotRecorded
    if valid_until is not None and valid_until < on:
        raise QualificationExpired(valid_until=valid_until.isoformat())
    if not covered:
        raise ItemNotCovered(on=on.isoformat())


def plain(value: Decimal) -> str:
    """A number without trailing zeros, as people write a percentage."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
