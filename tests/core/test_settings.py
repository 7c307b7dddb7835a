"""Settings and keys: what the environment says, and one sentence when it says something impossible."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import keys, settings
from core.settings import CHECKOUT, FIELDS, CannotStart, Environment, Settings, read

PRODUCTION = {
    "XINSHI_ENVIRONMENT": "production",
    "XINSHI_PUBLIC_URL": "https://xinshi.example/",
    "XINSHI_DATABASE_URL": "postgresql://app@db/xinshi",
    "XINSHI_SMTP_URL": "smtp://mail.example:587",
}


def test_nothing_set_is_a_demo_on_the_loopback() -> None:
    assert read({}) == Settings(stripe_double=True)
    assert Settings().address == "http://127.0.0.1:8000"
    assert not Settings().secure


def test_values_are_converted(tmp_path: Path) -> None:
    given = read({"XINSHI_PORT": "8123", "XINSHI_DATA": str(tmp_path / "x"), "XINSHI_PG_BIN": "~/pg"})
    assert (given.port, given.data) == (8123, tmp_path / "x")
    assert given.pg_bin == Path.home() / "pg"


def test_a_relative_data_folder_is_fixed_at_start() -> None:
    assert read({"XINSHI_DATA": "there"}).data == Path.cwd() / "there"


@pytest.mark.parametrize("port", ["0", "65536", "-1", "eighty", "８０００", "8e3"])
def test_an_impossible_port_is_named(port: str) -> None:
    with pytest.raises(CannotStart, match="XINSHI_PORT") as refusal:
        read({"XINSHI_PORT": port})
    assert port in refusal.value.zh


@pytest.mark.parametrize("variable", ["XINSHI_ENVIRONMENT", "XINSHI_DEMO"])
def test_an_unknown_choice_is_named(variable: str) -> None:
    with pytest.raises(CannotStart, match=f"{variable} must be one of"):
        read({variable: "staging"})


def test_production_reads_its_addresses() -> None:
    given = read(PRODUCTION)
    assert given.environment is Environment.PRODUCTION
    assert given.address == "https://xinshi.example"
    assert given.secure
    assert given.log_origin == "xinshi.example/xinshi"


@pytest.mark.parametrize("variable", ["XINSHI_PUBLIC_URL", "XINSHI_DATABASE_URL", "XINSHI_SMTP_URL"])
def test_production_without_an_address_says_which(variable: str) -> None:
    with pytest.raises(CannotStart, match=variable) as refusal:
        read(PRODUCTION | {variable: " "})
    assert variable in refusal.value.zh


def test_production_over_plain_http_is_refused() -> None:
    with pytest.raises(CannotStart, match="https://"):
        read(PRODUCTION | {"XINSHI_PUBLIC_URL": "http://xinshi.example"})


@pytest.mark.parametrize(
    ("locale", "expected"), [("en_GB.UTF-8", "stop"), ("zh_CN.UTF-8", "停"), ("C.UTF-8", "停"), ("", "停")]
)
def test_sentences_follow_the_terminal(monkeypatch: pytest.MonkeyPatch, locale: str, expected: str) -> None:
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.setenv("LANG", locale)
    assert CannotStart("停", "stop").sentence() == expected


def test_every_setting_is_documented() -> None:
    text = (CHECKOUT / "docs" / "guides" / "operations.md").read_text("utf-8")
    told = set(re.findall(r"`(XINSHI_[A-Z_]+)`", text))
    wanted = {known.variable for known in FIELDS} | {f"XINSHI_KEY_{name.upper()}" for name in keys.KEYS}
    assert wanted <= told


def test_every_key_in_use_is_known_to_production() -> None:
    used: set[str] = set()
    for package in ("core", "agencies", "payments", "market", "contracts", "grading", "portal"):
        for source in (CHECKOUT / package).rglob("*.py"):
            used |= set(re.findall(r"\bsecret\(\"([a-z-]+)\"\)", source.read_text("utf-8")))
    assert used
    assert used <= set(keys.KEYS)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Settings]:
    """A demo of its own, with no key yet."""
    before = settings.load()
    keys.secret.cache_clear()
    settings.use(Settings(data=tmp_path))
    yield settings.load()
    settings.use(before)
    keys.secret.cache_clear()


def test_a_demo_makes_a_key_once_and_keeps_it_private(installation: Settings) -> None:
    first = keys.secret("seal")
    keys.secret.cache_clear()
    path = installation.data / "keys" / "seal"
    assert keys.secret("seal") == first
    assert len(first) == keys.LENGTH
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["seal"]


def test_the_environment_goes_first(installation: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    text = keys.fresh()
    monkeypatch.setenv("XINSHI_KEY_SEAL", text)
    assert keys.secret("seal") == keys._decode("test", text)
    assert not (installation.data / "keys").exists()


@pytest.mark.parametrize("text", ["c2hvcnQ=", "not base64!", "a" * 44])
def test_a_malformed_key_is_named_but_not_shown(
    installation: Settings, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("XINSHI_KEY_TRAIL", text)
    with pytest.raises(CannotStart, match="XINSHI_KEY_TRAIL") as refusal:
        keys.secret("trail")
    assert text not in refusal.value.zh + refusal.value.en


def test_production_never_makes_a_key(installation: Settings) -> None:
    settings.use(read(PRODUCTION | {"XINSHI_DATA": str(installation.data)}))
    with pytest.raises(CannotStart, match="XINSHI_KEY_SESSION"):
        keys.check_production_keys()
    assert os.listdir(installation.data) == []


@pytest.mark.parametrize(
    ("given", "double"),
    [
        ({}, True),
        ({"XINSHI_STRIPE_DOUBLE": "off"}, False),
        ({"XINSHI_DEMO": "none"}, False),
        ({"XINSHI_STRIPE_KEY": "sk_test_1"}, False),
    ],
)
def test_a_demo_pays_through_the_double_unless_it_is_told_otherwise(given: dict[str, str], double: bool) -> None:
    assert read(given).stripe_double is double
