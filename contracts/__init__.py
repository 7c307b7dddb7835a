"""Contracts: from the award of a commission to its accepted, reviewed and evaluated result.

Life-cycle: award → draft → confirmed by both (signed) → filed → result filed → accepted or returned
→ reviewed by experts drawn by lot → evaluated by the client → completed.

Terms: 合同 `Contract`, 备案 `filing`, 节点 `Milestone`, 成果 `Deliverable`, 验收 acceptance,
技术审查 `TechnicalReview`, 审查员 `Reviewer`, 抽签 `Lot`, 业主评价 `ClientEvaluation`, 中止 `Suspension`.
"""
