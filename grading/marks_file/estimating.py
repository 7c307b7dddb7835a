"""From a file of marks to scores and grades, part by part."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import sqrt
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from core.errors import Message
from core.i18n import N_
from core.settings import speak
from grading import estimator as est
from grading.estimator.constants import DAYS_PER_MONTH
from grading.estimator.field import Summary
from grading.estimator.marks import Codes, Flags, Ints, Reals, totals
from grading.estimator.placing import N
from grading.estimator.stars import StarScale, hear, learn_stars, voices
from grading.marks_file.faults import MarksInvalid
from grading.marks_file.given import Given, frozen_table, previous_grades
from grading.marks_file.reading import Reader
from grading.marks_file.shelf import Lessons, Part, Shelf
from grading.rules.months import add_months, alive
from grading.rules.scheme import SchemeInvalid, constants, load_scheme

_EPOCH = date(1970, 1, 1)
Progress = Callable[[str, int, int | None], None]
"""Told (stage, done more, of how many); stages are `read`, `sort`, `learn`, `score`."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked: the day, the constants, and tables given from outside."""

    as_of: date
    constants: est.Constants
    scale: tuple[float, float] = (0.0, 100.0)
    frozen: Path | None = None
    previous: Path | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """The outcome of one part, ready to be written; `agency` are codes in the order of the sorted ids."""

    agency: Codes
    score: Reals
    sd: Reals
    number: Ints
    weight: Reals
    reliability: Reals
    grade: np.ndarray[Any, np.dtype[np.int8]]
    firm: Flags
    p_up: Reals
    p_down: Reals
    alarm: Flags
    alarms: est.Alarms
    evidence: "Evidence"
    weighed: est.Weighed


@dataclass(frozen=True, slots=True)
class Evidence:
    """The case marks of a part with where they came from: `row` of the part each link is."""

    marks: est.Marks
    link_row: Ints
    part: Part
    correction: Reals
    kept: Ints


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows read, rows after the day, and reviewers whom the frozen table does not know."""

    rows: int
    ahead: int
    unlisted: int


@dataclass(frozen=True, slots=True)
class Estimation:
    """Everything learnt from a file, and the way to its scores. Ids are in sorted order."""

    agencies: list[str]
    reviewers: list[str]
    difficulties: list[str]
    clients: list[str]
    severity: est.Severity
    field: est.Field
    stars: StarScale
    counts: Counts
    scored: Callable[[], Iterator[Scored]]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was read and learnt."""

    counts: Counts
    agencies: int
    reviewers: int
    field: est.Field
    half_life: float
    reviewer_variance: float

    def told(self) -> str:
        """What the terminal says in the end."""
        counts = self.counts
        said = speak(
            "%(rows)s 个评分，%(agencies)s 家机构，%(reviewers)s 位评审人；%(ahead)s 个评分晚于评定日，未计。"
            "总体水平 %(level)s，机构间标准差 %(between)s，单次评分标准差 %(error)s，评审人严宽标准差 %(strict)s；"
            "权重每过 %(half)s 个月减半。",
            "%(rows)s %(rows|mark|marks)s, %(agencies)s %(agencies|agency|agencies)s,"
            " %(reviewers)s %(reviewers|reviewer|reviewers)s; %(ahead)s %(ahead|mark lies|marks lie)s after the day and"
            " %(ahead|was|were)s left out. Field level %(level)s; standard deviations: between agencies %(between)s,"
            " of one mark %(error)s, of reviewers %(strict)s. Weights halve every %(half)s"
            " %(half|month|months)s.",
            rows=counts.rows,
            agencies=self.agencies,
            reviewers=self.reviewers,
            ahead=counts.ahead,
            level=f"{self.field.level:.2f}",
            between=f"{sqrt(self.field.between):.2f}",
            error=f"{sqrt(self.field.error):.2f}",
            strict=f"{sqrt(self.reviewer_variance):.2f}",
            half=f"{self.half_life:g}",
        )
        if not counts.unlisted:
            return said
        return said + speak(
            "%(n)s 位评审人不在给定的严宽表中，未作修正。",
            " %(n)s %(n|reviewer is|reviewers are)s not in the table of severities given and"
            " %(n|is|are)s not corrected.",
            n=counts.unlisted,
        )


