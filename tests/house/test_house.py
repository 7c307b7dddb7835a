"""The rules of the house that no linter knows."""

import ast
import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from litestar import Litestar
from piccolo.columns import ForeignKey
from piccolo.columns.base import OnDelete
from piccolo.conf.apps import Finder
from piccolo.table import Table

from core.errors import DomainError
from core.i18n import speaking, translate
from core.settings import FIELDS

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("core", "agencies", "payments", "market", "contracts", "grading", "portal")
FUNCTION_LINES = 60
FILE_LINES = 520

NULLABLE_KEYS = {
    "payments_forfeit_objection.answered_by": "not answered yet",
    "payments_stripe_attempt.bundle": "most payables are paid alone",
    "market_award.bid": "a direct award has no bid",
    "market_bid.agency": "nobody learns who has bid until the envelopes are opened",
    "market_award.grade_record": "an agency without a published grade has no line in the register of grades",
    "market_bid.grade_record": "as for the award",
    "market_bid.account": "as for the agency: who sealed the bid is in the envelope",
    "market_batch_row.notice": "a row that waits or was refused has no notice",
    "market_signal_case.decided_by": "not decided yet",
    "market_key_share.custodian_key": "the escrow's share is sealed to the platform's own key",
    "market_notice.direct_agency": "only a direct notice names its agency beforehand",
    "market_notice.repost_of": "most notices are posted for the first time",
    "grading_certificate.superseded_by": "the certificate in force is superseded by nothing",
    "grading_conduct.decided_by": "not decided yet",
    "grading_signal.assigned_to": "nobody looks at it yet",
    "grading_signal.decided_by": "not decided yet",
    "grading_objection.checked_by": "only when somebody outside must check",
    "grading_objection.decided_by": "not decided yet",
    "grading_repair.accepted_by": "not accepted yet",
    "grading_repair.decided_by": "not decided yet",
    "grading_repair.direct_d": "what is repaired is either a finding or a direct D",
    "grading_repair.finding": "what is repaired is either a finding or a direct D",
    "grading_repair.first_by": "only grave records need a first of two officers",
    "grading_request.answered_by": "not answered yet",
    "grading_report.signed_by": "a draft is not signed yet",
    "grading_proposal.submitted_by": "a draft is not submitted yet",
    "grading_proposal.decided_by": "not decided yet",
    "grading_proposal.published": "only approved rules are a published scheme",
    "grading_replay.run": "a try-out belongs to no run; a shadow does",
    "grading_report.superseded_by": "the report in force is superseded by nothing",
    "contracts_deferred_document.deliverable": "a document may be deferred when the contract itself is filed",
    "contracts_deferred_document.stored_file": "not handed in yet",
    "grading_way_back.checked_by": "not checked yet",
    "grading_way_back.decided_by": "not decided yet",
    "grading_inheritance.proposed_by": "a suggestion of the edges that nobody has taken up yet",
    "grading_inheritance.decided_by": "not decided yet",
    "grading_inheritance.cleared_by": "in force, or never in force",
    "grading_inspection_plan.drawn_by": "announced, not drawn yet",
    "grading_inspection.recorded_by": "not visited yet",
    "grading_inspection.confirmed_by": "nothing was ordered, or it is not put right yet",
    "grading_inspection.finding": "most inspections find nothing to record",
}


def modules() -> Iterator[ModuleType]:
    """Every module of the product."""
    for package in PACKAGES:
        root = importlib.import_module(package)
        for found in pkgutil.walk_packages(root.__path__, f"{package}."):
            if "piccolo_migrations" not in found.name and not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def sources() -> list[Path]:
    """Every Python file of the product."""
    return [
        path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "piccolo_migrations" not in path.parts
    ]


def tables() -> list[type[Table]]:
    """Every table of every package."""
    return [table for config in Finder().get_app_configs() for table in config.table_classes]


def test_every_route_has_a_guard_or_says_public(web_app: Litestar) -> None:
    naked = []
    for route in web_app.routes:
        handlers = getattr(route, "route_handlers", None) or [route.route_handler]
        for handler in handlers:
            if route.path.startswith("/schema"):
                continue
            methods = getattr(handler, "http_methods", {"ASGI"})
            if methods == {"OPTIONS"}:
                continue
            if not handler.guards and not handler.opt.get("public"):
                naked.append(f"{sorted(methods)} {route.path}")
    assert not naked, "\n".join(naked)


def test_every_page_route_has_a_name(web_app: Litestar) -> None:
    nameless = [
        route.path
        for route in web_app.routes
        for handler in getattr(route, "route_handlers", [])
        if not handler.name
        and getattr(handler, "http_methods", set()) != {"OPTIONS"}
        and not route.path.startswith(("/api/", "/schema", "/static"))
    ]
    assert not nameless, nameless


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.__name__)
def test_tables_are_named_after_their_package(table: type[Table]) -> None:
    package = table.__module__.partition(".")[0]
    assert table._meta.tablename.startswith(f"{package}_")


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.__name__)
def test_no_row_vanishes_with_another(table: type[Table]) -> None:
    for column in table._meta.columns:
        if not isinstance(column, ForeignKey):
            continue
        name = f"{table._meta.tablename}.{column._meta.name}"
        assert column._foreign_key_meta.on_delete is OnDelete.restrict, name
        assert not column._meta.null or name in NULLABLE_KEYS, f"{name} may be empty: say why"


def test_constraints_have_names_of_their_own() -> None:
    names = [constraint._meta.name for table in tables() for constraint in table._meta.constraints]
    assert len(names) == len(set(names))


