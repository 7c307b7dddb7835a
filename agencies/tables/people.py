"""Flags on registered professionals. A flag belongs to the person's certificate, not to an employer."""

from piccolo.columns import BigSerial, Boolean, Date, ForeignKey, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from core.tables import Account


class PersonFlag(Table, tablename="agencies_person_flag"):
    """A decision against a registered professional, found again wherever the certificate is registered.

    `bars` is a statutory ban: while it runs, the person signs no result. Personal data: shown to officers and to
    the present employer, never in public.
    """

    id = BigSerial(primary_key=True)
    certificate_no = Varchar(length=80, index=True)
    name = Varchar(length=80)
    document_no = Varchar(length=80)
    authority = Varchar(length=120)
    facts = Text()
    bars = Boolean(default=False)
    starts_on = Date()
    ends_on = Date()
    ended_on = Date(null=True, default=None)
    end_reason = Text(default="")
    recorded_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    recorded_at = Timestamptz()

    agencies_person_flag_term = Check("ends_on > starts_on and document_no <> ''")
    agencies_person_flag_once = Unique(["certificate_no", "document_no"])