def constants_of(path: Path | None) -> est.Constants:
    """The estimator's constants of a scheme file, or the published defaults."""
    if path is None:
        return est.DEFAULTS
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as problem:
        raise SchemeInvalid(reason="UTF-8") from problem
    return constants(load_scheme(text))


def estimate_file(path: Path, options: Options, write: Callable[[Estimation], None], progress: Progress) -> Receipt:
    """Read `path`, learn, score, and hand the whole to `write`. Raises `MarksInvalid`; then nothing was written.

    Memory holds the ids and one part of the rows at a time; the rows themselves lie in a folder of their own that
    is removed in the end.
    """
    with TemporaryDirectory(prefix="xinshi-marks-") as folder:
        reader = Reader(path, options.scale)
        shelf = _shelved(reader, Path(folder), progress)
        names = [one.ranks()[1] for one in (reader.agencies, reader.reviewers, reader.difficulties, reader.clients)]
        found = _learnt(shelf, names, options, progress)
        write(found)
    return Receipt(
        counts=found.counts,
        agencies=len(found.agencies),
        reviewers=len(found.reviewers),
        field=found.field,
        half_life=found.field.half_life(options.constants),
        reviewer_variance=found.severity.reviewer_variance,
    )


def _shelved(reader: Reader, folder: Path, progress: Progress) -> Shelf:
    size = reader.path.stat().st_size
    rows = 0
    with Shelf(folder, size) as shelf:
        for batch in reader.batches(lambda n: progress("read", n, size)):
            shelf.put(batch, reader)
            rows += len(batch.agency)
    if not rows:
        raise MarksInvalid(faults=Message(N_("文件没有任何评分。")))
    for done in shelf.sort(reader):
        progress("sort", done, rows)
    return shelf


def _learnt(shelf: Shelf, names: list[list[str]], options: Options, progress: Progress) -> Estimation:
    agencies, reviewers, difficulties, clients = names
    window = _window(options)
    previous = previous_grades(options.previous, agencies) if options.previous else None
    given = frozen_table(options.frozen, reviewers) if options.frozen else None
    unlisted = int((~given.listed).sum()) if given else 0
    lessons = Lessons(shelf.folder, shelf.parts)
    rows = ahead = 0
    for n in range(shelf.parts):
        part = shelf.part(n)
        rows += len(part.rows)
        ahead += int((part.rows["day"] > window[1]).sum())
        _teach(lessons, n, part, window, given)
    severity = _severity(lessons, reviewers, difficulties, options, given, progress)
    if given is None:
        options = _wider(options, severity)
    field, stars = _field(shelf, severity, options, window, est.one_in(len(agencies)))

    def scored() -> Iterator[Scored]:
        for n in range(shelf.parts):
            part = shelf.part(n)
            yield _score(part, severity, field, stars, options, window, previous)
            progress("score", len(part.agency), len(agencies))

    counts = Counts(rows, ahead, unlisted)
    return Estimation(agencies, reviewers, difficulties, clients, severity, field, stars, counts, scored)


def _wider(options: Options, severity: est.Severity) -> Options:
    """The limit of a correction: the scheme's, or two standard deviations of these reviewers where they differ more.

    On the platform whoever is beyond the scheme's limit is paused. In a file of people who differ by more than a review
    sheet would let them, nobody can be paused, and cutting every other correction off would leave the marks unjust.
    """
    limit = max(options.constants.severity_limit, 2 * sqrt(severity.reviewer_variance))
    return replace(options, constants=replace(options.constants, severity_limit=limit))


def _window(options: Options) -> tuple[int, int]:
    """First and last day, counted from 1970, whose marks count on `as_of`."""
    months = options.constants.window_months
    first = add_months(options.as_of, -months)
    while not alive(first, options.as_of, months):
        first += timedelta(days=1)
    return (first - _EPOCH).days, (options.as_of - _EPOCH).days


