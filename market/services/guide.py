"""A client keeps the guide's result as its plan, says what it does about each item, posts its basket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from core import clock, db, trail
from core.db import transaction
from core.errors import DomainError, FormInvalid, Message, Rejected
from core.i18n import N_
from core.identity import Identity, Permission
from market import content
from market.queries.catalogue import ItemRow
from market.queries.guide import GuideResult, catalogue_guides, guide_result, handling_of
from market.queries.projects import own_project
from market.rules.catalogue import ItemGone
from market.rules.eligibility import NotEligible
from market.rules.guide import Answers, Handling, NotSelfPrepared
from market.rules.notices import ItemNotPostable, NoticeDraft, SelectionMethod
from market.rules.panel import NotAPanelMember, PanelIncomplete
from market.services.flags import Explanations
from market.services.notices import NoticeReceipt, draft_notice, publish_notice
from market.services.panels import name_panel


class BasketEmpty(Rejected):
    """Nothing to post."""

    code = "basket-empty"
    text = N_("请至少勾选一项再发布。清单是空的，可以从项目向导或服务事项里加入。")


@dataclass(frozen=True)
class PlanReceipt:
    """That a plan is kept."""

    project_id: int
    version: int
    days: int
    items: tuple[str, ...]


@dataclass(frozen=True)
class HandlingReceipt:
    """What the client now does about the items of a project."""

    project_id: int
    handling: Mapping[str, Handling]


@dataclass(frozen=True)
class BasketReceipt:
    """The notices of one basket, published together."""

    project_id: int
    notices: tuple[NoticeReceipt, ...]


async def keep_plan(
    actor: Identity,
    *,
    project_id: int,
    project_type: str,
    answers: Answers,
    started_on: date,
    handling: Mapping[str, Handling] | None = None,
) -> PlanReceipt:
    """Keep what the guide says as the plan of an own project, in place of an earlier one.

    The plan keeps the catalogue rows it was made from (version, digest, days), so that a later edition
    of the catalogue does not change it. `started_on` is the day before working day 1. `handling` is what
    the client does about items, as in `handle_items`. Raises `ProjectGone`, `ProjectTypeGone`,
    `ItemNotPostable`, `NotSelfPrepared`.
    """
    actor.require(Permission.MANAGE_PROJECT)
    async with transaction():
        await own_project(project_id, actor)
        result = await guide_result(project_type, answers)
        items = _frozen(result)
        kept = {each.question.code: each.value for each in result.answers if not each.assumed}
        digest = content.digest_of({"items": items, "rules": content.rulebook().digest})
        before = await db.row("select digest, started_on from market_project_plan where project = $1", project_id)
        version: int = await db.value(
            """insert into market_project_plan (project, project_type, answers, items, digest, started_on, version,
                      kept_by, kept_at) values ($1, $2, $3, $4, $5, $6, 1, $7, $8)
               on conflict (project) do update set project_type = $2, answers = $3, items = $4, digest = $5,
                      started_on = $6, version = market_project_plan.version + 1, kept_by = $7, kept_at = $8
               returning version""",
            project_id,
            project_type,
            kept,
            items,
            digest,
            started_on,
            actor.account_id,
            clock.now(),
        )
        await trail.record(
            actor,
            "plan.kept",
            f"project:{project_id}",
            before={"digest": before["digest"], "started_on": before["started_on"]} if before else None,
            after={
                "project_type": project_type,
                "answers": kept,
                "items": [each["code"] for each in items],
                "days": result.course.days,
                "digest": digest,
                "started_on": started_on,
            },
        )
        if handling:
            await handle_items(actor, project_id=project_id, handling=handling)
    return PlanReceipt(project_id, version, result.course.days, tuple(each["code"] for each in items))


def _frozen(result: GuideResult) -> list[dict[str, Any]]:
    rows = []
    for step in result.course.steps:
        item = result.guides[step.item].item
        rows.append(
            {
                "code": item.code,
                "item": item.id,
                "version": item.version,
                "digest": item.digest,
                "days": item.promised_days,
                "before": list(step.before),
            }
        )
    return rows


async def handle_items(actor: Identity, *, project_id: int, handling: Mapping[str, Handling | None]) -> HandlingReceipt:
    """Put items into the basket of an own project, mark them as made by itself or there already; None takes back.

    `ItemNotPostable` for what a department orders, `NotSelfPrepared` where the law wants a qualified
    agency, `ItemGone`, `ProjectGone`.
    """
    actor.require(Permission.MANAGE_PROJECT)
    async with transaction():
        await own_project(project_id, actor)
        guides = await catalogue_guides()
        before = await handling_of(project_id)
        for code, each in sorted(handling.items()):
            if code not in guides:
                raise ItemGone
            await _handle(project_id, guides[code].item, each)
        after = await handling_of(project_id)
        if after != before:
            changed = [code for code in handling if before.get(code) != after.get(code)]
            await trail.record(
                actor,
                "project.items-handled",
                f"project:{project_id}",
                before={code: before[code].value for code in changed if code in before},
                after={code: after[code].value for code in changed if code in after},
            )
    return HandlingReceipt(project_id, after)


async def _handle(project_id: int, item: ItemRow, handling: Handling | None) -> None:
    if handling is None:
        sql = "delete from market_project_item where project = $1 and item_code = $2"
        await db.execute(sql, project_id, item.code)
        return
    if handling is Handling.BASKET and not item.postable:
        raise ItemNotPostable(item=item.name_zh)
    if handling is Handling.SELF and not item.self_preparation:
        raise NotSelfPrepared(item=item.name_zh)
    await db.execute(
        """insert into market_project_item (project, item_code, handling, set_at) values ($1, $2, $3, $4)
           on conflict (project, item_code) do update set handling = $3, set_at = $4""",
        project_id,
        item.code,
        handling.value,
        clock.now(),
    )


async def post_together(
    actor: Identity, project_id: int, draft: NoticeDraft, words: Explanations, panel: Sequence[int]
) -> NoticeReceipt:
    """Write and publish one notice of many, with its panel where its method has one. Inside the caller's transaction."""
    written = await draft_notice(actor, project_id=project_id, draft=draft)
    if draft.method is SelectionMethod.PROPOSAL_PREFERRED:
        await name_panel(actor, notice_id=written.notice_id, accounts=panel)
    return await publish_notice(actor, notice_id=written.notice_id, version=written.version, explanations=words)


