"""The panel of a proposal-preferred notice: its questions, seats, scores and consensus."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from core.errors import Conflict, Forbidden, Message, NotFound, Rejected
from core.i18n import N_
from market.rules.editions import ProposalRule

CENT = Decimal("0.01")
MOST_QUESTIONS = 8
PRICE = "price"
WHOLE = 100
LETTERS = (N_("甲"), N_("乙"), N_("丙"), N_("丁"), N_("戊"), N_("己"), N_("庚"), N_("辛"), N_("壬"), N_("癸"))


@dataclass(frozen=True)
class Question:
    """A question of the panel: points from 0 to `weight`; below `minimum` points the proposal is set aside."""

    code: str
    text: str
    weight: int
    minimum: Decimal

    def as_json(self) -> dict[str, Any]:
        """For the notice's jsonb column."""
        return {"code": self.code, "text": self.text, "weight": self.weight, "minimum": str(self.minimum)}


@dataclass(frozen=True)
class Criteria:
    """What proposals are judged by: questions for the panel, and points for the price by formula."""

    questions: tuple[Question, ...] = ()
    price_weight: int = 0

    def as_json(self) -> list[dict[str, Any]]:
        """For the notice's jsonb column: the questions, then the price."""
        price = {"code": PRICE, "text": "", "weight": self.price_weight, "minimum": "0"}
        return [*(one.as_json() for one in self.questions), price]

    @classmethod
    def of(cls, stored: Iterable[Mapping[str, Any]] | None) -> "Criteria":
        """As stored on the notice; empty when there are none."""
        rows = list(stored or ())
        questions = tuple(
            Question(row["code"], row["text"], row["weight"], Decimal(row["minimum"]))
            for row in rows
            if row["code"] != PRICE
        )
        return cls(questions, sum(row["weight"] for row in rows if row["code"] == PRICE))


def check_criteria(criteria: Criteria, rule: ProposalRule) -> Message | None:
    """What is wrong with the questions; None when they may be published. Source: edition.proposal."""
    total = sum(one.weight for one in criteria.questions) + criteria.price_weight
    if not criteria.questions:
        return Message(N_("请至少写一个评审问题和它的分值。"))
    if total != WHOLE:
        return Message(N_("各问题的分值加上价格分应为 100 分，现在是 %(total)s 分。"), {"total": total})
    if criteria.price_weight > rule.price_weight_most:
        return Message(N_("价格分不得超过 %(most)s 分。"), {"most": rule.price_weight_most})
    if any(one.weight < 1 or not 0 <= one.minimum <= one.weight for one in criteria.questions):
        return Message(N_("每个问题的分值至少 1 分，最低分不得超过分值。"))
    return None


def default_minimum(weight: int, rule: ProposalRule) -> Decimal:
    """The points a proposal must reach on a question when the notice names no other figure."""
    return (weight * rule.question_minimum).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Mark:
    """What one member gave one proposal on one question (points)."""

    seat: int
    bid_id: int
    question: str
    points: Decimal


@dataclass(frozen=True)
class Assessment:
    """All marks of the seats that submitted, and what the panel agreed on where they were far apart."""

    criteria: Criteria
    marks: tuple[Mark, ...] = ()
    consensus: Mapping[tuple[int, str], Decimal] = field(default_factory=dict)

    def points(self, bid_id: int, question: Question) -> Decimal:
        """The panel's points: the consensus where there is one, else the mean to the cent, half up."""
        agreed = self.consensus.get((bid_id, question.code))
        if agreed is not None:
            return agreed
        given = self.given(bid_id, question.code)
        return (sum(given, Decimal(0)) / len(given)).quantize(CENT, ROUND_HALF_UP)

    def given(self, bid_id: int, code: str) -> list[Decimal]:
        """Every member's points for a proposal on a question."""
        return [mark.points for mark in self.marks if (mark.bid_id, mark.question) == (bid_id, code)]

    def far_apart(self, rule: ProposalRule) -> list[tuple[int, Question]]:
        """Where members differ by more than `spread` of a question's points: these go to consensus."""
        bids = sorted({mark.bid_id for mark in self.marks})
        return [
            (bid_id, question)
            for bid_id in bids
            for question in self.criteria.questions
            if spread(self.given(bid_id, question.code)) > rule.spread * question.weight
        ]

    def open_points(self, rule: ProposalRule) -> list[tuple[int, Question]]:
        """Where the panel must still agree."""
        return [(bid, question) for bid, question in self.far_apart(rule) if (bid, question.code) not in self.consensus]


def spread(given: Sequence[Decimal]) -> Decimal:
    """Highest less lowest."""
    return max(given) - min(given) if given else Decimal(0)


def price_points(amount: Decimal, lowest: Decimal, weight: int) -> Decimal:
    """Lowest counted price / price x weight, to the cent, half up."""
    return (lowest * weight / amount).quantize(CENT, ROUND_HALF_UP)


def enough_members(count: int, rule: ProposalRule) -> bool:
    """Whether a panel has enough members, and an odd number of them."""
    return count >= rule.panel_minimum and count % 2 == 1


def hidden_order(key: bytes, notice_id: int, bid_ids: Iterable[int]) -> dict[int, str]:
    """Names for proposals (甲, 乙, 丙 …) in an order drawn from a keyed hash, which only the platform can make."""

    def tag(bid_id: int) -> bytes:
        return hmac.new(key, f"proposal-order|{notice_id}|{bid_id}".encode(), hashlib.sha256).digest()

    ordered = sorted(bid_ids, key=tag)
    return {bid_id: hidden_name(number) for number, bid_id in enumerate(ordered)}


def hidden_name(number: int) -> str:
    """甲 to 癸, then with a figure."""
    round_, letter = divmod(number, len(LETTERS))
    return LETTERS[letter] + (str(round_ + 1) if round_ else "")


def without_names(text: str, names: Iterable[str]) -> str:
    """The proposal with every bidder's name and credit code struck out."""
    for name in sorted({each for each in names if each}, key=len, reverse=True):
        text = text.replace(name, "■■■")
    return text


class PanelIncomplete(Rejected):
    """Too few members, or an even number."""

    code = "panel-incomplete"
    text = N_("评审小组至少 %(needed)s 人，且为单数，现在是 %(count)s 人。请在截止前补齐。")


class NotOnPanel(NotFound):
    """Somebody who holds no seat, or gave it up."""

    code = "not-on-panel"
    text = N_("您不在这份公告的评审小组里。")


class NotAPanelMember(Rejected):
    """An account that may not be named."""

    code = "not-a-panel-member"
    text = N_("评审小组只能由本单位人员和审查专家组成，所选的人不符合。请重新选择。")


class TieUndeclared(Conflict):
    """Scores before the member said whether it has ties."""

    code = "tie-undeclared"
    text = N_("请先声明与各家参加机构有无利害关系，再打分。")


class HasTie(Forbidden):
    """A member that acts for a bidder."""

    code = "has-tie"
    text = N_("您同时是参加机构的人员，必须回避。请点“我须回避”。")


class ScoresSubmitted(Conflict):
    """Scores are final once submitted."""

    code = "scores-submitted"
    text = N_("您的评分已经提交，不能再改。")


class ScoresMissing(Rejected):
    """The panel is not ready for the chair to sign."""

    code = "scores-missing"
    text = N_("还有 %(seats)s 位成员没有提交评分，或有 %(points)s 处分歧没有合议，组长暂不能签署。")


class NotTheChair(Forbidden):
    """Consensus and signature are the chair's."""

    code = "not-the-chair"
    text = N_("合议结果由评审组长记录和签署，请与组长联系。")
