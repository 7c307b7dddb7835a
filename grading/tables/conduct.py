"""What stands behind a finding: the files of both sides, and which event of the record was proposed by the sweep."""

from piccolo.columns import BigSerial, ForeignKey, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from core.tables import StoredFile
from grading.tables import ConductPoint


class ConductFile(Table, tablename="grading_conduct_file"):
    """A file of the evidence (`side` is evidence) or of the agency's reply (reply)."""

    id = BigSerial(primary_key=True)
    conduct = ForeignKey(ConductPoint, null=False, on_delete=OnDelete.restrict, index=True)
    side = Varchar(length=10)
    file = ForeignKey(StoredFile, null=False, on_delete=OnDelete.restrict)

    grading_conduct_file_side = Check("side in ('evidence', 'reply')")
    grading_conduct_file_once = Unique(["conduct", "file"])


class ConductSwept(Table, tablename="grading_conduct_swept"):
    """That an event of the record led to a proposal by the clock; `event` is unique, so it never does twice."""

    id = BigSerial(primary_key=True)
    event = Varchar(length=60, unique=True)
    conduct = ForeignKey(ConductPoint, null=False, on_delete=OnDelete.restrict)
    swept_at = Timestamptz()
