"""Sealing: what an envelope hides, and that a changed one is noticed."""

import json
import random
import secrets
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.exceptions import CryptoError
from nacl.public import PublicKey, SealedBox

from market import sealing
from market.rules.bids import LONGEST_PROPOSAL, MOST_ATTACHED, Attachment, Offer

KEY = secrets.token_bytes(32)
PAIR = sealing.new_key_pair()


def content(proposal: str = "", amount: str = "48800.00") -> sealing.Content:
    return sealing.Content(12, 7, 70, 700, Offer(Decimal(amount), 12, proposal))


def test_what_goes_in_comes_out() -> None:
    envelope = sealing.seal(PAIR.public, content("方案"))
    opened = sealing.opener(PAIR.private).open(envelope, sealing.digest(envelope))
    assert opened == content("方案")


@given(st.text(max_size=LONGEST_PROPOSAL))
def test_every_envelope_has_one_of_eight_lengths(proposal: str) -> None:
    overhead = 48
    length = len(sealing.seal(PAIR.public, content(proposal))) - overhead
    assert length in sealing.SIZE_CLASSES
    assert len(sealing.SIZE_CLASSES) <= 8


def test_the_longest_proposal_fits() -> None:
    sealing.seal(PAIR.public, content("案" * LONGEST_PROPOSAL))


def test_the_same_offer_twice_looks_different() -> None:
    assert sealing.seal(PAIR.public, content()) != sealing.seal(PAIR.public, content())


def test_a_changed_envelope_is_noticed() -> None:
    envelope = bytearray(sealing.seal(PAIR.public, content()))
    named = sealing.digest(bytes(envelope))
    envelope[100] ^= 1
    opener = sealing.opener(PAIR.private)
    with pytest.raises(sealing.EnvelopeDamaged):
        opener.open(bytes(envelope), named)
    with pytest.raises(sealing.EnvelopeDamaged):
        opener.open(bytes(envelope), sealing.digest(bytes(envelope)))


def test_an_envelope_for_another_notice_does_not_open() -> None:
    other = sealing.new_key_pair()
    envelope = sealing.seal(other.public, content())
    with pytest.raises(sealing.EnvelopeDamaged):
        sealing.opener(PAIR.private).open(envelope, sealing.digest(envelope))


def test_nobody_unwraps_without_the_platform_s_key() -> None:
    wrapped = sealing.wrap(KEY, PAIR.private)
    assert sealing.unwrap(KEY, wrapped) == PAIR.private
    with pytest.raises(CryptoError):
        sealing.unwrap(secrets.token_bytes(32), wrapped)


def test_files_staff_and_contribution_travel_in_the_envelope() -> None:
    offer = Offer(
        Decimal("48800.00"),
        12,
        "方案",
        staff=("SV-001", "SV-002"),
        contribution="ab" * 32,
        attachments=(Attachment("方案.pdf", b"%PDF-1.7 one"), Attachment("空白.png", b"\x89PNG" + bytes(70_000))),
    )
    sent = sealing.Content(12, 7, 70, 700, offer, {"address": "f" * 32})
    envelope = sealing.seal(PAIR.public, sent)
    assert len(envelope) - 48 in sealing.SIZE_CLASSES
    assert sealing.opener(PAIR.private).open(envelope, sealing.digest(envelope)) == sent


def test_an_envelope_of_the_first_version_still_opens() -> None:
    facts = {
        "v": 1,
        "notice": 12,
        "agency": 7,
        "organization": 70,
        "account": 700,
        "amount": "48800.00",
        "days": 12,
        "proposal": "方案",
        "salt": "00",
    }
    plain = json.dumps(facts).encode()
    padded = (len(plain).to_bytes(4, "big") + plain).ljust(1024, b"\0")
    envelope = SealedBox(PublicKey(PAIR.public)).encrypt(padded)
    assert sealing.opener(PAIR.private).open(envelope, sealing.digest(envelope)) == content("方案")


def test_the_largest_files_fit_and_more_is_refused() -> None:
    def offer(size: int) -> sealing.Content:
        files = (Attachment("大.pdf", bytes(size)),)
        return sealing.Content(12, 7, 70, 700, Offer(Decimal(1), 1, "案" * LONGEST_PROPOSAL, attachments=files))

    sealing.seal(PAIR.public, offer(MOST_ATTACHED))
    with pytest.raises(ValueError, match="largest"):
        sealing.seal(PAIR.public, offer(sealing.SIZE_CLASSES[-1]))


def test_a_mark_says_nothing_without_the_key_and_differs_per_notice() -> None:
    assert sealing.bidder_tag(KEY, 1, 7) == sealing.bidder_tag(KEY, 1, 7)
    assert sealing.bidder_tag(KEY, 1, 7) != sealing.bidder_tag(KEY, 2, 7)
    assert sealing.bidder_tag(KEY, 1, 7) != sealing.bidder_tag(secrets.token_bytes(32), 1, 7)
    assert sealing.bidder_tag(KEY, 1, 17) != sealing.bidder_tag(KEY, 11, 7)


def test_a_play_can_be_repeated_and_life_cannot() -> None:
    def once() -> bytes:
        with sealing.randomness_from(random.Random(7)):
            return sealing.seal(sealing.new_key_pair().public, content())

    assert once() == once()
    assert sealing.new_secret() != sealing.new_secret()


def test_in_production_no_seed_makes_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    from core import settings

    production = replace(settings.load(), environment=settings.Environment.PRODUCTION)
    monkeypatch.setattr(settings, "load", lambda: production)
    with pytest.raises(RuntimeError, match="production"), sealing.randomness_from(random.Random(7)):
        pass
