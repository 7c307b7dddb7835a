"""The market's facts as JSON: amounts as text with two decimals, moments as ISO 8601 in UTC."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from market import services
from market.queries.awards import AwardRow
from market.queries.bids import MyBid
from market.queries.catalogue import ItemRow
from market.queries.notices import NoticeRow, OpenedBid, OpeningRow, SealRow
from market.queries.projects import ProjectRow
from market.rules.reasons import Reason


def moment_text(value: datetime | None) -> str | None:
    """ISO 8601."""
    return value.isoformat() if value else None


def yuan_text(value: Decimal | None) -> str | None:
    """Yuan with two decimals."""
    return f"{value:.2f}" if value is not None else None


def reason_json(reason: Reason) -> dict[str, Any]:
    """A reason with its sentence in the reader's language."""
    return reason.as_json() | {"text": reason.message().render()}


def item_json(item: ItemRow) -> dict[str, Any]:
    """A service item."""
    return {
        "code": item.code,
        "version": item.version,
        "name_zh": item.name_zh,
        "name_en": item.name_en,
        "profession": item.profession,
        "stage": item.stage,
        "payer": item.payer,
        "department_code": item.department_code,
        "promised_days": item.promised_days,
        "fee_min": yuan_text(item.fee_min),
        "fee_max": yuan_text(item.fee_max),
        "self_preparation": item.self_preparation,
        "in_force_from": item.in_force_from.isoformat(),
    }


def notice_json(row: NoticeRow) -> dict[str, Any]:
    """A notice."""
    return {
        "id": row.id,
        "number": row.number,
        "phase": row.phase.value,
        "state": row.state.value,
        "version": row.version,
        "project_id": row.project_id,
        "project_title": row.project_title,
        "location": row.location,
        "client_zh": row.client_name_zh,
        "client_en": row.client_name_en,
        "item_code": row.item_code,
        "item_zh": row.item_name_zh,
        "item_en": row.item_name_en,
        "profession": row.profession,
        "method": row.method.value,
        "fund_source": row.fund_source.value,
        "scale": row.scale,
        "requirements": row.requirements,
        "payment_terms": row.payment_terms,
        "ceiling": yuan_text(row.ceiling),
        "floor": yuan_text(row.floor),
        "days_limit": row.days_limit,
        "short_list": row.short_list,
        "criteria": row.criteria,
        "outside_source": row.outside_source or None,
        "outside_value": row.outside_value or None,
        "decide_by": moment_text(row.decide_by),
        "deadline": moment_text(row.deadline),
        "published_at": moment_text(row.published_at),
        "opened_at": moment_text(row.opened_at),
        "selected_at": moment_text(row.selected_at),
        "display_until": moment_text(row.display_until),
        "awarded_at": moment_text(row.awarded_at),
        "ended_at": moment_text(row.ended_at),
        "ending": reason_json(row.ending) if row.ending else None,
        "end_words": row.end_words or None,
        "rules": row.law.id,
        "repost_of": row.repost_of,
        "amendment": row.amendment,
        "questions_until": moment_text(row.questions_until),
        "bid_bond": yuan_text(row.bid_bond),
        "performance_bond": yuan_text(row.performance_bond),
    }


def project_json(row: ProjectRow) -> dict[str, Any]:
    """A project."""
    return {
        "id": row.id,
        "number": row.number,
        "title": row.title,
        "location": row.location,
        "description": row.description,
        "investment": yuan_text(row.investment),
        "fund_source": row.fund_source.value,
        "version": row.version,
        "client_zh": row.client_name_zh,
        "client_en": row.client_name_en,
        "created_at": moment_text(row.created_at),
    }


def award_json(row: AwardRow) -> dict[str, Any]:
    """An award."""
    return {
        "id": row.award_id,
        "state": row.state,
        "notice_id": row.notice_id,
        "notice_number": row.notice_no,
        "project_id": row.project_id,
        "item_code": row.item_code,
        "client_zh": row.client_name_zh,
        "agency_id": row.agency_id,
        "agency_zh": row.agency_name_zh,
        "agency_en": row.agency_name_en,
        "amount": yuan_text(row.amount),
        "days": row.days,
        "method": row.method.value,
        "place": row.place,
        "reason": reason_json(row.why),
        "grade_at_selection": row.grade_at_selection,
        "score_at_selection": yuan_text(row.score_at_selection),
        "grade_publication": row.publication_no,
        "grade_published_at": moment_text(row.graded_at),
        "announced_at": moment_text(row.announced_at),
        "display_until": moment_text(row.display_until),
        "confirmed_at": moment_text(row.confirmed_at),
    }


def bid_json(bid: OpenedBid) -> dict[str, Any]:
    """An opened bid."""
    return {
        "agency_id": bid.agency_id,
        "agency_zh": bid.agency_name_zh,
        "agency_en": bid.agency_name_en,
        "uscc": bid.uscc,
        "state": bid.state,
        "amount": yuan_text(bid.amount),
        "days": bid.days,
        "place": bid.place,
        "points": yuan_text(bid.points),
        "short_listed": bid.shortlisted,
        "grade": bid.grade,
        "score": yuan_text(bid.score),
        "grade_publication": bid.publication_no,
        "grade_published_at": moment_text(bid.graded_at),
        "received_at": moment_text(bid.received_at),
        "digest": bid.digest,
        "reasons": [reason_json(reason) for reason in bid.reasons],
    }


def receipt_json(receipt: services.BidReceipt) -> dict[str, Any]:
    """The receipt of a sealed bid."""
    return {
        "notice_id": receipt.notice_id,
        "notice_number": receipt.notice_number,
        "number": receipt.number,
        "received_at": moment_text(receipt.received_at),
        "digest": receipt.digest,
        "algorithm": receipt.algorithm,
        "trail_entry": receipt.entry_id,
    }


def posted_json(receipt: services.NoticeReceipt) -> dict[str, Any]:
    """The receipt of an act on a notice."""
    return {"id": receipt.notice_id, "number": receipt.number, "version": receipt.version}


def project_receipt_json(receipt: services.ProjectReceipt) -> dict[str, Any]:
    """The receipt of a project."""
    return {"id": receipt.project_id, "number": receipt.number}


def seal_json(seal: SealRow) -> dict[str, Any]:
    """The public side of a notice's keys."""
    return {
        "algorithm": seal.algorithm,
        "public_key": seal.public_key.hex(),
        "draw_format": seal.draw_format,
        "draw_commitment": seal.draw_commitment,
    }


def opening_json(opening: OpeningRow) -> dict[str, Any]:
    """What the opening found."""
    return {
        "opened_at": moment_text(opening.opened_at),
        "received": opening.received,
        "qualified": opening.qualified,
        "envelopes_sha256": opening.envelopes_digest,
        "candidates": opening.candidates,
        "candidates_sha256": opening.candidates_digest,
        "draw": opening.draw,
    }


def my_bid_json(bid: MyBid) -> dict[str, Any]:
    """One's own bid."""
    return {
        "notice_id": bid.notice_id,
        "number": bid.number,
        "state": bid.state.value,
        "digest": bid.digest,
        "algorithm": bid.algorithm,
        "received_at": moment_text(bid.received_at),
        "trail_entry": bid.entry_id,
        "unconfirmed": bid.unconfirmed,
        "amount": yuan_text(bid.amount),
        "days": bid.days,
        "place": bid.place,
        "reasons": [reason_json(reason) for reason in bid.reasons],
    }
