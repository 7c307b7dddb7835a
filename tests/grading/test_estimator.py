"""The estimator on arrays: what it learns, what it refuses to be moved by, and that it is one with the rules."""

from dataclasses import fields, replace
from decimal import Decimal
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from agencies.rules import CreditGrade
from benchmarks.grading.market import CLASSES, block, corrected, grade, per_agency, simulate
from core.money import half_up
from grading import estimator as est
from grading.estimator.explain import spread_remainder
from grading.estimator.motion import learn_half_life
from grading.estimator.stars import StarScale, hear, learn_stars, voices
from grading.rules import bands
from grading.rules.scheme import constants
from tests.factories.grading import scheme

FIELD = est.Field(75.0, 36.0, 36.0)
NOBODY = np.int32(-1)


def one_agency(values, ages=None, reviewers=None, clients=None, consistency=None):
    """Marks of one agency; reviewers and clients of their own, and all of them average, unless given."""
    n = len(values)
    own = np.arange(n)
    return est.Marks(
        starts=np.array([0, n]),
        value=np.array(values, float),
        age=np.array(ages if ages is not None else np.zeros(n), float),
        consistency=np.array(consistency if consistency is not None else np.ones(n), float),
        client=np.array(clients if clients is not None else own, np.int32),
        link_mark=own,
        link_reviewer=np.array(reviewers if reviewers is not None else own, np.int32),
    )


def test_published_defaults_are_those_of_the_scheme():
    told = constants(scheme())
    assert {f.name: getattr(told, f.name) for f in fields(told)} == {
        f.name: getattr(est.DEFAULTS, f.name) for f in fields(est.DEFAULTS)
    }


def test_published_defaults_have_not_changed():
    """Numbers agencies rely on: whoever changes one publishes a new scheme."""
    assert est.Constants(
        half_life_months=12.0, half_life_least=3.0, half_life_most=60.0, window_months=36, allowance=5.0, robust_at=2.0, reviewer_share=0.25, client_share=0.40,
        severity_limit=12.0, consistency_limit=2.0, up_at=0.80, down_at=0.65, firm_at=0.80, alarm_slack=0.5, alarm_limit=4.0,
        stars_weight=1.0, stars_effect=0.5, bands=(60.0, 70.0, 90.0), least_results=5, least_reviewers=3,
        least_clients=2, least_reliability=0.70, a_results=5, a_clients=3, d_results=3,
    ) == est.DEFAULTS  # fmt: skip


# ---------------------------------------------------------------- severity and difficulty
def learn(blocks, reviewers, classes=0):
    return est.learn_severity(lambda: blocks, reviewers, classes)


def dense(market):
    """The same minimum by ordinary least squares with the penalty as further rows."""
    found = learn([block(market)], len(market.severity), 3)
    n, agencies, people = len(market.mark), len(market.quality), len(market.severity)
    design = np.zeros((n, agencies + people + 3))
    rows = np.arange(n)
    design[rows, market.agency] = 1
    design[rows, agencies + market.reviewer] = -1
    design[rows, agencies + people + market.difficulty] = -1
    penalty = np.zeros((people + 3, agencies + people + 3))
    weights = [sqrt(found.error_variance / found.reviewer_variance)] * people + [1.0] * 3
    penalty[np.arange(people + 3), agencies + np.arange(people + 3)] = weights
    solved = np.linalg.lstsq(np.vstack([design, penalty]), np.append(market.mark, np.zeros(people + 3)))[0]
    return found, solved[agencies : agencies + people], solved[agencies + people :]


def test_the_table_is_the_minimum_of_its_formula():
    found, severity, difficulty = dense(simulate(3, agencies=60, marks=6, reviewers=18))
    assert found.severity == pytest.approx(severity, abs=0.0051)
    assert found.difficulty == pytest.approx(difficulty, abs=0.0051)


def test_variances_are_recovered():
    market = simulate(5, agencies=1500, marks=12, reviewers=120, drift=0.0)
    found = learn([block(market)], 120, 3)
    assert found.error_variance == pytest.approx(36, rel=0.04)
    assert found.reviewer_variance == pytest.approx(float(np.var(market.severity)), rel=0.15)


