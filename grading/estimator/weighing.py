"""The score of every agency at once: a shrunk, time-weighted, robust mean with capped shares.

    Q = (λ·μ + Σ w_i·y_i + w_s·y_s) / (λ + Σ w_i + w_s)      w_i = 0.5^(age/half-life) · consistency_i · robust_i · cap_i

In this order, so that every statement about the published weights can be checked:

1. *Caps on weights before anything else.* No reviewer may hold more than its share of all the weight the explanation shows (λ
   included), and no client more than its own; where they are too few for that, none more than an equal part.
2. *Robust level.* With these weights the level solves Huber's equation exactly; a mark further than 2√ve from it
   counts as 2√ve / distance. The level is the minimum of a convex function, so one more mark at or above it never
   lowers it.
3. *One voice.* Marks of one reviewer that stray together, each within what a mark may stray, are the sign of a
   captured reviewer. Their joint pull is held to what as many independent marks would rarely exceed: 2√ve·√(Σ (decay·consistency)²).
   A single mark is never touched by this.
4. *Caps again*, on what is left, so that the published shares meet the caps. Where nothing binds, nothing changes.
5. *Stars* weigh so little that they move the score by half a point at most.

The variance of the score follows from the weights, once it is known how agencies move (`motion`): the noise of
each mark, the way the agency may have gone since, and what the prior holds. Before that it is ve/(λ + Σw) plus the
scheme's allowance.

Caps scale all groups at once until every share fits, so the order of rows, reviewers and clients cannot matter.
Agencies on which no cap binds leave after the first look; the rest go on among themselves.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from grading.estimator.constants import REST, REST_SHARE, Constants
from grading.estimator.field import Field
from grading.estimator.marks import NONE, Flags, Ints, Marks, Reals, totals
from grading.estimator.motion import walk

ROUNDS = 10_000
FITS = 1 + 1e-9
NEWTON_STEPS = 200
SETTLED = 1e-12


@dataclass(frozen=True, slots=True)
class Witness:
    """All client stars of each agency together: a value in points and a weight (0: no stars)."""

    value: Reals
    weight: Reals


@dataclass(frozen=True, slots=True)
class Weighed:
    """Scores and weights. Per mark: `decay`, `consistency`, `robust`, `cap`; per agency the rest, in points.

    `evidence` is Σw, `total` λ + Σw + the stars' weight, `variance` of the score includes the allowance, `bound`
    tells whether a cap was at work, `level` is the prior's level used.
    """

    decay: Reals
    consistency: Reals
    robust: Reals
    cap: Reals
    level: Reals
    score: Reals
    variance: Reals
    evidence: Reals
    total: Reals
    bound: Flags
    prior_weight: float
    witness: Witness

    @property
    def weight(self) -> Reals:
        """The weight of each mark."""
        return self.decay * self.consistency * self.robust * self.cap

    @property
    def sd(self) -> Reals:
        """Standard deviation of each score, in points."""
        return np.sqrt(self.variance)

    @property
    def reliability(self) -> Reals:
        """Share of the evidence against the field's level: Σw / (λ + Σw)."""
        return self.evidence / (self.prior_weight + self.evidence)


@dataclass(slots=True)
class Groups:
    """Marks by agency, with their groups by reviewer and by client.

    `reviewers` and `clients` say how many each agency has, `most_reviewer` and `most_client` how large the largest
    group is, `repeated` the links whose reviewer has marked the agency more than once and `voice` whose they are,
    counted from 0: most agencies need no look at their groups at all.
    """

    starts: Ints
    link_mark: Ints
    link_part: Reals
    reviewer_group: Ints
    reviewer_owner: Ints
    client_group: Ints
    client_owner: Ints
    client_known: Flags
    reviewers: Ints
    clients: Ints
    most_reviewer: Ints
    most_client: Ints
    repeated: Ints
    voice: Ints


