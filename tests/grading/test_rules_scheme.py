"""The rule-set: published defaults, its own test vectors, and what is refused."""

import re
import tomllib
from dataclasses import asdict, replace
from decimal import Decimal
from itertools import pairwise

import pytest

from agencies.rules import CreditGrade, Profession
from grading.rules.calibration import CalibrationInvalid, load_calibration
from grading.rules.case_mark import combine
from grading.rules.estimate import Mark, Prior, estimate
from grading.rules.evidence import digest, plain
from grading.rules.scheme import SchemeInvalid, constants, load_scheme
from tests.factories.grading import SCHEME_TEXT, TABLE_TEXT, scheme, table

RAW = tomllib.loads(SCHEME_TEXT, parse_float=Decimal)


@pytest.mark.parametrize("vector", RAW["case_score"]["test_vectors"], ids=lambda v: str(v["input"]))
def test_case_marks_of_the_scheme_s_own_vectors(vector):
    given = vector["input"]
    mark = combine(
        Decimal(given["technical"]),
        Decimal(given["deadline"]),
        Decimal(given["filing"]),
        scheme().weights,
        vetoed=given.get("veto", False),
    )
    assert mark == vector["expected"]


@pytest.mark.parametrize("vector", RAW["estimator"]["test_vectors"], ids=lambda v: str(v["cases"]))
def test_estimator_on_the_scheme_s_own_vectors(vector):
    free = replace(scheme().estimator, robust_at_residual_sd=1e6, reviewer_max_share=1.0, client_max_share=1.0)
    marks, number = [], 0
    for value, age, count in vector["cases"]:
        for _ in range(count):
            number += 1
            marks.append(Mark(number, float(value), float(age), (f"R{number}",), number))
    found = estimate(marks, Prior(75.0, 1.0, 36.0), free)
    assert round(found.level, 2) == float(vector["expected"])


def test_published_defaults_have_not_changed():
    """A changed default is a new scheme with a new id, never an edit of this one."""
    assert scheme().id == "XT-2026.1"
    assert asdict(scheme().weights) == {
        "technical": Decimal("0.75"),
        "deadline": Decimal("0.15"),
        "filing": Decimal("0.10"),
    }
    assert [(b.grade, str(b.minimum)) for b in scheme().bands] == [
        ("A", "90.00"),
        ("B", "70.00"),
        ("C", "60.00"),
        ("D", "0.00"),
    ]
    rules = scheme().estimator
    assert (rules.half_life_months, rules.max_age_months, rules.variance_allowance) == (12, 36, 5)
    assert (rules.reviewer_max_share, rules.client_max_share, rules.severity_limit) == (0.25, 0.40, 12)
    assert (str(rules.up_at), str(rules.down_at), str(rules.firm_at)) == ("0.80", "0.65", "0.80")
    assert (rules.alarm_slack, rules.alarm_limit, rules.robust_at_residual_sd) == (0.5, 4, 2)
    parts = [plain(getattr(scheme(), name)) for name in ("not_rated", "gates", "conduct", "triggers", "terms")]
    assert digest(parts) == "16005855903c63ae3a3876370541af5bf81b51eda1da62a8262197a114d1f88e"
    assert table().id == "XT-CAL-0"
    assert (table().prior_weight, table().field_level, table().entry_level) == (1, 75, 69)
    assert (table().severity, table().difficulty) == ({}, {})


def test_the_digest_names_the_exact_text():
    assert scheme().digest != load_scheme(SCHEME_TEXT + "\n# a remark").digest


