"""Red flags of one procedure, by the definitions that the Open Contracting Partnership publishes (Cardinal, R…)."""

from typing import Any

import pandas as pd

from market.rules.signals import Limits
from market.signals.collusion import PRICED
from market.signals.frames import Frames, fences, hits, percent, yuan

DAY = 86_400.0
PRICE_ONLY = "lowest-price"
SHANGHAI = "Asia/Shanghai"


def _hits(found: pd.DataFrame, params: Any) -> pd.DataFrame:
    """One hit per row with notice, number, client and agencies; `params` makes the sentence's values of a row."""
    return hits(
        {
            "subject": f"notice:{row['notice']}",
            "key": row.get("key", ""),
            "notices": [row["notice"]],
            "agencies": row.get("agencies", ()),
            "clients": [row["client"]],
            "params": {"number": row["number"]} | params(row),
        }
        for row in found.sort_values("notice").to_dict("records")
    )


def _with_agencies(found: pd.DataFrame, bids: pd.DataFrame) -> pd.DataFrame:
    """Adds the agencies of these bids, per notice."""
    named = bids[bids["notice"].isin(found["notice"])].groupby("notice")["agency"].agg(list).rename("agencies")
    return found.merge(named.reset_index(), on="notice")


def short_period(frames: Frames, limits: Limits) -> pd.DataFrame:
    """R003: fewer days between publication and deadline than the limit; competitive methods only."""
    open_to_all = frames.notices[frames.notices["method"] != "direct"]
    days = (open_to_all["deadline"] - open_to_all["published_at"]).dt.total_seconds() / DAY
    found = open_to_all.assign(days=days)[days < limits.short_days]
    return _hits(found, lambda row: {"days": f"{row['days']:.1f}", "limit": limits.short_days})


def single_bid(frames: Frames, _limits: Limits) -> pd.DataFrame:
    """R018: one bid in a competitive procedure."""
    competitive = frames.notices[frames.notices["method"] != "direct"]
    counts = frames.bids.groupby("notice")["agency"].nunique()
    found = competitive[competitive["notice"].isin(counts[counts == 1].index)]
    return _hits(_with_agencies(found, frames.bids), lambda _row: {})


def identical_prices(frames: Frames, _limits: Limits) -> pd.DataFrame:
    """R028: different agencies, one price; not where the price is fixed."""
    notices = frames.notices[frames.notices["method"].isin(PRICED)]
    bids = frames.bids[frames.bids["notice"].isin(notices["notice"]) & (frames.bids["cents"] > 0)]
    bids = bids.drop_duplicates(["notice", "cents", "agency"])
    bids = bids[bids.duplicated(["notice", "cents"], keep=False)]
    same = bids.groupby(["notice", "cents"])["agency"].agg(list).rename("agencies").reset_index()
    found = same.assign(key=same["cents"].astype(str)).merge(notices, on="notice")
    return _hits(found, lambda row: {"count": len(row["agencies"]), "amount": yuan(row["cents"])})


def late_winner(frames: Frames, _limits: Limits) -> pd.DataFrame:
    """R030: the bid that won was received after the deadline."""
    won = frames.awards[["notice", "bid"]].merge(frames.bids.drop(columns="notice"), on="bid")
    found = won.merge(frames.notices, on="notice")
    found = found[found["received_at"] > found["deadline"]]
    found = found.assign(agencies=found["agency"].map(lambda one: [one]))
    return _hits(found, lambda row: {"received": _local(row["received_at"]), "deadline": _local(row["deadline"])})


def _local(moment: Any) -> str:
    return f"{moment.tz_convert(SHANGHAI):%Y-%m-%d %H:%M:%S}"


