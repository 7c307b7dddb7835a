"""Registration through the real services on a real PostgreSQL."""

from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from agencies import jobs, queries, services
from agencies.queries import filings
from agencies.queries.directory import search
from agencies.rules import CreditGrade, Profession
from agencies.rules.dossier import Step
from agencies.rules.filing import (
    AlreadyFiling,
    AlreadyRecorded,
    FilingIncomplete,
    FilingNotFound,
    FilingState,
    NoDefectsNamed,
    NoticeStillRunning,
    NotYetRecorded,
    ObjectionDecided,
    OwnNotice,
    PractitionerTaken,
)
from agencies.rules.formal_check import Defect
from agencies.rules.independence import Relation, RelationKind, TargetKind
from core import clock, files, mail
from core import db as sql
from core.errors import Forbidden, NotAllowedNow, StaleForm
from core.forms import Upload
from core.identity import Identity, Role
from core.trail.queries import timeline
from tests.factories import agencies as make
from tests.factories import core as people

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db")]
MONDAY = datetime(2026, 11, 16, 2, tzinfo=UTC)


async def applicant() -> tuple[Identity, str]:
    organization = await people.organization("新泰试办测绘有限公司")
    uscc = await sql.value("select uscc from core_organization where id = $1", organization)
    return await people.member(Role.AGENCY, organization), uscc


async def ready() -> tuple[Identity, int]:
    """A filing with every step filled."""
    member, uscc = await applicant()
    filing_id = (await services.start_registration(actor=member)).filing_id
    await make.fill(member, filing_id, uscc=uscc, name_zh="新泰试办测绘有限公司")
    return member, filing_id


async def test_from_draft_to_record_with_every_clock() -> None:
    with clock.at(MONDAY):
        member, filing_id = await ready()
        submitted = await services.submit_filing(actor=member, filing_id=filing_id)
        registrar = await people.member(Role.REGISTRAR)
        row = await filings.filing(filing_id, registrar)
        assert clock.shanghai(row.check_due_at or MONDAY).isoformat() == "2026-11-19T00:00:00+08:00"
        assert submitted.number
        assert submitted.number.startswith("XT-SL-2026-")
        accepted = await services.accept_filing(actor=registrar, filing_id=filing_id)
        assert accepted.state is FilingState.NOTICED
        row = await filings.filing(filing_id, member)
        until = row.notice_until
        assert until is not None
        assert clock.shanghai(until).isoformat() == "2026-11-24T00:00:00+08:00"
    with clock.at(until - timedelta(seconds=1)), pytest.raises(NoticeStillRunning):
        await services.record_filing(filing_id=filing_id)
    with clock.at(until):
        assert await services.record_due_filings() == 1
        row = await filings.filing(filing_id, member)
        assert row.state is FilingState.RECORDED
        assert row.receipt_number == "XT-BA-2026-000001"
        agency = await queries.agency_of(member.organization_id)
        assert agency is not None
        standing = await queries.standing(agency.agency_id, Profession.SURVEYING, clock.today())
        assert standing.recorded
        assert standing.profession_recorded
        assert standing.grade is CreditGrade.N
        assert standing.items == {"XT-SV-01", "XT-SV-02"}
        assert standing.qualification_valid_until == date(2030, 6, 30)
        await jobs.record_filing(filing_id)


async def test_a_step_can_be_left_and_resumed_and_a_stale_form_is_told() -> None:
    member, uscc = await applicant()
    filing_id = (await services.start_registration(actor=member)).filing_id
    first = await services.save_organization(
        actor=member, filing_id=filing_id, step=make.organization_step(uscc), version=1
    )
    again = await filings.filing(filing_id, member)
    assert again.dossier.organization is not None
    assert again.dossier.visited == {Step.ORGANIZATION}
    with pytest.raises(StaleForm):
        await services.save_organization(
            actor=member, filing_id=filing_id, step=make.organization_step(uscc), version=1
        )
    await services.save_organization(
        actor=member, filing_id=filing_id, step=make.organization_step(uscc, "新名"), version=first.version
    )


