"""Watching the graders: the limits, what each figure is called and how it is read (grading.md §7)."""

from dataclasses import dataclass
from enum import StrEnum

from core.errors import NotFound
from core.i18n import N_


@dataclass(frozen=True)
class Limits:
    """Thresholds and least counts. Shares of 1, points, months, counts."""

    migration_months: int = 12
    psi_watch: float = 0.10
    psi_act: float = 0.25
    alpha_target: float = 0.67
    severity_act: float = 12.0
    coverage_low: float = 0.77
    coverage_high: float = 0.83
    cuts: tuple[float, ...] = (60.0, 70.0, 90.0)
    cut_width: float = 2.0
    cut_least: int = 8
    cut_chance: float = 0.01
    drift_months: int = 6
    drift_least: int = 4
    drift_z: float = 2.0
    heldout_months: int = 6
    fair_bin: float = 5.0
    fair_least: int = 5
    fair_z: float = 2.0
    overlap_share: float = 0.05
    appeal_watch: float = 0.30
    appeal_least: int = 5


LIMITS = Limits()


class Verdict(StrEnum):
    """How a figure stands against its limit."""

    CALM = "calm"
    WATCH = "watch"
    ACT = "act"
    THIN = "thin"


VERDICTS = {
    Verdict.CALM: N_("在界限内"),
    Verdict.WATCH: N_("须留意"),
    Verdict.ACT: N_("须处理"),
    Verdict.THIN: N_("数据不足"),
}
VERDICT_TAGS = {Verdict.CALM: "ok", Verdict.WATCH: "warn", Verdict.ACT: "bad", Verdict.THIN: ""}


class FigureAbsent(NotFound):
    """No figure of that name."""

    code = "figure-absent"
    text = N_("没有这张图表。请从“评级质量监测”页进入。")


@dataclass(frozen=True)
class FigureText:
    """One figure: its name, the question it answers, how it is computed."""

    code: str
    title: str
    question: str
    method: str


FIGURES: tuple[FigureText, ...] = (
    FigureText(
        "pairs",
        N_("同一审查员打分的先后是否一致"),
        N_("留出期内，同一位审查员给两家机构打了不同的分，我们先前公布的评分排序对不对？"),
        N_(
            "只在同一位审查员内部比较，审查员宽严不影响结果；旁边是用原始平均分排序的对照。不用未来的原始分检验：那会奖励保留偏差的方法。"
        ),
    ),
    FigureText(
        "coverage",
        N_("区间的覆盖率"),
        N_("公布的八成区间，下一件成果是否真有八成落在里面？"),
        N_(
            "下一件成果修正后的得分，与公布评分的八成预测区间（评分标准差与单件误差合成）相比；应在 77%% 至 83%% 之间。"
        ),
    ),
    FigureText(
        "severity",
        N_("审查员宽严与变化"),
        N_("每位审查员比同行严还是宽，近来变了吗？"),
        N_(
            "只用同一家机构、同一专业内部的比较学习；证据少的收缩到 0。横线为八成区间。变化是近 6 个月与以前之差，超过 2 个标准误标出。"
        ),
    ),
    FigureText(
        "alpha",
        N_("双审一致性（Krippendorff α）"),
        N_("两位审查员互不知情地审同一件成果，结论一致到什么程度？"),
        N_(
            "定距 α：1 为完全一致，0 为随机；目标不低于 0.67。区间由 500 次自助抽样得到。修正后一行是扣除宽严之后的一致性。"
        ),
    ),
    FigureText(
        "bunching",
        N_("分数线上方的堆积"),
        N_("有没有审查员的分数总是刚好过线？"),
        N_(
            "60、70、90 分线上方 2 分以内与下方 2 分以内的件数相比；没有堆积时各占一半。单侧二项检验 p 小于 1%% 的标出，少于 8 件的不判断。"
        ),
    ),
    FigureText(
        "inflation",
        N_("原始分是否越打越高"),
        N_("原始专家分每月的平均数往哪里走？"),
        N_("未经修正的平均分，阴影为两个标准误。趋势由最小二乘得到；机构真的变好也会使它上升，请与同机构比较一起看。"),
    ),
    FigureText(
        "migration",
        N_("十二个月等级迁移"),
        N_("一年前的等级，今天成了什么？"),
        N_("行是一年前，列是现在，单位为机构 × 专业。对角线以外就是升降。"),
    ),
    FigureText(
        "psi",
        N_("分布稳定度（PSI）"),
        N_("评分与等级的分布，与一年前相比移动了多少？"),
        N_("0.10 起须留意，0.25 起须处理。机构少时，没有变化也会有“随机水平”那么大的 PSI，须一起看。"),
    ),
    FigureText(
        "states",
        N_("未评级、暂定与有意见的比例"),
        N_("有多少等级还不稳固，有多少被提出意见？"),
        N_("按评定日统计：未评级（证据不足）、暂定（把握不到八成）、机构在征求意见时反馈了意见或公布后提出了异议的。"),
    ),
    FigureText(
        "fairness",
        N_("同分是否同级（地区与规模）"),
        N_("评分相同时，某个地区或某种规模的机构是否更难拿到好等级？"),
        N_(
            "每 5 分一档，与同档全部机构的平均等级比较（A=3，D=0）。正数偏高，负数偏低；少于 5 家的不判断，超过 2 个标准误标出。"
        ),
    ),
    FigureText(
        "appeals",
        N_("异议的改判率"),
        N_("机构对等级提出的异议，有多少最终改判？"),
        N_(
            "按结案月份统计：改判（初次决定或复评支持）占已有结论的比例；撤回的不计，正在办理的另列。横带为八成区间。不足 5 件不判断，超过 30%% 须留意：说明公布前的把关不够。"
        ),
    ),
    FigureText(
        "responses",
        N_("业主评价的回应率"),
        N_("收到评价请求的业主，有多少在期限内回答了？"),
        N_("按评价期满的月份统计。不回答就是没有回答，从不按好评计。"),
    ),
    FigureText(
        "overlap",
        N_("双审比例与连通"),
        N_("审查员之间靠共同的机构连在一起吗？"),
        N_("不连通的审查员之间无法比较宽严，因而不作修正。双审比例不低于 5%%。"),
    ),
)
BY_CODE = {one.code: one for one in FIGURES}