def others_set_aside(frames: Frames, _limits: Limits) -> pd.DataFrame:
    """R035: one agency qualified and won, everybody else (at least one) was set aside."""
    entered = frames.bids[frames.bids["state"] == "entered"]
    aside = frames.bids[frames.bids["state"] == "set-aside"]
    valid = entered.groupby("notice")["agency"].agg(["nunique", "first"])
    alone = valid[valid["nunique"] == 1].reset_index()
    won = frames.awards[["notice", "agency"]].merge(alone, left_on=["notice", "agency"], right_on=["notice", "first"])
    others = aside.merge(won[["notice", "agency"]], on="notice", suffixes=("", "_won"))
    others = others[others["agency"] != others["agency_won"]]
    counts = others.groupby("notice")["agency"].nunique().rename("count").reset_index()
    found = _with_agencies(frames.notices.merge(counts, on="notice"), frames.bids)
    return _hits(found, lambda row: {"count": int(row["count"])})


def lowest_set_aside(frames: Frames, _limits: Limits) -> pd.DataFrame:
    """R036: price is all that counts, there is an award, and the lowest bid was set aside."""
    notices = frames.notices[frames.notices["method"] == PRICE_ONLY]
    bids = frames.bids[frames.bids["notice"].isin(notices["notice"]) & (frames.bids["cents"] > 0)]
    lowest = bids.groupby(["notice", "state"])["cents"].min().unstack().reindex(columns=["entered", "set-aside"])
    below = lowest[lowest["set-aside"] < lowest["entered"]].reset_index()
    won = frames.awards[["notice", "cents"]].rename(columns={"cents": "winning"}).drop_duplicates("notice")
    found = notices.merge(below[["notice", "set-aside"]], on="notice").merge(won, on="notice")
    found = _with_agencies(found, frames.bids)
    return _hits(found, lambda row: {"amount": yuan(row["set-aside"]), "winning": yuan(row["winning"])})


def _differences(frames: Frames) -> pd.DataFrame:
    """(second lowest valid − winning) ÷ winning, where price is all that counts and the winner is the lowest."""
    notices = frames.notices[frames.notices["method"] == PRICE_ONLY]
    bids = frames.bids[frames.bids["notice"].isin(notices["notice"])]
    bids = bids[(bids["state"] == "entered") & (bids["cents"] > 0)].sort_values(["notice", "cents", "bid"])
    place = bids.groupby("notice").cumcount()
    second = bids[place == 1][["notice", "cents"]].rename(columns={"cents": "second"})
    first = bids[place == 0][["notice", "cents"]].rename(columns={"cents": "first"})
    won = frames.awards[["notice", "bid"]].merge(bids[["bid", "cents"]], on="bid").drop_duplicates("notice")
    found = won.merge(first, on="notice").merge(second, on="notice").merge(notices, on="notice")
    found = found[found["cents"] == found["first"]]
    return found.assign(difference=(found["second"] - found["cents"]) / found["cents"])


def close_price(frames: Frames, limits: Limits) -> pd.DataFrame:
    """R024: the difference to the runner-up is a low outlier, or within the limit set in place of the fence."""
    found = _differences(frames)
    if len(found) < limits.least_processes:
        return hits([])
    low, first, third, _ = fences(found["difference"])
    spread = third > first
    if limits.close_price is not None:
        low, spread = limits.close_price, True
    return _outliers(frames, found[(found["difference"] <= low) & spread], low, len(found))


def heavy_discount(frames: Frames, limits: Limits) -> pd.DataFrame:
    """R058: the difference to the runner-up is a high outlier."""
    found = _differences(frames)
    if len(found) < limits.least_processes:
        return hits([])
    _, first, third, high = fences(found["difference"])
    chosen = found[(found["difference"] >= high) & (third > first)]
    return _outliers(frames, chosen, high, len(found))


def _outliers(frames: Frames, chosen: pd.DataFrame, fence: float, count: int) -> pd.DataFrame:
    entered = frames.bids[frames.bids["state"] == "entered"]
    named = _with_agencies(chosen, entered)
    shown = {"fence": percent(fence), "count": count}
    return _hits(named, lambda row: {"difference": percent(row["difference"])} | shown)
