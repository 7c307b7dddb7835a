"""Who is strict, which projects are hard: learnt only from comparisons inside the same agency.

Free agency levels a, severities s, difficulties d minimise

    Σ (y − a_agency + s_reviewer + d_class)² + (ve/vr)·Σ s² + Σ d²

over all expert marks of the window (docs/guides/grading.md). Because the levels are free, a reviewer whose agencies
are weak, and a class that good agencies take, are not mistaken for a strict reviewer and a hard class. The agencies
are eliminated (each mark less the mean of its agency) and the rest is solved by conjugate gradients, block by block.
The penalty makes the corrections of every connected component sum to zero and leaves an unlinked reviewer at zero.

How far the marks of each reviewer scatter is learnt after that, from the corrected marks (`consistency`).

The variances come from the same marks by Henderson's third method: ve from what the free fit leaves over, vr from
how much it explains, so neither needs a starting value. A class is shrunk as if one mark had found it at zero: with
the hundreds of marks a class has this changes nothing, and with one or two it stops noise from being published.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from grading.estimator.consistency import consistency, learn_spread
from grading.estimator.constants import BELIEF, ERROR_BEFORE
from grading.estimator.marks import Block, Blocks, Codes, Flags, Ints, Reals, half_up, totals

EXACT_UP_TO, MOST_PAIRS = 1_500, 100_000_000
"""So many reviewers and classes, and pairs of marks inside agencies: exact standard errors from the inverse. Above:
the usual diagonal bound."""
TOLERANCE = 1e-7
MOST_STEPS = 400
CLASSES_APART = 32
"""Up to so many classes, their part is taken out exactly when the reviewers' variance is learnt."""
CLASS_PENALTY = 1.0
"""A class is shrunk like something one mark has found at zero."""
LEAST_VARIANCE = 1e-6
FREE = 1e-6
"""A penalty that only picks one of the equal solutions of the free fit."""

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Severity:
    """What was learnt. Corrections are *added* to a mark: a strict reviewer has a positive one.

    severity, difficulty     corrections in points, rounded to 0.01
    severity_se, ...         their standard errors, points
    severity_marks, ...      marks they rest on
    component                reviewers who can be compared carry the same number
    linked                   whether a reviewer shares an agency with another reviewer; else no correction
    spread                   the variance of one mark of a reviewer, as a multiple of the average one's
    error_variance           ve, one mark about the agency's level, square points
    reviewer_variance        vr, between reviewers, square points
    exact                    whether the standard errors are exact
    """

    severity: Reals
    severity_se: Reals
    severity_marks: Ints
    component: Codes
    linked: Flags
    spread: Reals
    difficulty: Reals
    difficulty_se: Reals
    difficulty_marks: Ints
    error_variance: float
    reviewer_variance: float
    exact: bool

    @property
    def doubt(self) -> float:
        """How uncertain the severity in an average mark is: mean square standard error, square points."""
        weights = self.severity_marks
        return float(np.average(self.severity_se**2, weights=weights)) if weights.sum() else 0.0

    def correction(self, reviewer: Codes, difficulty: Codes, limit: float) -> Reals:
        """Points to add to marks: severity within the limit, plus difficulty (0 where not stated)."""
        held = np.clip(self.severity, -limit, limit)
        classes = np.append(self.difficulty, 0.0)
        added: Reals = held[reviewer] + classes[difficulty]
        return added

    def consistency(self, limit: float) -> Reals:
        """How many marks of an average reviewer one of each counts: within the limit and one in it."""
        return np.clip(consistency(self.spread), 1 / limit, limit)


@dataclass(frozen=True, slots=True)
class _Census:
    """What one pass over the marks counts: `information` is the diagonal of the reduced equations."""

    marks: int
    agencies: int
    pairs: int
    counts: Reals
    information: Reals
    squares: float
    load: Reals
    component: Codes
    linked: Flags


class _Equations:
    """The reduced normal equations, never formed: only their product with a vector."""

    def __init__(self, blocks: Blocks, reviewers: int, classes: int, progress: Progress) -> None:
        self.blocks, self.reviewers, self.classes, self.progress = blocks, reviewers, classes, progress
        self.unknowns = reviewers + classes

    def centred(self, block: Block, x: Reals) -> Reals:
        """Corrections of the marks less the mean of their agency."""
        z = x[: self.reviewers].take(block.reviewer)
        if self.classes:
            z += np.append(x[self.reviewers :], 0.0).take(block.difficulty)
        return _less_mean(z, block)

    def back(self, block: Block, z: Reals) -> Reals:
        """Sum of `z` over the marks of each reviewer, then of each class."""
        by_reviewer = np.bincount(block.reviewer, z, self.reviewers).astype(np.float64, copy=False)
        if not self.classes:
            return by_reviewer
        by_class = np.bincount(block.difficulty + 1, z, self.classes + 1)[1:]
        return np.concatenate([by_reviewer, by_class])

    def times(self, x: Reals) -> Reals:
        """The reduced matrix times `x`."""
        total = np.zeros(self.unknowns)
        for block in self.blocks():
            total += self.back(block, self.centred(block, x))
        self.progress(1)
        return total


