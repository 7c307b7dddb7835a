"""The project guide: from answers to services, their order, their working days, their papers.

Source: `content/project_types.csv`, `content/wizard_questions.csv` (each line cites its law) and the
predecessors of the catalogue. Pure: the texts come in, a `Selection` and a `Course` come out.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import product

from core.errors import NotFound, Rejected
from core.i18n import N_
from market.rules.catalogue import critical_path

UNKNOWN = "unknown"
ASK = "unknown_ask_department"
YES_NO = (("yes", "是", "Yes"), ("no", "否", "No"))
_TOKEN = re.compile(r"\s*(Q[0-9]{2})=([a-z_]+)\s*|\s*([&|()])\s*")

Answers = Mapping[str, str]


class ProjectTypeGone(NotFound):
    """No project type of that code."""

    code = "project-type-not-found"
    text = N_("没有这种项目类型。请回到项目向导重新选择。")


class NotSelfPrepared(Rejected):
    """The law does not let the owner do this item itself."""

    code = "not-self-prepared"
    text = N_("“%(item)s”按规定须由有资质的机构完成，不能自行编制。请改为放入委托清单，或选“已有成果”。")


class Handling(StrEnum):
    """What a client does about one service item of its project."""

    BASKET = "basket"
    SELF = "self"
    HAVE = "have"


HANDLINGS = {
    Handling.BASKET: N_("放入委托清单"),
    Handling.SELF: N_("自行编制"),
    Handling.HAVE: N_("已有成果"),
}

TRAIL_TITLES = {
    "plan.kept": N_("保存项目计划"),
    "project.items-handled": N_("安排服务事项"),
    "basket.posted": N_("一并发布公告"),
    "batch.begun": N_("批量发布开始"),
}
"""Acts of the guide and of batches on the trail; a client's planning is not public."""


# --- expressions ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Condition:
    """A condition on the answers: `Q07=yes`, `&`, `|`, brackets; `&` binds tighter. Empty is not a condition."""

    text: str

    def holds(self, answers: Answers) -> bool:
        """Whether it is true under these answers; a question without an answer equals nothing."""
        tokens = list(_tokens(self.text))
        value, rest = _either(tokens, answers)
        if rest:
            raise ValueError(f"cannot read the condition {self.text!r}")
        return value

    @property
    def questions(self) -> tuple[str, ...]:
        """The questions it asks."""
        return tuple(dict.fromkeys(re.findall(r"Q[0-9]{2}", self.text)))


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        hit = _TOKEN.match(text, at)
        if hit is None:
            raise ValueError(f"cannot read the condition {text!r} from {text[at:]!r}")
        yield (hit[3], "") if hit[3] else (hit[1], hit[2])
        at = hit.end()


Tokens = list[tuple[str, str]]


def _either(tokens: Tokens, answers: Answers) -> tuple[bool, Tokens]:
    value, tokens = _both(tokens, answers)
    while tokens and tokens[0][0] == "|":
        other, tokens = _both(tokens[1:], answers)
        value = value or other
    return value, tokens


def _both(tokens: Tokens, answers: Answers) -> tuple[bool, Tokens]:
    value, tokens = _atom(tokens, answers)
    while tokens and tokens[0][0] == "&":
        other, tokens = _atom(tokens[1:], answers)
        value = value and other
    return value, tokens


def _atom(tokens: Tokens, answers: Answers) -> tuple[bool, Tokens]:
    if not tokens:
        raise ValueError("a condition ends too early")
    (name, wanted), rest = tokens[0], tokens[1:]
    if name == "(":
        value, rest = _either(rest, answers)
        if not rest or rest[0][0] != ")":
            raise ValueError("a bracket is not closed")
        return value, rest[1:]
    if not wanted:
        raise ValueError(f"{name!r} stands in the wrong place")
    return answers.get(name) == wanted, rest


# --- the rule book ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """One question of the guide. `options` are (value, Chinese, English); `basis` is the law behind it."""

    code: str
    order: int
    question_zh: str
    question_en: str
    options: tuple[tuple[str, str, str], ...]
    help_zh: str
    help_en: str
    basis: str
    default: str

    @property
    def ask_department(self) -> bool:
        """Whether nobody should guess: who does not know has to ask the authority."""
        return self.default == ASK

    def read(self, value: str | None) -> str:
        """A value as it was sent; anything that is not an option is `unknown`."""
        return value if value in {each[0] for each in self.options} else UNKNOWN


