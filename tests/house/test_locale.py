"""Both languages are complete: whatever can be shown in Chinese has its English."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("core", "portal", "agencies", "payments", "market", "contracts", "grading")
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "translate": None}
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


@pytest.mark.parametrize(("place", "found"), list(places()), ids=lambda value: value if isinstance(value, str) else "")
def test_every_sentence_has_its_english(place: str, found: Found) -> None:
    known = english()
    missing = {text: where for text, where in found.items() if text not in known}
    assert not missing, "\n".join(f"{where}: {text}" for text, where in missing.items())


def test_placeholders_survive_translation() -> None:
    import re

    pattern = re.compile(r"%\((\w+)\)")
    wrong = [f"{zh} → {en}" for zh, en in english().items() if set(pattern.findall(en)) - set(pattern.findall(zh))]
    assert not wrong, "\n".join(wrong)


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
