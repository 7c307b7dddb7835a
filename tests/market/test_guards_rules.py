"""The fairness guards as pure rules: each bites once and lets pass once."""

import time
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agencies.rules import same_controller
from market import content
from market.rules.conditions import ItemGuide, condition_flags
from market.rules.editions import LowPriceRule
from market.rules.eligibility import Call, needs_warning
from market.rules.low_price import judge
from market.rules.notices import SelectionMethod
from market.rules.recusal import (
    ClientTies,
    EntrantTies,
    HeldDuty,
    client_reasons,
    entrant_reasons,
    years_after,
)
from market.rules.split import Earlier, find_split, limit_of, same_place

LAW = content.edition("XT-SEL-2026.1")
ON = date(2026, 11, 20)
SURVEY = ItemGuide("测绘资质证书，专业类别含工程测量", "甲级或乙级（乙级受作业限额约束）")
EIA = ItemGuide("不设资质许可；技术单位应报生态环境主管部门备案", "无等级（备案）")
NAMES = ("新泰衡尺测绘有限公司", "泰安澄怀环境工程咨询有限公司")


def reasons(ties: ClientTies, item: str = "XT-SF-02") -> list[str]:
    return [each.code for each in client_reasons(ties, item_code=item, on=ON, rule=LAW.recusal)]


# --- recusal ----------------------------------------------------------------------------------


def test_no_ties_no_reasons() -> None:
    assert reasons(ClientTies(duties=content.incompatible_duties())) == []


@pytest.mark.parametrize(
    ("ties", "code"),
    [
        (ClientTies(same_controller=True), "same-controller-as-client"),
        (ClientTies(shared_staff=True), "staff-of-client"),
        (ClientTies(employed_by_client=True), "still-employed"),
        (ClientTies(left_client_on=date(2024, 1, 1)), "former-employer"),
    ],
)
def test_each_tie_to_the_client_has_its_own_reason(ties: ClientTies, code: str) -> None:
    assert reasons(ties) == [code]


def test_an_earlier_job_bars_until_the_day_the_years_are_over() -> None:
    assert reasons(ClientTies(left_client_on=date(2023, 11, 21))) == ["former-employer"]
    assert reasons(ClientTies(left_client_on=date(2023, 11, 20))) == []
    assert years_after(date(2024, 2, 29), 3) == date(2027, 3, 1)


def test_duties_exclude_each_other_in_both_directions_only_as_listed() -> None:
    duties = content.incompatible_duties()
    before = HeldDuty("XT-SF-01", "建设项目安全预评价", "泰安甲安全评价有限公司")
    after = HeldDuty("XT-SF-02", "建设项目安全验收评价", "泰安甲安全评价有限公司")
    assert reasons(ClientTies(held=(before,), duties=duties), "XT-SF-02") == ["duty-incompatible"]
    assert reasons(ClientTies(held=(after,), duties=duties), "XT-SF-01") == ["duty-incompatible"]
    assert reasons(ClientTies(held=(before,), duties=duties), "XT-SV-01") == []


def test_the_matrix_names_known_items_and_says_how_far_it_was_checked() -> None:
    codes = {row["code"] for row in content.service_items()}
    for duty in content.incompatible_duties():
        assert {duty.first, duty.second} <= codes
        assert duty.first != duty.second
        assert duty.verified in {"yes", "partial", "no", "platform"}
        assert duty.reason_zh
        assert duty.reason_en
        assert (duty.basis == "平台规则") == (duty.verified == "platform")


def entrant(number: int, **ties: object) -> EntrantTies:
    return EntrantTies(number, f"USCC{number}", f"机构{number}", **ties)  # type: ignore[arg-type]


def test_two_entrants_under_one_controller_are_both_set_aside_and_the_third_is_not() -> None:
    found = entrant_reasons(
        [entrant(1, controller="张三"), entrant(2, controller="李四"), entrant(3, controller="张 三")]
    )
    assert {agency: [one.code for one in why] for agency, why in found.items()} == {
        1: ["same-controller-as-entrant"],
        3: ["same-controller-as-entrant"],
    }
    assert found[1][0].params == {"other": "机构3"}


def test_a_relation_declared_by_one_side_only_counts_for_both() -> None:
    found = entrant_reasons([entrant(1, related=frozenset({"USCC2"})), entrant(2)])
    assert {agency: why[0].code for agency, why in found.items()} == {1: "related-to-entrant", 2: "related-to-entrant"}


def test_shared_staff_binds_and_strangers_do_not() -> None:
    shared = [entrant(1, staff=frozenset({"A", "B"})), entrant(2, staff=frozenset({"B"}))]
    assert set(entrant_reasons(shared)) == {1, 2}
    strangers = [
        entrant(1, staff=frozenset({"A"}), controller="无"),
        entrant(2, staff=frozenset({"B"}), controller="无"),
    ]
    assert entrant_reasons(strangers) == {}


