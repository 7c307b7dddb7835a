"""The ledger's words: accounts, lines, postings, and the recipe of every movement. Amounts are fen (1/100 yuan).

Double entry across everybody: what one account gains others lose, so every posting sums to zero in each currency.
A positive amount is a debit: the organisation has more, or owes less. `receivable` and `payable` are promises, `outside`
is the organisation's own money (bank account, card, wallet) as far as this market moved it, `escrow` is what the platform
keeps for it, `bonds-lodged` and `bonds-held` are the two sides of a bond. The platform (organisation 1) has `provider`
(its balance at the payment provider), `custody` (what it owes to those whose money it keeps), `fees` (what the provider
took), `exchange` and `disputed`. `unapplied` is money that came without a claim it could settle.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

from core.i18n import N_

PLATFORM = 1
"""The organisation that is the platform itself; every database has it from the start."""
FEN = 100


class AccountKind(StrEnum):
    """The accounts an organisation may have, one per currency each."""

    RECEIVABLE = "receivable"
    PAYABLE = "payable"
    OUTSIDE = "outside"
    ESCROW = "escrow"
    BONDS_LODGED = "bonds-lodged"
    BONDS_HELD = "bonds-held"
    UNAPPLIED = "unapplied"
    PROVIDER = "provider"
    CUSTODY = "custody"
    FEES = "fees"
    EXCHANGE = "exchange"
    DISPUTED = "disputed"


ACCOUNT_TITLES: dict[AccountKind, str] = {
    AccountKind.RECEIVABLE: N_("应收"),
    AccountKind.PAYABLE: N_("应付"),
    AccountKind.OUTSIDE: N_("自有资金收支"),
    AccountKind.ESCROW: N_("平台托管"),
    AccountKind.BONDS_LODGED: N_("缴存保证金"),
    AccountKind.BONDS_HELD: N_("代管保证金"),
    AccountKind.UNAPPLIED: N_("待认领款"),
    AccountKind.PROVIDER: N_("支付机构余额"),
    AccountKind.CUSTODY: N_("托管负债"),
    AccountKind.FEES: N_("支付手续费"),
    AccountKind.EXCHANGE: N_("汇兑"),
    AccountKind.DISPUTED: N_("拒付在途"),
}

K = AccountKind


class PostingKind(StrEnum):
    """What moved."""

    OBLIGATION = "obligation"
    OBLIGATION_ENDED = "obligation-ended"
    BANK_PAID = "bank-paid"
    BOND_LODGED = "bond-lodged"
    BOND_RELEASED = "bond-released"
    BOND_FORFEITED = "bond-forfeited"
    CAPTURED = "captured"
    PROVIDER_FEE = "provider-fee"
    EXCHANGED = "exchanged"
    PAID_OUT = "paid-out"
    PAYOUT_REVERSED = "payout-reversed"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund-failed"
    DISPUTE_OPENED = "dispute-opened"
    DISPUTE_WON = "dispute-won"
    DISPUTE_LOST = "dispute-lost"
    UNAPPLIED = "unapplied"
    UNAPPLIED_RETURNED = "unapplied-returned"
    UNAPPLIED_RETURN_FAILED = "unapplied-return-failed"


POSTING_TITLES: dict[PostingKind, str] = {
    PostingKind.OBLIGATION: N_("产生应付款"),
    PostingKind.OBLIGATION_ENDED: N_("应付款取消或核减"),
    PostingKind.BANK_PAID: N_("银行转账到账"),
    PostingKind.BOND_LODGED: N_("保证金到账"),
    PostingKind.BOND_RELEASED: N_("保证金解除"),
    PostingKind.BOND_FORFEITED: N_("保证金不予退还"),
    PostingKind.CAPTURED: N_("在线支付到账"),
    PostingKind.PROVIDER_FEE: N_("支付机构手续费"),
    PostingKind.EXCHANGED: N_("支付机构结汇"),
    PostingKind.PAID_OUT: N_("划付收款方"),
    PostingKind.PAYOUT_REVERSED: N_("划付撤回"),
    PostingKind.REFUNDED: N_("退款"),
    PostingKind.REFUND_FAILED: N_("退款被银行退回"),
    PostingKind.DISPUTE_OPENED: N_("拒付扣回"),
    PostingKind.DISPUTE_WON: N_("拒付申诉成功"),
    PostingKind.DISPUTE_LOST: N_("拒付成立"),
    PostingKind.UNAPPLIED: N_("收到无对应应付款的钱"),
    PostingKind.UNAPPLIED_RETURNED: N_("无对应款项退回"),
    PostingKind.UNAPPLIED_RETURN_FAILED: N_("退回的无对应款项被银行退回"),
}
P = PostingKind


class Unbalanced(ValueError):
    """A posting that does not sum to zero: a programming error, never a user's."""


