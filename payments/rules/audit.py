"""What must be true of the books: what a payable's state says about the ledger, and the names of what does not fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from core.i18n import N_
from payments.rules.ledger import AccountKind, fen
from payments.rules.lifecycle import PayableState as S
from payments.rules.lifecycle import Position

K = AccountKind


class Check(StrEnum):
    """What the audit proves, one after the other."""

    BALANCE = "balance"
    WRITTEN_ONCE = "written-once"
    TRAIL = "trail"
    STATE = "state"
    ESCROW = "escrow"
    BONDS = "bonds"
    BANK = "bank"


CHECK_TITLES: dict[Check, str] = {
    Check.BALANCE: N_("每笔分录借贷相等"),
    Check.WRITTEN_ONCE: N_("账本只写一次"),
    Check.TRAIL: N_("每笔分录都有留痕，指纹一致"),
    Check.STATE: N_("款项状态与账本一致"),
    Check.ESCROW: N_("托管余额不为负"),
    Check.BONDS: N_("代管保证金与在管保证金一致"),
    Check.BANK: N_("平台银行划付与回单一致"),
}


@dataclass(frozen=True)
class Finding:
    """What does not fit, and where."""

    check: Check
    where: str
    what: str


@dataclass(frozen=True)
class Audited:
    """A payable as the audit sees it. `sums` are fen by side (`payer` or `payee`) and account."""

    number: str
    position: Position
    settled: bool
    bond: bool
    sums: Mapping[tuple[str, str], int]
    forfeited: bool = False


INDEBTED = frozenset({S.DUE, S.PROCESSING, S.VOUCHERED, S.CONTESTED, S.AUTHORISED, S.EXPIRED})
BY_BANK = frozenset({S.CONFIRMED, S.RELEASED})


def expected(row: Audited) -> dict[tuple[str, str], int]:
    """What the ledger must say about a payable in its state, in fen; accounts that are not named stand at zero."""
    at = row.position
    amount, captured, refunded, out = (fen(each) for each in (at.amount, at.captured, at.refunded, at.paid_out))
    debt = amount if at.state in INDEBTED else 0
    by_bank = amount if at.state in BY_BANK and row.settled and not captured else 0
    bond = by_bank if row.bond and at.state is S.CONFIRMED and not row.forfeited else 0
    said = {
        ("payer", K.PAYABLE.value): -debt,
        ("payee", K.RECEIVABLE.value): debt,
        ("payee", K.PAYABLE.value): -fen(at.lost),
        ("payer", K.OUTSIDE.value): -by_bank - captured + refunded,
        ("payee", K.OUTSIDE.value): by_bank + out,
        ("payee", K.ESCROW.value): max(captured - refunded - out, 0),
        ("payer", K.BONDS_LODGED.value): bond,
        ("payee", K.BONDS_HELD.value): -bond,
    }
    return {place: value for place, value in said.items() if value}


def differences(row: Audited) -> list[Finding]:
    """Where a payable's state and its ledger part ways."""
    said = expected(row)
    found = {place: value for place, value in row.sums.items() if value}
    places = sorted(place for place in said.keys() | found.keys() if said.get(place, 0) != found.get(place, 0))
    return [
        Finding(
            Check.STATE,
            row.number,
            f"{row.position.state.value}: {side}.{account} = {_yuan(found.get((side, account), 0))},"
            f" expected {_yuan(said.get((side, account), 0))}",
        )
        for side, account in places
    ]


def _yuan(amount: int) -> str:
    return f"{Decimal(amount).scaleb(-2):.2f}"
