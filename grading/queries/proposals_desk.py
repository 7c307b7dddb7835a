"""What of the laboratory waits on an officer's desk."""

from core.desk import DeskItem
from core.i18n import _
from core.identity import Identity
from core.web import url_for
from core.workdays import calendar
from grading.queries.proposals import submitted_proposals

DECIDE_WD = 10
"""Working days in which a submitted change of the rules should be decided (platform rule)."""


async def proposal_items(identity: Identity) -> list[DeskItem]:
    """Submitted changes of the rules: to decide for a second officer, to follow for who wrote them."""
    workdays = await calendar()
    items = []
    for view in await submitted_proposals():
        assert view.submitted_at is not None
        mine = view.may_decide(identity.account_id)
        items.append(
            DeskItem(
                _("规则修改方案"),
                view.number,
                _("请决定是否批准") if mine else _("等另一位评级员决定"),
                url_for("grading:lab-proposal", proposal_id=view.proposal_id),
                workdays.due_at(view.submitted_at, DECIDE_WD),
                view.submitted_at,
                DECIDE_WD,
                _("去决定") if mine else _("看方案"),
                mine=mine,
            )
        )
    return items
