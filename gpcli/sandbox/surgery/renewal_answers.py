"""Judge whether prescriptions can be renewed, and answer requests to renew them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from gpcli.sandbox.clock import ZONE
from gpcli.sandbox.fhir.dates import period_span, to_microseconds
from gpcli.sandbox.fhir.elements import Resource, id_of, reference_to, references_at, values_at
from gpcli.sandbox.store import Store
from gpcli.sandbox.surgery.answer import (
    AnsweredRequest,
    AnswerOptions,
    Outcome,
    is_decline_requested,
)

SNOMED = "http://snomed.info/sct"
RENEWAL_CODE = "103742009"
"""Renewal of prescription (SNOMED CT): the code of a Task that requests one."""
OPEN_TASK_STATUSES = ("requested", "received", "accepted", "in-progress", "on-hold")
"""The statuses of a request that the surgery has not answered."""
GROUP_SYSTEM = "7421"
"""The end of every code system for prescription groups (Volven 7421)."""
NEEDS_CONSULTATION = ("A", "B")
"""The groups that are prescribed only in a consultation."""
_RENEWABLE_STATUSES = ("active", "completed")
REPEAT_INFORMATION = (
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-MedicationRepeatInformation"
)
_CONSULTATION_TEXT = "A consultation is needed before this medicine is prescribed again."
_REFUSAL_TEXT = "The GP does not renew this prescription. Please book an appointment."
_DEFAULT_VALIDITY = timedelta(days=365)
_NOT_COPIED = ("id", "meta", "identifier", "text", "priorPrescription", "statusReason")


def renewal_obstacle(store: Store, prescription: Resource, now: datetime) -> str:
    """Return why a prescription can't be renewed, as a sentence; empty if it can."""
    if prescription["status"] not in _RENEWABLE_STATUSES:
        return f"This prescription is {prescription['status']}."
    if is_expired(prescription, now):
        return "This prescription has expired."
    if is_renewed(store, prescription):
        return "This prescription has been renewed: ask for the newer one."
    return ""


def is_expired(prescription: Resource, now: datetime) -> bool:
    """Return whether the prescription's validity period has ended."""
    validity = values_at(prescription, "dispenseRequest.validityPeriod")
    return any(period_span(each).high <= to_microseconds(now) for each in validity)


def is_renewed(store: Store, prescription: Resource) -> bool:
    """Return whether a newer prescription replaces this one."""
    own = {"patient": references_at(prescription, "subject")[0]}
    reference = reference_to(prescription)
    return any(
        reference in references_at(each, "priorPrescription")
        for each in store.find("MedicationRequest", **own)
    )


def read_prescription_group(store: Store, prescription: Resource) -> str:
    """Return the prescription group (`A`, `B`, `C` or another); empty if not stated."""
    return next(_groups(_read_medication(store, prescription)), "")


def _read_medication(store: Store, prescription: Resource) -> Resource:
    """Return the Medication, or one made of the prescription's concept."""
    if "medicationCodeableConcept" in prescription:
        return {"code": prescription["medicationCodeableConcept"]}
    for reference in references_at(prescription, "medicationReference"):
        contained = {f"#{each.get('id')}": each for each in prescription.get("contained", ())}
        return contained.get(reference) or store.get("Medication", id_of(reference)) or {}
    return {}


def _groups(medication: Resource) -> Iterator[str]:
    for coding in _codings(medication.get("extension", [])):
        if coding["system"].endswith(GROUP_SYSTEM):
            yield coding["code"]


def _codings(element: Any) -> Iterator[Resource]:
    """Yield every Coding at any depth."""
    if isinstance(element, list):
        for child in element:
            yield from _codings(child)
    if isinstance(element, dict):
        if isinstance(element.get("system"), str) and isinstance(element.get("code"), str):
            yield element
        yield from _codings(list(element.values()))


def answer_renewal(
    store: Store, task: Resource, now: datetime, options: AnswerOptions
) -> AnsweredRequest | None:
    """Renew the prescription or reject the request; None if it is not open."""
    if task["status"] not in OPEN_TASK_STATUSES:
        return None
    prescription = store.get("MedicationRequest", id_of(references_at(task, "focus")[0])) or {}
    reason = _rejection_reason(store, task, prescription, now, options)
    changes = _reject(reason) if reason else _renew(store, prescription, now, options)
    store.put(task | changes | {"lastModified": _timestamp(now)})
    outcome: Outcome = "refused" if reason else "renewed"
    return AnsweredRequest(reference_to(task), "prescription-renewal", outcome)


def _rejection_reason(
    store: Store, task: Resource, prescription: Resource, now: datetime, options: AnswerOptions
) -> str:
    note = "\n".join(values_at(task, "note.text"))
    if options.decline or is_decline_requested(note):
        return options.text or _REFUSAL_TEXT
    if not prescription:
        return _REFUSAL_TEXT
    if read_prescription_group(store, prescription) in NEEDS_CONSULTATION:
        return _CONSULTATION_TEXT
    return renewal_obstacle(store, prescription, now)


def _reject(reason: str) -> Resource:
    return {"status": "rejected", "statusReason": {"text": reason}}


def _renew(store: Store, prescription: Resource, now: datetime, options: AnswerOptions) -> Resource:
    """Store the new prescription, and return the changes of the request."""
    new = store.insert(_successor(prescription, now))
    store.put(prescription | {"status": "completed"})
    output = {
        "type": {"text": "Renewed prescription"},
        "valueReference": {"reference": reference_to(new)},
    }
    status_reason = {"statusReason": {"text": options.text}} if options.text else {}
    return {"status": "completed", "output": [output]} | status_reason


def _successor(former: Resource, now: datetime) -> Resource:
    """Return a prescription of the same medicine and dosage that begins today."""
    copied = {name: value for name, value in former.items() if name not in _NOT_COPIED}
    extensions = [each for each in former.get("extension", ()) if each["url"] != REPEAT_INFORMATION]
    supply = former.get("dispenseRequest", {})
    new_elements = {
        "status": "active",
        "authoredOn": _timestamp(now),
        "priorPrescription": {"reference": reference_to(former)},
        "dispenseRequest": supply | {"validityPeriod": _validity(supply, now)},
    }
    copied.pop("extension", None)
    return copied | new_elements | ({"extension": extensions} if extensions else {})


def _validity(supply: Resource, now: datetime) -> Resource:
    """Return a period from today, as long as the former one, or a year."""
    former = supply.get("validityPeriod", {})
    length = _DEFAULT_VALIDITY
    if {"start", "end"} <= former.keys():
        span = period_span(former)
        length = timedelta(microseconds=span.high - span.low)
    today = now.astimezone(ZONE).date()
    until = today + timedelta(days=max(length.days - 1, 0))
    return {"start": today.isoformat(), "end": until.isoformat()}


def _timestamp(now: datetime) -> str:
    return now.astimezone(ZONE).isoformat(timespec="seconds")