def weigh(
    marks: Marks,
    prior: Field,
    constants: Constants,
    level: Reals | None = None,
    witness: Witness | None = None,
    groups: "Groups | None" = None,
) -> Weighed:
    """The scores of all agencies of `marks`; none may be older than the window.

    `level` gives each agency's own prior level where it is not μ (the entry prior). `groups` are those of `marks`
    where they are kept for another day: who marked whom does not change with the date.
    """
    agencies = len(marks.starts) - 1
    base = np.full(agencies, prior.level) if level is None else level
    stars = witness or Witness(np.zeros(agencies), np.zeros(agencies))
    lam = prior.prior_weight
    decay = np.exp2(marks.age / -prior.half_life(constants))
    plain = decay * marks.consistency
    fixed = lam + stars.weight
    rows = groups or group(marks)
    first = _caps(plain, fixed, rows, constants)
    anchor = lam * base + stars.weight * stars.value
    reach = constants.robust_at * sqrt(prior.error)
    centre = _huber(marks, plain * first, anchor, fixed, reach)
    distance = np.abs(marks.value - np.repeat(centre, marks.sizes))
    far = np.flatnonzero(distance > reach)
    robust = np.ones(len(plain))
    robust[far] = reach / distance[far]
    voice = _one_voice(marks, centre, plain, robust, reach, rows)
    cap = voice * _caps(plain * robust * voice, fixed, rows, constants)
    weight = plain * robust * cap
    evidence = totals(weight, marks.starts)
    stars = _held(stars, lam * base + totals(weight * marks.value, marks.starts), lam + evidence, constants)
    anchor, fixed = lam * base + stars.weight * stars.value, lam + stars.weight
    total = fixed + evidence
    bound = totals(((first < 1) | (cap < 1)).astype(float), marks.starts) > 0
    return Weighed(
        decay=decay,
        consistency=marks.consistency,
        robust=robust,
        cap=cap,
        level=base,
        score=(anchor + totals(weight * marks.value, marks.starts)) / total,
        variance=_variance(marks, weight, prior, stars, total, constants),
        evidence=evidence,
        total=total,
        bound=bound,
        prior_weight=lam,
        witness=stars,
    )


def _one_voice(marks: Marks, centre: Reals, weight: Reals, robust: Reals, reach: float, rows: Groups) -> Reals:
    """The factor by which marks of one reviewer that stray together are held back."""
    held = np.ones(len(weight))
    link = rows.repeated
    if not len(link):
        return held
    mark = rows.link_mark[link]
    part = weight[mark] * rows.link_part[link]
    apart = marks.value[mark] - centre[marks.owner[mark]]
    pull = np.abs(np.bincount(rows.voice, part * robust[mark] * apart))
    rarely = reach * np.sqrt(np.bincount(rows.voice, part**2))
    factor = np.minimum(1.0, rarely * FITS / np.maximum(pull, 1e-300))
    np.minimum.at(held, mark, factor[rows.voice])
    return held


def _held(stars: Witness, pulled: Reals, total: Reals, constants: Constants) -> Witness:
    """The stars with so much weight that they move a score by `stars_effect` points at most."""
    apart = np.abs(stars.value - pulled / total)
    room = np.maximum(apart - constants.stars_effect, 0.0)
    most = np.where(room > 0, constants.stars_effect * total / np.maximum(room, 1e-300), np.inf)
    return Witness(stars.value, np.minimum(stars.weight, most))


def _variance(marks: Marks, weight: Reals, prior: Field, stars: Witness, total: Reals, constants: Constants) -> Reals:
    if prior.motion is None:
        evidence = total - prior.prior_weight - stars.weight
        return prior.error / (prior.prior_weight + evidence) + constants.allowance
    walked = prior.motion.drift * walk(marks.age, marks.starts, weight)
    strayed = prior.motion.noise * totals(weight**2 / marks.consistency, marks.starts)
    held = prior.error * (prior.prior_weight + stars.weight)
    return (1 + REST_SHARE) * (walked + strayed + held) / total**2 + REST


