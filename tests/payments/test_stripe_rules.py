"""Which ways to pay there are, settings that cannot be mixed, and what the doctor says."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import settings
from core.i18n import speaking
from core.settings import CannotStart
from payments.gateway import doctor
from payments.gateway.configuration import API_VERSION, Configuration
from payments.rules.stripe import (
    ATTEMPT_TRANSITIONS,
    LEAST_FEN,
    MOST_FEN,
    AttemptAct,
    AttemptState,
    NoWayToPay,
    Way,
    observe,
    offers,
    open_ways,
    payee_countries,
    seen_in,
    share,
)
from payments.rules.stripe_bundle import bundle_offers, spread

PRODUCTION = {
    "XINSHI_ENVIRONMENT": "production",
    "XINSHI_PUBLIC_URL": "https://xinshi.example",
    "XINSHI_DATABASE_URL": "postgresql://x",
    "XINSHI_SMTP_URL": "smtp://x",
}


def test_hong_kong_takes_all_three() -> None:
    assert open_ways(2_460_000, hold=False, country="HK") == (Way.CARD, Way.ALIPAY, Way.WECHAT_PAY)
    assert open_ways(200_000, hold=True, country="HK") == (Way.CARD,)


def test_every_closed_way_says_why() -> None:
    (card, alipay, wechat) = offers(2_460_000, hold=False, country="BR")
    assert card.refused is None
    assert alipay.refused is not None
    assert "BR" in alipay.refused.render()
    with speaking("en"):
        assert "not offered" in alipay.refused.render()
    assert wechat.refused is not None
    with pytest.raises(NoWayToPay):
        open_ways(2_460_000, hold=False, country="CN")


@pytest.mark.parametrize(
    ("amount", "allowed"), [(LEAST_FEN - 1, False), (LEAST_FEN, True), (MOST_FEN, True), (MOST_FEN + 1, False)]
)
def test_amounts(amount: int, allowed: bool) -> None:
    assert all((offer.refused is None) is allowed for offer in offers(amount, hold=False, country="HK"))


def test_whom_a_platform_may_pay() -> None:
    assert payee_countries("HK") == {"HK"}
    assert {"DE", "US", "GB"} <= payee_countries("DE")
    assert payee_countries("CN") == frozenset()


@given(st.lists(st.sampled_from(AttemptAct), max_size=12))
def test_an_attempt_never_goes_back(acts: list[AttemptAct]) -> None:
    order = {AttemptState.PREPARED: 0, AttemptState.OPEN: 1, AttemptState.HELD: 2, AttemptState.PAID: 4}
    state = AttemptState.PREPARED
    for act in acts:
        found = observe(state, act)
        if found is not None:
            assert order.get(found, 3) > order.get(state, 3) or found is state
            state = found
    assert set(ATTEMPT_TRANSITIONS.values()) <= set(AttemptState)


@pytest.mark.parametrize(
    ("status", "reason", "act"),
    [
        ("succeeded", None, AttemptAct.COLLECT),
        ("requires_capture", None, AttemptAct.HOLD),
        ("canceled", "automatic", AttemptAct.RUN_OUT),
        ("canceled", "requested_by_customer", AttemptAct.LET_GO),
        ("requires_payment_method", None, None),
        ("processing", None, None),
    ],
)
def test_what_a_status_says(status: str, reason: str | None, act: AttemptAct | None) -> None:
    assert seen_in(status, reason) is act


@given(st.integers(1, 10**9), st.integers(1, 10**8), st.data())
def test_a_share_is_never_more_than_the_whole(gross: int, captured: int, data: st.DataObject) -> None:
    held = data.draw(st.integers(0, captured))
    part = share(gross, Decimal(held), Decimal(captured))
    assert 0 <= part <= gross
    assert share(gross, Decimal(captured), Decimal(captured)) == gross


@given(st.integers(-(10**10), 10**10), st.lists(st.integers(0, 10**8), min_size=1, max_size=50))
def test_parts_add_up_to_the_whole_and_none_is_a_unit_away_from_its_quota(total: int, weights: list[int]) -> None:
    if not sum(weights):
        with pytest.raises(ValueError, match="cannot spread"):
            spread(total, weights)
        return
    parts = spread(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1
        assert weight or not part
    assert spread(sum(weights), weights) == weights


def test_the_largest_remainder_gets_the_last_cent_and_the_first_wins_a_tie() -> None:
    assert spread(100, [1, 1, 1]) == [34, 33, 33]
    assert spread(-100, [1, 1, 1]) == [-34, -33, -33]
    assert spread(10, [15, 35, 50]) == [2, 3, 5]
    assert spread(5, [0, 7]) == [0, 5]


def test_the_limits_of_a_way_hold_for_the_sum_of_a_bundle() -> None:
    assert all(offer.refused is None for offer in bundle_offers([100, 400], country="HK"))
    for amounts in ([100, 399], [99, 1000], [50_000_000, 50_000_000]):
        assert all(offer.refused is not None for offer in bundle_offers(amounts, country="HK"))
    card, alipay, _wechat = bundle_offers([100, 400], country="BR")
    assert (card.refused is None, alipay.refused is None) == (True, False)


@pytest.mark.parametrize(
    "environ",
    [
        {"XINSHI_STRIPE_KEY": "sk_live_x"},
        {"XINSHI_STRIPE_KEY": "rk_live_x"},
        {"XINSHI_STRIPE_KEY": "pk_test_x"},
        PRODUCTION | {"XINSHI_STRIPE_KEY": "sk_test_x", "XINSHI_STRIPE_WEBHOOK_SECRETS": "whsec_x"},
        PRODUCTION | {"XINSHI_STRIPE_KEY": "sk_live_x"},
        PRODUCTION | {"XINSHI_STRIPE_DOUBLE": "on"},
        PRODUCTION
        | {
            "XINSHI_STRIPE_KEY": "sk_live_x",
            "XINSHI_STRIPE_WEBHOOK_SECRETS": "whsec_x",
            "XINSHI_STRIPE_API": "http://127.0.0.1:12111",
        },
    ],
)
def test_what_cannot_be_mixed(environ: dict[str, str]) -> None:
    with pytest.raises(CannotStart):
        settings.read(environ)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"XINSHI_STRIPE_KEY": "sk_test_x"},
        PRODUCTION,
        PRODUCTION | {"XINSHI_STRIPE_KEY": "sk_live_x", "XINSHI_STRIPE_WEBHOOK_SECRETS": "whsec_a, whsec_b"},
    ],
)
def test_what_goes_together(environ: dict[str, str]) -> None:
    assert settings.read(environ).stripe_key == environ.get("XINSHI_STRIPE_KEY", "")


KNOWN = Configuration("sk_test_x", ("whsec_x",), "https://api.stripe.com", "HK", "hkd")
ACCOUNT: dict[str, Any] = {
    "country": "HK",
    "default_currency": "hkd",
    "charges_enabled": True,
    "payouts_enabled": True,
}


def test_the_doctor_finds_nothing_in_a_sound_account() -> None:
    assert all(one.ok for one in doctor.of_account(ACCOUNT, KNOWN))
    hook = {"url": "https://x/hook", "status": "enabled", "api_version": API_VERSION, "enabled_events": ["*"]}
    assert all(one.ok for one in doctor.of_endpoints([hook], "https://x/hook"))


@pytest.mark.parametrize(
    "change",
    [{"country": "SG"}, {"default_currency": "usd"}, {"charges_enabled": False}, {"payouts_enabled": False}],
)
def test_the_doctor_names_what_is_wrong_with_the_account(change: dict[str, Any]) -> None:
    findings = doctor.of_account(ACCOUNT | change, KNOWN)
    assert [one.ok for one in findings].count(False) == 1
    for language in ("zh_Hans", "en"):
        with speaking(language):
            assert all(one.render() for one in findings)


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://elsewhere"},
        {"status": "disabled"},
        {"api_version": "2019-12-03"},
        {"enabled_events": ["payment_intent.succeeded"]},
    ],
)
def test_the_doctor_names_what_is_wrong_with_the_webhook(change: dict[str, Any]) -> None:
    hook = {"url": "https://x/hook", "status": "enabled", "api_version": API_VERSION, "enabled_events": ["*"]}
    assert not all(one.ok for one in doctor.of_endpoints([hook | change], "https://x/hook"))


def test_the_secrets_are_never_printed() -> None:
    assert "sk_test" not in repr(KNOWN)
    assert "whsec" not in repr(KNOWN)
