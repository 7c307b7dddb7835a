"""Reasons as stored facts: a code and its values, read in any language years later."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import Message
from core.i18n import N_


@dataclass(frozen=True)
class Reason:
    """Why somebody may not take part, was not chosen, or was. `params` are plain JSON values.

    A name stands in both languages: `other` and, where there is an English one, `other_en`.
    """

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def message(self) -> Message:
        """The sentence for this reason."""
        return Message(SENTENCES[self.code], self.params)

    def as_json(self) -> dict[str, Any]:
        """For a jsonb column or an API reply."""
        return {"code": self.code, "params": dict(self.params)}

    def as_letter(self) -> dict[str, Any]:
        """For a letter: the sentence itself, translated when the letter is written."""
        return {"text": SENTENCES[self.code], "params": dict(self.params)}


def from_json(stored: Mapping[str, Any]) -> Reason:
    """A reason as it was stored."""
    return Reason(stored["code"], stored["params"])


SENTENCES = {
    # may not take part
    "not-recorded": N_("机构尚未完成从业备案，备案公示结束后才能参加。"),
    "suspended": N_("机构被市场监督员暂停业务，恢复后才能参加。"),
    "profession-not-recorded": N_("机构没有备案本事项所属的专业，请先办理专业增项备案。"),
    "item-not-offered": N_("机构备案的服务范围不含本事项，请先变更备案范围。"),
    "qualification-missing": N_("没有登记本专业的有效资质或能力证明，请先在机构档案中补充。"),
    "qualification-expired": N_("资质证书有效期至 %(until)s，在 %(on)s 已失效。请换证并更新机构档案。"),
    "related-to-client": N_("机构与本项目业主存在登记在案的关联关系，须回避。"),
    "same-controller-as-client": N_("机构与本项目业主登记的控制人相同，或由业主控制，须回避。"),
    "staff-of-client": N_("有从业人员在公告期间同时或先后登记在机构和本项目业主名下，须回避。"),
    "former-employer": N_("机构人员曾在本项目业主任职，%(left)s 离开，不满 %(years)s 年，须回避。"),
    "still-employed": N_("机构申报有人员在本项目业主任职且未写明离职日期，须回避。"),
    "duty-incompatible": N_("%(holder)s已承担本项目的“%(item)s”，不得再承担与其不相容的本事项。"),
    "related-to-entrant": N_("与同一公告的%(other)s有申报在案的关联关系，双方报价均不采用。"),
    "same-controller-as-entrant": N_("与同一公告的%(other)s登记的控制人相同，双方报价均不采用。"),
    "staff-of-entrant": N_("有从业人员在公告期间同时或先后登记在本机构和同一公告的%(other)s，双方报价均不采用。"),
    "related-to-department": N_("机构与本事项主管部门存在登记在案的关联关系，须回避。"),
    "grade-barred": N_("机构当前信用等级为 %(grade)s 级，不得参加选取，修复信用后恢复。"),
    "grade-no-direct": N_("使用财政资金的项目不得直接选取 %(grade)s 级机构，请改用竞争方式。"),
    "too-many-jobs": N_("%(grade)s 级机构同时在办的委托不得超过 %(limit)s 件，现有 %(open)s 件，办结后再参加。"),
    # not counted at the opening
    "above-ceiling": N_("报价 %(amount)s 元高于最高限价 %(ceiling)s 元。"),
    "below-floor": N_("报价 %(amount)s 元低于最低限价 %(floor)s 元。"),
    "not-fixed-price": N_("报名价格与公告的固定价格不一致。"),
    "days-over-limit": N_("承诺期限 %(days)s 个工作日超过公告要求的 %(limit)s 个工作日。"),
    "low-price-rejected": N_("报价 %(amount)s 元异常低，业主不接受其说明，未采用。业主的理由：%(words)s"),
    "low-price-lapsed": N_("报价 %(amount)s 元异常低，机构没有在期限内说明，未采用。"),
    "envelope-damaged": N_("密封件与收到时的指纹不符或不能解开，按规则不予采用。"),
    # chosen, or not
    "chosen-directly": N_("业主直接选定，机构已接受约定的价格和期限。"),
    "chosen-lowest": N_("在 %(count)s 家合格机构中报价最低：%(amount)s 元。"),
    "chosen-lowest-tie": N_("与另外 %(others)s 家同为最低价 %(amount)s 元，按公告承诺的随机数排在最前。"),
    "chosen-by-draw": N_("在 %(count)s 家合格机构中抽中第 1 位。"),
    "chosen-as-substitute": N_("原中选机构退出，按固定的递补顺序第 %(place)s 位接替。"),
    "chosen-after-low-price": N_("排在前面的异常低价没有采用，按固定次序第 %(place)s 位接替。"),
    "not-lowest": N_("报价 %(amount)s 元，在合格报价中排第 %(place)s 位；最低价为 %(lowest)s 元。"),
    "tie-lost": N_("同为最低价 %(amount)s 元，按公告承诺的随机数排第 %(place)s 位。"),
    "not-drawn": N_("抽取顺序排第 %(place)s 位，未抽中。"),
    # decided on an objection
    "set-aside-by-decision": N_("异议 %(number)s 的处理决定：该报价不予采用。"),
    "reinstated-by-decision": N_("异议 %(number)s 的处理决定：该报价恢复参加，按固定规则排第 %(place)s 位。"),
    "chosen-by-decision": N_("异议 %(number)s 的处理决定更正后，按固定顺序第 %(place)s 位的合格机构。"),
    "void-by-decision": N_("异议 %(number)s 的处理决定：本次选取无效，可重新发布。"),
    "chosen-nearest": N_(
        "在 %(count)s 家合格机构中最接近参考价 %(reference)s 元：报价 %(amount)s 元，相差 %(apart)s 元。"
    ),
    "not-nearest": N_("报价 %(amount)s 元，与参考价 %(reference)s 元相差 %(apart)s 元，排第 %(place)s 位。"),
    "short-listed": N_("持 %(lots)s 签，第 %(place)s 位抽入短名单，等业主选定。"),
    "not-short-listed": N_("在长名单内，持 %(lots)s 签，未抽入短名单。"),
    "below-minimum-score": N_("信用评分 %(score)s 低于要求的 %(needed)s。"),
    "not-long-listed": N_("信用评分 %(score)s，未进入前 %(size)s 位的长名单。"),
    "chosen-from-short-list": N_("短名单 %(count)s 家中由业主选定，抽取顺序第 %(place)s 位；业主的理由见公告记录。"),
    "chosen-first-drawn": N_("业主在公布的时限内没有选定，按规则由短名单中最先抽出的机构中选。"),
    "substitute-short-list": N_("在短名单内，抽取顺序第 %(drawn)s 位；业主未选定，为第 %(place)s 位递补。"),
    "chosen-best-proposal": N_("评审总分 %(points)s，为最高分。"),
    "not-best-proposal": N_("评审总分 %(points)s，排第 %(place)s 位；最高分 %(best)s。"),
    "below-question-minimum": N_("“%(question)s”得 %(points)s 分，低于最低要求 %(needed)s 分，不予采用。"),
    # failed
    "too-few-on-long-list": N_("达到信用评分要求的机构 %(count)s 家，少于 %(needed)s 家，本次选取失败，可重新发布。"),
    "no-proposal-good-enough": N_("没有方案达到各问题的最低要求，本次选取失败，可重新发布。"),
    "too-few": N_("合格机构 %(count)s 家，少于规则要求的 %(needed)s 家，本次选取失败，可重新发布。"),
    "shares-missing": N_(
        "截止后 %(days)s 个工作日内没有收齐开启密钥的份额，报价永久不再开启，本次选取失败，可重新发布。"
    ),
    "nobody-left": N_("没有可以递补的合格机构，本次选取失败，可重新发布。"),
    "offer-declined": N_("选定的机构不接受：%(words)s"),
    "offer-lapsed": N_("选定的机构在期限内没有答复，本次选取失败，可重新发布。"),
}