@dataclass(frozen=True)
class Need:
    """Whether a project type needs an item: always, or when `needed` holds; never when `waived` holds."""

    item: str
    always: bool
    needed: Condition | None
    waived: Condition | None
    note_zh: str
    note_en: str

    def holds(self, answers: Answers) -> bool:
        """Whether the item is needed under these answers."""
        wanted = self.always or (self.needed is not None and self.needed.holds(answers))
        return wanted and not (self.waived is not None and self.waived.holds(answers))

    @property
    def questions(self) -> tuple[str, ...]:
        """The questions that decide."""
        found = [*(self.needed.questions if self.needed else ()), *(self.waived.questions if self.waived else ())]
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class ProjectType:
    """A kind of project with the items it may need."""

    code: str
    name_zh: str
    name_en: str
    needs: tuple[Need, ...]


@dataclass(frozen=True)
class Rulebook:
    """Types and questions, and a digest of both."""

    types: Mapping[str, ProjectType]
    questions: tuple[Question, ...]
    digest: str

    def type(self, code: str) -> ProjectType:
        """The type of that code; `ProjectTypeGone`."""
        if code not in self.types:
            raise ProjectTypeGone
        return self.types[code]

    def relevant(self, project_type: ProjectType) -> list[Question]:
        """The questions that can change something for this type, in the order they are asked."""
        asked = {code for need in project_type.needs for code in need.questions}
        return sorted((each for each in self.questions if each.code in asked), key=lambda one: one.order)


def parse_types(rows: Iterable[Mapping[str, str]]) -> dict[str, ProjectType]:
    """The types out of `project_types.csv`. ValueError when a condition cannot be read: the file is ours."""
    needs: dict[str, list[Need]] = {}
    names: dict[str, tuple[str, str]] = {}
    for row in rows:
        names[row["project_type"]] = (row["name_zh"], row["name_en"])
        found = needs.setdefault(row["project_type"], [])
        if row["need"] == "never":
            continue
        always = row["need"] == "always"
        needed, waived = _condition(row["needed_if"]), _condition(row["waived_if"])
        if always == (needed is not None):
            raise ValueError(f"{row['project_type']} {row['item_code']}: need and needed_if do not agree")
        found.append(Need(row["item_code"], always, needed, waived, row["note_zh"], row["note_en"]))
    return {code: ProjectType(code, *names[code], tuple(found)) for code, found in needs.items()}


def _condition(text: str) -> Condition | None:
    if not text.strip():
        return None
    condition = Condition(text.strip())
    condition.holds({})
    return condition


def parse_questions(rows: Iterable[Mapping[str, str]]) -> tuple[Question, ...]:
    """The questions out of `wizard_questions.csv`."""
    return tuple(
        Question(
            row["code"],
            int(row["ask_order"]),
            row["question_zh"],
            row["question_en"],
            YES_NO if row["answer_type"] == "yes_no" else tuple(_option(each) for each in row["options"].split(";")),
            row["help_zh"],
            row["help_en"],
            row["legal_basis"],
            row["default_if_unknown"],
        )
        for row in rows
    )


def _option(text: str) -> tuple[str, str, str]:
    value, _, names = text.partition("=")
    chinese, _, english = names.partition("|")
    return value.strip(), chinese, english


# --- from answers to items --------------------------------------------------------------------


