"""What the acts of this floor are called on a timeline, and how much of them the public may see."""

from core.i18n import N_

TRAIL_TITLES: dict[str, str] = {
    "calibration.published": N_("公布季度修正表"),
    "grade-run.prepared": N_("生成评级草案批次"),
    "grade-run.closed": N_("评级批次办结"),
    "grade.alarmed": N_("评分连续偏离，提示提前核查"),
    "grade.drafted": N_("评级草案送机构征求意见"),
    "grade.commented": N_("机构对评级草案反馈意见"),
    "grade.renewed": N_("重新取证，草案作废重做"),
    "grade.published": N_("等级签发公布"),
    "grade.superseded": N_("等级被新等级取代"),
    "conduct.proposed": N_("拟记分，告知机构"),
    "conduct.replied": N_("机构申辩"),
    "conduct.upheld": N_("记分认定"),
    "conduct.dismissed": N_("记分不予认定"),
    "direct-d.imposed": N_("依决定书直接定为 D 级"),
    "certificate.issued": N_("签发等级证书"),
    "certificate.superseded": N_("等级证书被取代"),
    "certificate.revoked": N_("撤销等级证书"),
}

OPEN_ACTS = (
    "grade.published",
    "grade.superseded",
    "grade-run.closed",
    "conduct.upheld",
    "direct-d.imposed",
    "certificate.issued",
    "certificate.superseded",
    "certificate.revoked",
)
"""Acts whose fact is public; drafts, comments and undecided findings are not."""
