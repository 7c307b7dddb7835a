"""All figures of the page: which function computes which, and how each stands against its limit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from grading.rules.watching import BY_CODE, LIMITS, FigureAbsent, Limits, Verdict
from grading.watching import accuracy, agreement, distributions, severity
from grading.watching.frames import Frames


@dataclass(frozen=True)
class Figure:
    """One computed figure. Rows hold plain values: text, int, float or None, days as ISO text."""

    code: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    verdict: Verdict
    facts: dict[str, Any]


@dataclass(frozen=True)
class _Made:
    table: pd.DataFrame
    verdict: Verdict
    facts: dict[str, Any]


class Watch:
    """The figures over one set of frames; what several of them need is computed once."""

    def __init__(self, frames: Frames, limits: Limits = LIMITS) -> None:
        self.frames, self.limits = frames, limits

    @cached_property
    def fit(self) -> severity.Fit | None:
        """The within-agency fit."""
        return severity.fit(self.frames.marks, self.frames.today, self.limits)

    @cached_property
    def severities(self) -> pd.DataFrame:
        """One row per reviewer."""
        return severity.severity(self.frames.marks, self.frames.today, self.limits, self.fit)

    def pairs(self) -> _Made:
        """Within-reviewer pair accuracy: ours beside the plain mean."""
        table = accuracy.pair_accuracy(self.frames.marks, self.frames.grades, self.frames.today, self.limits)
        if table.empty:
            return _Made(table, Verdict.THIN, {})
        number = table["pairs"].sum()
        ours = float((table["ours"] * table["pairs"]).sum() / number)
        mean = float((table["mean"] * table["pairs"]).sum() / number)
        error = float(np.sqrt(ours * (1 - ours) / number))
        verdict = Verdict.CALM if ours + error >= mean else Verdict.WATCH
        return _Made(table, verdict, {"ours": ours, "mean": mean, "error": error, "pairs": int(number)})

    def coverage(self) -> _Made:
        """Coverage of the 80 % intervals."""
        table = accuracy.coverage(self.frames.cases, self.frames.grades, self.frames.error_sd)
        if table.empty:
            return _Made(table, Verdict.THIN, {})
        first = table.iloc[0]
        inside = first["low"] <= self.limits.coverage_high and first["high"] >= self.limits.coverage_low
        share = first["share"]
        verdict = Verdict.CALM if self.limits.coverage_low <= share <= self.limits.coverage_high else Verdict.WATCH
        if not inside:
            verdict = Verdict.ACT
        return _Made(table, verdict, {"share": float(share), "cases": int(first["cases"])})

    def severity(self) -> _Made:
        """Severity of each reviewer."""
        table = self.severities
        if table.empty:
            return _Made(table, Verdict.THIN, {})
        beyond = int((table["severity"].abs() > self.limits.severity_act).sum())
        drifting = int((table["drift_z"].abs() > self.limits.drift_z).sum())
        verdict = Verdict.ACT if beyond else Verdict.WATCH if drifting else Verdict.CALM
        widest = float(table["severity"].abs().max())
        facts = {"reviewers": len(table), "beyond": beyond, "drifting": drifting, "widest": widest}
        return _Made(table, verdict, facts)

    def alpha(self) -> _Made:
        """Krippendorff's alpha on doubly marked results."""
        known = dict(zip(self.severities["reviewer"], self.severities["severity"], strict=True))
        table = agreement.alpha(self.frames.marks, known, self.limits)
        value = float(table["alpha"].iloc[0])
        if np.isnan(value):
            return _Made(table, Verdict.THIN, {"units": int(table["units"].iloc[0])})
        verdict = Verdict.CALM if value >= self.limits.alpha_target else Verdict.ACT
        if verdict is Verdict.ACT and table["high"].iloc[0] >= self.limits.alpha_target:
            verdict = Verdict.WATCH
        return _Made(table, verdict, {"alpha": value, "units": int(table["units"].iloc[0])})

    def bunching(self) -> _Made:
        """Marks just above a cut, per reviewer."""
        table = distributions.bunching(self.frames.marks, self.limits)
        judged = table["chance"].notna()
        marked = int((table["chance"] < self.limits.cut_chance).sum())
        verdict = Verdict.WATCH if marked else Verdict.CALM if judged.any() else Verdict.THIN
        return _Made(table, verdict, {"marked": marked, "judged": int(judged.sum())})

    def inflation(self) -> _Made:
        """Mean raw mark by month, with its slope."""
        table = distributions.inflation(self.frames.marks)
        slope, error = distributions.trend(table)
        if np.isnan(slope):
            return _Made(table, Verdict.THIN, {})
        verdict = Verdict.WATCH if abs(slope) > 2 * error else Verdict.CALM
        return _Made(table, verdict, {"slope": slope, "error": error, "months": len(table)})

    def migration(self) -> _Made:
        """Grades a year ago against grades now."""
        table = distributions.migration(self.frames.grades, self.frames.today, self.limits)
        if self.frames.grades.empty:
            return _Made(table, Verdict.THIN, {})
        names = list(distributions.GRADES)
        counts = table.set_index("then").loc[names, names].to_numpy()
        total, same = int(counts.sum()), int(np.trace(counts))
        base = distributions.base_day(self.frames.grades, self.frames.today, self.limits)
        now = self.frames.grades.loc[self.frames.grades["as_of"] <= self.frames.today, "as_of"].max()
        return _Made(
            table, Verdict.CALM if total else Verdict.THIN, {"same": same, "total": total, "base": base, "now": now}
        )

    def psi(self) -> _Made:
        """PSI of scores and of the grade mix."""
        table = distributions.stability(self.frames.grades, self.limits)
        if table.empty:
            return _Made(table, Verdict.THIN, {})
        last = table.iloc[-1]
        # Where nobody was rated a year ago, the first ratings are no shift of anything.
        thin = bool(np.isnan(last["score_psi"]))
        worst = Verdict.THIN if thin else Verdict.CALM
        for kind in () if thin else ("mix", "score"):
            value, chance = last[f"{kind}_psi"], last[f"{kind}_chance"]
            if value >= max(self.limits.psi_act, 2 * chance):
                worst = Verdict.ACT
            elif value >= max(self.limits.psi_watch, 2 * chance) and worst is Verdict.CALM:
                worst = Verdict.WATCH
        names = ("mix_psi", "mix_chance", "score_psi", "score_chance")
        return _Made(table, worst, {name: float(last[name]) for name in names})

    def states(self) -> _Made:
        """Shares unrated, provisional, contested."""
        table = distributions.states(self.frames.grades)
        if table.empty:
            return _Made(table, Verdict.THIN, {})
        last = table.iloc[-1]
        names = ("grades", "unrated", "provisional", "contested")
        return _Made(table, Verdict.CALM, {name: int(last[name]) for name in names})

    def fairness(self) -> _Made:
        """Grades at equal score, by region and size."""
        table = distributions.fairness(self.frames.grades, self.frames.today, self.limits)
        marked = int((table["z"].abs() > self.limits.fair_z).sum()) if len(table) else 0
        judged = int(table["z"].notna().sum()) if len(table) else 0
        verdict = Verdict.WATCH if marked else Verdict.CALM if judged else Verdict.THIN
        return _Made(table, verdict, {"marked": marked, "judged": judged})

    def appeals(self) -> _Made:
        """Overturn rate of appeals."""
        table, given = distributions.appeals(self.frames.appeals), self.frames.appeals
        pending = int(given["closed"].isna().sum())
        decided, won = int(table["decided"].sum()), int((table["first"] + table["review"]).sum())
        if not decided:
            return _Made(table, Verdict.THIN, {})
        share = won / decided
        verdict = Verdict.WATCH if share > self.limits.appeal_watch else Verdict.CALM
        if decided < self.limits.appeal_least:
            verdict = Verdict.THIN
        facts = {"decided": decided, "won": won, "review": int(table["review"].sum())}
        return _Made(table, verdict, facts | {"share": share, "pending": pending})

    def responses(self) -> _Made:
        """Response rate of clients."""
        table = distributions.responses(self.frames.stars, self.frames.today)
        asked = int(table["asked"].sum())
        if not asked:
            return _Made(table, Verdict.THIN, {})
        answered = int(table["answered"].sum())
        return _Made(table, Verdict.CALM, {"asked": asked, "answered": answered, "share": answered / asked})

    def overlap(self) -> _Made:
        """Double marking and connectedness."""
        table = agreement.overlap(self.frames.marks, self.limits)
        if table.empty:
            return _Made(table, Verdict.THIN, {})
        apart, results = int((table["components"] > 1).sum()), int(table["results"].sum())
        share = float(table["doubled"].sum() / results)
        verdict = Verdict.CALM if not apart and share >= self.limits.overlap_share else Verdict.WATCH
        return _Made(table, verdict, {"apart": apart, "share": share, "results": results})


def compute(frames: Frames, codes: Sequence[str] | None = None, limits: Limits = LIMITS) -> dict[str, Figure]:
    """The figures asked for, all by default, in the order of the page. An unknown code is `FigureAbsent`."""
    watch = Watch(frames, limits)
    wanted = list(BY_CODE) if codes is None else list(codes)
    if unknown := set(wanted) - set(BY_CODE):
        raise FigureAbsent(code=sorted(unknown)[0])
    return {code: _figure(code, getattr(watch, code)) for code in wanted}


def _figure(code: str, make: Callable[[], _Made]) -> Figure:
    made = make()
    rows = tuple({str(name): plain(value) for name, value in row.items()} for row in made.table.to_dict("records"))
    facts = {name: plain(value) for name, value in made.facts.items()}
    return Figure(code, tuple(str(name) for name in made.table.columns), rows, made.verdict, facts)


def plain(value: Any) -> Any:
    """A cell as text, int, float or None."""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, np.floating | float):
        return None if np.isnan(value) else float(value)
    return None if value is pd.NaT else value
