"""What each act of this package is called on a timeline."""

from core.i18n import N_

TRAIL_TITLES: dict[str, str] = {
    "contract.drafted": N_("生成合同草稿"),
    "contract.edited": N_("合同修改"),
    "contract.confirmed": N_("一方确认合同"),
    "contract.signed": N_("双方确认，合同签订"),
    "contract.filed": N_("合同备案"),
    "contract.suspended": N_("因委托方原因中止"),
    "contract.resumed": N_("履行恢复"),
    "contract.completed": N_("合同完成"),
    "deliverable.filed": N_("成果提交"),
    "deliverable.returned": N_("退回成果"),
    "deliverable.accepted": N_("验收成果"),
    "milestone.paid": N_("节点款付清"),
    "reviewer.registered": N_("审查员登记"),
    "reviewer.interest-declared": N_("申报利害关系"),
    "review.opened": N_("开始技术审查"),
    "review.reviewer-drawn": N_("抽签确定审查员"),
    "review.reviewer-recused": N_("审查员回避"),
    "review.reviewer-released": N_("改派审查员"),
    "review.submitted": N_("提交审查表"),
    "review.shared": N_("审查结果送机构征求意见"),
    "review.commented": N_("机构提出意见"),
    "review.waived": N_("机构对审查结果无意见"),
    "review.answered": N_("答复机构意见"),
    "review.finalised": N_("审查结果确定"),
    "evaluation.requested": N_("请委托方评价"),
    "evaluation.filed": N_("委托方提交评价"),
    "evaluation.statement-filed": N_("机构提交履约陈述"),
    "evaluation.revealed": N_("双方评价公开"),
}

OPEN_ACTS = (
    "contract.filed",
    "contract.suspended",
    "contract.resumed",
    "contract.completed",
    "deliverable.filed",
    "deliverable.accepted",
    "milestone.paid",
    "review.finalised",
)
"""Acts whose facts may be shown to everybody on the public log; the others show their proof only."""
