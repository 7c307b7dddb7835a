"""Technical review: lots, interests, masks, double marks, comment, and the final result."""

import json
import random
from decimal import Decimal

import pytest

from agencies.rules import Profession
from contracts import queries, services
from contracts.queries.reviews import assignment_file, assignment_files, reviewers
from contracts.rules import reviews as rules
from contracts.rules import sheets
from contracts.rules.reviews import InterestKind, ReviewState
from contracts.rules.sheets import Mark
from contracts.services.reviews.closing import CommentEmpty, VerdictDrift
from core import clock, db
from core.errors import Forbidden, NotAllowedNow, NotFound, StaleForm
from core.identity import Identity, Role
from core.trail.queries import timeline
from tests.factories import contracts as given
from tests.factories import core as make
from tests.factories.agencies import make_grade

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db")]


async def review_row(review_id: int):  # type: ignore[no-untyped-def]
    return await db.row("select * from contracts_review where id = $1", review_id)


async def agency_of(made: given.MadeReview) -> Identity:
    return made.contract.seller


async def test_acceptance_opens_a_review_under_the_item_s_sheet() -> None:
    made = await given.make_review()
    row = await review_row(made.review_id)
    assert row["number"].startswith("XT-SC-")
    assert row["sheet_id"] == "RS-SV-ENG"
    assert row["sheet_digest"] == sheets.sheet_version("RS-SV-ENG", row["sheet_version"]).digest
    assert len(await made.seats()) == row["wanted"]


async def test_the_lot_is_recorded_and_can_be_recomputed() -> None:
    made = await given.make_review()
    for lot in await db.rows("select * from contracts_assignment where review = $1", made.review_id):
        assert rules.draw(lot["lot_seed"], lot["lot_pool"]).picked == lot["reviewer"]
    acts = [entry.act for entry in await timeline(f"review:{made.review_id}")]
    assert acts[:3] == ["review.opened", "review.planned", "review.reviewer-drawn"]


async def test_the_same_seed_gives_the_same_lots() -> None:
    found = await given.make_reviewers(6)
    picked = []
    for _ in range(2):
        made = await given.make_filed()
        await db.execute("update contracts_assignment set drawn_at = drawn_at - interval '1 year'")
        with services.seeds_from(random.Random(7)):
            receipt = await given.accept(made)
        picked.append(
            await db.value(
                "select reviewer from contracts_assignment where review = $1 and seat = 1",
                receipt.review_id,
            )
        )
    assert picked[0] == picked[1]
    assert picked[0] in found


async def test_whoever_has_an_interest_is_not_in_the_lot() -> None:
    made = await given.make_filed()
    employee, _ = await given.make_reviewer(organization_id=made.client.organization_id)
    tied, tied_identity = await given.make_reviewer()
    await services.declare_interest(
        actor=tied_identity,
        organization_id=made.agency.organization_id,
        kind=InterestKind.FORMER_EMPLOYER,
    )
    free, _ = await given.make_reviewer()
    await given.make_reviewer(professions=(Profession.WATER,))
    receipt = await given.accept(made)
    lots = await db.rows("select * from contracts_assignment where review = $1", receipt.review_id)
    assert {lot["reviewer"] for lot in lots} == {free}
    assert lots[0]["lot_pool"] == [free]
    assert lots[0]["lot_excluded"] == {str(employee): "interest", str(tied): "interest"}


async def test_an_interest_known_after_the_lot_stops_the_submission() -> None:
    made = await given.make_review()
    assignment_id, reviewer = (await made.seats())[0]
    await services.declare_interest(
        actor=reviewer,
        organization_id=made.contract.agency.organization_id,
        kind=InterestKind.FAMILY,
    )
    with pytest.raises(rules.ReviewerHasInterest):
        await services.submit_review(
            actor=reviewer,
            assignment_id=assignment_id,
            version=1,
            sheet=await given.filled(assignment_id),
        )


async def test_recusal_has_the_seat_drawn_again_among_the_others() -> None:
    made = await given.make_review()
    assignment_id, reviewer = (await made.seats())[0]
    with pytest.raises(rules.RecusalWithoutReason):
        await services.recuse(actor=reviewer, assignment_id=assignment_id, reason="")
    await services.recuse(actor=reviewer, assignment_id=assignment_id, reason="曾参与该项目前期工作")
    following = (await made.seats())[0]
    assert following[1].account_id != reviewer.account_id
    with pytest.raises(NotAllowedNow):
        await services.recuse(actor=reviewer, assignment_id=assignment_id, reason="再来")


