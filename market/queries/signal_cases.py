"""Reads of cases: supervisors see all, a party its own side, everybody a breach that was found."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core import db
from core.desk import DeskItem
from core.i18n import _
from core.identity import Identity, Permission, Role
from core.web.pages import url_for
from market.queries.signals import waiting_signals
from market.rules.signal_cases import CaseGone, CaseResult, CaseState, may_decide
from market.rules.signal_list import DEFINITIONS, sentence

CASE_SQL = """
select c.id, c.number, c.state, c.question, c.facts, c.opened_by, c.opened_at, c.reply_until, c.decided_at, c.result,
       c.reasons, c.conduct_code, c.digest,
       (select jsonb_agg(jsonb_build_object('id', p.id, 'organization', p.organization, 'name_zh', o.name_zh,
               'name_en', o.name_en, 'agency', a.id, 'breach', p.breach,
               'statements', (select coalesce(jsonb_agg(jsonb_build_object('text', s.text, 'at', s.made_at,
                   'files', (select coalesce(jsonb_agg(jsonb_build_object('id', f.id, 'name', f.name, 'size', f.size)
                       order by f.id), '[]') from market_case_file x join core_stored_file f on f.id = x.file
                       where x.statement = s.id)) order by s.id), '[]')
                   from market_case_statement s where s.party = p.id)) order by p.id)
          from market_case_party p join core_organization o on o.id = p.organization
          left join agencies_agency a on a.organization = p.organization
         where p.signal_case = c.id) as parties
  from market_signal_case c
"""

LISTED_SQL = f"""{CASE_SQL}
 where ($1::bigint is null or c.id < $1) and ($2::text = '' or c.state = $2)
   and ($3::bigint is null or exists (select 1 from market_case_party p
         where p.signal_case = c.id and p.organization = $3))
 order by c.id desc limit $4
