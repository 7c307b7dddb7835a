"""The later steps of a selection: trail titles, open acts, and refusals of pick, outside value and decline."""

from core.errors import Conflict, NotFound, Rejected
from core.i18n import N_

TRAIL_TITLES = {
    "draw.value_recorded": N_("登记外部公开数值"),
    "shortlist.drawn": N_("抽出短名单"),
    "award.picked": N_("业主从短名单选定"),
    "award.declined": N_("中选机构放弃"),
    "panel.named": N_("组成评审小组"),
    "panel.declared": N_("声明无利害关系"),
    "panel.recused": N_("评审成员回避"),
    "panel.replaced": N_("补充评审成员"),
    "panel.scored": N_("提交评分"),
    "panel.agreed": N_("合议分歧"),
    "assessment.begun": N_("开始评审"),
    "assessment.signed": N_("组长签署评审结果"),
}

OPEN_ACTS = (
    "draw.value_recorded",
    "shortlist.drawn",
    "award.picked",
    "award.declined",
    "assessment.begun",
    "assessment.signed",
)


class NotShortListed(NotFound):
    """A pick of somebody who is not on the short list."""

    code = "not-short-listed"
    text = N_("这家机构不在短名单里，请从短名单中选一家。")


class PickTooLate(Conflict):
    """The owner picks after the announced moment."""

    code = "pick-too-late"
    text = N_("选定的时限已过，按规则由最先抽出的机构中选，请到结果页查看。")


class NoOutsideValue(Rejected):
    """The notice names no source, its deadline has not come, or the value is there already."""

    code = "no-outside-value"
    text = N_("这份公告现在不需要登记外部数值：没有写明来源、还没有截止，或者已经登记过。")


class NoAwardToDecline(NotFound):
    """No award of this agency that is still on display."""

    code = "no-award-to-decline"
    text = N_("贵机构在这份公告下没有待确认的中选结果。")
