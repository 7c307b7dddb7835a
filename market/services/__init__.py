"""Acts of the market. The names below are the door for higher floors and for `app.wire()`."""

from market.services.awards import AWARDED, complete_commission, confirm_award
from market.services.bids import BID_FILE, BidReceipt, origin_of, replace_bid, submit_bid, withdraw_bid
from market.services.catalogue import load_content
from market.services.custody import CustodianReceipt, register_custodian_key
from market.services.direct import accept_offer, decline_offer, lapse_offer
from market.services.handing_over import ShareReceipt, release_share
from market.services.notices import (
    NoticeReceipt,
    cancel_selection,
    draft_notice,
    publish_notice,
    repost_notice,
    revise_notice,
    withdraw_notice,
)
from market.services.objection_decisions import accept_objection, decide_objection, decline_objection
from market.services.objections import (
    EVIDENCE,
    ObjectionReceipt,
    answer_objection,
    escalate_objection,
    lodge_objection,
    objection_due,
    sweep_objections,
    withdraw_objection,
)
from market.services.opening import open_bids, select_winner
from market.services.projects import ProjectDraft, ProjectReceipt, describe_project, revise_project
from market.services.sweep import sweep_notices

__all__ = [
    "AWARDED",
    "BID_FILE",
    "EVIDENCE",
    "BidReceipt",
    "CustodianReceipt",
    "NoticeReceipt",
    "ObjectionReceipt",
    "ProjectDraft",
    "ProjectReceipt",
    "ShareReceipt",
    "accept_objection",
    "accept_offer",
    "answer_objection",
    "cancel_selection",
    "complete_commission",
    "confirm_award",
    "decide_objection",
    "decline_objection",
    "decline_offer",
    "describe_project",
    "draft_notice",
    "escalate_objection",
    "lapse_offer",
    "load_content",
    "lodge_objection",
    "objection_due",
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
    "sweep_objections",
    "withdraw_bid",
    "withdraw_notice",
    "withdraw_objection",
]
