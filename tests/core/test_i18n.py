"""Sentences that count: one day, two days (decision 0003)."""

import pytest

from core.errors import Message
from core.i18n import CountedSentence, Values, speaking, translate
from core.web.templates import environment

DAYS_LEFT = "剩 %(n)s 天"


@pytest.mark.parametrize(
    ("n", "said"), [(0, "0 days left"), (1, "1 day left"), ("1", "1 day left"), (21, "21 days left")]
)
def test_what_is_counted_agrees_with_its_number(n: object, said: str) -> None:
    with speaking("en"):
        assert translate(DAYS_LEFT) % {"n": n} == said
        assert Message(DAYS_LEFT, {"n": n}).render() == said
        assert environment().from_string('{{ _("剩 %(n)s 天", n=n) }}').render(n=n) == said
    assert translate(DAYS_LEFT) % {"n": n} == f"剩 {n} 天"


def test_each_number_of_a_sentence_has_its_own_words() -> None:
    sentence = CountedSentence("%(a)s %(a|row is|rows are)s fine, %(b)s %(b|is|are)s not")
    assert sentence % {"a": 1, "b": 2} == "1 row is fine, 2 are not"
    assert sentence % {"a": 2, "b": 1} == "2 rows are fine, 1 is not"


@pytest.mark.parametrize("key", ["m", "m|one|many", "n|one", "n|one|two|three"])
def test_a_value_that_is_missing_is_named(key: str) -> None:
    with pytest.raises(KeyError, match=key.replace("|", ".")):
        Values(n=1)[key]


def test_what_is_filled_in_stays_escaped_on_a_page() -> None:
    with speaking("en"):
        page = environment().from_string('{{ _("剩 %(n)s 天", n="<1>") }}')
        assert page.render() == "&lt;1&gt; days left"