def test_standard_errors_say_how_far_off_the_severities_are():
    off, said = [], []
    for seed in range(6):
        market = simulate(seed, drift=0.0, reviewers=36)
        found = learn([block(market)], 36, 3)
        assert found.exact
        off.append(found.severity - (market.severity - market.severity.mean()))
        said.append(found.severity_se)
    assert np.sqrt(np.mean(np.square(off))) == pytest.approx(np.sqrt(np.mean(np.square(said))), rel=0.25)


def test_good_agencies_that_take_hard_projects_do_not_turn_difficulty_round():
    market = simulate(1)
    found = learn([block(market)], len(market.severity), 3)
    assert found.difficulty == pytest.approx(CLASSES - CLASSES.mean(), abs=0.6)
    raw = [market.mark[market.difficulty == k].mean() for k in range(3)]
    assert raw[2] > raw[0] - 3  # the plain means hide most of the six points, or say the opposite


def test_reviewers_without_a_common_agency_are_not_corrected():
    """Two reviewers, one each on two agencies: no comparison, no correction, and flagged."""
    alone = est.Block(np.array([0, 3, 6]), np.array([0] * 3 + [1] * 3, np.int32), np.full(6, NOBODY), np.arange(6.0))
    found = learn([alone], 2)
    assert found.severity.tolist() == [0, 0]
    assert found.linked.tolist() == [False, False]
    assert len(set(found.component.tolist())) == 2


def test_corrections_of_every_component_sum_to_zero_and_components_are_found_across_blocks():
    dice = np.random.default_rng(2)
    first = est.Block(
        np.array([0, 4, 8]), np.array([0, 1, 1, 2, 2, 3, 0, 3], np.int32), np.full(8, NOBODY), dice.normal(75, 8, 8)
    )
    second = est.Block(np.array([0, 4]), np.array([4, 5, 4, 5], np.int32), np.full(4, NOBODY), dice.normal(75, 8, 4))
    found = learn([first, second], 6)
    assert found.component.tolist() == [0, 0, 0, 0, 1, 1]
    for part in (found.severity[:4], found.severity[4:]):
        assert float(part.sum()) == pytest.approx(0, abs=0.021)  # each is rounded to 0.01


def test_blocks_make_no_difference():
    market = simulate(4, agencies=90)
    whole = block(market)
    cut = int(whole.starts[40])
    parts = [
        est.Block(whole.starts[:41], whole.reviewer[:cut], whole.difficulty[:cut], whole.mark[:cut]),
        est.Block(whole.starts[40:] - cut, whole.reviewer[cut:], whole.difficulty[cut:], whole.mark[cut:]),
    ]
    one, two = learn([whole], len(market.severity), 3), learn(parts, len(market.severity), 3)
    assert two.severity == pytest.approx(one.severity, abs=0.0101)
    assert two.error_variance == pytest.approx(one.error_variance)
    assert two.component.tolist() == one.component.tolist()


# ---------------------------------------------------------------- whose marks scatter
def of_unequal_care(seed, spread, agencies=600, marks=5, reviewers=60):
    """A market without drift whose reviewers' errors differ: their standard deviations, the market, the truth."""
    dice = np.random.default_rng(seed)
    care = 6 * np.exp(dice.normal(0, spread, reviewers))
    market = simulate(seed, agencies=agencies, marks=marks, reviewers=reviewers, drift=0.0)
    truth = market.then - market.severity[market.reviewer] - CLASSES[market.difficulty]
    mark = np.clip(truth + dice.normal(0, 1, len(truth)) * care[market.reviewer], 0, 100)
    return care, replace(market, mark=mark)


def test_whose_marks_scatter_is_found():
    care, market = of_unequal_care(1, 0.5, agencies=1500, marks=10)
    found = learn([block(market)], 60, 3)
    assert np.corrcoef(np.log(found.spread), np.log(care**2))[0, 1] > 0.95
    counts = found.consistency(2.0)
    assert (counts.min(), counts.max()) == (0.5, 2.0)
    assert counts == pytest.approx(np.clip(est.consistency(found.spread), 0.5, 2))


def test_reviewers_of_equal_care_count_alike():
    _, market = of_unequal_care(2, 0.0)
    assert np.abs(learn([block(market)], 60, 3).consistency(2.0) - 1).max() < 0.1


def test_unequal_care_is_weighed_and_agencies_are_ordered_better_for_it():
    better = []
    for seed in range(3):
        _, market = of_unequal_care(seed, 0.6)
        scored, field, _, marks = grade(market)
        alike = est.weigh(replace(marks, consistency=np.ones(len(marks.value))), field, est.DEFAULTS)
        better.append(
            kendalltau(scored.score, market.quality).statistic - kendalltau(alike.score, market.quality).statistic
        )
    assert min(better) > 0.02


