"""Signals over 200,000 notices and a million bids: ours with pandas, the peer the same definitions in DuckDB SQL.

Both begin with the data in memory (frames; tables read from the same Parquet files) and end with the same hits: code,
subject, agencies, clients and the numbers of the sentence, which is checked before anything is timed. The data is made
from a seed; agencies price around what the work is worth, a few notices are alike, stepped, or sent from one address.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.machine import peak_mb
from benchmarks.turns import Ratio, compare, ratio_line

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from market.rules.signals import Found
    from market.signals import Frames

NOTICES, BIDS = 200_000, 1_000_000
CODES = ("alike-prices", "regular-prices", "same-submitter", "R018", "R024", "R058", "share", "repeat-pair")
TABLES = ("notices", "bids", "staff", "files", "awards")
ROUNDS = 3
REGIONS, NEAR = 140, 25
"""Regions, and agencies near each: no two bids of one notice come from the same agency."""
LIMITS_DAY = datetime(2026, 6, 1, tzinfo=UTC).date()


@dataclass(frozen=True)
class SignalFigure:
    """The comparison, over how much, how many hits, and memory in MB: of the data held and at the peak."""

    notices: int
    bids: int
    hits: int
    ratio: Ratio
    ours_mb: float
    peer_mb: float
    each: dict[str, tuple[float, float]]

    def lines(self) -> list[str]:
        """The row of the table."""
        name = f"{len(CODES)} signals over {self.notices} notices and {self.bids} bids"
        return [ratio_line(name, self.ratio)]

    def notes(self) -> list[str]:
        """Hits, memory, and each signal."""
        each = ", ".join(f"{code} {ours:.2f} / {peer:.2f} s" for code, (ours, peer) in self.each.items())
        return [
            f"- Signals: {self.hits} hits, the same both ways. A process that loads and computes them once peaks at"
            f" {self.ours_mb:.0f} MB with pandas and {self.peer_mb:.0f} MB with DuckDB (all cores). One by one, pandas /"
            f" DuckDB: {each}."
        ]

    def ratios(self) -> list[Ratio]:
        """What has a control."""
        return [self.ratio]


async def measure(folder: Path, *, rounds: int = ROUNDS, notices: int = NOTICES, bids: int = BIDS) -> SignalFigure:
    """Make the data, check that both find the same, then time them in turns."""
    await asyncio.to_thread(write, folder, notices, bids)
    frames, link = await asyncio.to_thread(load_frames, folder), await asyncio.to_thread(load_tables, folder)
    mine, theirs = await asyncio.to_thread(ours, frames, CODES), await asyncio.to_thread(peer, link, CODES)
    same(mine, theirs)

    async def with_pandas() -> float:
        return await asyncio.to_thread(_timed, lambda: ours(frames, CODES))

    async def with_duckdb() -> float:
        return await asyncio.to_thread(_timed, lambda: peer(link, CODES))

    ratio = await compare(with_pandas, with_duckdb, rounds=rounds)
    each = {
        code: (_timed(lambda c=code: ours(frames, (c,))), _timed(lambda c=code: peer(link, (c,)))) for code in CODES
    }
    link.close()
    peaks = [await asyncio.to_thread(_peak, folder, which) for which in ("ours", "peer")]
    return SignalFigure(notices, bids, len(mine), ratio, peaks[0], peaks[1], each)


def _timed(act: Any) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


# ---- the data
def write(folder: Path, notices: int, bids: int, seed: int = 7) -> None:
    """A market as Parquet files: five bids a notice on average, each region with its own agencies and clients."""
    import numpy as np
    import pandas as pd

    chance = np.random.default_rng(seed)
    number = np.arange(1, notices + 1)
    methods = np.array(["lowest-price", "random-draw", "average-price", "direct", "credit-preferred"])
    published = pd.Timestamp("2026-01-05", tz="UTC") + pd.to_timedelta(chance.integers(0, 300, notices), unit="D")
    items, regions = chance.integers(0, 26, notices), chance.integers(0, REGIONS, notices)
    table = pd.DataFrame(
        {
            "notice": number,
            "number": [f"XT-GG-2026-{one:06d}" for one in number],
            "client": 1 + regions * 14 + chance.integers(0, 14, notices),
            "item": [f"XT-{one:02d}" for one in items],
            "profession": [f"p{one % 8}" for one in items],
            "region": [f"37{one:04d}" for one in regions],
            "method": methods[chance.choice(5, notices, p=(0.5, 0.2, 0.12, 0.08, 0.1))],
            "published_at": published,
            "deadline": published + pd.to_timedelta(chance.integers(3, 30, notices), unit="D"),
        }
    )
    entries = _bids(chance, table, regions, bids)
    lowest = entries[entries["state"] == "entered"].sort_values(["notice", "cents", "bid"]).drop_duplicates("notice")
    won = lowest.merge(table, on="notice")[
        ["notice", "bid", "agency", "client", "item", "profession", "region", "method", "cents"]
    ]
    loyal = (won["client"] % 50 == 0) & (chance.random(len(won)) < 0.7)  # they ask one agency directly
    won.loc[loyal, "method"] = "direct"
    won.loc[loyal, "bid"] = 0
    won.loc[loyal, "agency"] = 1 + won.loc[loyal, "client"] // 14 * NEAR
    empty = {"staff": ["notice", "agency", "person"], "files": ["notice", "agency", "sha256", "author"]}
    for name, one in (("notices", table), ("bids", entries), ("awards", won)):
        one.to_parquet(folder / f"{name}.parquet", index=False)
    for name, columns in empty.items():
        pd.DataFrame({column: pd.Series(dtype="object") for column in columns}).to_parquet(folder / f"{name}.parquet")


def _bids(chance: Any, notices: Any, regions: Any, count: int) -> Any:
    import numpy as np
    import pandas as pd

    size = len(notices)
    of = np.sort(np.concatenate([np.arange(size), chance.integers(0, size, count - size)]))
    place = np.arange(count) - np.searchsorted(of, of)
    agency = 1 + regions[of] * NEAR + (chance.integers(0, NEAR, size)[of] + place) % NEAR
    worth = chance.lognormal(10, 0.6, size)
    odd = chance.choice(3, size, p=(0.985, 0.01, 0.005))
    dear = chance.uniform(0.8, 1.1, REGIONS * NEAR + 1)[agency]
    usual = np.round(worth[of] * dear * (1 + chance.normal(0, 0.06, count)))
    alike = np.round(worth[of] * (1 + place * 0.0007))
    stepped = np.round(worth[of] / 100) * 100 + 500 * place
    yuan = np.select([odd[of] == 1, odd[of] == 2], [alike, stepped], usual)
    desk = (chance.random(size) < 0.004)[of]
    return pd.DataFrame(
        {
            "bid": np.arange(1, count + 1),
            "notice": notices["notice"].to_numpy()[of],
            "agency": agency,
            "account": agency + 5000,
            "state": np.where(chance.random(count) < 0.03, "set-aside", "entered"),
            "cents": (np.maximum(yuan, 100) * 100).astype("int64"),
            "received_at": notices["published_at"].to_numpy()[of] + pd.Timedelta(days=2),
            "address": [f"d{one}" if shared else f"a{two}" for one, shared, two in zip(of, desk, agency, strict=True)],
            "browser": [f"b{one % 40}" for one in agency],
        }
    )


# ---- ours
def load_frames(folder: Path) -> "Frames":
    """The frames that the product would read from its database."""
    import pandas as pd

    from market.signals import Frames

    return Frames(**{name: pd.read_parquet(folder / f"{name}.parquet") for name in TABLES})


def ours(frames: "Frames", codes: Iterable[str]) -> "list[Found]":
    """The product's own way: definitions, finders, hits; limits of the edition in force."""
    from market import content, signals
    from market.rules.signal_list import DEFINITIONS

    limits = content.edition_in_force(LIMITS_DAY).signals
    return signals.find([DEFINITIONS[code] for code in codes], frames, limits)


