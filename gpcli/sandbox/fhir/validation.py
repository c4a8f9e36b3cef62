"""Validate resources against R4: elements, cardinalities, required codes and invariants."""

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from gpcli.sandbox.fhir.dates import date_span, parse_instant
from gpcli.sandbox.fhir.elements import Resource, attachments_in, values_at
from gpcli.sandbox.fhir.operation_outcome import FhirError
from gpcli.sandbox.fhir.structure_definitions import STRUCTURES, ElementDefinition


class ValidationIssue(NamedTuple):
    """An issue: its type, its FHIRPath, and a sentence about it."""

    code: str
    path: str
    text: str


def validate_resource(resource: Resource) -> None:
    """Raise 422 at the first issue of the resource; types without a definition pass."""
    type_ = resource["resourceType"]
    issues = [*_object_issues(resource, type_, type_)] or [
        *_INVARIANTS.get(type_, _no_issues)(resource)
    ]
    if issues:
        first = issues[0]
        raise FhirError(422, first.code, first.text, expression=[first.path])


def _object_issues(element: Any, type_: str, path: str) -> Iterator[ValidationIssue]:
    structure = STRUCTURES.get(type_)
    if not isinstance(element, dict) or not element:
        yield ValidationIssue("structure", path, f"{path} must be an object with something in it.")
        return
    if structure is None:
        return
    for name, value in element.items():
        yield from _element_issues(name, value, structure, f"{path}.{name}")
    yield from _missing_issues(element, structure, path)


def _missing_issues(
    element: Resource, structure: Mapping[str, ElementDefinition], path: str
) -> Iterator[ValidationIssue]:
    for name, definition in structure.items():
        if definition.required and name not in element:
            yield ValidationIssue("required", f"{path}.{name}", f"{path}.{name} is missing.")


def _element_issues(
    name: str, value: Any, structure: Mapping[str, ElementDefinition], path: str
) -> Iterator[ValidationIssue]:
    definition = structure.get(name)
    if definition is None:
        yield from _primitive_extension_issues(name, value, structure, path)
    elif not definition.is_list:
        yield from _value_issues(value, definition, path)
    elif not isinstance(value, list) or not value:
        yield ValidationIssue("structure", path, f"{path} must be a list with something in it.")
    else:
        for number, item in enumerate(value):
            yield from _value_issues(item, definition, f"{path}[{number}]")


def _primitive_extension_issues(
    name: str, value: Any, structure: Mapping[str, ElementDefinition], path: str
) -> Iterator[ValidationIssue]:
    """Validate what accompanies a primitive element, as `_birthDate`: id, extensions."""
    primitive = structure.get(name.removeprefix("_"))
    if not name.startswith("_") or primitive is None or primitive.type not in _PRIMITIVES:
        near = get_close_matches(name, structure, 1)
        guess = f": did you mean '{near[0]}'?" if near else "."
        yield ValidationIssue("structure", path, f"{path} is no element of FHIR R4{guess}")
        return
    for item in value if isinstance(value, list) else [value]:
        if item is not None:
            yield from _object_issues(item, "Element", path)


def _value_issues(
    value: Any, definition: ElementDefinition, path: str
) -> Iterator[ValidationIssue]:
    if definition.codes and value not in definition.codes:
        yield ValidationIssue(
            "code-invalid", path, f"{path} must be one of: {', '.join(definition.codes)}."
        )
    elif definition.type in _PRIMITIVES:
        if not _PRIMITIVES[definition.type](value):
            yield ValidationIssue("value", path, f"{path} is not a valid {definition.type}.")
    else:
        yield from _object_issues(value, definition.type, path)


