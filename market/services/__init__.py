"""Acts of the market. The names below are the door for higher floors and for `app.wire()`."""

from market.services.amendments import amend_notice
from market.services.awards import AWARDED, complete_commission, confirm_award, decline_award
from market.services.batch import BatchReceipt, post_batch, start_batch, sweep_batches
from market.services.bids import BID_FILE, BidReceipt, confirm_bid, origin_of, replace_bid, submit_bid, withdraw_bid
from market.services.bonds import bond_settled, release_bid_bond, release_bonds, sweep_bonds
from market.services.catalogue import load_content
from market.services.custody import CustodianReceipt, register_custodian_key
from market.services.direct import accept_offer, decline_offer, lapse_offer
from market.services.drawing import record_outside_value
from market.services.flags import Explanations
from market.services.guide import (
    BasketReceipt,
    HandlingReceipt,
    PlanReceipt,
    handle_items,
    keep_plan,
    post_basket,
)
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
from market.services.opening import open_bids
from market.services.outages import held, log_outages
from market.services.panels import (
    declare_no_tie,
    name_panel,
    record_consensus,
    recuse,
    replace_member,
    save_scores,
    sign_assessment,
)
from market.services.picking import pick_agency, pick_overdue
from market.services.projects import ProjectDraft, ProjectReceipt, describe_project, revise_project
from market.services.questions import QuestionReceipt, answer_question, ask_question
from market.services.searches import end_search, save_search, send_digests, tell_searchers, unsubscribe
from market.services.selecting import select_winner
from market.services.signal_cases import CASE_DECIDED
from market.services.signals import compute_notice_signals, compute_signals
from market.services.sweep import sweep_notices

__all__ = [
    "AWARDED",
    "BID_FILE",
    "CASE_DECIDED",
    "EVIDENCE",
    "BasketReceipt",
    "BatchReceipt",
    "BidReceipt",
    "CustodianReceipt",
    "Explanations",
    "HandlingReceipt",
    "NoticeReceipt",
    "ObjectionReceipt",
    "PlanReceipt",
    "PriceReceipt",
    "ProjectDraft",
    "ProjectReceipt",
    "QuestionReceipt",
    "ShareReceipt",
    "accept_objection",
    "accept_offer",
    "amend_notice",
    "answer_objection",
    "answer_question",
    "ask_question",
    "bond_settled",
    "cancel_selection",
    "complete_commission",
    "compute_notice_signals",
    "compute_signals",
    "confirm_award",
    "confirm_bid",
    "decide_objection",
    "decide_price",
    "declare_no_tie",
    "decline_award",
    "decline_objection",
    "decline_offer",
    "describe_project",
    "draft_notice",
    "end_search",
    "escalate_objection",
    "handle_items",
    "held",
    "justify_price",
    "keep_plan",
    "lapse_offer",
    "lapse_price",
    "load_content",
    "lodge_objection",
    "log_outages",
    "name_panel",
    "objection_due",
    "open_bids",
    "origin_of",
    "pick_agency",
    "pick_overdue",
    "post_basket",
    "post_batch",
    "publish_notice",
    "record_consensus",
    "record_outside_value",
    "recuse",
    "register_custodian_key",
    "release_bid_bond",
    "release_bonds",
    "release_share",
    "replace_bid",
    "replace_member",
    "repost_notice",
    "revise_notice",
    "revise_project",
    "save_scores",
    "save_search",
    "select_winner",
    "send_digests",
    "sign_assessment",
    "start_batch",
    "submit_bid",
    "sweep_batches",
    "sweep_bonds",
    "sweep_notices",
    "sweep_objections",
    "tell_searchers",
    "unsubscribe",
    "withdraw_bid",
    "withdraw_notice",
    "withdraw_objection",
]
