"""The opening keys of the demo's custodians: known to everybody, so that a visitor can play their part.

Derived from the credit code, never random: the page of the sign-ins shows them again. Real custodians make
their keys on a computer of their own.
"""

import hashlib

from market import sealing


def demo_key(uscc: str) -> sealing.CustodianPair:
    """The custodian key of an organisation of the play."""
    private = hashlib.sha256(f"xinshi demo custodian {uscc}".encode()).digest()
    return sealing.CustodianPair(sealing.public_of(private), sealing.key_text(private))
