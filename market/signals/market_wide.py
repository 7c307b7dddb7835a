"""Red flags of one agency or client beside all others, by the published definitions (Cardinal, R…).

A fence needs a spread: where most are alike and the quartiles coincide, only what also lies beyond them counts.
"""

import pandas as pd

from market.rules.signals import Limits
from market.signals.frames import Frames, fences, hits, percent


def serial_loser(frames: Frames, limits: Limits) -> pd.DataFrame:
    """R025: many valid bids, and a share of wins that is a low outlier (or within the limit set in place of the
    fence); draws of lots are left out."""
    contested = frames.notices.loc[~frames.notices["method"].isin(["direct", "random-draw"]), "notice"]
    valid = frames.bids[(frames.bids["state"] == "entered") & frames.bids["notice"].isin(contested)]
    table = valid.groupby("agency")["notice"].nunique().rename("bids").to_frame()
    wins = frames.awards[frames.awards["notice"].isin(contested)].groupby("agency")["notice"].nunique()
    table["wins"] = wins.reindex(table.index).fillna(0)
    if len(table) < limits.least_group:
        return hits([])
    table["ratio"] = table["wins"] / table["bids"]
    low, first, third, _ = fences(table["ratio"])
    spread = third > first
    if limits.seldom_wins is not None:
        low, spread = limits.seldom_wins, True
    many = (table["bids"] >= table["bids"].quantile(0.75)) & (table["bids"] >= limits.least_bids)
    found = table[many & (table["ratio"] <= low) & spread]
    return hits(
        {
            "subject": f"agency:{agency}",
            "agencies": [agency],
            "params": {
                "bids": int(row["bids"]),
                "wins": int(row["wins"]),
                "ratio": percent(row["ratio"]),
                "fence": percent(low),
            },
        }
        for agency, row in found.iterrows()
    )


def _asides(frames: Frames, by: str, limits: Limits, *, processes: bool) -> pd.DataFrame:
    bids = frames.bids.merge(frames.notices[["notice", "client"]], on="notice")
    bids = bids.assign(aside=bids["state"] == "set-aside")
    table = bids.groupby(by).agg(bids=("bid", "size"), aside=("aside", "sum"), processes=("notice", "nunique"))
    table = table[table["processes" if processes else "bids"] >= limits.least_received]
    if len(table) < limits.least_group:
        return table.iloc[:0].assign(ratio=0.0, fence=0.0)
    table["ratio"] = table["aside"] / table["bids"]
    *_, third, high = fences(table["ratio"])
    found = table[(table["ratio"] >= high) & (table["ratio"] > third) & (table["aside"] >= limits.least_aside)]
    return found.assign(fence=high)


def aside_by_client(frames: Frames, limits: Limits) -> pd.DataFrame:
    """R038: the share of bids that one client's notices set aside is a high outlier."""
    found = _asides(frames, "client", limits, processes=True)
    return hits(
        {"subject": f"organization:{client}", "clients": [client], "params": _aside(row, "processes")}
        for client, row in found.iterrows()
    )


def aside_by_agency(frames: Frames, limits: Limits) -> pd.DataFrame:
    """R038: the share of one agency's bids that were set aside is a high outlier."""
    found = _asides(frames, "agency", limits, processes=False)
    return hits(
        {"subject": f"agency:{agency}", "agencies": [agency], "params": _aside(row)} for agency, row in found.iterrows()
    )


def _aside(row: "pd.Series[float]", *more: str) -> dict[str, object]:
    counts: dict[str, object] = {name: int(row[name]) for name in ("bids", "aside", *more)}
    return counts | {"ratio": percent(row["ratio"]), "fence": percent(row["fence"])}


def many_professions(frames: Frames, limits: Limits) -> pd.DataFrame:
    """R048: the number of professions in which an agency was awarded is a high outlier."""
    variety = frames.awards.groupby("agency")["profession"].nunique()
    if len(variety) < limits.least_group:
        return hits([])
    *_, third, high = fences(variety)
    found = variety[(variety >= high) & (variety > third) & (variety >= limits.least_varieties)]
    return hits(
        {
            "subject": f"agency:{agency}",
            "agencies": [agency],
            "params": {"count": int(count), "fence": f"{high:.1f}"},
        }
        for agency, count in found.items()
    )
