"""Form text → commands of the front doors."""

from core.forms import Form
from portal.rules.reports import LONGEST, ErrorReport


def parse_report(form: Form) -> ErrorReport:
    """A report of an error. FormInvalid when nothing is said."""
    report = ErrorReport(
        page=form.text("page", required=False, max_length=300) or "",
        words=form.text("words", max_length=LONGEST) or "",
        contact=form.text("contact", required=False, max_length=120) or "",
    )
    form.finish()
    return report
