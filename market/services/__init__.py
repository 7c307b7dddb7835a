"""Acts of the market. The names below are the door for higher floors and for `app.wire()`."""

from market.services.awards import AWARDED, complete_commission, confirm_award, decline_award
from market.services.bids import BidReceipt, replace_bid, submit_bid, withdraw_bid
from market.services.catalogue import load_content
from market.services.direct import accept_offer, decline_offer, lapse_offer
from market.services.drawing import record_outside_value
from market.services.notices import (
    NoticeReceipt,
    cancel_selection,
    draft_notice,
    publish_notice,
    repost_notice,
    revise_notice,
    withdraw_notice,
)
from market.services.opening import open_bids
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
from market.services.selecting import select_winner
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
    "declare_no_tie",
    "decline_award",
    "decline_offer",
    "describe_project",
    "draft_notice",
    "lapse_offer",
    "load_content",
    "name_panel",
    "open_bids",
    "pick_agency",
    "pick_overdue",
    "publish_notice",
    "record_consensus",
    "record_outside_value",
    "recuse",
    "replace_bid",
    "replace_member",
    "repost_notice",
    "revise_notice",
    "revise_project",
    "save_scores",
    "select_winner",
    "sign_assessment",
    "submit_bid",
    "sweep_notices",
    "withdraw_bid",
    "withdraw_notice",
]