"""  # noqa: S608  put together from our own constants


@dataclass(frozen=True)
class CaseRow:
    """A case as one reader may see it: `facts`, `parties` and `digest` hold only what is for this reader."""

    id: int
    number: str
    state: CaseState
    question: str
    facts: list[dict[str, Any]]
    opened_by: int
    opened_at: datetime
    reply_until: datetime
    decided_at: datetime | None
    result: CaseResult | None
    reasons: str
    conduct_code: str
    digest: str
    parties: list[dict[str, Any]]
    watching: bool = False
    own: int | None = None

    @property
    def sentences(self) -> list[tuple[str, Mapping[str, Any]]]:
        """The facts in the reader's language. The public reads what was looked at, not persons' names in it."""
        return [(self._said(fact), fact) for fact in self.facts]

    def _said(self, fact: Mapping[str, Any]) -> str:
        if self.watching or self.own:
            return sentence(fact["code"], fact["params"]).render()
        known = DEFINITIONS.get(fact["code"])
        return _(known.title) if known else str(fact["code"])

    def may_reply(self, reader: Identity, now: datetime) -> bool:
        """Whether this reader may still make a statement."""
        party = self.own is not None and reader.may(Permission.LODGE_OBJECTION)
        return party and self.state is CaseState.OPEN and now < self.reply_until

    def ripe(self, now: datetime) -> bool:
        """Whether it can be decided now, by the right officer."""
        named = [one["organization"] for one in self.parties]
        replied = [one["organization"] for one in self.parties if one["statements"]]
        return self.state is CaseState.OPEN and may_decide(named, replied, self.reply_until, now)

    def may_decide(self, reader: Identity, now: datetime) -> bool:
        """Whether this reader may decide it now."""
        return self.watching and reader.account_id != self.opened_by and self.ripe(now)


def _case(record: Any, reader: Identity | None) -> CaseRow | None:
    columns = dict(record)
    for party in columns["parties"]:
        for said in party["statements"]:
            said["at"] = datetime.fromisoformat(said["at"])
    columns["result"] = CaseResult(columns["result"]) if columns["result"] else None
    row = CaseRow(**columns | {"state": CaseState(columns["state"])})
    return _seen(row, reader)


def _seen(row: CaseRow, reader: Identity | None) -> CaseRow | None:
    """What of the case is for this reader; None when nothing is."""
    if reader is not None and reader.may(Permission.WATCH_MARKET):
        return replace(row, watching=True)
    mine = reader is not None and reader.may(Permission.LODGE_OBJECTION)
    own = next((one for one in row.parties if mine and reader and one["organization"] == reader.organization_id), None)
    if own is not None:
        others = [one | {"statements": []} for one in row.parties if one is not own]
        return replace(row, parties=[own, *others], own=own["organization"])
    if row.result is not CaseResult.BREACH:
        return None
    guilty = [one | {"statements": []} for one in row.parties if one["breach"]]
    return replace(row, parties=guilty, facts=[fact | {"params": {}} for fact in row.facts])


async def case(case_id: int, reader: Identity | None) -> CaseRow:
    """One case as the reader may see it; `CaseGone`."""
    record = await db.row(CASE_SQL + " where c.id = $1", case_id)
    row = _case(record, reader) if record else None
    if row is None:
        raise CaseGone
    return row


async def cases(reader: Identity, *, limit: int, before: int | None = None, state: str = "") -> list[CaseRow]:
    """All cases for supervisors, their own for parties; newest first."""
    found = await db.rows(
        LISTED_SQL,
        before,
        state,
        None if reader.may(Permission.WATCH_MARKET) else reader.organization_id,
        limit + 1,
    )
    return [row for record in found if (row := _case(record, reader))]


async def breaches(*, limit: int, before: int | None = None) -> list[CaseRow]:
    """Decided breaches, for everybody, newest first."""
    found = await db.rows(
        CASE_SQL + " where c.result = 'breach' and ($1::bigint is null or c.id < $1) order by c.id desc limit $2",
        before,
        limit + 1,
    )
    return [row for record in found if (row := _case(record, None))]


async def case_file(case_id: int, file_id: int, reader: Identity) -> int:
    """The id of a file of a statement, for supervisors and for the party that filed it; `CaseGone`."""
    row = await case(case_id, reader)
    seen = {one["id"] for party in row.parties for said in party["statements"] for one in said["files"]}
    if file_id not in seen:
        raise CaseGone
    return file_id


async def waiting_cases(identity: Identity, now: datetime) -> list[DeskItem]:
    """Replies that parties owe, decisions that supervisors owe, and signals nobody has looked at."""
    if identity.role not in {Role.CLIENT, Role.AGENCY, Role.MARKET_SUPERVISOR}:
        return []
    open_cases = await cases(identity, limit=100, state="open")
    items = [item for row in open_cases if (item := _item(row, identity, now))]
    if identity.may(Permission.WATCH_MARKET):
        number, since = await waiting_signals()
        if number:
            items.append(_signals_item(number, since or now))
    return items


def _item(row: CaseRow, identity: Identity, now: datetime) -> DeskItem | None:
    if row.watching:
        mine = row.may_decide(identity, now)
        note = _("可以决定了") if mine else _("等当事单位陈述") if not row.ripe(now) else _("须由另一位监督员决定")
        return _line(row, note, _("办理") if mine else _("看核查"), None if mine else row.reply_until, mine=mine)
    if not row.may_reply(identity, now):
        return None
    done = any(one["statements"] for one in row.parties if one["organization"] == row.own)
    note = _("陈述已提交，期满前可以补充") if done else _("请对核查中的事实作出陈述")
    return _line(row, note, _("看陈述") if done else _("去陈述"), row.reply_until, mine=not done)


def _line(row: CaseRow, note: str, button: str, due: datetime | None, *, mine: bool) -> DeskItem:
    return DeskItem(
        kind=_("线索核查"),
        title=_("核查 %(number)s") % {"number": row.number},
        note=note,
        href=url_for("market:signal-case", case_id=row.id),
        due_at=due,
        since=row.opened_at,
        allowed_wd=None,
        button=button,
        mine=mine,
    )


def _signals_item(number: int, since: datetime) -> DeskItem:
    return DeskItem(
        kind=_("市场线索"),
        title=_("有 %(n)s 条市场线索没有人看过") % {"n": number},
        note=_("线索是事实提示，不是指控"),
        href=url_for("market:signals"),
        due_at=None,
        since=since,
        allowed_wd=None,
        button=_("去看"),
    )