def _huber(marks: Marks, weight: Reals, anchor: Reals, fixed: Reals, reach: float) -> Reals:
    """The level at which all pulls cancel, each mark's pull limited to `reach`.

    Newton's step where it stays inside the bracket, halving where it does not; agencies that have settled leave.
    """
    agencies = len(marks.starts) - 1
    low, high = anchor / fixed, anchor / fixed
    held = marks.sizes > 0
    if held.any():
        low[held] = np.minimum(low[held], np.minimum.reduceat(marks.value, marks.starts[:-1][held]))
        high[held] = np.maximum(high[held], np.maximum.reduceat(marks.value, marks.starts[:-1][held]))
    level = (anchor + totals(weight * marks.value, marks.starts)) / (fixed + totals(weight, marks.starts))
    live, starts, value, part = np.arange(agencies), marks.starts, marks.value, weight
    for _ in range(NEWTON_STEPS):
        now = level[live]
        apart = value - np.repeat(now, np.diff(starts))
        inside = np.abs(apart) <= reach
        pull = anchor[live] - fixed[live] * now + totals(part * np.clip(apart, -reach, reach), starts)
        slope = fixed[live] + totals(part * inside, starts)
        low[live] = np.where(pull > 0, now, low[live])
        high[live] = np.where(pull < 0, now, high[live])
        ahead = now + pull / slope
        ahead = np.where((ahead < low[live]) | (ahead > high[live]), (low[live] + high[live]) / 2, ahead)
        level[live] = ahead
        moving = np.abs(ahead - now) > SETTLED * 100
        if not moving.any():
            break
        if not moving.all():
            live, keep = live[moving], np.repeat(moving, np.diff(starts))
            value, part = value[keep], part[keep]
            starts = np.concatenate([[0], np.cumsum(np.diff(starts)[moving])])
    return level


def group(marks: Marks) -> Groups:
    """Group the marks of each agency by reviewer and by client."""
    owner = marks.owner
    part = 1 / np.bincount(marks.link_mark, minlength=len(marks.value))[marks.link_mark]
    reviewer_group, reviewer_owner = _groups(owner[marks.link_mark], marks.link_reviewer)
    known = marks.client != NONE
    client_group, client_owner = _groups(owner[known], marks.client[known])
    agencies = len(marks.starts) - 1
    by_reviewer = np.bincount(reviewer_group, minlength=len(reviewer_owner))
    several = by_reviewer > 1
    repeated = np.flatnonzero(several[reviewer_group])
    return Groups(
        starts=marks.starts,
        link_mark=marks.link_mark,
        link_part=part,
        reviewer_group=reviewer_group,
        reviewer_owner=reviewer_owner,
        client_group=client_group,
        client_owner=client_owner,
        client_known=known,
        reviewers=np.bincount(reviewer_owner, minlength=agencies),
        clients=np.bincount(client_owner, minlength=agencies),
        most_reviewer=_most(by_reviewer, reviewer_owner, agencies),
        most_client=_most(np.bincount(client_group, minlength=len(client_owner)), client_owner, agencies),
        repeated=repeated,
        voice=(np.cumsum(several) - 1)[reviewer_group[repeated]],
    )


def _most(size: Ints, owner: Ints, agencies: int) -> Ints:
    most = np.zeros(agencies, np.int64)
    np.maximum.at(most, owner, size)
    return most


def _groups(owner: Ints, code: NDArray[np.integer]) -> tuple[Ints, Ints]:
    """Group number of each row by (agency, code), and the agency of each group."""
    if not len(owner):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    span = int(code.max()) + 1
    key, group = np.unique(owner * span + code, return_inverse=True)
    return group, key // span


def _caps(base: Reals, fixed: Reals, rows: Groups, constants: Constants) -> Reals:
    """The cap of each mark, so that no group exceeds its share of fixed + Σw."""
    cap = np.ones(len(base))
    shares = _shares(rows, constants)
    busy = _may_bind(base, fixed, rows, shares)
    if not busy.any():
        return cap
    live = _Live(base, fixed, rows, shares, np.arange(len(base))).keep(busy, cap)
    for _ in range(ROUNDS):
        factor = live.factors()
        tight = factor * FITS < 1
        if not tight.any():
            break
        busy = totals(tight.astype(float), live.rows.starts) > 0
        live = live.keep(busy, factor)
        cap[live.at] *= live.factor
    return cap