@pytest.mark.anyio
@pytest.mark.parametrize("package", PACKAGES[:-1])
async def test_no_migration_is_missing(package: str) -> None:
    from piccolo.apps.migrations.commands.new import AutoMigrationManager

    config = Finder().get_app_config(app_name=package)
    statements = await AutoMigrationManager().get_alter_statements(app_config=config)
    pending = [line for group in statements for line in group.statements]
    assert not pending, pending


def test_no_empty_braces_in_raw_sql() -> None:
    """Piccolo deletes `{}` in raw statements, inside string literals too."""
    files = [file for package in PACKAGES[:-1] for file in (ROOT / package / "piccolo_migrations").glob("*.py")]
    guilty = [
        f"{file.name}:{node.lineno}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and "{}" in node.value
        and len(node.value) > len("{}")
    ]
    assert not guilty, guilty


def errors(kind: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    """Every kind of refusal."""
    for child in kind.__subclasses__():
        yield child
        yield from errors(child)


def test_every_refusal_has_its_own_code_and_a_sentence_in_both_languages() -> None:
    list(modules())
    families = {"Conflict", "Rejected"}
    seen: dict[str, str] = {}
    for kind in set(errors()):
        if kind.__name__ in families or kind.__module__.startswith("tests."):
            continue
        name = f"{kind.__module__}.{kind.__qualname__}"
        assert "code" in vars(kind), f"{name} has no code of its own"
        assert "text" in vars(kind), f"{name} has no sentence of its own"
        assert seen.setdefault(kind.code, name) == name, f"{kind.code}: {seen[kind.code]}, {name}"
        with speaking("en"):
            assert translate(kind.text) != kind.text, f"{name} has no English"


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "guides" / "operations.md").read_text("utf-8")
    missing = [known.variable for known in FIELDS if known.variable not in text]
    assert not missing, missing


def test_only_the_clock_asks_what_time_it_is() -> None:
    pattern = re.compile(r"datetime\.now\(|datetime\.utcnow\(|date\.today\(")
    guilty = [
        str(path.relative_to(ROOT))
        for path in sources()
        if pattern.search(path.read_text("utf-8")) and path.name != "clock.py"
    ]
    assert not guilty, guilty


def test_files_and_functions_stay_small() -> None:
    too_long = []
    for path in sources():
        text = path.read_text("utf-8")
        if text.count("\n") > FILE_LINES:
            too_long.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > FUNCTION_LINES:
                    too_long.append(f"{path.relative_to(ROOT)}:{node.name} {length} lines")
    assert not too_long, "\n".join(too_long)


def test_no_script_or_style_inside_a_page() -> None:
    """The content security policy would stop it; here it is named with its line."""
    pattern = re.compile(r"\sstyle=|\son[a-z]+=\"|<style|<script(?![^>]*(?:src=|application/json))")
    guilty = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not guilty, guilty


def test_every_posted_form_carries_its_guard() -> None:
    form = re.compile(r"<form\b(?=[^>]*method=\"post\").*?</form>", re.S | re.I)
    guilty = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for block in form.findall(path.read_text("utf-8"))
        if "form_guard()" not in block and path.name != "unavailable.html"
    ]
    assert not guilty, guilty


# ---- nothing is kept that nobody uses
def written() -> str:
    """Everything that can name something of ours: code, templates, scripts, and the content they read."""
    folders = [*PACKAGES, "launch", "templates", "static/js"]
    kinds = {".py", ".html", ".txt", ".js", ".toml"}
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in kinds]
    return "\n".join(path.read_text("utf-8") for path in [*paths, ROOT / "app.py"])


# Named by a loop over static pages, by what was done to an agency, by tests of the mail itself.
NAMED_OTHERWISE = re.compile(
    r"portal/(accessibility|privacy|rules_trail|site_map)\.html|agencies/(suspended|resumed)|core/test"
)


def test_every_page_and_letter_is_shown_by_somebody() -> None:
    text, folder = written(), ROOT / "templates"
    shown = {str(path.relative_to(folder)) for path in folder.rglob("*.html") if "mail" not in path.parts}
    shown |= {str(path.parent.relative_to(folder / "mail")) for path in folder.glob("mail/*/*/subject.txt")}
    left = [name for name in sorted(shown) if name not in text and not NAMED_OTHERWISE.fullmatch(name)]
    assert not left, left


def test_every_class_of_the_style_sheets_is_worn_by_something() -> None:
    text = written()
    worn, built = set(re.findall(r"x-[a-z][\w-]*", text)), set(re.findall(r"(x-(?:[a-z]+-)+)(?:\" ~|\{\{)", text))
    sheets = "".join(path.read_text("utf-8") for path in (ROOT / "static" / "css").glob("*.css"))
    classes = set(re.findall(r"\.(x-[a-z][\w-]*)", sheets))
    left = [name for name in sorted(classes - worn) if not name.startswith(tuple(built))]
    assert not left, left


def test_every_function_and_constant_is_used() -> None:
    uses = Counter(re.findall(r"[A-Za-z_]\w*", written()))
    left = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources()
        if path.stem != "piccolo_app" and "tables" not in (path.stem, path.parent.name)
        for node in ast.parse(path.read_text("utf-8")).body
        for name in defined(node)
        if uses[name] == 1
    ]
    assert not left, "\n".join(left)


def defined(node: ast.stmt) -> list[str]:
    """What a statement of a module defines, beside what a decorator hands on to somebody."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [] if node.decorator_list and not isinstance(node, ast.ClassDef) else [node.name]
        case ast.Assign():
            return [target.id for target in node.targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []
