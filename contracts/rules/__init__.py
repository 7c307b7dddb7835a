"""The rules of contracts by topic: filing, deliverables, sheets, reviews, evaluations, clocks."""
