"""Whose a record is: lenient servers send more than was asked for."""

from __future__ import annotations

from collections.abc import Callable

from gpcli.fhir.element import Element

_SUBJECTS: dict[str, Callable[[Element], tuple[str | None, ...]]] = {
    "Patient": lambda patient: (patient.ref,),
    "Appointment": lambda appointment: tuple(
        each.reference("actor") for each in appointment.children("participant")
    ),
    "Communication": lambda message: _about(message) or _between(message),
    "Consent": lambda consent: (consent.reference("patient"),),
    "Immunization": lambda immunization: (immunization.reference("patient"),),
    "MedicationRequest": lambda request: (request.reference("subject"),),
    "Task": lambda task: (task.reference("for"),),
}


def _about(message: Element) -> tuple[str, ...]:
    subject = message.reference("subject")
    return (subject,) if subject else ()


def _between(message: Element) -> tuple[str | None, ...]:
    return message.reference("sender"), *message.references("recipient")


def concerns(record: Element, patient: str) -> bool:
    """Whether the record is about the patient with this id; raises Malformed.

    Records of other types than these are nobody's own and concern everybody.
    """
    subjects = _SUBJECTS.get(record.kind)
    return subjects is None or f"Patient/{patient}" in subjects(record)
