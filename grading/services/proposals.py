"""Changing the rules: drafted from named numbers, tried, submitted, decided by somebody else, announced, in force.

A proposal's text is fixed by its digest from draft to publication: what was tried is what is approved. Only its
name changes at approval, from the proposal's number to that of the version (`XT-2026.2`); both digests are on the trail.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import anyio

from agencies.queries import recorded_agencies
from core import clock, db, mail, trail
from core.db import transaction
from core.errors import StaleForm
from core.identity import SYSTEM, Identity, Permission
from core.serials import CITY, next_number
from core.states import advance
from core.workdays import calendar
from grading.rules.laboratory import vary
from grading.rules.proposals import (
    TRANSITIONS,
    BaseOutdated,
    Clock,
    NotReplayed,
    ProposalAbsent,
    ProposalAct,
    ProposalState,
    ReplayKind,
    ReplayState,
    changes_between,
    check_second,
    clock_of,
    next_run_day,
    version_name,
)
from grading.rules.scheme import digest_of
from grading.services.trying import shadow_latest

NUMBER = "FA"
LETTER = "grading/scheme_approved"


@dataclass(frozen=True)
class Variant:
    """What an officer wants to try: the scheme it starts from, why, and the changed numbers by knob."""

    base_id: int
    purpose: str
    changes: Mapping[str, Decimal]


@dataclass(frozen=True)
class ProposalReceipt:
    """That a step was taken."""

    proposal_id: int
    number: str
    state: ProposalState
    version: int
    digest: str
    entry_id: int


@dataclass(frozen=True)
class ApprovalReceipt(ProposalReceipt):
    """Approved: the new version's name, when it is announced, shadowed and in force, how many agencies were told."""

    scheme_code: str
    notice_until: date
    shadow_until: date
    in_force_from: date
    told: int


async def draft_scheme(*, actor: Identity, variant: Variant) -> ProposalReceipt:
    """A draft of new rules on top of the newest scheme. Raises `SchemeInvalid` where it contradicts itself."""
    actor.require(Permission.CHANGE_SCHEME)
    async with transaction():
        source = await _newest(variant.base_id)
        number = await next_number(NUMBER, clock.today())
        text = await _varied(source, variant, number)
        proposal_id: int = await db.value(
            "insert into grading_proposal (number, base, purpose, changes, source, digest, state, version,"
            " created_by, created_at, edited_by, edited_at, reasons)"
            " values ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $8, $9, '') returning id",
            *(number, variant.base_id, variant.purpose, _plain(variant.changes), text, digest_of(text)),
            *(ProposalState.DRAFT.value, actor.account_id, clock.now()),
        )
        return await _recorded(actor, "scheme.drafted", proposal_id, {"changes": _plain(variant.changes)})


async def edit_scheme(*, actor: Identity, proposal_id: int, version: int, variant: Variant) -> ProposalReceipt:
    """Change a draft; what was tried before is then no longer what stands. Raises `StaleForm`."""
    actor.require(Permission.CHANGE_SCHEME)
    async with transaction():
        row = await _locked(proposal_id)
        advance(TRANSITIONS, ProposalState(row["state"]), ProposalAct.EDIT)
        if row["version"] != version:
            raise StaleForm
        source = await _newest(row["base"])
        text = await _varied(source, variant, row["number"])
        await db.execute(
            "update grading_proposal set purpose = $2, changes = $3, source = $4, digest = $5, version = version + 1,"
            " edited_by = $6, edited_at = $7 where id = $1",
            *(proposal_id, variant.purpose, _plain(variant.changes), text, digest_of(text)),
            *(actor.account_id, clock.now()),
        )
        return await _recorded(actor, "scheme.edited", proposal_id, {"changes": _plain(variant.changes)})


async def submit_scheme(*, actor: Identity, proposal_id: int) -> ProposalReceipt:
    """Put a tried draft to a second officer. Raises `NotReplayed` unless this very text was replayed."""
    actor.require(Permission.CHANGE_SCHEME)
    async with transaction():
        row = await _locked(proposal_id)
        state = advance(TRANSITIONS, ProposalState(row["state"]), ProposalAct.SUBMIT)
        await _newest(row["base"])
        tried = await _tried(proposal_id, row["version"])
        await db.execute(
            "update grading_proposal set state = $2, submitted_by = $3, submitted_at = $4 where id = $1",
            *(proposal_id, state.value, actor.account_id, clock.now()),
        )
        return await _recorded(actor, "scheme.submitted", proposal_id, {"inputs": tried})