def _teach(lessons: Lessons, n: int, part: Part, window: tuple[int, int], given: Given | None) -> None:
    kept = _kept(part, window)
    reviewer, mark = part.column("reviewer")[kept], part.column("mark")[kept]
    if given is not None:
        mark = mark + given.severity[reviewer]
        reviewer = np.zeros_like(reviewer)
    owner = part.owner[kept]
    starts = np.searchsorted(owner, np.arange(len(part.agency) + 1)).astype(np.int64)
    lessons.keep(n, starts, reviewer, part.column("difficulty")[kept], mark)


def _kept(part: Part, window: tuple[int, int]) -> Ints:
    day = part.rows["day"]
    return np.flatnonzero((day >= window[0]) & (day <= window[1]))


def _severity(
    lessons: Lessons,
    reviewers: list[str],
    difficulties: list[str],
    options: Options,
    given: Given | None,
    progress: Progress,
) -> est.Severity:
    people = len(reviewers) if given is None else 1
    found = est.learn_severity(lessons, people, len(difficulties), lambda n: progress("learn", n, None))
    if given is None:
        return found
    nothing = np.zeros(len(reviewers))
    return replace(
        found,
        severity=given.severity,
        severity_se=nothing,
        severity_marks=nothing.astype(np.int64),
        component=nothing.astype(np.int32),
        linked=np.ones(len(reviewers), bool),
        spread=1 / given.consistency,
    )


def _field(
    shelf: Shelf, severity: est.Severity, options: Options, window: tuple[int, int], one_in: int
) -> tuple[est.Field, StarScale]:
    """The field over all parts, and the worth of a star; one agency in `one_in` tells how long marks count."""
    summaries, said, marks, when, several = [], [], [], [], False
    pairs = est.Pairs.none()
    for n in range(shelf.parts):
        evidence = _evidence(shelf.part(n), severity, options, window)
        found = est.summarise(evidence.marks.value, evidence.marks.starts)
        summaries.append(found)
        pairs += est.pair_up(evidence.marks.value, evidence.marks.age, evidence.marks.starts)
        asked = np.flatnonzero(evidence.part.agency % one_in == 0)
        when.append(est.Calendar(evidence.marks.starts, evidence.marks.age).part(asked))
        several |= len(evidence.marks.link_mark) > len(evidence.marks.value)
        heard = _voices(evidence, options)
        spoke = np.diff(heard.starts)[evidence.marks.sizes > 0]
        total = totals(heard.level, heard.starts)[evidence.marks.sizes > 0]
        said.append(np.where(spoke > 0, total / np.maximum(spoke, 1), np.nan))
        marks.append(found.number)
    summary = Summary(
        *(np.concatenate([getattr(s, name) for s in summaries]) for name in ("number", "mean", "squares"))
    )
    field = est.learn_field(summary, None if several else severity.error_variance, severity.doubt)
    field = est.in_motion(field, pairs, est.together(when), options.constants, severity.doubt)
    stars, number = np.concatenate(said), np.concatenate(marks)
    told = np.isfinite(stars)
    return field, learn_stars(stars[told], summary.mean[told], number[told])


def _evidence(part: Part, severity: est.Severity, options: Options, window: tuple[int, int]) -> Evidence:
    """The case marks of a part: rows of one case together, corrected, in order of time."""
    kept = _kept(part, window)
    rows = part.rows[kept]
    owner = part.owner[kept]
    added = severity.correction(
        np.ascontiguousarray(rows["reviewer"]),
        np.ascontiguousarray(rows["difficulty"]),
        options.constants.severity_limit,
    )
    value = rows["mark"] + added
    consistency = severity.consistency(options.constants.consistency_limit)[rows["reviewer"]]
    if not rows["case"].any():  # every row is a case, and the part is in order already
        own = np.arange(len(rows))
        marks = est.Marks(
            starts=np.searchsorted(owner, np.arange(len(part.agency) + 1)).astype(np.int64),
            value=value,
            age=(window[1] - rows["day"]) / DAYS_PER_MONTH,
            consistency=consistency,
            client=np.ascontiguousarray(rows["client"]),
            link_mark=own,
            link_reviewer=np.ascontiguousarray(rows["reviewer"]),
        )
        return Evidence(marks, kept, part, added, kept)
    return _by_case(part, rows, kept, owner, value, added, consistency, window[1])


