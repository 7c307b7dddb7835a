"""Repeatable measurements, each with its peer beside it: `make bench`.

Absolute figures say little on a busy machine, ratios more: every figure here is our way against the
barest way to the same result, measured in turns (A B B A), with an interval, and with a control of A
against itself that tells whether the sitting is worth anything.
"""
