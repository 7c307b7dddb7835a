"""The six circumstances from which collusion may be presumed, as facts about the bids of one notice.

Source: Regulation on the Implementation of the Bidding Law, art. 40 (by analogy). What is the same is named; why it is
the same is for people to find out.
"""

from typing import Any

import pandas as pd

from market.rules.signals import Limits
from market.signals.frames import Frames, hits, of_notices, percent, yuan

PRICED = frozenset({"lowest-price", "average-price", "credit-preferred", "proposal-preferred"})
PROGRAM_AUTHORS = frozenset(
    {"", "admin", "administrator", "user", "users", "windows用户", "windows user", "微软用户", "微软中国", "microsoft"}
    | {
        "microsoft office user",
        "office",
        "lenovo",
        "dell",
        "hp",
        "pc",
        "wps",
        "wps office",
        "python-docx",
        "作者",
        "用户",
    }
    | {"unknown", "author", "owner", "asus", "acer", "huawei", "apple", "mac", "openpyxl", "apache poi"}
)
"""What programs write where nobody gave a name."""


def _shared(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    """Rows whose value of `by` stands in bids of two or more agencies of one notice, each agency once."""
    once = frame.drop_duplicates(["notice", by, "agency"])
    if once.empty:
        return once
    return once[once.groupby(["notice", by], sort=False)["agency"].transform("size") >= 2]


def _same(
    frames: Frames, shared: pd.DataFrame, by: str, name: str | None = None, *, cut: int | None = None
) -> pd.DataFrame:
    """One hit per notice and shared value; `name` is the parameter that shows the value."""
    rows = []
    about = of_notices(frames.notices, shared["notice"])
    for key, group in shared.groupby(["notice", by], sort=True):
        notice, value = key
        known = about[int(str(notice))]
        params = {"number": known["number"], "count": len(group)}
        if name:
            params[name] = str(value)[:cut]
        rows.append(_hit(notice, known, group["agency"], str(value), params))
    return hits(rows)


def _hit(notice: Any, known: dict[str, Any], agencies: Any, key: str, params: dict[str, Any]) -> dict[str, Any]:
    return {
        "subject": f"notice:{notice}",
        "key": key,
        "notices": [notice],
        "agencies": agencies,
        "clients": [known["client"]],
        "params": params,
    }


def same_author(frames: Frames, _limits: Limits) -> pd.DataFrame:
    """Files of different agencies whose properties name the same author; programs' default names do not count."""
    files = frames.files.assign(author=frames.files["author"].astype(str).str.strip())
    told = files[~files["author"].str.casefold().isin(PROGRAM_AUTHORS)]
    return _same(frames, _shared(told, "author"), "author", "author")


def same_submitter(frames: Frames, _limits: Limits) -> pd.DataFrame:
    """Bids of different agencies from one network address. An equal browser alone is too common to say anything."""
    known = frames.bids[frames.bids["address"].notna() & (frames.bids["address"] != "")]
    rows = []
    shared = _shared(known, "address")
    about = of_notices(frames.notices, shared["notice"])
    for (notice, address), group in shared.groupby(["notice", "address"], sort=True):
        browsers = group["browser"][group["browser"].notna() & (group["browser"] != "")]
        same = browsers[browsers.duplicated(keep=False)]
        facts = about[int(str(notice))]
        params = {"number": facts["number"], "count": len(group), "browsers": len(same)}
        rows.append(_hit(notice, facts, group["agency"], str(address), params))
    return hits(rows)


def same_staff(frames: Frames, _limits: Limits) -> pd.DataFrame:
    """One person on the project staff of bids of different agencies."""
    named = frames.staff[frames.staff["person"].astype(str).str.strip() != ""]
    return _same(frames, _shared(named, "person"), "person", "person")


def same_account(frames: Frames, _limits: Limits) -> pd.DataFrame:
    """Bids of different agencies submitted by one account."""
    known = frames.bids[frames.bids["account"] > 0]
    return _same(frames, _shared(known, "account"), "account")


def mixed_files(frames: Frames, _limits: Limits) -> pd.DataFrame:
    """The very same file in bids of different agencies."""
    return _same(frames, _shared(frames.files, "sha256"), "sha256", "short", cut=12)


def _priced(frames: Frames, least: int) -> pd.DataFrame:
    """Bids of notices with so many prices, where a bidder names its own price; sorted by price within a notice."""
    notices = frames.notices.loc[frames.notices["method"].isin(PRICED), "notice"]
    bids = frames.bids[frames.bids["notice"].isin(notices) & (frames.bids["cents"] > 0)]
    bids = bids.drop_duplicates(["notice", "agency"])
    bids = bids[bids.groupby("notice", sort=False)["bid"].transform("size") >= least]
    return bids.sort_values(["notice", "cents", "agency"])


def alike_prices(frames: Frames, limits: Limits) -> pd.DataFrame:
    """All prices of a notice within half a percent of the lowest, and not all the same (that is R028)."""
    bids = _priced(frames, limits.alike_bids)
    spans = bids.groupby("notice")["cents"].agg(["min", "max", "size"])
    spread = (spans["max"] - spans["min"]) / spans["min"]
    return _of_spans(frames, bids, spans[(spread > 0) & (spread <= limits.alike_spread)], _alike)


def _alike(span: Any) -> dict[str, Any]:
    low, high = span["min"], span["max"]
    spread = f"{100 * (high - low) / low:.2f}"
    return {"lowest": yuan(low), "highest": yuan(high), "spread": spread}


def _of_spans(frames: Frames, bids: pd.DataFrame, spans: pd.DataFrame, params: Any) -> pd.DataFrame:
    """One hit per notice in the index of `spans`; `params` makes the sentence's values of a row."""
    about = of_notices(frames.notices, spans.index)
    named = bids[bids["notice"].isin(spans.index)].groupby("notice")["agency"].agg(list)
    return hits(
        _hit(
            span["notice"],
            about[span["notice"]],
            named[span["notice"]],
            "",
            {"number": about[span["notice"]]["number"], "count": int(span["size"])} | params(span),
        )
        for span in spans.reset_index().to_dict("records")
    )


def regular_prices(frames: Frames, limits: Limits) -> pd.DataFrame:
    """Prices of a notice that follow each other in equal steps, in yuan or in percent."""
    bids = _priced(frames, limits.regular_bids)
    step = bids.groupby("notice")["cents"].diff()
    bids = bids.assign(step=step, ratio=step / (bids["cents"] - step))
    grouped = bids.groupby("notice")
    spans = grouped.agg(
        size=("bid", "size"),
        least=("step", "min"),
        most=("step", "max"),
        low=("ratio", "min"),
        high=("ratio", "max"),
    )
    spans = spans[spans["least"] > 0]
    equal = spans["most"] - spans["least"] <= limits.regular_tolerance * spans["most"]
    scaled = spans["high"] - spans["low"] <= limits.regular_tolerance * spans["high"]
    spans = spans.assign(equal=equal)
    return _of_spans(frames, bids, spans[equal | scaled], _regular)


def _regular(span: Any) -> dict[str, Any]:
    return {"step": f"¥{yuan(span['most'])}" if span["equal"] else f"{percent(span['high'])}%"}
