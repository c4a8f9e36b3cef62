"""Whether a resource has the form that R4 gives it: elements, cardinalities, codes, invariants."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from gpcli.sandbox.fhir import dates
from gpcli.sandbox.fhir.elements import Resource, attachments, values
from gpcli.sandbox.fhir.outcome import Problem
from gpcli.sandbox.fhir.shapes import SHAPES, Shape


class Flaw(NamedTuple):
    """What is wrong, as an issue type; where, as a FHIRPath; and a sentence about it."""

    code: str
    where: str
    text: str


def validate(resource: Resource) -> None:
    """Raise Problem 422 at the first flaw of the resource; types without a shape pass."""
    type_ = resource["resourceType"]
    flaws = [*_object(resource, type_, type_)] or [*_INVARIANTS.get(type_, _none)(resource)]
    if flaws:
        first = flaws[0]
        raise Problem(422, first.code, first.text, expression=[first.where])


def _object(element: Any, type_: str, where: str) -> Iterator[Flaw]:
    shape = SHAPES.get(type_)
    if not isinstance(element, dict) or not element:
        yield Flaw("structure", where, f"{where} must be an object with something in it.")
        return
    if shape is None:
        return
    yield from _absent(element, shape, where)
    for name, value in element.items():
        yield from _member(name, value, shape, f"{where}.{name}")


def _absent(element: Resource, shape: Mapping[str, Shape], where: str) -> Iterator[Flaw]:
    for name, each in shape.items():
        if each.required and name not in element:
            yield Flaw("required", f"{where}.{name}", f"{where}.{name} is missing.")


def _member(name: str, value: Any, shape: Mapping[str, Shape], where: str) -> Iterator[Flaw]:
    each = shape.get(name)
    if each is None:
        yield from _beside(name, value, shape, where)
    elif not each.many:
        yield from _value(value, each, where)
    elif not isinstance(value, list) or not value:
        yield Flaw("structure", where, f"{where} must be a list with something in it.")
    else:
        for number, item in enumerate(value):
            yield from _value(item, each, f"{where}[{number}]")


def _beside(name: str, value: Any, shape: Mapping[str, Shape], where: str) -> Iterator[Flaw]:
    """What stands beside a primitive element, as `_birthDate`: its id and extensions."""
    primitive = shape.get(name.removeprefix("_"))
    if not name.startswith("_") or primitive is None or primitive.type not in _PRIMITIVES:
        yield Flaw("structure", where, f"{where} is no element of FHIR R4.")
        return
    for item in value if isinstance(value, list) else [value]:
        if item is not None:
            yield from _object(item, "Element", where)


def _value(value: Any, shape: Shape, where: str) -> Iterator[Flaw]:
    if shape.codes and value not in shape.codes:
        yield Flaw("code-invalid", where, f"{where} must be one of: {', '.join(shape.codes)}.")
    elif shape.type in _PRIMITIVES:
        if not _PRIMITIVES[shape.type](value):
            yield Flaw("value", where, f"{where} is not a valid {shape.type}.")
    else:
        yield from _object(value, shape.type, where)


def _text(pattern: str) -> Callable[[Any], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _date(pattern: str) -> Callable[[Any], bool]:
    is_written_so = _text(pattern)
    return lambda value: is_written_so(value) and _is_possible(value)


def _is_possible(value: str) -> bool:
    try:
        dates.span(value)
    except (ValueError, OverflowError):
        return False
    return True


def _whole(least: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value < 2**31


_DAY = r"\d{4}-\d\d-\d\d"
_TIME = r"T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
_ADDRESS = _text(r"\S+")
_FREE_TEXT = _text(r"(?s)(?=.*\S)[^\x00-\x08\x0b\x0c\x0e-\x1f]+")
_ID = _text(r"[A-Za-z0-9.-]{1,64}")

_PRIMITIVES: Mapping[str, Callable[[Any], bool]] = {
    "base64Binary": _text(r"[A-Za-z0-9+/\s]*={0,2}\s*"),
    "boolean": lambda value: isinstance(value, bool),
    "canonical": _ADDRESS,
    "code": _text(r"[^\s]+( [^\s]+)*"),
    "date": _date(rf"\d{{4}}(-\d\d)?|{_DAY}"),
    "dateTime": _date(rf"\d{{4}}(-\d\d)?|{_DAY}({_TIME})?"),
    "decimal": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "id": _ID,
    "instant": _date(_DAY + _TIME),
    "integer": _whole(-(2**31)),
    "markdown": _FREE_TEXT,
    "oid": _text(r"urn:oid:[0-2](\.(0|[1-9]\d*))+"),
    "positiveInt": _whole(1),
    "string": _FREE_TEXT,
    "time": _text(r"\d\d:\d\d:\d\d(\.\d+)?"),
    "unsignedInt": _whole(0),
    "uri": _ADDRESS,
    "url": _ADDRESS,
    "uuid": _text(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
}

_UNTIMED = ("proposed", "cancelled", "waitlist")


def _appointment(appointment: Resource) -> Iterator[Flaw]:
    """app-1 to app-4 of R4, and that it ends after it starts."""
    status, times = appointment["status"], [appointment.get("start"), appointment.get("end")]
    for number, participant in enumerate(appointment["participant"]):
        if "type" not in participant and "actor" not in participant:
            where = f"Appointment.participant[{number}]"
            yield Flaw("invariant", where, "A participant has a type or an actor (app-1).")
    if times.count(None) == 1:
        yield Flaw("invariant", "Appointment", "Give both start and end, or neither (app-2).")
    if times.count(None) == 2 and status not in _UNTIMED:
        text = f"An appointment that is {status} has a start and an end (app-3)."
        yield Flaw("invariant", "Appointment", text)
    if "cancelationReason" in appointment and status not in ("cancelled", "noshow"):
        text = "Only what is cancelled has a cancelationReason (app-4)."
        yield Flaw("invariant", "Appointment.cancelationReason", text)
    yield from _ordered(appointment, "Appointment")


def _ordered(element: Resource, where: str) -> Iterator[Flaw]:
    if "start" not in element or "end" not in element:
        return
    if dates.instant(element["end"]) < dates.instant(element["start"]):
        yield Flaw("invariant", where, "It can't end before it starts.")


def _consent(consent: Resource) -> Iterator[Flaw]:
    """ppc-1 of R4: some policy; sourceAttachment and sourceReference exclude each other."""
    if "policy" not in consent and "policyRule" not in consent:
        yield Flaw("invariant", "Consent", "A consent names a policy or a policyRule (ppc-1).")
    if "sourceAttachment" in consent and "sourceReference" in consent:
        yield Flaw("structure", "Consent", "A consent has one source[x] only.")


def _communication(communication: Resource) -> Iterator[Flaw]:
    """Each payload has one content[x]."""
    for number, payload in enumerate(communication.get("payload", ())):
        if sum(name.startswith("content") for name in payload) != 1:
            where = f"Communication.payload[{number}]"
            yield Flaw("required", where, f"{where} has one content[x].")


def _attachments(resource: Resource) -> Iterator[Flaw]:
    """att-1 of R4: what comes with data says of what type they are."""
    for attachment in attachments(resource):
        if "data" in attachment and "contentType" not in attachment:
            where = resource["resourceType"]
            yield Flaw("invariant", where, "An attachment with data has a contentType (att-1).")


def _task(task: Resource) -> Iterator[Flaw]:
    """inv-1 of R4: it can't have changed before it was written."""
    if "authoredOn" not in task or "lastModified" not in task:
        return
    if dates.instant(task["lastModified"]) < dates.instant(task["authoredOn"]):
        text = "A task changes after it is written (inv-1)."
        yield Flaw("invariant", "Task.lastModified", text)


def _extensions(resource: Resource) -> Iterator[Flaw]:
    """ext-1 of R4, at the top of the resource: a value or extensions, not both."""
    for extension in values(resource, "extension"):
        has_value = any(name.startswith(("value", "_value")) for name in extension)
        if has_value == ("extension" in extension):
            where = f"{resource['resourceType']}.extension"
            yield Flaw("invariant", where, "An extension has a value or extensions (ext-1).")


def _checked(*rules: Callable[[Resource], Iterator[Flaw]]) -> Callable[[Resource], Iterator[Flaw]]:
    def check(resource: Resource) -> Iterator[Flaw]:
        for rule in rules:
            yield from rule(resource)

    return check


def _none(resource: Resource) -> Iterator[Flaw]:
    return iter(())


_INVARIANTS: Mapping[str, Callable[[Resource], Iterator[Flaw]]] = {
    "Appointment": _checked(_appointment, _extensions),
    "Communication": _checked(_communication, _attachments, _extensions),
    "Consent": _checked(_consent, _extensions),
    "DocumentReference": _checked(_attachments, _extensions),
    "Slot": _checked(lambda slot: _ordered(slot, "Slot"), _extensions),
    "Patient": _checked(_extensions),
    "Task": _checked(_task, _extensions),
}
