"""What grading refuses, said with the way out."""

from typing import ClassVar

from core.errors import Conflict, Forbidden, NotFound, Rejected
from core.i18n import N_


class ReportAbsent(NotFound):
    """No such report, or not this reader's."""

    code: ClassVar[str] = "report-absent"
    text: ClassVar[str] = N_("没有找到这份评级报告，或者它不属于您所在的机构。请从工作台重新进入。")


class ProfessionNotHeld(NotFound):
    """An agency has no grade in a profession it has no recording in."""

    code: ClassVar[str] = "profession-not-held"
    text: ClassVar[str] = N_("这家机构没有备案这个专业，所以没有这个专业的等级。请从机构档案页选择它已备案的专业。")


class RunAbsent(NotFound):
    """No such run."""

    code: ClassVar[str] = "run-absent"
    text: ClassVar[str] = N_("没有找到这个评级批次。请从评级工作页重新进入。")


class FindingAbsent(NotFound):
    """No such conduct finding, or not this reader's."""

    code: ClassVar[str] = "finding-absent"
    text: ClassVar[str] = N_("没有找到这条记分，或者它不属于您所在的机构。请从工作台重新进入。")


class CertificateAbsent(NotFound):
    """No certificate with that number was ever issued."""

    code: ClassVar[str] = "certificate-absent"
    text: ClassVar[str] = N_("没有签发过这个编号的证书。请核对字母与数字。")


class AgencyUnknown(Rejected):
    """The agency is not on record in that profession."""

    code: ClassVar[str] = "agency-unknown"
    text: ClassVar[str] = N_("这家机构没有登记这个专业。请核对机构与专业后再提交。")


class RunExists(Conflict):
    """One monthly run per calendar month."""

    code: ClassVar[str] = "run-exists"
    text: ClassVar[str] = N_("%(month)s 的月度评级已经生成。请在评级批次中继续办理。")


class CalibrationExists(Conflict):
    """One table of corrections a quarter; a published one is never changed."""

    code: ClassVar[str] = "calibration-exists"
    text: ClassVar[str] = N_("本季度的修正表 %(code)s 已经公布并冻结。下一张表在下季度第一个工作日学习。")


class RunStillOpen(Conflict):
    """One run at a time: the next one builds on published grades."""

    code: ClassVar[str] = "run-still-open"
    text: ClassVar[str] = N_("%(as_of)s 的批次还有 %(count)s 份报告未签发。请先签发，再生成新的批次。")


class NothingToGrade(Conflict):
    """No agency is on record on that day."""

    code: ClassVar[str] = "nothing-to-grade"
    text: ClassVar[str] = N_("%(as_of)s 还没有在册机构，无需评级。有机构备案后再生成批次。")


class DayAhead(Rejected):
    """A run cannot look into the future, nor behind what is published."""

    code: ClassVar[str] = "day-ahead"
    text: ClassVar[str] = N_("评定日须在 %(after)s 之后，且不晚于今天 %(today)s。")


class PersonMustSign(Forbidden):
    """A grade is never a purely automated decision (PIPL Art. 24)."""

    code: ClassVar[str] = "person-must-sign"
    text: ClassVar[str] = N_("等级须由评级员本人签发，系统不能自动签发。")


class EvidenceOutdated(Conflict):
    """Something was published for this agency after the draft was made."""

    code: ClassVar[str] = "evidence-outdated"
    text: ClassVar[str] = N_("草案生成之后，这家机构已公布新的等级。请重新取证生成草案，再签发。")


class AnswerMissing(Rejected):
    """A comment must be answered before publication."""

    code: ClassVar[str] = "answer-missing"
    text: ClassVar[str] = N_("机构对草案提出了意见。请写明是否采纳及理由，再签发。")


class ItemUnknown(Rejected):
    """Not an item of the scheme's conduct list."""

    code: ClassVar[str] = "item-unknown"
    text: ClassVar[str] = N_("记分条目 %(code)s 不在现行评级方案中。请从条目表中选择。")


class TriggerNotForOfficers(Rejected):
    """Not a ground that is imposed by an officer, or not in this profession."""

    code: ClassVar[str] = "trigger-not-for-officers"
    text: ClassVar[str] = N_("事由 %(code)s 由系统按记录计算，或不适用于这个专业，不能直接认定。请改选事由。")


class TermNotAllowed(Rejected):
    """Shorter or longer than the scheme allows."""

    code: ClassVar[str] = "term-not-allowed"
    text: ClassVar[str] = N_("期限须为 %(least)s 至 %(most)s 个月；决定书载明更长期限的，请勾选“按决定书”。")


class DocumentTwice(Conflict):
    """One decision, one entry."""

    code: ClassVar[str] = "document-twice"
    text: ClassVar[str] = N_("决定书 %(document_no)s 已经登记过。请在记录中查看。")


class AlreadyRevoked(Conflict):
    """A certificate is revoked once."""

    code: ClassVar[str] = "already-revoked"
    text: ClassVar[str] = N_("这份证书已于 %(day)s 撤销。")
