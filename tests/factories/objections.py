"""Objections for tests, lodged through the real service."""

from core.identity import Identity
from market import services
from market.rules.objections import ObjectionDraft
from tests.factories.market import MadeNotice

WORDS = "经核对开启记录和资格证书，理由如下：情况属实，特此说明。"
DRAFT = ObjectionDraft(
    facts="中选机构在开启当日的资质证书已经过期，不具备承担本事项的条件。",
    wish="请核对资质，更正结果。",
    provision="eligibility",
    provision_words="",
    evidence_words="证书编号可在主管部门网站查询。",
)


async def lodge(objector: Identity, made: MadeNotice, draft: ObjectionDraft = DRAFT) -> int:
    """An objection by this agency; its id."""
    receipt = await services.lodge_objection(objector, notice_id=made.notice_id, draft=draft)
    return receipt.objection_id
