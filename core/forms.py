"""Form text in, values out; every fault becomes one sentence at its field.

A package's `forms.py` reads a `Form` field by field and calls `finish()`. Readers never raise: they
note the fault and return a harmless value, so that the reader sees all faults at once.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from core import clock
from core.errors import FormInvalid, Message
from core.i18n import N_
from core.money import yuan

E = TypeVar("E", bound=StrEnum)
N = TypeVar("N", int, Decimal)

MISSING = N_("请填写这一项。")
TOO_LONG = N_("最多 %(limit)s 个字，现在是 %(length)s 个字。")
NOT_A_CHOICE = N_("请从列出的选项中选择一项。")
NOT_MONEY = N_("请填写金额，单位为元，最多两位小数，例如 24600.00。")
BELOW = N_("不能小于 %(minimum)s。")
ABOVE = N_("不能大于 %(maximum)s。")
NOT_WHOLE = N_("请填写整数。")
NOT_A_DATE = N_("请按 2026-11-20 的格式填写日期。")
NOT_A_MOMENT = N_("请按 2026-11-20 17:00 的格式填写日期和时间（北京时间）。")
NO_FILE = N_("请选择要上传的文件。")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Upload:
    """A file as it came in; `body` is read whole because every use has a size limit."""

    name: str
    body: bytes


@dataclass
class Form:
    """Raw strings by name, the uploads, and the faults found so far."""

    raw: Mapping[str, Sequence[str]]
    files: Mapping[str, Sequence[Upload]] = field(default_factory=dict)
    prefix: str = ""
    errors: dict[str, Message] = field(default_factory=dict)

    @classmethod
    def of(cls, **values: Any) -> "Form":
        """A form from plain values, for tests and for JSON bodies."""
        return cls.from_json(values)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Form":
        """The same form out of a JSON object: nested lists of objects become numbered fields."""
        raw: dict[str, list[str]] = {}
        _flatten("", body, raw)
        return cls(raw)

    # ---- readers
    def text(self, name: str, *, required: bool = True, max_length: int = 200) -> str:
        """Trimmed text without control characters; line breaks are kept as `\\n`."""
        value = CONTROL.sub("", self._first(name).replace("\r\n", "\n")).strip()
        if not value and required:
            self.error(name, MISSING)
        if len(value) > max_length:
            self.error(name, TOO_LONG, limit=max_length, length=len(value))
            return value[:max_length]
        return value

    def choice(self, name: str, kind: type[E], *, required: bool = True) -> E | None:
        """One member of an enum, by value; None and a fault for anything else."""
        value = self._first(name).strip()
        if not value and not required:
            return None
        try:
            return kind(value)
        except ValueError:
            self.error(name, NOT_A_CHOICE if value else MISSING)
            return None

    def money(
        self,
        name: str,
        *,
        minimum: Decimal | None = None,
        maximum: Decimal | None = None,
        required: bool = True,
    ) -> Decimal | None:
        """Yuan with at most two decimals; None when empty or wrong."""
        value = self._first(name).strip()
        if not value:
            return self._absent(name) if required else None
        try:
            amount = yuan(value)
        except ValueError:
            self.error(name, NOT_MONEY)
            return None
        return self._within(name, amount, minimum, maximum)

    def integer(
        self,
        name: str,
        *,
        minimum: int | None = None,
        maximum: int | None = None,
        required: bool = True,
    ) -> int | None:
        """A whole number; None when empty or wrong."""
        value = self._first(name).strip()
        if not value:
            return self._absent(name) if required else None
        if not re.fullmatch(r"[+-]?[0-9]{1,15}", value):
            self.error(name, NOT_WHOLE)
            return None
        return self._within(name, int(value), minimum, maximum)

    def date(self, name: str, *, required: bool = True) -> date | None:
        """A day written `2026-11-20`."""
        value = self._first(name).strip()
        if not value:
            return self._absent(name) if required else None
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.error(name, NOT_A_DATE)
            return None

    def moment(self, name: str, *, required: bool = True) -> datetime | None:
        """A Shanghai day and time, as UTC."""
        value = self._first(name).strip()
        if not value:
            return self._absent(name) if required else None
        try:
            return clock.parse_local(value)
        except (ValueError, OverflowError):
            self.error(name, NOT_A_MOMENT)
            return None

    def flag(self, name: str) -> bool:
        """Whether a box is ticked."""
        return self._first(name).strip().lower() in {"1", "on", "true", "yes"}

    def many(self, name: str, *, max_length: int = 200) -> list[str]:
        """All values of a repeated field, trimmed, without empty ones."""
        values = (CONTROL.sub("", value).strip() for value in self.raw.get(self.prefix + name, ()))
        return [value[:max_length] for value in values if value]

    def uscc(self, name: str, *, required: bool = True) -> str:
        """A unified social credit code, normalised; see `core.credit_code`."""
        from core.credit_code import CodeFault, normalise

        value = self._first(name)
        if not value.strip():
            if required:
                self.error(name, MISSING)
            return ""
        try:
            return normalise(value)
        except CodeFault as fault:
            self.error(name, fault.text, **fault.params)
            return value.strip()

    def upload(self, name: str, *, required: bool = True) -> Upload | None:
        """The one file of a field."""
        found = self.files.get(self.prefix + name, ())
        if not found:
            if required:
                self.error(name, NO_FILE)
            return None
        return found[0]

    def uploads(self, name: str) -> list[Upload]:
        """All files of a field."""
        return list(self.files.get(self.prefix + name, ()))

    def rows(self, name: str, *, limit: int = 50) -> "list[Form]":
        """Repeated groups `name-0-field`, `name-1-field` in the order of their numbers."""
        stem = f"{self.prefix}{name}-"
        pattern = re.compile(re.escape(stem) + r"([0-9]{1,4})-")
        names = [*self.raw, *self.files]
        numbers = sorted({int(hit[1]) for key in names if (hit := pattern.match(key))})
        return [Form(self.raw, self.files, f"{stem}{number}-", self.errors) for number in numbers[:limit]]

    def given(self, *names: str) -> bool:
        """Whether any of these fields carries something; tells a filled row from an empty one."""
        return any(self._first(name).strip() or self.uploads(name) for name in names)

    # ---- faults
    def error(self, name: str, text: str, /, **params: Any) -> None:
        """Note a fault; the first one of a field is shown."""
        self.errors.setdefault(self.prefix + name, Message(text, params))

    def finish(self) -> None:
        """Raise `FormInvalid` with every fault, if there is one."""
        if self.errors:
            raise FormInvalid(self.errors)

    # ---- inside
    def _first(self, name: str) -> str:
        values = self.raw.get(self.prefix + name, ())
        return values[0] if values else ""

    def _absent(self, name: str) -> Any:
        self.error(name, MISSING)

    def _within(self, name: str, value: N, minimum: N | None, maximum: N | None) -> N | None:
        if minimum is not None and value < minimum:
            self.error(name, BELOW, minimum=minimum)
            return None
        if maximum is not None and value > maximum:
            self.error(name, ABOVE, maximum=maximum)
            return None
        return value


def _flatten(prefix: str, value: Any, into: dict[str, list[str]]) -> None:
    match value:
        case Mapping():
            for name, inner in value.items():
                _flatten(f"{prefix}-{name}" if prefix else str(name), inner, into)
        case list() if any(isinstance(item, Mapping) for item in value):
            for number, item in enumerate(value):
                _flatten(f"{prefix}-{number}", item, into)
        case list():
            into[prefix] = [_scalar(item) for item in value]
        case None:
            pass
        case _:
            into[prefix] = [_scalar(value)]


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else ""
    return str(value)
