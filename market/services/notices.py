"""A client's acts on its notices: draft, revise, publish, withdraw, cancel, post again."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from agencies import queries as agencies
from agencies.rules import Profession
from core import clock, db, jobs, mail, trail
from core.db import transaction
from core.errors import FormInvalid, Message, NotAllowedNow
from core.i18n import N_
from core.identity import Identity, Permission
from core.serials import next_number
from core.states import advance
from core.workdays import calendar
from market import content
from market.queries.awards import award_of, open_jobs
from market.queries.catalogue import ItemRow, service_item
from market.queries.notices import NoticeRow, opened_bids
from market.queries.panels import check_panel
from market.queries.projects import ProjectRow, own_project
from market.queries.recusal import agency_client_ties
from market.rules.bonds import Release
from market.rules.catalogue import shingles
from market.rules.editions import Custody, Edition
from market.rules.eligibility import NotEligible, eligibility, needs_warning
from market.rules.notices import (
    REPOSTABLE,
    TRANSITIONS,
    DeadlinePassed,
    ItemNotPostable,
    NoticeAct,
    NoticeDraft,
    NoticeState,
    SelectionMethod,
    check_draft,
)
from market.rules.questions import questions_until
from market.services.bonds import release_bonds
from market.services.cases import letter, lock_own_notice, move, same_version
from market.services.custody import prepare_keys
from market.services.flags import Explanations, explain
from market.tables import Notice


@dataclass(frozen=True)
class NoticeReceipt:
    """What a client gets for an act on its notice."""

    notice_id: int
    number: str | None
    version: int


async def draft_notice(
    actor: Identity, *, project_id: int, draft: NoticeDraft, repost_of: int | None = None
) -> NoticeReceipt:
    """Write a notice for one service item of an own project; nobody else sees it yet.

    Raises `FormInvalid` with every fault, `ItemNotPostable` for a department's own order.
    """
    actor.require(Permission.POST_NOTICE)
    async with transaction():
        project = await own_project(project_id, actor)
        item = await _postable(draft.item_code)
        await _check(draft, clock.now())
        columns = _columns(draft, project, item)
        row = Notice(
            **columns,
            project=project.id,
            client=actor.organization_id,
            state=NoticeState.DRAFT.value,
            repost_of=repost_of,
            drafted_at=clock.now(),
        )
        inserted = await Notice.insert(row).returning(Notice.id)
        notice_id: int = inserted[0]["id"]
        await trail.record(
            actor,
            "notice.drafted",
            f"notice:{notice_id}",
            after=facts(draft),
        )
    return NoticeReceipt(notice_id, None, 1)


async def revise_notice(actor: Identity, *, notice_id: int, version: int, draft: NoticeDraft) -> NoticeReceipt:
    """Rewrite a draft. `StaleForm` when it changed since `version`; published notices stay."""
    actor.require(Permission.POST_NOTICE)
    async with transaction():
        notice = await lock_own_notice(notice_id, actor)
        if notice.state is not NoticeState.DRAFT:
            raise NotAllowedNow(state=notice.state.value, act="revise")
        same_version(notice, version)
        project = await own_project(notice.project_id, actor)
        await _check(draft, clock.now())
        columns = _columns(draft, project, await _postable(draft.item_code))
        await Notice.update(**columns, version=version + 1).where(Notice.id == notice_id)
        await trail.record(
            actor,
            "notice.revised",
            notice.subject,
            before=facts(as_draft(notice)),
            after=facts(draft),
        )
    return NoticeReceipt(notice_id, None, version + 1)


async def publish_notice(
    actor: Identity,
    *,
    notice_id: int,
    version: int,
    explanations: Explanations = Explanations(),  # noqa: B008  frozen
) -> NoticeReceipt:
    """Publish a draft: rules of today apply, keys are made, the draw is committed to.

    A direct selection goes to the chosen agency instead, whose eligibility is checked now. What the rules
    notice (conditions, split purchase) must be explained.
    Raises `FormInvalid`, `NotEligible`, `StaleForm`, `NotAllowedNow`.
    """
    actor.require(Permission.POST_NOTICE)
    async with transaction():
        notice = await lock_own_notice(notice_id, actor)
        advance(TRANSITIONS, notice.state, NoticeAct.PUBLISH)
        same_version(notice, version)
        now = clock.now()
        await _check(as_draft(notice), now)
        law = content.edition_in_force(clock.today())
        number = await next_number("GG", clock.today())
        custody = _custody(notice, law)
        notice = replace(notice, edition=law.id, number=number, custody=custody)
        promise = await _prepare(notice)
        await move(
            notice,
            NoticeAct.PUBLISH,
            number=number,
            published_at=now,
            questions_until=questions_until(notice.deadline, law, await calendar()),
            shingles=_found_by(notice, number),
            edition=law.id,
            edition_digest=law.digest,
            custody=custody.value,
        )
        public = facts(as_draft(notice)) | {"number": number, "edition": law.id} | promise
        await trail.record(actor, "notice.published", notice.subject, after=public, threads=notice.threads)
        await jobs.defer("market.tell_searchers", {"notice_id": notice_id})
        await explain(actor, notice, explanations)
    return NoticeReceipt(notice_id, number, version + 1)


def _custody(notice: NoticeRow, law: Edition) -> Custody:
    """Who keeps the opening key; a direct selection has none."""
    if notice.method is SelectionMethod.DIRECT:
        return Custody.PLATFORM
    return law.custody_of(public=notice.fund_source.public_money)


def _found_by(notice: NoticeRow, number: str) -> list[str]:
    names = (notice.project_title, notice.location, notice.item_name_zh, notice.item_name_en)
    return shingles(*names, number)


async def _prepare(notice: NoticeRow) -> dict[str, Any]:
    """What the method needs before anybody can take part; the part of it that is public."""
    if notice.method is SelectionMethod.DIRECT:
        await _check_chosen(notice)
        await mail.send(
            to_organization=notice.direct_organization_id,
            message="market/offer_made",
            context=letter(notice),
        )
        return {}
    if notice.method is SelectionMethod.PROPOSAL_PREFERRED:
        await check_panel(notice)
    return await prepare_keys(notice)


async def _check_chosen(notice: NoticeRow) -> None:
    """The agency a client picked itself must be eligible, and its risk acknowledged."""
    agency_id = notice.direct_agency_id or 0
    today = clock.today()
    standing = await agencies.standing(agency_id, Profession(notice.profession), today)
    jobs = await open_jobs([agency_id])
    reasons = eligibility(
        standing,
        notice.call,
        on=today,
        open_jobs=jobs.get(agency_id, 0),
        edition=notice.law,
        ties=await agency_client_ties(notice, standing, today),
    )
    if reasons:
        raise NotEligible(reasons)
    if needs_warning(standing.grade, notice.call, notice.law) and not notice.risk_acknowledged:
        raise FormInvalid(
            {
                "risk_acknowledged": Message(
                    N_("该机构为 %(grade)s 级，请先阅读风险提示并勾选确认。"),
                    {"grade": standing.grade.value},
                )
            }
        )


async def withdraw_notice(actor: Identity, *, notice_id: int, reason: str) -> NoticeReceipt:
    """Take back a notice before its deadline. Bids stay closed for good; the reason is public."""
    actor.require(Permission.POST_NOTICE)
    async with transaction():
        notice = await lock_own_notice(notice_id, actor)
        now = clock.now()
        if notice.state is NoticeState.PUBLISHED:
            late = deadline_passed(notice, now)
            if now >= notice.deadline:
                raise late
            db.refuse_after(notice.deadline, late)
        await _end(actor, notice, NoticeAct.WITHDRAW, "notice.withdrawn", reason)
    return NoticeReceipt(notice_id, notice.number, notice.version + 1)


async def cancel_selection(actor: Identity, *, notice_id: int, reason: str) -> NoticeReceipt:
    """Cancel a selection whose result is on display; everybody who bid is told the reason."""
    actor.require(Permission.SELECT_AGENCY)
    async with transaction():
        notice = await lock_own_notice(notice_id, actor)
        award = await award_of(notice_id)
        await _end(actor, notice, NoticeAct.CANCEL, "notice.cancelled", reason)
        if award is not None:
            await db.execute(
                "update market_award set state = 'cancelled', ended_at = $2 where id = $1",
                award.award_id,
                clock.now(),
            )
            await release_bonds(award.award_id, Release.CANCELLED)
        told = {award.agency_organization_id} if award else set()
        told |= await _bidders(notice_id)
        for organization_id in sorted(told):
            await mail.send(
                to_organization=organization_id,
                message="market/selection_cancelled",
                context=letter(notice) | {"reason": reason},
            )
    return NoticeReceipt(notice_id, notice.number, notice.version + 1)


async def _bidders(notice_id: int) -> set[int]:
    ids = [bid.agency_id for bid in await opened_bids(notice_id)]
    found = await db.rows("select organization from agencies_agency where id = any($1)", ids)
    return {record["organization"] for record in found}


async def _end(actor: Identity, notice: NoticeRow, act: NoticeAct, named: str, reason: str) -> None:
    await move(notice, act, ended_at=clock.now(), end_reason={"words": reason})
    await trail.record(
        actor,
        named,
        notice.subject,
        before={"state": notice.state.value},
        after={"reason": reason},
        threads=notice.threads,
    )


async def repost_notice(actor: Identity, *, notice_id: int, deadline: datetime) -> NoticeReceipt:
    """A new draft with the text of a failed, withdrawn or cancelled notice and a new deadline."""
    actor.require(Permission.POST_NOTICE)
    async with transaction():
        notice = await lock_own_notice(notice_id, actor)
        if notice.state not in REPOSTABLE:
            raise NotAllowedNow(state=notice.state.value, act="repost")
        draft = replace(as_draft(notice), deadline=deadline)
        return await draft_notice(actor, project_id=notice.project_id, draft=draft, repost_of=notice_id)


async def _postable(item_code: str) -> ItemRow:
    item = await service_item(item_code)
    if not item.postable:
        raise ItemNotPostable(item=item.name_zh)
    return item


async def _check(draft: NoticeDraft, now: datetime) -> None:
    law = content.edition_in_force(clock.shanghai(now).date())
    errors = check_draft(draft, edition=law, calendar=await calendar(), now=now)
    if errors:
        raise FormInvalid(errors)


def deadline_passed(notice: NoticeRow, now: datetime) -> DeadlinePassed:
    """The refusal of something that came too late, with both moments to the second."""
    return DeadlinePassed(
        deadline=f"{clock.shanghai(notice.deadline):%Y-%m-%d %H:%M:%S}",
        arrived=f"{clock.shanghai(now):%H:%M:%S.%f}",
    )


def as_draft(notice: NoticeRow) -> NoticeDraft:
    """What the client wrote, read back from the notice."""
    return NoticeDraft(
        item_code=notice.item_code,
        method=notice.method,
        fund_source=notice.fund_source,
        scale=notice.scale,
        requirements=notice.requirements,
        payment_terms=notice.payment_terms,
        ceiling=notice.ceiling,
        floor=notice.floor,
        days_limit=notice.days_limit,
        deadline=notice.deadline,
        agency_id=notice.direct_agency_id,
        reason=notice.direct_reason,
        risk_acknowledged=notice.risk_acknowledged,
        bid_bond=notice.bid_bond,
        performance_bond=notice.performance_bond,
        short_list=notice.short_list,
        criteria=notice.questions,
        outside_source=notice.outside_source,
    )


def facts(draft: NoticeDraft) -> dict[str, Any]:
    """A draft for the trail."""
    return {
        "item": draft.item_code,
        "method": draft.method.value,
        "fund_source": draft.fund_source.value,
        "scale": draft.scale,
        "requirements": draft.requirements,
        "payment_terms": draft.payment_terms,
        "ceiling": draft.ceiling,
        "floor": draft.floor,
        "days_limit": draft.days_limit,
        "deadline": draft.deadline,
        "agency": draft.agency_id,
        "reason": draft.reason,
        "risk_acknowledged": draft.risk_acknowledged,
        "bid_bond": draft.bid_bond,
        "performance_bond": draft.performance_bond,
        "short_list": draft.short_list,
        "criteria": draft.criteria.as_json() if draft.criteria.questions else None,
        "outside_source": draft.outside_source,
    }


def _columns(draft: NoticeDraft, project: ProjectRow, item: ItemRow) -> dict[str, Any]:
    direct = draft.method is SelectionMethod.DIRECT
    return {
        "item": item.id,
        "method": draft.method.value,
        "fund_source": draft.fund_source.value,
        "scale": draft.scale,
        "requirements": draft.requirements,
        "payment_terms": draft.payment_terms,
        "ceiling": draft.ceiling,
        "floor": draft.floor,
        "days_limit": draft.days_limit,
        "deadline": draft.deadline,
        "direct_agency": draft.agency_id if direct else None,
        "direct_reason": draft.reason if direct else "",
        "risk_acknowledged": direct and draft.risk_acknowledged,
        "bid_bond": draft.bid_bond,
        "performance_bond": draft.performance_bond,
        "short_list": draft.short_list if draft.method is SelectionMethod.CREDIT_PREFERRED else None,
        "criteria": draft.criteria.as_json() if draft.method is SelectionMethod.PROPOSAL_PREFERRED else None,
        "outside_source": "" if direct else draft.outside_source,
        "shingles": shingles(project.title, project.location, item.name_zh, item.name_en),
    }
