"""The register of agencies. History is kept: rows end (`ended_on`), they are not deleted."""

from piccolo.columns import (
    JSONB,
    Array,
    BigInt,
    BigSerial,
    Boolean,
    Date,
    ForeignKey,
    Integer,
    Numeric,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.columns.indexes import IndexMethod
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from core.tables import Account, Organization, StoredFile


class AgencyFiling(Table, tablename="agencies_filing"):
    """One case of registration or change. The draft is the dossier as filled in so far."""

    id = BigSerial(primary_key=True)
    organization = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict)
    kind = Varchar(length=20)
    state = Varchar(length=20, index=True)
    version = Integer(default=1)
    draft = JSONB()
    defects = JSONB()
    returns = Integer(default=0)
    opened_at = Timestamptz()
    submitted_at = Timestamptz(null=True, default=None)
    check_due_at = Timestamptz(null=True, default=None)
    returned_at = Timestamptz(null=True, default=None)
    noticed_at = Timestamptz(null=True, default=None)
    notice_until = Timestamptz(null=True, default=None)
    closed_at = Timestamptz(null=True, default=None)
    number = Varchar(length=40, null=True, default=None, unique=True)
    receipt_number = Varchar(length=40, null=True, default=None, unique=True)
    receipt_entry = BigInt(null=True, default=None)

    agencies_filing_state_known = Check(
        "state in ('draft','submitted','returned','noticed','objected','recorded','refused','withdrawn')"
    )


class FilingObjection(Table, tablename="agencies_objection"):
    """What somebody brought forward against a filing while it was on public notice."""

    id = BigSerial(primary_key=True)
    filing = ForeignKey(AgencyFiling, null=False, on_delete=OnDelete.restrict)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    organization = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict)
    text = Text()
    state = Varchar(length=20)
    lodged_at = Timestamptz()
    decided_at = Timestamptz(null=True, default=None)
    reasons = Text(default="")


class Agency(Table, tablename="agencies_agency"):
    """An agency on record. The representative, contact and controller are personal data."""

    id = BigSerial(primary_key=True)
    organization = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict, unique=True)
    filing = ForeignKey(AgencyFiling, null=False, on_delete=OnDelete.restrict)
    name_zh = Varchar(length=200)
    name_en = Varchar(length=300, default="")
    uscc = Varchar(length=18, unique=True)
    region_code = Varchar(length=6, index=True)
    region_zh = Varchar(length=100)
    region_en = Varchar(length=200, default="")
    address = Varchar(length=200)
    website = Varchar(length=200, default="")
    founded_on = Date(null=True, default=None)
    legal_representative = Varchar(length=80)
    contact_name = Varchar(length=80)
    contact_phone = Varchar(length=40)
    controller = Varchar(length=200)
    staff_total = Integer()
    staff_certified = Integer()
    service_text = Text(default="")
    signed_by = Varchar(length=80, default="")
    declared_on = Date()
    recorded_on = Date(index=True)
    changed_on = Date()
    grams = Array(base_column=Text(), index=True, index_method=IndexMethod.gin)


class AgencyProfession(Table, tablename="agencies_profession"):
    """A profession on record, with the grade now in force beside it for one-query lists.

    The register of grades is `GradeRecord`; these columns repeat its latest line and are written
    in the same transaction (a test compares them).
    """

    id = BigSerial(primary_key=True)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict)
    profession = Varchar(length=30)
    recorded_on = Date()
    ended_on = Date(null=True, default=None)
    items = Array(base_column=Text(), index=True, index_method=IndexMethod.gin)
    qualified_until = Date()
    best_class = Varchar(length=20)
    grade = Varchar(length=1, default="N")
    score = Numeric(digits=(6, 2), null=True, default=None)
    low = Numeric(digits=(6, 2), null=True, default=None)
    high = Numeric(digits=(6, 2), null=True, default=None)
    firm = Boolean(default=False)
    graded_on = Date(null=True, default=None)
    figures = JSONB()

    agencies_profession_once = Unique(["agency", "profession"])
    agencies_profession_grade_known = Check("grade in ('A','B','C','D','N')")


class Qualification(Table, tablename="agencies_qualification"):
    """A certificate on record with its scan; `expires_on` null means without end."""

    id = BigSerial(primary_key=True)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict)
    profession = Varchar(length=30)
    kind_zh = Varchar(length=100)
    kind_en = Varchar(length=200, default="")
    number = Varchar(length=80)
    grade = Varchar(length=20)
    scope_zh = Varchar(length=500)
    scope_en = Varchar(length=800, default="")
    issuer = Varchar(length=100)
    expires_on = Date(null=True, default=None)
    items = Array(base_column=Text())
    scan = ForeignKey(StoredFile, null=False, on_delete=OnDelete.restrict)
    recorded_on = Date()
    ended_on = Date(null=True, default=None)


class Practitioner(Table, tablename="agencies_practitioner"):
    """A person on an agency's staff from `recorded_on` until `ended_on`; one agency at a time.

    The partial unique index on the certificate (see the second migration) is the judge of that.
    """

    id = BigSerial(primary_key=True)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict)
    name = Varchar(length=80)
    certificate_kind = Varchar(length=100)
    certificate_no = Varchar(length=80)
    certificate_expires_on = Date(null=True, default=None)
    insured_months = Integer()
    employed_since = Date(null=True, default=None)
    recorded_on = Date()
    ended_on = Date(null=True, default=None)


class Affiliation(Table, tablename="agencies_affiliation"):
    """A declared relation. `target` is a department code or a credit code (see `target_kind`); `left_on` is
    the last day of an earlier employment."""

    id = BigSerial(primary_key=True)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict)
    kind = Varchar(length=30)
    target_kind = Varchar(length=20)
    target = Varchar(length=40, index=True)
    bars = Boolean()
    note = Varchar(length=300, default="")
    left_on = Date(null=True, default=None)
    recorded_on = Date()
    ended_on = Date(null=True, default=None)


class ServiceCommitment(Table, tablename="agencies_commitment"):
    """What the agency promises for one service item: working days, basis of the fee, a price."""

    id = BigSerial(primary_key=True)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict)
    item = Varchar(length=20, index=True)
    days = Integer()
    fee_basis = Varchar(length=300)
    reference_price = Numeric(digits=(14, 2), null=True, default=None)
    recorded_on = Date()
    ended_on = Date(null=True, default=None)


class GradeRecord(Table, tablename="agencies_grade_record"):
    """A published grade, insert-only; the grade on a day is the latest published by then."""

    id = BigSerial(primary_key=True)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict)
    profession = Varchar(length=30)
    grade = Varchar(length=1)
    score = Numeric(digits=(6, 2), null=True, default=None)
    low = Numeric(digits=(6, 2), null=True, default=None)
    high = Numeric(digits=(6, 2), null=True, default=None)
    firm = Boolean()
    scheme = Varchar(length=40)
    as_of = Date()
    published_at = Timestamptz()
    publication_no = Varchar(length=60)
    figures = JSONB()

    agencies_grade_record_once = Unique(["publication_no", "agency", "profession"])
    agencies_grade_record_grade_known = Check("grade in ('A','B','C','D','N')")


class ExpiryWarning(Table, tablename="agencies_expiry_warning"):
    """That an agency was warned of an expiry at 90, 60 or 30 days; once each."""

    id = BigSerial(primary_key=True)
    qualification = ForeignKey(Qualification, null=False, on_delete=OnDelete.restrict)
    days = Integer()
    sent_at = Timestamptz()

    agencies_expiry_warning_once = Unique(["qualification", "days"])