async def test_one_open_filing_and_one_registration() -> None:
    made = await make.make_agency()
    with pytest.raises(AlreadyRecorded):
        await services.start_registration(actor=made.member)
    await services.start_change(actor=made.member)
    with pytest.raises(AlreadyFiling):
        await services.start_change(actor=made.member)
    member, _ = await applicant()
    with pytest.raises(NotYetRecorded):
        await services.start_change(actor=member)


async def test_incomplete_filings_are_not_taken_and_nothing_changes() -> None:
    member, uscc = await applicant()
    filing_id = (await services.start_registration(actor=member)).filing_id
    expired = make.qualification(expires_on=clock.today() - timedelta(days=1))
    await make.fill(member, filing_id, uscc=uscc, qualifications=(expired,))
    with pytest.raises(FilingIncomplete) as refused:
        await services.submit_filing(actor=member, filing_id=filing_id)
    assert refused.value.params == {"count": 1}
    row = await filings.filing(filing_id, member)
    assert row.state is FilingState.DRAFT
    assert row.number is None


async def test_a_certificate_that_expires_while_waiting_stops_acceptance() -> None:
    with clock.at(MONDAY):
        member, uscc = await applicant()
        filing_id = (await services.start_registration(actor=member)).filing_id
        paper = make.qualification(expires_on=date(2026, 11, 16))
        await make.fill(member, filing_id, uscc=uscc, qualifications=(paper,))
        await services.submit_filing(actor=member, filing_id=filing_id)
    registrar = await people.member(Role.REGISTRAR)
    with clock.at(MONDAY + timedelta(days=1)), pytest.raises(FilingIncomplete):
        await services.accept_filing(actor=registrar, filing_id=filing_id)


async def test_returned_with_all_defects_and_submitted_again_under_the_same_number() -> None:
    member, filing_id = await ready()
    first = await services.submit_filing(actor=member, filing_id=filing_id)
    registrar = await people.member(Role.REGISTRAR)
    with pytest.raises(NoDefectsNamed):
        await services.return_filing(actor=registrar, filing_id=filing_id, defects=())
    defects = (
        Defect(Step.QUALIFICATIONS, "registrar", "扫描件看不清，请重新扫描"),
        Defect(Step.PRACTITIONERS, "registrar", "缺一名注册测绘师"),
    )
    await services.return_filing(actor=registrar, filing_id=filing_id, defects=defects)
    row = await filings.filing(filing_id, member)
    assert row.state is FilingState.RETURNED
    assert row.returned_defects == defects
    again = await services.submit_filing(actor=member, filing_id=filing_id)
    assert again.number == first.number
    assert (await filings.filing(filing_id, member)).returns == 1


async def test_others_see_and_touch_nothing() -> None:
    _member, filing_id = await ready()
    stranger, uscc = await applicant()
    with pytest.raises(FilingNotFound):
        await filings.filing(filing_id, stranger)
    with pytest.raises(FilingNotFound):
        await services.save_organization(actor=stranger, filing_id=filing_id, step=make.organization_step(uscc))
    with pytest.raises(FilingNotFound):
        await services.submit_filing(actor=stranger, filing_id=filing_id)
    registrar = await people.member(Role.REGISTRAR)
    with pytest.raises(FilingNotFound):
        await filings.filing(filing_id, registrar)
    client = await people.member(Role.CLIENT)
    with pytest.raises(Forbidden):
        await services.start_registration(actor=client)
    with pytest.raises(Forbidden):
        await services.accept_filing(actor=stranger, filing_id=filing_id)


async def test_filing_in_the_name_of_another_organisation_is_refused() -> None:
    member, _ = await applicant()
    filing_id = (await services.start_registration(actor=member)).filing_id
    await make.fill(member, filing_id, uscc="91370982MAXTA10197")
    with pytest.raises(FilingIncomplete):
        await services.submit_filing(actor=member, filing_id=filing_id)


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("空.pdf", b"", "file-empty"),
        ("假.pdf", b"MZ\x90\x00 not a pdf", "file-mislabelled"),
        ("表.xlsx", b"PK\x03\x04", "file-mislabelled"),
        ("大.pdf", b"%PDF-1.7" + b"0" * (10 * 1024 * 1024), "file-too-large"),
    ],
)
async def test_bad_scans_are_refused_and_nothing_is_saved(name: str, body: bytes, code: str) -> None:
    member, _ = await applicant()
    filing_id = (await services.start_registration(actor=member)).filing_id
    with pytest.raises(files.Rejected) as refused:
        await services.add_qualification(
            actor=member, filing_id=filing_id, draft=make.qualification(), scan=Upload(name, body)
        )
    assert refused.value.code == code
    assert (await filings.filing(filing_id, member)).dossier.qualifications == ()


