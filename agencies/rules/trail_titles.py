"""What the timeline calls each act on an agency."""

from core.i18n import N_

TRAIL_TITLES: dict[str, str] = {
    "filing.opened": N_("开始填写备案"),
    "filing.saved": N_("保存备案内容"),
    "filing.submitted": N_("备案提交"),
    "filing.returned": N_("退回补正"),
    "filing.accepted": N_("形式核对通过，开始公示"),
    "filing.withdrawn": N_("撤回备案"),
    "filing.objected": N_("公示期收到异议"),
    "filing.objection-dismissed": N_("异议不成立，继续公示"),
    "filing.refused": N_("异议成立，不予备案"),
    "agency.recorded": N_("机构备案"),
    "agency.changed": N_("备案信息变更"),
    "agency.graded": N_("记载信用等级"),
    "qualification.expiring": N_("资质到期提醒"),
}

OPEN_ACTS = ("filing.accepted", "filing.refused", "agency.recorded", "agency.graded")
"""Acts whose entries everybody may read: the public pages say the same."""