async def test_a_missing_indicator_is_refused_and_named() -> None:
    made = await given.make_review()
    assignment_id, reviewer = (await made.seats())[0]
    complete = await given.filled(assignment_id)
    marks = dict(complete.marks) | {"ENG-02": Mark(0, ""), "ENG-07": Mark(4, "")}
    with pytest.raises(sheets.IncompleteSheet) as refused:
        await services.submit_review(
            actor=reviewer,
            assignment_id=assignment_id,
            version=1,
            sheet=services.SheetFilled(marks, (), "总体良好；已抽查外业观测手簿、检查点记录和计算书，三者一致无误"),
        )
    assert "ENG-02、ENG-07" in refused.value.message()
    assert len(await made.seats()) == (await review_row(made.review_id))["wanted"]


async def test_a_draft_is_kept_and_resumed_but_not_over_a_newer_one() -> None:
    made = await given.make_review()
    assignment_id, reviewer = (await made.seats())[0]
    half = services.SheetFilled({"ENG-01": Mark(4, "第 2 页"), "ENG-02": Mark(3, "")}, (), "未完")
    saved = await services.save_marks(actor=reviewer, assignment_id=assignment_id, version=1, sheet=half)
    assert (saved.version, saved.points) == (2, Decimal("29.30"))
    row = await queries.assignment(assignment_id, reviewer)
    assert row.marks["ENG-01"] == Mark(4, "第 2 页")
    assert (row.done, row.summary) == (1, "未完")
    with pytest.raises(StaleForm):
        await services.save_marks(actor=reviewer, assignment_id=assignment_id, version=1, sheet=half)


async def test_only_the_drawn_reviewer_sees_and_fills_the_sheet() -> None:
    made = await given.make_review()
    assignment_id, reviewer = (await made.seats())[0]
    strangers = [one for one in made.reviewers.values() if one != reviewer]
    seated = {one.account_id for _, one in await made.seats()}
    stranger = next(one for one in strangers if one.account_id not in seated)
    with pytest.raises(NotFound):
        await queries.assignment(assignment_id, stranger)
    with pytest.raises(NotFound):
        await services.submit_review(
            actor=stranger,
            assignment_id=assignment_id,
            version=1,
            sheet=await given.filled(assignment_id),
        )
    with pytest.raises(NotFound):
        await assignment_file(assignment_id, 1, stranger)
    with pytest.raises(Forbidden):
        await services.recuse(actor=made.contract.client, assignment_id=assignment_id, reason="x")


async def test_the_reviewer_never_learns_whose_work_it_is() -> None:
    made = await given.make_review()
    assignment_id, reviewer = (await made.seats())[0]
    row = await queries.assignment(assignment_id, reviewer)
    shown = [one.name for one in await assignment_files(row, reviewer)]
    assert shown == [f"{row.number}-1.pdf"]
    agency = made.contract.agency
    for secret in (agency.name_zh, agency.uscc, "XT-CG-", "XT-HT-"):
        assert secret not in json.dumps([repr(row), shown], ensure_ascii=False)


async def test_the_result_reaches_the_agency_and_waits_for_its_comment() -> None:
    made = await given.make_review()
    receipt = await given.mark(made, *[4] * len(await made.seats()))
    assert receipt.state is ReviewState.COMMENT
    view = await queries.review(made.review_id, await agency_of(made))
    assert view.row.technical == Decimal("85.00")
    assert view.may_comment
    assert {one.code for one in view.findings} == {""}
    assert {one.lot_seed for one in view.findings} == {""}
    with pytest.raises(NotFound):
        await queries.review(made.review_id, made.contract.client)


async def test_the_agency_sees_nothing_before_the_result_is_shared() -> None:
    made = await given.make_review()
    with pytest.raises(NotFound):
        await queries.review(made.review_id, await agency_of(made))
    with pytest.raises(NotAllowedNow):
        await services.waive_comment(actor=await agency_of(made), review_id=made.review_id)


async def test_comment_answer_final() -> None:
    made = await given.make_review()
    await given.mark(made)
    agency = await agency_of(made)
    with pytest.raises(CommentEmpty):
        await services.comment_on_review(actor=agency, review_id=made.review_id, comment=" ")
    await services.comment_on_review(actor=agency, review_id=made.review_id, comment="第 5 项的检核记录在附件二。")
    officer = await make.member(Role.GRADING_OFFICER)
    closed = await services.close_review(actor=officer, review_id=made.review_id, answer="已核对，附件二只有一半点位。")
    assert closed.state is ReviewState.FINAL
    assert (await queries.review(made.review_id, made.contract.client)).row.answer
    with pytest.raises(NotAllowedNow):
        await services.waive_comment(actor=agency, review_id=made.review_id)


