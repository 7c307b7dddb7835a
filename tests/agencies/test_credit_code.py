"""The thirty published vectors, in their strict and in their lenient reading."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import credit_code

VECTORS = list(csv.DictReader((Path(__file__).parent / "credit_code_vectors.csv").read_text("utf-8").splitlines()))


def reason(check: object, text: str) -> str:
    try:
        check(text)  # type: ignore[operator]
    except credit_code.CodeFault as error:
        return error.reason
    return "ok"


def typed(vector: dict[str, str]) -> str:
    return vector["input_json_escaped"].encode("ascii").decode("unicode_escape")


def test_there_are_thirty_vectors() -> None:
    assert len(VECTORS) == 30


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["id"])
def test_strict_reading(vector: dict[str, str]) -> None:
    assert reason(credit_code.check_strict, typed(vector)) == vector["strict_reason"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["id"])
def test_lenient_reading(vector: dict[str, str]) -> None:
    text = typed(vector)
    assert reason(credit_code.normalise, text) == vector["lenient_reason"]
    assert credit_code.plain(text) == vector["normalised"]


@given(st.integers(0, 16), st.sampled_from(sorted(credit_code.ALPHABET)))
def test_any_single_wrong_character_is_noticed(place: int, other: str) -> None:
    code = "91370982MAXTA10197"
    if code[place] == other:
        return
    with pytest.raises(credit_code.CodeFault):
        credit_code.normalise(code[:place] + other + code[place + 1 :])


@given(st.text(max_size=40))
def test_no_text_is_an_unexpected_error(text: str) -> None:
    assert reason(credit_code.normalise, text) != ""