def _less_mean(z: Reals, block: Block) -> Reals:
    sizes = block.sizes
    return z - np.repeat(totals(z, block.starts) / np.maximum(sizes, 1), sizes)


def learn_severity(blocks: Blocks, reviewers: int, classes: int, progress: Progress = lambda _: None) -> Severity:
    """Learn the table of corrections from all blocks of marks.

    `reviewers` and `classes` are the numbers of codes. `progress` is told of every pass over the marks.
    """
    equations = _Equations(blocks, reviewers, classes, progress)
    census = _census(equations)
    free = _solve(equations, census, np.full(equations.unknowns, FREE), np.zeros(equations.unknowns))
    error, between = _variances(equations, census, free)
    penalty = np.concatenate([np.full(reviewers, error / between), np.full(classes, CLASS_PENALTY)])
    x = half_up(_solve(equations, census, penalty, free), 2)
    x[census.information < FREE] = 0.0
    se, exact = _standard_errors(equations, census, penalty, error)
    cut = reviewers

    def corrected(block: Block) -> Reals:
        added: Reals = x[:cut][block.reviewer] + np.append(x[cut:], 0.0)[block.difficulty]
        return block.mark + added

    return Severity(
        severity=x[:cut],
        severity_se=se[:cut],
        severity_marks=census.counts[:cut].astype(np.int64),
        component=census.component,
        linked=census.linked,
        spread=learn_spread(blocks, reviewers, error, corrected, progress),
        difficulty=x[cut:],
        difficulty_se=se[cut:],
        difficulty_marks=census.counts[cut:].astype(np.int64),
        error_variance=error,
        reviewer_variance=between,
        exact=exact,
    )


def _census(equations: _Equations) -> _Census:
    cut, unknowns = equations.reviewers, equations.unknowns
    counts, together, load = np.zeros(unknowns), np.zeros(unknowns), np.zeros(unknowns)
    marks = agencies = crossings = 0
    squares = 0.0
    groups = Components(cut)
    for block in equations.blocks():
        y = _less_mean(block.mark, block)
        squares += float(y @ y)
        load -= equations.back(block, y)
        counts += equations.back(block, np.ones(len(y)))
        marks += len(y)
        agencies += int((block.sizes > 0).sum())
        crossings += int((block.sizes**2).sum())
        owner = block.owner
        stated = block.difficulty >= 0
        pairs = [(owner, block.reviewer.astype(np.int64))]
        if equations.classes:
            pairs.append((owner[stated], block.difficulty[stated].astype(np.int64) + cut))
        for agency, unknown in pairs:
            key, number = np.unique(agency * unknowns + unknown, return_counts=True)
            agency_of, unknown_of = np.divmod(key, unknowns)
            together += np.bincount(unknown_of, number.astype(float) ** 2 / block.sizes[agency_of], unknowns)
            if unknown is pairs[0][1]:
                groups.add(agency_of, unknown_of, len(block.sizes))
    equations.progress(1)
    component, linked = groups.found()
    return _Census(
        marks, agencies, crossings, counts, np.maximum(counts - together, 0.0), squares, load, component, linked
    )


class Components:
    """Connected components of reviewers, joined block by block."""

    def __init__(self, reviewers: int) -> None:
        self.reviewers = reviewers
        self.label = np.arange(reviewers)

    def add(self, agency: Ints, reviewer: Ints, agencies: int) -> None:
        """Join the reviewers who marked the same agency."""
        size = agencies + self.reviewers
        rows = np.concatenate([agency, agencies + np.arange(self.reviewers)])
        columns = np.concatenate([agencies + self.label[reviewer], agencies + self.label])
        graph = sparse.coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(size, size))
        _, found = connected_components(graph, directed=False)
        joined = found[agencies:]
        _, first = np.unique(joined, return_index=True)
        representative = np.zeros(int(joined.max(initial=0)) + 1, np.int64)
        representative[joined[first]] = first
        self.label = representative[joined]

    def found(self) -> tuple[Codes, Flags]:
        """Component of each reviewer, numbered by size, and whether anybody else is in it."""
        _, inverse, size = np.unique(self.label, return_inverse=True, return_counts=True)
        rank = np.empty(len(size), np.int32)
        rank[np.argsort(-size, kind="stable")] = np.arange(len(size))
        return rank[inverse], size[inverse] > 1


