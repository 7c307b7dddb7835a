"""The register of signals: one entry each, in neutral words. Definitions read, wording our own.

An entry says what the signal states, the harmless explanation, the least counts, the source, and the function that
finds it. To add one, add an entry here: its `finder` is a function on frames, or an async query giving `Found`.
Numbers in `minimum` are the limits of the edition in force (`market.rules.signals.Limits`).
"""

from collections.abc import Mapping
from typing import Any

from core.errors import Message
from core.i18n import N_
from market.rules.signals import Definition, Family

PRESUMED = "《中华人民共和国招标投标法实施条例》第四十条（类推）"
CARDINAL = "Open Contracting Partnership, Cardinal, "
PLATFORM = "XT-SIG-2026.1"
SPLIT = "split-purchase"
TWO_AGENCIES = N_("同一公告至少两家机构。")
ONE_NOTICE = N_("一次选取即可。")
PRICE_OUTLIER = N_(
    "近 %(window_days)s 天至少 %(least_processes)s 次只比价格的选取。没有另定界限时以四分位距计算，四分位距须大于 0。"
)

SIGNALS: tuple[Definition, ...] = (
    Definition(
        "same-author",
        Family.COLLUSION,
        N_("附件作者相同"),
        N_("公告 %(number)s：%(count)s 家机构的附件，文件属性中的作者都是“%(author)s”。"),
        N_("业主提供的模板、打字社或同一软件的默认作者也会造成相同；常见默认作者已排除。"),
        TWO_AGENCIES,
        PRESUMED,
        "market.signals.collusion.same_author",
        per_notice=True,
    ),
    Definition(
        "same-submitter",
        Family.COLLUSION,
        N_("提交来源相同"),
        N_("公告 %(number)s：%(count)s 家机构的报价来自同一网络地址；其中浏览器特征也相同的有 %(browsers)s 家。"),
        N_("同一写字楼、共用出口网络或公共服务窗口会共用地址。仅浏览器特征相同过于常见，不单独成为线索。"),
        TWO_AGENCIES,
        PRESUMED,
        "market.signals.collusion.same_submitter",
        per_notice=True,
    ),
    Definition(
        "same-staff",
        Family.COLLUSION,
        N_("项目人员相同"),
        N_("公告 %(number)s：%(count)s 家机构的报价都列了项目人员“%(person)s”。"),
        N_("可能是同名的不同的人，或人员刚刚更换单位。"),
        TWO_AGENCIES,
        PRESUMED,
        "market.signals.collusion.same_staff",
        per_notice=True,
    ),
    Definition(
        "same-account",
        Family.COLLUSION,
        N_("操作账号相同"),
        N_("公告 %(number)s：%(count)s 家机构的报价由同一个账号提交。"),
        N_("一个人可以在多家单位登记为成员，例如集团内代办。"),
        TWO_AGENCIES,
        PRESUMED,
        "market.signals.collusion.same_account",
        per_notice=True,
    ),
    Definition(
        "mixed-files",
        Family.COLLUSION,
        N_("附件相同"),
        N_("公告 %(number)s：%(count)s 家机构的报价含有完全相同的文件（SHA-256 %(short)s…）。"),
        N_("业主提供的图纸、空白表格或公开的规范原样附上也会相同。"),
        TWO_AGENCIES,
        PRESUMED,
        "market.signals.collusion.mixed_files",
        per_notice=True,
    ),
    Definition(
        "alike-prices",
        Family.COLLUSION,
        N_("报价十分接近"),
        N_("公告 %(number)s：%(count)s 份报价从 %(lowest)s 到 %(highest)s 元，最高与最低相差 %(spread)s%%。"),
        N_("有政府指导价或公开的成本构成时，报价本来就接近。"),
        N_("同一公告至少 %(alike_bids)s 份报价，相差不超过 %(alike_spread)s%%。"),
        PRESUMED,
        "market.signals.collusion.alike_prices",
        per_notice=True,
    ),
    Definition(
        "regular-prices",
        Family.COLLUSION,
        N_("报价等距"),
        N_("公告 %(number)s：%(count)s 份报价从低到高，每一份都比前一份多 %(step)s。"),
        N_("各家都按整数报价时，也可能碰巧等距。"),
        N_("同一公告至少 %(regular_bids)s 份互不相同的报价。"),
        PRESUMED,
        "market.signals.collusion.regular_prices",
        per_notice=True,
    ),
    Definition(
        "R003",
        Family.PROCESS,
        N_("征集时间短"),
        N_("公告 %(number)s：从发布到截止 %(days)s 天，少于参照值 %(limit)s 天。"),
        N_("本市场规则允许的最短征集时间就短于国际参照值，多数公告都会出现；请结合其他线索看。"),
        ONE_NOTICE,
        CARDINAL + "R003",
        "market.signals.process.short_period",
        per_notice=True,
        background=True,
    ),
    Definition(
        "R018",
        Family.PROCESS,
        N_("只收到一份报价"),
        N_("公告 %(number)s：竞争方式的选取只收到 1 份报价。"),
        N_("专业冷门、工期紧或价格偏低时常见；自有资金项目规则允许。"),
        ONE_NOTICE,
        CARDINAL + "R018",
        "market.signals.process.single_bid",
        per_notice=True,
        background=True,
    ),
    Definition(
        "R024",
        Family.PROCESS,
        N_("第二名与中选价差异常小"),
        N_(
            "公告 %(number)s：次低价比中选价只高 %(difference)s%%，不超过 %(fence)s%% 的界限（共比较 %(count)s 次选取）。"
        ),
        N_("充分竞争的标准化服务，报价本来就接近。"),
        PRICE_OUTLIER,
        CARDINAL + "R024",
        "market.signals.process.close_price",
    ),
    Definition(
        "R025",
        Family.MARKET,
        N_("参加多、中选少"),
        N_("近一年有效报价 %(bids)s 次，中选 %(wins)s 次，比例 %(ratio)s%%，不超过 %(fence)s%% 的界限。"),
        N_("新进入的机构或报价偏高的机构也会如此。"),
        N_("至少 %(least_group)s 家机构可比，该机构至少 %(least_bids)s 次有效报价；随机抽取不计。"),
        CARDINAL + "R025",
        "market.signals.market_wide.serial_loser",
    ),
    Definition(
        "R028",
        Family.PROCESS,
        N_("报价相同"),
        N_("公告 %(number)s：%(count)s 家机构的报价同为 %(amount)s 元。"),
        N_("各家都报最高限价或都按公开标准计价时会相同；固定价格的随机抽取不计。"),
        TWO_AGENCIES,
        CARDINAL + "R028",
        "market.signals.process.identical_prices",
        per_notice=True,
    ),
    Definition(
        "R030",
        Family.PROCESS,
        N_("截止后收到的报价中选"),
        N_("公告 %(number)s：中选报价收到于 %(received)s，截止时间是 %(deadline)s。"),
        N_("系统不收截止后的报价；出现这一条应先检查系统时钟和延期记录。"),
        ONE_NOTICE,
        CARDINAL + "R030",
        "market.signals.process.late_winner",
        per_notice=True,
        never=N_(
            "系统在提交事务内核对截止时间，截止后的报价收不进来，因此平时不会有这一条；仍每夜计算，用来检查系统自身。"
        ),
    ),
    Definition(
        "R035",
        Family.PROCESS,
        N_("除中选者外都未采用"),
        N_("公告 %(number)s：%(count)s 家机构的报价未采用，只剩中选的一家合格。"),
        N_("未采用的理由逐条公开，多为资质或限价；请逐条核对理由。"),
        ONE_NOTICE,
        CARDINAL + "R035",
        "market.signals.process.others_set_aside",
        per_notice=True,
    ),
    Definition(
        "R036",
        Family.PROCESS,
        N_("最低报价未采用"),
        N_("公告 %(number)s：只比价格的选取，最低报价 %(amount)s 元未采用，中选价 %(winning)s 元。"),
        N_("低于最低限价、资质不符的报价按规则不能采用；请核对理由。"),
        ONE_NOTICE,
        CARDINAL + "R036",
        "market.signals.process.lowest_set_aside",
        per_notice=True,
    ),
    Definition(
        "R038-client",
        Family.MARKET,
        N_("业主收到的报价未采用偏多"),
        N_(
            "近一年该业主 %(processes)s 次选取收到 %(bids)s 份报价，%(aside)s 份未采用，比例 %(ratio)s%%，高于本市场的上限 %(fence)s%%。"
        ),
        N_("公告条件写得细，或参加的机构多为新机构时会偏高。"),
        N_("至少 %(least_group)s 家业主可比，该业主至少 %(least_received)s 次选取，至少 %(least_aside)s 份未采用。"),
        CARDINAL + "R038",
        "market.signals.market_wide.aside_by_client",
    ),
    Definition(
        "R038-agency",
        Family.MARKET,
        N_("机构的报价未采用偏多"),
        N_("近一年该机构 %(bids)s 份报价中 %(aside)s 份未采用，比例 %(ratio)s%%，高于本市场的上限 %(fence)s%%。"),
        N_("机构没有读懂公告条件，或资质刚刚到期时会偏高。"),
        N_("至少 %(least_group)s 家机构可比，该机构至少 %(least_received)s 份报价，至少 %(least_aside)s 份未采用。"),
        CARDINAL + "R038",
        "market.signals.market_wide.aside_by_agency",
    ),
    Definition(
        "R048",
        Family.MARKET,
        N_("中选专业特别多"),
        N_("近一年该机构在 %(count)s 个专业中选，本市场的上限是 %(fence)s 个。"),
        N_("综合性的大机构本来就有多个专业的资质。"),
        N_("至少 %(least_group)s 家机构可比，该机构至少 %(least_varieties)s 个专业。"),
        CARDINAL + "R048",
        "market.signals.market_wide.many_professions",
    ),
    Definition(
        "R058",
        Family.PROCESS,
        N_("中选价远低于次低价"),
        N_("公告 %(number)s：次低价比中选价高 %(difference)s%%，超过本市场的上限 %(fence)s%%（%(count)s 次选取）。"),
        N_("中选机构可能就近、有现成资料或急于进入市场。"),
        PRICE_OUTLIER,
        CARDINAL + "R058",
        "market.signals.process.heavy_discount",
    ),
    Definition(
        "share",
        Family.MARKET,
        N_("份额过大"),
        N_(
            "近一年 %(item)s 在 %(region)s 共中选 %(market)s 次，该机构 %(awards)s 次，金额占 %(share)s%%（集中度 HHI %(hhi)s）。"
        ),
        N_("专业冷门、当地有资质的机构少时，份额自然集中。"),
        N_(
            "该事项在该地区近 %(window_days)s 天至少 %(share_market)s 次中选，该机构至少 %(share_awards)s 次，金额超过 %(share_alarm)s%%。"
        ),
        PLATFORM,
        "market.signals.concentration.large_shares",
    ),
    Definition(
        "repeat-pair",
        Family.MARKET,
        N_("同一业主反复选中同一机构"),
        N_("近一年该业主 %(total)s 次中选中，该机构 %(awards)s 次，占 %(share)s%%，其中直接选取 %(direct)s 次。"),
        N_("服务好而被继续委托，或当地只有一家有资质的机构，也会如此。"),
        N_(
            "该业主近 %(window_days)s 天至少 %(pair_client_awards)s 次中选，该机构至少 %(pair_awards)s 次，超过 %(pair_share)s%%。"
        ),
        PLATFORM,
        "market.signals.concentration.repeat_pairs",
    ),
    Definition(
        SPLIT,
        Family.MARKET,
        N_("相邻采购合计超过限额"),
        N_(
            "公告 %(number)s：与该业主 %(days)s 天内同一事项、同一地点的 %(count)s 次采购合计 %(total)s 元，超过 %(limit)s 元的限额。"
        ),
        N_("不同地块、不同时间的同类需要也会如此；业主发布时已写明理由，见公告页。"),
        N_("使用公共资金，规则规定的天数内至少另有一次同一事项、同一地点的采购，且单次都没有超过限额。"),
        PLATFORM,
        "market.queries.flags.found_splits",
    ),
)


DEFINITIONS: dict[str, Definition] = {one.code: one for one in SIGNALS}
"""Every signal by its code."""


def sentence(code: str, params: Mapping[str, Any]) -> Message:
    """What a stored signal says. One whose definition was retired still says its facts."""
    known = DEFINITIONS.get(code)
    if known is None:
        return Message(N_("（%(code)s）%(facts)s"), {"code": code, "facts": str(dict(params))})
    return Message(known.sentence, params)
