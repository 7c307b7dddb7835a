"""Direct D: a decision with a document number makes the grade D, some grounds at once."""

from dataclasses import dataclass
from datetime import date

from agencies.queries import agency_row
from agencies.rules import Profession
from core import clock, db, trail
from core.db import transaction
from core.errors import Rejected
from core.identity import Identity, Permission
from grading.queries.schemes import Rulebook, rulebook_on
from grading.rules.conduct import POINTS_D, ZEROS_D, veto_term_allowed
from grading.rules.errors import (
    AgencyUnknown,
    DayAhead,
    DocumentTwice,
    TermNotAllowed,
    TriggerNotForOfficers,
)
from grading.rules.evidence import DirectGround
from grading.rules.lifecycle import RunKind
from grading.rules.scheme import Trigger
from grading.services.reports import PublicationReceipt, check_signer, publish, renew, withdraw
from grading.services.runs import UNPUBLISHED, Batch, draft, one_subject, open_run

COMPUTED = frozenset({POINTS_D, ZEROS_D})


@dataclass(frozen=True)
class Imposition:
    """A decision as it stands in its document; `profession` None means all of the agency's."""

    agency_id: int
    profession: Profession | None
    code: str
    document_no: str
    authority: str
    facts: str
    starts_on: date
    ends_on: date
    as_decided: bool = False


@dataclass(frozen=True)
class ImpositionReceipt:
    """That a direct D is on record, and the grades it changed at once."""

    direct_d_id: int
    publications: tuple[PublicationReceipt, ...]
    entry_id: int


async def impose_direct_d(*, actor: Identity, decision: Imposition) -> ImpositionReceipt:
    """Record a decision; an immediate ground is graded and published in the same act.

    Drafts that wait for the agency are withdrawn or made again, so that none of them can undo the D.
    Raises `TriggerNotForOfficers`, `TermNotAllowed`, `DocumentTwice`, `AgencyUnknown`.
    """
    actor.require(Permission.DECIDE_CONDUCT)
    check_signer(actor)
    async with transaction():
        rules = await rulebook_on(clock.today())
        trigger = check_decision(decision, rules, clock.today())
        trades = await _trades(decision, trigger)
        direct_d_id = await _insert(actor, decision, rules.scheme_id)
        entry = await trail.record(
            actor,
            "direct-d.imposed",
            f"direct-d:{direct_d_id}",
            after={
                "code": decision.code,
                "document_no": decision.document_no,
                "authority": decision.authority,
                "from": decision.starts_on,
                "until": decision.ends_on,
            },
            threads=[f"agency:{decision.agency_id}"],
        )
        published: tuple[PublicationReceipt, ...] = ()
        if trigger.immediate:
            published = await _publish_now(actor, direct_d_id, decision, trades, rules)
        await settle_drafts(
            actor,
            decision.agency_id,
            trades,
            since=decision.starts_on,
            published=bool(published),
            reason=decision.document_no,
        )
    return ImpositionReceipt(direct_d_id, published, entry)


def check_decision(decision: Imposition, rules: Rulebook, today: date) -> Trigger:
    """The ground, if an officer may impose it in that profession for that term."""
    trigger = rules.scheme.trigger(decision.code)
    trade = decision.profession
    if trigger is None or trigger.code in COMPUTED or (trigger.professions and trade not in trigger.professions):
        raise TriggerNotForOfficers(code=decision.code)
    if decision.starts_on > today:
        raise DayAhead(after="—", today=str(today))
    terms = rules.scheme.terms
    ground = DirectGround(decision.code, decision.document_no, decision.starts_on, decision.ends_on)
    if not decision.as_decided and not veto_term_allowed(ground, terms):
        refused: Rejected = TermNotAllowed(least=terms.veto_d_months, most=terms.veto_d_months_at_most)
        raise refused
    return trigger


async def _trades(decision: Imposition, trigger: Trigger) -> list[Profession]:
    agency = await agency_row(decision.agency_id)
    held = [Profession(one) for one in agency.professions]
    chosen = [one for one in held if decision.profession in (None, one)]
    if not chosen:
        raise AgencyUnknown
    return [one for one in chosen if not trigger.professions or one in trigger.professions]


async def _insert(actor: Identity, decision: Imposition, scheme_id: int) -> int:
    new_id: int | None = await db.value(
        "insert into grading_direct_d (agency, profession, code, scheme, document_no, authority, facts, starts_on,"
        " ends_on, as_decided, imposed_by, imposed_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing returning id",
        decision.agency_id,
        decision.profession.value if decision.profession else None,
        decision.code,
        scheme_id,
        decision.document_no,
        decision.authority,
        decision.facts,
        decision.starts_on,
        decision.ends_on,
        decision.as_decided,
        actor.account_id,
        clock.now(),
    )
    if new_id is None:
        raise DocumentTwice(document_no=decision.document_no)
    return new_id


async def _publish_now(
    actor: Identity, direct_d_id: int, decision: Imposition, trades: list[Profession], rules: Rulebook
) -> tuple[PublicationReceipt, ...]:
    return await publish_now(actor, f"direct-d:{direct_d_id}", decision.agency_id, trades, rules)


async def publish_now(
    actor: Identity, key: str, agency_id: int, trades: list[Profession], rules: Rulebook
) -> tuple[PublicationReceipt, ...]:
    """Grade and publish in one act, in a run of its own (`key`, at most 40 characters). Joins the caller's transaction."""
    today, now = clock.today(), clock.now()
    run_id = await open_run(actor, key, RunKind.DIRECT_D, today, rules, comment_until=now)
    batch = Batch(run_id, today, now, rules)
    subjects = [await one_subject(agency_id, trade, today, rules) for trade in trades]
    reports = await draft(actor, batch, subjects)
    return tuple([await publish(actor=actor, report_id=report_id) for report_id in reports])


async def settle_drafts(
    actor: Identity, agency_id: int, trades: list[Profession], *, since: date, published: bool, reason: str
) -> None:
    """Drafts that know nothing of a decision: pointless once it is published, made again otherwise."""
    waiting = await db.rows(
        "select r.id from grading_report r where r.agency = $1 and r.profession = any($2::text[])"
        " and r.state = any($3::text[]) and ($4 or r.as_of >= $5) order by r.id",
        agency_id,
        [trade.value for trade in trades],
        list(UNPUBLISHED),
        published,
        since,
    )
    for row in waiting:
        settle = withdraw if published else renew
        await settle(actor=actor, report_id=row["id"], reason=reason)
