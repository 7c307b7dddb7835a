"""A stand-in for Stripe, for tests and the demonstration market only: it refuses to start in production.

It speaks the form-encoded `/v1` of everything `payments.gateway` calls, keeps its state in PostgreSQL (schema
`stripe_double`, made by itself), honours Idempotency-Key, has a Checkout page with buttons instead of cards, and
delivers signed webhooks with retries – doubled, reordered, late or lost, as it is told.
"""
