"""The acts on payables that go through Stripe.

One order of things everywhere: first a row with our key is committed, then Stripe is called with that key, then what
Stripe says is applied in one transaction. A crash between any two of these is made good by calling again: the sweep,
the webhook and whoever looks at the page all do so. Nothing is applied that was not fetched from Stripe.
"""

from payments.services.stripe.applying import refresh
from payments.services.stripe.bundling import BundleStart, check_bundle, give_up_bundle, start_bundle
from payments.services.stripe.failures import retry_refund
from payments.services.stripe.orders import (
    answer_dispute,
    capture_bond,
    concede_dispute,
    give_up,
    order_payout,
    refund,
    reverse_payout,
    run_order,
    run_waiting,
)
from payments.services.stripe.payees import open_account, refresh_account
from payments.services.stripe.paying import AttemptReceipt, page_for, start_payment
from payments.services.stripe.reconciling import Report, reconcile
from payments.services.stripe.sweeping import sweep
from payments.services.stripe.webhooks import take_in

__all__ = [
    "AttemptReceipt",
    "BundleStart",
    "Report",
    "answer_dispute",
    "capture_bond",
    "check_bundle",
    "concede_dispute",
    "give_up",
    "give_up_bundle",
    "open_account",
    "order_payout",
    "page_for",
    "reconcile",
    "refresh",
    "refresh_account",
    "refund",
    "retry_refund",
    "reverse_payout",
    "run_order",
    "run_waiting",
    "start_bundle",
    "start_payment",
    "sweep",
    "take_in",
]