def pair_by_pair(everybody: list[EntrantTies]) -> dict[int, list[tuple[str, str]]]:
    """The definition, compared with everybody: what the index must come to."""
    found: dict[int, list[tuple[str, str]]] = {}
    for one in everybody:
        for other in everybody:
            if one is other:
                continue
            code = ""
            if other.uscc in one.related or one.uscc in other.related:
                code = "related-to-entrant"
            elif same_controller(one.controller, other.controller):
                code = "same-controller-as-entrant"
            elif one.staff & other.staff:
                code = "staff-of-entrant"
            if code:
                found.setdefault(one.agency_id, []).append((code, other.name_zh))
    return found


FEW = st.sampled_from("ABCDE")
ENTRANTS = st.lists(
    st.tuples(
        st.sampled_from(["", "无", "张三", "张 三", "ＺＨＡＮＧ", "zhang", "李四"]),
        st.frozensets(FEW, max_size=2),
        st.frozensets(st.integers(1, 9).map(lambda number: f"USCC{number}"), max_size=2),
    ),
    max_size=8,
)


@given(facts=ENTRANTS)
def test_entrants_are_bound_exactly_as_pair_by_pair(facts: list[tuple[str, frozenset[str], frozenset[str]]]) -> None:
    everybody = [
        entrant(number, controller=controller, staff=staff, related=related)
        for number, (controller, staff, related) in enumerate(facts, 1)
    ]
    found = {
        agency: [(reason.code, reason.params["other"]) for reason in why]
        for agency, why in entrant_reasons(everybody).items()
    }
    assert found == pair_by_pair(everybody)


def test_five_thousand_entrants_are_looked_up_and_not_compared_pair_by_pair() -> None:
    asked = 0

    class Counted(frozenset[str]):
        """Staff that notes how often it is compared."""

        def __and__(self, other: object) -> frozenset[str]:
            nonlocal asked
            asked += 1
            return super().__and__(other)  # type: ignore[operator]

    crowd = [
        entrant(number, controller=f"控制人{number}", staff=Counted({f"P{number}"}), related=frozenset({f"X{number}"}))
        for number in range(5000)
    ]
    begun = time.process_time()
    assert entrant_reasons(crowd) == {}
    assert asked == 0
    assert time.process_time() - begun < 2, "pair by pair this took more than ten seconds"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("张三", "张 三", True),
        ("Ａ集团", "a集团", True),
        ("张三", "张三丰", False),
        ("无", "无", False),
        ("", "", False),
        ("不适用", "不适用", False),
    ],
)
def test_controllers_are_compared_without_blanks_and_width(one: str, other: str, same: bool) -> None:
    assert same_controller(one, other) is same


# --- the warning for a C agency ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "warned"),
    [
        (SelectionMethod.DIRECT, True),
        (SelectionMethod.CREDIT_PREFERRED, True),
        (SelectionMethod.LOWEST_PRICE, False),
        (SelectionMethod.RANDOM_DRAW, False),
    ],
)
def test_a_client_that_picks_itself_is_warned_of_grade_c(method: SelectionMethod, warned: bool) -> None:
    from agencies.rules import CreditGrade

    call = Call("XT-SV-01", method, False, 1, "D-ZRZY")
    assert needs_warning(CreditGrade.C, call, LAW) is warned
    assert needs_warning(CreditGrade.B, call, LAW) is False


# --- abnormally low prices --------------------------------------------------------------------

RULE = LowPriceRule(Decimal("0.40"), Decimal("0.30"), 1, 3, 2)


def yuan(*amounts: str) -> list[Decimal]:
    return [Decimal(each) for each in amounts]


def test_forty_percent_under_the_mean_is_low_and_a_cent_more_is_not() -> None:
    others = yuan("8000.00", "12000.00")  # mean 10000; 30 % under the next would be 5600
    found = judge(Decimal("6000.00"), others, RULE)
    assert found is not None
    assert (found.under_mean, found.under_next, found.mean) == (True, False, Decimal("10000.00"))
    assert judge(Decimal("6000.01"), others, RULE) is None


def test_thirty_percent_under_the_next_is_low_with_two_bids_already() -> None:
    found = judge(Decimal("7000.00"), yuan("10000.00"), RULE)
    assert found is not None
    assert (found.under_next, found.mean, found.compared) == (True, None, 2)
    assert judge(Decimal("7000.01"), yuan("10000.00"), RULE) is None


def test_a_single_bid_is_never_low_and_the_old_edition_asks_nobody() -> None:
    assert judge(Decimal("1.00"), [], RULE) is None
    assert judge(Decimal("1.00"), yuan("10000.00", "10000.00"), content.edition("XT-SEL-2024.1").low_price) is None


