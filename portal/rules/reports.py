"""Reports of errors from readers: what one says, and how many may come in."""

from dataclasses import dataclass

from core.errors import Rejected
from core.i18n import N_

MOST_AN_HOUR = 60
LONGEST = 2000


class TooManyReports(Rejected):
    """Anybody may report without signing in, so the number per hour is limited."""

    status = 429
    code = "too-many-reports"
    text = N_("这一小时收到的报告太多，暂时不能再收。请一小时后再试；您填写的内容还在下面。")


@dataclass(frozen=True)
class ErrorReport:
    """What somebody found wrong: the page, in their own words, and how to reach them (may be empty)."""

    page: str
    words: str
    contact: str


TRAIL_TITLES = {"error.reported": N_("收到差错报告")}