def _solve(equations: _Equations, census: _Census, penalty: Reals, start: Reals) -> Reals:
    """Conjugate gradients with the diagonal as preconditioner; deterministic."""
    diagonal = np.maximum(census.information, FREE) + penalty
    x = start.copy()
    rest = census.load - penalty * x
    if x.any():
        rest -= equations.times(x)
    goal = TOLERANCE * max(float(np.linalg.norm(census.load)), 1e-12)
    z = rest / diagonal
    direction = z.copy()
    strength = float(rest @ z)
    for _ in range(MOST_STEPS):
        if float(np.linalg.norm(rest)) <= goal:
            break
        ahead = equations.times(direction) + penalty * direction
        length = strength / float(direction @ ahead)
        x += length * direction
        rest -= length * ahead
        z = rest / diagonal
        strength, before = float(rest @ z), strength
        direction = z + strength / before * direction
    return x


def _variances(equations: _Equations, census: _Census, free: Reals) -> tuple[float, float]:
    """ve and vr by Henderson's third method; without anything to learn from, the announced ve and no vr.

    The reviewers explain, beyond the classes, some of the squares within agencies. In expectation that is
    vr·trace + ve·rank, and the squares the full fit leaves over are ve·(marks − agencies − all ranks).
    """
    known = census.information > FREE
    groups = len(np.unique(census.component[census.linked]))
    by_class, trace, class_rank = _classes(equations, census)
    rank = max(int(known[: equations.reviewers].sum()) - groups, 0)
    explained = float(free @ census.load)
    degrees = census.marks - census.agencies - rank - class_rank
    if degrees <= 0:
        return ERROR_BEFORE, LEAST_VARIANCE
    error = (max(census.squares - explained, 0.0) + BELIEF * ERROR_BEFORE) / (degrees + BELIEF)
    between = (explained - by_class - error * rank) / trace if trace > FREE else 0.0
    return error, max(between, LEAST_VARIANCE * max(1.0, error))


def _classes(equations: _Equations, census: _Census) -> tuple[float, float, int]:
    """Squares the classes explain alone, the trace of the reviewers' equations beyond them, the classes' rank.

    Exact up to `CLASSES_APART` classes. With more, their columns are not taken out of the trace: each class then
    holds a small part of the marks and takes little from it.
    """
    cut = equations.reviewers
    trace = float(census.information[:cut].sum())
    if not equations.classes:
        return 0.0, trace, 0
    if equations.classes > CLASSES_APART:
        held = census.information[cut:]
        rank = int((held > FREE).sum())
        return float((census.load[cut:] ** 2 / np.maximum(held, 1.0)).sum()), trace, max(rank - 1, 0)
    columns = np.stack([equations.times(unit) for unit in _units(equations)], axis=1)
    inverse = np.linalg.pinv(columns[cut:], rcond=1e-9, hermitian=True)
    load = census.load[cut:]
    shared = float(np.einsum("rk,kl,rl->", columns[:cut], inverse, columns[:cut]))
    return float(load @ inverse @ load), max(trace - shared, 0.0), int(np.linalg.matrix_rank(inverse, hermitian=True))


def _units(equations: _Equations) -> Iterator[Reals]:
    for place in range(equations.reviewers, equations.unknowns):
        unit = np.zeros(equations.unknowns)
        unit[place] = 1.0
        yield unit


def _standard_errors(equations: _Equations, census: _Census, penalty: Reals, error: float) -> tuple[Reals, bool]:
    if equations.unknowns > EXACT_UP_TO or census.pairs > MOST_PAIRS:
        return np.sqrt(error / (census.information + penalty)), False
    matrix = np.diag(penalty)
    for block in equations.blocks():
        matrix += _reduced(block, equations)
    equations.progress(1)
    covariance = error * np.linalg.inv(matrix)
    teams = np.append(census.component, np.full(equations.classes, census.component.max(initial=0) + 1))
    for team in np.unique(teams):  # corrections of a component sum to zero: what all share is not uncertain
        mine = np.ix_(teams == team, teams == team)
        part = covariance[mine]
        covariance[mine] = part - part.mean(0) - part.mean(1)[:, None] + part.mean()
    return np.sqrt(np.maximum(np.diag(covariance), 0.0)), True


def _reduced(block: Block, equations: _Equations) -> Reals:
    """The reduced matrix of one block, formed."""
    rows = np.arange(len(block.mark))
    owner = block.owner
    stated = block.difficulty >= 0
    columns = np.concatenate([block.reviewer, block.difficulty[stated] + equations.reviewers])
    at = np.concatenate([rows, rows[stated]])
    shape = (len(rows), equations.unknowns)
    design = sparse.csr_array((np.ones(len(at)), (at, columns)), shape=shape)
    gather = sparse.csr_array((1 / np.sqrt(block.sizes[owner]), (owner, rows)), shape=(len(block.sizes), len(rows)))
    means = gather @ design
    reduced: Reals = (design.T @ design - means.T @ means).toarray()
    return reduced