@given(
    st.decimals("0.01", "99999.99", places=2),
    st.lists(st.decimals("0.01", "99999.99", places=2), min_size=1, max_size=8),
)
def test_raising_the_lowest_price_never_makes_it_low(amount: Decimal, others: list[Decimal]) -> None:
    if amount <= min(others) and judge(amount, others, RULE) is None:
        assert judge(min(amount + 1, *others), others, RULE) is None


# --- split purchases --------------------------------------------------------------------------


def earlier(ceiling: str) -> Earlier:
    return Earlier(7, "GG-1", "项目", "新泰市经济开发区", 3, ON, Decimal(ceiling))


def split(ceiling: str, *before: str, method: SelectionMethod = SelectionMethod.DIRECT, public: bool = True) -> object:
    return find_split(
        ceiling=Decimal(ceiling),
        method=method,
        public_money=public,
        earlier=[earlier(each) for each in before],
        edition=LAW,
    )


def test_several_small_direct_ones_together_over_the_cap_are_noticed() -> None:
    found = split("30000.00", "30000.00")
    assert found is not None
    assert found.total == Decimal("60000.00")  # type: ignore[attr-defined]
    assert found.limit == Decimal("50000.00")  # type: ignore[attr-defined]


def test_within_the_cap_own_money_and_single_ones_are_not() -> None:
    assert split("20000.00", "30000.00") is None
    assert split("30000.00", "30000.00", public=False) is None
    assert split("50000.00") is None
    assert split("30000.00", "30000.00", method=SelectionMethod.LOWEST_PRICE) is None


def test_the_limit_is_that_of_the_method() -> None:
    assert limit_of(SelectionMethod.RANDOM_DRAW, LAW) == Decimal("300000.00")
    assert limit_of(SelectionMethod.LOWEST_PRICE, LAW) == Decimal("1000000.00")
    assert same_place("新泰市 经济开发区", "新泰市经济开发区")
    assert not same_place("新泰市", "新泰市经济开发区")


# --- restrictive conditions -------------------------------------------------------------------


def codes(text: str, item: ItemGuide = SURVEY) -> list[str]:
    return [flag.code for flag in condition_flags(text, item, NAMES)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("限本地企业参加", "locality"),
        ("须为本市机构", "locality"),
        ("注册地在新泰市的测绘机构", "locality"),
        ("在新泰市行政区域内注册并纳税", "locality"),
        ("须在本市设有分支机构或办事处", "locality"),
        ("本市企业优先", "locality"),
        ("优先选择本地", "locality"),
        ("工商注册地须在泰安市范围内", "locality"),
        ("技术水平不低于新泰衡尺测绘有限公司", "named-agency"),
        ("与泰安澄怀环境工程咨询有相近业绩水平", "named-agency"),
        ("具有测绘甲级资质", "grade-above"),
        ("测绘资质证书须为甲级", "grade-above"),
        ("成立满5年", "years"),
        ("具有五年以上从业经验", "years"),
        ("注册资本不低于500万元", "turnover"),
        ("近三年年均营业收入达到一千万元以上", "turnover"),
        ("近三年类似项目业绩不少于3个", "past-projects"),
        ("完成过 5 项以上同类项目", "past-projects"),
    ],
)
def test_restrictive_sentences_are_flagged(text: str, code: str) -> None:
    assert code in codes(text)


@pytest.mark.parametrize(
    "text",
    [
        "测绘资质乙级以上，含工程测量",
        "测绘资质甲级或乙级均可",
        "具有测绘资质证书，专业类别含工程测量",
        "熟悉本地坐标系和当地控制点",
        "项目位于新泰市行政区域内，场地平坦",
        "成果须符合山东省和新泰市有关规定",
        "不限注册地，不得要求本地企业",
        "不要求类似项目业绩",
        "近三年无重大违法记录",
        "成果资料保存10年",
        "提交纸质成果3份、电子成果1份",
        "项目总投资 1200 万元，用地 5 公顷",
        "项目负责人须为注册测绘师",
        "一级 GNSS 控制点 3 个由业主提供",
        "配合新泰市自然资源和规划局完成备案",
        "须在新泰市自然资源和规划局备案成果",
        "报价含税，付款按合同约定",
    ],
)
def test_ordinary_sentences_are_left_alone(text: str) -> None:
    assert codes(text) == []


def test_a_class_is_too_much_for_an_item_that_knows_none() -> None:
    assert codes("须具有乙级以上环评资质证书", EIA) == ["grade-not-needed"]
    assert codes("技术单位已在生态环境主管部门备案", EIA) == []


def test_a_flag_carries_the_clause_and_what_the_item_asks() -> None:
    (flag,) = condition_flags("测绘资质；成立满5年；图纸齐全", SURVEY, NAMES)
    assert (flag.clause, flag.own) == ("成立满5年", SURVEY.own)
