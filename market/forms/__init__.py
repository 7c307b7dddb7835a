"""Form text to what the services take; the JSON twins use the same parsers."""

import re
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from agencies.rules import Profession
from core import clock
from core.forms import Form, Upload
from core.i18n import N_
from market import content
from market.rules.amendments import LONGEST_REASON, Amendment
from market.rules.bids import LONGEST_PROPOSAL, Attachment, Offer, contribution_of
from market.rules.notices import FundSource, NoticeDraft, SelectionMethod
from market.rules.objections import Correction, Decision, ObjectionDraft, Remedy
from market.rules.panel import MOST_QUESTIONS, Criteria, Question, default_minimum
from market.rules.questions import LONGEST, LONGEST_ANSWER, SHORTEST
from market.rules.searches import Frequency, SearchDraft
from market.services.flags import Explanations
from market.services.projects import ProjectDraft

CENT = Decimal("0.01")
LARGEST_INVESTMENT = Decimal("99999999999.99")
LONG_TEXT = 2000
LONGEST_DAYS = 999
LONGEST_ID = 18
MOST_MARKS = 500
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
    bonds = _bonds(form)
    days_limit = form.integer("days_limit", minimum=1, maximum=LONGEST_DAYS)
    deadline = form.moment("deadline")
    texts: dict[str, Any] = {
        "item_code": form.text("item_code", max_length=12),
        "scale": form.text("scale", max_length=LONG_TEXT),
        "requirements": form.text("requirements", max_length=LONG_TEXT),
        "payment_terms": form.text("payment_terms", max_length=500),
    }
    agency_id = form.integer("agency_id", minimum=1) if direct else None
    reason = form.text("reason", required=False, max_length=500) if direct else ""
    risk = form.flag("risk_acknowledged") if direct else False
    short_list = None
    if method is SelectionMethod.CREDIT_PREFERRED:
        short_list = form.integer("short_list", minimum=1, maximum=99, required=False)
    criteria = parse_criteria(form) if method is SelectionMethod.PROPOSAL_PREFERRED else Criteria()
    outside_source = "" if direct else one_line(form.text("outside_source", required=False, max_length=200))
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
        **bonds,
        short_list=short_list,
        criteria=criteria,
        outside_source=outside_source,
        item_code=texts["item_code"],
        scale=texts["scale"],
        requirements=texts["requirements"],
        payment_terms=texts["payment_terms"],
    )


def parse_criteria(form: Form) -> Criteria:
    """The panel's questions from up to 8 rows `criteria-n-…`, empty rows left out, and the price's points.

    A question without a minimum gets the share of today's edition. The sum is judged by the rules.
    """
    rule = content.edition_in_force(clock.today()).proposal
    questions: list[Question] = []
    for row in form.rows("criteria", limit=MOST_QUESTIONS):
        if not row.given("text", "weight", "minimum"):
            continue
        text = row.text("text", max_length=100)
        weight = row.integer("weight", minimum=1, maximum=100) or 0
        minimum = row.money("minimum", minimum=Decimal(0), maximum=Decimal(100), required=False)
        least = default_minimum(weight, rule) if minimum is None else minimum
        questions.append(Question(f"q{len(questions) + 1}", text, weight, least))
    price = form.integer("price_weight", minimum=0, maximum=100, required=False) or 0
    return Criteria(tuple(questions), price)


def one_line(text: str) -> str:
    """Text whose line breaks became spaces."""
    return " ".join(text.split())


def parse_marks(form: Form) -> dict[tuple[str, str], Decimal]:
    """A member's points from rows `scores-n-…` (proposal, question, points); rows without points are left out."""
    marks = {}
    for row in form.rows("scores", limit=MOST_MARKS):
        if not row.given("points"):
            continue
        points = row.money("points", minimum=Decimal(0), maximum=Decimal(100))
        if points is not None:
            marks[row.text("proposal", max_length=4), row.text("question", max_length=8)] = points
    form.finish()
    return marks


def parse_members(form: Form) -> list[int]:
    """The accounts of a panel, its chair first."""
    named = form.many("members", max_length=18)
    chair = form.integer("chair", minimum=1)
    accounts = [int(each) for each in named if each.isdecimal()]
    if not named or len(accounts) != len(named):
        form.error("members", N_("请勾选评审小组的成员。"))
    elif chair is not None and chair not in accounts:
        form.error("chair", N_("组长应是勾选的成员之一。"))
    form.finish()
    assert chair is not None
    return [chair, *(each for each in accounts if each != chair)]


def parse_outside_value(form: Form) -> tuple[str, str]:
    """The public value, and where it was read."""
    value = one_line(form.text("value", max_length=200))
    where = form.text("where", max_length=300)
    form.finish()
    return value, where


def parse_pick(form: Form) -> tuple[int, str, bool]:
    """Whom the owner picks, why, and whether it read the warning."""
    agency_id = form.integer("agency_id", minimum=1)
    reason = parse_reason(form)
    assert agency_id is not None
    return agency_id, reason, form.flag("risk_acknowledged")


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


