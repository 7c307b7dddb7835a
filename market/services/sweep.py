"""The net below the jobs: whatever the clock owes any notice is done here if a job was lost."""

from core import clock, db
from market.rules.notices import NoticeAct
from market.services.awards import confirm_award
from market.services.bonds import sweep_bonds
from market.services.direct import lapse_offer
from market.services.low_price import lapse_price
from market.services.objections import sweep_objections
from market.services.opening import open_bids
from market.services.outages import log_outages
from market.services.picking import pick_overdue
from market.services.selecting import select_winner

ACTS = {
    NoticeAct.OPEN: open_bids,
    NoticeAct.SELECT: select_winner,
    NoticeAct.CONFIRM: confirm_award,
    NoticeAct.FAIL: lapse_offer,
    NoticeAct.PICK: pick_overdue,
    NoticeAct.LAPSE: lapse_price,
}

# Which notices the clock may owe something; the acts themselves ask the rules again.
DUE_SQL = """
select id, case when held_until is not null and state in ('opened', 'shortlisted', 'assessing', 'selected') then 'lapse'
                when state = 'opened' then 'select' when state = 'selected' then 'confirm'
                when state = 'shortlisted' then 'pick'
                when method = 'direct' then 'fail' else 'open' end as act
  from market_notice
 where (state = 'published' and deadline <= $1)
    or (state = 'opened' and held_until is null and (outside_source = '' or outside_value <> ''))
    or (state in ('opened', 'shortlisted', 'assessing', 'selected') and held_until <= $1)
    or (state = 'shortlisted' and held_until is null and decide_by <= $1)
    or (state = 'selected' and held_until is null and display_until <= $1 and paused_at is null)
 order by coalesce(held_until, display_until, deadline), id
"""


async def sweep_notices() -> int:
    """Carry out every overdue act, oldest first; how many notices moved."""
    moved = await log_outages()
    for row in await db.rows(DUE_SQL, clock.now()):
        act = NoticeAct(row["act"])
        done = await ACTS[act](row["id"])
        if done and act is NoticeAct.OPEN:
            await select_winner(row["id"])
        moved += done
    await sweep_bonds()
    return moved + await sweep_objections()
