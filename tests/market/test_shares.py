"""Two of three: any two shares open, one tells nothing, a wrong or changed one is recognised."""

import itertools
import random
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import sealing
from market.sealing import shares as field
from market.sealing.shares import Share

SECRET = bytes(range(32))


@given(secret=st.binary(min_size=1, max_size=64), needed=st.integers(1, 4), more=st.integers(0, 3))
def test_any_needed_number_of_shares_restores_the_secret(secret: bytes, needed: int, more: int) -> None:
    made = sealing.split(secret, needed=needed, holders=needed + more)
    for chosen in itertools.combinations(made, needed):
        assert sealing.combine(list(chosen)) == secret
    assert sealing.combine(made) == secret


def test_one_share_fits_every_secret() -> None:
    """For each share there is, for any other secret, a polynomial that gives it: it tells nothing."""
    (share, *_) = sealing.split(b"\x2a", needed=2, holders=3)
    for other in range(256):
        slope = field._times(share.value[0] ^ other, field._inverse(share.number))
        assert other ^ field._times(slope, share.number) == share.value[0]


def test_fewer_than_needed_give_something_else() -> None:
    made = sealing.split(SECRET, needed=2, holders=3)
    assert sealing.combine([made[0]]) != SECRET
    with pytest.raises(ValueError, match="twice"):
        sealing.combine([made[0], made[0]])


@given(st.integers(1, 255), st.integers(0, 255), st.integers(0, 255))
def test_the_field_is_a_field(a: int, b: int, c: int) -> None:
    times = field._times
    assert times(a, field._inverse(a)) == 1
    assert times(a, b) == times(b, a)
    assert times(a, b ^ c) == times(a, b) ^ times(a, c)
    assert times(times(a, b), c) == times(a, times(b, c))


def test_the_field_is_the_one_of_aes() -> None:
    assert field._times(0x57, 0x83) == 0xC1  # FIPS 197, section 4.2
    assert field._times(0x57, 0x13) == 0xFE


def test_senseless_numbers_are_refused() -> None:
    for needed, holders in ((0, 3), (4, 3), (2, 256)):
        with pytest.raises(ValueError, match="split"):
            sealing.split(SECRET, needed=needed, holders=holders)


def test_a_fingerprint_names_notice_number_and_value() -> None:
    share = Share(1, SECRET)
    assert len({share.commitment(1), share.commitment(2), Share(2, SECRET).commitment(1)}) == 3


def test_a_key_survives_the_ways_of_people_and_a_slip_is_found() -> None:
    pair = sealing.new_custodian_key()
    private = sealing.parse_key(pair.text)
    assert sealing.public_of(private) == pair.public
    assert sealing.parse_key(f"  {pair.text.lower()}\n") == private
    assert sealing.parse_key(pair.text.replace("-", " - ")) == private
    at = len(pair.text) // 2
    slipped = pair.text[:at] + ("A" if pair.text[at] != "A" else "B") + pair.text[at + 1 :]
    for wrong in (slipped, pair.text[:-1], "", "XINSHI-KEY-1", "密钥", "1" * 56):
        with pytest.raises(sealing.WrongKey):
            sealing.parse_key(wrong)


def test_only_the_holder_unseals_its_share() -> None:
    holder, other = sealing.new_custodian_key(), sealing.new_custodian_key()
    share = Share(2, secrets.token_bytes(32))
    sealed = sealing.seal_share(holder.public, share)
    assert sealing.unseal_share(sealing.parse_key(holder.text), sealed) == share
    with pytest.raises(sealing.WrongKey):
        sealing.unseal_share(sealing.parse_key(other.text), sealed)
    changed = bytearray(sealed)
    changed[-1] ^= random.Random(1).randrange(1, 256)
    with pytest.raises(sealing.WrongKey):
        sealing.unseal_share(sealing.parse_key(holder.text), bytes(changed))
