"""What the public may watch of an opening, step by step, from what is stored; nothing of it before its time."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.i18n import N_
from market.rules.editions import Custody
from market.rules.notices import NoticeState, SelectionMethod


class Step(StrEnum):
    """The steps of an opening, in order."""

    DEADLINE = "deadline"
    KEYS = "keys"
    OPENED = "opened"
    QUALIFIED = "qualified"
    DRAW = "draw"
    RESULT = "result"


STEP_NAMES = {
    Step.DEADLINE: N_("截止"),
    Step.KEYS: N_("交出开启密钥"),
    Step.OPENED: N_("开启信封"),
    Step.QUALIFIED: N_("核对资格"),
    Step.DRAW: N_("随机抽取"),
    Step.RESULT: N_("公示结果"),
}

ENDED = frozenset({NoticeState.FAILED, NoticeState.WITHDRAWN, NoticeState.CANCELLED})


@dataclass(frozen=True)
class Watched:
    """What is stored of a notice that people watch. Before the opening only its deadline and keys say anything."""

    notice_id: int
    state: NoticeState
    method: SelectionMethod
    deadline: datetime
    custody: Custody
    shares: int
    shares_needed: int
    received: int | None
    qualified: int | None
    drawn: bool
    agency_zh: str | None
    agency_en: str | None
    amount: str | None


@dataclass(frozen=True)
class Stage:
    """One step as shown: done, now, or still to come, with its public figures."""

    step: Step
    standing: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Snapshot:
    """All steps at one moment. `id` is the same in every process and after a restart, so watchers can resume."""

    notice_id: int
    state: NoticeState
    deadline: datetime
    stages: tuple[Stage, ...]

    @property
    def id(self) -> str:
        """A digest of everything shown."""
        shown = [[stage.step, stage.standing, dict(stage.facts)] for stage in self.stages]
        text = json.dumps([self.state, self.deadline.isoformat(), shown], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ENDED or self.state is NoticeState.AWARDED

    @property
    def ended(self) -> bool:
        """Whether it ended without a result."""
        return self.state in ENDED


def snapshot(watched: Watched, now: datetime) -> Snapshot:
    """What everybody may see at `now`. The number of envelopes appears with the opening, never earlier."""
    facts = _facts(watched, now)
    stages, reached = [], True
    for step in _steps(watched):
        done = reached and facts[step] is not None and not _unfinished(step, watched)
        standing = "done" if done else "now" if reached and watched.state not in ENDED else "next"
        stages.append(Stage(step, standing, facts[step] or {}))
        reached = reached and done
    return Snapshot(watched.notice_id, watched.state, watched.deadline, tuple(stages))


def _steps(watched: Watched) -> list[Step]:
    steps = [Step.DEADLINE]
    if watched.custody is Custody.JOINT:
        steps.append(Step.KEYS)
    if watched.method is not SelectionMethod.DIRECT:
        steps += [Step.OPENED, Step.QUALIFIED]
    if watched.method is SelectionMethod.RANDOM_DRAW or watched.drawn:
        steps.append(Step.DRAW)
    return [*steps, Step.RESULT]


def _facts(watched: Watched, now: datetime) -> dict[Step, Mapping[str, Any] | None]:
    late = now >= watched.deadline
    opened = watched.received is not None
    return {
        Step.DEADLINE: {} if late or opened or watched.agency_zh else None,
        Step.KEYS: {"shares": watched.shares, "needed": watched.shares_needed} if late else None,
        Step.OPENED: {"received": watched.received} if opened else None,
        Step.QUALIFIED: {"qualified": watched.qualified} if opened else None,
        Step.DRAW: {} if watched.drawn else None,
        Step.RESULT: {"name_zh": watched.agency_zh, "name_en": watched.agency_en or "", "amount": watched.amount}
        if watched.agency_zh
        else None,
    }


def _unfinished(step: Step, watched: Watched) -> bool:
    return step is Step.KEYS and watched.shares < watched.shares_needed and watched.received is None
