"""What programs send. Amounts may be text or numbers; `contracts.forms` judges them as typed text."""

from typing import Any

import msgspec

Amount = str | int | float


class VersionBody(msgspec.Struct):
    """The version that the caller read."""

    version: int


class Empty(msgspec.Struct):
    """Nothing to say."""


class MilestoneBody(msgspec.Struct):
    """A milestone: share in per cent, due in working days after signing."""

    name: str = ""
    percent: Amount = ""
    days: Amount = ""


class TermsBody(msgspec.Struct):
    """Terms of a contract: `amount` in yuan, `days` in working days, shares totalling exactly 100."""

    version: int
    amount: Amount = ""
    days: Amount = ""
    scope: str = ""
    milestones: list[MilestoneBody] = []


class ReasonBody(msgspec.Struct):
    """A reason that is put on record."""

    reason: str = ""


class ReturnBody(msgspec.Struct):
    """All reasons for sending a version back."""

    version: int
    reason: str = ""


class MarkBody(msgspec.Struct):
    """A finding on one indicator: level 5 (best) to 1, with page and fact."""

    level: int | None = None
    remark: str = ""


class SheetBody(msgspec.Struct):
    """A review sheet: findings by indicator code, evidence by veto code."""

    version: int
    marks: dict[str, MarkBody] = {}
    vetoes: dict[str, str] = {}
    summary: str = ""

    def fields(self) -> dict[str, Any]:
        """The same sheet under the names of the HTML form."""
        found: dict[str, Any] = {"version": self.version, "summary": self.summary}
        for code, mark in self.marks.items():
            found |= {f"level-{code}": mark.level, f"remark-{code}": mark.remark}
        for code, evidence in self.vetoes.items():
            found |= {f"veto-{code}": True, f"evidence-{code}": evidence}
        return found


class CommentBody(msgspec.Struct):
    """The agency's comment on a result."""

    comment: str = ""


class AnswerBody(msgspec.Struct):
    """The answer to a comment; makes the result final."""

    answer: str = ""


class StarsBody(msgspec.Struct):
    """One to five stars each; `again` is yes or no; a narrative at two or fewer and at five."""

    quality: int
    time: int
    conduct: int
    charging: int
    again: str
    narrative: str = ""


class StatementBody(msgspec.Struct):
    """The agency's own account."""

    statement: str = ""


class ReviewerBody(msgspec.Struct):
    """An account with the reviewer role, by login; region code of six digits."""

    login: str = ""
    professions: list[str] = []
    region: str = ""


class InterestBody(msgspec.Struct):
    """A tie to an organisation, by credit code."""

    uscc: str = ""
    kind: str = ""
