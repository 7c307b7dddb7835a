"""What people in the demo market write: projects, requirements, proposals, reasons. All of it invented."""

import random
from collections.abc import Mapping

PROJECTS: Mapping[str, tuple[str, ...]] = {
    "精细化工": (
        "环保助剂车间技改项目",
        "年产 2 万吨水处理剂项目",
        "罐区安全提升工程",
        "研发中试车间项目",
        "中间体装置扩建项目",
    ),
    "新材料": ("玄武岩纤维生产线项目", "复合板材二期项目", "高分子粉体车间项目", "原料仓储库项目"),
    "房地产开发": ("檐下花园住宅项目", "城北安置房项目", "青云路商业综合体项目", "老厂区改造住宅项目"),
    "成品油零售": ("新甫路加油站迁建项目", "环城东路加油站改造项目", "翟镇加油站新建项目", "油罐防渗改造项目"),
    "油品仓储": ("三万立方米成品油库项目", "装卸站台扩建项目", "消防泵房改造项目", "铁路专用线配套罐区项目"),
    "机械加工": ("矿山机械加工厂房项目", "热处理车间项目", "喷涂生产线技改项目", "铸件清理车间项目"),
    "一般仓储物流": ("冷链分拨中心项目", "三号冷库扩建项目", "城乡配送仓储项目", "货运停车场项目"),
    "纺织": ("智能纺纱车间项目", "印染废水回用项目", "面料仓储楼项目", "针织服装厂房项目"),
    "养老服务设施": ("社区养老中心项目", "康养公寓一期项目", "护理院改造项目"),
    "教育": ("教学楼扩建工程", "运动场改造工程", "学生食堂新建工程", "附属幼儿园工程"),
    "医疗": ("门诊综合楼工程", "感染楼改造工程", "医用库房工程", "院区雨污分流工程"),
    "道路与公共设施建设": ("镇区主干道改造工程", "农村污水管网工程", "便民服务中心工程", "望驾山水库道路工程"),
}
PHASES = ("", "", "", "（一期）", "（二期）")
PLACES = (
    "青云街道",
    "新汶街道",
    "小协镇",
    "羊流镇",
    "果都镇",
    "楼德镇",
    "西张庄镇",
    "东都镇",
    "化工产业园",
    "经济开发区",
)

REQUIREMENTS = (
    "成果应满足现行国家和行业标准，一次提交，负责按审查意见修改至通过。",
    "须到现场踏勘，成果附现场影像；报价含全部外业、内业和修改费用。",
    "项目负责人应具有相应执业资格，成果签章齐全，负责配合部门审查。",
    "成果同时提交电子版和纸质版，坐标系采用 2000 国家大地坐标系。",
)
PAYMENT_TERMS = ("成果验收后十个工作日内一次付清。", "按合同节点付款，验收后十个工作日内支付。")
PROPOSALS = (
    "我单位拟派项目负责人一名、技术人员三名，合同签订次日进场，内部实行两级检查。",
    "已有同类项目经验，可利用周边已有资料缩短外业时间，承诺按审查意见免费修改。",
    "安排专人与委托方对接，每周书面报告进度，成果提交前由总工程师审核。",
    "",
)
DIRECT_REASONS = (
    "该机构承担过本项目前期工作，资料齐全，继续委托可避免重复测量和重复收费，价格不高于同类均价。",
    "项目工期紧，该机构在本地设有常驻人员，近一年承担同类事项均按期完成，报价低于市场均价。",
)
RETURN_REASONS = (
    "附图缺比例尺和指北针；第三章引用标准版本已废止；签章页缺项目负责人签名。请一并更正。",
    "现场影像不足四张且无拍摄时间；结论与第五章数据不一致。请一并更正。",
    "坐标成果表缺两个拐点；委托方提供的设计变更未纳入。请一并更正。",
)
REVIEW_COMMENTS = (
    "意见所指页次的数据已在附件四中列出，请审查员再核对附件四。",
    "现场条件受限，未能取得该点资料，已在报告第六章说明替代做法。",
    "对扣分没有异议，但该标准在委托之后才更新，请予考虑。",
)
REVIEW_ANSWERS = (
    "附件四已核对，正文未引用，仍按原等次；请在正文注明出处。",
    "替代做法可行，但缺少误差分析，维持原意见。",
    "经核对标准生效日期早于成果提交日期，维持原意见。",
)
EVALUATION_GOOD = "进度和质量都符合约定，沟通及时，成果一次通过。"
EVALUATION_BAD = "成果交付晚于约定，且有多处需要返工，影响了后续报批。"
EVALUATION_PLAIN = "总体符合约定，个别图件经提醒后补齐。"
STATEMENTS = (
    "本项目按合同履行，感谢委托方配合现场工作。",
    "委托方提供资料较晚，我单位已加派人员赶回进度。",
    "无补充。",
)
GRADE_COMMENTS = (
    "第三季度一件成果的扣分与另一位审查员的意见相差较大，请复核。",
    "我单位已按整改要求完善两级检查制度，请在下期评级中考虑。",
    "对报告列出的成果和数据没有异议。",
)
HOLD = "收到举报，成果与合同约定不符，核实期间暂停支付"
LET_GO = "已核实，成果符合约定，恢复支付"
CONTEST = "截至今日银行未查到该笔款项，请核对回单。"
SUSPENSION = "拆迁未完成，现场暂不具备作业条件。"
WITHDRAWAL = "项目用地范围调整，待确定后重新发布公告。"
CANCELLATION = "规划条件变更，本次选取取消，待新条件下达后重新发布。"
DECLINE = "近期人员已满负荷，不能保证工期。"

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
NUMERALS = "一二三四五六七八九十"


