"""Form text to what the services take; the JSON twins use the same parsers."""

import re
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.forms import Form
from core.i18n import N_
from market.rules.bids import LONGEST_PROPOSAL, Attachment, Offer, contribution_of
from market.rules.notices import FundSource, NoticeDraft, SelectionMethod
from market.services.flags import Explanations
from market.services.projects import ProjectDraft

CENT = Decimal("0.01")
LARGEST_INVESTMENT = Decimal("99999999999.99")
LONG_TEXT = 2000
LONGEST_DAYS = 999
SHORTEST_JUSTIFICATION = 20
SHORTEST_DECISION = 10


class PriceDecision(StrEnum):
    """What a client says to a justification."""

    ACCEPT = "accept"
    REJECT = "reject"


def parse_project(form: Form) -> ProjectDraft:
    """A project; raises `FormInvalid`."""
    title = form.text("title", max_length=120)
    location = form.text("location", max_length=200)
    description = form.text("description", max_length=LONG_TEXT)
    investment = form.money("investment", minimum=CENT, maximum=LARGEST_INVESTMENT)
    fund_source = form.choice("fund_source", FundSource)
    form.finish()
    assert investment is not None
    assert fund_source is not None
    return ProjectDraft(title, location, description, investment, fund_source)


def parse_notice(form: Form) -> NoticeDraft:
    """A notice; fields that the method does not use are ignored. Raises `FormInvalid`."""
    method = form.choice("method", SelectionMethod)
    direct = method is SelectionMethod.DIRECT
    priced = method is SelectionMethod.LOWEST_PRICE
    fund_source = form.choice("fund_source", FundSource)
    ceiling = form.money("ceiling", minimum=CENT)
    floor = form.money("floor", minimum=CENT, required=False) if priced else None
    days_limit = form.integer("days_limit", minimum=1, maximum=LONGEST_DAYS)
    deadline = form.moment("deadline")
    texts = {
        "item_code": form.text("item_code", max_length=12),
        "scale": form.text("scale", max_length=LONG_TEXT),
        "requirements": form.text("requirements", max_length=LONG_TEXT),
        "payment_terms": form.text("payment_terms", max_length=500),
    }
    agency_id = form.integer("agency_id", minimum=1) if direct else None
    reason = form.text("reason", required=False, max_length=500) if direct else ""
    risk = form.flag("risk_acknowledged") if direct else False
    form.finish()
    assert method is not None
    assert fund_source is not None
    assert ceiling is not None
    assert days_limit is not None
    assert deadline is not None
    return NoticeDraft(
        method=method,
        fund_source=fund_source,
        ceiling=ceiling,
        floor=floor,
        days_limit=days_limit,
        deadline=deadline,
        agency_id=agency_id,
        reason=reason,
        risk_acknowledged=risk,
        **texts,
    )


def parse_offer(form: Form, *, fixed_price: Decimal | None = None) -> Offer:
    """A bid. With a fixed price the bidder does not type one. Raises `FormInvalid`."""
    amount = fixed_price if fixed_price is not None else form.money("amount", minimum=CENT)
    days = form.integer("days", minimum=1, maximum=LONGEST_DAYS)
    proposal = form.text("proposal", max_length=LONGEST_PROPOSAL)
    staff = tuple(dict.fromkeys(text for text in form.raw.get("staff", ()) if text))
    words = form.text("contribution", required=False, max_length=200)
    attached = tuple(Attachment(one.name, one.body) for one in form.uploads("sealed_files"))
    if not form.flag("honest"):
        form.error("honest", N_("请勾选承诺后再提交。"))
    form.finish()
    assert amount is not None
    assert days is not None
    return Offer(amount, days, proposal, staff, contribution_of(words) if words else "", attached)


def parse_public_key(form: Form) -> bytes:
    """A custodian's public key: 64 hex digits, as `xinshi custody new-key` prints it."""
    text = form.text("public_key", max_length=64).lower()
    if text and not re.fullmatch("[0-9a-f]{64}", text):
        form.error("public_key", N_("公钥应为 64 位十六进制数字。"))
    form.finish()
    return bytes.fromhex(text)


def parse_share_key(form: Form) -> str:
    """The custodian key with which a share is unsealed; never echoed."""
    text = form.text("secret_key", max_length=200)
    form.finish()
    return text


def parse_version(form: Form) -> int:
    """The version of the matter that the reader saw."""
    version = form.integer("version", minimum=1)
    form.finish()
    assert version is not None
    return version


def parse_reason(form: Form) -> str:
    """A reason that will be public, at least a few words."""
    reason = form.text("reason", max_length=500)
    if reason and len(reason) < 4:
        form.error("reason", N_("理由会公开，请写明原因。"))
    form.finish()
    return reason


def parse_explanations(form: Form) -> Explanations:
    """The client's words on what the rules noticed at publication; may be empty."""
    split = form.text("split_reason", required=False, max_length=500)
    conditions = form.text("conditions_reason", required=False, max_length=500)
    form.finish()
    return Explanations(split, conditions)


def parse_justification(form: Form) -> str:
    """Why a low price is sound: enough words to judge by."""
    words = form.text("words", max_length=LONG_TEXT)
    if words and len(words) < SHORTEST_JUSTIFICATION:
        form.error("words", N_("请写明人员、设备、工期、成本构成等依据，至少 %(n)s 个字。"), n=SHORTEST_JUSTIFICATION)
    form.finish()
    return words


def parse_price_decision(form: Form) -> tuple[bool, str]:
    """Accept or not, with a reason that will be public."""
    decision = form.choice("decision", PriceDecision)
    words = form.text("words", max_length=500)
    if words and len(words) < SHORTEST_DECISION:
        form.error("words", N_("理由会公开，请写明依据，至少 %(n)s 个字。"), n=SHORTEST_DECISION)
    form.finish()
    return decision is PriceDecision.ACCEPT, words


def parse_deadline(form: Form) -> datetime:
    """A new deadline."""
    deadline = form.moment("deadline")
    form.finish()
    assert deadline is not None
    return deadline