@dataclass(frozen=True)
class Line:
    """One account's share of a posting, in fen; never zero."""

    organization_id: int
    account: AccountKind
    amount: int
    currency: str = "CNY"


@dataclass(frozen=True)
class Posting:
    """A movement, whole. `key` is unique for ever: the same movement told twice is posted once.

    `ValueError` unless it has at least two lines, none of them zero, no account twice, zero in every currency.
    """

    kind: PostingKind
    key: str
    lines: tuple[Line, ...]

    def __post_init__(self) -> None:
        if len(self.lines) < 2 or any(line.amount == 0 for line in self.lines):
            raise Unbalanced(f"{self.kind} {self.key}: two lines or more, none of them zero")
        if len({(line.organization_id, line.account, line.currency) for line in self.lines}) < len(self.lines):
            raise Unbalanced(f"{self.kind} {self.key}: an account twice")
        for currency in {line.currency for line in self.lines}:
            rest = sum(line.amount for line in self.lines if line.currency == currency)
            if rest:
                raise Unbalanced(f"{self.kind} {self.key}: {rest} {currency} left over")

    def digest(self) -> str:
        """The fingerprint that the trail keeps: whoever changes a stored line later is found out."""
        return posting_digest(
            self.kind, self.key, ((one.organization_id, one.account, one.currency, one.amount) for one in self.lines)
        )


def posting_digest(kind: str, key: str, lines: Iterable[tuple[int, str, str, int]]) -> str:
    """SHA-256 over kind, key and the sorted lines (organisation, account, currency, fen), one per row of text."""
    rows = sorted(f"{organization} {account} {currency} {amount}" for organization, account, currency, amount in lines)
    return sha256("\n".join([kind, key, *rows]).encode()).hexdigest()


def fen(amount: Decimal) -> int:
    """Yuan as fen. ValueError for a third decimal: nothing is rounded here."""
    exact = amount * FEN
    if exact != exact.to_integral_value():
        raise ValueError(f"{amount} has more than two decimals")
    return int(exact)


def yuan_of(amount: int) -> Decimal:
    """Fen as yuan with two places."""
    return Decimal(amount).scaleb(-2)


@dataclass(frozen=True)
class Parties:
    """Of which payable, between whom, in which currency."""

    payable_id: int
    payer_id: int
    payee_id: int
    currency: str = "CNY"

    def key(self, kind: PostingKind, event: str = "") -> str:
        """The idempotency key of a movement of this payable; `event` tells repeated movements apart."""
        return f"payable:{self.payable_id}:{kind.value}" + (f":{event}" if event else "")

    def posting(self, kind: PostingKind, event: str, *lines: tuple[int, AccountKind, int]) -> Posting:
        """A posting in the payable's own currency."""
        return Posting(kind, self.key(kind, event), tuple(Line(*line, self.currency) for line in lines))


def obligation(of: Parties, amount: int) -> Posting:
    """The payer owes, the payee is owed."""
    return of.posting(P.OBLIGATION, "", (of.payer_id, K.PAYABLE, -amount), (of.payee_id, K.RECEIVABLE, amount))


def obligation_ended(of: Parties, amount: int, event: str = "") -> Posting:
    """Cancelled, or reduced by what is not taken."""
    return of.posting(P.OBLIGATION_ENDED, event, (of.payer_id, K.PAYABLE, amount), (of.payee_id, K.RECEIVABLE, -amount))


def _settled(of: Parties, amount: int) -> tuple[tuple[int, AccountKind, int], ...]:
    return (of.payer_id, K.PAYABLE, amount), (of.payee_id, K.RECEIVABLE, -amount)


def bank_paid(of: Parties, amount: int, event: str = "") -> Posting:
    """A transfer from bank to bank arrived: the platform never touched the money."""
    moved = (of.payer_id, K.OUTSIDE, -amount), (of.payee_id, K.OUTSIDE, amount)
    return of.posting(P.BANK_PAID, event, *moved, *_settled(of, amount))


