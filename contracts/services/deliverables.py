"""Results: filed in versions, returned with reasons or accepted; acceptance starts everything else."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from agencies.queries import barred_practitioners
from contracts.rules import deliverables as rules
from contracts.rules.clocks import clocks_on
from contracts.rules.deliverables import (
    DeliverableAct,
    DeliverableState,
    MilestoneAct,
    MilestoneState,
    Pause,
)
from contracts.rules.filing import ContractState, Side
from contracts.services import evaluations, filing, reviews
from contracts.services.parties import lock_contract, require_side, threads
from core import clock, db, files, mail, serials, trail
from core.db import transaction
from core.errors import NotAllowedNow, NotFound, StaleForm
from core.files import FileUse, StoredFile
from core.forms import Upload
from core.identity import SYSTEM, Identity, Permission
from core.states import advance
from core.workdays import calendar
from payments import services as payments

RESULT = FileUse(
    "result",
    50 * files.MEGABYTE,
    (files.PDF, files.DOCX, files.XLSX, files.DWG, files.ZIP, files.PNG, files.JPEG),
)
"""A file of a result: documents, tables, drawings; geodata and bundles as .zip."""


@dataclass(frozen=True)
class ResultDraft:
    """What an agency files for a milestone."""

    title: str
    note: str
    signers: tuple[int, ...]
    uploads: tuple[Upload, ...]


@dataclass(frozen=True)
class ResultReceipt:
    """Number and digest of a filed version; the digest covers name and hash of every file."""

    deliverable_id: int
    number: str
    version: int
    state: DeliverableState
    digest: str
    at: datetime
    entry_id: int
    late: bool = False


@dataclass(frozen=True)
class AcceptanceReceipt:
    """What acceptance started: the payable, the review, and the record marks D and F."""

    deliverable_id: int
    payable_id: int
    review_id: int
    record: rules.Record
    at: datetime
    entry_id: int


def files_digest(stored: Sequence[StoredFile]) -> str:
    """SHA-256 over `sha256␠name` of every file, one a line, in the order filed."""
    lines = "\n".join(f"{one.sha256} {one.name}" for one in stored)
    return hashlib.sha256(lines.encode()).hexdigest()


async def file_deliverable(
    *, actor: Identity, contract_id: int, milestone_id: int, version: int, result: ResultDraft
) -> ResultReceipt:
    """File the result of a milestone, or its next version after a return.

    `version` is the last version the agency has seen, 0 for none (`StaleForm`). Raises
    `ContractNotFiled`, `AlreadyFiled`, `ResultWithoutFile`, `ResultWithoutSigner`, and what
    `core.files` refuses: empty, oversized, mislabelled.
    """
    actor.require(Permission.FILE_DELIVERABLE)
    _check_result(result)
    async with transaction():
        contract = await lock_contract(actor, contract_id)
        require_side(actor, contract, Side.AGENCY)
        _check_running(contract)
        milestone = await _milestone(contract_id, milestone_id)
        before = await _latest(milestone_id)
        if version != (before["version"] if before else 0):
            raise StaleForm
        await _check_signers(contract["agency"], result.signers)
        stored = [await files.store(one, use=RESULT, actor=actor) for one in result.uploads]
        row = await (_first(contract, milestone, result) if before is None else _again(before, result))
        digest = files_digest(stored)
        late = _is_late(before)
        submission_id = await _write_submission(row, result, digest, late)
        await _write_files(submission_id, stored)
        await _write_signers(submission_id, result.signers)
        entry = await _record_filing(actor, contract, row, result, stored, digest, late)
        await _tell_client(contract, row)
    return ResultReceipt(
        row["id"], row["number"], row["version"], DeliverableState.FILED, digest, clock.now(),
        entry, late,
    )  # fmt: skip


def _check_result(result: ResultDraft) -> None:
    if not 1 <= len(result.uploads) <= rules.MOST_FILES:
        raise rules.ResultWithoutFile(most=rules.MOST_FILES)
    if not result.signers:
        raise rules.ResultWithoutSigner


def _check_running(contract: Any) -> None:
    state = ContractState(contract["state"])
    if state in {ContractState.DRAFT, ContractState.HALF_CONFIRMED, ContractState.SIGNED}:
        raise rules.ContractNotFiled
    if state is not ContractState.FILED:
        raise NotAllowedNow(state=state.value, act="file")


async def _milestone(contract_id: int, milestone_id: int) -> Any:
    row = await db.row(
        "select * from contracts_milestone where id = $1 and contract = $2 for update",
        milestone_id,
        contract_id,
    )
    if row is None:
        raise NotFound
    return row


async def _latest(milestone_id: int) -> Any:
    return await db.row(
        "select d.*, s.returned_at from contracts_deliverable d"
        " join contracts_submission s on s.deliverable = d.id and s.version = d.version"
        " where d.milestone = $1 for update of d",
        milestone_id,
    )


async def _check_signers(agency_id: int, signers: Sequence[int]) -> None:
    known = await db.value(
        "select count(*) from agencies_practitioner where agency = $1 and id = any($2::bigint[])"
        " and recorded_on <= $3 and (ended_on is null or ended_on > $3)",
        agency_id,
        list(signers),
        clock.today(),
    )
    if known != len(set(signers)):
        raise rules.ResultWithoutSigner
    if await barred_practitioners(signers, clock.today()):
        raise rules.SignerBarred


async def _first(contract: Any, milestone: Any, result: ResultDraft) -> Any:
    now = clock.now()
    number = await serials.next_number("CG", clock.today())
    due = (await calendar()).due_at(now, clocks_on(clock.today()).accept)
    return await db.row(
        "insert into contracts_deliverable (contract, milestone, number, title, version, state,"
        " filed_at, due_at) values ($1, $2, $3, $4, 1, 'filed', $5, $6)"
        " returning id, number, version",
        contract["id"],
        milestone["id"],
        number,
        result.title,
        now,
        due,
    )


async def _again(before: Any, result: ResultDraft) -> Any:
    if before["state"] == DeliverableState.FILED:
        raise rules.AlreadyFiled
    state = advance(rules.TRANSITIONS, DeliverableState(before["state"]), DeliverableAct.FILE_AGAIN)
    now = clock.now()
    due = (await calendar()).due_at(now, clocks_on(clock.today()).accept)
    return await db.row(
        "update contracts_deliverable set title = $2, version = version + 1, state = $3,"
        " filed_at = $4, due_at = $5 where id = $1 returning id, number, version",
        before["id"],
        result.title,
        state.value,
        now,
        due,
    )


def _is_late(before: Any) -> bool:
    """A correction is a filing with its own deadline, stored as `due_at` when it was returned."""
    return before is not None and clock.now() >= before["due_at"]


async def _write_submission(row: Any, result: ResultDraft, digest: str, late: bool) -> int:
    submission_id: int = await db.value(
        "insert into contracts_submission (deliverable, version, note, filed_at, late, digest,"
        " return_reason) values ($1, $2, $3, $4, $5, $6, '') returning id",
        row["id"],
        row["version"],
        result.note,
        clock.now(),
        late,
        digest,
    )
    return submission_id


async def _write_files(submission_id: int, stored: Sequence[StoredFile]) -> None:
    await db.execute(
        "insert into contracts_submission_file (submission, place, stored_file, name, sha256,"
        " size, media_type) select $1, f.* from unnest($2::smallint[], $3::bigint[], $4::text[],"
        " $5::text[], $6::bigint[], $7::text[]) as f",
        submission_id,
        list(range(1, len(stored) + 1)),
        [one.id for one in stored],
        [one.name for one in stored],
        [one.sha256 for one in stored],
        [one.size for one in stored],
        [one.media_type for one in stored],
    )


async def _write_signers(submission_id: int, signers: Sequence[int]) -> None:
    await db.execute(
        "insert into contracts_signer (submission, practitioner) select $1, unnest($2::bigint[])",
        submission_id,
        sorted(set(signers)),
    )


async def _record_filing(
    actor: Identity,
    contract: Any,
    row: Any,
    result: ResultDraft,
    stored: Sequence[StoredFile],
    digest: str,
    late: bool,
) -> int:
    return await trail.record(
        actor,
        "deliverable.filed",
        f"deliverable:{row['id']}",
        after={
            "number": row["number"],
            "version": row["version"],
            "digest": digest,
            "files": [one.sha256 for one in stored],
            "late": late,
        },
        personal={"signers": sorted(set(result.signers))},
        threads=threads(contract),
    )


async def _tell_client(contract: Any, row: Any) -> None:
    await mail.send(
        to_organization=contract["client"],
        message="contracts/deliverable_filed",
        context={"deliverable_id": row["id"], "title": contract["title"], "number": row["number"]},
    )


_LOCK = (
    "select d.*, s.id as submission, s.filed_at as version_filed_at from contracts_deliverable d"
    " join contracts_submission s on s.deliverable = d.id and s.version = d.version"
    " where d.id = $1 for update of d"
)


async def _lock(actor: Identity, deliverable_id: int, version: int) -> tuple[Any, Any]:
    """Contract first, then deliverable: always in this order, so that acts cannot deadlock."""
    contract_id = await db.value("select contract from contracts_deliverable where id = $1", deliverable_id)
    contract = await lock_contract(actor, contract_id)
    require_side(actor, contract, Side.CLIENT)
    row = await db.row(_LOCK, deliverable_id)
    if row["version"] != version:
        raise StaleForm
    return contract, row


async def return_deliverable(*, actor: Identity, deliverable_id: int, version: int, reason: str) -> ResultReceipt:
    """Send a version back with all reasons at once; the agency has five working days to correct it."""
    actor.require(Permission.ACCEPT_DELIVERABLE)
    if not reason.strip():
        raise rules.ReturnWithoutReason
    now = clock.now()
    async with transaction():
        contract, row = await _lock(actor, deliverable_id, version)
        state = advance(rules.TRANSITIONS, DeliverableState(row["state"]), DeliverableAct.RETURN)
        due = (await calendar()).due_at(now, clocks_on(clock.today()).correct)
        await db.execute(
            "update contracts_deliverable set state = $2, due_at = $3 where id = $1",
            deliverable_id,
            state.value,
            due,
        )
        await db.execute(
            "update contracts_submission set returned_at = $2, return_reason = $3 where id = $1",
            row["submission"],
            now,
            reason,
        )
        entry = await trail.record(
            actor,
            "deliverable.returned",
            f"deliverable:{deliverable_id}",
            after={"version": version, "reason": reason},
            threads=threads(contract),
        )
        await mail.send(
            to_organization=contract["agency_organization"],
            message="contracts/deliverable_returned",
            context={"deliverable_id": deliverable_id, "title": contract["title"], "reason": reason},
        )
    return ResultReceipt(deliverable_id, row["number"], version, state, "", now, entry)


async def accept_deliverable(*, actor: Identity, deliverable_id: int, version: int) -> AcceptanceReceipt:
    """Accept a version: the milestone becomes payable, D and F are fixed, the review is opened.

    With the last milestone both sides are asked for their evaluation.
    """
    actor.require(Permission.ACCEPT_DELIVERABLE)
    now = clock.now()
    async with transaction():
        contract, row = await _lock(actor, deliverable_id, version)
        state = advance(rules.TRANSITIONS, DeliverableState(row["state"]), DeliverableAct.ACCEPT)
        milestone = await _milestone(contract["id"], row["milestone"])
        record = await _record_of(contract, row, milestone["days"])
        await _write_acceptance(deliverable_id, state, record)
        payable_id = await _make_payable(contract, milestone)
        entry = await trail.record(
            actor,
            "deliverable.accepted",
            f"deliverable:{deliverable_id}",
            after={"version": version, "milestone": milestone["place"], **vars(record)},
            threads=threads(contract),
        )
        review_id = await reviews.open_review(contract, row)
        await evaluations.request_when_all_accepted(contract)
        await mail.send(
            to_organization=contract["agency_organization"],
            message="contracts/deliverable_accepted",
            context={"deliverable_id": deliverable_id, "title": contract["title"]},
        )
    return AcceptanceReceipt(deliverable_id, payable_id, review_id, record, now, entry)


async def _record_of(contract: Any, row: Any, agreed: int) -> rules.Record:
    start = clock.shanghai(contract["signed_at"]).date()
    end = clock.shanghai(row["version_filed_at"]).date()
    pauses, late = await _pauses(contract["id"], row["id"])
    taken = rules.working_days_taken(await calendar(), start, end, pauses)
    late_filings = late + int(contract["filed_late"])
    return rules.record_of(agreed=agreed, taken=taken, late_filings=late_filings)


async def _pauses(contract_id: int, deliverable_id: int) -> tuple[list[Pause], int]:
    """Days the client took: suspensions, and versions in its hands before it returned them."""
    found = await db.rows(
        "select started_on as after, coalesce(ended_on, $3) as until, false as late"
        " from contracts_suspension where contract = $1 union all"
        " select (filed_at at time zone 'Asia/Shanghai')::date,"
        " (coalesce(returned_at, filed_at) at time zone 'Asia/Shanghai')::date, late"
        " from contracts_submission where deliverable = $2",
        contract_id,
        deliverable_id,
        clock.today(),
    )
    return [Pause(row["after"], row["until"]) for row in found], sum(row["late"] for row in found)


async def _write_acceptance(deliverable_id: int, state: DeliverableState, record: rules.Record) -> None:
    await db.execute(
        "update contracts_deliverable set state = $2, accepted_at = $3, agreed_days = $4,"
        " taken_days = $5, punctuality = $6, late_filings = $7, filings = $8 where id = $1",
        deliverable_id,
        state.value,
        clock.now(),
        record.agreed,
        record.taken,
        record.punctuality,
        record.late_filings,
        record.filings,
    )


async def _make_payable(contract: Any, milestone: Any) -> int:
    state = advance(rules.MILESTONE_TRANSITIONS, MilestoneState(milestone["state"]), MilestoneAct.ACCEPT)
    payable_id: int = await payments.create_payable(
        kind="milestone",
        key=str(milestone["id"]),
        payer_id=contract["client"],
        payee_id=contract["agency_organization"],
        amount=milestone["amount"],
        title=f"{contract['title']} {milestone['name']}",
        due_on=await _pay_by(),
        threads=threads(contract),
    )
    await db.execute(
        "update contracts_milestone set state = $2, accepted_at = $3, payable_id = $4 where id = $1",
        milestone["id"],
        state.value,
        clock.now(),
        payable_id,
    )
    return payable_id


async def _pay_by() -> date:
    today = clock.today()
    return (await calendar()).add(today, clocks_on(today).pay)


async def milestone_paid(kind: str, key: str, payable_id: int, settled_at: datetime) -> None:
    """The fee of a milestone has arrived (handed to `payments.services.SETTLED`).

    Other kinds of payable are not ours; a doubled call changes nothing.
    """
    if kind != "milestone":
        return
    async with transaction():
        contract_id = await db.value(
            "select contract from contracts_milestone where id = $1 and payable_id = $2",
            int(key),
            payable_id,
        )
        contract = await lock_contract(SYSTEM, contract_id)
        milestone = await _milestone(contract_id, int(key))
        if milestone["state"] == MilestoneState.PAID:
            return
        state = advance(rules.MILESTONE_TRANSITIONS, MilestoneState(milestone["state"]), MilestoneAct.PAY)
        await db.execute(
            "update contracts_milestone set state = $2, paid_at = $3 where id = $1",
            milestone["id"],
            state.value,
            settled_at,
        )
        await trail.record(
            SYSTEM,
            "milestone.paid",
            f"contract:{contract_id}",
            after={"milestone": milestone["place"], "amount": milestone["amount"]},
            threads=threads(contract),
        )
        await filing.complete_when_done(contract_id)
