"""Form text to what the services take; every field's fault is said in the reader's words."""

from decimal import Decimal, InvalidOperation

from agencies.rules import Profession
from contracts.rules import sheets
from contracts.rules.evaluations import DIMENSIONS, Stars
from contracts.rules.filing import MOST_MILESTONES, MilestoneTerms, Terms
from contracts.rules.reviews import InterestKind
from contracts.rules.sheets import Mark, ReviewSheet, VetoFinding
from contracts.services import DeferralDraft, ResultDraft, SheetFilled
from core.forms import Form, Upload
from core.i18n import N_

LONG = 4000
MOST_DAYS = 1000


def parse_version(form: Form) -> int:
    """The version that the reader had before their eyes."""
    version = form.integer("version", minimum=0)
    form.finish()
    return version or 0


def parse_terms(form: Form) -> tuple[int, Terms]:
    """Version and terms of a contract; empty milestone rows are left out."""
    version = form.integer("version", minimum=1)
    amount = form.money("amount", minimum=Decimal("0.01"))
    days = form.integer("days", minimum=1, maximum=MOST_DAYS)
    scope = form.text("scope", max_length=LONG)
    rows = form.rows("milestones", limit=MOST_MILESTONES + 1)
    steps = tuple(_milestone(row) for row in rows if row.given("name", "percent", "days"))
    form.finish()
    return version or 0, Terms(amount or Decimal(0), days or 0, scope, steps)


def _milestone(row: Form) -> MilestoneTerms:
    return MilestoneTerms(
        name=row.text("name", max_length=120),
        percent=_percent(row),
        days=row.integer("days", minimum=1, maximum=MOST_DAYS) or 0,
    )


def _percent(row: Form) -> Decimal:
    text = row.text("percent", max_length=10).rstrip("%").strip()
    try:
        percent = Decimal(text)
    except InvalidOperation:
        percent = Decimal("NaN")
    if not percent.is_finite() or percent != round(percent, 2):
        row.error("percent", N_("请填写百分比，最多两位小数，例如 30 或 33.33。"))
        return Decimal(0)
    return percent


def parse_text(form: Form, name: str, *, max_length: int = LONG) -> str:
    """One long text, such as a reason or a comment."""
    text = form.text(name, max_length=max_length)
    form.finish()
    return text


def parse_deferral(form: Form) -> DeferralDraft:
    """A promised document: what, why, by when; `about` is "contract" or the number of a result."""
    about = form.text("about", max_length=20)
    if about != "contract" and not (about.isascii() and about.isdigit()):
        form.error("about", N_("请从列出的选项中选择。"))
    name = form.text("name", max_length=200)
    reason = form.text("reason", max_length=1000)
    due_on = form.date("due_on")
    form.finish()
    assert due_on is not None
    return DeferralDraft(name, reason, due_on, None if about == "contract" else int(about))


def parse_document(form: Form) -> Upload:
    """The one document that is handed in."""
    upload = form.upload("document")
    form.finish()
    assert upload is not None
    return upload


def parse_result(form: Form) -> tuple[int, ResultDraft]:
    """The last version seen, and the result to file."""
    version = form.integer("version", minimum=0)
    draft = ResultDraft(
        title=form.text("title", max_length=200),
        note=form.text("note", required=False, max_length=LONG),
        signers=_numbers(form, "signers"),
        uploads=tuple(form.uploads("files")),
    )
    if not draft.uploads:
        form.error("files", N_("请至少选择一个成果文件。"))
    if not draft.signers:
        form.error("signers", N_("请至少选择一名签字人员。"))
    form.finish()
    return version or 0, draft


def _numbers(form: Form, name: str) -> tuple[int, ...]:
    found = form.many(name)
    if not all(one.isascii() and one.isdigit() and len(one) < 18 for one in found):
        form.error(name, N_("请从列出的选项中选择。"))
        return ()
    return tuple(int(one) for one in found)


def parse_sheet(form: Form, sheet: ReviewSheet) -> tuple[int, SheetFilled]:
    """Version and marks of a review sheet, complete or not: completeness is the service's to judge."""
    version = form.integer("version", minimum=1)
    marks = {one.code: _mark(form, one.code) for one in sheet.indicators}
    vetoes = [
        VetoFinding(veto.code, form.text(f"evidence-{veto.code}", required=False, max_length=1000))
        for veto in sheet.vetoes
        if form.flag(f"veto-{veto.code}")
    ]
    summary = form.text("summary", required=False, max_length=LONG)
    form.finish()
    filled = {code: mark for code, mark in marks.items() if mark.level or mark.remark}
    return version or 0, SheetFilled(filled, vetoes, summary)


def _mark(form: Form, code: str) -> Mark:
    level = form.integer(f"level-{code}", minimum=min(sheets.LEVELS), maximum=max(sheets.LEVELS), required=False)
    return Mark(level or 0, form.text(f"remark-{code}", required=False, max_length=1000))


def parse_stars(form: Form) -> Stars:
    """Four stars, whether the client would use the agency again, and the narrative."""
    found = {name: form.integer(name, minimum=1, maximum=5) for name in DIMENSIONS}
    again = form.text("again", max_length=3)
    if again not in {"", "yes", "no"}:
        form.error("again", N_("请选择是否愿意再次委托。"))
    narrative = form.text("narrative", required=False, max_length=LONG)
    form.finish()
    return Stars(
        quality=found["quality"] or 0,
        time=found["time"] or 0,
        conduct=found["conduct"] or 0,
        charging=found["charging"] or 0,
        again=again == "yes",
        narrative=narrative,
    )


def parse_reviewer(form: Form) -> tuple[str, tuple[Profession, ...], str]:
    """Login, professions and region of somebody who may review."""
    login = form.text("login", max_length=120)
    chosen = form.many("professions")
    known = {profession.value for profession in Profession}
    if not chosen or not set(chosen) <= known:
        form.error("professions", N_("请至少选择一个专业。"))
    region = form.text("region", max_length=6)
    if region and not (len(region) == 6 and region.isascii() and region.isdigit()):
        form.error("region", N_("请填写 6 位行政区划代码，例如 370982。"))
    form.finish()
    return login, tuple(Profession(one) for one in chosen), region


def parse_interest(form: Form) -> tuple[str, InterestKind]:
    """Credit code of an organisation and the kind of tie."""
    uscc = form.uscc("uscc")
    kind = form.choice("kind", InterestKind)
    form.finish()
    return uscc, kind or InterestKind.OTHER
