"""Signals, and the cases opened from them."""

from piccolo.columns import JSONB, Array, BigInt, BigSerial, Boolean, ForeignKey, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from core.tables import Account, Organization, StoredFile


class Signal(Table, tablename="market_signal"):
    """A fact somebody should look at; not an accusation. Found again it keeps its row, no longer found it stays.

    `signature` is the digest of code, subject and key; the ids say which records it rests on.
    """

    id = BigSerial(primary_key=True)
    signature = Varchar(length=64, unique=True)
    code = Varchar(length=30, index=True)
    subject = Varchar(length=60, index=True)
    params = JSONB()
    notices = Array(base_column=BigInt())
    agencies = Array(base_column=BigInt())
    clients = Array(base_column=BigInt())
    state = Varchar(length=10, default="found")
    first_found_at = Timestamptz()
    last_found_at = Timestamptz()
    gone_at = Timestamptz(null=True, default=None)
    noted_at = Timestamptz(null=True, default=None)
    note = Text(default="")

    market_signal_known_state = Check("state in ('found','gone')")


class SignalCase(Table, tablename="market_signal_case"):
    """A case opened from signals. `facts` is what the parties were shown, frozen when it was opened.

    `digest` covers number, facts, replies, result and reasons: what the deciding officer put its name to.
    """

    id = BigSerial(primary_key=True)
    number = Varchar(length=40, unique=True)
    state = Varchar(length=12, index=True)
    question = Text()
    facts = JSONB()
    opened_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    opened_at = Timestamptz()
    reply_until = Timestamptz()
    decided_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    decided_at = Timestamptz(null=True, default=None)
    result = Varchar(length=20, default="")
    reasons = Text(default="")
    conduct_code = Varchar(length=10, default="")
    digest = Varchar(length=64, default="")

    market_signal_case_state = Check("state in ('open','decided','withdrawn')")


class CaseSignal(Table, tablename="market_case_signal"):
    """Which signals a case was opened from."""

    id = BigSerial(primary_key=True)
    signal_case = ForeignKey(SignalCase, null=False, on_delete=OnDelete.restrict, index=True)
    signal = ForeignKey(Signal, null=False, on_delete=OnDelete.restrict, index=True)

    market_case_signal_once = Unique(["signal_case", "signal"])


class CaseParty(Table, tablename="market_case_party"):
    """An organisation named in a case, and its reply once it has given one."""

    id = BigSerial(primary_key=True)
    signal_case = ForeignKey(SignalCase, null=False, on_delete=OnDelete.restrict, index=True)
    organization = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict, index=True)
    breach = Boolean(default=False)

    market_case_party_once = Unique(["signal_case", "organization"])


class CaseStatement(Table, tablename="market_case_statement"):
    """What a party said in a case. Later statements add to earlier ones, nothing is overwritten."""

    id = BigSerial(primary_key=True)
    party = ForeignKey(CaseParty, null=False, on_delete=OnDelete.restrict, index=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    text = Text()
    made_at = Timestamptz()


class CaseFile(Table, tablename="market_case_file"):
    """A file that came with a statement."""

    id = BigSerial(primary_key=True)
    statement = ForeignKey(CaseStatement, null=False, on_delete=OnDelete.restrict, index=True)
    file = ForeignKey(StoredFile, null=False, on_delete=OnDelete.restrict)