def bond_lodged(of: Parties, amount: int) -> Posting:
    """A bond that arrived still belongs to whoever lodged it; the payee keeps it."""
    return of.posting(P.BOND_LODGED, "", (of.payer_id, K.BONDS_LODGED, amount), (of.payee_id, K.BONDS_HELD, -amount))


def bond_released(of: Parties, amount: int) -> Posting:
    """The bond has served: what was kept becomes an ordinary debt, which the return's own obligation shows."""
    return of.posting(P.BOND_RELEASED, "", (of.payer_id, K.BONDS_LODGED, -amount), (of.payee_id, K.BONDS_HELD, amount))


def bond_forfeited(of: Parties, amount: int) -> Posting:
    """The bond no longer belongs to whoever lodged it: the holder, who has the money, may keep it."""
    return of.posting(P.BOND_FORFEITED, "", (of.payer_id, K.BONDS_LODGED, -amount), (of.payee_id, K.BONDS_HELD, amount))


def captured(of: Parties, amount: int, event: str = "") -> Posting:
    """Money arrived at the provider: the debt is paid, the platform keeps it for the payee."""
    kept = (PLATFORM, K.PROVIDER, amount), (PLATFORM, K.CUSTODY, -amount)
    moved = (of.payer_id, K.OUTSIDE, -amount), (of.payee_id, K.ESCROW, amount)
    return of.posting(P.CAPTURED, event, *moved, *kept, *_settled(of, amount))


def provider_fee(of: Parties, amount: int, event: str, currency: str | None = None) -> Posting:
    """What the provider took for itself; the platform bears it. `event` is the provider's own id of it."""
    money = currency or of.currency
    lines = Line(PLATFORM, K.FEES, amount, money), Line(PLATFORM, K.PROVIDER, -amount, money)
    return Posting(P.PROVIDER_FEE, of.key(P.PROVIDER_FEE, event), lines)


def exchanged(of: Parties, amount: int, event: str, settled: int, currency: str) -> Posting:
    """The provider settles `amount` fen of the payable's currency as `settled` cents of another `currency`; a part of a
    charge may be nothing at all there."""
    lines = (
        Line(PLATFORM, K.PROVIDER, -amount, of.currency),
        Line(PLATFORM, K.EXCHANGE, amount, of.currency),
        Line(PLATFORM, K.PROVIDER, settled, currency),
        Line(PLATFORM, K.EXCHANGE, -settled, currency),
    )
    return Posting(P.EXCHANGED, of.key(P.EXCHANGED, event), tuple(line for line in lines if line.amount))


def _handed_on(
    of: Parties, to: int, amount: int, through: AccountKind = K.PROVIDER
) -> tuple[tuple[int, AccountKind, int], ...]:
    return (
        (to, K.OUTSIDE, amount),
        (of.payee_id, K.ESCROW, -amount),
        (PLATFORM, through, -amount),
        (PLATFORM, K.CUSTODY, amount),
    )


def paid_out(of: Parties, amount: int, event: str, *, through: AccountKind = K.PROVIDER) -> Posting:
    """What was kept goes to the payee. `event` is the transfer's id at the provider; `through` is the platform's
    `outside` when it went from the platform's own bank account."""
    return of.posting(P.PAID_OUT, event, *_handed_on(of, of.payee_id, amount, through))


def payout_reversed(of: Parties, amount: int, event: str, *, through: AccountKind = K.PROVIDER) -> Posting:
    """A payout taken back: the platform keeps the money again."""
    back = tuple((who, kind, -part) for who, kind, part in _handed_on(of, of.payee_id, amount, through))
    return of.posting(P.PAYOUT_REVERSED, event, *back)


def payout_uncovered(
    of: Parties, amount: int, event: str, *, back: bool, kept: int = 0, through: AccountKind = K.PROVIDER
) -> Posting:
    """A transfer to the payee, or its reversal (`back`), after the payer's bank has taken the money away for good: nothing
    is kept any more, so it is the platform's own balance that shrinks or recovers, and what the payee owes the platform
    that grows or is cleared. `kept` is the part of `amount` that the payee's money with the platform does cover."""
    sign = -1 if back else 1
    lines = [(of.payee_id, K.OUTSIDE, sign * amount), (PLATFORM, through, -sign * amount)]
    if kept:
        lines += [(of.payee_id, K.ESCROW, -sign * kept), (PLATFORM, K.CUSTODY, sign * kept)]
    if amount > kept:
        lines += _owed_back(of, sign * (amount - kept))
    return of.posting(P.PAYOUT_REVERSED if back else P.PAID_OUT, event, *lines)


