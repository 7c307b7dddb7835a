"""Reads of signals and of concentration: for supervisors only, whom the callers' guards let in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import anyio

from agencies.queries import region_names
from core import clock, db
from core.i18n import _
from market import content
from market.queries.signal_frames import awards_frame
from market.rules.signal_list import DEFINITIONS, sentence
from market.rules.signals import Definition, Family, Limits, SignalGone, SignalState

SIGNAL_SQL = """
select s.id, s.code, s.subject, s.params, s.state, s.first_found_at, s.last_found_at, s.gone_at, s.noted_at, s.note,
       (select coalesce(jsonb_agg(jsonb_build_object('id', n.id, 'number', n.number, 'title', p.title) order by n.id),
               '[]') from market_notice n join market_project p on p.id = n.project where n.id = any(s.notices)) as notices,
       (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'organization', a.organization, 'name_zh', a.name_zh,
               'name_en', a.name_en) order by a.id), '[]')
          from agencies_agency a where a.id = any(s.agencies)) as agencies,
       (select coalesce(jsonb_agg(jsonb_build_object('id', o.id, 'organization', o.id, 'name_zh', o.name_zh,
               'name_en', o.name_en) order by o.id), '[]')
          from core_organization o where o.id = any(s.clients)) as clients,
       (select coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'number', c.number) order by c.id), '[]')
          from market_case_signal j join market_signal_case c on c.id = j.signal_case where j.signal = s.id) as cases
  from market_signal s
"""


@dataclass(frozen=True)
class SignalRow:
    """A signal with the records it rests on."""

    id: int
    code: str
    subject: str
    params: Mapping[str, Any]
    state: SignalState
    first_found_at: datetime
    last_found_at: datetime
    gone_at: datetime | None
    noted_at: datetime | None
    note: str
    notices: list[dict[str, Any]]
    agencies: list[dict[str, Any]]
    clients: list[dict[str, Any]]
    cases: list[dict[str, Any]]

    @property
    def definition(self) -> Definition | None:
        """What it is; None when the definition was retired."""
        return DEFINITIONS.get(self.code)

    @property
    def title(self) -> str:
        """Its name, in the reader's language."""
        return _(self.definition.title) if self.definition else self.code

    @property
    def reference(self) -> str:
        """The number of the published definition; the code where the definition was retired."""
        return self.definition.reference if self.definition else self.code

    @property
    def least(self) -> str:
        """What there must at least be for it under the edition in force, in the reader's language."""
        limits = content.edition_in_force(clock.today()).signals
        return self.definition.least(limits).render() if self.definition else ""

    @property
    def text(self) -> str:
        """What it says, in the reader's language."""
        return sentence(self.code, self.params).render()


@dataclass(frozen=True)
class SignalFilter:
    """What a supervisor wants to see. `background` adds what is usual in a small market."""

    family: str = ""
    code: str = ""
    state: str = "found"
    handled: str = "new"
    background: bool = False
    agency: int | None = None
    notice: int | None = None


_HANDLED = {
    "new": " and s.noted_at is null and not exists (select 1 from market_case_signal j where j.signal = s.id)",
    "noted": " and s.noted_at is not null",
    "case": " and exists (select 1 from market_case_signal j where j.signal = s.id)",
}


def _codes(chosen: SignalFilter) -> list[str]:
    return [
        code
        for code, one in DEFINITIONS.items()
        if (not chosen.family or one.family == chosen.family)
        and (not chosen.code or code == chosen.code)
        and (chosen.background or chosen.code == code or not one.background)
    ]


def _where(chosen: SignalFilter) -> tuple[str, list[Any]]:
    where = (
        " where s.code = any($1) and ($2::text = '' or s.state = $2)"
        " and ($3::bigint is null or $3 = any(s.agencies)) and ($4::bigint is null or $4 = any(s.notices))"
    )
    state = chosen.state if chosen.state in set(SignalState) else ""
    return where + _HANDLED.get(chosen.handled, ""), [_codes(chosen), state, chosen.agency, chosen.notice]


async def signals(chosen: SignalFilter, *, limit: int, before: int | None = None) -> list[SignalRow]:
    """Signals, newest first; one more than `limit` tells that more follow."""
    where, values = _where(chosen)
    found = await db.rows(
        SIGNAL_SQL + where + " and ($5::bigint is null or s.id < $5) order by s.id desc limit $6",
        *values,
        before,
        limit + 1,
    )
    return [_signal(row) for row in found]


def _signal(record: Any) -> SignalRow:
    return SignalRow(**dict(record) | {"state": SignalState(record["state"])})


async def signal(signal_id: int) -> SignalRow:
    """One signal; `SignalGone`."""
    record = await db.row(SIGNAL_SQL + " where s.id = $1", signal_id)
    if record is None:
        raise SignalGone
    return _signal(record)


async def signals_by_id(signal_ids: list[int]) -> list[SignalRow]:
    """These signals, in the order of their ids; unknown ids are left out."""
    return [_signal(row) for row in await db.rows(SIGNAL_SQL + " where s.id = any($1) order by s.id", signal_ids)]


