"""A search of the notice board in Chinese over 200,000 notices, against the raw query on a connection of its own."""

import time
from dataclasses import dataclass

import asyncpg

from benchmarks.bids import ITEM
from benchmarks.bids import notice as posted
from benchmarks.turns import Ratio, compare, ratio_line
from core import accounts, db
from core.db import _prepare
from core.identity import Role
from core.postgres import Urls
from market.queries.notices import NOTICE_SQL, BoardFilter, notice_board
from market.rules.catalogue import query_shingles, shingles

NOTICES = 200_000
PER_TITLE = 200
SEARCHES = 10
PAGE = 20
PLACES = [
    "青石峡",
    "东都镇",
    "楼德",
    "果都",
    "西张庄",
    "翟镇",
    "泉沟",
    "羊流",
    "谷里",
    "石莱",
    "放城",
    "刘杜",
    "汶南",
    "龙廷",
    "禹村",
    "岳家庄",
    "新汶",
    "小协",
    "宫里",
    "天宝",
]
WORKS = [
    "加油站",
    "涂料车间",
    "污水处理厂",
    "中学教学楼",
    "住宅小区",
    "冷链物流园",
    "光伏电站",
    "屠宰场",
    "医院门诊楼",
    "变电站",
]
KINDS = ["新建项目", "改建项目", "扩建工程", "迁建工程", "技术改造"]
QUERIES = ("冷链物流", "东都镇", "变电站扩建", "涂料")


@dataclass(frozen=True)
class BoardFigure:
    """The comparison, over how many notices."""

    notices: int
    ratio: Ratio

    def lines(self) -> list[str]:
        """The row of the table."""
        return [ratio_line(f"a Chinese search of {self.notices} notices", self.ratio)]

    def notes(self) -> list[str]:
        """What was asked."""
        return ["- Search: " + ", ".join(QUERIES) + "; the first page of 20, newest first."]

    def ratios(self) -> list[Ratio]:
        """What has a control."""
        return [self.ratio]


async def measure(urls: Urls, *, rounds: int, notices: int = NOTICES) -> BoardFigure:
    """Fill the board, then search it both ways in turns."""
    await _fill(urls, notices)
    link = await asyncpg.connect(urls.url, statement_cache_size=1000)
    await _prepare(link)
    try:
        ratio = await compare(_ours, lambda: _raw(link), rounds=rounds)
    finally:
        await link.close()
    return BoardFigure(notices, ratio)


async def _fill(urls: Urls, notices: int) -> None:
    model = await posted(await accounts.identity_of(login="cl-01", role=Role.CLIENT))
    item = await db.value("select name_zh from market_service_item where code = $1 and superseded_at is null", ITEM)
    titles = [f"{place}{work}{kind}" for place in PLACES for work in WORKS for kind in KINDS]
    columns = await db.rows(
        "select column_name from information_schema.columns where table_name = 'market_notice'"
        " and column_name not in ('id', 'number', 'shingles', 'published_at') order by ordinal_position"
    )
    same = ", ".join(row["column_name"] for row in columns)
    link = await asyncpg.connect(urls.owner_url)
    try:
        for title in titles[: notices // PER_TITLE]:
            await link.execute(
                f"insert into market_notice ({same}, shingles, published_at)"
                f" select {same}, $2, published_at - random() * interval '900 days'"
                " from market_notice, generate_series(1, $3) where id = $1",
                model,
                shingles(title, item),
                PER_TITLE,
            )
        await link.execute("vacuum analyze market_notice")
    finally:
        await link.close()


async def _ours() -> float:
    began = time.perf_counter()
    for _ in range(SEARCHES):
        for query in QUERIES:
            await notice_board(BoardFilter(query=query), limit=PAGE)
    return (time.perf_counter() - began) / (SEARCHES * len(QUERIES))


async def _raw(link: asyncpg.Connection) -> float:
    began = time.perf_counter()
    for _ in range(SEARCHES):
        for query in QUERIES:
            await link.fetch(
                NOTICE_SQL + " where n.state <> 'draft' and n.shingles @> $1"
                " order by n.published_at desc, n.id desc limit $2",
                query_shingles(query),
                PAGE + 1,
            )
    return (time.perf_counter() - began) / (SEARCHES * len(QUERIES))
