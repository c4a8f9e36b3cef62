"""Modifiers: what in a record can change the meaning of all the rest of it (R4 2.6.1.2).

The modifier elements of R4 are heeded where each type is read. A record is not understood where
one of them has a code that R4 does not have, or where it has a modifier extension, or rules by
which it was made, that gpcli does not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gpcli.fhir.element import Element, Malformed

_EVENT = frozenset(
    {
        *("preparation", "in-progress", "not-done", "on-hold", "stopped", "completed"),
        *("entered-in-error", "unknown"),
    }
)
_PUBLICATION = frozenset({"draft", "active", "retired", "unknown"})

DECIDING_CODES: Mapping[str, frozenset[str]] = {
    "Appointment.status": frozenset(
        {
            *("proposed", "pending", "booked", "arrived", "fulfilled", "cancelled", "noshow"),
            *("entered-in-error", "checked-in", "waitlist"),
        }
    ),
    "AppointmentResponse.participantStatus": frozenset(
        {"accepted", "declined", "tentative", "needs-action"}
    ),
    "CapabilityStatement.status": _PUBLICATION,
    "ChargeItemDefinition.status": _PUBLICATION,
    "Communication.status": _EVENT,
    "Consent.status": frozenset(
        {"draft", "proposed", "active", "rejected", "inactive", "entered-in-error"}
    ),
    "DocumentReference.status": frozenset({"current", "superseded", "entered-in-error"}),
    "Flag.status": frozenset({"active", "inactive", "entered-in-error"}),
    "Immunization.status": frozenset({"completed", "entered-in-error", "not-done"}),
    "Location.status": frozenset({"active", "suspended", "inactive"}),
    "Media.status": _EVENT,
    "Medication.status": frozenset({"active", "inactive", "entered-in-error"}),
    "MedicationDispense.status": frozenset(
        {
            *("preparation", "in-progress", "cancelled", "on-hold", "completed"),
            *("entered-in-error", "stopped", "declined", "unknown"),
        }
    ),
    "MedicationRequest.intent": frozenset(
        {
            *("proposal", "plan", "order", "original-order", "reflex-order", "filler-order"),
            *("instance-order", "option"),
        }
    ),
    "MedicationRequest.status": frozenset(
        {
            *("active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped"),
            *("draft", "unknown"),
        }
    ),
    "Slot.status": frozenset(
        {"busy", "free", "busy-unavailable", "busy-tentative", "entered-in-error"}
    ),
    "Task.status": frozenset(
        {
            *("draft", "requested", "received", "accepted", "rejected", "ready", "cancelled"),
            *("in-progress", "on-hold", "failed", "completed", "entered-in-error"),
        }
    ),
}
"""The elements whose code decides what a record means -> the codes that R4 has for them.

They are all modifier elements with a code in the types that gpcli reads, and `Slot.status`. A
record with another code is not understood.
"""
AS_WRITTEN = frozenset({"Appointment.status", "Communication.status", "Task.status"})
"""Those of them of which another code is shown as written, with a remark: a visit, a message or an
answer that vanished would be worse than one of which it is not known how it stands."""

_MAX_CODE = 40

_DECIDING = tuple(dict.fromkeys(each.partition(".")[2] for each in DECIDING_CODES))


class NotUnderstood(Malformed):
    """A record may mean something else than it seems to, and gpcli can't tell."""


def require_understood(record: Element) -> None:
    """Raise NotUnderstood for a record with a modifier that gpcli does not know.

    gpcli knows no modifier extension and no implicit rules, and of codes only R4's own.
    Source: R4 extensibility.html 2.4.0.1, resource.html `implicitRules`, terminologies.html
    `required`.
    """
    if record.json.get("implicitRules"):
        raise NotUnderstood(
            f"{_label(record)} follows rules that gpcli does not know (implicitRules)"
        )
    if _has_modifier(record.json):
        raise NotUnderstood(
            f"{_label(record)} has a modifier that gpcli does not know (modifierExtension), so it "
            "may mean something else than it seems to"
        )
    for name in _DECIDING:
        require_known_code(record, name)


def require_known_code(resource: Element, name: str) -> None:
    """Raise NotUnderstood where an element of DECIDING_CODES has a code that R4 does not have.

    One that is absent, or is no string, is for who reads it.
    """
    path = f"{resource.json.get('resourceType')}.{name}"
    if path not in AS_WRITTEN and _find_unknown_code(resource, path):
        raise NotUnderstood(f"{_label(resource)} has another {name} than R4 allows")


def describe_unknown_codes(record: Element) -> Iterator[str]:
    """Yield a sentence for each element of AS_WRITTEN with a code that R4 does not have."""
    for path in AS_WRITTEN:
        if code := _find_unknown_code(record, path):
            yield f"{_label(record)} has a status that R4 does not have: '{code[:_MAX_CODE]}'."


def _find_unknown_code(resource: Element, path: str) -> str | None:
    kind, _, name = path.partition(".")
    code = resource.json.get(name) if resource.json.get("resourceType") == kind else None
    is_known = not isinstance(code, str) or code in DECIDING_CODES.get(path, {code})
    return None if is_known else code


def _label(resource: Element) -> str:
    name = resource.json.get("id")
    return f"{resource.path}/{name}" if isinstance(name, str) else resource.path


def _has_modifier(json: object) -> bool:
    if isinstance(json, dict):
        return bool(json.get("modifierExtension")) or any(map(_has_modifier, json.values()))
    return isinstance(json, list) and any(map(_has_modifier, json))