async def test_a_reviewer_may_answer_and_stays_unnamed_on_the_agency_s_timeline() -> None:
    made = await given.make_review()
    _, reviewer = (await made.seats())[0]
    await given.mark(made)
    await services.comment_on_review(actor=await agency_of(made), review_id=made.review_id, comment="请复核")
    outsider = await make.member(Role.REVIEWER)
    with pytest.raises(NotFound):
        await services.close_review(actor=outsider, review_id=made.review_id, answer="维持")
    await services.close_review(actor=reviewer, review_id=made.review_id, answer="维持")
    for thread in (f"deliverable:{made.deliverable_id}", f"agency:{made.contract.agency.agency_id}"):
        names = {entry.actor_name for entry in await timeline(thread)}
        assert reviewer.organization_name not in names


async def test_foreign_agencies_and_clients_see_no_review() -> None:
    made, other = await given.make_review(), await given.make_filed()
    await given.mark(made)
    for actor in (other.seller, other.client):
        with pytest.raises(NotFound):
            await queries.review(made.review_id, actor)
    with pytest.raises(NotFound):
        await services.comment_on_review(actor=other.seller, review_id=made.review_id, comment="?")


async def test_the_clock_makes_results_final() -> None:
    made = await given.make_review()
    await given.mark(made)
    assert await services.finalise_due_reviews() == 0
    with clock.at(given.later(15)):
        assert await services.finalise_due_reviews() == 1
        assert await services.finalise_due_reviews() == 0
    row = await review_row(made.review_id)
    assert (row["state"], row["due_at"]) == ("final", None)


async def test_two_reviewers_from_200000_yuan_and_a_third_when_they_differ() -> None:
    made = await given.make_review("210000.00", reviewers=4)
    assert len(await made.seats()) == 2
    receipt = await given.mark(made, 5, 3)
    assert receipt.state is ReviewState.MARKING
    assert len(await made.seats()) == 1
    await given.mark(made, 4)
    row = await review_row(made.review_id)
    assert (row["state"], row["technical"]) == ("comment", Decimal("85.00"))


async def test_two_close_marks_need_no_third() -> None:
    made = await given.make_review("210000.00", reviewers=4)
    await given.mark(made, 5, 4)
    row = await review_row(made.review_id)
    assert (row["wanted"], row["technical"]) == (2, Decimal("92.50"))


async def test_a_veto_makes_the_result_zero() -> None:
    made = await given.make_review()
    for assignment_id, reviewer in await made.seats():
        await services.submit_review(
            actor=reviewer,
            assignment_id=assignment_id,
            version=1,
            sheet=await given.filled(assignment_id, 4, ["V-ENG-01"]),
        )
    row = await review_row(made.review_id)
    assert (row["technical"], row["vetoed"]) == (Decimal("0.00"), True)


def _first_lot(seed: int) -> bool:
    return rules.double_by_lot(f"{random.Random(seed).getrandbits(128):032x}", 0, 0)


_DOUBLING = [seed for seed in range(500) if _first_lot(seed)]
"""Demo seeds whose first lot asks for a second mark."""


async def test_a_blind_second_mark_comes_from_another_region() -> None:
    await given.make_reviewers(3, region="370982")
    away = await given.make_reviewers(1, region="370112")
    for n in range(3):
        made = await given.make_filed()
        await make_grade(made.agency.agency_id)
        with services.seeds_from(random.Random(_DOUBLING[n])):
            receipt = await given.accept(made)
        row = await review_row(receipt.review_id)
        assert row["doubled"]
        blind = await db.row("select reviewer from contracts_assignment where review = $1 and blind", receipt.review_id)
        first = await db.value(
            "select r.region from contracts_assignment a join contracts_reviewer r on r.id = a.reviewer"
            " where a.review = $1 and a.seat = 1",
            receipt.review_id,
        )
        assert blind is not None
        assert (blind["reviewer"] in away) == (first == "370982")


