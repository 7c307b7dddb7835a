"""Languages. Chinese is the source: a msgid *is* the Chinese sentence; English is a catalogue.

Decision 0003: writing the sentence where it is shown keeps templates readable for the people who
answer for the wording, and makes a missing translation visible instead of a bare key.
"""

import gettext
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

# `%(n|day|days)s` in an English sentence: the first word for exactly one of `n`, the second for any other number.
COUNTED = re.compile(r"%\((\w+)\|([^|)]*)\|([^|)]*)\)s")
LOCALE = Path(__file__).resolve().parent.parent / "locale"
LANGUAGES = ("zh_Hans", "en")
DEFAULT = "zh_Hans"
HTML_LANG = {"zh_Hans": "zh-Hans", "en": "en"}

_language: ContextVar[str] = ContextVar("language", default=DEFAULT)


def N_(text: str) -> str:
    """Mark a sentence for translation without translating it yet."""
    return text


def language() -> str:
    """The reader's language: one of `LANGUAGES`."""
    return _language.get()


def set_language(code: str) -> None:
    """Choose the language for the rest of this context; anything unknown means Chinese."""
    _language.set(code if code in LANGUAGES else DEFAULT)


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Use another language for a while, as for a mail to somebody else."""
    token = _language.set(code if code in LANGUAGES else DEFAULT)
    try:
        yield
    finally:
        _language.reset(token)


@cache
def catalogue(code: str) -> gettext.NullTranslations:
    """All `.po` files of a language as one catalogue, compiled in memory."""
    merged: gettext.NullTranslations | None = None
    for path in sorted((LOCALE / code / "LC_MESSAGES").glob("*.po")):
        part = gettext.GNUTranslations(io.BytesIO(_compile(path)))
        if merged is None:
            merged = part
        else:
            merged._catalog.update(  # type: ignore[attr-defined]
                part._catalog  # type: ignore[attr-defined]
            )
    return merged or gettext.NullTranslations()


def _compile(path: Path) -> bytes:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with path.open("rb") as source:
        messages = read_po(source, locale="en")
    out = io.BytesIO()
    write_mo(out, messages)
    return out.getvalue()


def translate(text: str) -> str:
    """`text` in the reader's language; the empty string stays empty."""
    if not text or _language.get() == DEFAULT:
        return text
    said = catalogue(_language.get()).gettext(text)
    return CountedSentence(said) if "|" in said and COUNTED.search(said) else said


class Values(dict[str, Any]):
    """The values of a sentence, which know the word for one and the word for many (decision 0003)."""

    def __missing__(self, key: str) -> str:
        name, *words = key.split("|")
        if name not in self or len(words) != len(("one", "many")):
            raise KeyError(key)
        return words[0] if str(self[name]) == "1" else words[1]


class CountedSentence(str):
    """A translated sentence with words that follow a number."""

    __slots__ = ()

    def __mod__(self, values: Any) -> str:
        return str.__mod__(self, Values(values))


_ = translate


def loc(row: Any, name: str) -> str:
    """The column of a bilingual row in the reader's language, Chinese where English is empty."""
    suffix = "_en" if _language.get() == "en" else "_zh"
    value = _column(row, name + suffix)
    return str(value) if value else str(_column(row, name + "_zh") or "")


def spoken(params: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a sentence in the reader's language: beside `name` its English may stand as `name_en`."""
    if _language.get() != "en":
        return dict(params)
    return {name: params.get(name + "_en") or value for name, value in params.items()}


def _column(row: Any, name: str) -> Any:
    if isinstance(row, dict):
        return row.get(name)
    return getattr(row, name, None) if hasattr(row, name) else _record_column(row, name)


def _record_column(row: Any, name: str) -> Any:
    try:
        return row[name]
    except (KeyError, TypeError, IndexError):
        return None
