"""Acts of the market. The names below are the door for higher floors and for `app.wire()`."""

from market.services.awards import AWARDED, complete_commission, confirm_award
from market.services.bids import BID_FILE, BidReceipt, origin_of, replace_bid, submit_bid, withdraw_bid
from market.services.catalogue import load_content
from market.services.custody import CustodianReceipt, register_custodian_key
from market.services.direct import accept_offer, decline_offer, lapse_offer
from market.services.flags import Explanations
from market.services.handing_over import ShareReceipt, release_share
from market.services.low_price import PriceReceipt, decide_price, justify_price, lapse_price
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
from market.services.projects import ProjectDraft, ProjectReceipt, describe_project, revise_project
from market.services.sweep import sweep_notices

__all__ = [
    "AWARDED",
    "BID_FILE",
    "BidReceipt",
    "CustodianReceipt",
    "Explanations",
    "NoticeReceipt",
    "PriceReceipt",
    "ProjectDraft",
    "ProjectReceipt",
    "ShareReceipt",
    "accept_offer",
    "cancel_selection",
    "complete_commission",
    "confirm_award",
    "decide_price",
    "decline_offer",
    "describe_project",
    "draft_notice",
    "justify_price",
    "lapse_offer",
    "lapse_price",
    "load_content",
    "open_bids",
    "origin_of",
    "publish_notice",
    "register_custodian_key",
    "release_share",
    "replace_bid",
    "repost_notice",
    "revise_notice",
    "revise_project",
    "select_winner",
    "submit_bid",
    "sweep_notices",
    "withdraw_bid",
    "withdraw_notice",
]