async def approve_scheme(*, actor: Identity, proposal_id: int, reasons: str) -> ApprovalReceipt:
    """Publish the scheme with the day from which it applies, and tell every agency (grading.md §7).

    By a person who neither drafted, changed nor submitted it (`SecondOfficer`). The notice period is 20 working
    days, the shadow a quarter; in force on the first monthly run day after both.
    """
    actor.require(Permission.CHANGE_SCHEME)
    async with transaction():
        row = await _deciding(actor, proposal_id)
        state = advance(TRANSITIONS, ProposalState(row["state"]), ProposalAct.APPROVE)
        source = await _newest(row["base"])
        times = await _times(row["base"])
        named = await _named(row, source)
        published = await db.value(
            "insert into grading_scheme (code, digest, source, in_force_from, published_at)"
            " values ($1, $2, $3, $4, $5) returning id",
            *(named.code, named.digest, named.text, times.in_force_from, clock.now()),
        )
        await db.execute(
            "update grading_proposal set state = $2, decided_by = $3, decided_at = $4, reasons = $5, notice_until = $6,"
            " shadow_until = $7, in_force_from = $8, published = $9, source = $10, digest = $11 where id = $1",
            *(proposal_id, state.value, actor.account_id, clock.now(), reasons),
            *(times.notice_until, times.shadow_until, times.in_force_from, published, named.text, named.digest),
        )
        told = await _tell(row, source, times, named.code)
        done = await _recorded(
            actor,
            "scheme.approved",
            proposal_id,
            {
                "scheme": named.code,
                "tried_digest": row["digest"],
                "in_force_from": times.in_force_from,
                "notice_until": times.notice_until,
                "told": told,
            },
            reasons,
        )
        await shadow_latest()
    return ApprovalReceipt(
        *(done.proposal_id, done.number, done.state, done.version, done.digest, done.entry_id),
        *(named.code, times.notice_until, times.shadow_until, times.in_force_from, told),
    )


async def reject_scheme(*, actor: Identity, proposal_id: int, reasons: str) -> ProposalReceipt:
    """Refuse a submitted proposal, with reasons, by a second officer."""
    actor.require(Permission.CHANGE_SCHEME)
    async with transaction():
        row = await _deciding(actor, proposal_id)
        return await _closed(actor, row, ProposalAct.REJECT, "scheme.rejected", reasons)


async def withdraw_scheme(*, actor: Identity, proposal_id: int, reasons: str) -> ProposalReceipt:
    """Take back a draft or a submitted proposal, with reasons."""
    actor.require(Permission.CHANGE_SCHEME)
    async with transaction():
        row = await _locked(proposal_id)
        return await _closed(actor, row, ProposalAct.WITHDRAW, "scheme.withdrawn", reasons)


async def enter_force_if_due() -> list[ProposalReceipt]:
    """By the clock: approved schemes whose day has come. Grades already follow the date; this says so on the trail."""
    done = []
    async with transaction():
        due = await db.rows(
            "select id, state from grading_proposal where state = $1 and in_force_from <= $2 order by id for update",
            *(ProposalState.APPROVED.value, clock.today()),
        )
        for row in due:
            state = advance(TRANSITIONS, ProposalState(row["state"]), ProposalAct.ENTER_FORCE)
            await db.execute("update grading_proposal set state = $2 where id = $1", row["id"], state.value)
            done.append(await _recorded(SYSTEM, "scheme.in-force", row["id"], {}))
    return done


# ---------------------------------------------------------------- parts
async def _locked(proposal_id: int) -> Any:
    row = await db.row("select * from grading_proposal where id = $1 for update", proposal_id)
    if row is None:
        raise ProposalAbsent
    return row


async def _deciding(actor: Identity, proposal_id: int) -> Any:
    row = await _locked(proposal_id)
    if row["state"] == ProposalState.SUBMITTED:
        check_second(actor.account_id, (row["created_by"], row["edited_by"], row["submitted_by"]))
    return row