Line = tuple[str, NoticeDraft]


SHARED_BY_ALL = {"criteria"}
"""Fields that the form holds once for all lines; their faults stand there."""
NOTHING_NOTICED = Explanations()


async def post_basket(
    actor: Identity,
    *,
    project_id: int,
    lines: Sequence[Line],
    explanations: Mapping[str, Explanations] = MappingProxyType({}),
    panel: Sequence[int] = (),
) -> BasketReceipt:
    """Publish several notices of one project at once: all of them or none, in one transaction.

    Each line is (name of the line in the form, draft); `explanations` are by line, `panel` assesses every
    proposal-preferred one, its chair first. Raises `FormInvalid` with every fault of every line, named
    `<line>-<field>`; a refusal that belongs to no field stands at `<line>-item_code`.
    """
    actor.require(Permission.POST_NOTICE)
    if not lines:
        raise BasketEmpty
    errors: dict[str, Message] = {}
    receipts = []
    async with transaction():
        await own_project(project_id, actor)
        for name, draft in lines:
            try:
                words = explanations.get(name, NOTHING_NOTICED)
                receipts.append(await post_together(actor, project_id, draft, words, panel))
            except FormInvalid as refused:
                errors |= {
                    field if field in SHARED_BY_ALL else f"{name}-{field}": message
                    for field, message in refused.errors.items()
                }
            except (PanelIncomplete, NotAPanelMember) as refused:
                errors["members"] = Message(refused.text, refused.params)
            except NotEligible as refused:
                errors[f"{name}-agency_id"] = Message(refused.text, refused.params)
            except DomainError as refused:
                errors[f"{name}-item_code"] = Message(refused.text, refused.params)
        if errors:
            raise FormInvalid(errors)
        codes = [draft.item_code for _name, draft in lines]
        await db.execute(
            "delete from market_project_item where project = $1 and item_code = any($2) and handling = 'basket'",
            project_id,
            codes,
        )
        numbers = [receipt.number for receipt in receipts]
        await trail.record(actor, "basket.posted", f"project:{project_id}", after={"items": codes, "numbers": numbers})
    return BasketReceipt(project_id, tuple(receipts))