def test_nobody_is_consistent_by_agreeing_with_himself():
    """One reviewer gives an agency the same mark again and again, others disagree with it; one marks where nobody else does."""
    dice = np.random.default_rng(5)
    reviewer = np.tile(np.arange(6), (200, 1))
    level = dice.normal(75, 8, (200, 1))
    mark = level + dice.normal(0, 5, (200, 6))
    mark[:, 0] = 80  # whatever the agency is worth
    again = np.concatenate([reviewer, np.zeros((200, 6), int)], axis=1)
    same = np.concatenate([mark, np.full((200, 6), 80.0)], axis=1)
    own = np.full((30, 12), 6), np.full((30, 12), 75.0)  # the seventh: alone at its agencies
    rows, marks = np.concatenate([again, own[0]]), np.concatenate([same, own[1]])
    given = est.Block(
        np.arange(0, rows.size + 1, 12), rows.ravel().astype(np.int32), np.full(rows.size, NOBODY), marks.ravel()
    )
    counts = learn([given], 7).consistency(2.0)
    assert counts[0] < 0.8 * counts[1:6].min()
    assert counts[6] == 1


def test_a_mark_that_counts_double_is_two_marks_to_the_score_and_to_its_variance():
    double = est.weigh(one_agency([80.0, 90.0], consistency=[2.0, 1.0]), FIELD, est.DEFAULTS)
    twice = est.weigh(one_agency([80.0, 80.0, 90.0]), FIELD, est.DEFAULTS)
    assert double.evidence[0] == 3
    assert double.score[0] == pytest.approx(twice.score[0])
    moving = replace(FIELD, motion=est.Motion(36.0, 0.0, 12.0))
    both = [
        est.weigh(marks, moving, est.DEFAULTS).variance[0]
        for marks in (one_agency([80.0, 90.0], consistency=[2.0, 1.0]), one_agency([80.0, 80.0, 90.0]))
    ]
    assert both[0] == pytest.approx(both[1])


def test_with_nothing_to_learn_from_the_announced_variance_holds():
    one = est.Block(np.array([0, 1]), np.zeros(1, np.int32), np.full(1, NOBODY), np.array([80.0]))
    found = learn([one], 1)
    assert (found.error_variance, found.severity.tolist()) == (36.0, [0.0])


# ---------------------------------------------------------------- the field
def test_the_field_is_recovered():
    market = simulate(7, agencies=3000, drift=0.0)
    _, field, _, _ = grade(market)
    assert field.level == pytest.approx(float(market.quality.mean()), abs=0.5)
    assert field.between == pytest.approx(float(market.quality.var()), rel=0.1)


@pytest.mark.parametrize("drift", [0.0, 3.0, 6.0])
def test_how_fast_agencies_move_is_learnt_apart_from_the_noise(drift):
    market = simulate(11, agencies=4000, marks=12, drift=drift)
    true = market.mark + market.severity[market.reviewer] + CLASSES[market.difficulty]
    motion = est.pair_up(true, market.age, market.starts).motion()
    assert motion is not None
    assert sqrt(motion.drift) == pytest.approx(drift, abs=0.8)
    assert motion.noise == pytest.approx(36, rel=0.05)


def test_marks_of_one_day_say_nothing_about_movement():
    assert est.pair_up(np.arange(400.0), np.zeros(400), np.arange(0, 401, 4)).motion() is None


def memory(market):
    return grade(market)[1].half_life(est.DEFAULTS)


def test_marks_count_longer_where_agencies_stand_still_and_shorter_where_they_move():
    assert memory(simulate(3, agencies=3000, drift=0.0)) >= 24
    assert memory(simulate(3, agencies=600, drift=8.0)) <= 6
    assert memory(simulate(3, agencies=600, marks=30, drift=2.5)) < 12 < memory(simulate(3, agencies=3000, marks=3))


def test_a_few_marks_do_not_move_the_announced_half_life():
    assert {memory(simulate(seed, agencies=20, drift=0.0)) for seed in range(8)} == {12.0}


