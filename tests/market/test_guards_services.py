"""The fairness guards in the services and on the pages: each bites once and lets pass once."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agencies.rules import CreditGrade, Profession
from agencies.rules.independence import Relation, RelationKind, TargetKind
from core import clock, db
from core.errors import Forbidden, FormInvalid, NotAllowedNow
from core.identity import Role
from market import services
from market.queries.awards import award_of
from market.queries.desk import desk_items
from market.queries.flags import flags_of, split_purchases
from market.queries.low_price import price_checks
from market.queries.notices import opened_bids
from market.rules.eligibility import NotEligible
from market.rules.low_price import JustificationLate, NoPriceCheck, NotJustifiedYet
from market.rules.notices import FundSource, NoticeGone, NoticeState, Phase, SelectionMethod
from market.services.flags import Explanations
from tests.conftest import Browse
from tests.factories import core as make
from tests.factories.agencies import MadeAgency, make_agency, make_grade, practitioner
from tests.factories.market import (
    MadeNotice,
    bid,
    make_notice,
    make_project,
    make_selected,
    make_surveyors,
    notice_draft,
    open_and_select,
)

pytestmark = pytest.mark.anyio
WHY = "机构自有控制点成果，外业两天即可完成，设备已折旧完毕，人员固定。"
LOW = ("10000.00", "24600.00", "26000.00")


@pytest.fixture(autouse=True)
def taken_over(web_app: object) -> object:
    async def take(_award_id: int) -> None:
        return None

    before = services.AWARDED._takers
    services.AWARDED.supply(take)
    yield None
    services.AWARDED.supply(*before)


def _codes(refused: Any) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


async def _uscc(organization_id: int) -> str:
    code: str = await db.value("select uscc from core_organization where id = $1", organization_id)
    return code


# --- recusal ----------------------------------------------------------------------------------


async def test_the_controller_of_the_client_may_not_bid(db: None) -> None:
    client_agency = await make_agency(controller="岱岳控股集团")
    client = await make.member(Role.CLIENT, client_agency.organization_id)
    made = await make_notice(client)
    sister, stranger = await make_agency(controller="岱岳 控股集团"), await make_agency()
    with pytest.raises(NotEligible) as refused:
        await bid(sister, made)
    assert _codes(refused) == ["same-controller-as-client"]
    await bid(stranger, made)


async def test_an_agency_that_the_client_itself_controls_may_not_bid(db: None) -> None:
    made = await make_notice()
    name = (await made.row()).client_name_zh
    daughter = await make_agency(controller=name)
    with pytest.raises(NotEligible) as refused:
        await bid(daughter, made)
    assert _codes(refused) == ["same-controller-as-client"]


async def _moves(person: str, before: MadeAgency, after: MadeAgency, on: date) -> None:
    """A practitioner leaves one register on `on` and stands on the other from then on."""
    facts = practitioner(certificate_no=person)
    for agency, start, end in ((before, date(2020, 1, 1), on), (after, on, None)):
        await db.execute(
            "insert into agencies_practitioner (agency, name, certificate_kind, certificate_no, insured_months,"
            " recorded_on, ended_on) values ($1, $2, $3, $4, 6, $5, $6)",
            agency.agency_id,
            facts.name,
            facts.certificate_kind,
            person,
            start,
            end,
        )


@pytest.mark.parametrize(
    ("days_ago", "code"), [(0, ["staff-of-client", "former-employer"]), (400, ["former-employer"]), (1200, [])]
)
async def test_staff_that_came_from_the_client(db: None, days_ago: int, code: list[str]) -> None:
    client_agency, bidder = await make_agency(), await make_agency()
    client = await make.member(Role.CLIENT, client_agency.organization_id)
    made = await make_notice(client)
    await _moves("演示执业-来自业主", client_agency, bidder, clock.today() - timedelta(days=days_ago))
    if not code:
        await bid(bidder, made)
        return
    with pytest.raises(NotEligible) as refused:
        await bid(bidder, made)
    assert _codes(refused) == code


@pytest.mark.parametrize(("years", "bars"), [(1, True), (5, False)])
async def test_a_declared_earlier_job_bars_for_three_years(db: None, years: int, bars: bool) -> None:
    made = await make_notice()
    left = clock.today() - timedelta(days=365 * years)
    job = Relation(
        RelationKind.FORMER_EMPLOYER, TargetKind.ORGANIZATION, await _uscc(made.client.organization_id), "", left
    )
    agency = await make_agency(relations=(job,))
    if not bars:
        await bid(agency, made)
        return
    with pytest.raises(NotEligible) as refused:
        await bid(agency, made)
    assert _codes(refused) == ["former-employer"]
    assert left.isoformat() in str(refused.value)


async def test_two_bidders_under_one_controller_are_set_aside_and_the_third_wins(db: None) -> None:
    made = await make_notice()
    one, two = await make_agency(controller="欧阳甲乙"), await make_agency(controller="欧阳甲乙")
    third = await make_agency()
    for agency, price in ((one, "20000.00"), (two, "21000.00"), (third, "25000.00")):
        await bid(agency, made, price)
    await open_and_select(made)
    award = await award_of(made.notice_id)
    assert award is not None
    assert award.agency_id == third.agency_id
    aside = {each.agency_id: each.reasons[0].code for each in await opened_bids(made.notice_id) if not each.place}
    assert aside == {one.agency_id: "same-controller-as-entrant", two.agency_id: "same-controller-as-entrant"}


async def test_a_practitioner_on_both_registers_sets_both_bidders_aside(db: None) -> None:
    made = await make_notice()
    one, two, third = await make_surveyors(3)
    await _moves("演示执业-两家", one, two, clock.today())
    for agency in (one, two, third):
        await bid(agency, made)
    await open_and_select(made)
    aside = {each.agency_id: each.reasons[0].code for each in await opened_bids(made.notice_id) if not each.place}
    assert aside == {one.agency_id: "staff-of-entrant", two.agency_id: "staff-of-entrant"}


async def _safety(client: Any, project_id: int, item: str) -> MadeNotice:
    return await make_notice(client, project_id=project_id, item_code=item, requirements="安全评价机构资质")


async def _confirmed(made: MadeNotice) -> None:
    row = await made.row()
    assert row.display_until is not None
    with clock.at(row.display_until + timedelta(seconds=1)):
        await services.confirm_award(made.notice_id)


async def test_who_assessed_before_may_not_assess_the_acceptance(db: None) -> None:
    project_id, client = await make_project()
    holder = await make_agency(professions=(Profession.SAFETY,))
    relation = Relation(RelationKind.SHARED_CONTROLLER, TargetKind.AGENCY, holder.uscc)
    sister = await make_agency(professions=(Profession.SAFETY,), relations=(relation,))
    free = await make_agency(professions=(Profession.SAFETY,))
    first = await _safety(client, project_id, "XT-SF-01")
    await bid(holder, first)
    await open_and_select(first)
    with clock.at(first.deadline + timedelta(minutes=5)):
        later = await _safety(client, project_id, "XT-SF-02")
        for agency in (holder, sister):
            with pytest.raises(NotEligible) as refused:
                await bid(agency, later)
            assert _codes(refused) == ["duty-incompatible"]
        await bid(free, later)
        elsewhere_id, _client = await make_project(client)
        await bid(holder, await _safety(client, elsewhere_id, "XT-SF-02"))


async def test_of_two_awards_that_exclude_each_other_the_earlier_stands(db: None) -> None:
    project_id, client = await make_project()
    one = await make_agency(professions=(Profession.SAFETY,))
    before, after = [await _safety(client, project_id, item) for item in ("XT-SF-01", "XT-SF-02")]
    await bid(one, before)
    await bid(one, after)
    with clock.at(before.deadline):
        for made in (before, after):
            await services.open_bids(made.notice_id)
        await services.select_winner(before.notice_id)
        await services.select_winner(after.notice_id)
    await _confirmed(before)
    await _confirmed(after)
    assert (await before.row()).state is NoticeState.AWARDED
    assert (await after.row()).state is NoticeState.FAILED


# --- low prices -------------------------------------------------------------------------------


async def test_an_ordinary_lowest_price_is_announced_at_once(db: None) -> None:
    made, _agencies = await make_selected()
    assert (await made.row()).state is NoticeState.SELECTED
    assert await price_checks(made.notice_id, made.client.organization_id, None) == []


async def test_an_accepted_justification_keeps_the_order(db: None) -> None:
    made, (low, *_others) = await make_selected(LOW)
    row = await made.row()
    assert (row.phase, row.state) == (Phase.JUSTIFYING, NoticeState.OPENED)
    assert await award_of(made.notice_id) is None
    at = made.deadline + timedelta(hours=1)
    with clock.at(at):
        assert not await services.select_winner(made.notice_id)
        assert not await services.lapse_price(made.notice_id)
        assert [item.href for item in await desk_items(low.member, at)] == [f"/notices/{made.notice_id}/low-price"]
        await services.justify_price(low.member, notice_id=made.notice_id, words=WHY)
        with pytest.raises(JustificationLate):
            await services.justify_price(low.member, notice_id=made.notice_id, words=WHY)
        assert f"/notices/{made.notice_id}/low-price" in [i.href for i in await desk_items(made.client, at)]
        words = "控制点成果属实，工期与人员相称。"
        await services.decide_price(made.client, notice_id=made.notice_id, accept=True, words=words)
    award = await award_of(made.notice_id)
    assert award is not None
    assert (award.agency_id, award.place, award.why.code) == (low.agency_id, 1, "chosen-lowest")


async def test_a_rejected_one_is_followed_by_the_next_in_the_fixed_order(db: None) -> None:
    made, (low, second, _third) = await make_selected(LOW)
    with clock.at(made.deadline + timedelta(hours=1)):
        await services.justify_price(low.member, notice_id=made.notice_id, words=WHY)
        await services.decide_price(made.client, notice_id=made.notice_id, accept=False, words="没有说明外业成本。")
    award = await award_of(made.notice_id)
    assert award is not None
    assert (award.agency_id, award.place, award.why.code) == (second.agency_id, 2, "chosen-after-low-price")
    aside = {each.agency_id: each for each in await opened_bids(made.notice_id)}[low.agency_id]
    assert (aside.state, aside.place, aside.reasons[0].code) == ("set-aside", None, "low-price-rejected")


async def test_silence_of_the_agency_sets_aside_and_silence_of_the_client_accepts(db: None) -> None:
    made, (low, second, _third) = await make_selected(LOW)
    held = (await made.row()).held_until
    assert held is not None
    with clock.at(held):
        with pytest.raises(JustificationLate):
            await services.justify_price(low.member, notice_id=made.notice_id, words=WHY)
        assert await services.sweep_notices() == 1
        assert not await services.lapse_price(made.notice_id)
    award = await award_of(made.notice_id)
    assert award is not None
    assert award.agency_id == second.agency_id

    other, (patient, *_rest) = await make_selected(LOW)
    with clock.at(other.deadline + timedelta(hours=1)):
        await services.justify_price(patient.member, notice_id=other.notice_id, words=WHY)
    held = (await other.row()).held_until
    assert held is not None
    with clock.at(held):
        assert await services.lapse_price(other.notice_id)
    award = await award_of(other.notice_id)
    assert award is not None
    assert award.agency_id == patient.agency_id


async def test_only_the_two_sides_act_and_the_client_only_on_words(db: None) -> None:
    made, (low, second, _third) = await make_selected(LOW)
    stranger = await make.member(Role.CLIENT)
    with clock.at(made.deadline + timedelta(hours=1)):
        with pytest.raises(NotJustifiedYet):
            await services.decide_price(made.client, notice_id=made.notice_id, accept=True, words="同意这个价格。")
        with pytest.raises(NoPriceCheck):
            await services.justify_price(second.member, notice_id=made.notice_id, words=WHY)
        with pytest.raises(Forbidden):
            await services.decide_price(low.member, notice_id=made.notice_id, accept=True, words="同意这个价格。")
        with pytest.raises(NoticeGone):
            await services.decide_price(stranger, notice_id=made.notice_id, accept=True, words="同意这个价格。")


async def test_a_drawn_price_is_nobodys_low_price(db: None) -> None:
    made, _agencies = await make_selected(("30000.00", "30000.00"), method=SelectionMethod.RANDOM_DRAW)
    assert (await made.row()).state is NoticeState.SELECTED


async def _short_listed(low: str = "24600.00") -> tuple[MadeNotice, list[MadeAgency]]:
    made = await make_notice(method=SelectionMethod.CREDIT_PREFERRED)
    agencies = await make_surveyors(3)
    for agency, grade, price in zip(agencies, "CBB", (low, "25000.00", "26000.00"), strict=True):
        await make_grade(agency.agency_id, CreditGrade(grade), score="66.00", published_at=clock.now())
        await bid(agency, made, price)
    await open_and_select(made)
    return made, agencies


async def test_the_pick_of_a_c_agency_needs_the_warning_read(db: None) -> None:
    made, (weak, sound, _third) = await _short_listed()
    with clock.at(made.deadline + timedelta(minutes=5)):
        with pytest.raises(FormInvalid) as refused:
            await services.pick_agency(
                made.client, notice_id=made.notice_id, agency_id=weak.agency_id, reason="熟悉场地"
            )
        assert list(refused.value.errors) == ["risk_acknowledged"]
        await services.pick_agency(
            made.client, notice_id=made.notice_id, agency_id=weak.agency_id, reason="熟悉场地", risk_acknowledged=True
        )
    award = await award_of(made.notice_id)
    assert award is not None
    assert (award.agency_id, award.grade_at_selection) == (weak.agency_id, "C")
    again, (_weak, sound, _third) = await _short_listed()
    with clock.at(again.deadline + timedelta(minutes=5)):
        await services.pick_agency(
            again.client, notice_id=again.notice_id, agency_id=sound.agency_id, reason="质量稳定"
        )
    assert await award_of(again.notice_id) is not None


async def test_a_picked_low_price_waits_too_and_cannot_be_picked_past(db: None) -> None:
    made, (cheap, sound, _third) = await _short_listed("9000.00")
    with clock.at(made.deadline + timedelta(minutes=5)):
        await services.pick_agency(
            made.client, notice_id=made.notice_id, agency_id=cheap.agency_id, reason="价格低", risk_acknowledged=True
        )
        assert (await made.row()).phase is Phase.JUSTIFYING
        with pytest.raises(NotAllowedNow):
            await services.pick_agency(
                made.client, notice_id=made.notice_id, agency_id=sound.agency_id, reason="改选别家"
            )
    row = await made.row()
    assert row.held_until is not None
    with clock.at(row.held_until):
        assert await services.sweep_notices() == 1
    award = await award_of(made.notice_id)
    assert award is not None
    assert award.place == 2
    assert award.agency_id != cheap.agency_id


async def test_the_justification_is_for_its_readers_only(db: None, browse: Browse, api: Browse) -> None:
    made, (low, second, _third) = await make_selected(LOW)
    url = f"/notices/{made.notice_id}/low-price"
    with clock.at(made.deadline + timedelta(hours=1)):
        agency = await browse(low.member)
        short = await agency.submit(f"{url}/justify", {"words": "便宜"})
        assert short.status_code == 422
        assert "便宜" in short.text
        assert (await agency.submit(f"{url}/justify", {"words": WHY})).status_code == 303
        supervisor = await make.member(Role.MARKET_SUPERVISOR)
        for reader, seen in ((low.member, True), (made.client, True), (supervisor, True), (second.member, False)):
            page = await (await browse(reader)).get(url)
            assert (WHY in page.text) is seen
        public = await (await browse()).get(url)
        assert "低价说明" in public.text
        assert WHY not in public.text
        anonymous = (await (await api()).get(f"/api/v1/notices/{made.notice_id}/low-prices")).json()
        assert anonymous["items"][0]["justification"] is None
        assert anonymous["items"][0]["mean_of_others"] == "25300.00"
        program = await api(made.client)
        told = await program.post(
            f"/api/v1/notices/{made.notice_id}/price-decision",
            json={"decision": "accept", "words": "依据充分，予以接受。"},
            headers={"Idempotency-Key": "low-price-decision-1"},
        )
        assert told.status_code == 201, told.text
        shown = await (await browse()).get(f"/notices/{made.notice_id}")
        assert "依据充分，予以接受。" in shown.text


# --- split purchases and conditions -----------------------------------------------------------


async def _direct(client: Any, agency: MadeAgency, ceiling: str, **changes: object) -> int:
    project_id, client = await make_project(client, **changes)
    draft = await notice_draft(
        method=SelectionMethod.DIRECT,
        fund_source=FundSource.PUBLIC,
        ceiling=Decimal(ceiling),
        agency_id=agency.agency_id,
        reason="原控制网由该机构布设，延续使用可以避免重复测量。",
    )
    return (await services.draft_notice(client, project_id=project_id, draft=draft)).notice_id


async def test_a_split_purchase_needs_a_public_reason_and_reaches_the_supervisor(
    db: None, browse: Browse, api: Browse
) -> None:
    agency = await make_agency()
    client = await make.member(Role.CLIENT)
    first = await _direct(client, agency, "30000.00")
    await services.publish_notice(client, notice_id=first, version=1)
    second = await _direct(client, agency, "30000.00")
    page = await (await browse(client)).get(f"/notices/{second}/check")
    assert "看起来像分次采购" in page.text
    with pytest.raises(FormInvalid) as refused:
        await services.publish_notice(client, notice_id=second, version=1)
    assert list(refused.value.errors) == ["split_reason"]
    why = "第二块用地上月才批复，无法与第一块合并。"
    said = await (await browse(client)).submit(f"/notices/{second}/publish", {"version": 1, "split_reason": why})
    assert said.status_code == 303
    public = await (await browse()).get(f"/notices/{second}")
    assert why in public.text
    (found,) = await split_purchases()
    assert (found.notice_id, found.total, found.limit) == (second, Decimal("60000.00"), Decimal("50000.00"))
    assert [one["notice_id"] for one in found.earlier] == [first]
    supervisor = await api(Role.MARKET_SUPERVISOR)
    assert (await supervisor.get("/api/v1/split-purchases")).json()["items"][0]["reason"] == why
    assert (await (await api(client)).get("/api/v1/split-purchases")).status_code == 403


async def test_another_place_or_a_long_time_is_no_split(db: None) -> None:
    agency = await make_agency()
    client = await make.member(Role.CLIENT)
    first = await _direct(client, agency, "30000.00")
    await services.publish_notice(client, notice_id=first, version=1)
    elsewhere = await _direct(client, agency, "30000.00", location="新泰市汶南镇")
    await services.publish_notice(client, notice_id=elsewhere, version=1)
    with clock.at(clock.now() + timedelta(days=91)):
        later = await _direct(client, agency, "30000.00")
        await services.publish_notice(client, notice_id=later, version=1)
    assert await split_purchases() == []


async def test_a_restrictive_condition_is_explained_in_public_or_changed(db: None, browse: Browse, api: Browse) -> None:
    project_id, client = await make_project()
    draft = await notice_draft(requirements="测绘资质乙级以上；限本地企业参加")
    written = await services.draft_notice(client, project_id=project_id, draft=draft)
    warned = (await (await api(client)).get(f"/api/v1/notices/{written.notice_id}/warnings")).json()
    assert [each["code"] for each in warned["conditions"]] == ["locality"]
    refused = await (await browse(client)).submit(f"/notices/{written.notice_id}/publish", {"version": 1})
    assert refused.status_code == 422
    assert "限本地企业参加" in refused.text
    assert "甲级或乙级" in refused.text
    words = Explanations(conditions="汛期需要一小时内到达现场抢测。")
    await services.publish_notice(client, notice_id=written.notice_id, version=1, explanations=words)
    (flag,) = await flags_of(written.notice_id)
    assert (flag.kind, flag.code, flag.words) == ("condition", "locality", "汛期需要一小时内到达现场抢测。")
    public = await (await browse(lang="en")).get(f"/notices/{written.notice_id}")
    assert "Limits agencies to an area" in public.text
    items = (await (await api()).get(f"/api/v1/notices/{written.notice_id}/flags")).json()["items"]
    assert items[0]["facts"]["clause"] == "限本地企业参加"


async def test_ordinary_conditions_need_no_words(db: None) -> None:
    made = await make_notice()
    assert await flags_of(made.notice_id) == []


# --- the grade as it stood --------------------------------------------------------------------


async def _publication(agency_id: int) -> str:
    number: str = await db.value("select publication_no from agencies_grade_record where agency = $1", agency_id)
    return number


async def test_the_publication_behind_a_grade_is_kept_with_bid_and_award(db: None, browse: Browse) -> None:
    made = await make_notice()
    graded, newcomer = await make_surveyors(2)
    await make_grade(graded.agency_id, CreditGrade.A, score="93.10", published_at=clock.now() - timedelta(days=9))
    number = await _publication(graded.agency_id)
    await bid(graded, made, "24000.00")
    await bid(newcomer, made, "25000.00")
    await open_and_select(made)
    with clock.at(made.deadline + timedelta(hours=2)):
        await make_grade(graded.agency_id, CreditGrade.C, score="65.00", published_at=clock.now())
    bids = {each.agency_id: each for each in await opened_bids(made.notice_id)}
    assert (bids[graded.agency_id].grade, bids[graded.agency_id].publication_no) == ("A", number)
    assert (bids[newcomer.agency_id].grade, bids[newcomer.agency_id].publication_no) == ("N", None)
    award = await award_of(made.notice_id)
    assert award is not None
    assert (award.grade_at_selection, award.score_at_selection) == ("A", Decimal("93.10"))
    assert award.publication_no == number
    page = await (await browse()).get(f"/notices/{made.notice_id}/result")
    assert "等级以当时为准" in page.text
    assert number in page.text


# --- the rules themselves ---------------------------------------------------------------------


@pytest.mark.parametrize(("lang", "words"), [("zh_Hans", "不相容的事项"), ("en", "Duties that do not go together")])
async def test_the_guards_are_published_with_their_numbers(db: None, browse: Browse, lang: str, words: str) -> None:
    page = await (await browse(lang=lang)).get("/rules/fairness")
    assert page.status_code == 200
    assert words in page.text
    assert "40%" in page.text


async def test_the_matrix_is_there_for_programs(db: None, api: Browse) -> None:
    found = (await (await api()).get("/api/v1/incompatible-duties")).json()["items"]
    assert {"first", "second", "basis", "verified"} <= set(found[0])
