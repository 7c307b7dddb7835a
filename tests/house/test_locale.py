"""Both languages are complete: whatever can be shown in Chinese has its English."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from litestar import Litestar

from core.i18n import COUNTED, CountedSentence, speaking
from core.trail import registry

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("core", "portal", "agencies", "payments", "market", "contracts", "grading")
KEYWORDS = {"_": None, "N_": None, "gettext": None, "translate": None}
Found = dict[str, str]


def msgids(folder: Path, method: str) -> Found:
    """Every sentence marked for translation below `folder`, with where it stands."""
    options = {"trimmed": "true", "silent": "false", "extensions": "jinja2.ext.i18n,jinja2.ext.do"}
    found: Found = {}
    for name, line, message, _comments, _context in extract_from_dir(
        folder,
        method_map=[("**.py" if method == "python" else "**.html", method), ("**.txt", method)],
        options_map={"**.html": options, "**.txt": options},
        keywords=KEYWORDS,
        directory_filter=lambda path: "migrations" not in path and "vendor" not in path,
    ):
        for text in message if isinstance(message, tuple) else (message,):
            if text:
                found.setdefault(text, f"{folder.name}/{name}:{line}")
    return found


def catalogues() -> Iterator[tuple[str, str]]:
    """Every catalogue with each of its sentences."""
    for path in (ROOT / "locale" / "en" / "LC_MESSAGES").glob("*.po"):
        with path.open("rb") as source:
            yield from ((path.name, message.id) for message in read_po(source, locale="en") if message.id)


def english() -> dict[str, str]:
    """Every translated sentence."""
    known: dict[str, str] = {}
    for path in (ROOT / "locale" / "en" / "LC_MESSAGES").glob("*.po"):
        with path.open("rb") as source:
            for message in read_po(source, locale="en"):
                singular = message.id[0] if isinstance(message.id, tuple) else message.id
                text = message.string[0] if isinstance(message.string, tuple) else message.string
                if text and not message.fuzzy:
                    known[singular] = text
    return known


def places() -> Iterator[tuple[str, Found]]:
    """Each package's own code, and the templates."""
    for package in PACKAGES:
        yield package, msgids(ROOT / package, "python")
    for folder in sorted((ROOT / "templates").iterdir()):
        if folder.is_dir():
            yield f"templates/{folder.name}", msgids(folder, "jinja2")
    yield "templates", msgids(ROOT / "templates", "jinja2")


PLACES = list(places())


@pytest.mark.parametrize(("place", "found"), PLACES, ids=lambda value: value if isinstance(value, str) else "")
def test_every_sentence_has_its_english(place: str, found: Found) -> None:
    known = english()
    missing = {text: where for text, where in found.items() if text not in known}
    assert not missing, "\n".join(f"{where}: {text}" for text, where in missing.items())


def test_no_translation_has_outlived_its_sentence() -> None:
    said = {text for _place, found in PLACES for text in found}
    left = [f"{name}: {text}" for name, text in catalogues() if text not in said]
    assert not left, "\n".join(left)


def test_a_sentence_is_translated_once() -> None:
    """Two catalogues once said 元 differently, and the last in the alphabet was believed."""
    known: dict[str, str] = {}
    twice = [f"{text}: {known[text]}, {name}" for name, text in catalogues() if known.setdefault(text, name) != name]
    assert not twice, "\n".join(twice)


def test_placeholders_survive_translation() -> None:
    pattern = re.compile(r"%\((\w+)")
    wrong = [f"{zh} → {en}" for zh, en in english().items() if set(pattern.findall(en)) - set(pattern.findall(zh))]
    assert not wrong, "\n".join(wrong)


def test_no_sentence_hides_in_another_string() -> None:
    """What stands inside an f-string is not found by the extraction, and stays Chinese for everybody."""
    hidden = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for name in PACKAGES
        for path in sorted((ROOT / name).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.JoinedStr)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in KEYWORDS
        if isinstance(call.args[0], ast.Constant)
    ]
    assert not hidden, hidden


# A number, at most two words, and a word in s; these words in s are no nouns that are counted.
COUNTS = re.compile(r"%\(\w+\)s((?: [A-Za-z-]+){0,2}? [A-Za-z-]+s)\b(?!['’])")
NO_NOUN = re.compile(
    "has|is|was|does|this|its|as|agrees|appears|belongs|needs|comes|covers|differs|ends|exists|falls|goes|holds|lacks|objects|rests|stays|turns|wins"
    "|means|plus"  # "120 plus 3", "12 means C": a level, not that many things
)
# What follows belongs to another part of the sentence: "by 12 May and then goes on record by itself".
PARTS = re.compile("of|on|in|to|from|at|for|with|by|until|or|and|the|under|then|another")
TERMINAL = ("speak", "CannotStart")
NO_NUMBER = (
    "From %(d)s grades follow",  # a day
    "Reviewer %(alias)s marks this agency's",  # a name and a verb
)


def terminal() -> Iterator[str]:
    """The English of every sentence for the terminal: `speak(zh, en)` and `CannotStart(zh, en)`."""
    for path in (path for name in (*PACKAGES, "launch") for path in (ROOT / name).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TERMINAL:
                for text in node.args[1:2]:
                    yield "".join(map(written, text.values if isinstance(text, ast.JoinedStr) else [text]))


def written(part: ast.expr) -> str:
    """A piece of a sentence, what is put in as `%(x)s`."""
    return str(part.value) if isinstance(part, ast.Constant) else "%(x)s"


def test_a_counted_thing_has_its_word_for_one() -> None:
    """Nobody reads "1 days left": what a number counts is written `%(n)s %(n|day|days)s` (decision 0003)."""
    wrong = [
        text
        for text in (*english().values(), *terminal())
        for found in COUNTS.finditer(text)
        for words in [found[1].split()]
        if not NO_NOUN.fullmatch(words[-1]) and not any(map(PARTS.fullmatch, words)) and not text.startswith(NO_NUMBER)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_sentence_that_counts_can_be_said() -> None:
    for text in filter(COUNTED.search, english().values()):
        for number in (1, 2):
            said = CountedSentence(text) % dict.fromkeys(re.findall(r"%\((\w+)", text), number)
            assert "|" not in said, text


ORDERS = re.compile(
    "(Accept|Apply|Confirm|Escalate|Object|Open|Pay|Record|Register|Release|Report|Save|Sign|Submit|Take|Withdraw) "
)


def test_what_happened_is_not_said_as_what_to_do(web_app: Litestar) -> None:
    """The title of an entry once was the label of its button: "Object" stood in the timeline of an objection."""
    with speaking("en"):
        said = {act: registry.title(act) for act in registry._titles}
    assert said
    assert not {act: title for act, title in said.items() if ORDERS.match(f"{title} ")}


def test_the_kind_of_every_desk_line_is_in_the_reader_s_language() -> None:
    """Somebody once read "notice" on a Chinese desk: a code is no word."""
    codes = []
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "DeskItem":
                    kind = node.args[:1] + [word.value for word in node.keywords if word.arg == "kind"]
                    codes += [f"{path.name}:{node.lineno}" for one in kind if isinstance(one, ast.Constant)]
    assert not codes
