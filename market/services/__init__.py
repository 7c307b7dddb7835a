"""Acts of the market. The names below are the door for higher floors and for `app.wire()`."""

from market.services.awards import AWARDED, complete_commission, confirm_award
from market.services.bids import BidReceipt, replace_bid, submit_bid, withdraw_bid
from market.services.catalogue import load_content
from market.services.direct import accept_offer, decline_offer, lapse_offer
from market.services.notices import (
    NoticeReceipt,
    cancel_selection,
    draft_notice,
    publish_notice,
    repost_notice,
    revise_notice,
    withdraw_notice,
)
from market.services.opening import open_bids, select_winner
from market.services.outages import held, log_outages
from market.services.projects import ProjectDraft, ProjectReceipt, describe_project, revise_project
from market.services.searches import end_search, save_search, send_digests, tell_searchers, unsubscribe
from market.services.sweep import sweep_notices

__all__ = [
    "AWARDED",
    "BidReceipt",
    "NoticeReceipt",
    "ProjectDraft",
    "ProjectReceipt",
    "accept_offer",
    "cancel_selection",
    "complete_commission",
    "confirm_award",
    "decline_offer",
    "describe_project",
    "draft_notice",
    "end_search",
    "held",
    "lapse_offer",
    "load_content",
    "log_outages",
    "open_bids",
    "publish_notice",
    "replace_bid",
    "repost_notice",
    "revise_notice",
    "revise_project",
    "save_search",
    "select_winner",
    "send_digests",
    "submit_bid",
    "sweep_notices",
    "tell_searchers",
    "unsubscribe",
    "withdraw_bid",
    "withdraw_notice",
]
