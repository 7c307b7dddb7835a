"""What the market's acts are called on the trail, and which of them everybody may read in full.

Topics that keep their own titles (guide, objections, signals …) are joined in `app.wire()`.
"""

from core.i18n import N_

TRAIL_TITLES = {
    "project.described": N_("登记项目"),
    "project.revised": N_("项目修改"),
    "notice.drafted": N_("起草公告"),
    "notice.revised": N_("修改公告草稿"),
    "notice.published": N_("公告发布"),
    "notice.withdrawn": N_("公告撤回"),
    "notice.failed": N_("选取失败"),
    "notice.cancelled": N_("选取取消"),
    "notice.opened": N_("开启报价、核对资格"),
    "offer.accepted": N_("接受直接选取"),
    "offer.declined": N_("不接受直接选取"),
    "envelope.sealed": N_("收到密封报价"),
    "envelope.replaced": N_("密封报价换入"),
    "envelope.withdrawn": N_("撤回密封报价"),
    "custodian.registered": N_("登记保管密钥"),
    "share.released": N_("交出开启密钥份额"),
    "share.lost": N_("开启密钥份额遗失"),
    "shares.reminded": N_("催交开启密钥份额"),
    "opening.lapsed": N_("开启期限届满"),
    "award.announced": N_("公示选取结果"),
    "award.replaced": N_("由递补机构接替"),
    "award.confirmed": N_("确认中选"),
    "award.completed": N_("委托办结"),
    "catalogue.loaded": N_("更新服务事项目录"),
}

OPEN_ACTS = (
    "notice.published",
    "notice.withdrawn",
    "notice.failed",
    "notice.cancelled",
    "notice.opened",
    "offer.accepted",
    "offer.declined",
    "custodian.registered",
    "share.released",
    "share.lost",
    "shares.reminded",
    "opening.lapsed",
    "award.announced",
    "award.replaced",
    "award.confirmed",
    "award.completed",
    "catalogue.loaded",
)
"""Acts whose trail entries everybody may read in full; the public pages say the same."""
