"""Stripe: how it is configured, how it is called, how its webhooks are believed, how the books are compared.

Everything here speaks Stripe's words and whole minor units; `payments.services.stripe…` turns them into acts on
payables. Without a key `configuration()` is None and the product is paid by bank transfer alone.
"""