def _text_check(pattern: str) -> Callable[[Any], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _date_check(pattern: str) -> Callable[[Any], bool]:
    matches = _text_check(pattern)
    return lambda value: matches(value) and _is_calendar_date(value)


def _is_calendar_date(value: str) -> bool:
    try:
        date_span(value)
    except (ValueError, OverflowError):
        return False
    return True


def _integer_check(least: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value < 2**31


_DAY = r"\d{4}-\d\d-\d\d"
_TIME = r"T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
_ADDRESS = _text_check(r"\S+")
_FREE_TEXT = _text_check(r"(?s)(?=.*\S)[^\x00-\x08\x0b\x0c\x0e-\x1f]+")
_ID = _text_check(r"[A-Za-z0-9.-]{1,64}")

_PRIMITIVES: Mapping[str, Callable[[Any], bool]] = {
    "base64Binary": _text_check(r"[A-Za-z0-9+/\s]*={0,2}\s*"),
    "boolean": lambda value: isinstance(value, bool),
    "canonical": _ADDRESS,
    "code": _text_check(r"[^\s]+( [^\s]+)*"),
    "date": _date_check(rf"\d{{4}}(-\d\d)?|{_DAY}"),
    "dateTime": _date_check(rf"\d{{4}}(-\d\d)?|{_DAY}({_TIME})?"),
    "decimal": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "id": _ID,
    "instant": _date_check(_DAY + _TIME),
    "integer": _integer_check(-(2**31)),
    "markdown": _FREE_TEXT,
    "oid": _text_check(r"urn:oid:[0-2](\.(0|[1-9]\d*))+"),
    "positiveInt": _integer_check(1),
    "string": _FREE_TEXT,
    "time": _text_check(r"\d\d:\d\d:\d\d(\.\d+)?"),
    "unsignedInt": _integer_check(0),
    "uri": _ADDRESS,
    "url": _ADDRESS,
    "uuid": _text_check(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
}

_STATUSES_WITHOUT_TIME = ("proposed", "cancelled", "waitlist")


def _appointment_issues(appointment: Resource) -> Iterator[ValidationIssue]:
    """Check invariants app-1 to app-4, and that the end follows the start."""
    status, times = appointment["status"], [appointment.get("start"), appointment.get("end")]
    for number, participant in enumerate(appointment["participant"]):
        if "type" not in participant and "actor" not in participant:
            path = f"Appointment.participant[{number}]"
            yield ValidationIssue(
                "invariant", path, "A participant has a type or an actor (app-1)."
            )
    if times.count(None) == 1:
        yield ValidationIssue(
            "invariant", "Appointment", "Give both start and end, or neither (app-2)."
        )
    if times.count(None) == 2 and status not in _STATUSES_WITHOUT_TIME:
        text = f"An appointment that is {status} has a start and an end (app-3)."
        yield ValidationIssue("invariant", "Appointment", text)
    if "cancelationReason" in appointment and status not in ("cancelled", "noshow"):
        text = "Only what is cancelled has a cancelationReason (app-4)."
        yield ValidationIssue("invariant", "Appointment.cancelationReason", text)
    yield from _period_order_issues(appointment, "Appointment")


def _period_order_issues(element: Resource, path: str) -> Iterator[ValidationIssue]:
    if "start" not in element or "end" not in element:
        return
    if parse_instant(element["end"]) < parse_instant(element["start"]):
        yield ValidationIssue("invariant", path, "It can't end before it starts.")


def _consent_issues(consent: Resource) -> Iterator[ValidationIssue]:
    """Check invariant ppc-1 (a policy is required), and that there is one source[x]."""
    if "policy" not in consent and "policyRule" not in consent:
        yield ValidationIssue(
            "invariant", "Consent", "A consent names a policy or a policyRule (ppc-1)."
        )
    if "sourceAttachment" in consent and "sourceReference" in consent:
        yield ValidationIssue("structure", "Consent", "A consent has one source[x] only.")


def _communication_issues(communication: Resource) -> Iterator[ValidationIssue]:
    """Check that each payload has one content[x]."""
    for number, payload in enumerate(communication.get("payload", ())):
        if sum(name.startswith("content") for name in payload) != 1:
            path = f"Communication.payload[{number}]"
            yield ValidationIssue("required", path, f"{path} has one content[x].")


def _attachment_issues(resource: Resource) -> Iterator[ValidationIssue]:
    """Check invariant att-1: data need a contentType."""
    for attachment in attachments_in(resource):
        if "data" in attachment and "contentType" not in attachment:
            path = resource["resourceType"]
            yield ValidationIssue(
                "invariant", path, "An attachment with data has a contentType (att-1)."
            )


def _require_choice(name: str) -> Callable[[Resource], Iterator[ValidationIssue]]:
    """Return the check that there is one `name`[x]."""

    def check(resource: Resource) -> Iterator[ValidationIssue]:
        if sum(each.startswith(name) for each in resource) != 1:
            path = f"{resource['resourceType']}.{name}[x]"
            yield ValidationIssue("required", path, f"{path} must be there, and once.")

    return check


def _task_issues(task: Resource) -> Iterator[ValidationIssue]:
    """Check invariant inv-1: lastModified is not before authoredOn."""
    if "authoredOn" not in task or "lastModified" not in task:
        return
    if parse_instant(task["lastModified"]) < parse_instant(task["authoredOn"]):
        text = "A task changes after it is written (inv-1)."
        yield ValidationIssue("invariant", "Task.lastModified", text)


def _extension_issues(resource: Resource) -> Iterator[ValidationIssue]:
    """Check invariant ext-1 at the top level: a value or extensions, not both."""
    for extension in values_at(resource, "extension"):
        has_value = any(name.startswith(("value", "_value")) for name in extension)
        if has_value == ("extension" in extension):
            path = f"{resource['resourceType']}.extension"
            yield ValidationIssue(
                "invariant", path, "An extension has a value or extensions (ext-1)."
            )


def _combine(
    *rules: Callable[[Resource], Iterator[ValidationIssue]],
) -> Callable[[Resource], Iterator[ValidationIssue]]:
    def check(resource: Resource) -> Iterator[ValidationIssue]:
        for rule in rules:
            yield from rule(resource)

    return check


def _no_issues(resource: Resource) -> Iterator[ValidationIssue]:
    return iter(())


_INVARIANTS: Mapping[str, Callable[[Resource], Iterator[ValidationIssue]]] = {
    "Appointment": _combine(_appointment_issues, _extension_issues),
    "Communication": _combine(_communication_issues, _attachment_issues, _extension_issues),
    "Consent": _combine(_consent_issues, _extension_issues),
    "DocumentReference": _combine(_attachment_issues, _extension_issues),
    "Immunization": _combine(_require_choice("occurrence"), _extension_issues),
    "MedicationDispense": _combine(_require_choice("medication"), _extension_issues),
    "MedicationRequest": _combine(_require_choice("medication"), _extension_issues),
    "Slot": _combine(lambda slot: _period_order_issues(slot, "Slot"), _extension_issues),
    "Patient": _combine(_extension_issues),
    "Task": _combine(_task_issues, _extension_issues),
}
