"""Rules of registration, without a database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agencies.queries.drafts import from_draft, to_draft
from agencies.rules.dossier import Dossier, Scan, Step
from agencies.rules.filing import (
    EDITABLE,
    OPEN,
    TRANSITIONS,
    FilingAct,
    FilingState,
    NoticeOver,
    NoticeStillRunning,
    require_over,
    require_running,
)
from agencies.rules.formal_check import (
    StepState,
    Surroundings,
    formal_defects,
    hints,
    step_states,
    warning_due,
)
from agencies.rules.independence import Relation, RelationKind, Separation, TargetKind
from agencies.rules.listing import lot_seed, shingles, veiled_name
from core.errors import NotAllowedNow
from core.states import advance
from tests.factories import agencies as make

TODAY = date(2026, 11, 20)
USCC = "91370982MAXTA10197"
SCAN = Scan(1, "证书.pdf", 100, "0" * 64)
AROUND = Surroundings(
    departments=frozenset({"D-ZRZY"}),
    own_uscc=USCC,
    known_items={"XT-SV-01": "surveying", "XT-SV-02": "surveying", "XT-EV-01": "environmental"},
)


def dossier() -> Dossier:
    return Dossier(
        organization=make.organization_step(USCC),
        qualifications=(make.qualification(scan=SCAN),),
        practitioners=(make.practitioner(),),
        independence=make.independence(),
        commitments=make.commitments("XT-SV-01", "XT-SV-02"),
        visited=frozenset(Step),
    )


def codes(found: Dossier, around: Surroundings = AROUND) -> set[str]:
    return {f"{one.step.value}/{one.code}" for one in formal_defects(found, TODAY, around)}


def test_a_complete_dossier_has_no_defect() -> None:
    assert codes(dossier()) == set()


def test_an_empty_dossier_names_every_step_at_once() -> None:
    assert codes(Dossier()) == {f"{step.value}/missing" for step in Step}
    states = step_states(Dossier(), formal_defects(Dossier(), TODAY, AROUND))
    assert set(states.values()) == {StepState.NOT_STARTED}


def test_all_defects_come_at_once_and_not_one_after_the_other() -> None:
    bad = replace(
        dossier(),
        qualifications=(make.qualification(expires_on=date(2026, 11, 19), items=("XT-EV-01",)),),
        practitioners=(make.practitioner(insured_months=2, certificate_expires_on=date(2026, 1, 1)),),
        independence=make.independence(separations=frozenset({Separation.FUNCTION})),
        commitments=make.commitments(honest=False),
    )
    assert codes(bad) == {
        "qualifications/certificate-expired",
        "qualifications/scan-missing",
        "qualifications/item-outside-profession",
        "practitioners/insurance-too-short",
        "practitioners/certificate-expired",
        "independence/not-separated",
        "commitments/item-not-promised",
        "commitments/not-signed",
    }
    assert sum(one.code == "not-separated" for one in formal_defects(bad, TODAY, AROUND)) == 3


def test_a_certificate_may_be_used_on_its_last_day() -> None:
    last_day = replace(dossier(), qualifications=(make.qualification(scan=SCAN, expires_on=TODAY),))
    assert codes(last_day) == set()


def test_nobody_files_for_another_organisation() -> None:
    other = replace(AROUND, own_uscc="91350100M000100Y43")
    assert codes(dossier(), other) == {"organization/uscc-of-another"}


def test_a_person_is_on_one_staff_only_and_once() -> None:
    person = make.practitioner()
    twice = replace(dossier(), practitioners=(person, person))
    assert codes(twice) == {"practitioners/certificate-repeated"}
    elsewhere = replace(AROUND, taken_certificates=frozenset({person.certificate_no}))
    once = replace(dossier(), practitioners=(person,))
    assert codes(once, elsewhere) == {"practitioners/on-other-staff"}


def test_relations_are_declared_or_denied_but_not_both() -> None:
    tie = Relation(RelationKind.AFFILIATE, TargetKind.DEPARTMENT, "D-ZRZY")
    silent = replace(dossier(), independence=make.independence(none_declared=False))
    assert codes(silent) == {"independence/relations-not-declared"}
    both = replace(dossier(), independence=make.independence(tie, none_declared=True))
    assert codes(both) == {"independence/relations-contradict"}
    unknown = replace(dossier(), independence=make.independence(replace(tie, target="D-NO")))
    assert codes(unknown) == {"independence/department-unknown"}


def test_a_completed_separation_no_longer_bars() -> None:
    kinds = {kind for kind in RelationKind if not Relation(kind, TargetKind.DEPARTMENT, "D").bars}
    assert kinds == {RelationKind.FORMER_AFFILIATE}


def test_the_registrar_is_shown_what_is_no_defect() -> None:
    soon = replace(dossier(), qualifications=(make.qualification(scan=SCAN, expires_on=date(2026, 12, 20)),))
    around = replace(AROUND, same_controller=("济南某某测绘有限公司",))
    found = {one.code: one.message().render() for one in hints(soon, TODAY, around)}
    assert set(found) == {"expires-soon", "same-controller"}
    assert "30 天" in found["expires-soon"]


def test_a_dossier_survives_storage_unchanged() -> None:
    whole = dossier()
    assert from_draft(to_draft(whole)) == whole
    assert from_draft(to_draft(Dossier())) == Dossier()


@pytest.mark.parametrize(("left", "due"), [(91, None), (90, 90), (61, 90), (60, 60), (30, 30), (0, 30), (-1, None)])
def test_warnings_at_ninety_sixty_thirty_days(left: int, due: int | None) -> None:
    assert warning_due(TODAY + timedelta(days=left), TODAY) == due


def test_a_certificate_without_end_is_never_warned_of() -> None:
    assert warning_due(None, TODAY) is None


@given(st.lists(st.sampled_from(FilingAct), max_size=12))
def test_no_sequence_of_acts_records_without_acceptance(acts: list[FilingAct]) -> None:
    state, accepted = FilingState.DRAFT, False
    for act in acts:
        try:
            state = advance(TRANSITIONS, state, act)
        except NotAllowedNow:
            continue
        accepted = accepted or act is FilingAct.ACCEPT
        if act is FilingAct.RETURN:
            accepted = False
    assert state is not FilingState.RECORDED or accepted


@given(st.sampled_from(FilingState), st.sampled_from(FilingAct))
def test_what_is_closed_stays_closed(state: FilingState, act: FilingAct) -> None:
    if state not in OPEN:
        with pytest.raises(NotAllowedNow):
            advance(TRANSITIONS, state, act)


def test_every_open_state_can_be_left_and_only_drafts_are_edited() -> None:
    for state in OPEN:
        assert advance(TRANSITIONS, state, FilingAct.WITHDRAW) is FilingState.WITHDRAWN
    assert {FilingState.DRAFT, FilingState.RETURNED} == EDITABLE


def test_the_notice_ends_at_its_very_moment() -> None:
    end = datetime(2026, 11, 27, 16, tzinfo=UTC)
    require_running(end, end - timedelta(microseconds=1), "")
    with pytest.raises(NoticeOver):
        require_running(end, end, "")
    require_over(end, end, "")
    with pytest.raises(NoticeStillRunning):
        require_over(end, end - timedelta(microseconds=1), "")


@pytest.mark.parametrize(
    ("name", "shown"),
    [("王小明", "王某"), ("欧阳修", "欧阳某"), ("John Smith", "J."), ("  李四 ", "李某"), ("", "")],
)
def test_names_are_veiled(name: str, shown: str) -> None:
    assert veiled_name(name) == shown


def test_two_characters_of_a_name_find_it() -> None:
    grams = set(shingles("泰安澄怀环境工程咨询有限公司", "Tai'an Chenghuai"))
    assert set(shingles("澄怀")) <= grams
    assert set(shingles("环境工程")) <= grams
    assert set(shingles("chenghuai")) <= grams
    assert not set(shingles("测绘")) <= grams


@given(st.text(max_size=30), st.text(max_size=30))
def test_every_part_of_a_word_is_found(left: str, right: str) -> None:
    assert set(shingles(left)) <= set(shingles(left, right))


def test_the_lot_is_drawn_anew_each_day() -> None:
    assert lot_seed(TODAY) == lot_seed(TODAY)
    assert lot_seed(TODAY) != lot_seed(TODAY + timedelta(days=1))
