"""The same item for many sites: check the whole sheet, then post row by row with visible progress.

See `rules.batch` for why every site is a project with a notice of its own. Nothing is written while a row
is wrong, unless the client asked for the good rows; then each row is one transaction (project, notice,
publication, trail), so that a long batch shows where it stands and a stopped one goes on.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio

from agencies import queries as agencies
from core import accounts, clock, db, jobs, trail
from core.db import transaction
from core.errors import DomainError, FormInvalid, Message, NotFound, Rejected
from core.forms import Form, Upload
from core.i18n import N_
from core.identity import Identity, Permission, Role
from core.workdays import calendar
from market import content, sheets
from market.forms import parse_criteria, parse_explanations, parse_notice, parse_project
from market.queries.batch import unfinished, waiting_rows
from market.queries.catalogue import service_item
from market.queries.flags import condition_reader
from market.rules.batch import RowState, SheetRow, read_rows, same_sites
from market.rules.conditions import ConditionFlag
from market.rules.eligibility import NotEligible
from market.rules.notices import ItemNotPostable, NoticeDraft, SelectionMethod, check_draft
from market.rules.panel import check_criteria
from market.services.flags import SHORTEST_WORDS, Explanations
from market.services.guide import post_together
from market.services.projects import ProjectDraft, describe_project

COMMON = (
    "fund_source",
    "method",
    "requirements",
    "payment_terms",
    "deadline",
    "conditions_reason",
    "risk_acknowledged",
)
UNEXPLAINED = N_("“%(clause)s”可能过严。请修改机构条件，或在“条件为什么需要”一栏写明（至少 %(n)s 个字，会公开）。")
SITE_AGAIN = N_("与第 %(row)s 行是同一个站点（名称、地点相同），请删去一行。")


class RowsRefused(Rejected):
    """Some rows are wrong, so nothing was posted."""

    code = "rows-refused"
    text = N_("%(bad)s 行需要修改，%(good)s 行没有问题。现在一行也没有发出：改好后重新上传，或选择只发没有问题的行。")

    def __init__(self, checked: "Sequence[CheckedRow]") -> None:
        self.rows = tuple(checked)
        bad = [row for row in checked if row.faults]
        faults = {f"row-{row.row.number}-{name}": text.render() for row in bad for name, text in row.faults.items()}
        super().__init__(bad=len(bad), good=len(checked) - len(bad), rows=faults)


class NoGoodRow(Rejected):
    """The client wanted the good rows, but there is none."""

    code = "no-good-row"
    text = N_("没有一行可以发出。请按下面列出的问题修改后重新上传。")

    def __init__(self, checked: "Sequence[CheckedRow]") -> None:
        self.rows = tuple(checked)
        super().__init__()


@dataclass(frozen=True)
class CheckedRow:
    """A row with what would be posted, or with what is wrong by column."""

    row: SheetRow
    faults: Mapping[str, Message]


@dataclass(frozen=True)
class BatchReceipt:
    """That a batch is on its way."""

    batch_id: int
    good: int
    bad: int


Common = Mapping[str, str]


async def start_batch(
    actor: Identity, *, item_code: str, common: Common, upload: Upload, good_only: bool = False
) -> BatchReceipt:
    """Check a sheet whole and put its rows to work. `common` holds the fields of `COMMON` as typed.

    Raises `RowsRefused` with every row's faults (nothing is written), `NoGoodRow`, and what is wrong with
    the file itself: see `sheets.read_cells` and `rules.batch.read_rows`.
    """
    actor.require(Permission.POST_NOTICE)
    item = await service_item(item_code)
    if not item.postable:
        raise ItemNotPostable(item=item.name_zh)
    _check_criteria(common)
    cells = await anyio.to_thread.run_sync(sheets.read_cells, upload)
    checked = await check_rows(read_rows(cells), item_code, common)
    bad = sum(bool(row.faults) for row in checked)
    if bad and not good_only:
        raise RowsRefused(checked)
    if bad == len(checked):
        raise NoGoodRow(checked)
    digest = hashlib.sha256(upload.body).hexdigest()
    async with transaction():
        batch_id: int = await db.value(
            """insert into market_batch (client, account, item_code, file_name, file_digest, common, made_at)
               values ($1, $2, $3, $4, $5, $6, $7) returning id""",
            actor.organization_id,
            actor.account_id,
            item_code,
            upload.name[-200:],
            digest,
            dict(common),
            clock.now(),
        )
        await db.execute_many(
            "insert into market_batch_row (batch, number, content, state, faults) values ($1, $2, $3, $4, $5)",
            [(batch_id, row.row.number, dict(row.row.values), *_settled(row)) for row in checked],
        )
        facts = {"item": item_code, "file": digest, "rows": len(checked), "refused": bad}
        await trail.record(actor, "batch.begun", f"batch:{batch_id}", after=facts)
        await jobs.defer("market.post_batch", {"batch_id": batch_id})
    return BatchReceipt(batch_id, len(checked) - bad, bad)


def _settled(row: CheckedRow) -> tuple[str, Any]:
    if not row.faults:
        return RowState.WAITING.value, None
    return RowState.REFUSED.value, _stored(row.faults)


def _stored(faults: Mapping[str, Message]) -> dict[str, Any]:
    return {
        name: {"text": fault.text, "params": {key: str(value) for key, value in fault.params.items()}}
        for name, fault in faults.items()
    }


def _check_criteria(common: Common) -> None:
    """Questions hold for all rows, so they are refused once: `FormInvalid`."""
    if common.get("method") != SelectionMethod.PROPOSAL_PREFERRED.value:
        return
    wrong = check_criteria(parse_criteria(Form.of(**common)), content.edition_in_force(clock.today()).proposal)
    if wrong is not None:
        raise FormInvalid({"criteria": wrong})


async def check_rows(rows: Sequence[SheetRow], item_code: str, common: Common) -> list[CheckedRow]:
    """Every row against the parsers and the rules of a notice, as publishing would judge it now."""
    days, now = await calendar(), clock.now()
    law = content.edition_in_force(clock.today())
    again = same_sites(rows)
    flags = await condition_reader(item_code)
    known = await agencies.agencies_by_uscc([_code(row.values) for row in rows])
    checked = []
    for row in rows:
        faults = dict(row.faults)
        if row.number in again:
            faults.setdefault("title", Message(SITE_AGAIN, {"row": again[row.number]}))
        try:
            parsed = _parse(row.values, item_code, common, known)
            found = check_draft(parsed.draft, edition=law, calendar=days, now=now)
            found |= _unexplained(flags(parsed.draft.requirements), parsed.words)
        except FormInvalid as refused:
            found = dict(refused.errors)
        checked.append(CheckedRow(row, _in_columns(found) | faults))
    return checked


def _unexplained(flags: Sequence[ConditionFlag], words: Explanations) -> dict[str, Message]:
    if not flags or len(words.conditions.strip()) >= SHORTEST_WORDS:
        return {}
    clauses = "；".join(dict.fromkeys(flag.clause for flag in flags))
    return {"conditions_reason": Message(UNEXPLAINED, {"clause": clauses, "n": SHORTEST_WORDS})}


def _in_columns(faults: Mapping[str, Message]) -> dict[str, Message]:
    """Faults by column: a sheet names an agency by its credit code."""
    return {"agency" if name == "agency_id" else name: fault for name, fault in faults.items()}


def _code(values: Mapping[str, str]) -> str:
    return values.get("agency", "").upper()


@dataclass(frozen=True)
class ParsedRow:
    """What a row says: its project, its notice, and the public words on what the rules notice."""

    project: ProjectDraft
    draft: NoticeDraft
    words: Explanations


def _parse(values: Mapping[str, str], item_code: str, common: Common, known: Mapping[str, int]) -> ParsedRow:
    """A row with what holds for all; `known` are agencies by credit code. `FormInvalid` with the faults of all parts."""
    filled = dict(common) | {name: value for name, value in values.items() if value} | {"item_code": item_code}
    filled.setdefault("description", filled.get("scale", ""))
    direct = filled.get("method") == SelectionMethod.DIRECT.value
    agency_id = known.get(_code(values))
    if direct and agency_id is not None:
        filled["agency_id"] = str(agency_id)
    form = Form.of(**filled)
    if direct and agency_id is None:
        form.error("agency", N_("直接选取要写选定机构的统一社会信用代码，机构须已备案。请核对这一格。"))
    elif not direct and _code(values):
        form.error("agency", N_("只有直接选取才写选定的机构。请清空这一格，或改用直接选取。"))
    found: list[Any] = []
    errors: dict[str, Message] = {}
    parsers: tuple[Callable[[Form], Any], ...] = (parse_project, parse_notice, parse_explanations)
    for parser in parsers:
        try:
            found.append(parser(form))
        except FormInvalid as refused:
            errors |= refused.errors
    if "agency" in errors:
        errors.pop("agency_id", None)
    if errors:
        raise FormInvalid(errors)
    return ParsedRow(*found)


async def post_batch(batch_id: int) -> int:
    """Post what waits in a batch, row by row; the number posted now. Idempotent: each row is locked and read again."""
    posted = 0
    for number in await waiting_rows(batch_id):
        posted += await post_row(batch_id, number)
    async with transaction():
        await db.execute(
            """update market_batch set finished_at = $2 where id = $1 and finished_at is null and not exists
               (select 1 from market_batch_row where batch = $1 and state = 'waiting')""",
            batch_id,
            clock.now(),
        )
    return posted


async def post_row(batch_id: int, number: int) -> bool:
    """One site: its project and its published notice, or the reason why not. False when nothing was posted."""
    try:
        async with transaction():
            row = await _lock(batch_id, number)
            if row is None:
                return False
            actor = await accounts.identity_in(
                account_id=row["account"], organization_id=row["client"], role=Role.CLIENT
            )
            known = await agencies.agencies_by_uscc([_code(row["content"])])
            parsed = _parse(row["content"], row["item_code"], row["common"], known)
            filed = await describe_project(actor, draft=parsed.project)
            panel = [int(account) for account in row["common"].get("panel", "").split(",") if account]
            receipt = await post_together(actor, filed.project_id, parsed.draft, parsed.words, panel)
            await _settle(batch_id, number, RowState.POSTED, receipt.notice_id, None)
            return True
    except FormInvalid as refused:
        faults: Mapping[str, Message] = _in_columns(refused.errors)
    except NotFound:
        faults = {"title": Message(N_("上传的人已不在本单位，这一行没有发出。请由在职人员重新上传。"))}
    except NotEligible as refused:
        faults = {f"agency-{n}" if n else "agency": each.message() for n, each in enumerate(refused.reasons)}
    except DomainError as refused:
        faults = {"title": Message(refused.text, refused.params)}
    async with transaction():
        if await _lock(batch_id, number) is not None:
            await _settle(batch_id, number, RowState.REFUSED, None, _stored(faults))
    return False


async def _lock(batch_id: int, number: int) -> Any:
    return await db.row(
        """select r.content, b.item_code, b.common, b.client, b.account
             from market_batch_row r join market_batch b on b.id = r.batch
            where r.batch = $1 and r.number = $2 and r.state = 'waiting' for update of r""",
        batch_id,
        number,
    )


async def _settle(batch_id: int, number: int, state: RowState, notice_id: int | None, faults: Any) -> None:
    await db.execute(
        "update market_batch_row set state = $3, notice = $4, faults = $5 where batch = $1 and number = $2",
        batch_id,
        number,
        state.value,
        notice_id,
        faults,
    )


async def sweep_batches() -> None:
    """Go on with batches whose job was lost."""
    for batch_id in await unfinished():
        await post_batch(batch_id)
