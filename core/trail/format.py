"""What an entry is, byte for byte: `docs/trail-format.md` is this module in prose. Pure.

An entry is two lines of JSON. The *head* says what is public about an act, the *body* what only those
entitled may see; each carries a random nonce, so its digest tells nothing. The *leaf*, which goes into the
public log, holds only the two digests: the whole log can be published, and each half be shown by itself.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

FORMAT = "xinshi-trail/1"
HASH = "sha256"
VEILED = ""
"""The role of an entry whose actor is veiled."""
_SALT_SIZE = 16
_ACT = re.compile(r"[a-z][a-z0-9_-]*\.[a-z][a-z0-9_-]*")
_THREAD = re.compile(r"[a-z][a-z0-9_-]*:[A-Za-z0-9._-]+")
_MAX_NAME = 60


def canonical(value: Any) -> str:
    """The one JSON spelling of a value: sorted keys, no spaces, UTF-8, no number but integers."""
    return json.dumps(plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def plain(value: Any) -> Any:
    """`value` with everything that JSON cannot say exactly turned into text. TypeError for the rest."""
    match value:
        case None | bool():
            return value
        case int():
            return int(value)
        case str():
            return str(value)
        case Mapping():
            return {_key(name): plain(item) for name, item in value.items()}
        case bytes():
            return value.hex()
        case Set():
            return sorted((plain(item) for item in value), key=canonical)
        case Sequence():
            return [plain(item) for item in value]
        case _:
            return _text(value)


def _text(value: Any) -> str:
    match value:
        case datetime():
            return moment(value)
        case date():
            return value.isoformat()
        case Decimal() if value.is_finite():
            return f"{value:f}"
        case float() if value - value == 0:
            return repr(value)
        case _:
            raise TypeError(f"the trail cannot hold {type(value).__name__}: {value!r}")


def _key(name: Any) -> str:
    if isinstance(name, str):
        return str(name)
    if isinstance(name, int) and not isinstance(name, bool):
        return str(name)
    raise TypeError(f"the trail cannot hold the key {name!r}")


def moment(at: datetime) -> str:
    """UTC, six digits after the second, `Z`. ValueError for a time without zone."""
    if at.tzinfo is None:
        raise ValueError("a moment in the trail needs a time zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_moment(text: str) -> datetime:
    """The inverse of `moment`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def salt() -> bytes:
    """Sixteen random bytes that keep a digest from being guessed."""
    return secrets.token_bytes(_SALT_SIZE)


@dataclass(frozen=True, slots=True)
class Person:
    """Personal data of one entry: the text that is kept deletable and the salt of its digest."""

    salt: bytes
    content: str

    def digest(self) -> str:
        """What the body says instead of the data."""
        return _salted("person", self.salt, self.content)


@dataclass(frozen=True, slots=True)
class Veil:
    """Hides who acted until it is lifted: the entry holds a commitment, the act that opens it the salt."""

    salt: bytes

    @classmethod
    def fresh(cls) -> "Veil":
        """A new veil; keep it where only the opening can reach it."""
        return cls(salt())

    def commitment(self, actor: Mapping[str, Any]) -> str:
        """The digest that stands for `actor` (account, organization, role)."""
        return _salted("veil", self.salt, canonical(actor))

    def reveal(self, actor: Mapping[str, Any]) -> dict[str, Any]:
        """What the opening records under `note={"reveals": [...]}`, checked by `xinshi trail verify`."""
        return {"veil": self.commitment(actor), "salt": self.salt.hex(), "actor": dict(actor)}


def reveals_truly(reveal: Mapping[str, Any]) -> bool:
    """Whether a recorded reveal opens the commitment it names."""
    try:
        veil = Veil(bytes.fromhex(reveal["salt"]))
        return bool(veil.commitment(reveal["actor"]) == reveal["veil"])
    except (KeyError, TypeError, ValueError):
        return False


def _salted(purpose: str, salt_: bytes, text: str) -> str:
    message = f"{FORMAT} {purpose}\n".encode() + salt_ + text.encode()
    return hashlib.sha256(message).hexdigest()


@dataclass(frozen=True, slots=True)
class Half:
    """Head or body: its exact text where one may see it, its digest in any case."""

    digest: str
    text: str | None = None

    @classmethod
    def of(cls, text: str) -> "Half":
        """A half one has the text of."""
        return cls(hashlib.sha256(text.encode()).hexdigest(), text)

    def closed(self) -> "Half":
        """The same half without its text."""
        return Half(self.digest)

    def facts(self) -> dict[str, Any]:
        """The text as data; empty when it is withheld."""
        found: dict[str, Any] = json.loads(self.text) if self.text is not None else {}
        return found


@dataclass(frozen=True, slots=True)
class Entry:
    """One act in its two halves."""

    head: Half
    body: Half

    @classmethod
    def parse(cls, payload: bytes) -> "Entry":
        """Read the stored two lines; ValueError when they are not two lines of text."""
        head, gap, body = payload.decode().partition("\n")
        if not gap or "\n" in body:
            raise ValueError("a payload has two lines")
        return cls(Half.of(head), Half.of(body))

    def payload(self) -> bytes:
        """The two lines as stored."""
        return f"{self.head.text}\n{self.body.text}".encode()

    def leaf(self) -> bytes:
        """The public line-up of digests that the tree is made of."""
        return f"{FORMAT}\nhash {HASH}\nhead {self.head.digest}\nbody {self.body.digest}\n".encode()


def check_names(act: str, subject: str, threads: Sequence[str]) -> None:
    """Refuse names that the trail cannot index: acts are `noun.participle`, threads `noun:id`. ValueError."""
    if not _ACT.fullmatch(act) or len(act) > _MAX_NAME:
        raise ValueError(f"an act is named noun.past-participle, not {act!r}")
    for thread in (subject, *threads):
        if not _THREAD.fullmatch(thread) or len(thread) > _MAX_NAME:
            raise ValueError(f"subjects and threads are named noun:id, not {thread!r}")