def _by_case(
    part: Part,
    rows: np.ndarray[Any, Any],
    kept: Ints,
    owner: Ints,
    value: Reals,
    added: Reals,
    consistency: Reals,
    today: int,
) -> Evidence:
    """Rows of one case become one mark, their mean, dated by the last and shared by all who gave it."""
    case = _cases(owner, rows)
    cases = int(case.max(initial=-1)) + 1
    number = np.bincount(case, minlength=cases)
    mean = np.bincount(case, value, cases) / np.maximum(number, 1)
    counts = np.bincount(case, consistency, cases) / np.maximum(number, 1)
    last = np.zeros(cases, np.int64)
    np.maximum.at(last, case, rows["day"])
    lead = np.full(cases, len(rows), np.int64)
    np.minimum.at(lead, case, np.arange(len(rows)))
    order = np.lexsort([np.arange(cases), last, owner[lead]])
    place = np.empty(cases, np.int64)
    place[order] = np.arange(cases)
    link = np.argsort(place[case], kind="stable")
    marks = est.Marks(
        starts=np.searchsorted(owner[lead][order], np.arange(len(part.agency) + 1)).astype(np.int64),
        value=mean[order],
        age=(today - last[order]) / DAYS_PER_MONTH,
        consistency=counts[order],
        client=rows["client"][lead][order].astype(np.int32),
        link_mark=place[case][link],
        link_reviewer=rows["reviewer"][link].astype(np.int32),
    )
    return Evidence(marks, kept[link], part, added[link], kept)


def _cases(owner: Ints, rows: np.ndarray[Any, Any]) -> Ints:
    """Number of the case of each row: rows without one are cases of their own."""
    alone = rows["case"] == 0
    key = np.empty(len(rows), [("owner", "<i8"), ("case", "<u8"), ("row", "<i8")])
    key["owner"], key["case"] = owner, rows["case"]
    key["row"] = np.where(alone, np.arange(len(rows)), -1)
    return np.unique(key, return_inverse=True)[1]


def _voices(evidence: Evidence, options: Options) -> Any:
    part = evidence.part
    kept = evidence.kept
    owner = part.owner[kept]
    rows = part.rows[kept]
    age = ((options.as_of - _EPOCH).days - rows["day"]) / DAYS_PER_MONTH
    return voices(owner, rows["client"], rows["stars"], age, len(part.agency))


def _score(
    part: Part,
    severity: est.Severity,
    field: est.Field,
    stars: StarScale,
    options: Options,
    window: tuple[int, int],
    previous: np.ndarray[Any, np.dtype[np.int8]] | None,
) -> Scored:
    constants = options.constants
    evidence = _evidence(part, severity, options, window)
    marks = evidence.marks
    groups = est.group(marks)
    counts = est.count(groups)
    witness = hear(_voices(evidence, options), stars, field, constants)
    before = None if previous is None else previous[part.agency]
    weighed = est.weigh(marks, field, constants, witness=witness, groups=groups)
    if before is not None:  # an agency that was there and never rated starts below the field's level
        entry = (before == N) & ~est.rated(counts, weighed.reliability, constants)
        level = np.where(entry, field.entry_level, field.level)
        weighed = est.weigh(marks, field, constants, level=level, witness=witness, groups=groups)
    placed = est.place(weighed.score, weighed.sd, counts, weighed.reliability, constants, before)
    alarms = est.watch(marks.value, marks.age, marks.starts, field, constants)
    return Scored(
        agency=part.agency,
        score=weighed.score,
        sd=weighed.sd,
        number=marks.sizes,
        weight=weighed.evidence,
        reliability=weighed.reliability,
        grade=placed.grade,
        firm=placed.firm,
        p_up=placed.p_up,
        p_down=placed.p_down,
        alarm=alarms.sounding,
        alarms=alarms,
        evidence=evidence,
        weighed=weighed,
    )
