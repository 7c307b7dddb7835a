"""What programs send. Amounts may be text or numbers; `market.forms` judges them as typed text."""

import msgspec

Amount = str | int | float


class ProjectBody(msgspec.Struct):
    """A project. `investment` in yuan with at most two decimals; `version` when revising."""

    title: str = ""
    location: str = ""
    description: str = ""
    investment: Amount = ""
    fund_source: str = ""
    version: int | None = None


class NoticeBody(msgspec.Struct):
    """A notice. `deadline` is local time in Shanghai, or carries its own offset."""

    item_code: str = ""
    method: str = ""
    fund_source: str = ""
    scale: str = ""
    requirements: str = ""
    payment_terms: str = ""
    ceiling: Amount = ""
    days_limit: Amount = ""
    deadline: str = ""
    floor: Amount | None = None
    agency_id: int | None = None
    reason: str = ""
    risk_acknowledged: bool = False
    short_list: int | None = None
    criteria: list[dict[str, Amount]] = []
    price_weight: int | None = None
    outside_source: str = ""
    project_id: int | None = None
    version: int | None = None
    bid_bond: Amount | None = None
    performance_bond: Amount | None = None


class PublishBody(msgspec.Struct):
    """The version of the notice that the caller read, and public words on what the rules noticed."""

    version: int
    split_reason: str = ""
    conditions_reason: str = ""


class PriceWordsBody(msgspec.Struct):
    """Why a low price is sound."""

    words: str


class PriceDecisionBody(msgspec.Struct):
    """`accept` or `reject`, with a reason that will be public."""

    decision: str
    words: str


class ReasonBody(msgspec.Struct):
    """A reason, in words that will be public."""

    reason: str


class RepostBody(msgspec.Struct):
    """The new deadline of a notice that is posted again."""

    deadline: str


class OfferBody(msgspec.Struct):
    """An offer. Price in yuan, left out for a random draw; `honest` is the commitment.

    `staff` are certificate numbers on the bidder's own register, `contribution` any words that take part in
    the randomness of a draw; `amendment` is the version of the notice that was read, 409 when it has been amended
    since. Files are sent as multipart with the same field names (`sealed_files`).
    """

    days: Amount = ""
    proposal: str = ""
    honest: bool = False
    amount: Amount = ""
    staff: list[str] = []
    contribution: str = ""
    amendment: int | None = None


class PublicKeyBody(msgspec.Struct):
    """A custodian's public key, 64 hex digits."""

    public_key: str


class ShareBody(msgspec.Struct):
    """The custodian key that unseals the caller's share. It is used once and not kept."""

    secret_key: str


class AmendmentBody(msgspec.Struct):
    """The notice as it shall read from now on, whole: a bond or floor left out is taken away.

    `split_reason` and `conditions_reason` explain in public what the rules notice in the change.
    """

    version: int
    reason: str = ""
    scale: str = ""
    requirements: str = ""
    payment_terms: str = ""
    ceiling: Amount = ""
    days_limit: Amount = ""
    deadline: str = ""
    floor: Amount | None = None
    bid_bond: Amount | None = None
    performance_bond: Amount | None = None
    split_reason: str = ""
    conditions_reason: str = ""


class QuestionBody(msgspec.Struct):
    """A question; everybody will read it, nobody learns who asked."""

    question: str


class AnswerBody(msgspec.Struct):
    """An answer, or a supplement to the answer given before."""

    answer: str