def _owed_back(of: Parties, amount: int) -> tuple[tuple[int, AccountKind, int], ...]:
    """The payee has what the payer's bank took back: it owes the platform so much."""
    return (PLATFORM, K.RECEIVABLE, amount), (of.payee_id, K.PAYABLE, -amount)


def refunded(of: Parties, amount: int, event: str) -> Posting:
    """What was kept goes back to the payer. `event` is the refund's id at the provider."""
    return of.posting(P.REFUNDED, event, *_handed_on(of, of.payer_id, amount))


def refund_failed(of: Parties, amount: int, event: str, kept: int) -> Posting:
    """A refund came back: the platform keeps `kept` of it again; the rest makes up for what the payee owes since a lost
    dispute. `event` is the refund's id at the provider."""
    lines = [(of.payer_id, K.OUTSIDE, -amount), (PLATFORM, K.PROVIDER, amount)]
    if kept:
        lines += [(of.payee_id, K.ESCROW, kept), (PLATFORM, K.CUSTODY, -kept)]
    if amount > kept:
        lines += _owed_back(of, kept - amount)
    return of.posting(P.REFUND_FAILED, event, *lines)


def dispute_opened(of: Parties, amount: int, event: str) -> Posting:
    """The provider takes the disputed amount out of its balance until the bank has decided."""
    return of.posting(P.DISPUTE_OPENED, event, (PLATFORM, K.DISPUTED, amount), (PLATFORM, K.PROVIDER, -amount))


def dispute_won(of: Parties, amount: int, event: str) -> Posting:
    """The disputed amount comes back into the provider's balance."""
    return of.posting(P.DISPUTE_WON, event, (PLATFORM, K.PROVIDER, amount), (PLATFORM, K.DISPUTED, -amount))


def dispute_lost(of: Parties, amount: int, event: str, kept: int) -> Posting:
    """The payer's bank gave the money back. Of `amount`, `kept` was still with the platform for the payee; the rest had
    been paid out, is missing from the provider's balance, and is owed by the payee until a reversal brings it back."""
    lines = [(of.payer_id, K.OUTSIDE, amount), (PLATFORM, K.DISPUTED, -amount)]
    if kept:
        lines += [(of.payee_id, K.ESCROW, -kept), (PLATFORM, K.CUSTODY, kept)]
    if amount > kept:
        lines += _owed_back(of, amount - kept)
    return of.posting(P.DISPUTE_LOST, event, *lines)


def unapplied(of: Parties, amount: int, event: str) -> Posting:
    """Money at the provider that settles nothing (paid twice, paid after the payable was cancelled): to be given back."""
    return of.posting(
        P.UNAPPLIED,
        event,
        (of.payer_id, K.OUTSIDE, -amount),
        (of.payer_id, K.UNAPPLIED, amount),
        (PLATFORM, K.PROVIDER, amount),
        (PLATFORM, K.CUSTODY, -amount),
    )


def unapplied_taken(of: Parties, amount: int, event: str) -> Posting:
    """The payer's bank took it back before we could: the dispute (`event`) is lost, and nothing is owed to the payer."""
    return of.posting(
        P.UNAPPLIED_RETURNED,
        event,
        (of.payer_id, K.OUTSIDE, amount),
        (of.payer_id, K.UNAPPLIED, -amount),
        (PLATFORM, K.DISPUTED, -amount),
        (PLATFORM, K.CUSTODY, amount),
    )


def unapplied_returned(of: Parties, amount: int, event: str) -> Posting:
    """It went back."""
    return of.posting(
        P.UNAPPLIED_RETURNED,
        event,
        (of.payer_id, K.OUTSIDE, amount),
        (of.payer_id, K.UNAPPLIED, -amount),
        (PLATFORM, K.PROVIDER, -amount),
        (PLATFORM, K.CUSTODY, amount),
    )


def unapplied_return_failed(of: Parties, amount: int, event: str) -> Posting:
    """It came back once more."""
    return of.posting(
        P.UNAPPLIED_RETURN_FAILED,
        event,
        (of.payer_id, K.OUTSIDE, -amount),
        (of.payer_id, K.UNAPPLIED, amount),
        (PLATFORM, K.PROVIDER, amount),
        (PLATFORM, K.CUSTODY, -amount),
    )
