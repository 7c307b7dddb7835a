"""An agency asks why, or asks for a human: nobody's grade is a purely automated decision (PIPL Art. 24)."""

from enum import StrEnum
from typing import ClassVar

from core.errors import Conflict, NotFound
from core.i18n import N_

ANSWER_WD = 3
"""Working days to answer: as long as a simple first decision (Shandong credit regulation Art. 39, by analogy)."""


class AskedKind(StrEnum):
    """What is asked for."""

    EXPLANATION = "explanation"
    HUMAN = "human"


class AskedState(StrEnum):
    """Whether a person has answered."""

    ASKED = "asked"
    ANSWERED = "answered"


class AskedAct(StrEnum):
    """What can happen to a request."""

    ANSWER = "answer"


TRANSITIONS: dict[tuple[AskedState, AskedAct], AskedState] = {
    (AskedState.ASKED, AskedAct.ANSWER): AskedState.ANSWERED,
}

KINDS: dict[AskedKind, str] = {
    AskedKind.EXPLANATION: N_("要求解释"),
    AskedKind.HUMAN: N_("要求人工复核"),
}


class RequestAbsent(NotFound):
    """No such request, or not this reader's."""

    code: ClassVar[str] = "grade-request-absent"
    text: ClassVar[str] = N_("没有找到这件要求，或者它不归您办理。请从工作台重新进入。")


class AskedAlready(Conflict):
    """One open request of a kind per report."""

    code: ClassVar[str] = "grade-asked-already"
    text: ClassVar[str] = N_("这份报告已有未答复的同类要求 %(number)s。请等评级员答复。")


class HumanAsked(Conflict):
    """A draft is not signed while the agency waits for a person."""

    code: ClassVar[str] = "human-asked"
    text: ClassVar[str] = N_("机构要求人工复核（%(number)s），尚未答复。请先复核并答复，再签发。")


class SignerAnswers(Conflict):
    """A human look is a second look."""

    code: ClassVar[str] = "human-own-signature"
    text: ClassVar[str] = N_("这份等级由您签发，人工复核须由另一位评级员办理。请转交同事。")
