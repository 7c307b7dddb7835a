"""Shares, concentration and repeated pairs of a window of awards.

HHI = sum of squared shares in percent, 0 to 10,000. Shares are of money; counts stand beside them.
"""

import pandas as pd

from market.rules.signals import Limits
from market.signals.frames import Frames, hits, percent

MARKET = ["item", "region"]


def shares(awards: pd.DataFrame) -> pd.DataFrame:
    """One row per item, region and agency: awards, cents, share, and of its market: awards, cents, agencies, HHI."""
    table = awards.groupby([*MARKET, "agency"], as_index=False).agg(awards=("notice", "size"), cents=("cents", "sum"))
    whole = table.groupby(MARKET)
    table["market_awards"] = whole["awards"].transform("sum")
    table["market_cents"] = whole["cents"].transform("sum")
    table["agencies"] = whole["agency"].transform("size")
    table["share"] = (table["cents"] / table["market_cents"]).fillna(0.0)
    squares = table.assign(square=(100 * table["share"]) ** 2)
    table["hhi"] = squares.groupby(MARKET)["square"].transform("sum")
    return table.sort_values([*MARKET, "cents", "agency"], ascending=[True, True, False, True]).reset_index(drop=True)


def pairs(awards: pd.DataFrame) -> pd.DataFrame:
    """One row per client and agency: awards, of them direct, all awards of the client, and the share of them."""
    marked = awards.assign(direct=awards["method"] == "direct")
    table = marked.groupby(["client", "agency"], as_index=False).agg(
        awards=("notice", "size"), direct=("direct", "sum"), cents=("cents", "sum")
    )
    table["total"] = table.groupby("client")["awards"].transform("sum")
    table["share"] = table["awards"] / table["total"]
    return table.sort_values(["awards", "client", "agency"], ascending=[False, True, True]).reset_index(drop=True)


def large_shares(frames: Frames, limits: Limits) -> pd.DataFrame:
    """An agency with more than 30 % of the money of an item in a region."""
    table = shares(frames.awards)
    found = table[
        (table["share"] > limits.share_alarm)
        & (table["awards"] >= limits.share_awards)
        & (table["market_awards"] >= limits.share_market)
    ]
    return hits(
        {
            "subject": f"agency:{row['agency']}",
            "key": f"{row['item']}/{row['region']}",
            "agencies": [row["agency"]],
            "params": {
                "item": row["item"],
                "region": row["region"],
                "market": int(row["market_awards"]),
                "awards": int(row["awards"]),
                "share": percent(row["share"]),
                "hhi": f"{row['hhi']:.0f}",
            },
        }
        for row in found.to_dict("records")
    )


def repeat_pairs(frames: Frames, limits: Limits) -> pd.DataFrame:
    """A client whose awards go mostly to one agency."""
    table = pairs(frames.awards)
    found = table[
        (table["awards"] >= limits.pair_awards)
        & (table["total"] >= limits.pair_client_awards)
        & (table["share"] > limits.pair_share)
    ]
    return hits(
        {
            "subject": f"organization:{row['client']}",
            "key": row["agency"],
            "agencies": [row["agency"]],
            "clients": [row["client"]],
            "params": {
                "total": int(row["total"]),
                "awards": int(row["awards"]),
                "share": percent(row["share"]),
                "direct": int(row["direct"]),
            },
        }
        for row in found.to_dict("records")
    )