# ---- the peer
PRICED = """
create view priced as select * from bids join (select notice, number, client, method from notices) using (notice)
 where cents > 0 and method in ('lowest-price', 'average-price', 'credit-preferred', 'proposal-preferred')
 qualify row_number() over (partition by notice, agency order by bid) = 1
"""
DIFFERENCES = """
create view differences as
with placed as (
  select b.notice, b.bid, b.cents, row_number() over (partition by b.notice order by b.cents, b.bid) as place
    from bids b join notices n using (notice)
   where n.method = 'lowest-price' and b.state = 'entered' and b.cents > 0),
priced as (select notice, min(cents) filter (where place = 1) as first, min(cents) filter (where place = 2) as second
             from placed group by notice having count(*) >= 2)
select p.notice, (p.second - w.cents) / w.cents as difference
  from priced p join (select a.notice, b.cents from awards a join placed b on b.bid = a.bid
                       qualify row_number() over (partition by a.notice order by a.bid) = 1) w using (notice)
 where w.cents = p.first
"""
SQL = {
    "alike-prices": """
select notice, '' as key, list_sort(list(agency)) as agencies, any_value(client) as client, count(*) as n,
       max(cents) - min(cents) as a, min(cents) as b
  from priced group by notice
having count(*) >= 3 and max(cents) > min(cents) and (max(cents) - min(cents)) / min(cents) <= 0.005""",
    "regular-prices": """
with steps as (
  select notice, agency, client, cents, cents - lag(cents) over (partition by notice order by cents, agency) as step
    from priced)
select notice, '' as key, list_sort(list(agency)) as agencies, any_value(client) as client, count(*) as n,
       max(step) as a, 0 as b
  from steps group by notice
having count(*) >= 4 and min(step) > 0
   and (max(step) - min(step) <= 0.001 * max(step)
     or max(step / (cents - step)) - min(step / (cents - step)) <= 0.001 * max(step / (cents - step)))""",
    "same-submitter": """
with once as (select * from bids where address <> ''
              qualify row_number() over (partition by notice, address, agency order by bid) = 1),
known as (select *, count(*) over (partition by notice, address, browser) as alike from once)
select notice, address as key, list_sort(list(agency)) as agencies, any_value(n.client) as client, count(*) as n,
       count(*) filter (where alike > 1 and browser <> '') as a, 0 as b
  from known join notices n using (notice) group by notice, address having count(*) >= 2""",
    "R018": """
select notice, '' as key, list(distinct agency) as agencies, any_value(n.client) as client, 1 as n, 0 as a, 0 as b
  from bids join notices n using (notice) where n.method <> 'direct' group by notice
having count(distinct agency) = 1""",
    "R024": """
select notice, '' as key, list_sort(list(b.agency)) as agencies, any_value(n.client) as client,
       (select count(*) from differences) as n, any_value(d.difference) as a, 0 as b
  from differences d join notices n using (notice) join bids b using (notice)
 where d.difference <= 0.002 and b.state = 'entered' group by notice""",
    "R058": """
with fence as (select quantile_cont(difference, 0.75) as third, quantile_cont(difference, 0.25) as first
                 from differences)
select notice, '' as key, list_sort(list(b.agency)) as agencies, any_value(n.client) as client,
       (select count(*) from differences) as n, any_value(d.difference) as a, 0 as b
  from differences d join notices n using (notice) join bids b using (notice), fence
 where d.difference >= third + 1.5 * (third - first) and third > first and b.state = 'entered' group by notice""",
    "share": """
with parts as (select item, region, agency, count(*) as awards, sum(cents) as cents from awards group by all),
whole as (select *, sum(awards) over market as market, cents / sum(cents) over market as share from parts
          window market as (partition by item, region)),
squared as (select *, sum((100 * share) ** 2) over (partition by item, region) as hhi from whole)
select null as notice, item || '/' || region as key, [agency] as agencies, null as client, awards as n, share as a,
       hhi as b
  from squared where share > 0.30 and awards >= 3 and market >= 8""",
    "repeat-pair": """
with parts as (select client, agency, count(*) as awards, count(*) filter (where method = 'direct') as direct
                 from awards group by client, agency),
whole as (select *, sum(awards) over (partition by client) as total from parts)
select null as notice, agency::text as key, [agency] as agencies, client, awards as n, awards / total as a, direct as b
  from whole where awards >= 4 and total >= 6 and awards / total > 0.5""",
}


