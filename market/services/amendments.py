"""A published notice is amended: a new version, a later deadline, and every bid to be confirmed.

Who is told. Nobody may learn who has bid, and a letter in the outbox names its reader. So the letter about an
amendment goes to *every* agency on record that offers the item, whether it has bid or not; a bidder finds "to be
confirmed" on its desk and under "my bids", where its session recomputes the mark of its envelope.
"""

import hashlib
from dataclasses import replace
from typing import Any

from agencies import queries as agencies
from agencies.rules import Profession
from core import clock, db, mail, trail
from core.db import transaction
from core.errors import FormInvalid, NotAllowedNow
from core.identity import Identity, Permission
from core.trail import format
from core.workdays import calendar
from market.queries.notices import NoticeRow
from market.rules.amendments import Amendment, amended, changes, check_amendment
from market.rules.notices import NoticeAct, NoticeDraft, NoticeState, SelectionMethod
from market.rules.questions import questions_until
from market.services.cases import letter, lock_own_notice, move, same_version
from market.services.flags import Explanations, explain_amended
from market.services.notices import NoticeReceipt, as_draft, deadline_passed, facts


async def amend_notice(
    actor: Identity,
    *,
    notice_id: int,
    version: int,
    amendment: Amendment,
    reason: str,
    explanations: Explanations = Explanations(),  # noqa: B008  frozen
) -> NoticeReceipt:
    """Change what a notice asks before its deadline; earlier bids must be confirmed or replaced.

    New conditions are held against the item's own requirements again, and a higher price against split purchases;
    what is noticed must be explained. Raises `FormInvalid` with every fault, `StaleForm`, `DeadlinePassed`, `NotAllowedNow` for a direct selection
    (its offer is withdrawn and made anew) and whenever the notice no longer collects.
    """
    actor.require(Permission.POST_NOTICE)
    async with transaction():
        notice = await lock_own_notice(notice_id, actor)
        _still_open(notice)
        same_version(notice, version)
        now, days = clock.now(), await calendar()
        before = as_draft(notice)
        after = amended(before, amendment)
        published_at = notice.published_at or now
        errors = check_amendment(before, after, published_at=published_at, edition=notice.law, calendar=days, now=now)
        if errors:
            raise FormInvalid(errors)
        number = notice.amendment + 1
        await _keep(actor, notice, after, number, reason)
        until = questions_until(after.deadline, notice.law, days)
        await move(notice, NoticeAct.AMEND, amendment=number, questions_until=until, **vars(amendment))
        written = replace(notice, requirements=amendment.requirements, ceiling=amendment.ceiling)
        await explain_amended(actor, notice, written, explanations)
        await _tell_everybody(notice, number, reason, after)
    return NoticeReceipt(notice_id, notice.number, version + 1)


def _still_open(notice: NoticeRow) -> None:
    if notice.state is not NoticeState.PUBLISHED or notice.method is SelectionMethod.DIRECT:
        raise NotAllowedNow(state=notice.state.value, act=NoticeAct.AMEND.value)
    late = deadline_passed(notice, clock.now())
    if clock.now() >= notice.deadline:
        raise late
    db.refuse_after(notice.deadline, late)


async def _keep(actor: Identity, notice: NoticeRow, after: NoticeDraft, number: int, reason: str) -> None:
    """The version as a row, and as an entry of the trail that everybody may read."""
    old, new = format.plain(facts(as_draft(notice))), format.plain(facts(after))
    digest = hashlib.sha256(format.canonical(new).encode()).hexdigest()
    await db.execute(
        """insert into market_notice_version (notice, amendment, before, after, reason, digest, account, amended_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8)""",
        notice.id,
        number,
        old,
        new,
        reason,
        digest,
        actor.account_id,
        clock.now(),
    )
    changed = changes(old, new)
    await trail.record(
        actor,
        "notice.amended",
        notice.subject,
        before={each.field: each.old for each in changed},
        after={each.field: each.new for each in changed} | {"amendment": number, "reason": reason, "digest": digest},
        threads=notice.threads,
    )


async def _tell_everybody(notice: NoticeRow, number: int, reason: str, after: NoticeDraft) -> None:
    """All agencies that offer the item: to write to the bidders alone would name them in the outbox."""
    profession = Profession(notice.profession)
    recorded = await agencies.recorded_agencies(profession)
    ids = [one.agency_id for one in recorded]
    standings = (await agencies.standings(ids, profession, clock.today())).values()
    context: dict[str, Any] = letter(notice) | {
        "n": number,
        "reason": reason,
        "deadline": f"{clock.shanghai(after.deadline):%Y-%m-%d %H:%M}",
    }
    for one in sorted(standings, key=lambda standing: standing.organization_id):
        if notice.item_code in one.items:
            await mail.send(to_organization=one.organization_id, message="market/notice_amended", context=context)
