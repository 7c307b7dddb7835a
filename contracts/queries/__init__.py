"""Reads of contracts. Visibility is decided here. The names below are the door for higher floors."""

from contracts.queries.contracts import ContractRow, ContractView, contract, contracts
from contracts.queries.deliverables import deliverable
from contracts.queries.desk import desk_items
from contracts.queries.evidence import CaseEvidence, StarEvidence, case_evidence
from contracts.queries.inquiries import COMPONENTS, LIVE_POINTS
from contracts.queries.public import (
    public_contract,
    public_contracts,
    public_deliverable,
    public_deliverables,
)
from contracts.queries.reviews import assignment, assignments, review

__all__ = [
    "COMPONENTS",
    "LIVE_POINTS",
    "CaseEvidence",
    "ContractRow",
    "ContractView",
    "StarEvidence",
    "assignment",
    "assignments",
    "case_evidence",
    "contract",
    "contracts",
    "deliverable",
    "desk_items",
    "public_contract",
    "public_contracts",
    "public_deliverable",
    "public_deliverables",
    "review",
]
