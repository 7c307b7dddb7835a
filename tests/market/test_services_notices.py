"""Projects, drafts, publication, withdrawal, re-posting, direct selection, the catalogue."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agencies.rules import CreditGrade
from core import clock, db
from core.errors import Forbidden, FormInvalid, NotAllowedNow, StaleForm
from core.identity import Role
from market import content, services
from market.queries.awards import award_of
from market.queries.catalogue import find_items, guide, items, service_item
from market.queries.notices import PHASE_SQL, BoardFilter, notice_board, seal_of
from market.queries.projects import project
from market.rules.catalogue import ItemGone
from market.rules.eligibility import NotEligible
from market.rules.notices import (
    DeadlinePassed,
    FundSource,
    ItemNotPostable,
    NoticeClock,
    NoticeGone,
    NoticeState,
    Phase,
    ProjectGone,
    SelectionMethod,
    phase,
)
from tests.factories import core as make
from tests.factories.agencies import make_grade
from tests.factories.market import (
    bid,
    make_notice,
    make_project,
    make_surveyors,
    notice_draft,
    open_and_select,
    project_draft,
    soonest,
)

pytestmark = pytest.mark.anyio
WHY = "前期测量由该机构完成，成果可直接沿用，避免重复测绘和重复收费。"


async def test_a_project_is_private_until_something_is_published(db: None) -> None:
    project_id, client = await make_project()
    other = await make.member(Role.CLIENT)
    assert (await project(project_id, client)).number.startswith("XT-XM-")
    for reader in (None, other):
        with pytest.raises(ProjectGone):
            await project(project_id, reader)
    await make_notice(client, project_id=project_id)
    assert (await project(project_id)).id == project_id


async def test_a_project_changed_meanwhile_is_a_stale_form(db: None) -> None:
    project_id, client = await make_project()
    draft = project_draft(title="改了名的项目")
    await services.revise_project(client, project_id=project_id, version=1, draft=draft)
    with pytest.raises(StaleForm):
        await services.revise_project(client, project_id=project_id, version=1, draft=draft)
    stranger = await make.member(Role.CLIENT)
    with pytest.raises(ProjectGone):
        await services.revise_project(stranger, project_id=project_id, version=2, draft=draft)


async def test_only_clients_describe_projects(db: None) -> None:
    with pytest.raises(Forbidden):
        await services.describe_project(await make.member(Role.AGENCY), draft=project_draft())


async def test_nobody_posts_for_another_organisation(db: None) -> None:
    project_id, _client = await make_project()
    stranger = await make.member(Role.CLIENT)
    with pytest.raises(ProjectGone):
        await services.draft_notice(stranger, project_id=project_id, draft=await notice_draft())


async def test_an_owner_cannot_post_what_the_department_pays_for(db: None) -> None:
    project_id, client = await make_project()
    draft = await notice_draft(item_code="XT-SV-03")
    with pytest.raises(ItemNotPostable):
        await services.draft_notice(client, project_id=project_id, draft=draft)
    with pytest.raises(ItemGone):
        unknown = await notice_draft(item_code="XT-ZZ-99")
        await services.draft_notice(client, project_id=project_id, draft=unknown)


async def test_a_draft_is_revised_and_a_published_notice_is_not(db: None) -> None:
    project_id, client = await make_project()
    draft = await notice_draft()
    written = await services.draft_notice(client, project_id=project_id, draft=draft)
    cheaper = replace(draft, ceiling=Decimal("25000.00"))
    await services.revise_notice(client, notice_id=written.notice_id, version=1, draft=cheaper)
    with pytest.raises(StaleForm):
        await services.revise_notice(client, notice_id=written.notice_id, version=1, draft=draft)
    with pytest.raises(StaleForm):
        await services.publish_notice(client, notice_id=written.notice_id, version=1)
    receipt = await services.publish_notice(client, notice_id=written.notice_id, version=2)
    assert receipt.number is not None
    with pytest.raises(NotAllowedNow):
        await services.revise_notice(client, notice_id=written.notice_id, version=3, draft=draft)
    with pytest.raises(NotAllowedNow):
        await services.publish_notice(client, notice_id=written.notice_id, version=3)


async def test_publication_judges_the_deadline_of_that_day(db: None) -> None:
    project_id, client = await make_project()
    draft = await notice_draft()
    written = await services.draft_notice(client, project_id=project_id, draft=draft)
    with clock.at(draft.deadline - timedelta(hours=1)), pytest.raises(FormInvalid) as refused:
        await services.publish_notice(client, notice_id=written.notice_id, version=1)
    assert set(refused.value.errors) == {"deadline"}


async def test_every_notice_has_keys_and_a_commitment_of_its_own(db: None) -> None:
    first, second = await make_notice(), await make_notice()
    seals = [await seal_of(made.notice_id) for made in (first, second)]
    assert seals[0] is not None
    assert seals[1] is not None
    assert seals[0].public_key != seals[1].public_key
    assert seals[0].draw_commitment != seals[1].draw_commitment


async def test_a_withdrawn_notice_tells_its_reason_and_can_be_posted_again(db: None) -> None:
    made = await make_notice()
    await services.withdraw_notice(made.client, notice_id=made.notice_id, reason="规模有变")
    row = await made.row()
    assert (row.state, row.end_words) == (NoticeState.WITHDRAWN, "规模有变")
    again = await services.repost_notice(made.client, notice_id=made.notice_id, deadline=await soonest())
    await services.publish_notice(made.client, notice_id=again.notice_id, version=1)
    with pytest.raises(NotAllowedNow):
        await services.repost_notice(made.client, notice_id=again.notice_id, deadline=await soonest())


async def test_after_the_deadline_a_notice_cannot_be_withdrawn(db: None) -> None:
    made = await make_notice()
    with clock.at(made.deadline), pytest.raises(DeadlinePassed):
        await services.withdraw_notice(made.client, notice_id=made.notice_id, reason="太晚")
    stranger = await make.member(Role.CLIENT)
    with pytest.raises(NoticeGone):
        await services.withdraw_notice(stranger, notice_id=made.notice_id, reason="别人的")


async def test_a_selection_on_display_can_be_cancelled_with_a_reason(db: None) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    await bid(agency, made)
    await open_and_select(made)
    await services.cancel_selection(made.client, notice_id=made.notice_id, reason="项目停建")
    assert (await made.row()).state is NoticeState.CANCELLED
    assert await award_of(made.notice_id) is None


# --- direct selection -------------------------------------------------------------------------


async def test_a_direct_selection_is_accepted_by_the_chosen_agency_only(db: None) -> None:
    chosen, other = await make_surveyors(2)
    made = await make_notice(method=SelectionMethod.DIRECT, agency_id=chosen.agency_id)
    assert (await made.row()).phase is Phase.OFFERED
    with pytest.raises(NoticeGone):
        await services.accept_offer(other.member, notice_id=made.notice_id)
    await services.accept_offer(chosen.member, notice_id=made.notice_id)
    won = await award_of(made.notice_id)
    assert won is not None
    assert (won.agency_id, won.amount, won.bid_id) == (chosen.agency_id, Decimal("30000.00"), None)
    assert won.why.code == "chosen-directly"


async def test_a_direct_offer_can_be_declined_or_lapse(db: None) -> None:
    (chosen,) = await make_surveyors(1)
    declined = await make_notice(method=SelectionMethod.DIRECT, agency_id=chosen.agency_id)
    await services.decline_offer(chosen.member, notice_id=declined.notice_id, words="近期人手已满")
    row = await declined.row()
    assert row.ending is not None
    assert row.ending.params == {"words": "近期人手已满"}
    lapsed = await make_notice(method=SelectionMethod.DIRECT, agency_id=chosen.agency_id)
    assert not await services.lapse_offer(lapsed.notice_id)
    with clock.at(lapsed.deadline):
        with pytest.raises(DeadlinePassed):
            await services.accept_offer(chosen.member, notice_id=lapsed.notice_id)
        assert await services.lapse_offer(lapsed.notice_id)
    assert (await lapsed.row()).state is NoticeState.FAILED


async def test_public_money_directly_needs_cap_and_reason(db: None) -> None:
    (chosen,) = await make_surveyors(1)
    public = {
        "method": SelectionMethod.DIRECT,
        "agency_id": chosen.agency_id,
        "fund_source": FundSource.PUBLIC,
    }
    with pytest.raises(FormInvalid) as refused:
        await make_notice(**public, ceiling=Decimal("50000.01"))
    assert set(refused.value.errors) == {"ceiling", "reason"}
    await make_notice(**public, ceiling=Decimal("50000.00"), reason=WHY)


async def test_a_c_agency_needs_the_warning_acknowledged_and_public_money_never(db: None) -> None:
    (chosen,) = await make_surveyors(1)
    await make_grade(chosen.agency_id, CreditGrade.C, score="65.00", published_at=clock.now() - timedelta(days=2))
    direct = {"method": SelectionMethod.DIRECT, "agency_id": chosen.agency_id}
    with pytest.raises(FormInvalid) as refused:
        await make_notice(**direct)
    assert set(refused.value.errors) == {"risk_acknowledged"}
    await make_notice(**direct, risk_acknowledged=True)
    with pytest.raises(NotEligible) as barred:
        await make_notice(**direct, risk_acknowledged=True, fund_source=FundSource.MIXED, reason=WHY)
    assert [reason.code for reason in barred.value.reasons] == ["grade-no-direct"]


# --- lists ------------------------------------------------------------------------------------


async def test_the_board_filters_searches_and_pages(db: None) -> None:
    first = await make_notice()
    second = await make_notice(method=SelectionMethod.RANDOM_DRAW)
    third = await make_notice(fund_source=FundSource.PUBLIC)
    ids = [first.notice_id, second.notice_id, third.notice_id]

    async def found(**chosen: Any) -> list[int]:
        rows = await notice_board(BoardFilter(**chosen), limit=50)
        return [row.id for row in rows if row.id in ids]

    assert await found() == ids[::-1]
    assert await found(method="random-draw") == [second.notice_id]
    assert await found(fund="public") == [third.notice_id]
    assert await found(item="XT-SV-01", profession="surveying", phase="collecting") == ids[::-1]
    assert await found(phase="awarded") == []
    assert await found(query="水性涂料") == ids[::-1]
    assert await found(query="topographic") == ids[::-1]
    assert await found(query="火车站") == []
    assert await found(query=(await second.row()).number) == [second.notice_id]
    page = await notice_board(BoardFilter(), limit=1)
    assert len(page) == 2
    moment = page[0].published_at
    assert moment is not None
    rest = await notice_board(BoardFilter(), limit=50, before=(moment.isoformat(), page[0].id))
    assert page[0].id not in [row.id for row in rest]
    assert page[1].id == rest[0].id


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    state=st.sampled_from(NoticeState),
    method=st.sampled_from(SelectionMethod),
    deadline=st.integers(-2, 2),
    shown=st.none() | st.integers(-2, 2),
    paused=st.booleans(),
    held=st.booleans(),
)
async def test_the_phase_in_sql_agrees_with_the_rule(
    db: None,
    state: NoticeState,
    method: SelectionMethod,
    deadline: int,
    shown: int | None,
    paused: bool,
    held: bool,
) -> None:
    now = clock.now()
    until = None if shown is None else now + timedelta(hours=shown)
    notice = NoticeClock(
        state, method, now + timedelta(hours=deadline), until, now if paused else None, now if held else None
    )
    assert await _phase_in_sql(notice, now) == phase(notice, now).value


async def _phase_in_sql(notice: NoticeClock, now: Any) -> str:
    found: str = await db.value(
        f"""select {PHASE_SQL} from (select $2::text as state, $3::text as method,
                $4::timestamptz as deadline, $5::timestamptz as display_until,
                $6::timestamptz as paused_at, $7::timestamptz as held_until) n""",
        now,
        notice.state.value,
        notice.method.value,
        notice.deadline,
        notice.display_until,
        notice.paused_at,
        notice.held_until,
    )
    return found


# --- catalogue --------------------------------------------------------------------------------


async def test_the_catalogue_is_loaded_once_and_a_changed_row_becomes_a_version(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(await items()) == 26
    assert await services.load_content() == 0
    rows = content.service_items()
    rows[0] = rows[0] | {"fee_max_cny": "31000"}
    monkeypatch.setattr(content, "service_items", lambda: rows[:-1])
    before = await service_item(rows[0]["code"])
    assert await services.load_content() == 1
    after = await service_item(rows[0]["code"])
    assert (after.version, after.fee_max) == (before.version + 1, Decimal("31000"))
    assert before.id != after.id
    assert len(await items()) == 25


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("地形图", "XT-SV-01"),
        ("不动产", "XT-SV-05"),
        ("lightning", "XT-OT-03"),
        ("安全预评价", "XT-SF-01"),
        ("Noise wall of china", None),
    ],
)
async def test_items_are_found_in_both_languages(db: None, query: str, code: str | None) -> None:
    found = [item.code for item in await find_items(query)]
    assert (code in found) if code else found == []


async def test_a_guide_reads_in_both_languages(db: None) -> None:
    page = await guide("XT-SF-01")
    assert len(page.items("process_steps")) == 9
    assert page.cited("legal_basis")[0].startswith("《中华人民共和国安全生产法》")
    with pytest.raises(ItemGone):
        await guide("XT-SF-99")


async def test_a_notice_keeps_the_version_of_its_item(db: None) -> None:
    made = await make_notice()
    row = await made.row()
    assert row.item_id == (await service_item(row.item_code)).id
