"""Form text → a variant of the rules, or one sentence per number that cannot be tried."""

from core.forms import Form
from grading.rules.laboratory import NothingChanged, knobs_of, read_changes
from grading.services.proposals import Variant

LONG = 2000
FIELD = "changes-"
"""Numbers are the fields `changes-<knob>`; in JSON they are the object `changes`."""


def parse_variant(form: Form, base_id: int, source: str) -> Variant:
    """The changed numbers and why; `FormInvalid` per field, `NothingChanged` when it is the scheme itself."""
    purpose = form.text("purpose", max_length=LONG)
    typed = {knob.name: form.text(FIELD + knob.name, required=False, max_length=20) for knob in knobs_of(source)}
    changes, faults = read_changes(source, typed)
    for name, fault in faults.items():
        form.error(FIELD + name, fault.text, **fault.params)
    form.finish()
    if not changes:
        raise NothingChanged
    return Variant(base_id, purpose, changes)