@pytest.mark.parametrize(("drift", "marks"), [(0.0, 10), (5.0, 10), (5.0, 30), (8.0, 30)])
def test_the_learnt_half_life_orders_agencies_better_than_the_announced_one(drift, marks):
    market = simulate(5, marks=marks, drift=drift)
    learnt, field, _, rows = grade(market)
    fixed = est.weigh(rows, field, replace(est.DEFAULTS, half_life_least=12.0, half_life_most=12.0))
    assert kendalltau(learnt.score, market.quality)[0] > kendalltau(fixed.score, market.quality)[0]


@given(
    drift=st.floats(0, 200), further=st.floats(0, 200), doubt=st.floats(0, 50), noise=st.floats(1, 200),
    between=st.floats(1, 200), seed=st.integers(0, 50), marks=st.integers(1, 30), agencies=st.integers(1, 40),
)  # fmt: skip
def test_the_faster_agencies_move_the_shorter_marks_count(drift, further, doubt, noise, between, seed, marks, agencies):
    dice = np.random.default_rng(seed)
    age = -np.sort(-dice.uniform(0, 36, (agencies, marks)), axis=1).ravel()
    when = est.Calendar(np.arange(0, agencies * marks + 1, marks), age)

    def learnt(speed):
        return learn_half_life(est.Motion(noise, speed), doubt, noise, noise / between, when, est.DEFAULTS)

    assert 3 <= learnt(drift + further) <= learnt(drift) <= 60


def test_bounds_hold_the_half_life_and_equal_bounds_fix_it():
    moving = replace(FIELD, motion=est.Motion(36.0, 50.0, 3.0))
    assert moving.half_life(est.DEFAULTS) == 3
    assert moving.half_life(replace(est.DEFAULTS, half_life_least=6.0)) == 6
    assert moving.half_life(replace(est.DEFAULTS, half_life_least=12.0, half_life_most=12.0)) == 12
    assert FIELD.half_life(est.DEFAULTS) == 12


def test_some_agencies_of_a_calendar_keep_their_marks():
    when = est.Calendar(np.array([0, 2, 2, 5]), np.array([9.0, 1, 8, 7, 6]))
    part = when.part(np.array([2, 0]))
    assert (part.starts.tolist(), part.age.tolist()) == ([0, 3, 5], [8, 7, 6, 9, 1])
    both = est.together([part, when])
    assert (both.starts.tolist(), both.age.tolist()) == ([0, 3, 5, 7, 7, 10], [8, 7, 6, 9, 1, 9, 1, 8, 7, 6])


@pytest.mark.parametrize("drift", [0.0, 2.5, 5.0])
def test_four_intervals_in_five_hold_the_truth_whatever_the_drift(drift):
    held = []
    for seed in range(3):
        market = simulate(seed, drift=drift)
        scored = grade(market)[0]
        held.append(np.abs(scored.score - market.quality) <= est.constants.Z80 * scored.sd)
    assert 0.75 <= np.mean(held) <= 0.85


# ---------------------------------------------------------------- the score
def test_a_reviewer_who_is_strict_costs_an_agency_hardly_anything():
    lost = []
    for seed in range(4):
        market = simulate(seed)
        met = per_agency(market, market.severity[market.reviewer])
        lost.append(-np.polyfit(met, grade(market)[0].score - market.quality, 1)[0])
    assert np.mean(lost) < 0.10


def test_five_marks_that_stray_together_count_like_fewer_that_stray_alone():
    honest = [75.0] * 10
    alone = est.weigh(one_agency([*honest, *[94.0] * 5]), FIELD, est.DEFAULTS)
    captured = est.weigh(one_agency([*honest, *[94.0] * 5], reviewers=[*range(10), *[99] * 5]), FIELD, est.DEFAULTS)
    assert captured.score[0] < alone.score[0] - 1
    assert captured.bound[0]
    assert captured.cap[0] == 1
    single = est.weigh(one_agency([*honest, 94.0]), FIELD, est.DEFAULTS)
    assert single.cap[10] == 1


def test_stars_weigh_at_most_one_mark_and_move_at_most_half_a_point():
    marks = one_agency([60.0] * 6)
    crowd = est.Witness(np.array([95.0]), np.array([1.0]))
    without = est.weigh(marks, FIELD, est.DEFAULTS)
    moved = est.weigh(marks, FIELD, est.DEFAULTS, witness=crowd)
    assert moved.score[0] - without.score[0] == pytest.approx(0.5)
    assert 0 < moved.witness.weight[0] < 1


