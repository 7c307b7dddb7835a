"""Questions and answers on a notice. A question is public at once and nobody learns who asked.

No row, letter or readable trail entry names the asker: to ask is to be interested, and who is interested is not
known before the opening. The asker's own session finds its questions again by their mark. No opening lifts the veil.
Of an answer all are told who may bid or who follow the notice (`services.letters`).
"""

from dataclasses import dataclass

from agencies import queries as agencies
from core import clock, db, mail, trail
from core.db import transaction
from core.identity import Identity, Permission
from core.keys import secret
from market.queries.questions import answers_written, asked_so_far, notice_of_question
from market.rules.notices import NoticeState, SelectionMethod
from market.rules.questions import (
    MOST_ANSWERS,
    AnswersClosed,
    QuestionsClosed,
    asker_tag,
    check_question,
    veil_salt,
)
from market.services.cases import letter, lock_notice, lock_own_notice
from market.services.letters import tell_answered


@dataclass(frozen=True)
class QuestionReceipt:
    """What an asker or the client gets for a question or an answer."""

    question_id: int
    notice_id: int
    number: int
    entry_id: int


async def ask_question(actor: Identity, *, notice_id: int, text: str) -> QuestionReceipt:
    """Ask about a notice, by any agency, until `questions_until`.

    Raises `QuestionsClosed`, `TooManyQuestions`, `NamesItself` when the text tells who asks.
    """
    actor.require(Permission.SUBMIT_BID)
    async with transaction():
        notice = await lock_notice(notice_id)
        until = notice.questions_until
        running = notice.state is NoticeState.PUBLISHED and notice.method is not SelectionMethod.DIRECT
        if not running or until is None or clock.now() >= until:
            raise QuestionsClosed
        db.refuse_after(until, QuestionsClosed())
        tag = asker_tag(secret("seal"), notice_id, actor.organization_id)
        check_question(text, await asked_so_far(notice_id, tag), await _names(actor))
        number: int = await db.value(
            "select coalesce(max(number), 0) + 1 from market_question where notice = $1", notice_id
        )
        question_id: int = await db.value(
            """insert into market_question (notice, number, asker_tag, text, asked_at)
               values ($1, $2, $3, $4, $5) returning id""",
            notice_id,
            number,
            tag,
            text,
            clock.now(),
        )
        entry = await trail.record(
            actor,
            "question.asked",
            f"question:{question_id}",
            after={"number": number, "text": text},
            threads=(notice.subject,),
            veil=trail.Veil(veil_salt(secret("seal"), question_id)),
        )
        context = letter(notice) | {"question": text, "n": number}
        await mail.send(to_organization=notice.client_id, message="market/question_asked", context=context)
    return QuestionReceipt(question_id, notice_id, number, entry)


async def _names(actor: Identity) -> tuple[str, ...]:
    """What must not stand in a question of this organisation."""
    agency = await agencies.agency_of(actor.organization_id)
    on_record = (agency.name_zh, agency.name_en, agency.uscc) if agency else ()
    return (actor.organization_name, actor.organization_name_en, *on_record)


async def answer_question(actor: Identity, *, question_id: int, text: str) -> QuestionReceipt:
    """Answer a question about an own notice before its deadline; a second answer supplements, none is edited.

    Raises `QuestionGone` for anybody else's, `AnswersClosed` after the deadline or too many supplements.
    """
    actor.require(Permission.POST_NOTICE)
    async with transaction():
        notice_id, number = await notice_of_question(question_id, actor)
        notice = await lock_own_notice(notice_id, actor)
        closed = AnswersClosed(most=MOST_ANSWERS)
        written = await answers_written(question_id)
        if notice.state is not NoticeState.PUBLISHED or clock.now() >= notice.deadline or written >= MOST_ANSWERS:
            raise closed
        db.refuse_after(notice.deadline, closed)
        await db.execute(
            "insert into market_answer (question, text, account, answered_at) values ($1, $2, $3, $4)",
            question_id,
            text,
            actor.account_id,
            clock.now(),
        )
        entry = await trail.record(
            actor,
            "question.supplemented" if written else "question.answered",
            f"question:{question_id}",
            after={"number": number, "text": text},
            threads=(notice.subject,),
        )
        await tell_answered(notice, number=number, text=text, supplement=bool(written))
    return QuestionReceipt(question_id, notice_id, number, entry)