@dataclass(frozen=True)
class Selection:
    """What a project needs.

    `items` in the catalogue's order; `assumed` maps questions without an answer to the default that was
    taken; `open_questions` have no safe default, and `undecided` are the items that hang on them.
    """

    items: tuple[Need, ...]
    assumed: Mapping[str, str]
    open_questions: tuple[str, ...]
    undecided: tuple[Need, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the needed items."""
        return tuple(each.item for each in self.items)


def select(rulebook: Rulebook, project_type: ProjectType, answers: Answers) -> Selection:
    """The items that a type of project needs under these answers.

    A question without an answer takes its default; where the default is to ask the authority, the
    items that depend on it are `undecided` instead of guessed.
    """
    asked = rulebook.relevant(project_type)
    given = {each.code: each.read(answers.get(each.code)) for each in asked}
    missing = [each for each in asked if given[each.code] == UNKNOWN]
    assumed = {each.code: each.default for each in missing if not each.ask_department}
    firm = given | assumed
    waiting = [each for each in missing if each.ask_department]
    needed = {each.item for each in project_type.needs if each.holds(firm)}
    possible: set[str] = set()
    for values in product(*(tuple(value for value, _zh, _en in each.options) for each in waiting)):
        world = firm | {each.code: value for each, value in zip(waiting, values, strict=True)}
        possible |= {each.item for each in project_type.needs if each.holds(world)}
    return Selection(
        tuple(each for each in project_type.needs if each.item in needed),
        assumed,
        tuple(each.code for each in waiting if _decides(each.code, project_type, possible - needed)),
        tuple(each for each in project_type.needs if each.item in possible - needed),
    )


def _decides(question: str, project_type: ProjectType, undecided: set[str]) -> bool:
    return any(question in each.questions for each in project_type.needs if each.item in undecided)


def before_among(selected: Iterable[str], predecessors: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The predecessors of each selected item among the selected ones.

    A predecessor that was not selected is replaced by its own predecessors; of alternatives, the one that
    was selected counts, because the other is not there.
    """
    chosen = set(selected)

    def stand_in(code: str) -> Iterator[str]:
        for each in predecessors.get(code, ()):
            if each in chosen:
                yield each
            else:
                yield from stand_in(each)

    return {code: tuple(sorted(set(stand_in(code)))) for code in chosen}


@dataclass(frozen=True)
class Step:
    """One item in the course: working days after the start, both ends; `slack` is what it may slip."""

    item: str
    days: int
    start: int
    finish: int
    slack: int
    critical: bool
    before: tuple[str, ...]


@dataclass(frozen=True)
class Course:
    """All items in time. `days` is the length of the longest chain, `path` that chain."""

    steps: tuple[Step, ...]
    days: int
    path: tuple[str, ...]

    @property
    def together(self) -> int:
        """Working days of all items one after the other."""
        return sum(step.days for step in self.steps)


def course(days: Mapping[str, int], predecessors: Mapping[str, Sequence[str]]) -> Course:
    """When each selected item can begin and end, in working days; `days` names the selected items.

    `predecessors` are those of the whole catalogue. `critical` marks the one longest chain that is
    shown as the path; steps beside it without slack are just as urgent and say so by `slack` 0.
    """
    before = before_among(days, predecessors)
    if not days:
        return Course((), 0, ())
    length, path = critical_path(days, before)
    order = _order(before)
    finish: dict[str, int] = {}
    for code in order:
        finish[code] = days[code] + max((finish[each] for each in before[code]), default=0)
    latest = dict.fromkeys(order, length)
    for code in reversed(order):
        for each in before[code]:
            latest[each] = min(latest[each], latest[code] - days[code])
    on_path = set(path)
    steps = [
        Step(
            code,
            days[code],
            finish[code] - days[code],
            finish[code],
            latest[code] - finish[code],
            code in on_path,
            before[code],
        )
        for code in order
    ]
    place = {code: n for n, code in enumerate(order)}
    steps.sort(key=lambda step: (step.start, step.finish, place[step.item]))
    return Course(tuple(steps), length, tuple(path))


def _order(before: Mapping[str, Sequence[str]]) -> list[str]:
    from graphlib import TopologicalSorter

    return list(TopologicalSorter(before).static_order())


def fees(ranges: Iterable[tuple[Decimal, Decimal]]) -> tuple[Decimal, Decimal]:
    """The sum of reference fees in yuan, lower and upper ends apart."""
    low = high = Decimal(0)
    for least, most in ranges:
        low, high = low + least, high + most
    return low, high


def papers(lists: Mapping[str, Sequence[str]]) -> list[tuple[str, tuple[str, ...]]]:
    """Every paper once, with the items that ask for it; those asked for most often first."""
    wanted: dict[str, list[str]] = {}
    for item, names in lists.items():
        for name in names:
            wanted.setdefault(name, []).append(item)
    return sorted(((name, tuple(by)) for name, by in wanted.items()), key=lambda one: -len(one[1]))