def load_tables(folder: Path) -> "DuckDBPyConnection":
    """The same data as tables in memory."""
    import duckdb

    link = duckdb.connect()
    for name in TABLES:
        link.execute(f"create table {name} as select * from read_parquet('{folder / name}.parquet')")
    link.execute(PRICED)
    link.execute(DIFFERENCES)
    return link


def peer(link: "DuckDBPyConnection", codes: Iterable[str]) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of each signal, fetched."""
    return {code: link.execute(SQL[code]).fetchall() for code in codes}


# ---- the same
NUMBERS = {
    "alike-prices": ("count", "spread"),
    "regular-prices": ("count",),
    "same-submitter": ("count", "browsers"),
    "R018": (),
    "R024": ("count", "difference"),
    "R058": ("count", "difference"),
    "share": ("awards", "share", "hhi"),
    "repeat-pair": ("awards", "share", "direct"),
}


def same(mine: "list[Found]", theirs: dict[str, list[tuple[Any, ...]]]) -> None:
    """AssertionError unless both found the same hits with the same numbers, and every signal found something."""
    for code, rows in theirs.items():
        left = sorted(
            (one.key, one.notices, one.agencies, one.clients, tuple(str(one.params[name]) for name in NUMBERS[code]))
            for one in mine
            if one.code == code
        )
        right = sorted(_as_found(code, row) for row in rows)
        assert left, f"{code} finds nothing in this market"
        assert left == right, f"{code}: {len(left)} hits against {len(right)}"


def _as_found(code: str, row: tuple[Any, ...]) -> tuple[Any, ...]:
    notice, key, agencies, client, n, a, b = row
    shown = {
        "alike-prices": lambda: (n, f"{100 * a / b:.2f}"),
        "regular-prices": lambda: (n,),
        "same-submitter": lambda: (n, a),
        "R018": lambda: (),
        "R024": lambda: (n, f"{100 * a:.1f}"),
        "R058": lambda: (n, f"{100 * a:.1f}"),
        "share": lambda: (n, f"{100 * a:.1f}", f"{b:.0f}"),
        "repeat-pair": lambda: (n, f"{100 * a:.1f}", b),
    }[code]()
    notices, clients = [() if one is None else (one,) for one in (notice, client)]
    return (key, notices, tuple(agencies), clients, tuple(map(str, shown)))


# ---- memory
def _peak(folder: Path, which: str) -> float:
    """MB at the peak of a process of its own that loads the files and computes everything once."""
    command = [sys.executable, "-m", "benchmarks.signals", which, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout))


def _alone(which: str, folder: Path) -> None:
    if which == "ours":
        ours(load_frames(folder), CODES)
    else:
        peer(load_tables(folder), CODES)
    sys.stdout.write(json.dumps(peak_mb()))


if __name__ == "__main__":
    _alone(sys.argv[1], Path(sys.argv[2]))