async def signal_counts(chosen: SignalFilter) -> dict[str, int]:
    """How many signals the filter finds, by code, whichever single code is chosen."""
    wide = SignalFilter(
        chosen.family, "", chosen.state, chosen.handled, chosen.background, chosen.agency, chosen.notice
    )
    where, values = _where(wide)
    found = await db.rows(
        f"select s.code, count(*) as number from market_signal s{where} group by s.code",  # noqa: S608  our own words
        *values,
    )
    return {row["code"]: row["number"] for row in found}


async def waiting_signals() -> tuple[int, datetime | None]:
    """How many signals nobody has looked at, and since when the oldest waits; background ones do not count."""
    where, values = _where(SignalFilter())
    row = await db.row(
        f"select count(*) as number, min(s.first_found_at) as since from market_signal s{where}",  # noqa: S608  our own
        *values,
    )
    return row["number"], row["since"]


# ---- concentration
@dataclass(frozen=True)
class ShareRow:
    """An agency's part of an item in a region. `share` of 1, `hhi` 0 to 10,000, money in yuan."""

    item: str
    item_zh: str
    item_en: str
    region: str
    region_zh: str
    region_en: str
    agency_id: int
    name_zh: str
    name_en: str
    awards: int
    amount: Decimal
    share: float
    market_awards: int
    market_amount: Decimal
    agencies: int
    hhi: float
    alarm: bool
    """Above the alarm, with enough cases for that to mean something."""


@dataclass(frozen=True)
class PairRow:
    """A client and the agency it awarded repeatedly."""

    client_id: int
    client_zh: str
    client_en: str
    agency_id: int
    name_zh: str
    name_en: str
    awards: int
    direct: int
    total: int
    share: float


@dataclass(frozen=True)
class Concentration:
    """Shares and pairs of the awards since a day."""

    since: datetime
    limits: Limits
    shares: list[ShareRow]
    pairs: list[PairRow]

    @property
    def markets(self) -> list[ShareRow]:
        """The leading row of every item and region, most concentrated first, those with enough awards only."""
        leading: dict[tuple[str, str], ShareRow] = {}
        for row in self.shares:
            leading.setdefault((row.item, row.region), row)
        enough = [row for row in leading.values() if row.market_awards >= self.limits.share_market]
        return sorted(enough, key=lambda row: (-row.hhi, row.item, row.region))


async def concentration() -> Concentration:
    """Market shares by money, HHI and repeated pairs of the window that the edition in force sets."""
    limits = content.edition_in_force(clock.today()).signals
    since = clock.now() - timedelta(days=limits.window_days)
    frame = await awards_frame(since)
    shares, pairs = await anyio.to_thread.run_sync(_computed, frame)
    agencies = await db.rows(
        "select id, name_zh, name_en from agencies_agency where id = any($1)", list({one["agency"] for one in shares})
    )
    clients = await db.rows(
        "select id, name_zh, name_en from core_organization where id = any($1)", list({one["client"] for one in pairs})
    )
    items = await db.rows(
        "select distinct on (code) code, name_zh, name_en from market_service_item order by code, id desc"
    )
    names = await region_names()
    by_id = {row["id"]: row for row in agencies}
    by_client = {row["id"]: row for row in clients}
    by_code = {row["code"]: row for row in items}
    return Concentration(
        since,
        limits,
        [_share(limits, one, by_id[one["agency"]], by_code[one["item"]], names.get(one["region"])) for one in shares],
        [_pair(one, by_id[one["agency"]], by_client[one["client"]]) for one in pairs],
    )


def _computed(frame: Any) -> tuple[list[dict[Any, Any]], list[dict[Any, Any]]]:
    from market.signals.concentration import pairs, shares

    repeated = pairs(frame)
    return shares(frame).to_dict("records"), repeated[repeated["awards"] >= 2].to_dict("records")


def _share(limits: Limits, one: Mapping[Any, Any], agency: Any, item: Any, region: tuple[str, str] | None) -> ShareRow:
    enough = one["awards"] >= limits.share_awards and one["market_awards"] >= limits.share_market
    region_zh, region_en = region or (one["region"], one["region"])
    return ShareRow(
        one["item"],
        item["name_zh"],
        item["name_en"],
        one["region"],
        region_zh,
        region_en,
        one["agency"],
        agency["name_zh"],
        agency["name_en"],
        one["awards"],
        Decimal(one["cents"]) / 100,
        one["share"],
        one["market_awards"],
        Decimal(one["market_cents"]) / 100,
        one["agencies"],
        one["hhi"],
        bool(enough and one["share"] > limits.share_alarm),
    )


def _pair(one: Mapping[Any, Any], agency: Any, client: Any) -> PairRow:
    return PairRow(
        one["client"],
        client["name_zh"],
        client["name_en"],
        one["agency"],
        agency["name_zh"],
        agency["name_en"],
        one["awards"],
        one["direct"],
        one["total"],
        one["share"],
    )


def families() -> dict[Family, list[Definition]]:
    """All definitions by family, for lists and filters."""
    return {family: [one for one in DEFINITIONS.values() if one.family is family] for family in Family}
