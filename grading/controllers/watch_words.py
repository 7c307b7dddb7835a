"""What the figures of watching are called, column by column, and the sentence that says each one's main number."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agencies.rules import PROFESSION_TITLES, Profession
from core.i18n import N_, _

if TYPE_CHECKING:
    from grading.watching.figures import Figure

COLUMNS: dict[str, tuple[str, str]] = {
    "day": (N_("评定日"), "text"),
    "until": (N_("留出期至"), "text"),
    "pairs": (N_("比较的对数"), "int"),
    "ours": (N_("评分排序正确"), "percent"),
    "error": (N_("标准误"), "auto"),
    "scope": (N_("范围"), "scope"),
    "kind": (N_("口径"), "kind"),
    "cases": (N_("件数"), "int"),
    "inside": (N_("落在区间内"), "int"),
    "share": (N_("比例"), "percent"),
    "low": (N_("区间下限"), "auto"),
    "high": (N_("区间上限"), "auto"),
    "reviewer": (N_("审查员序号"), "hidden"),
    "alias": (N_("审查员"), "text"),
    "marks": (N_("件数"), "int"),
    "agencies": (N_("机构数"), "int"),
    "mean": (N_("平均分"), "auto"),
    "severity": (N_("宽严"), "signed"),
    "drift": (N_("近 6 个月变化"), "signed"),
    "drift_z": (N_("变化 / 标准误"), "signed"),
    "component": (N_("连通组"), "group"),
    "units": (N_("双审件数"), "int"),
    "alpha": ("α", "two"),
    "gap": (N_("两人之差（均方根）"), "two"),
    "target": (N_("目标"), "hidden"),
    "above": (N_("线上 2 分内"), "int"),
    "below": (N_("线下 2 分内"), "int"),
    "chance": (N_("偶然的概率"), "p"),
    "month": (N_("月份"), "text"),
    "then": (N_("一年前"), "then"),
    "base": (N_("比较日"), "text"),
    "now": (N_("现有等级数"), "int"),
    "mix_psi": (N_("等级 PSI"), "three"),
    "mix_chance": (N_("等级的随机水平"), "three"),
    "score_psi": (N_("评分 PSI"), "three"),
    "score_chance": (N_("评分的随机水平"), "three"),
    "as_of": (N_("评定日"), "text"),
    "grades": (N_("等级数"), "int"),
    "unrated": (N_("未评级"), "int"),
    "provisional": (N_("暂定"), "int"),
    "contested": (N_("有意见"), "int"),
    "unrated_share": (N_("未评级比例"), "percent"),
    "provisional_share": (N_("暂定比例"), "percent"),
    "contested_share": (N_("有意见比例"), "percent"),
    "group": (N_("组别"), "text"),
    "score": (N_("平均评分"), "two"),
    "rank": (N_("平均等级"), "two"),
    "expected": (N_("同分平均等级"), "two"),
    "z": (N_("差 / 标准误"), "signed"),
    "asked": (N_("期满的请求"), "int"),
    "answered": (N_("已回答"), "int"),
    "decided": (N_("有结论的异议"), "int"),
    "first": (N_("初次决定改判"), "int"),
    "review": (N_("复评改判"), "int"),
    "profession": (N_("专业"), "scope"),
    "reviewers": (N_("审查员数"), "int"),
    "results": (N_("已评成果"), "int"),
    "doubled": (N_("双审成果"), "int"),
    "doubled_share": (N_("双审比例"), "percent"),
    "blind": (N_("跨地区盲审"), "int"),
    "blind_share": (N_("盲审比例"), "percent"),
    "components": (N_("连通组数"), "int"),
    "largest_share": (N_("最大组的份额"), "percent"),
}
OVERRIDES: dict[tuple[str, str], tuple[str, str]] = {
    ("pairs", "mean"): (N_("平均分排序正确"), "percent"),
    ("pairs", "error"): (N_("标准误"), "percent"),
    ("coverage", "low"): (N_("区间下限"), "percent"),
    ("coverage", "high"): (N_("区间上限"), "percent"),
    ("bunching", "low"): (N_("区间下限"), "percent"),
    ("bunching", "high"): (N_("区间上限"), "percent"),
    ("bunching", "share"): (N_("线上占比"), "percent"),
    ("appeals", "share"): (N_("改判率"), "percent"),
    ("appeals", "low"): (N_("区间下限"), "percent"),
    ("appeals", "high"): (N_("区间上限"), "percent"),
    ("fairness", "gap"): (N_("与同分平均之差"), "signed"),
    ("fairness", "kind"): (N_("分组"), "kind"),
    ("psi", "then"): (N_("一年前等级数"), "int"),
    ("alpha", "kind"): (N_("口径"), "kind"),
}
_KINDS = {
    "raw": N_("原始"),
    "corrected": N_("扣除宽严后"),
    "region": N_("地区"),
    "size": N_("规模（人）"),
}


def column(code: str, name: str) -> tuple[str, str]:
    """The label of a column and how its cells are written."""
    label, kind = OVERRIDES.get((code, name)) or COLUMNS.get(name) or (name, "auto")
    return _(label) if len(label) > 1 else label, kind


def columns(figure: "Figure") -> list[tuple[str, str, str]]:
    """(name, label, kind) of the columns that are shown."""
    named = [(name, *column(figure.code, name)) for name in figure.columns]
    return [one for one in named if one[2] != "hidden"]


def cell(kind: str, value: Any) -> str:
    """One cell as text; a dash for what is unknown."""
    if value is None:
        return "—"
    match kind:
        case "percent":
            return f"{100 * value:.1f}%"
        case "signed":
            return f"{value:+.2f}".replace("-", "−")
        case "three":
            return f"{value:.3f}"
        case "p":
            return "< 0.1%" if value < 0.001 else f"{100 * value:.1f}%"
        case "scope":
            return scope(value)
        case "kind":
            return _(_KINDS[value]) if value in _KINDS else str(value)
        case "then":
            return _("新评") if value == "new" else str(value)
        case "group":
            return str(value + 1)
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def scope(value: str) -> str:
    """A profession, or all of them."""
    return _("全部") if value == "all" else _(PROFESSION_TITLES[Profession(value)])


def caption(figure: "Figure") -> str:
    """The main figure in one sentence; what a reader without the picture needs."""
    f = figure.facts
    if not f or (figure.code == "alpha" and "alpha" not in f):
        return _("数据还不够，没有可报告的数字。")
    return _(_CAPTIONS[figure.code]) % _said(figure.code, f)


_CAPTIONS = {
    "pairs": N_("%(pairs)s 对比较中，评分排序正确 %(ours)s%%（标准误 %(error)s%%），平均分排序正确 %(mean)s%%。"),
    "coverage": N_("%(cases)s 件成果中 %(share)s%% 落在预告的八成区间内，应在 77%% 至 83%%。"),
    "severity": N_(
        "%(reviewers)s 位审查员，最大偏离 %(widest)s 分；超过 12 分的 %(beyond)s 位，近来有变化的 %(drifting)s 位。"
    ),
    "alpha": N_("α = %(alpha)s，依据 %(units)s 件双审成果，目标 0.67。"),
    "bunching": N_("能判断的 %(judged)s 位审查员中，%(marked)s 位在分数线上方有明显堆积。"),
    "inflation": N_("%(months)s 个月的原始分每年变化 %(slope)s 分（标准误 %(error)s）。"),
    "migration": N_("自 %(base)s 至 %(now)s，一年前已有等级的 %(total)s 个中 %(same)s 个没有变动。"),
    "psi": N_(
        "最近一次：等级 PSI %(mix_psi)s（随机水平 %(mix_chance)s），评分 PSI %(score_psi)s（随机水平 %(score_chance)s）。"
    ),
    "states": N_("最近一次评定 %(grades)s 个：未评级 %(unrated)s，暂定 %(provisional)s，有意见 %(contested)s。"),
    "fairness": N_("能判断的 %(judged)s 组中，%(marked)s 组在同分时等级明显偏高或偏低。"),
    "appeals": N_(
        "有结论的 %(decided)s 件异议中 %(won)s 件改判（其中复评 %(review)s 件），改判率 %(share)s%%；另有 %(pending)s 件在办理。"
    ),
    "responses": N_("期满的 %(asked)s 次请求中 %(answered)s 次得到回答，回应率 %(share)s%%。"),
    "overlap": N_("%(results)s 件成果中双审 %(share)s%%；%(apart)s 个专业的审查员没有全部连通。"),
}


def _said(code: str, facts: Mapping[str, Any]) -> dict[str, str]:
    shares = {("pairs", "ours"), ("pairs", "mean"), ("pairs", "error"), ("coverage", "share"), ("responses", "share")}
    shares |= {("overlap", "share"), ("appeals", "share")}
    said = {}
    for name, value in facts.items():
        if value is None:
            said[name] = "—"
        elif (code, name) in shares:
            said[name] = f"{100 * value:.1f}"
        elif name == "slope":
            said[name] = f"{value:+.2f}".replace("-", "−")
        else:
            said[name] = f"{value:.2f}" if isinstance(value, float) else str(value)
    return said
