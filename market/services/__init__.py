"""Acts of the market. The names below are the door for higher floors and for `app.wire()`."""

from market.services.amendments import amend_notice
from market.services.awards import AWARDED, complete_commission, confirm_award
from market.services.batch import BatchReceipt, post_batch, start_batch, sweep_batches
from market.services.bids import BID_FILE, BidReceipt, confirm_bid, origin_of, replace_bid, submit_bid, withdraw_bid
from market.services.bonds import bond_settled, release_bid_bond, release_bonds, sweep_bonds
from market.services.catalogue import load_content
from market.services.custody import CustodianReceipt, register_custodian_key
from market.services.direct import accept_offer, decline_offer, lapse_offer
from market.services.guide import (
    BasketReceipt,
    HandlingReceipt,
    PlanReceipt,
    handle_items,
    keep_plan,
    post_basket,
)
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
from market.services.opening import open_bids, select_winner
from market.services.projects import ProjectDraft, ProjectReceipt, describe_project, revise_project
from market.services.questions import QuestionReceipt, answer_question, ask_question
from market.services.sweep import sweep_notices

__all__ = [
    "AWARDED",
    "BID_FILE",
    "BasketReceipt",
    "BatchReceipt",
    "BidReceipt",
    "CustodianReceipt",
    "HandlingReceipt",
    "NoticeReceipt",
    "PlanReceipt",
    "ProjectDraft",
    "ProjectReceipt",
    "QuestionReceipt",
    "ShareReceipt",
    "accept_offer",
    "amend_notice",
    "answer_question",
    "ask_question",
    "bond_settled",
    "cancel_selection",
    "complete_commission",
    "confirm_award",
    "confirm_bid",
    "decline_offer",
    "describe_project",
    "draft_notice",
    "handle_items",
    "keep_plan",
    "lapse_offer",
    "load_content",
    "open_bids",
    "origin_of",
    "post_basket",
    "post_batch",
    "publish_notice",
    "register_custodian_key",
    "release_bid_bond",
    "release_bonds",
    "release_share",
    "replace_bid",
    "repost_notice",
    "revise_notice",
    "revise_project",
    "select_winner",
    "start_batch",
    "submit_bid",
    "sweep_batches",
    "sweep_bonds",
    "sweep_notices",
    "withdraw_bid",
    "withdraw_notice",
]
