"""What the portal knows of a prescription: what it is for, whether it can be renewed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gpcli.sandbox.fhir.dates import microseconds, period
from gpcli.sandbox.fhir.elements import Resource, id_of, reference_to, references, values
from gpcli.sandbox.store import Store

SNOMED = "http://snomed.info/sct"
RENEWAL = "103742009"
"""SNOMED CT: renewal of prescription, the code of a Task that asks for one."""
OPEN = ("requested", "received", "accepted", "in-progress", "on-hold")
"""The states of a request that the surgery has yet to settle."""
GROUP_SYSTEM = "7421"
"""The last digits of the systems for prescription groups (Volven 7421)."""
NEEDS_CONSULTATION = ("A", "B")
"""The groups that are prescribed in a consultation."""
_RENEWABLE = ("active", "completed")


def obstacle(store: Store, prescription: Resource, now: datetime) -> str:
    """Why a prescription can't be renewed, as a sentence; empty if it can."""
    if prescription["status"] not in _RENEWABLE:
        return f"This prescription is {prescription['status']}."
    if is_expired(prescription, now):
        return "This prescription has expired."
    if is_replaced(store, prescription):
        return "This prescription has been renewed: ask for the newer one."
    return ""


def is_expired(prescription: Resource, now: datetime) -> bool:
    """Whether the time in which it is good for anything has ended."""
    validity = values(prescription, "dispenseRequest.validityPeriod")
    return any(period(each).high <= microseconds(now) for each in validity)


def is_replaced(store: Store, prescription: Resource) -> bool:
    """Whether a newer prescription stands in its place."""
    own = {"patient": references(prescription, "subject")[0]}
    reference = reference_to(prescription)
    return any(
        reference in references(each, "priorPrescription")
        for each in store.find("MedicationRequest", **own)
    )


def group(store: Store, prescription: Resource) -> str:
    """The prescription group of the medicine (`A`, `B`, `C` ...); empty if none is told."""
    return next(_groups(_medication(store, prescription)), "")


def _medication(store: Store, prescription: Resource) -> Resource:
    """The Medication; one made of the concept where the prescription names no resource."""
    if "medicationCodeableConcept" in prescription:
        return {"code": prescription["medicationCodeableConcept"]}
    for reference in references(prescription, "medicationReference"):
        contained = {f"#{each.get('id')}": each for each in prescription.get("contained", ())}
        return contained.get(reference) or store.get("Medication", id_of(reference)) or {}
    return {}


def _groups(medication: Resource) -> Iterator[str]:
    for coding in _codings(medication.get("extension", [])):
        if coding["system"].endswith(GROUP_SYSTEM):
            yield coding["code"]


def _codings(element: Any) -> Iterator[Resource]:
    """Every Coding at any depth: objects with a textual `system` and `code`."""
    if isinstance(element, list):
        for child in element:
            yield from _codings(child)
    if isinstance(element, dict):
        if isinstance(element.get("system"), str) and isinstance(element.get("code"), str):
            yield element
        yield from _codings(list(element.values()))
