"""Reads of questions. Nothing selected here says who asked; one's own are marked by recomputing the mark."""

from dataclasses import dataclass
from datetime import datetime

from core import clock, db
from core.identity import Identity
from core.keys import secret
from market.queries.notices import NoticeRow
from market.rules.notices import Phase
from market.rules.questions import MOST_ANSWERS, Asked, QuestionGone, asker_tag


@dataclass(frozen=True)
class AnswerRow:
    """An answer, or a supplement to it."""

    text: str
    answered_at: datetime


@dataclass(frozen=True)
class QuestionRow:
    """A question with its answers, oldest first; `mine` only for its asker's own organisation."""

    id: int
    number: int
    text: str
    asked_at: datetime
    mine: bool
    answers: tuple[AnswerRow, ...]


@dataclass(frozen=True)
class Clarifications:
    """The panel of a notice: all questions, until when one may ask, and whether they can still be answered."""

    questions: tuple[QuestionRow, ...]
    until: datetime | None
    open: bool
    answerable: bool
    most_answers: int = MOST_ANSWERS

    @property
    def waiting(self) -> int:
        """Questions without an answer."""
        return sum(not one.answers for one in self.questions)


async def clarifications(row: NoticeRow, identity: Identity | None) -> Clarifications:
    """Questions and answers of a notice, for everybody, in one query."""
    tag = asker_tag(secret("seal"), row.id, identity.organization_id) if identity else ""
    found = await db.rows(
        """select q.id, q.number, q.text, q.asked_at, q.asker_tag = $2 as mine,
                  array_remove(array_agg(a.text order by a.id), null) as texts,
                  array_remove(array_agg(a.answered_at order by a.id), null) as moments
             from market_question q left join market_answer a on a.question = q.id
            where q.notice = $1 group by q.id order by q.number""",
        row.id,
        tag,
    )
    questions = tuple(
        QuestionRow(
            one["id"],
            one["number"],
            one["text"],
            one["asked_at"],
            one["mine"],
            tuple(AnswerRow(*pair) for pair in zip(one["texts"], one["moments"], strict=True)),
        )
        for one in found
    )
    collecting = row.phase is Phase.COLLECTING
    still = collecting and row.questions_until is not None and clock.now() < row.questions_until
    return Clarifications(questions, row.questions_until, still, collecting)


async def asked_so_far(notice_id: int, tag: str) -> Asked:
    """How many questions this mark, and everybody, has asked about a notice."""
    found = await db.row(
        "select count(*) filter (where asker_tag = $2) as mine, count(*) as all_of_them"
        " from market_question where notice = $1",
        notice_id,
        tag,
    )
    return Asked(found["mine"], found["all_of_them"])


async def notice_of_question(question_id: int, identity: Identity) -> tuple[int, int]:
    """The notice and the number of a question about an own notice; `QuestionGone` otherwise."""
    found = await db.row(
        "select q.notice, q.number from market_question q join market_notice n on n.id = q.notice"
        " where q.id = $1 and n.client = $2",
        question_id,
        identity.organization_id,
    )
    if found is None:
        raise QuestionGone
    return found["notice"], found["number"]


async def answers_written(question_id: int) -> int:
    """How many answers and supplements a question has."""
    count: int = await db.value("select count(*) from market_answer where question = $1", question_id)
    return count


async def unanswered_of(notice_ids: list[int]) -> dict[int, tuple[int, datetime]]:
    """Unanswered questions by notice: how many, and since when the oldest waits. For the client's desk."""
    found = await db.rows(
        """select q.notice, count(*) as waiting, min(q.asked_at) as since from market_question q
            where q.notice = any($1) and not exists (select 1 from market_answer a where a.question = q.id)
            group by q.notice""",
        notice_ids,
    )
    return {one["notice"]: (one["waiting"], one["since"]) for one in found}