@dataclass(slots=True)
class _Shares:
    """The largest share of the weight that one reviewer and one client may hold, agency by agency."""

    reviewer: Reals
    client: Reals


def _shares(rows: Groups, constants: Constants) -> _Shares:
    return _Shares(
        reviewer=np.maximum(constants.reviewer_share, 1 / np.maximum(rows.reviewers, 1)),
        client=np.maximum(constants.client_share, 1 / np.maximum(rows.clients, 1)),
    )


def _may_bind(base: Reals, fixed: Reals, rows: Groups, shares: _Shares) -> Flags:
    """Agencies whose largest group, were all its marks of the largest weight, would exceed its share."""
    held = np.diff(rows.starts) > 0
    largest = np.zeros(len(held))
    if held.any():
        largest[held] = np.maximum.reduceat(base, rows.starts[:-1][held])
    total = fixed + totals(base, rows.starts)
    may: Flags = (rows.most_reviewer * largest > shares.reviewer * total) | (
        rows.most_client * largest > shares.client * total
    )
    return may


class _Live:
    """The agencies on which a cap still binds, with their current weights."""

    def __init__(self, weight: Reals, fixed: Reals, rows: Groups, shares: _Shares, at: Ints) -> None:
        self.weight, self.fixed, self.rows, self.shares, self.at = weight, fixed, rows, shares, at
        self.factor = np.ones(len(weight))

    def factors(self) -> Reals:
        """By how much each mark must shrink now."""
        rows, weight = self.rows, self.weight
        total = self.fixed + totals(weight, rows.starts)
        by_link = weight[rows.link_mark] * rows.link_part
        reviewers = _scale(by_link, rows.reviewer_group, rows.reviewer_owner, total, self.shares.reviewer)
        if len(rows.link_mark) == len(weight):  # one reviewer each, in the order of the marks
            factor = reviewers[rows.reviewer_group]
        else:
            factor = np.ones(len(weight))
            np.minimum.at(factor, rows.link_mark, reviewers[rows.reviewer_group])
        clients = _scale(weight[rows.client_known], rows.client_group, rows.client_owner, total, self.shares.client)
        factor[rows.client_known] = np.minimum(factor[rows.client_known], clients[rows.client_group])
        return factor

    def keep(self, busy: Flags, factor: Reals) -> "_Live":
        """The busy agencies alone, shrunk once by `factor`."""
        rows = self.rows
        sizes = np.diff(rows.starts)
        mine = np.repeat(busy, sizes)
        number = np.cumsum(busy) - 1
        place = np.cumsum(mine) - 1
        link = mine[rows.link_mark]
        reviewer_keep, client_keep = busy[rows.reviewer_owner], busy[rows.client_owner]
        reviewer_number, client_number = np.cumsum(reviewer_keep) - 1, np.cumsum(client_keep) - 1
        client_rows = mine[rows.client_known]
        slim = Groups(
            starts=np.concatenate([[0], np.cumsum(sizes[busy])]),
            link_mark=place[rows.link_mark[link]],
            link_part=rows.link_part[link],
            reviewer_group=reviewer_number[rows.reviewer_group[link]],
            reviewer_owner=number[rows.reviewer_owner[reviewer_keep]],
            client_group=client_number[rows.client_group[client_rows]],
            client_owner=number[rows.client_owner[client_keep]],
            client_known=rows.client_known[mine],
            reviewers=rows.reviewers[busy],
            clients=rows.clients[busy],
            most_reviewer=rows.most_reviewer[busy],
            most_client=rows.most_client[busy],
            repeated=np.zeros(0, np.int64),
            voice=np.zeros(0, np.int64),
        )
        shares = _Shares(self.shares.reviewer[busy], self.shares.client[busy])
        after = _Live(self.weight[mine] * factor[mine], self.fixed[busy], slim, shares, self.at[mine])
        after.factor = factor[mine]
        return after


def _scale(weight: Reals, group: Ints, owner: Ints, total: Reals, share: Reals) -> Reals:
    sums = np.bincount(group, weight, len(owner))
    scaled: Reals = np.minimum(1.0, (share * total)[owner] / np.maximum(sums, 1e-300))
    return scaled
