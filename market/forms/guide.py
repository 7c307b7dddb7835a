"""Form text of the guide, the basket and batches; the JSON twins use the same parsers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from core.errors import FormInvalid, Message
from core.forms import Form, Upload
from market import content
from market.forms import parse_explanations, parse_members, parse_notice
from market.rules.guide import Handling
from market.rules.notices import NoticeDraft, SelectionMethod
from market.services.batch import COMMON
from market.services.flags import Explanations

CRITERIA_FIELD = re.compile(r"criteria-\d{1,2}-(text|weight|minimum)")
SHARED = COMMON
"""Fields that one basket or batch gives for all its lines; a line's own value wins."""


@dataclass(frozen=True)
class PlanForm:
    """What a client sends to keep a plan."""

    project_id: int
    project_type: str
    answers: Mapping[str, str]
    started_on: date
    handling: Mapping[str, Handling]


@dataclass(frozen=True)
class BasketForm:
    """What a client sends to post a basket; `explanations` by line, `panel` with its chair first."""

    lines: tuple[tuple[str, NoticeDraft], ...]
    explanations: Mapping[str, Explanations]
    panel: tuple[int, ...]


def parse_answers(form: Form) -> dict[str, str]:
    """The answers that were given; what is not an option of its question is left out."""
    found = {each.code: each.read((form.raw.get(each.code) or [""])[0]) for each in content.rulebook().questions}
    return {code: value for code, value in found.items() if value != "unknown"}


def parse_plan(form: Form, *, project_id: int | None = None) -> PlanForm:
    """A plan to keep. Raises `FormInvalid`."""
    wanted = project_id if project_id is not None else form.integer("project_id", minimum=1)
    started_on = form.date("started_on")
    kind = form.text("type", max_length=12)
    handling = parse_handling(form)
    form.finish()
    assert wanted is not None
    assert started_on is not None
    kept = {code: each for code, each in handling.items() if each is not None}
    return PlanForm(wanted, kind, parse_answers(form), started_on, kept)


def parse_handling(form: Form) -> dict[str, Handling | None]:
    """`handle-XT-SV-01` fields: what the client does about each item; empty means nothing yet."""
    names = [name for name in form.raw if name.startswith("handle-")]
    found = {name.removeprefix("handle-"): form.choice(name, Handling, required=False) for name in names}
    form.finish()
    return found


def parse_basket(form: Form) -> BasketForm:
    """The ticked lines of a basket with what holds for all. Raises `FormInvalid` with every line's faults."""
    lines: list[tuple[str, NoticeDraft]] = []
    explanations: dict[str, Explanations] = {}
    errors: dict[str, Message] = {}
    once = _criteria_fields(form)
    for row in form.rows("lines"):
        if not row.flag("include"):
            continue
        shared = {row.prefix + name: values for name in (*SHARED, *once) if (values := form.raw.get(name))}
        own = {name: values for name, values in form.raw.items() if name.startswith(row.prefix) and any(values)}
        line = Form(shared | own, prefix=row.prefix)
        name = row.prefix.removesuffix("-")
        try:
            lines.append((name, parse_notice(line)))
            explanations[name] = parse_explanations(line)
        except FormInvalid as refused:
            errors |= {_where(field, row.prefix, once): message for field, message in refused.errors.items()}
    panel: list[int] = []
    if any(draft.method is SelectionMethod.PROPOSAL_PREFERRED for _name, draft in lines):
        try:
            panel = parse_members(form)
        except FormInvalid as refused:
            errors |= refused.errors
    if errors:
        raise FormInvalid(errors)
    return BasketForm(tuple(lines), explanations, tuple(panel))


def _criteria_fields(form: Form) -> list[str]:
    """The names of the panel's questions and of the price's points, which a form holds once for all."""
    return [name for name in form.raw if name == "price_weight" or CRITERIA_FIELD.fullmatch(name)]


def _where(field: str, prefix: str, once: Sequence[str]) -> str:
    """A fault of a shared question stands at the question, not at the line."""
    plain = field.removeprefix(prefix)
    return plain if plain in once or plain == "criteria" else field


def parse_common(form: Form) -> dict[str, str]:
    """What holds for every site of a batch, as typed; the rows are judged with it."""
    common = {name: text for name in COMMON if (text := form.text(name, required=False, max_length=2000))}
    if common.get("method") != SelectionMethod.PROPOSAL_PREFERRED.value:
        return common
    common |= {name: text for name in _criteria_fields(form) if (text := form.text(name, required=False))}
    return common | {"panel": ",".join(str(account) for account in parse_members(form))}


def parse_batch(form: Form) -> tuple[str, dict[str, str], Upload, bool]:
    """Item, what holds for all, the sheet, and whether the good rows go out alone. Raises `FormInvalid`."""
    item = form.text("item_code", max_length=12)
    common = parse_common(form)
    upload = form.upload("sheet")
    form.finish()
    assert upload is not None
    return item, common, upload, form.flag("good_only")
