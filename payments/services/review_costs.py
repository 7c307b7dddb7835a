"""The cost of a technical review is borne by the department that ordered it, never by the owner or the agency.

The payer is not chosen: it is the organisation of the officer who orders (State Council list of intermediary services;
Regulation on Optimising the Business Environment, art. 43).
"""

from datetime import date
from decimal import Decimal

from core import db
from core.errors import Rejected
from core.i18n import N_
from core.identity import Identity, Permission
from payments.rules import PayableKind
from payments.services.payables import create_payable


class NotADepartment(Rejected):
    """Only a public body orders reviews at its own cost."""

    code = "not-a-department"
    text = N_("只有行政机关可以委托技术审查并承担费用。请用本部门的身份办理。")


class NoSuchOrganization(Rejected):
    """The credit code is nobody's here."""

    code = "no-such-organization"
    text = N_("平台上没有信用代码为 %(uscc)s 的单位。请核对收款单位的信用代码。")


async def ask_review_cost(
    *, actor: Identity, payee_uscc: str, reference: str, amount: Decimal, title: str, due_on: date
) -> int:
    """The actor's own department owes `amount` yuan for a review; the payable's id. `reference` names the review, once.

    `NotADepartment`, `NoSuchOrganization`, and what `create_payable` refuses.
    """
    actor.require(Permission.ASSIGN_REVIEW)
    kind = await db.value("select kind from core_organization where id = $1", actor.organization_id)
    if kind != "public_body":
        raise NotADepartment
    payee = await db.value("select id from core_organization where uscc = $1 and id > 1", payee_uscc)
    if payee is None:
        raise NoSuchOrganization(uscc=payee_uscc)
    payable_id: int = await create_payable(
        kind=PayableKind.REVIEW_COST,
        key=f"{actor.organization_id}:{reference}"[:60],
        payer_id=actor.organization_id,
        payee_id=payee,
        amount=amount,
        title=title,
        due_on=due_on,
        actor=actor,
    )
    return payable_id