def test_a_client_is_one_voice_and_related_or_nameless_stars_are_none():
    said = voices(
        np.array([0, 0, 0, 1]), np.array([5, 5, -1, 7], np.int32), np.array([5.0, 3.0, 1.0, 4.0]), np.zeros(4), 2
    )
    assert said.level.tolist() == [4.0, 4.0]
    heard = hear(said, StarScale(3.0, 4.0), FIELD, est.DEFAULTS)
    assert heard.value.tolist() == [79.0, 79.0]
    assert heard.weight == pytest.approx([0.2, 0.2])


def test_what_a_star_is_worth_is_learnt_and_never_negative():
    dice = np.random.default_rng(0)
    true = dice.normal(0, 1, 400)
    stars, marks, number = 4 + 0.5 * true, 75 + 6 * true, np.full(400, 8)
    assert learn_stars(stars, marks, number).slope == pytest.approx(12, rel=0.01)
    assert learn_stars(stars, -marks, number).slope == 0
    assert learn_stars(stars[:5], marks[:5], number[:5]).slope == 0


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.booleans())
def test_shares_hold_for_all_agencies_at_once_and_each_alone_comes_out_the_same(seed, two):
    """Whatever the marks: no reviewer above a quarter or an equal part, no client above two fifths; each agency for itself."""
    dice = np.random.default_rng(seed)
    sizes = dice.integers(0, 12, 5)
    n, starts = int(sizes.sum()), np.concatenate([[0], np.cumsum(sizes)])
    links = np.repeat(np.arange(n), 2 if two else 1)
    age = np.concatenate([np.sort(dice.uniform(0, 36, k))[::-1] for k in sizes]) if n else np.zeros(0)
    marks = est.Marks(
        starts=starts, value=dice.uniform(0, 100, n), age=age, consistency=dice.uniform(0.5, 2, n), client=dice.integers(-1, 4, n).astype(np.int32),
        link_mark=links, link_reviewer=dice.integers(0, 6, len(links)).astype(np.int32),
    )  # fmt: skip
    found = est.weigh(marks, FIELD, est.DEFAULTS)
    for k in range(5):
        rows = slice(starts[k], starts[k + 1])
        total, weight = found.total[k], found.weight[rows]
        mine = (links >= starts[k]) & (links < starts[k + 1])
        part = found.weight[links[mine]] / (2 if two else 1)
        by_reviewer = np.bincount(marks.link_reviewer[mine], part, 6)
        known = marks.client[rows] >= 0
        by_client = np.bincount(marks.client[rows][known], weight[known], 4)
        people, clients = (len(set(codes.tolist())) for codes in (marks.link_reviewer[mine], marks.client[rows][known]))
        assert max(by_reviewer, default=0) <= max(0.25, 1 / max(people, 1)) * total * (1 + 1e-6)
        assert max(by_client, default=0) <= max(0.40, 1 / max(clients, 1)) * total * (1 + 1e-6)
        alone = est.Marks(
            np.array([0, sizes[k]]), marks.value[rows], marks.age[rows], marks.consistency[rows], marks.client[rows],
            links[mine] - starts[k], marks.link_reviewer[mine],
        )  # fmt: skip
        assert est.weigh(alone, FIELD, est.DEFAULTS).score[0] == pytest.approx(found.score[k], abs=1e-9)


def test_groups_may_be_kept_between_regrades():
    market = simulate(1, agencies=40)
    scored, field, severity, _ = grade(market)
    marks = corrected(market, severity)
    again = est.weigh(marks, field, est.DEFAULTS, groups=est.group(marks))
    assert again.score.tolist() == scored.score.tolist()


# ---------------------------------------------------------------- grades
def placed(score, sd, previous=None, results=10, clients=5):
    counts = est.Counts(np.array([results]), np.array([5]), np.array([clients]))
    before = None if previous is None else np.array([est.GRADES.index(previous)], np.int8)
    found = est.place(np.array([score]), np.array([sd]), counts, np.array([0.9]), est.DEFAULTS, before)
    return est.GRADES[found.grade[0]], bool(found.firm[0]), found.p_up[0], found.p_down[0]