async def test_submitted_filings_are_not_edited() -> None:
    member, filing_id = await ready()
    await services.submit_filing(actor=member, filing_id=filing_id)
    with pytest.raises(NotAllowedNow):
        await services.add_practitioner(actor=member, filing_id=filing_id, person=make.practitioner())
    with pytest.raises(NotAllowedNow):
        await services.submit_filing(actor=member, filing_id=filing_id)


async def test_a_person_on_two_staffs_is_stopped_at_the_record() -> None:
    person = make.practitioner()
    registrar = await people.member(Role.REGISTRAR)
    both = []
    with clock.at(MONDAY):
        for _ in range(2):
            member, filing_id = await ready()
            await services.add_practitioner(actor=member, filing_id=filing_id, person=person)
            await services.submit_filing(actor=member, filing_id=filing_id)
            await services.accept_filing(actor=registrar, filing_id=filing_id)
            both.append((member, filing_id))
    with clock.at(MONDAY + timedelta(days=20)):
        await services.record_filing(filing_id=both[0][1])
        with pytest.raises(PractitionerTaken):
            await services.record_filing(filing_id=both[1][1])
        assert await queries.agency_of(both[1][0].organization_id) is None


async def test_objections_hold_the_record_until_decided() -> None:
    registrar = await people.member(Role.REGISTRAR)
    client = await people.member(Role.CLIENT)
    with clock.at(MONDAY):
        member, filing_id = await ready()
        await services.submit_filing(actor=member, filing_id=filing_id)
        await services.accept_filing(actor=registrar, filing_id=filing_id)
        with pytest.raises(OwnNotice):
            await services.lodge_objection(actor=member, filing_id=filing_id, text="自己的")
        await services.lodge_objection(actor=client, filing_id=filing_id, text="负责人在职")
    with clock.at(MONDAY + timedelta(days=20)):
        with pytest.raises(NotAllowedNow):
            await services.record_filing(filing_id=filing_id)
        (objection,) = await filings.objections(filing_id)
        await services.decide_objection(actor=registrar, objection_id=objection.id, upheld=False, reasons="已离职两年")
        with pytest.raises(ObjectionDecided):
            await services.decide_objection(actor=registrar, objection_id=objection.id, upheld=True, reasons="再想想")
        done = await services.record_filing(filing_id=filing_id)
        assert done.state is FilingState.RECORDED


async def test_an_upheld_objection_ends_in_refusal() -> None:
    registrar = await people.member(Role.REGISTRAR)
    client = await people.member(Role.CLIENT)
    member, filing_id = await ready()
    await services.submit_filing(actor=member, filing_id=filing_id)
    await services.accept_filing(actor=registrar, filing_id=filing_id)
    await services.lodge_objection(actor=client, filing_id=filing_id, text="挂靠")
    (objection,) = await filings.objections(filing_id)
    receipt = await services.decide_objection(actor=registrar, objection_id=objection.id, upheld=True, reasons="属实")
    assert receipt.state is FilingState.REFUSED
    assert await filings.open_filing(member.organization_id) is None


async def test_relations_reach_the_standing_in_both_directions() -> None:
    client = await people.organization("新泰有关联实业有限公司")
    client_uscc = await sql.value("select uscc from core_organization where id = $1", client)
    other = await make.make_agency()
    made = await make.make_agency(
        relations=(
            Relation(RelationKind.FORMER_OFFICIAL, TargetKind.DEPARTMENT, "D-STHJ", "三年前离职"),
            Relation(RelationKind.FORMER_AFFILIATE, TargetKind.DEPARTMENT, "D-ZRZY", "2014 年脱钩"),
            Relation(RelationKind.SHAREHOLDING, TargetKind.ORGANIZATION, client_uscc, "共同股东"),
            Relation(RelationKind.SHARED_CONTROLLER, TargetKind.AGENCY, other.uscc, ""),
        )
    )
    today = clock.today()
    mine = await queries.standing(made.agency_id, Profession.SURVEYING, today)
    assert mine.related_departments == {"D-STHJ"}
    assert client in mine.related_organizations
    assert mine.related_agencies == {other.agency_id}
    theirs = await queries.standing(other.agency_id, Profession.SURVEYING, today)
    assert theirs.related_agencies == {made.agency_id}