async def test_the_lot_counts_all_results_and_takes_the_second_seat_where_there_are_two() -> None:
    """Large fees had two reviewers of one region and were never in the lot: of all results fewer than 5 % were blind."""
    await given.make_reviewers(3, region="370982")
    away = await given.make_reviewers(1, region="370112")
    made = await given.make_filed("240000.00")
    await make_grade(made.agency.agency_id)
    with services.seeds_from(random.Random(_DOUBLING[0])):
        receipt = await given.accept(made)
    row = await review_row(receipt.review_id)
    assert (row["doubled"], row["wanted"]) == (True, 2)
    seats = await db.rows(
        "select a.reviewer, a.blind, r.region from contracts_assignment a join contracts_reviewer r on r.id = a.reviewer"
        " where a.review = $1 order by a.seat",
        receipt.review_id,
    )
    assert [seat["blind"] for seat in seats] == [False, True]
    assert seats[0]["region"] != seats[1]["region"]
    assert {seat["reviewer"] for seat in seats} & set(away)


async def test_without_reviewers_the_seat_waits_for_the_officer() -> None:
    made = await given.make_filed()
    receipt = await given.accept(made)
    officer = await make.member(Role.GRADING_OFFICER)
    with pytest.raises(rules.NoReviewerAvailable):
        await services.draw_again(actor=officer, review_id=receipt.review_id)
    desk = await queries.desk_items(officer, clock.now())
    assert f"/reviews/{receipt.review_id}" in [item.href for item in desk]
    await given.make_reviewers(3)
    await services.draw_again(actor=officer, review_id=receipt.review_id)
    assert (await queries.review(receipt.review_id, officer)).empty_seats == 0


async def test_an_officer_takes_an_overdue_assignment_back() -> None:
    made = await given.make_review()
    assignment_id, reviewer = (await made.seats())[0]
    officer = await make.member(Role.GRADING_OFFICER)
    with clock.at(given.later(15)):
        desk = await queries.desk_items(officer, clock.now())
        assert any(item.href == f"/reviews/{made.review_id}" for item in desk)
        await services.release_assignment(actor=officer, assignment_id=assignment_id, reason="逾期")
    with pytest.raises(NotAllowedNow):
        await services.submit_review(
            actor=reviewer,
            assignment_id=assignment_id,
            version=1,
            sheet=await given.filled(assignment_id),
        )
    with pytest.raises(Forbidden):
        await services.release_assignment(actor=reviewer, assignment_id=assignment_id, reason="x")


async def test_workloads_stay_even() -> None:
    found = await given.make_reviewers(4)
    for _ in range(8):
        await given.accept(await given.make_filed())
    loads = dict.fromkeys(found, 0) | dict(
        await db.rows("select reviewer, count(*) from contracts_assignment group by reviewer")
    )
    assert max(loads.values()) - min(loads.values()) <= 2


async def test_a_touched_sheet_is_noticed_before_the_result_is_final() -> None:
    made = await given.make_review()
    await given.mark(made)
    await db.execute("update contracts_assignment set points = 99 where review = $1", made.review_id)
    with pytest.raises(VerdictDrift):
        await services.waive_comment(actor=await agency_of(made), review_id=made.review_id)


async def test_who_may_be_a_reviewer() -> None:
    officer = await make.member(Role.GRADING_OFFICER)
    client = await make.member(Role.CLIENT)
    with pytest.raises(services.NotAReviewer):
        await services.register_reviewer(
            actor=officer, account_id=client.account_id, professions=(Profession.WATER,), region="370982"
        )
    reviewer = await make.member(Role.REVIEWER)
    await services.register_reviewer(
        actor=officer, account_id=reviewer.account_id, professions=(Profession.WATER,), region="370982"
    )
    with pytest.raises(services.AlreadyReviewer):
        await services.register_reviewer(
            actor=officer, account_id=reviewer.account_id, professions=(Profession.WATER,), region="370982"
        )
    with pytest.raises(Forbidden):
        await services.register_reviewer(
            actor=client, account_id=reviewer.account_id, professions=(Profession.WATER,), region="370982"
        )
    assert [one.code for one in await reviewers(officer)][-1].startswith("R-")


# ---- the door of grading
async def test_case_evidence_appears_with_the_final_result() -> None:
    made = await given.make_review()
    await given.mark(made)
    today = clock.today()
    assert await queries.case_evidence(since=today, until=today) == []
    await services.waive_comment(actor=await agency_of(made), review_id=made.review_id)
    found = await queries.case_evidence(made.contract.agency.agency_id, "surveying", since=today, until=today)
    assert len(found) == 1
    case = found[0]
    assert case.technical == Decimal("85.00")
    assert set(case.reviewer_ids) <= set(made.reviewers)
    assert len(case.reviewer_ids) == len(case.technical_marks)
    assert case.punctuality == case.filings == Decimal("100.00")
    assert case.stars is None
    assert await queries.case_evidence(made.contract.agency.agency_id + 1, since=today, until=today) == []
    assert await queries.case_evidence(profession="water", since=today, until=today) == []
