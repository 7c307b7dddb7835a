"""The words and colours that the pages of payments share."""

from typing import Any

from payments.queries.finance import TROUBLE_TITLES
from payments.rules import BOND_CAPS, KIND_TITLES, METHOD_TITLES, PAYABLE_STATE_TITLES, PayableState
from payments.rules.ledger import ACCOUNT_TITLES, POSTING_TITLES
from payments.rules.statements import LIKENESS_TITLES

STATE_TAGS = {
    PayableState.DUE: "warn",
    PayableState.PROCESSING: "act",
    PayableState.VOUCHERED: "act",
    PayableState.CONTESTED: "bad",
    PayableState.AUTHORISED: "act",
    PayableState.EXPIRED: "bad",
    PayableState.CAPTURED: "act",
    PayableState.DISPUTED: "bad",
    PayableState.PAID_OUT: "act",
    PayableState.CONFIRMED: "ok",
    PayableState.RELEASED: "ok",
    PayableState.REFUNDED: "",
    PayableState.CANCELLED: "",
}
WORDS: dict[str, Any] = {
    "state_titles": PAYABLE_STATE_TITLES,
    "state_tags": STATE_TAGS,
    "kind_titles": KIND_TITLES,
    "method_titles": METHOD_TITLES,
    "account_titles": ACCOUNT_TITLES,
    "posting_titles": POSTING_TITLES,
    "likeness_titles": LIKENESS_TITLES,
    "trouble_titles": TROUBLE_TITLES,
    "bond_caps": {kind: f"{share * 100:f}".rstrip("0").rstrip(".") for kind, share in BOND_CAPS.items()},
}
