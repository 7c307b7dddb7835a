"""The catalogue as it comes with the product: columns, references, the critical path of 68 days."""

import re

import pytest

from agencies.queries import department
from agencies.rules import Profession
from market import content
from market.rules.catalogue import (
    LEVELS,
    LINKAGES,
    STAGES,
    VERIFIED,
    Payer,
    critical_path,
    listed,
    query_shingles,
    shingles,
)

ROWS = content.service_items()
CODE = re.compile(r"XT-(SV|EV|SF|PG|WT|CN|CB|OT)-\d{2}")
MAY_BE_EMPTY = {"payer_basis", "predecessors"}


def test_there_are_26_items_with_60_columns_each() -> None:
    assert len(ROWS) == 26
    assert {len(row) for row in ROWS} == {60}
    assert all(CODE.fullmatch(row["code"]) for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["code"])
def test_every_value_is_known(row: dict[str, str]) -> None:
    assert [name for name in row if not row[name] and name not in MAY_BE_EMPTY] == []
    assert Profession(row["profession"])
    assert Payer(row["payer"])
    assert row["stage"] in STAGES
    assert row["linkage"] in LINKAGES
    assert all(level in LEVELS for level in listed(row["approval_level"]))
    for name in ("verified", "supporting_verified", "qualification_verified"):
        assert row[name] in VERIFIED
    assert int(row["fee_min_cny"]) <= int(row["fee_max_cny"])
    assert row["time_limit_wd"] == row["promised_days"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["code"])
def test_lists_are_as_long_in_both_languages_and_departments_exist(row: dict[str, str]) -> None:
    for name in ("materials", "process_steps"):
        assert len(listed(row[f"{name}_zh"])) == len(listed(row[f"{name}_en"]))
    codes = listed(row["reuse_department_codes"])
    assert len(codes) == len(listed(row["reuse_departments_zh"]))
    for code in [row["department_code"], *codes]:
        assert department(code) is not None


def test_the_critical_path_of_all_items_is_68_working_days() -> None:
    days = {row["code"]: int(row["promised_days"]) for row in ROWS}
    before = {row["code"]: listed(row["predecessors"]) for row in ROWS}
    length, path = critical_path(days, before)
    assert length == 68
    assert path == [
        f"XT-{code}" for code in ["SV-01", "PG-04", "OT-01", "SF-01", "CN-02", "CB-01", "SV-03", "OT-03", "SF-02"]
    ]


def test_a_circle_of_predecessors_is_an_error() -> None:
    with pytest.raises(ValueError, match="circle"):
        critical_path({"A": 1, "B": 1}, {"A": ["B"], "B": ["A"]})


def test_digest_follows_content_not_order() -> None:
    assert content.digest_of({"a": 1, "b": 2}) == content.digest_of({"b": 2, "a": 1})
    assert content.digest_of({"a": 1}) != content.digest_of({"a": 2})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("测绘", True),
        ("地形图", True),
        ("图", True),
        ("topographic", True),
        ("TOPOGRAPHIC Mapping", True),
        ("1:500", True),
        ("绘测", False),
        ("环评", False),
    ],
)
def test_shingles_find_what_people_type(query: str, found: bool) -> None:
    stored = set(shingles("地形图测绘（1:500）", "Topographic mapping (1:500)"))
    assert (set(query_shingles(query)) <= stored) is found
