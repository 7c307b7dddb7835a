"""Flags on registered professionals: a person's record goes where the person goes.

Source: rule-set XT-2026.1 `direct_d.person_level_flag_follows_to_new_employer`; statutory bans `terms.statutory_bans`
(e.g. Work Safety Law art. 92: five years, for life if grave). Days are half-open: `starts_on <= day < end`.
"""

from dataclasses import dataclass
from datetime import date

from core.errors import Conflict, NotFound, Rejected
from core.i18n import N_

TRAIL_TITLES: dict[str, str] = {
    "person-flag.recorded": N_("登记人员信用标记"),
    "person-flag.ended": N_("解除人员信用标记"),
}


class PersonUnknown(Rejected):
    """A flag goes onto a certificate that is or was on the register."""

    code = "person-unknown"
    text = N_("登记册中没有执业证书 %(certificate)s。请核对证书编号。")


class FlagTwice(Conflict):
    """One decision flags a person once."""

    code = "person-flag-twice"
    text = N_("决定书 %(document_no)s 对这名人员的标记已经登记过。")


class FlagTermWrong(Rejected):
    """A flag ends after it began."""

    code = "person-flag-term"
    text = N_("截止日期须晚于起算日期，起算日期不能晚于今天。")


class FlagAbsent(NotFound):
    """No such flag, or it is over already."""

    code = "person-flag-absent"
    text = N_("没有找到正在生效的这条人员标记。请从人员标记列表重新进入。")


@dataclass(frozen=True)
class Flag:
    """A flag as its decision says; `bars`: while it runs the person signs nothing."""

    certificate_no: str
    document_no: str
    authority: str
    facts: str
    bars: bool
    starts_on: date
    ends_on: date


def running(starts_on: date, ends_on: date, ended_on: date | None, day: date) -> bool:
    """Whether a flag counts on `day`."""
    return starts_on <= day < min(ends_on, ended_on or ends_on)
