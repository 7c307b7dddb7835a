"""The figures of the method on simulated markets with known truth; `python -m benchmarks.grading` prints them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.stats import kendalltau

from benchmarks.grading.market import Market, ceiling, grade, per_agency, simulate
from benchmarks.grading.peers import PEERS, plain_mean
from grading import estimator as est
from grading.estimator.marks import Codes, Flags, Reals

BANDS = [60.0, 70.0, 90.0]
NUMBERS = (2, 5, 10, 30)
RATE = 10.0  # marks a year: "ten marks" are those of the last year


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: ours, the plain mean's where there is one, the bar, and whether less is better."""

    name: str
    ours: float
    mean: float | None
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool:
        """Whether the bar is reached."""
        return (self.least is None or self.ours >= self.least) and (self.most is None or self.ours <= self.most)


def recovery(seeds: int = 8) -> list[Figure]:
    """Order and bands beside those of Bayes with everything known; coverage of the 80 % interval."""
    figures = []
    bars = {2: (0.95, None), 5: (0.965, 0.97), 10: (0.98, 0.97), 30: (0.98, 0.97)}
    for marks, (order, band) in bars.items():
        rows = np.mean([_recovered(simulate(seed, marks=marks)) for seed in range(seeds)], axis=0)
        figures.append(Figure(f"Kendall tau / ceiling, {marks} marks", rows[0], rows[1], least=order))
        if band:
            figures.append(Figure(f"right band / ceiling, {marks} marks", rows[2], rows[3], least=band))
            figures.append(Figure(f"80 % interval covers, {marks} marks", rows[4], None, least=0.77, most=0.83))
    return figures


def _recovered(market: Market) -> list[float]:
    scored, _, _, _ = grade(market)
    best, plain, true = ceiling(market), per_agency(market, market.mark), market.quality

    def order(x: Reals) -> float:
        return float(kendalltau(x, true)[0])

    def band(x: Reals) -> float:
        return float((np.digitize(x, BANDS) == np.digitize(true, BANDS)).mean())

    covered = np.abs(scored.score - true) <= est.constants.Z80 * scored.sd
    return [
        order(scored.score) / order(best),
        order(plain) / order(best),
        band(scored.score) / band(best),
        band(plain) / band(best),
        float(covered.mean()),
    ]


def beside(seeds: int = 8) -> list[tuple[str, list[float]]]:
    """Per way to score: Kendall tau / ceiling at 2, 5, 10 and 30 marks, and the points lost per point of severity."""
    ways = PEERS | {"ours": lambda market: grade(market)[0].score}
    found = []
    for name, score in ways.items():
        orders = [np.mean([_order(simulate(seed, marks=marks), score) for seed in range(seeds)]) for marks in NUMBERS]
        lost = np.mean([_lost(simulate(seed), score) for seed in range(seeds)])
        found.append((name, [*map(float, orders), float(lost)]))
    return found


def _order(market: Market, score: Callable[[Market], Reals]) -> float:
    best = kendalltau(ceiling(market), market.quality)[0]
    return float(kendalltau(score(market), market.quality)[0] / best)


def _lost(market: Market, score: Callable[[Market], Reals]) -> float:
    met = per_agency(market, market.severity[market.reviewer])
    return -float(np.polyfit(met, score(market) - market.quality, 1)[0])


def severity_lost(seeds: int = 8) -> Figure:
    """Points an agency loses for each point its reviewers are stricter; the plain mean loses all of it."""
    markets = [simulate(seed) for seed in range(seeds)]
    ours = np.mean([_lost(market, lambda one: grade(one)[0].score) for market in markets])
    mean = np.mean([_lost(market, plain_mean) for market in markets])
    return Figure("points lost per point of severity, 10 marks", float(ours), float(mean), most=0.10)


@dataclass(slots=True)
class History:
    """A market over time: marks keep arriving, a regrade follows every month."""

    market: Market
    months: int
    falls: Flags
    fall: float = 15.0

    def at(self, month: int) -> tuple[Market, Codes]:
        """The marks known `month` months after the start, none older than the window, and their rows."""
        age = self.market.age - (self.months - month)
        rows = np.flatnonzero((age >= 0) & (age < est.DEFAULTS.window_months))
        m = self.market
        known = replace(
            m,
            agency=m.agency[rows],
            reviewer=m.reviewer[rows],
            difficulty=m.difficulty[rows],
            client=m.client[rows],
            age=age[rows],
            mark=m.mark[rows],
            then=m.then[rows],
        )
        return known, rows


def over_time(seed: int, *, months: int = 12, fall: float = 0.0, drift: float = 0.0, agencies: int = 600) -> History:
    """Two years of marks before the start, then `months` more; with `fall`, one agency in twenty falls at the start."""
    years = 2 + months / 12
    market = simulate(seed, agencies=agencies, marks=round(RATE * years), drift=drift, years=years)
    falls = np.arange(agencies) % 20 == 0 if fall else np.zeros(agencies, bool)
    after = falls[market.agency] & (market.age < months)
    market = replace(market, mark=np.clip(market.mark - fall * after, 0, 100))
    return History(market, months, falls, fall)


