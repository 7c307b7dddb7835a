"""What the acts of the fairness guards are called on the trail; joined in `app.wire()`."""

from core.i18n import N_

TRAIL_TITLES = {
    "notice.flagged": N_("发布时的提示与业主说明"),
    "price.asked": N_("要求说明异常低价"),
    "price.justified": N_("收到低价说明"),
    "price.decided": N_("低价说明的结果"),
}

OPEN_ACTS = ("notice.flagged", "price.asked", "price.justified", "price.decided")
"""The trail holds neutral facts and reasons only; the justification itself is not on it."""
