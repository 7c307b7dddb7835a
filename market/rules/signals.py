"""Signals: facts about bids and awards that a supervisor should look at. A signal is not an accusation.

What one signal is; the register of them all is `market.rules.signal_list`. A signal blocks nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from core.errors import Message, NotFound, Rejected
from core.i18n import N_


class Family(StrEnum):
    """What a signal looks at."""

    COLLUSION = "collusion"
    PROCESS = "process"
    MARKET = "market"


FAMILIES = {
    Family.COLLUSION: N_("投标文件与报价的相同之处"),
    Family.PROCESS: N_("一次选取的过程"),
    Family.MARKET: N_("一段时间内的市场"),
}


class SignalState(StrEnum):
    """Whether the latest computation still found it. A signal is never deleted."""

    FOUND = "found"
    GONE = "gone"


SIGNAL_STATES = {SignalState.FOUND: N_("仍可查到"), SignalState.GONE: N_("最近一次计算未再查到")}


@dataclass(frozen=True)
class Limits:
    """Counts and thresholds below which a signal says nothing. Shares of 1, days, numbers of cases.

    They are set by the edition of the selection rules in force (`edition.signals`); these are the defaults of an
    edition that says nothing. What is stricter than the published definition is so because a small market makes
    chance look like a pattern. `close_price` and `seldom_wins` replace the fence of the market itself, as the
    published definitions of R024 and R025 allow; None: the fence holds. `reply_wd`: working days to reply in a case.
    """

    reply_wd: int = 3
    window_days: int = 365
    short_days: int = 15
    alike_spread: float = 0.005
    alike_bids: int = 3
    regular_bids: int = 4
    regular_tolerance: float = 0.001
    least_processes: int = 20
    least_group: int = 10
    least_bids: int = 10
    least_received: int = 5
    least_aside: int = 3
    least_varieties: int = 3
    share_alarm: float = 0.30
    share_awards: int = 3
    share_market: int = 8
    pair_awards: int = 4
    pair_client_awards: int = 6
    pair_share: float = 0.5
    close_price: float | None = None
    seldom_wins: float | None = None

    def shown(self) -> dict[str, str]:
        """The limits as sentences show them: shares in percent, without needless digits."""
        return {
            name: f"{100 * value:g}" if isinstance(value, float) else str(value) for name, value in vars(self).items()
        }


LIMITS = Limits()


@dataclass(frozen=True)
class Definition:
    """One signal. `per_notice`: it needs nothing but one notice, so it is computed right after the opening too.

    `background`: usual in a small market; shown only when asked for. `finder` is the dotted name of a function
    (frames, limits) → frame of hits, or of an async function (limits) → list of `Found`. `minimum` names limits.
    `never`: why it cannot come up here unless something is broken, "" for all others.
    """

    code: str
    family: Family
    title: str
    sentence: str
    harmless: str
    minimum: str
    source: str
    finder: str
    per_notice: bool = False
    background: bool = False
    never: str = ""
    valid_from: date = date(2026, 1, 1)
    valid_until: date | None = None

    def in_force(self, on: date) -> bool:
        """Whether the signal is computed on that day (half-open)."""
        return self.valid_from <= on and (self.valid_until is None or on < self.valid_until)

    @property
    def reference(self) -> str:
        """The number of a published definition, "" for our own: a name of ours is for programs, not for readers."""
        return self.code.partition("-")[0] if self.code.startswith("R0") else ""

    def least(self, limits: Limits) -> Message:
        """What there must at least be for it, by these limits."""
        return Message(self.minimum, limits.shown())


@dataclass(frozen=True)
class Found:
    """One hit. `subject` is a thread (`notice:7`), `key` tells hits on one subject apart, `params` fill the sentence."""

    code: str
    subject: str
    key: str
    notices: tuple[int, ...]
    agencies: tuple[int, ...]
    clients: tuple[int, ...]
    params: Mapping[str, Any]


class SignalGone(NotFound):
    """No such signal, or the reader may not see it."""

    code = "signal-not-found"
    text = N_("没有找到这条线索。请从线索列表进入。")


class SignalUnknown(Rejected):
    """A case must rest on signals."""

    code = "signals-unknown"
    text = N_("请至少选一条线索；有的线索不存在，请回到线索列表重新选。")
