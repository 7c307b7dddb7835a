"""The demo market knows what its agencies can do: is that seen better after calibration than by plain means?

`XINSHI_DATA=… xinshi demo`, then `XINSHI_DATA=… python -m benchmarks.grading.demo`. Truth is the technical mark an
agency's work earns on average from a neutral reviewer.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from core import db
from core.instance import run
from grading.rules.calibration import Calibration, load_calibration
from portal.demo.chances import Chances
from portal.demo.roster import SCALES, cast
from portal.demo.world import REVIEWERS, usual_mark

SEED, FEW, DRAWS = 7, 5, 400
_SCORES = """
select distinct on (r.agency, r.profession) o.uscc, r.score, r.evidence
from grading_report r join agencies_agency g on g.id = r.agency join core_organization o on o.id = g.organization
where r.state in ('published', 'superseded') order by r.agency, r.profession, r.as_of desc, r.published_at desc
"""
_TABLE = "select code, source from grading_calibration order by frozen_on desc, id desc limit 1"
_PEOPLE = "select r.id, a.login from contracts_reviewer r join core_account a on a.id = r.account"
Reals = NDArray[np.float64]


async def _read() -> tuple[list[Any], Any, list[Any]]:
    return await db.rows(_SCORES), await db.row(_TABLE), await db.rows(_PEOPLE)


def _marks(case: Any, table: Calibration) -> tuple[float, float, float]:
    """Of one case: technical mark as given, after calibration, and the whole case mark as given."""
    severity = np.mean([float(table.severity.get(alias, 0)) for alias in case["reviewers"]])
    given = float(case["technical"])
    corrected = given + float(severity) + float(table.difficulty.get(case["difficulty"], 0))
    return given, corrected, 0.75 * given + 0.15 * float(case["punctuality"]) + 0.10 * float(case["filings"])


def _told(name: str, said: Reals, truth: Reals) -> None:
    apart = said - truth
    order = kendalltau(said, truth)[0]
    print(f"{name:44} order {order:.3f}   error {np.sqrt(np.mean((apart - apart.mean()) ** 2)):.2f} points")


def _few(cases: Sequence[Reals], truth: Reals, column: int) -> tuple[float, float]:
    """Order and error when only `FEW` results of each agency are known, drawn `DRAWS` times."""
    dice, found = np.random.default_rng(0), []
    for _ in range(DRAWS):
        said = np.array([one[dice.choice(len(one), FEW, replace=False), column].mean() for one in cases])
        apart = said - truth
        found.append((kendalltau(said, truth)[0], np.sqrt(np.mean((apart - apart.mean()) ** 2))))
    order, error = np.mean(found, axis=0)
    return float(order), float(error)


def main() -> None:
    """Print how near to the truth each way comes, and the severities learnt beside those played."""
    scores, row, people = run(_read)
    table = load_calibration(row["source"])
    roster = cast(SCALES["xintai"], date.today(), Chances(SEED))  # noqa: DTZ011  qualities do not depend on it
    true = {one.uscc: usual_mark(one.quality) for one in roster.agencies}
    kept = [
        (true[one["uscc"]], float(one["score"]), np.array([_marks(case, table) for case in cases]))
        for one in scores
        if one["uscc"] in true
        and len(cases := [case for case in one["evidence"]["cases"] if not case["vetoed"]]) >= FEW
    ]
    truth, ours = np.array([one[0] for one in kept]), np.array([one[1] for one in kept])
    cases = [one[2] for one in kept]
    print(f"{len(kept)} agencies with {FEW} results or more, {sum(map(len, cases))} results, table {row['code']}")
    _told("technical marks as given, plain mean", np.array([one[:, 0].mean() for one in cases]), truth)
    _told("technical marks after calibration, mean", np.array([one[:, 1].mean() for one in cases]), truth)
    _told("whole case marks as given, plain mean", np.array([one[:, 2].mean() for one in cases]), truth)
    _told("published score", ours, truth)
    for column, name in ((0, "as given"), (1, "after calibration")):
        order, error = _few(cases, truth, column)
        print(f"{FEW} technical marks {name:27} order {order:.3f}   error {error:.2f} points")
    known = {one.login: one.severity for one in REVIEWERS}
    aliases = {f"R-{who['id']:04d}": known[who["login"]] for who in people if who["login"] in known}
    pairs = [(severity, float(table.severity[alias])) for alias, severity in aliases.items() if alias in table.severity]
    played, learnt = np.array(pairs).T
    print(
        f"{len(pairs)} reviewers: correlation of severities learnt and played {np.corrcoef(played, learnt)[0, 1]:.3f}"
    )


if __name__ == "__main__":
    main()
