"""Questions about a notice: who may ask until when, how much, and when they can be answered."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core import clock
from core.errors import Conflict, NotFound, Rejected
from core.i18n import N_
from core.workdays import Calendar
from market.rules.editions import Edition

SHORTEST, LONGEST = 4, 500
LONGEST_ANSWER = 2000
MOST_OF_ONE = 5
"""Questions one agency may ask about one notice: enough to clarify, too few to bury a client."""
MOST_OF_ALL = 100
MOST_ANSWERS = 10
"""An answer and its supplements."""

TRAIL_TITLES = {
    "question.asked": N_("机构提问（不具名）"),
    "question.answered": N_("业主答复提问"),
    "question.supplemented": N_("业主补充答复"),
}
OPEN_ACTS = ("question.asked", "question.answered", "question.supplemented")


class QuestionsClosed(Conflict):
    """The notice takes no questions (any more)."""

    code = "questions-closed"
    text = N_("这份公告现在不接收提问。提问应在截止前提出，时间见公告页。")


class TooManyQuestions(Conflict):
    """This agency, or all together, have asked as much as the rules allow."""

    code = "too-many-questions"
    text = N_("每家机构对一份公告最多提 %(most)s 个问题，全部提问不超过 %(all)s 个。请先看已有的提问和答复。")


class NamesItself(Rejected):
    """A question that tells who asks."""

    code = "question-names-asker"
    text = N_("提问会原文公开，不能写出贵机构的名称或信用代码。请删去后再提交。")


class QuestionGone(NotFound):
    """No such question, or about another client's notice."""

    code = "question-not-found"
    text = N_("没有找到这个提问。请从公告页进入。")


class AnswersClosed(Conflict):
    """The deadline has passed, or the answer was supplemented too often."""

    code = "answers-closed"
    text = N_("报价截止后不能再答复；一个提问最多答复和补充 %(most)s 次。")


@dataclass(frozen=True)
class Asked:
    """How many questions there are already: of this agency, and of all."""

    mine: int
    all: int


def questions_until(deadline: datetime, edition: Edition, calendar: Calendar) -> datetime:
    """The moment at which questions close: the hour of the deadline, so many working days earlier.

    Source: edition.amend.questions_until_wd. The client keeps at least so many whole working days to answer.
    """
    inside = (deadline - datetime.resolution).astimezone(clock.SHANGHAI)  # 24:00 belongs to the day it ends
    day, left = inside.date(), edition.amend.questions_until_wd
    while left > 0:
        day -= timedelta(days=1)
        left -= calendar.is_workday(day)
    return (datetime.combine(day, inside.timetz()) + datetime.resolution).astimezone(UTC)


def check_question(text: str, asked: Asked, names: tuple[str, ...]) -> None:
    """Raise when there are too many (`TooManyQuestions`) or the text tells who asks (`NamesItself`)."""
    if asked.mine >= MOST_OF_ONE or asked.all >= MOST_OF_ALL:
        raise TooManyQuestions(most=MOST_OF_ONE, all=MOST_OF_ALL)
    bare = "".join(text.split()).lower()
    if any("".join(name.split()).lower() in bare for name in names if name):
        raise NamesItself


def asker_tag(platform_key: bytes, notice_id: int, organization_id: int) -> str:
    """The mark by which an asker finds its own questions; tells nothing without the platform's key."""
    name = f"question|{notice_id}|{organization_id}".encode()
    return hmac.new(platform_key, name, hashlib.sha256).hexdigest()


def veil_salt(platform_key: bytes, question_id: int) -> bytes:
    """What hides the asker on the trail, for good: nothing ever lifts this veil."""
    return hmac.new(platform_key, f"question-veil|{question_id}".encode(), hashlib.sha256).digest()[:16]