def test_bands_meet_without_gap_and_every_profession_is_known():
    assert all(high.minimum == low.below for high, low in pairwise(scheme().bands))
    assert set(RAW["scheme"]["professions"]) == {one.value for one in Profession}
    assert {one.grade for one in scheme().consequences} == set(CreditGrade)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("technical = 0.75", "technical = 0.70", "权重之和"),
        ("min = 70.00\nbelow = 90.00", "min = 70.00\nbelow = 89.00", "空隙或重叠"),
        ("min = 60.00\nbelow = 70.00", "min = 60.00\nbelow = 71.00", "空隙或重叠"),
        ("below = 100.01", "below = 99.00", "0 至 100"),
        ("half_life_months = 12", "half_life_months = -12", "正数"),
        ("half_life_least_months = 3", "half_life_least_months = 13", "现为 13、12、60 个月"),
        ("half_life_most_months = 60", "half_life_most_months = 11", "现为 3、12、11 个月"),
        ("half_life_least_months = 3", "half_life_least_months = -3", "依次不减"),
        ("consistency_limit = 2.0", "consistency_limit = 0.5", "不小于 1"),
        ("reviewer_max_share_of_weight = 0.25", "reviewer_max_share_of_weight = 0", "0 与 1"),
        ("up_when_probability_at_least = 0.80", "up_when_probability_at_least = 0.40", "0.5 与 1"),
        ('code = "CP-0202"', 'code = "CP-0201"', "CP-0201"),
        ('code = "DD-02"', 'code = "DD-01"', "DD-01"),
        ('schema = "xt-grading-scheme/1"', 'schema = "other/9"', "xt-grading-scheme/1"),
        ("item_life_months = 12", "", "item_life_months"),
        ("[scheme]", "[scheme", "TOMLDecodeError"),
        ("half_life_months = 12", "half_life_months = nan", "half_life_months 须为有限的数，现为 nan"),
        ("variance_allowance = 5.0", "variance_allowance = inf", "variance_allowance 须为有限的数"),
        ("warning_at = 10", 'warning_at = "10"', "warning_at 须为整数，现为 10"),
        ("warning_at = 10", "warning_at = true", "warning_at 须为整数，现为 True"),
        ("max_age_months = 36", "max_age_months = 99999999999999", "不得超过 1200 个月"),
        ("severity_limit = 12.0", "severity_limit = -1.0", "不得为负"),
        ("alarm_limit = 4.0", "alarm_limit = -4.0", "不得为负"),
        ("technical = 0.75", 'technical = "most"', "technical 须为有限的数，现为 most"),
        ("draft_comment_wd = 5", "draft_comment_wd = inf", "OverflowError"),
        ("direct_d = true", "direct_d = false", "StopIteration"),
    ],
)
def test_a_scheme_that_contradicts_itself_is_refused(old, new, reason):
    assert old in SCHEME_TEXT
    with pytest.raises(SchemeInvalid) as refused:
        load_scheme(SCHEME_TEXT.replace(old, new, 1))
    assert reason in refused.value.message()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("error_variance = 36.0", "error_variance = 0.0"),
        ("agency_variance = 36.0", "agency_variance = -1.0"),
        ('schema = "xt-grading-calibration/1"', 'schema = "xt-grading-calibration/2"'),
        ("field_level = 75.0", ""),
    ],
)
def test_a_table_that_cannot_be_applied_is_refused(old, new):
    assert old in TABLE_TEXT
    with pytest.raises(CalibrationInvalid):
        load_calibration(TABLE_TEXT.replace(old, new, 1))


KEYED = re.compile(r"^([a-z_]+)\s*=\s*(.+?)\s*(#.*)?$")


SPOILT = ('"x"', "-1", "nan", "inf", "true", "[]", "99999999999999999999", None)


@pytest.mark.parametrize("value", SPOILT)
def test_whatever_stands_in_a_scheme_it_loads_or_is_refused_in_words(value):
    """The lines of the published file, spoilt one at a time, every eighth in each of the eight ways."""
    lines = SCHEME_TEXT.splitlines()
    refused = 0
    for n, line in list(enumerate(lines))[SPOILT.index(value) :: len(SPOILT)]:
        if found := KEYED.match(line):
            changed = [] if value is None else [f"{found[1]} = {value}"]
            try:
                constants(load_scheme("\n".join([*lines[:n], *changed, *lines[n + 1 :]])))
            except SchemeInvalid as problem:
                refused += bool(problem.message())
    assert refused > 2