async def test_the_grade_as_it_stood_on_the_day() -> None:
    made = await make.make_agency(recorded_days_ago=900)
    for day, grade, score in (
        (datetime(2025, 3, 2, tzinfo=UTC), CreditGrade.N, None),
        (datetime(2025, 9, 1, tzinfo=UTC), CreditGrade.B, "80.00"),
        (datetime(2025, 12, 1, tzinfo=UTC), CreditGrade.B, "86.23"),
        (datetime(2026, 6, 1, tzinfo=UTC), CreditGrade.C, "65.10"),
    ):
        await make.make_grade(made.agency_id, grade, score=score, published_at=day)

    async def on(*day: int) -> tuple[str, str | None, date | None]:
        found = await queries.standing(made.agency_id, Profession.SURVEYING, date(*day))
        return found.grade.value, str(found.score) if found.score else None, found.grade_since

    assert await on(2025, 1, 1) == ("N", None, None)
    assert await on(2025, 8, 31) == ("N", None, date(2025, 3, 2))
    assert await on(2025, 12, 31) == ("B", "86.23", date(2025, 9, 1))
    assert await on(2026, 6, 1) == ("C", "65.10", date(2026, 6, 1))
    (card,) = (await queries.agency_card(made.agency_id)).cards
    assert (card.grade, str(card.score), card.graded_on) == ("C", "65.10", date(2026, 6, 1))


async def test_a_late_publication_of_an_older_grade_does_not_show() -> None:
    made = await make.make_agency()
    now = clock.now()
    await make.make_grade(made.agency_id, CreditGrade.A, score="93.00", published_at=now)
    await make.make_grade(made.agency_id, CreditGrade.C, score="66.00", published_at=now - timedelta(days=30))
    (card,) = (await queries.agency_card(made.agency_id)).cards
    assert card.grade == "A"


async def test_published_grades_cannot_be_changed() -> None:
    made = await make.make_agency()
    await make.make_grade(made.agency_id)
    with pytest.raises(asyncpg.PostgresError, match="never changed"):
        async with sql.transaction():
            await sql.execute("update agencies_grade_record set grade = 'A'")


async def test_expired_certificates_leave_the_standing_but_say_until_when() -> None:
    short = make.qualification(expires_on=date(2026, 12, 1), items=("XT-SV-01",))
    long = make.qualification(expires_on=date(2030, 1, 1), items=("XT-SV-02",))
    made = await make.make_agency(qualifications=(short, long))
    later = await queries.standing(made.agency_id, Profession.SURVEYING, date(2026, 12, 2))
    assert later.items == {"XT-SV-02"}
    assert later.qualification_valid_until == date(2030, 1, 1)
    after = await queries.standing(made.agency_id, Profession.SURVEYING, date(2030, 1, 2))
    assert after.items == frozenset()
    assert not after.qualified(date(2030, 1, 2))


async def test_a_change_filing_replaces_and_keeps_history() -> None:
    made = await make.make_agency(recorded_days_ago=400)
    registrar = await people.member(Role.REGISTRAR)
    day = clock.today()
    change = (await services.start_change(actor=made.member)).filing_id
    row = await filings.filing(change, made.member)
    assert len(row.dossier.qualifications) == 1
    assert len(row.dossier.practitioners) == 2
    extra = make.qualification(Profession.ENVIRONMENTAL)
    await services.add_qualification(actor=made.member, filing_id=change, draft=extra, scan=make.scan())
    offered = (await filings.filing(change, made.member)).dossier.offered_items()
    await services.save_commitments(actor=made.member, filing_id=change, step=make.commitments(*offered))
    await services.submit_filing(actor=made.member, filing_id=change)
    await services.accept_filing(actor=registrar, filing_id=change)
    with clock.at(clock.now() + timedelta(days=30)):
        await services.record_filing(filing_id=change)
        now = await queries.standing(made.agency_id, Profession.ENVIRONMENTAL, clock.today())
        assert now.profession_recorded
        agency = await queries.agency_of(made.organization_id)
        assert agency is not None
        assert agency.agency_id == made.agency_id
    before = await queries.standing(made.agency_id, Profession.ENVIRONMENTAL, day)
    assert not before.profession_recorded
    assert (await queries.standing(made.agency_id, Profession.SURVEYING, day)).items


