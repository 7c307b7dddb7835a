"""Bonds as payables: asked, released, given back. The money moves in `payments`; here is why and when.

A bid bond is asked of the provisional winner when the result is announced, and of a substitute when it takes over;
the performance bond when the award is confirmed. An unpaid bond does not hold up the award: whether to sign without it
is the client's business, and nothing is forfeited here. When a bond is no longer needed it is released: not yet paid, its
payable is cancelled; paid, the client owes it back within `bond.back_days` days; a payment under way is given back as
soon as the client has confirmed it.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from core import clock, db, trail
from core.db import transaction
from core.identity import SYSTEM
from core.workdays import calendar
from market import content
from market.queries.awards import AwardRow, award
from market.queries.notices import NoticeRow
from market.rules.bonds import BOND_TITLES, BondKind, Release, bond_key, parse_key, performance_due
from market.rules.notices import SelectionMethod
from payments import queries as payables
from payments import services as payments
from payments.rules import UNPAID


async def ask_bid_bond(notice: NoticeRow, award_id: int) -> None:
    """The provisional winner owes the bid bond of the notice, if it asks for one. Inside the caller's act."""
    if notice.bid_bond is not None and notice.method is not SelectionMethod.DIRECT:
        await _ask(notice, await award(award_id), BondKind.BID, notice.bid_bond, base=notice.ceiling)


async def ask_performance_bond(notice: NoticeRow, award_id: int) -> None:
    """The winner owes the performance bond, at most the share of the price its grade allows. Inside the caller's act."""
    if notice.performance_bond is not None:
        won = await award(award_id)
        due = performance_due(notice.performance_bond, won.amount, notice.law, won.grade_at_selection)
        full = performance_due(notice.performance_bond, won.amount, notice.law)
        if due < full:
            relief = {"award": won.award_id, "grade": won.grade_at_selection, "full": full, "due": due}
            threads = (*notice.threads, f"agency:{won.agency_id}")
            await trail.record(SYSTEM, "bond.relieved", notice.subject, after=relief, threads=threads)
        if due > 0:
            await _ask(notice, won, BondKind.PERFORMANCE, due, base=won.amount)


async def _ask(notice: NoticeRow, won: AwardRow, kind: BondKind, amount: Decimal, *, base: Decimal) -> None:
    """Nothing while a bond of that kind is still owed or held; after its release a new one, in the next round."""
    number = await db.value(
        """insert into market_bond (award, kind, round, amount, asked_at, release_reason)
           select $1::bigint, $2::text, coalesce(max(round), 0) + 1, $3::numeric, $4::timestamptz, '' from market_bond where award = $1 and kind = $2
           having count(*) filter (where released_at is null) = 0
           on conflict (award, kind, round) do nothing returning round""",
        won.award_id,
        kind.value,
        amount,
        clock.now(),
    )
    if number is None:
        return
    key = bond_key(won.award_id, number)
    due_on = (await calendar()).add(clock.today(), notice.law.bond.pay_wd)
    threads = (notice.subject, *notice.threads, f"agency:{won.agency_id}")
    await payments.create_payable(
        kind=kind.value,
        key=key,
        payer_id=won.agency_organization_id,
        payee_id=won.client_id,
        amount=amount,
        base=base,
        title=f"{won.project_title} {BOND_TITLES[kind]}",
        due_on=due_on,
        threads=threads,
    )
    facts = {"award": won.award_id, "kind": kind.value, "amount": amount, "due_on": due_on}
    await trail.record(SYSTEM, "bond.asked", notice.subject, after=facts, threads=threads[1:])


async def release_bid_bond(award_id: int) -> None:
    """The contract is filed: the bid bond has served. Called by the floor of contracts. Idempotent."""
    await release_bonds(award_id, Release.FILED)


ENDS = {Release.FILED: (BondKind.BID,)}
"""What an event releases; every other event releases all bonds of the award."""


async def release_bonds(award_id: int, why: Release) -> None:
    """The bonds of an award are no longer needed, for that reason. Idempotent; joins the caller's transaction."""
    async with transaction():
        for kind in ENDS.get(why, tuple(BondKind)):
            bond = await db.row(
                """update market_bond set released_at = $3, release_reason = $4
                    where award = $1 and kind = $2 and released_at is null returning round""",
                award_id,
                kind.value,
                clock.now(),
                why.value,
            )
            if bond is not None:
                await _let_go(await award(award_id), kind, bond["round"], why)


async def _let_go(won: AwardRow, kind: BondKind, number: int, why: Release) -> None:
    await trail.record(
        SYSTEM,
        "bond.released",
        f"notice:{won.notice_id}",
        after={"award": won.award_id, "kind": kind.value, "reason": why.value},
        threads=(f"project:{won.project_id}", f"agency:{won.agency_id}"),
    )
    await _clear(won, kind, bond_key(won.award_id, number), why.value)


async def _clear(won: AwardRow, kind: BondKind, key: str, why: str) -> None:
    """Cancel what is unpaid, give back what is paid; a payment under way is left until it is settled."""
    due_on = clock.today() + timedelta(days=await _back_days(won.notice_id))
    await payments.release_bond_of(kind=kind.value, key=key, reason=why, due_on=due_on)


async def _back_days(notice_id: int) -> int:
    edition = await db.value("select edition from market_notice where id = $1", notice_id)
    return content.edition(edition).bond.back_days


async def bond_settled(kind: str, key: str, _payable_id: int, _settled_at: datetime) -> None:
    """A payment arrived (handed to `payments.services.SETTLED`): a bond that nobody needs any more goes back at once."""
    if kind not in set(BondKind):
        return
    award_id, number = parse_key(key)
    bond = await db.row(
        "select released_at, release_reason from market_bond where award = $1 and kind = $2 and round = $3",
        award_id,
        kind,
        number,
    )
    if bond is not None and bond["released_at"] is not None:
        await _clear(await award(award_id), BondKind(kind), key, bond["release_reason"])


UNDER_WAY = timedelta(days=60)
"""How long after its release a payment that was under way may still be contested."""


async def sweep_bonds() -> int:
    """Cancel released bonds whose payment the client contested afterwards; how many."""
    found = await db.rows(
        "select award, kind, round, release_reason from market_bond where released_at > $1 order by id",
        clock.now() - UNDER_WAY,
    )
    cancelled = 0
    for kind in BondKind:
        bonds = {bond_key(one["award"], one["round"]): one["release_reason"] for one in found if one["kind"] == kind}
        for key, owed in (await payables.payables_for(kind.value, list(bonds))).items():
            if owed.state in UNPAID:
                await payments.cancel_payable(kind=kind.value, key=key, reason=bonds[key])
                cancelled += 1
    return cancelled
