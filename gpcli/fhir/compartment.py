"""Whether a record is about the patient: lenient servers send other patients' records too."""

from __future__ import annotations

from collections.abc import Callable

from gpcli.fhir.element import Element

_PATIENT_REFERENCES: dict[str, Callable[[Element], tuple[str | None, ...]]] = {
    "Patient": lambda patient: (patient.relative_reference,),
    "Appointment": lambda appointment: tuple(
        participant.reference("actor") for participant in appointment.children("participant")
    ),
    "Communication": lambda message: _subject(message) or _sender_and_recipients(message),
    "Consent": lambda consent: (consent.reference("patient"),),
    "Immunization": lambda immunization: (immunization.reference("patient"),),
    "MedicationRequest": lambda request: (request.reference("subject"),),
    "Task": lambda task: (task.reference("for"),),
}


def _subject(message: Element) -> tuple[str, ...]:
    subject = message.reference("subject")
    return (subject,) if subject else ()


def _sender_and_recipients(message: Element) -> tuple[str | None, ...]:
    return message.reference("sender"), *message.references("recipient")


def is_about_patient(record: Element, patient: str) -> bool:
    """Return whether the record is about the patient with this id.

    True for types that belong to no patient, such as Slot.

    Raises:
        Malformed: a reference of the record can't be read.

    Source: R4 CompartmentDefinition patient.
    """
    read_references = _PATIENT_REFERENCES.get(record.resource_type)
    return read_references is None or f"Patient/{patient}" in read_references(record)