async def test_search_finds_two_characters_and_leaves_grade_d_out() -> None:
    made = await make.make_agency(name_zh="泰安澄怀测绘有限公司")
    assert [hit.agency_id for hit in await search("澄怀")] == [made.agency_id]
    assert [hit.agency_id for hit in await search(made.uscc.lower())] == [made.agency_id]
    assert await search("环评") == []
    await make.make_grade(made.agency_id, CreditGrade.D, score="41.00")
    assert await search("澄怀") == []
    assert (await queries.agency_card(made.agency_id)).cards[0].grade == "D"


async def test_warnings_go_out_once_per_threshold() -> None:
    paper = make.qualification(expires_on=clock.today() + timedelta(days=59))
    await make.make_agency(qualifications=(paper,))
    assert await services.warn_of_expiry() == 1
    assert await services.warn_of_expiry() == 0
    with clock.at(clock.now() + timedelta(days=30)):
        assert await services.warn_of_expiry() == 1
    await mail.send_waiting()
    assert not await sql.rows("select message, problem from core_mail where problem <> ''")


async def test_the_trail_tells_the_story_without_names_of_people() -> None:
    made = await make.make_agency()
    entries = await timeline(f"filing:{made.filing_id}")
    acts = [entry.act for entry in entries]
    assert acts[0] == "filing.opened"
    assert acts[-3:] == ["filing.submitted", "filing.accepted", "agency.recorded"]
    stored = await sql.value("select string_agg(convert_from(payload, 'UTF8'), ' ') from core_trail_entry")
    assert "欧阳甲" not in stored
    assert "诸葛丙" not in stored


@pytest.mark.usefixtures("web_app")
async def test_desks_say_what_waits_for_whom() -> None:
    member, filing_id = await ready()
    (mine,) = await queries.desk_items(member, clock.now())
    assert mine.mine
    await services.submit_filing(actor=member, filing_id=filing_id)
    registrar = await people.member(Role.REGISTRAR)
    (waits,) = await queries.desk_items(registrar, clock.now())
    assert waits.mine
    assert waits.due_at is not None
    (mine,) = await queries.desk_items(member, clock.now())
    assert not mine.mine
    assert await queries.desk_items(await people.member(Role.CLIENT), clock.now()) == []


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
async def test_every_letter_can_be_read_in_both_languages(lang: str) -> None:
    registrar, client = await people.member(Role.REGISTRAR), await people.member(Role.CLIENT)
    member, filing_id = await ready()
    other, refused_id = await ready()
    await sql.execute("update core_account set language = $1", lang)
    await services.submit_filing(actor=member, filing_id=filing_id)
    defect = Defect(Step.QUALIFICATIONS, "registrar", "看不清")
    await services.return_filing(actor=registrar, filing_id=filing_id, defects=(defect,))
    await services.submit_filing(actor=member, filing_id=filing_id)
    await services.submit_filing(actor=other, filing_id=refused_id)
    for number in (filing_id, refused_id):
        await services.accept_filing(actor=registrar, filing_id=number)
    await services.lodge_objection(actor=client, filing_id=refused_id, text="挂靠")
    (objection,) = await filings.objections(refused_id)
    await services.decide_objection(actor=registrar, objection_id=objection.id, upheld=True, reasons="属实")
    with clock.at(clock.now() + timedelta(days=30)):
        await services.record_due_filings()
        await mail.send_waiting()
    sent = await sql.rows("select distinct message, sent_at is not null as sent, problem from core_mail")
    assert {row["message"].rpartition("/")[2] for row in sent} == {
        "filing_submitted",
        "filing_returned",
        "filing_noticed",
        "filing_refused",
        "filing_recorded",
    }
    assert all(row["sent"] and not row["problem"] for row in sent)
