"""The finders of `grading.rules.grader_signals`: from frames to hits, each on its own."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2, hypergeom

from grading.rules.grader_signals import SIGNAL_LIMITS, SIGNALS, Found, SignalLimits
from grading.rules.watching import LIMITS
from grading.watching import distributions, severity
from grading.watching.frames import Frames, months_before


def find(frames: Frames, limits: SignalLimits = SIGNAL_LIMITS) -> list[Found]:
    """Every hit of every definition, in a fixed order."""
    search = Search(frames, limits)
    found = [hit for one in SIGNALS for hit in getattr(search, one.finder)()]
    return sorted(found, key=lambda hit: (hit.code, hit.subject, hit.key))


def _ids(values: Iterable[Any]) -> tuple[int, ...]:
    return tuple(sorted({int(one) for one in values}))


class Search:
    """The finders over one set of frames, each looking at the last 24 months unless it says otherwise."""

    def __init__(self, frames: Frames, limits: SignalLimits = SIGNAL_LIMITS) -> None:
        since = months_before(frames.today, limits.months)
        self.frames, self.limits = frames, limits
        self.deals = frames.deals[frames.deals["day"] > since]
        self.answers = frames.stars[frames.stars["answered"].notna() & (frames.stars["answered"] > since)]
        self.marks = frames.marks[~frames.marks["vetoed"]]
        self._by_organization = {
            int(row["organization"]): int(row["agency"])
            for row in frames.deals[["organization", "agency"]].drop_duplicates().to_dict("records")
        }

    def one_agency(self) -> Iterator[Found]:
        """Clients all of whose contracts went to one agency."""
        for client, group in self.deals.groupby("client"):
            if len(group) >= self.limits.client_deals and group["agency"].nunique() == 1:
                yield Found(
                    "one-agency",
                    f"organization:{client}",
                    "",
                    {"deals": len(group)},
                    agencies=_ids(group["agency"]),
                    clients=_ids([client]),
                    contracts=_ids(group["contract"]),
                )

    def one_client(self) -> Iterator[Found]:
        """Agencies most of whose contracts come from one client."""
        for agency, group in self.deals.groupby("agency"):
            top = group["client"].value_counts()
            share = float(top.iloc[0]) / len(group)
            if len(group) >= self.limits.agency_deals and share >= self.limits.agency_share:
                client = int(top.index[0])
                yield Found(
                    "one-client",
                    f"agency:{agency}",
                    str(client),
                    {"deals": int(top.iloc[0]), "total": len(group), "share": f"{100 * share:.0f}"},
                    agencies=_ids([agency]),
                    clients=(client,),
                    contracts=_ids(group.loc[group["client"] == client, "contract"]),
                )

    def shared_clients(self) -> Iterator[Found]:
        """Pairs of agencies with nearly the same clients, found through the clients they share."""
        sets = {int(str(one)): frozenset(group) for one, group in self.deals.groupby("agency")["client"]}
        together: defaultdict[tuple[int, int], int] = defaultdict(int)
        for _client, agencies in self.deals.groupby("client")["agency"]:
            names = sorted(set(agencies))
            for n, one in enumerate(names):
                for other in names[n + 1 :]:
                    together[one, other] += 1
        field = int(self.deals["client"].nunique())
        for (one, other), shared in sorted(together.items()):
            union = sets[one] | sets[other]
            few, many = sorted((len(sets[one]), len(sets[other])))
            chance = float(hypergeom.sf(shared - 1, field, few, many))
            alike = shared / len(union) >= self.limits.shared_jaccard and chance < self.limits.shared_chance
            if shared >= self.limits.shared_clients and alike:
                yield Found(
                    "shared-clients",
                    f"agency:{one}",
                    str(other),
                    {"shared": shared, "all": len(union), "field": field},
                    agencies=(one, other),
                    clients=_ids(sets[one] & sets[other]),
                )

    def burst(self) -> Iterator[Found]:
        """Agencies most of whose evaluations came within a few days."""
        width = pd.Timedelta(days=self.limits.burst_days)
        for agency, group in self.answers.groupby("agency"):
            days = np.sort(group["answered"].to_numpy())
            counts = np.searchsorted(days, days + width.to_timedelta64(), side="left") - np.arange(len(days))
            most, start = int(counts.max()), days[int(counts.argmax())]
            if most >= self.limits.burst_answers and most > self.limits.burst_share * len(days):
                inside = group[(group["answered"] >= start) & (group["answered"] < start + width)]
                yield Found(
                    "burst",
                    f"agency:{agency}",
                    f"{pd.Timestamp(start):%Y-%m-%d}",
                    {"answers": most, "total": len(days), "days": self.limits.burst_days},
                    agencies=_ids([agency]),
                    clients=_ids(inside["client"]),
                    contracts=_ids(inside["contract"]),
                )

    def stars_above_experts(self) -> Iterator[Found]:
        """Agencies whose stars stray from what the expert marks foretell (least squares over the field)."""
        cases = self.frames.cases[self.frames.cases["stars"].notna()].drop_duplicates("contract")
        if len(cases) < 3 or cases["value"].nunique() < 2:
            return
        slope, level = np.polyfit(cases["value"], cases["stars"], 1)
        rest = cases["stars"] - (slope * cases["value"] + level)
        spread = float(rest.std(ddof=2))
        for agency, group in cases.assign(rest=rest).groupby("agency"):
            if len(group) < self.limits.stars_cases or not spread:
                continue
            gap = float(group["rest"].mean())
            z = gap / (spread / np.sqrt(len(group)))
            if abs(z) > self.limits.residual_z:
                yield Found(
                    "stars-above-experts",
                    f"agency:{agency}",
                    "above" if z > 0 else "below",
                    {"cases": len(group), "side": _side(z), "gap": f"{abs(gap):.1f}", "z": f"{z:.1f}"},
                    agencies=_ids([agency]),
                    clients=_ids(group["client"]),
                    contracts=_ids(group["contract"]),
                )

    def pair_residual(self) -> Iterator[Found]:
        """Reviewer and agency whose marks stray together from the model.

        An agency's own level is free, so a sum over n of its N marks has the variance ve·n·(1 - n/N).
        """
        fit = severity.fit(self.frames.marks, self.frames.today, LIMITS)
        if fit is None:
            return
        marks = severity.teaching(self.marks).assign(rest=fit.residual)
        marks["size"] = marks.groupby(["agency", "profession"])["rest"].transform("size")
        for key, group in marks.groupby(["reviewer", "agency", "profession"]):
            reviewer, agency = _key(key)
            n, free = len(group), 1 - len(group) / int(group["size"].iloc[0])
            if n < self.limits.pair_marks or free <= 0:
                continue
            z = float(group["rest"].sum()) / float(np.sqrt(fit.learnt.error_variance * n * free))
            if abs(z) > self.limits.residual_z:
                gap = float(group["rest"].mean()) / free
                alias = str(group["alias"].iloc[0])
                said = {"alias": alias, "marks": n, "side": _side(z), "gap": f"{abs(gap):.1f}", "z": f"{z:.1f}"}
                yield Found(
                    "pair-residual",
                    f"reviewer:{reviewer}",
                    str(agency),
                    said,
                    agencies=_ids([agency]),
                    reviewers=_ids([reviewer]),
                    reviews=_ids(group["review"]),
                )

    def low_spread(self) -> Iterator[Found]:
        """Reviewers whose marks hardly vary, against the pooled spread of the others in their profession."""
        for _trade, field in self.marks.groupby("profession"):
            for reviewer, group in field.groupby("reviewer"):
                others = field[field["reviewer"] != reviewer]
                degrees = len(others) - others["reviewer"].nunique()
                if len(group) < self.limits.spread_marks or degrees < self.limits.spread_marks:
                    continue
                centred = others["mark"] - others.groupby("reviewer")["mark"].transform("mean")
                pooled = float((centred**2).sum()) / degrees
                own = float(group["mark"].var(ddof=1))
                if pooled and chi2.cdf((len(group) - 1) * own / pooled, len(group) - 1) < self.limits.spread_chance:
                    said = {"alias": str(group["alias"].iloc[0]), "marks": len(group)}
                    said |= {"sd": f"{own**0.5:.1f}", "peers": f"{pooled**0.5:.1f}"}
                    yield Found(
                        "low-spread",
                        f"reviewer:{reviewer}",
                        "",
                        said,
                        reviewers=_ids([reviewer]),
                        reviews=_ids(group["review"]),
                    )

    def above_cut(self) -> Iterator[Found]:
        """Reviewers with too many marks just above a cut."""
        table = distributions.bunching(self.frames.marks, LIMITS)
        for row in table[table["chance"] < LIMITS.cut_chance].to_dict("records"):
            own = self.marks[self.marks["reviewer"] == row["reviewer"]]
            near = np.zeros(len(own), dtype=bool)
            for cut in LIMITS.cuts:
                near |= ((own["mark"] - cut).abs() <= LIMITS.cut_width).to_numpy()
            said = {"alias": row["alias"], "near": int(row["above"] + row["below"]), "above": int(row["above"])}
            yield Found(
                "above-cut",
                f"reviewer:{row['reviewer']}",
                "",
                said | {"chance": f"{100 * row['chance']:.2f}"},
                reviewers=_ids([row["reviewer"]]),
                reviews=_ids(own.loc[near, "review"]),
            )

    def _ties(self) -> dict[tuple[int, int], set[str]]:
        """What two organisations have in common, by pair in ascending order."""
        tied: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
        for key, group in self.frames.ties.groupby(["kind", "value"])["organization"]:
            kind, names = _first(key), sorted(set(group))
            if len(names) > self.limits.tied_most:
                continue
            for n, one in enumerate(names):
                for other in names[n + 1 :]:
                    tied[one, other].add(kind)
        return tied

    def tied_client(self) -> Iterator[Found]:
        """Clients that share something with the agency they commissioned."""
        tied = self._ties()
        for key, group in self.deals.groupby(["client", "organization"]):
            client, organization = _key(key)
            kinds = tied.get((min(client, organization), max(client, organization)))
            if kinds and client != organization:
                yield Found(
                    "tied-client",
                    f"organization:{client}",
                    str(organization),
                    {"deals": len(group), "ties": sorted(kinds)},
                    agencies=_ids(group["agency"]),
                    clients=_ids([client]),
                    contracts=_ids(group["contract"]),
                )

    def tied_agencies(self) -> Iterator[Found]:
        """Agencies that share staff or two lesser things, pair by pair; those of one controller together."""
        for (one, other), kinds in sorted(self._ties().items()):
            both = one in self._by_organization and other in self._by_organization
            if both and ("staff" in kinds or len(kinds - {"controller"}) > 1):
                agencies = _ids([self._by_organization[one], self._by_organization[other]])
                yield self._tied(agencies, sorted(kinds))
        controllers = self.frames.ties[self.frames.ties["kind"] == "controller"]
        for _value, group in controllers.groupby("value")["organization"]:
            agencies = _ids(self._by_organization[one] for one in group if one in self._by_organization)
            if len(agencies) > 1:
                yield self._tied(agencies, ["controller"])

    def _tied(self, agencies: tuple[int, ...], kinds: list[str]) -> Found:
        said = {"count": len(agencies), "ties": kinds}
        key = " ".join(str(one) for one in (*agencies[1:], *kinds[:1]))
        return Found("tied-agencies", f"agency:{agencies[0]}", key, said, agencies=agencies)

    def reciprocal(self) -> Iterator[Found]:
        """Organisations that commission each other."""
        grouped = self.deals.groupby(["client", "organization"])["contract"]
        counted = {_key(key): list(group) for key, group in grouped}
        for (client, organization), there in sorted(counted.items()):
            back = counted.get((organization, client))
            if back and client < organization:
                agencies = [self._by_organization[one] for one in (client, organization)]
                yield Found(
                    "reciprocal",
                    f"organization:{client}",
                    str(organization),
                    {"there": len(there), "back": len(back)},
                    agencies=_ids(agencies),
                    clients=_ids([client, organization]),
                    contracts=_ids([*there, *back]),
                )


def _key(key: Any) -> tuple[int, int]:
    """The first two of a group's key, as ids."""
    return int(key[0]), int(key[1])


def _first(key: Any) -> str:
    return str(key[0])


def _side(z: float) -> str:
    return "above" if z > 0 else "below"