@given(
    st.integers(0, 10_000), st.integers(1, 2_000), st.sampled_from([None, *CreditGrade]), st.sampled_from([60, 70, 90])
)
def test_arrays_and_the_rules_of_one_agency_place_alike(score, sd, before, edge):
    """A published grade and a grade from a file cannot differ, on the edge of a band either."""
    for points in (Decimal(score) / 100, edge + Decimal(score - 5_000) / 5_000):
        shown, spread = half_up(points, 2), Decimal(sd) / 100
        band, _ = bands.step(before, shown, spread, scheme())
        up, down = bands.certainty(band, shown, spread, scheme())
        firm = 1 - up - down >= scheme().estimator.firm_at
        told = placed(float(shown), float(spread), before.value if before else None)
        assert told == (band.value, firm, pytest.approx(float(up)), pytest.approx(float(down)))


@pytest.mark.parametrize(
    ("score", "sd", "previous", "grade"),
    [
        (70.0, 3.0, None, "B"),
        (69.99, 3.0, None, "C"),
        (90.5, 3.0, None, "B"),  # A only as for a rise
        (93.0, 3.0, None, "A"),
        (72.0, 3.0, "C", "C"),  # P(>= 70) = 0.7475
        (72.6, 3.0, "C", "B"),  # 0.8069
        (69.0, 3.0, "B", "B"),  # P(< 70) = 0.6306
        (68.8, 3.0, "B", "C"),  # 0.6554
        (95.0, 2.0, "D", "C"),  # one step at a time
        (40.0, 2.0, "A", "B"),
        (50.0, 2.0, None, "D"),
    ],
)
def test_bands_and_hysteresis(score, sd, previous, grade):
    assert placed(score, sd, previous)[0] == grade


def test_few_results_few_clients_and_no_d_without_results():
    assert placed(95.0, 2.0, results=4)[0] == "N"
    assert placed(95.0, 2.0, clients=1)[0] == "N"
    assert placed(95.0, 2.0, clients=2)[0] == "B"
    assert placed(95.0, 2.0, clients=-1)[0] == "A"


def test_firm_means_eighty_per_cent():
    assert placed(80.0, 3.0)[1] is True
    assert placed(71.0, 3.0)[1] is False


# ---------------------------------------------------------------- alarm and explanation
def test_a_fall_sounds_the_alarm_within_a_few_marks_and_steady_marks_do_not():
    steady = [75.0, 78.0, 72.0, 74.0, 77.0, 73.0]
    ages = np.arange(12.0)[::-1]
    quiet = est.watch(np.array(steady * 2), ages, np.array([0, 12]), FIELD, est.DEFAULTS)
    fallen = est.watch(np.array([*steady, *[60.0] * 6]), ages, np.array([0, 12]), FIELD, est.DEFAULTS)
    assert not quiet.sounding[0]
    assert fallen.falling[0]
    assert not fallen.rising[0]


@given(st.integers(0, 10_000))
def test_the_table_of_an_agency_adds_up_to_the_hundredth(seed):
    dice = np.random.default_rng(seed)
    n = int(dice.integers(0, 15))
    marks = one_agency(dice.uniform(0, 100, n), np.sort(dice.uniform(0, 36, n))[::-1], dice.integers(0, 4, n))
    stars = est.Witness(np.array([80.0]), dice.integers(0, 2, 1).astype(float))
    table = est.explain(0, marks, est.weigh(marks, FIELD, est.DEFAULTS, witness=stars))
    effects = sum(round(row.effect * 100) for row in table.rows) + round(table.stars_effect * 100)
    assert round(table.base * 100) + effects == round(table.score * 100)
    assert round(table.base_share * 10) + round(table.stars_share * 10) + sum(
        round(row.share * 10) for row in table.rows
    ) == (1000)


def test_remainders_go_to_the_largest():
    assert spread_remainder(np.array([1.5, 1.25, 1.25]), 4).tolist() == [2, 1, 1]
    assert spread_remainder(np.array([]), 0).tolist() == []


def test_an_interval_before_learning_carries_the_allowance():
    found = est.weigh(one_agency([75.0] * 4), FIELD, est.DEFAULTS)
    assert found.variance[0] == pytest.approx(36 / 5 + 5)
    moving = replace(FIELD, motion=est.Motion(36.0, 0.0))
    fresh = est.weigh(one_agency([75.0] * 4), moving, est.DEFAULTS)
    assert fresh.variance[0] == pytest.approx(36 / 5 * (1 + est.constants.REST_SHARE) + est.constants.REST)
