"""The later steps of a selection on a real database: draw ground, pick, panel, outside value, decline."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from agencies.rules import CreditGrade
from core import clock, db
from core.errors import Forbidden, FormInvalid, NotAllowedNow
from core.identity import Identity, Role
from market import services
from market.queries.awards import award_of, ended_awards
from market.queries.desk import desk_items
from market.queries.notices import opened_bids, opening_of
from market.queries.panels import panel_view, published_scores
from market.rules.draw_check import check_draw
from market.rules.methods import NoAwardToDecline, NoOutsideValue, NotShortListed, PickTooLate
from market.rules.notices import FundSource, NoticeGone, NoticeState, SelectionMethod
from market.rules.panel import (
    Criteria,
    HasTie,
    NotAPanelMember,
    NotOnPanel,
    NotTheChair,
    PanelIncomplete,
    Question,
    ScoresMissing,
    ScoresSubmitted,
    TieUndeclared,
)
from tests.conftest import Browse
from tests.factories import core as make
from tests.factories.agencies import MadeAgency, make_grade
from tests.factories.market import (
    MadeNotice,
    bid,
    make_custodians,
    make_notice,
    make_project,
    make_selected,
    make_surveyors,
    notice_draft,
    open_and_select,
)
from tests.market.draw_by_the_document import verify

pytestmark = pytest.mark.anyio
M = SelectionMethod
CRITERIA = Criteria((Question("q1", "技术路线", 40, Decimal(16)), Question("q2", "人员", 30, Decimal(12))), 30)


async def test_the_average_price_is_drawn_and_recomputes(db: None) -> None:
    made, _agencies = await make_selected(("20000.00", "22000.00", "25000.00", "29000.00"), method=M.AVERAGE_PRICE)
    opening = await opening_of(made.notice_id)
    assert opening is not None
    assert opening.draw is not None
    record = check_draw(opening.draw)
    assert verify(json.dumps(opening.draw))
    assert record.factor is not None
    reference = Decimal(47000) / 2 * Decimal(record.factor.candidate)
    prices = [bid.amount for bid in await opened_bids(made.notice_id) if bid.amount is not None]
    assert prices == sorted(prices, key=lambda price: abs(price - reference))


async def test_contributions_and_checkpoint_are_frozen_before_the_draw(db: None) -> None:
    made = await make_notice(method=M.RANDOM_DRAW)
    for agency in await make_surveyors(2):
        await bid(agency, made, "30000.00")
    with clock.at(made.deadline):
        await services.open_bids(made.notice_id)
    row = await _ground(made.notice_id)
    stored = await db_contributions(made.notice_id)
    assert dict(row["envelopes"]) == stored
    with clock.at(made.deadline):
        await services.select_winner(made.notice_id)
    opening = await opening_of(made.notice_id)
    assert opening is not None
    assert {each["digest"]: each["contribution"] for each in (opening.draw or {})["envelopes"]} == stored


async def _ground(notice_id: int) -> dict[str, list[list[str]]]:
    return dict(await db.row("select envelopes from market_draw_ground where notice = $1", notice_id))


async def db_contributions(notice_id: int) -> dict[str, str]:
    found = await db.rows(
        "select digest, coalesce(contribution, '') as own from market_bid where notice = $1", notice_id
    )
    return {record["digest"]: record["own"] for record in found}


# --- credit-preferred -------------------------------------------------------------------------


async def short_listed(count: int = 4) -> tuple[MadeNotice, list[MadeAgency]]:
    made = await make_notice(method=M.CREDIT_PREFERRED, short_list=3)
    agencies = await make_surveyors(count)
    for number, agency in enumerate(agencies):
        await make_grade(agency.agency_id, CreditGrade.B, score=f"{70 + number}.50")
        await bid(agency, made)
    await open_and_select(made)
    return made, agencies


async def _listed(made: MadeNotice) -> list[int]:
    return [one.agency_id for one in await opened_bids(made.notice_id) if one.shortlisted]


async def test_the_owner_picks_from_the_short_list_and_the_others_stand_in_line(db: None) -> None:
    made, agencies = await short_listed()
    row = await made.row()
    assert row.state is NoticeState.SHORTLISTED
    assert row.decide_by is not None
    assert await award_of(made.notice_id) is None
    listed = await _listed(made)
    assert len(listed) == 3
    out = next(one.agency_id for one in agencies if one.agency_id not in listed)
    with clock.at(made.deadline + timedelta(minutes=5)):
        with pytest.raises(NotShortListed):
            await services.pick_agency(made.client, notice_id=made.notice_id, agency_id=out, reason="最合适的机构")
        with pytest.raises(NoticeGone):
            stranger = await make.member(Role.CLIENT)
            await services.pick_agency(stranger, notice_id=made.notice_id, agency_id=listed[1], reason="最合适")
        await services.pick_agency(made.client, notice_id=made.notice_id, agency_id=listed[1], reason="最合适的机构")
    won = await award_of(made.notice_id)
    assert won is not None
    assert (won.agency_id, won.why.code) == (listed[1], "chosen-from-short-list")
    order = [one.agency_id for one in await opened_bids(made.notice_id) if one.place]
    assert order == [listed[1], listed[0], listed[2]]


async def test_nobody_picks_in_time_so_the_first_drawn_wins(db: None) -> None:
    made, _agencies = await short_listed()
    row, listed = await made.row(), await _listed(made)
    assert row.decide_by is not None
    with clock.at(row.decide_by - timedelta(seconds=1)):
        assert not await services.pick_overdue(made.notice_id)
    with clock.at(row.decide_by):
        with pytest.raises(PickTooLate):
            await services.pick_agency(made.client, notice_id=made.notice_id, agency_id=listed[1], reason="太晚了吧")
        assert await services.sweep_notices() == 1
    won = await award_of(made.notice_id)
    assert won is not None
    assert (won.agency_id, won.why.code) == (listed[0], "chosen-first-drawn")


# --- the outside value ------------------------------------------------------------------------


async def test_the_draw_waits_for_the_outside_value(db: None) -> None:
    made = await make_notice(method=M.RANDOM_DRAW, outside_source="彩票第 138 期")
    agency, other = await make_surveyors(2)
    await bid(agency, made, "30000.00")
    await bid(other, made, "30000.00")
    with pytest.raises(NoOutsideValue):
        await services.record_outside_value(made.client, notice_id=made.notice_id, value="07", where="报纸")
    await open_and_select(made)
    with clock.at(made.deadline + timedelta(hours=1)):
        assert await services.sweep_notices() == 0
        assert (await made.row()).state is NoticeState.OPENED
        with pytest.raises(NoticeGone):
            await services.record_outside_value(agency.member, notice_id=made.notice_id, value="07", where="报纸")
        supervisor = await make.member(Role.MARKET_SUPERVISOR)
        await services.record_outside_value(supervisor, notice_id=made.notice_id, value="07 11", where="报纸")
        with pytest.raises(NoOutsideValue):
            await services.record_outside_value(made.client, notice_id=made.notice_id, value="08", where="报纸")
        assert await services.select_winner(made.notice_id)
    opening = await opening_of(made.notice_id)
    assert opening is not None
    assert opening.draw is not None
    assert check_draw(opening.draw).inputs.ground.outside.value == "07 11"


# --- the winner gives up ----------------------------------------------------------------------


async def test_a_winner_that_gives_up_is_followed_by_the_next_in_line(db: None) -> None:
    made, (first, second) = await make_selected(("20000.00", "21000.00"))
    with clock.at(made.deadline + timedelta(hours=1)):
        with pytest.raises(NoAwardToDecline):
            await services.decline_award(second.member, notice_id=made.notice_id, words="我们人手不够")
        await services.decline_award(first.member, notice_id=made.notice_id, words="我们人手不够")
        won = await award_of(made.notice_id)
        assert won is not None
        assert (won.agency_id, won.why.code) == (second.agency_id, "chosen-as-substitute")
        assert [one.state for one in await ended_awards(made.notice_id)] == ["declined"]
        await services.decline_award(second.member, notice_id=made.notice_id, words="我们也不做了")
    assert (await made.row()).state is NoticeState.FAILED


# --- proposal-preferred -----------------------------------------------------------------------


async def panel_of(made_client: Identity) -> list[Identity]:
    chair = await make.member(Role.CLIENT, made_client.organization_id)
    return [chair, await make.member(Role.REVIEWER), await make.member(Role.REVIEWER)]


async def assessing(
    prices: tuple[str, ...] = ("20000.00", "25000.00"),
) -> tuple[MadeNotice, list[Identity], list[MadeAgency]]:
    project_id, client = await make_project()
    draft = await notice_draft(method=M.PROPOSAL_PREFERRED, criteria=CRITERIA)
    written = await services.draft_notice(client, project_id=project_id, draft=draft)
    with pytest.raises(PanelIncomplete):
        await services.publish_notice(client, notice_id=written.notice_id, version=1)
    members = await panel_of(client)
    with pytest.raises(PanelIncomplete):
        await services.name_panel(client, notice_id=written.notice_id, accounts=[one.account_id for one in members[:2]])
    stranger = await make.member(Role.CLIENT)
    with pytest.raises(NotAPanelMember):
        accounts = [members[0].account_id, members[1].account_id, stranger.account_id]
        await services.name_panel(client, notice_id=written.notice_id, accounts=accounts)
    accounts = [one.account_id for one in members]
    await services.name_panel(client, notice_id=written.notice_id, accounts=accounts)
    await services.publish_notice(client, notice_id=written.notice_id, version=1)
    made = MadeNotice(written.notice_id, project_id, client, draft.deadline)
    agencies = await make_surveyors(len(prices))
    for agency, price in zip(agencies, prices, strict=True):
        await bid(agency, made, price)
    await open_and_select(made)
    return made, members, agencies


async def scores(
    made: MadeNotice, member: Identity, points: dict[str, tuple[str, str]], *, submit: bool = True
) -> None:
    marks = {}
    for name, (first, second) in points.items():
        marks |= {(name, "q1"): Decimal(first), (name, "q2"): Decimal(second)}
    await services.save_scores(member, notice_id=made.notice_id, marks=marks, submit=submit)


async def test_a_panel_assesses_without_names_and_prices_and_its_chair_signs(db: None, web_app: object) -> None:
    made, members, agencies = await assessing()
    chair, second, third = members
    notice_id = made.notice_id
    assert (await made.row()).state is NoticeState.ASSESSING
    assert await opened_bids(notice_id) == [], "nobody sees whose price is which"
    with clock.at(made.deadline + timedelta(hours=1)):
        assert [one.kind for one in await desk_items(second, clock.now())] == ["方案评审"]
        with pytest.raises(NotOnPanel):
            await panel_view(await made.row(), made.client)
        with pytest.raises(TieUndeclared):
            await scores(made, second, {"甲": ("20", "20")})
        assert (await panel_view(await made.row(), second)).proposals == []
        for member in members:
            await services.declare_no_tie(member, notice_id=notice_id)
        view = await panel_view(await made.row(), second)
        shown = json.dumps([vars(one) for one in view.proposals], ensure_ascii=False)
        assert [one.name for one in view.proposals] == ["甲", "乙"]
        assert not any(agency.name_zh in shown for agency in agencies)
        assert "20000" not in shown
        with pytest.raises(FormInvalid):
            await scores(made, second, {"甲": ("41", "20"), "乙": ("20", "20")})
        with pytest.raises(FormInvalid):
            await scores(made, second, {"甲": ("20", "20")})
        await scores(made, second, {"甲": ("20", "20")}, submit=False)
        await scores(made, second, {"甲": ("20", "20"), "乙": ("30", "25")})
        with pytest.raises(ScoresSubmitted):
            await scores(made, second, {"甲": ("21", "20"), "乙": ("30", "25")})
        with pytest.raises(ScoresMissing):
            await services.sign_assessment(chair, notice_id=notice_id)
        assert (await panel_view(await made.row(), third)).everybody == {}, "nobody sees others before all are in"
        await scores(made, third, {"甲": ("24", "20"), "乙": ("30", "25")})
        await scores(made, chair, {"甲": ("35", "20"), "乙": ("30", "25")})
        with pytest.raises(NotTheChair):
            await services.sign_assessment(second, notice_id=notice_id)
        with pytest.raises(ScoresMissing):
            await services.sign_assessment(chair, notice_id=notice_id)
        await services.record_consensus(
            chair, notice_id=notice_id, proposal="甲", question="q1", points=Decimal(25), reason="重新核对了方案"
        )
        await services.sign_assessment(chair, notice_id=notice_id)
    row = await made.row()
    found = await opened_bids(notice_id)
    published = await published_scores(row)
    assert row.state is NoticeState.SELECTED
    assert published is not None
    assert len(published.assessment.marks) == 3 * 2 * 2
    assert list(published.reasons.values()) == ["重新核对了方案"]
    assert found[0].points is not None
    assert found[0].points >= (found[1].points or 0)
    opening = await opening_of(notice_id)
    assert opening is not None
    assert verify(json.dumps(opening.draw))


async def test_a_tied_member_recuses_and_is_replaced(db: None) -> None:
    made, (chair, second, _third), agencies = await assessing()
    with clock.at(made.deadline + timedelta(hours=1)):
        await db_member(second, agencies[0])
        with pytest.raises(HasTie):
            await services.declare_no_tie(second, notice_id=made.notice_id)
        with pytest.raises(NotAllowedNow):
            await services.replace_member(made.client, notice_id=made.notice_id, account=second.account_id)
        await services.recuse(second, notice_id=made.notice_id, words="我在其中一家任职")
        with pytest.raises(NotOnPanel):
            await services.declare_no_tie(second, notice_id=made.notice_id)
        new = await make.member(Role.REVIEWER)
        await services.replace_member(made.client, notice_id=made.notice_id, account=new.account_id)
        assert (await panel_view(await made.row(), new)).seat.number == 4
        with pytest.raises(Forbidden):
            await services.declare_no_tie(agencies[0].member, notice_id=made.notice_id)
    assert chair.account_id != second.account_id


async def db_member(person: Identity, agency: MadeAgency) -> None:
    await db.execute(
        "insert into core_membership (account, organization, role, created_at) values ($1, $2, 'agency', now())",
        person.account_id,
        agency.organization_id,
    )


async def test_with_own_money_one_bid_is_enough_unless_the_method_needs_a_choice(db: None) -> None:
    for method in (M.AVERAGE_PRICE, M.CREDIT_PREFERRED):
        made = await make_notice(method=method, fund_source=FundSource.OWN)
        (agency,) = await make_surveyors(1)
        await bid(agency, made)
        await open_and_select(made)
        expected = NoticeState.SELECTED if method is M.AVERAGE_PRICE else NoticeState.FAILED
        assert (await made.row()).state is expected


@pytest.mark.parametrize("method", [method for method in M if method is not M.DIRECT])
@pytest.mark.parametrize("fund", [FundSource.PUBLIC, FundSource.MIXED])
async def test_public_money_needs_three_with_every_method(db: None, method: SelectionMethod, fund: FundSource) -> None:
    for count in (2, 3):
        made = await _public(method, fund)
        for agency in await make_surveyors(count):
            await bid(agency, made, "30000.00" if method is M.RANDOM_DRAW else "24600.00")
        await open_and_select(made)
        row = await made.row()
        if count == 3:
            assert row.state in {NoticeState.SELECTED, NoticeState.SHORTLISTED, NoticeState.ASSESSING}
            continue
        assert row.state is NoticeState.FAILED
        assert row.ending is not None
        assert (row.ending.code, row.ending.params) == ("too-few", {"count": 2, "needed": 3})


async def _public(method: SelectionMethod, fund: FundSource) -> MadeNotice:
    if method is not M.PROPOSAL_PREFERRED:
        return await make_notice(method=method, fund_source=fund)
    project_id, client = await make_project()
    await make_custodians(client)
    draft = await notice_draft(method=method, fund_source=fund, criteria=CRITERIA)
    written = await services.draft_notice(client, project_id=project_id, draft=draft)
    accounts = [one.account_id for one in await panel_of(client)]
    await services.name_panel(client, notice_id=written.notice_id, accounts=accounts)
    await services.publish_notice(client, notice_id=written.notice_id, version=1)
    return MadeNotice(written.notice_id, project_id, client, draft.deadline)


# --- pages ------------------------------------------------------------------------------------


async def test_the_reasons_of_the_example_are_in_the_reader_s_language(db: None, browse: Browse) -> None:
    for lang, words in (("zh_Hans", "“技术路线”得"), ("en", "Technical approach&#34; received")):
        shown = await (await browse(None, lang=lang)).get("/rules/methods/proposal-preferred")
        assert words in shown.text
        assert ("技术路线" in shown.text) == (lang == "zh_Hans")


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
async def test_every_page_of_the_methods_renders(db: None, browse: Browse, lang: str) -> None:
    made, members, _agencies = await assessing()
    picking, _others = await short_listed()
    averaged, _more = await make_selected(("20000.00", "22000.00", "25000.00"), method=M.AVERAGE_PRICE)
    with clock.at(made.deadline + timedelta(hours=1)):
        public = await browse(None, lang=lang)
        for method in M:
            assert (await public.get(f"/rules/methods/{method.value}")).status_code == 200
        assert (await public.get("/rules/methods/nonsense")).status_code == 404
        for notice_id in (made.notice_id, picking.notice_id, averaged.notice_id):
            for address in (f"/notices/{notice_id}", f"/notices/{notice_id}/result"):
                assert (await public.get(address)).status_code == 200, address
        owner = await browse(picking.client, lang=lang)
        reply = await owner.get(f"/notices/{picking.notice_id}/result")
        assert 'name="agency_id"' in reply.text
        assert (await (await browse(made.client, lang=lang)).get(f"/notices/{made.notice_id}/panel")).status_code == 200
        room = await browse(members[1], lang=lang)
        address = f"/notices/{made.notice_id}/assessment"
        assert (await room.get(address)).status_code == 200
        assert (await room.submit(f"{address}/declaration", {})).status_code == 303
        assert "scores-0-points" in (await room.get(address)).text
