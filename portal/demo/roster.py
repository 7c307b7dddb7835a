"""Who takes part in the demo market: the invented agencies and clients of `content/`, and more for a province."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path

from stdnum.cn import uscc as standard

from agencies.rules import Profession
from market.rules.notices import FundSource
from portal.demo.chances import Chances, clamp

CONTENT = Path(__file__).parent / "content"
REFERENCE_DAY = date(2026, 11, 20)
"""The day from which the dates in the files are seen; a market that ends later has later dates."""
SETTLED_CLIENT = "CL-13"
"""A client with a play of its own: it commissions nothing by chance."""
QUALITIES = (0.3, 0.95)
"""No agency of the play can do less or more."""
MOVES_A_MONTH, REMEMBERED_MONTHS = 0.012, 36
"""By how much the quality of an agency changes in a month (standard deviation), and how far back that is known."""


@dataclass(frozen=True)
class DemoAgency:
    """An agency of the play. `quality` is what it can do, 0 to 1; nobody in the market sees it.

    It is that of the last day; `moves` says by how much it was another so many months before.
    """

    key: str
    name_zh: str
    name_en: str
    uscc: str
    region_code: str
    region_zh: str
    region_en: str
    profession: Profession
    credential_zh: str
    credential_en: str
    certificate_no: str
    qualification_class: str
    scope_zh: str
    scope_en: str
    items: tuple[str, ...]
    expires_on: date
    registers_on: date
    staff_total: int
    staff_certified: int
    relation: str
    relation_target: str
    relation_note: str
    quality: float
    last_day: date = date.max
    moves: tuple[float, ...] = (0.0,)

    def on(self, day: date) -> "DemoAgency":
        """The agency as it was on a day."""
        months = min(max(0, (self.last_day - day).days) * 12 // 365, len(self.moves) - 1)
        return replace(self, quality=clamp(self.quality + self.moves[months], *QUALITIES))


@dataclass(frozen=True)
class DemoClient:
    """A client of the play and how it goes about things."""

    key: str
    name_zh: str
    name_en: str
    uscc: str
    region_code: str
    public_body: bool
    sector_zh: str
    location_zh: str
    fund_source: FundSource


@dataclass(frozen=True)
class Scale:
    """How large a market is: commissions a month, and how many casts of agencies and clients."""

    commissions_a_month: float
    casts: int = 1
    agencies_per_profession: int = 99


SCALES: Mapping[str, Scale] = {
    "register": Scale(commissions_a_month=0, casts=2),
    "small": Scale(commissions_a_month=6, agencies_per_profession=4),
    "xintai": Scale(commissions_a_month=21),
    "province": Scale(commissions_a_month=21 * 40, casts=40),
}
"""`xintai` is the market of the city, `province` forty of them; `small` is for a quick look and for tests; in
`register` everybody only registers, for measuring lists."""


@dataclass(frozen=True)
class Roster:
    """The whole cast."""

    agencies: tuple[DemoAgency, ...]
    clients: tuple[DemoClient, ...]

    def code_of(self, key: str) -> str:
        """The credit code of somebody on the roster, by the key that relations name."""
        known = {one.key: one.uscc for one in self.agencies} | {one.key: one.uscc for one in self.clients}
        return known.get(key, key)


def cast(scale: Scale, last_day: date, chances: Chances) -> Roster:
    """The roster of a market that ends on `last_day`."""
    shift = last_day - REFERENCE_DAY
    agencies = [agency for agency in _of_file(shift) if _place(agency) <= scale.agencies_per_profession]
    clients = list(_clients())
    for number in range(2, scale.casts + 1):
        agencies += [_another(one, number, chances) for one in _of_file(shift)]
        clients += [_another_client(one, number) for one in _clients()]
    return Roster(tuple(_moving(one, last_day, chances) for one in agencies), tuple(clients))


def _moving(agency: DemoAgency, last_day: date, chances: Chances) -> DemoAgency:
    """People come and go, and a supervised market teaches: what an agency can do wanders, month by month."""
    stream = chances.of("moves", agency.key)
    steps = (stream.gauss(0, MOVES_A_MONTH) for _ in range(REMEMBERED_MONTHS))
    return replace(agency, last_day=last_day, moves=(0.0, *accumulate(steps)))


def _place(agency: DemoAgency) -> int:
    return int(agency.key.rpartition("-")[2])


@cache
def _rows(name: str) -> tuple[dict[str, str], ...]:
    with (CONTENT / name).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def _of_file(shift: timedelta) -> Iterator[DemoAgency]:
    for row in _rows("agencies_demo.csv"):
        yield DemoAgency(
            key=row["demo_id"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            uscc=row["uscc"],
            region_code=row["region_code"],
            region_zh=row["region_zh"],
            region_en=row["region_en"],
            profession=Profession(row["profession"]),
            credential_zh=row["credential_kind_zh"],
            credential_en=row["credential_kind_en"],
            certificate_no=row["certificate_no"],
            qualification_class=row["qualification_class"],
            scope_zh=row["scope_zh"],
            scope_en=row["scope_en"],
            items=tuple(row["items_offered"].split(";")),
            expires_on=date.fromisoformat(row["credential_expiry"]) + shift,
            registers_on=date.fromisoformat(row["registered_on"]) + shift,
            staff_total=int(row["staff_total"]),
            staff_certified=int(row["staff_certified"]),
            relation=row["affiliation_flag"],
            relation_target=row["affiliation_target"],
            relation_note=row["affiliation_note_zh"],
            quality=float(row["latent_quality"]),
        )


def _clients() -> Iterator[DemoClient]:
    for row in _rows("clients_demo.csv"):
        yield DemoClient(
            key=row["demo_id"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            uscc=row["uscc"],
            region_code=row["region_code"],
            public_body=row["client_kind"] == "public_body",
            sector_zh=row["sector_zh"],
            location_zh=row["location_zh"],
            fund_source=FundSource(row["fund_source"]),
        )


CITIES = (
    ("370102", "济南", "Jinan"), ("370202", "青岛", "Qingdao"), ("370303", "淄博", "Zibo"),
    ("370402", "枣庄", "Zaozhuang"), ("370502", "东营", "Dongying"), ("370602", "烟台", "Yantai"),
    ("370702", "潍坊", "Weifang"), ("370811", "济宁", "Jining"), ("370902", "泰安", "Tai'an"),
    ("371002", "威海", "Weihai"), ("371102", "日照", "Rizhao"), ("371302", "临沂", "Linyi"),
    ("371402", "德州", "Dezhou"), ("371502", "聊城", "Liaocheng"), ("371602", "滨州", "Binzhou"),
    ("371702", "菏泽", "Heze"),
)  # fmt: skip
TREES = "松柏槐榆杨柳桐枫桦梧桑椿栎楸榉楠檀梓杉桂"
STARS = "角亢氐房心尾箕斗牛女虚危室壁奎娄胃昴毕觜参井鬼柳星张翼轸"
TRADES = {
    Profession.SURVEYING: ("测绘有限公司", "Surveying Co., Ltd."),
    Profession.ENVIRONMENTAL: ("环境技术有限公司", "Environmental Technology Co., Ltd."),
    Profession.SAFETY: ("安全评价有限公司", "Safety Assessment Co., Ltd."),
}


def _another(model: DemoAgency, number: int, chances: Chances) -> DemoAgency:
    """An agency of another city like the model, with a name, a code and a quality of its own."""
    stream = chances.of("cast", number, model.key)
    code, city_zh, city_en = CITIES[number % len(CITIES)]
    mark = _mark(number, _place(model))
    ending_zh, ending_en = TRADES[model.profession]
    return replace(
        model,
        key=f"{model.key}-{number}",
        name_zh=f"{city_zh}{mark}{ending_zh}",
        name_en=f"{city_en} {number}-{_place(model)} {ending_en}",
        uscc=_code(code, model.key[3:5], number, _place(model)),
        region_code=code,
        region_zh=f"山东省{city_zh}市",
        region_en=f"{city_en}, Shandong",
        certificate_no=f"{model.certificate_no}-{number}",
        relation="none",
        relation_target="",
        relation_note="",
        quality=round(clamp(model.quality + stream.gauss(0, 0.05), *QUALITIES), 2),
    )


def _another_client(model: DemoClient, number: int) -> DemoClient:
    code, city_zh, city_en = CITIES[number % len(CITIES)]
    place = int(model.key.rpartition("-")[2])
    mark = _mark(number, place)
    return replace(
        model,
        key=f"{model.key}-{number}",
        name_zh=f"{city_zh}{mark}{model.sector_zh}{'（演示）中心' if model.public_body else '有限公司'}",
        name_en=f"{city_en} {number}-{place} {'Public Centre (demo)' if model.public_body else 'Co., Ltd.'}",
        uscc=_code(code, "CL", number, place, public=model.public_body),
        region_code=code,
    )


def _mark(number: int, place: int) -> str:
    return STARS[number % len(STARS)] + TREES[place % len(TREES)] + STARS[number * 7 % len(STARS)]


def _code(region: str, kind: str, number: int, place: int, *, public: bool = False) -> str:
    """A valid credit code that no real organisation bears: its inner code begins with `MAX`."""
    family = {"SV": "A", "EV": "B", "SF": "C", "CL": "D"}[kind]
    inner = f"MAX{family}{number:02d}{place:02d}"
    head = ("12" if public else "91") + region + inner + _inner_check(inner)
    return head + str(standard.calc_check_digit(head))


def _inner_check(inner: str) -> str:
    """The check sign of an organisation code (GB 11714)."""
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    rest = 11 - sum(w * int(sign, 36) for w, sign in zip(weights, inner, strict=True)) % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))