def regrades(history: History) -> tuple[list[np.ndarray], list[Flags], list[np.ndarray]]:
    """Grades and alarms of every month from the start on, and the plain mean's bands."""
    previous, grades, alarms, plain = None, [], [], []
    for month in range(history.months + 1):
        known, _ = history.at(month)
        scored, field, _, marks = grade(known)
        counts = est.count(est.group(marks))
        placed = est.place(scored.score, scored.sd, counts, scored.reliability, est.DEFAULTS, previous)
        previous = placed.grade
        grades.append(placed.grade)
        alarms.append(est.watch(marks.value, marks.age, marks.starts, field, est.DEFAULTS).sounding)
        with np.errstate(invalid="ignore"):
            mean = np.bincount(known.agency, known.mark, len(known.quality)) / np.maximum(marks.sizes, 1)
        plain.append(np.digitize(mean, BANDS))
    return grades, alarms, plain


def steadiness(seeds: int = 4) -> list[Figure]:
    """Grades that change in a month although nothing changed, and alarms without reason."""
    ours, mean, false = [], [], []
    for seed in range(seeds):
        grades, alarms, plain = regrades(over_time(seed))
        for a, b in pairwise(grades[1:]):
            both = (a != 4) & (b != 4)
            ours.append((a != b)[both].mean())
        mean += [(a != b).mean() for a, b in pairwise(plain[1:])]
        false += [(now & ~before).mean() for before, now in pairwise(alarms)]
    return [
        Figure(
            "grade flips a month without true change, 10 marks", float(np.mean(ours)), float(np.mean(mean)), most=0.005
        ),
        Figure("false alarms a month", float(np.mean(false)), None, most=0.02),
    ]


def falls_seen(seeds: int = 12) -> Figure:
    """Of the agencies that fall by 15 points, those whose grade drops or whose alarm sounds within 12 months."""
    ours, mean = [], []
    for seed in range(seeds):
        history = over_time(seed, fall=15.0)
        grades, alarms, plain = regrades(history)
        start, fallen = grades[0], history.falls
        lower = np.any([(g < start) & (g != 4) for g in grades[1:]], axis=0)
        heard = np.any([a & ~alarms[0] for a in alarms[1:]], axis=0)
        ours.append((lower | heard)[fallen].mean())
        mean.append(np.any([p < plain[0] for p in plain[1:]], axis=0)[fallen].mean())
    return Figure("a fall of 15 points seen within 12 months", float(np.mean(ours)), float(np.mean(mean)), least=0.85)


def bought(seeds: int = 8) -> list[Figure]:
    """What 100 fake clients with five stars, and five marks by a captured reviewer, gain a middling agency."""
    stars, captured, plain = [], [], []
    for seed in range(seeds):
        market = simulate(seed, years=1.0)
        chosen = int(np.argsort(market.quality)[len(market.quality) // 2])
        scored, field, _, marks = grade(market)
        crowd = est.Witness(np.full(len(market.quality), 0.0), np.zeros(len(market.quality)))
        crowd.value[chosen], crowd.weight[chosen] = min(100.0, field.level + 5.0), est.DEFAULTS.stars_weight
        stars.append(est.weigh(marks, field, est.DEFAULTS, witness=crowd).score[chosen] - scored.score[chosen])
        dirty = _captured(market, chosen)
        captured.append(grade(dirty)[0].score[chosen] - scored.score[chosen])
        plain.append(per_agency(dirty, dirty.mark)[chosen] - per_agency(market, market.mark)[chosen])
    return [
        Figure("points gained by 100 fake clients", float(np.mean(stars)), None, most=0.5),
        Figure("points gained by 5 captured marks", float(np.mean(captured)), float(np.mean(plain)), most=3.6),
    ]


def _captured(market: Market, chosen: int) -> Market:
    """The same market where one reviewer has given the chosen agency five fresh marks of 94."""
    five = np.full(5, chosen)
    at = np.full(5, market.starts[chosen + 1])
    who = market.reviewer[market.starts[chosen]]

    def more(old: np.ndarray, new: np.ndarray) -> np.ndarray:
        return np.insert(old, at, new)

    return replace(
        market,
        agency=more(market.agency, five),
        reviewer=more(market.reviewer, np.full(5, who)),
        difficulty=more(market.difficulty, np.full(5, 1)),
        client=more(market.client, np.arange(90, 95)),
        age=more(market.age, np.zeros(5)),
        mark=more(market.mark, np.full(5, 94.0)),
        then=more(market.then, np.zeros(5)),
    )


def anew(seeds: int = 4) -> Figure:
    """Weak agencies (true C) that register anew with three good marks and are shown as B or better."""
    shown = []
    for seed in range(seeds):
        market = simulate(seed, marks=3)
        scored, _, _, marks = grade(market)
        counts = est.count(est.group(marks))
        none = np.full(len(market.quality), 4, np.int8)
        placed = est.place(scored.score, scored.sd, counts, scored.reliability, est.DEFAULTS, none)
        weak = (market.quality >= 60) & (market.quality < 70)
        shown.append(np.isin(placed.grade[weak], (2, 3)).mean())
    return Figure("weak agencies shown as B by registering anew", float(np.mean(shown)), 1.0, most=0.0)


ALL: tuple[Callable[[], Figure | list[Figure]], ...] = (
    recovery,
    severity_lost,
    steadiness,
    falls_seen,
    bought,
    anew,
)
