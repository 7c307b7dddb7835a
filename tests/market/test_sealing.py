"""Sealing: what an envelope hides, and that a changed one is noticed."""

import random
import secrets
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.exceptions import CryptoError

from market import sealing
from market.rules.bids import LONGEST_PROPOSAL, Offer

KEY = secrets.token_bytes(32)
PAIR = sealing.new_key_pair(KEY)


def content(proposal: str = "", amount: str = "48800.00") -> sealing.Content:
    return sealing.Content(12, 7, 70, 700, Offer(Decimal(amount), 12, proposal))


def test_what_goes_in_comes_out() -> None:
    envelope = sealing.seal(PAIR.public, content("方案"))
    opened = sealing.opener(KEY, PAIR.wrapped_private).open(envelope, sealing.digest(envelope))
    assert opened == content("方案")


@given(st.text(max_size=LONGEST_PROPOSAL))
def test_every_envelope_has_one_of_eight_lengths(proposal: str) -> None:
    overhead = 48
    length = len(sealing.seal(PAIR.public, content(proposal))) - overhead
    assert length in sealing.SIZE_CLASSES
    assert len(sealing.SIZE_CLASSES) <= 8


def test_the_longest_proposal_fits_and_more_is_refused() -> None:
    sealing.seal(PAIR.public, content("案" * LONGEST_PROPOSAL))
    with pytest.raises(ValueError, match="largest"):
        sealing.seal(PAIR.public, content("案" * 50_000))


def test_the_same_offer_twice_looks_different() -> None:
    assert sealing.seal(PAIR.public, content()) != sealing.seal(PAIR.public, content())


def test_a_changed_envelope_is_noticed() -> None:
    envelope = bytearray(sealing.seal(PAIR.public, content()))
    named = sealing.digest(bytes(envelope))
    envelope[100] ^= 1
    opener = sealing.opener(KEY, PAIR.wrapped_private)
    with pytest.raises(sealing.EnvelopeDamaged):
        opener.open(bytes(envelope), named)
    with pytest.raises(sealing.EnvelopeDamaged):
        opener.open(bytes(envelope), sealing.digest(bytes(envelope)))


def test_an_envelope_for_another_notice_does_not_open() -> None:
    other = sealing.new_key_pair(KEY)
    envelope = sealing.seal(other.public, content())
    with pytest.raises(sealing.EnvelopeDamaged):
        sealing.opener(KEY, PAIR.wrapped_private).open(envelope, sealing.digest(envelope))


def test_nobody_opens_without_the_platform_s_key() -> None:
    with pytest.raises(CryptoError):
        sealing.opener(secrets.token_bytes(32), PAIR.wrapped_private)


def test_a_mark_says_nothing_without_the_key_and_differs_per_notice() -> None:
    assert sealing.bidder_tag(KEY, 1, 7) == sealing.bidder_tag(KEY, 1, 7)
    assert sealing.bidder_tag(KEY, 1, 7) != sealing.bidder_tag(KEY, 2, 7)
    assert sealing.bidder_tag(KEY, 1, 7) != sealing.bidder_tag(secrets.token_bytes(32), 1, 7)
    assert sealing.bidder_tag(KEY, 1, 17) != sealing.bidder_tag(KEY, 11, 7)


def test_a_play_can_be_repeated_and_life_cannot() -> None:
    def once() -> bytes:
        with sealing.randomness_from(random.Random(7)):
            return sealing.seal(sealing.new_key_pair(KEY).public, content())

    assert once() == once()
    assert sealing.new_secret() != sealing.new_secret()


def test_in_production_no_seed_makes_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    from core import settings

    production = replace(settings.load(), environment=settings.Environment.PRODUCTION)
    monkeypatch.setattr(settings, "load", lambda: production)
    with pytest.raises(RuntimeError, match="production"), sealing.randomness_from(random.Random(7)):
        pass
