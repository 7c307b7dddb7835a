"""The demo market knows what its agencies can do: does our grade see it better than a mean?

`XINSHI_DATA=… xinshi demo`, then `XINSHI_DATA=… python -m benchmarks.grading.demo` (`--seed` as the demo), on the day on which the
demo was played. On the day of every monthly regrade, over the agencies with five results or more: truth is the case mark that
work of the quality of that day earns on average from a neutral reviewer, or for the technical marks that part of it.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from core import db
from core.instance import run
from grading.estimator import DEFAULTS
from grading.rules.calibration import Calibration, load_calibration
from portal.demo.chances import Chances
from portal.demo.roster import SCALES, DemoAgency, cast
from portal.demo.world import REVIEWERS, usual_mark

FEW, LEAST_AGENCIES = 5, 10
MEAN, OURS = "case marks as given, plain mean", "published score"
_REPORTS = """
select o.uscc, r.as_of, r.score, r.evidence, c.source as corrections
from grading_report r join agencies_agency g on g.id = r.agency join core_organization o on o.id = g.organization
join grading_run n on n.id = r.run join grading_calibration c on c.id = n.calibration
where r.state in ('published', 'superseded') and n.kind = 'monthly' order by r.as_of, r.id
"""
_TABLE = "select code, source from grading_calibration order by frozen_on desc, id desc limit 1"
_PEOPLE = "select r.id, a.login from contracts_reviewer r join core_account a on a.id = r.account"
Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Seen:
    """One agency on the day of one regrade: what is true, and what each way says of it, in points."""

    truth: Mapping[str, float]
    said: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class World:
    """Who plays, and how punctual and how tidy work of a quality is on average: lines through what was played."""

    agencies: Mapping[str, DemoAgency]
    punctuality: Reals
    filings: Reals

    def truth(self, code: str, day: date) -> tuple[float, float]:
        """The technical mark and the case mark that work of this agency earned on that day."""
        quality = self.agencies[code].on(day).quality
        technical = usual_mark(quality)
        d, f = (float(np.polyval(line, quality)) for line in (self.punctuality, self.filings))
        return technical, _whole(technical, d, f)


async def _read() -> tuple[list[Any], Any, list[Any]]:
    return await db.rows(_REPORTS), await db.row(_TABLE), await db.rows(_PEOPLE)


def _whole(technical: float, punctuality: float, filings: float) -> float:
    return 0.75 * technical + 0.15 * punctuality + 0.10 * filings


def _cases(report: Any) -> list[Any]:
    return [case for case in report["evidence"]["cases"] if not case["vetoed"]]


def _world(reports: Iterable[Any], agencies: Mapping[str, DemoAgency]) -> World:
    played = {
        case["deliverable_id"]: (
            agencies[one["uscc"]].on(date.fromisoformat(case["finalised_on"])).quality,
            float(case["punctuality"]),
            float(case["filings"]),
        )
        for one in reports
        if one["uscc"] in agencies
        for case in _cases(one)
    }
    quality, punctuality, filings = np.array(list(played.values())).T
    return World(agencies, np.polyfit(quality, punctuality, 2), np.polyfit(quality, filings, 2))


def _said(cases: Sequence[Any], table: Calibration, score: float) -> dict[str, float]:
    """What each way says of an agency with these cases."""
    given = [float(case["technical"]) for case in cases]
    whole = [
        _whole(mark, float(case["punctuality"]), float(case["filings"]))
        for mark, case in zip(given, cases, strict=True)
    ]
    corrected = [mark + _correction(case, table) for mark, case in zip(given, cases, strict=True)]
    return {
        MEAN: float(np.mean(whole)),
        OURS: score,
        "technical marks as given, plain mean": float(np.mean(given)),
        "technical marks after calibration, plain mean": float(np.mean(corrected)),
    }


def _correction(case: Any, table: Calibration) -> float:
    severity = np.mean([float(table.severity.get(alias, 0)) for alias in case["reviewers"]])
    return float(severity) + float(table.difficulty.get(case["difficulty"], 0))


def _seen(reports: Iterable[Any], world: World) -> list[list[Seen]]:
    """Regrade by regrade: everybody with enough results."""
    days: defaultdict[date, list[Seen]] = defaultdict(list)
    for one in reports:
        if one["uscc"] in world.agencies and len(cases := _cases(one)) >= FEW:
            technical, whole = world.truth(one["uscc"], one["as_of"])
            said = _said(cases, load_calibration(one["corrections"]), float(one["score"]))
            days[one["as_of"]].append(Seen({way: whole if way in (MEAN, OURS) else technical for way in said}, said))
    return [seen for _, seen in sorted(days.items()) if len(seen) >= LEAST_AGENCIES]


def _figures(seen: Sequence[Seen], way: str) -> tuple[float, float, float]:
    """Kendall's tau, the error in points once the common level is taken off, and the share in the right band."""
    truth, said = np.array([one.truth[way] for one in seen]), np.array([one.said[way] for one in seen])
    apart = said - truth
    right = np.digitize(said, DEFAULTS.bands) == np.digitize(truth, DEFAULTS.bands)
    return float(kendalltau(said, truth)[0]), float(np.sqrt(np.mean((apart - apart.mean()) ** 2))), float(right.mean())


def main() -> None:
    """Print how near to the truth each way comes, and the severities learnt beside those played."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    reports, row, people = run(_read)
    today = date.today()  # noqa: DTZ011  the day on which the demo ends
    roster = cast(SCALES["xintai"], today, Chances(parser.parse_args().seed))
    months = _seen(reports, _world(reports, {one.uscc: one for one in roster.agencies}))
    print(f"{len(months)} monthly regrades, {sum(map(len, months))} scores of agencies with {FEW} results or more")
    for way in months[0][0].said:
        order, error, right = np.mean([_figures(seen, way) for seen in months], axis=0)
        print(f"{way:46} order {order:.3f}   error {error:.2f} points   right band {right:.3f}")
    table = load_calibration(row["source"])
    known = {one.login: one.severity for one in REVIEWERS}
    aliases = {f"R-{who['id']:04d}": known[who["login"]] for who in people if who["login"] in known}
    pairs = [(severity, float(table.severity[alias])) for alias, severity in aliases.items() if alias in table.severity]
    correlation = np.corrcoef(*np.array(pairs).T)[0, 1]
    print(f"{len(pairs)} reviewers, {row['code']}: correlation of severities learnt and played {correlation:.3f}")


if __name__ == "__main__":
    main()