def _bonds(form: Form) -> dict[str, Any]:
    return {
        "bid_bond": form.money("bid_bond", minimum=CENT, required=False),
        "performance_bond": form.money("performance_bond", minimum=CENT, required=False),
    }


def parse_amendment(form: Form, method: SelectionMethod) -> tuple[Amendment, str]:
    """What a notice shall say from now on, and the public reason. Raises `FormInvalid`."""
    ceiling = form.money("ceiling", minimum=CENT)
    priced = method is SelectionMethod.LOWEST_PRICE
    floor = form.money("floor", minimum=CENT, required=False) if priced else None
    bonds = _bonds(form)
    days_limit = form.integer("days_limit", minimum=1, maximum=LONGEST_DAYS)
    deadline = form.moment("deadline")
    texts: dict[str, Any] = {
        "scale": form.text("scale", max_length=LONG_TEXT),
        "requirements": form.text("requirements", max_length=LONG_TEXT),
        "payment_terms": form.text("payment_terms", max_length=500),
    }
    reason = form.text("reason", max_length=LONGEST_REASON)
    if reason and len(reason) < SHORTEST:
        form.error("reason", N_("理由会公开，请写明原因。"))
    form.finish()
    assert ceiling is not None
    assert days_limit is not None
    assert deadline is not None
    return Amendment(ceiling=ceiling, floor=floor, days_limit=days_limit, deadline=deadline, **bonds, **texts), reason


def parse_seen(form: Form) -> int | None:
    """The amendment of the notice that the bidder read; None when the caller does not say."""
    seen = form.integer("amendment", minimum=0, required=False)
    form.finish()
    return seen


def parse_question(form: Form) -> str:
    """A question, a few words at least; everybody will read it."""
    text = form.text("question", max_length=LONGEST)
    if text and len(text) < SHORTEST:
        form.error("question", N_("请把问题写完整。"))
    form.finish()
    return text


def parse_answer(form: Form) -> str:
    """An answer or a supplement; everybody will read it."""
    text = form.text("answer", max_length=LONGEST_ANSWER)
    form.finish()
    return text


def parse_objection(form: Form) -> tuple[ObjectionDraft, tuple[Upload, ...], bool]:
    """An objection with its evidence and the declaration; `check_objection` says what is missing."""
    draft = ObjectionDraft(
        facts=form.text("facts", max_length=4000),
        wish=form.text("wish", max_length=500),
        provision=form.text("provision", required=False, max_length=40),
        provision_words=form.text("provision_words", required=False, max_length=500),
        evidence_words=form.text("evidence_words", required=False, max_length=1000),
    )
    form.finish()
    return draft, tuple(form.uploads("evidence")), form.flag("honest")


def parse_words(form: Form, *, required: bool = True) -> str:
    """Reasons that become public."""
    words = form.text("words", required=required, max_length=4000)
    form.finish()
    return words


def parse_objection_answer(form: Form) -> tuple[Remedy, str]:
    """A client's answer to an objection."""
    remedy = form.choice("remedy", Remedy)
    words = parse_words(form)
    assert remedy is not None
    return remedy, words


def parse_decision(form: Form) -> tuple[Decision, str, Correction]:
    """A supervisor's decision; the bids are read for a correction only."""
    decision = form.choice("decision", Decision)
    aside, back = (_ids(form, name) if decision is Decision.CORRECT else frozenset() for name in ("aside", "back"))
    words = parse_words(form)
    assert decision is not None
    return decision, words, Correction(aside, back)


def _ids(form: Form, name: str) -> frozenset[int]:
    found = form.many(name)
    if not all(one.isascii() and one.isdigit() and len(one) < LONGEST_ID for one in found):
        form.error(name, N_("请从列出的选项中选择一项。"))
        return frozenset()
    return frozenset(int(one) for one in found)


def parse_member(form: Form) -> tuple[int, int | None]:
    """A new member's account, and the number of the seat it takes over (None: a vacant one)."""
    account = form.integer("account", minimum=1)
    seat = form.integer("seat", minimum=1, required=False)
    form.finish()
    assert account is not None
    return account, seat


def parse_consensus(form: Form) -> dict[str, Any]:
    """What the panel agreed on: proposal, question, points, reason."""
    points = form.money("points", minimum=Decimal(0), maximum=Decimal(100))
    found = {"proposal": form.text("proposal", max_length=4), "question": form.text("question", max_length=8)}
    return found | {"reason": parse_reason(form), "points": points}


def parse_search(form: Form) -> SearchDraft:
    """A saved search; a method, profession or fund that does not exist is refused. Raises `FormInvalid`."""
    name = form.text("name", max_length=60)
    query = form.text("q", required=False, max_length=100)
    item = form.text("item", required=False, max_length=12)
    profession = form.choice("profession", Profession, required=False)
    method = form.choice("method", SelectionMethod, required=False)
    fund = form.choice("fund", FundSource, required=False)
    frequency = form.choice("frequency", Frequency)
    form.finish()
    assert frequency is not None
    return SearchDraft(name, frequency, query, item, profession or "", method or "", fund or "")