async def _closed(actor: Identity, row: Any, act: ProposalAct, name: str, reasons: str) -> ProposalReceipt:
    state = advance(TRANSITIONS, ProposalState(row["state"]), act)
    await db.execute(
        "update grading_proposal set state = $2, decided_by = $3, decided_at = $4, reasons = $5 where id = $1",
        *(row["id"], state.value, actor.account_id, clock.now(), reasons),
    )
    return await _recorded(actor, name, row["id"], {}, reasons)


async def _newest(base_id: int) -> str:
    """The text of the newest scheme, in force or announced; `BaseOutdated` when that is not `base_id`.

    Locked against a second approval at the same time.
    """
    await db.execute("select pg_advisory_xact_lock(hashtext('grading_scheme'))")
    newest = await db.row("select id, code, source from grading_scheme order by in_force_from desc, id desc limit 1")
    if newest["id"] != base_id:
        base = await db.value("select code from grading_scheme where id = $1", base_id)
        raise BaseOutdated(base=base or "—", newest=newest["code"])
    text: str = newest["source"]
    return text


async def _varied(source: str, variant: Variant, number: str) -> str:
    return await anyio.to_thread.run_sync(partial(vary, source, dict(variant.changes), number))


@dataclass(frozen=True)
class _Named:
    """The text as it is published: the tried one under the version's name."""

    code: str
    text: str
    digest: str


async def _named(row: Any, source: str) -> _Named:
    """Called under the lock of `_newest`, so that no two versions get one name."""
    taken = [one["code"] for one in await db.rows("select code from grading_scheme")]
    base = await db.value("select code from grading_scheme where id = $1", row["base"])
    code = version_name(base, clock.today().year, taken, CITY)
    changes = {name: Decimal(value) for name, value in row["changes"].items()}
    text = await anyio.to_thread.run_sync(partial(vary, source, changes, code))
    return _Named(code, text, digest_of(text))


async def _tried(proposal_id: int, version: int) -> str:
    digest: str | None = await db.value(
        "select inputs_digest from grading_replay where proposal = $1 and version = $2 and kind = $3 and state = $4"
        " order by id desc limit 1",
        *(proposal_id, version, ReplayKind.TRY.value, ReplayState.DONE.value),
    )
    if digest is None:
        raise NotReplayed
    return digest


async def _times(base_id: int) -> Clock:
    """The clock from today; never before a scheme that is announced already."""
    workdays = await calendar()
    times = clock_of(clock.today(), workdays)
    base_from = await db.value("select in_force_from from grading_scheme where id = $1", base_id)
    if base_from >= times.in_force_from:
        return Clock(times.notice_until, times.shadow_until, next_run_day(base_from, workdays))
    return times


async def _tell(row: Any, source: str, times: Clock, code: str) -> int:
    agencies = await recorded_agencies()
    changes = changes_between(source, {name: Decimal(value) for name, value in row["changes"].items()})
    await mail.send(
        to_organizations=[one.organization_id for one in agencies],
        message=LETTER,
        context={
            "number": row["number"],
            "version": code,
            "purpose": row["purpose"],
            "notice_until": times.notice_until.isoformat(),
            "in_force_from": times.in_force_from.isoformat(),
            "changes": [
                [one.knob.title, one.knob.title_en, str(one.before), str(one.after), one.knob.unit] for one in changes
            ],
        },
    )
    return len(agencies)


async def _recorded(
    actor: Identity, act: str, proposal_id: int, after: Mapping[str, Any], reasons: str = ""
) -> ProposalReceipt:
    row = await db.row("select number, state, version, digest from grading_proposal where id = $1", proposal_id)
    entry = await trail.record(
        actor,
        act,
        f"scheme:{row['number']}",
        after={"state": row["state"], "digest": row["digest"], "version": row["version"], **after},
        note={"reasons": reasons} if reasons else None,
    )
    return ProposalReceipt(
        proposal_id, row["number"], ProposalState(row["state"]), row["version"], row["digest"], entry
    )


def _plain(changes: Mapping[str, Decimal]) -> dict[str, str]:
    return {name: str(value) for name, value in changes.items()}