def person(stream: random.Random, number: int) -> str:
    """A name that is plainly no real person's: surname, `演` for demo, and a number."""
    digits = "".join(NUMERALS[int(sign) - 1] if sign != "0" else "〇" for sign in str(number))
    return f"{stream.choice(SURNAMES)}演{digits}"


def project_title(client: str, sector: str, stream: random.Random) -> str:
    """What a client of that sector builds."""
    return f"{short_name(client)}{stream.choice(PROJECTS[sector])}{stream.choice(PHASES)}"


def short_name(client: str) -> str:
    """A client as its projects call it."""
    return client.replace("有限公司", "").replace("（演示）", "")


def report_lines(title: str, item: str, stream: random.Random) -> list[str]:
    """The text of a result: a little different for every commission."""
    area = stream.randint(2_000, 90_000)
    points = stream.randint(8, 64)
    return [
        f"项目名称：{title}",
        f"成果名称：{item}",
        "一、项目概况",
        f"项目用地面积约 {area} 平方米，位于新泰市{stream.choice(PLACES)}，现场踏勘于开工前完成。",
        "二、工作依据",
        "现行国家标准、行业标准、委托合同及委托方提供的基础资料。",
        "三、工作过程",
        f"共布设 {points} 个观测点，外业 {stream.randint(2, 12)} 天，内业两级检查，检查记录附后。",
        "四、主要结论",
        f"各项指标与要求的最大偏差为 {stream.uniform(0.2, 4.8):.2f}%，满足委托要求；建议 {stream.randint(1, 4)} 条见附表。",
        "五、签章",
        "项目负责人、审核人、批准人签章页附后。本文件为演示市场生成。",
    ]


def summary(target: float, void: bool) -> str:
    """An expert's closing words."""
    if void:
        return "发现一票否决情形，证据见上；请机构对照附件说明。"
    if target >= 88:
        return "资料齐全，方法得当，结论可信，个别表述可再精炼。"
    if target >= 74:
        return "总体符合要求，所列页次的问题请在归档前更正。"
    return "问题较多，多处依据不足，建议机构加强内部审核。"


SPLIT_WORDS = "各次委托对应不同地块和不同时间的需要，分别立项，不是为了避开限额。"
CONDITION_WORDS = "该条件与本项目的技术要求直接相关，缺少会影响成果质量。"
LOW_PRICE_WORDS = "本单位在相邻地块有现成控制点和近期成果，外业工作量减少一半，报价已含全部成本和税费，附明细。"
LOW_PRICE_ACCEPTED = "说明与相邻地块已有成果相符，成本明细齐全，同意采用。"
LOW_PRICE_REJECTED = "说明没有列出外业成本，不能证明能够按要求完成，不予采用。"
PICK_REASON = "近期同类成果审查得分较高，承诺期限最短，人员与本项目匹配。"
CONSENSUS_REASON = "经合议，对该项理解一致，按多数意见定分。"
QUESTION = "堆场大约多大？是否需要测断面？公告里没有写。"
ANSWER = "约六公顷，需要断面。公告随后修改，截止时间顺延。"
AMENDMENT_REASON = "漏写场地面积和断面要求"
OBJECTION = "中选报价所列工期与其近期在建项目数量不符，且未说明人员安排，请核对其是否具备按期完成的条件。"
OBJECTION_WISH = "请核对中选机构的人员安排，并书面答复。"
OBJECTION_EVIDENCE = "平台公示的该机构近三个月中选结果，共四项尚未交付。"
OBJECTION_ANSWER = "已核对中选机构的在册人员和在建项目，人员满足公告要求，在建项目数量没有超过规则上限，维持结果。"
ESCALATION = "答复没有说明四个在建项目的人员分配，请监管部门复核。"
OBJECTION_DECISION = (
    "经调取在册人员名单和在建合同，中选机构人员与公告要求相符，规则没有限制其等级的在建数量，维持结果。"
)
