"""Conditions that shut out more than the service item needs: found in the text, shown beside what the item asks.

Flags are sentences to think about, not refusals: the client removes the condition or says publicly why it is
needed. Each clause is read on its own; a clause that denies a condition ("不要求…") is left alone.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from core.i18n import N_

CONDITIONS = {
    "locality": N_("把机构限定在某个地域，或要求在当地设立机构。法律对本事项没有地域限制。"),
    "named-agency": N_("写到了名录中一家机构的名称，可能使人认为已内定。"),
    "grade-above": N_("要求的资质等级高于本事项的要求。"),
    "grade-not-needed": N_("本事项不分资质等级，条件里却要求了等级。"),
    "years": N_("要求最低成立或从业年限，会把新机构排除在外。"),
    "turnover": N_("要求最低的注册资本、营业额或纳税额，与能否做好本事项没有直接关系。"),
    "past-projects": N_("要求最低业绩数量，会把新机构排除在外。"),
}

_CLAUSE = re.compile(r"[。；;，,！!\n\r]+")
_DENIED = re.compile(r"不要求|不限|无需|不需|不设|不得|不作|不以|没有.{0,4}要求|均可|不论")
_PLACE = r"(?:本地|当地|本[市县区省]|[\u4e00-\u9fff]{2,4}?[市县区省])"
_WHERE = rf"{_PLACE}(?:行政)?(?:区域|辖区|区划|范围)?(?:以?内)?(?:的)?"
_FIRM = r"(?:企业|机构|公司|单位|供应商|投标人|中介)"
_LOCALITY = (
    re.compile(r"(?:本地|当地|属地|本[市县区省])(?:的)?(?:中介)?(?:企业|机构|公司|供应商|投标人)(?!改革)"),
    re.compile(rf"{_WHERE}(?:依法)?(?:注册|登记|纳税|设立|设有|成立|备案)(?:的|并|满|有|.{{0,4}}{_FIRM})"),
    re.compile(r"(?:注册地|注册地址|登记地|住所地?|工商注册|税务登记|纳税地)[^，。；]{0,6}(?:在|为|位于|属)"),
    re.compile(rf"(?:在|于){_WHERE}[^，。；]{{0,6}}(?:分公司|分支机构|办事处|固定(?:的)?办公|服务网点|常设)"),
    re.compile(
        rf"{_WHERE}[^，。；]{{0,4}}(?:设有|具有|拥有)[^，。；]{{0,6}}(?:分公司|分支机构|办事处|办公场所|服务网点)"
    ),
    re.compile(r"(?:优先|仅限|只限|限于?)(?:选择|考虑|选用)?(?:本地|当地|本[市县区省])"),
)
_NUMBER = r"(?:\d+|[一二两三四五六七八九十百千]+)"
_YEARS = (
    re.compile(rf"(?:成立|注册|登记|从业|经营|执业|开业)[^，。；]{{0,10}}?{_NUMBER}\s*年(?:以上|及以上|以?内)?"),
    re.compile(rf"{_NUMBER}\s*年(?:及)?以上[^，。；]{{0,8}}(?:从业|经营|工作|服务|执业|经验|经历)"),
)
_MONEY = r"(?:注册资本金?|注册资金|实缴资本|净资产|资产总额|营业额|营业收入|年产值|纳税额|主营业务收入)"
_TURNOVER = re.compile(rf"{_MONEY}[^，。；]{{0,12}}?{_NUMBER}\s*(?:多)?(?:万|亿|元)")
_PROJECT = r"(?:业绩|案例|类似项目|同类项目|类似工程|同类工程)"
_PAST = (
    re.compile(rf"{_PROJECT}[^，。；]{{0,12}}?{_NUMBER}\s*(?:个|项|份|件|例|宗)"),
    re.compile(
        rf"(?:完成|承担|具有|具备|提供|有)[^，。；]{{0,10}}?{_NUMBER}\s*(?:个|项|份|件|例|宗)[^，。；]{{0,14}}{_PROJECT}"
    ),
)
_QUALIFIED = re.compile(r"资质|资格|证书")
_CLASS = re.compile(r"([甲乙丙丁])级|([一二三四])(?:级|类)(?!\s*(?:注册|建造|造价|建筑|结构|评估|项目|工程|地质))")
_RANK = {"甲": 1, "乙": 2, "丙": 3, "丁": 4, "一": 1, "二": 2, "三": 3, "四": 4}
_NO_CLASS = re.compile(r"无等级|不分级|不分等级|不设等级")
_LEGAL_FORM = re.compile(r"(?:股份有限公司|有限责任公司|集团有限公司|有限公司|事务所|研究院)$")
SHORTEST_NAME = 6
"""A name without its legal form is looked for only from this many characters on."""


@dataclass(frozen=True)
class ItemGuide:
    """What the service item itself asks: `qualification` and `classes` as the catalogue words them (Chinese)."""

    qualification: str
    classes: str

    @property
    def own(self) -> str:
        """The item's own requirement in one line."""
        return f"{self.qualification}（{self.classes}）"


@dataclass(frozen=True)
class ConditionFlag:
    """One condition worth a second look: the clause as written, and the item's own requirement."""

    code: str
    clause: str
    own: str

    def as_json(self) -> dict[str, Any]:
        """For a jsonb column or an API reply."""
        return {"clause": self.clause, "own": self.own}


def condition_flags(text: str, item: ItemGuide, agency_names: Iterable[str]) -> tuple[ConditionFlag, ...]:
    """Every over-restrictive condition in a notice's text, in reading order, each kind once per clause.

    Source: the catalogue's own columns on qualification; ban on designation and local protection (domain.md,
    S19 and S20). Raises nothing.
    """
    names = tuple(_searched(agency_names))
    return tuple(
        ConditionFlag(code, clause, item.own)
        for clause in (part.strip() for part in _CLAUSE.split(text))
        if clause and not _DENIED.search(clause)
        for code in _codes(clause, item, names)
    )


def _codes(clause: str, item: ItemGuide, names: tuple[str, ...]) -> Iterator[str]:
    if any(pattern.search(clause) for pattern in _LOCALITY):
        yield "locality"
    if any(name in clause for name in names):
        yield "named-agency"
    yield from _grade(clause, item)
    if any(pattern.search(clause) for pattern in _YEARS):
        yield "years"
    if _TURNOVER.search(clause):
        yield "turnover"
    if any(pattern.search(clause) for pattern in _PAST):
        yield "past-projects"


def _grade(clause: str, item: ItemGuide) -> Iterator[str]:
    asked = [_RANK[a or b] for a, b in _CLASS.findall(clause)]
    if not asked or not _QUALIFIED.search(clause):
        return
    if _NO_CLASS.search(item.classes):
        yield "grade-not-needed"
        return
    allowed = [_RANK[a or b] for a, b in _CLASS.findall(item.classes)]
    if allowed and max(asked) < max(allowed):
        yield "grade-above"


def _searched(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        yield name
        short = _LEGAL_FORM.sub("", name)
        if len(short) >= SHORTEST_NAME:
            yield short
